//! Responses as servers send them, and as none should; written from the RFCs.

use super::*;

/// Feeds `response` in pieces of `step` bytes; gives the head and the body.
fn read(response: &[u8], step: usize) -> Result<(Head, Vec<u8>), NetError> {
    let mut machine = Response::default();
    let (mut body, mut at) = (Vec::new(), 0);
    let mut out = [0; 7];
    while at < response.len() && !machine.done() {
        let piece = &response[at..response.len().min(at + step)];
        let fed = machine.feed(piece, &mut out)?;
        body.extend_from_slice(&out[..fed.written]);
        assert!(fed.used > 0, "stuck at {at}");
        at += fed.used;
    }
    machine.end()?;
    assert_eq!(machine.received(), body.len() as u64);
    Ok((machine.head().unwrap().clone(), body))
}

#[test]
fn bodies_end_where_they_should() {
    for (response, body) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world, and more"[..], &b"hello world"[..]),
        (b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\nServer: old\n\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n006;x=y\r\n world\r\n0\r\n\r\n", b"hello world"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\nB\nhello world\n0\nT: 1\nU: 2\n\n", b"hello world"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ] {
        for step in [1, 2, 3, 5, 17, 1000] {
            let (head, came) = read(response, step).unwrap();
            assert_eq!((head.status, &came[..]), (200, body), "{step}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\n";
    let many = format!("{head}{}\r\n", "A: b\r\n".repeat(65));
    let long = format!("{head}A: {}\r\n\r\n", "b".repeat(17_000));
    let chunks = |text: &str| format!("{head}Transfer-Encoding: chunked\r\n\r\n{text}");
    for response in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        &many,
        &long,
        &format!("{head}Content-Length: -1\r\n\r\n"),
        &format!("{head}Content-Length: 1x\r\n\r\n"),
        &format!("{head}Content-Length: 99999999999999999999\r\n\r\n"),
        &format!("{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        &format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n"),
        &"HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
        &chunks("x\r\n"),
        &chunks("\r\n"),
        &chunks("-1\r\n"),
        &chunks("FFFFFFFFFFFFFFFFF\r\n"),
        &chunks("2\r\nabc\r\n0\r\n\r\n"),
        &chunks(&format!("1;{}\r\na", "x".repeat(600))),
        &chunks(&format!("0\r\n{}", "T: x\r\n".repeat(3000))),
        &chunks("5\r\nhel"),
        &chunks("3\r\nhel\r\n"),
        head,
    ] {
        for step in [1, 1000] {
            let error = read(response.as_bytes(), step).unwrap_err();
            assert!(
                matches!(error, NetError::Protocol(_)),
                "{error}: {response:.60}"
            );
        }
    }
    let short = format!("{head}Content-Length: 10\r\n\r\nabc");
    assert_eq!(read(short.as_bytes(), 9), Err(NetError::Short(3, 10)));
}

#[test]
fn statuses() {
    let check = |line: &str| {
        let response = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
        read(response.as_bytes(), 1000).unwrap().0.check()
    };
    assert_eq!(check("206 Partial Content"), Ok(()));
    let missing = check("404 Not Found").unwrap_err();
    assert_eq!(missing, NetError::NotFound("404 Not Found".into()));
    assert_eq!(missing.number(), 15);
    assert_eq!(
        check("403 Forbidden"),
        Err(NetError::Refused("403 Forbidden".into()))
    );
    assert_eq!(check("500"), Err(NetError::Refused("500".into())));
}

#[test]
fn ranges() {
    let range = |value: &str| {
        let response =
            format!("HTTP/1.1 206 P\r\nContent-Range: {value}\r\nContent-Length: 0\r\n\r\n");
        read(response.as_bytes(), 1000).unwrap().0.range
    };
    assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
    assert_eq!(range("bytes 5-9/*"), Some((5, None)));
    for bad in ["5-9/10", "bytes */10", "bytes 5", "bytes x-9/10", ""] {
        assert_eq!(range(bad), None, "{bad}");
    }
}

#[test]
fn requests() {
    let place = Place::new("boot.example", "/a b/ä?x=1&y=%20").unwrap();
    assert_eq!(
        place.request(0),
        "GET /a%20b/%C3%A4?x=1&y=%20 HTTP/1.1\r\nHost: boot.example\r\nUser-Agent: pv-grub\r\n\
         Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    );
    let place = Place::new("10.0.0.1:8080", "/x\r\nEvil: yes").unwrap();
    assert_eq!(place.port, 8080);
    let request = place.request(4096);
    assert!(request.starts_with("GET /x%0D%0AEvil:%20yes HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n"));
    assert!(request.contains("\r\nRange: bytes=4096-\r\n"));
    for (host, path) in [
        ("", "/"),
        ("a b", "/"),
        ("a:b", "/"),
        ("a:0", "/"),
        ("a:65536", "/"),
        ("a/b", "/"),
        ("a\r\n", "/"),
        ("a", "b"),
        ("a", &format!("/{}", "x".repeat(3000))),
    ] {
        assert_eq!(Place::new(host, path), None, "{host}");
    }
}

#[test]
fn redirections() {
    let place = Place::new("a.example:8080", "/boot/linux?v=1/2").unwrap();
    let to = |location: &str| {
        let place = place.follow(location)?;
        Some(format!("{}:{}{}", place.host, place.port, place.path))
    };
    for (location, expected) in [
        ("http://b.example/x", "b.example:80/x"),
        ("HTTP://b.example:81/x#part", "b.example:81/x"),
        ("http://b.example", "b.example:80/"),
        ("http://b.example?q", "b.example:80/?q"),
        ("//c.example/y", "c.example:80/y"),
        ("/z", "a.example:8080/z"),
        ("other", "a.example:8080/boot/other"),
        ("../up", "a.example:8080/boot/../up"),
    ] {
        assert_eq!(to(location).as_deref(), Some(expected), "{location}");
    }
    for bad in [
        "https://b.example/x",
        "ftp://b/x",
        "",
        "http://",
        "http:///x",
        "http://b\r\nc/",
    ] {
        assert_eq!(to(bad), None, "{bad}");
    }
}
