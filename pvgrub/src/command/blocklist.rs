//! `blocklist`: where a file lies on its device.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::fs::Place;
use crate::menu::lexer::argument;
use alloc::format;
use alloc::string::String;

pub static COMMAND: Command = Command {
    name: "blocklist",
    flags: ENTRY | LISTED,
    synopsis: "blocklist FILE",
    help: "\
Prints the sectors that a file lies in, in the form in which they can stand
in place of a file's name: (hd0,0)123+4,200+8. What fills only part of a
sector is in brackets: 208[0-17] is its first 17 bytes. Files that are
packed, or kept inside of other structures, have no sectors of their own.
  FILE    the file; without a device in its name on the root
Example:
  blocklist (hd0,0)/boot/vmlinuz
",
    run: blocklist,
};

fn blocklist(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let spec = context.file(argument(arguments).0)?;
    let device = spec.device.unwrap_or(context.state.root);
    let places = context.files.places(&spec, device)?;
    let sector = u64::from(context.files.size(device)?.1).max(1);
    let list = list(&places, sector).map_err(|error| error.about(&format!("{spec}")))?;
    context.console.line(&format!(" {device}{list}"));
    Ok(Flow::Next)
}

/// The sectors of `places`, runs that touch put together.
fn list(places: &[Place], sector: u64) -> Result<String, Error> {
    let mut out = String::new();
    let mut places = places.iter();
    let mut next = places.next().copied();
    let mut offset = 0u64;
    while let Some(mut place) = next {
        next = places.next().copied();
        let Some(start) = place.start else {
            let reason = format!("has a hole at byte {offset}, which no sector holds");
            return Err(Error::because(ErrorKind::BadFileType, reason));
        };
        while let Some(more) = next.filter(|more| more.start == start.checked_add(place.length)) {
            place.length = place.length.saturating_add(more.length);
            next = places.next().copied();
        }
        offset = offset.saturating_add(place.length);
        run(&mut out, start, place.length, sector);
    }
    Ok(out)
}

/// Appends `length` bytes from `start` on.
fn run(out: &mut String, start: u64, length: u64, sector: u64) {
    let end = start.saturating_add(length);
    let mut push = |text: String| {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&text);
    };
    let first = start.checked_next_multiple_of(sector).unwrap_or(u64::MAX);
    let whole = first..end - end % sector;
    let part = |from: u64, to: u64| {
        format!(
            "{}[{}-{}]",
            from / sector,
            from % sector,
            to - from / sector * sector
        )
    };
    if whole.start > whole.end {
        push(part(start, end));
        return;
    }
    if start < whole.start {
        push(part(start, whole.start));
    }
    if whole.start < whole.end {
        let count = (whole.end - whole.start) / sector;
        push(format!("{}+{count}", whole.start / sector));
    }
    if whole.end < end {
        push(part(whole.end, end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let place = |start, length| Place {
            start: Some(start),
            length,
        };
        for (places, expected) in [
            (&[][..], ""),
            (&[place(1024, 2048)], "2+4"),
            (&[place(1024, 1024), place(2048, 512)], "2+3"),
            (&[place(1024, 1024), place(8192, 513)], "2+2,16+1,17[0-1]"),
            (&[place(1024, 17)], "2[0-17]"),
            (&[place(1030, 17)], "2[6-23]"),
            (&[place(1030, 1024)], "2[6-512],3+1,4[0-6]"),
            (&[place(1030, 1000)], "2[6-512],3[0-494]"),
        ] {
            assert_eq!(list(places, 512).unwrap(), expected, "{places:?}");
        }
        let hole = Place {
            start: None,
            length: 512,
        };
        let error = list(&[place(0, 4096), hole], 512).unwrap_err();
        assert!(error.reason.contains("4096"), "{error}");
        assert_eq!(
            list(&[place(u64::MAX - 5, 5)], 512).unwrap(),
            "36028797018963967[506-511]"
        );
    }
}
