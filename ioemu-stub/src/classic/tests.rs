//! Configurations that xl reads, and command lines that we read again.

use super::*;

fn files() -> Files {
    Files {
        kernel: "/usr/lib/xen/boot/ioemu-stubdom.gz".to_string(),
        ramdisk: "/usr/lib/xen/boot/ioemu-stubdom.rom".to_string(),
    }
}

fn guest() -> Guest {
    Guest {
        id: 7,
        name: "old one".to_string(),
        disks: Vec::from([
            Disk {
                vdev: "hda".to_string(),
                media: Media::Disk,
                writable: true,
                target: "/dev/vg/a,b".to_string(),
                backend: "phy".to_string(),
                script: Some("block-lab".to_string()),
            },
            Disk {
                vdev: "hdc".to_string(),
                media: Media::Cd,
                writable: false,
                target: String::new(),
                backend: "qdisk".to_string(),
                script: None,
            },
        ]),
        cards: Vec::from([Card {
            mac: "00:16:3e:00:00:01".to_string(),
            bridge: Some("xenbr0".to_string()),
            script: None,
        }]),
        screen: Vec::from([
            ("vnc".to_string(), "1".to_string()),
            ("vnclisten".to_string(), "127.0.0.1".to_string()),
        ]),
    }
}

fn config(text: &str) -> Config {
    Config::from_text(text).unwrap()
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(" = "));
    let (_, value) = lines.clone().find(|(known, _)| *known == name)?;
    assert_eq!(
        lines.by_ref().filter(|(known, _)| *known == name).count(),
        1
    );
    Some(value)
}

#[test]
fn everything_of_the_guest_is_in_it() {
    let config = config("-d 7 -domain-name x -std-vga -videoram 8 -boot cd -acpi -serial pty");
    let written = configuration(&config, &guest(), &files(), &[]);
    let text = &written.text;
    for (name, value) in [
        ("name", r#""old one-dm""#),
        ("kernel", r#""/usr/lib/xen/boot/ioemu-stubdom.gz""#),
        ("ramdisk", r#""/usr/lib/xen/boot/ioemu-stubdom.rom""#),
        ("memory", "24"),
        (
            "disk",
            r#"["vdev=hda,format=raw,access=rw,backendtype=phy,script=block-lab,target=/dev/vg/a,b", "vdev=hdc,format=raw,access=ro,devtype=cdrom,backendtype=qdisk,target="]"#,
        ),
        ("vif", r#"["mac=00:16:3e:00:00:01,bridge=xenbr0"]"#),
        ("vfb", r#"["vnc=1,vnclisten=127.0.0.1"]"#),
        (
            "channel",
            r#"["connection=pty,name=nobodys", "connection=pty,name=serial0"]"#,
        ),
        ("on_crash", r#""destroy""#),
    ] {
        assert_eq!(line(text, name), Some(value), "{name}");
    }
    assert_eq!(written.notes, [""; 0]);
}

#[test]
fn the_words_mean_the_same_as_those_they_come_from() {
    let upstream = "-xen-domid 7 -device VGA,vgamem_mb=16 -boot order=dc -smp 2,maxcpus=4 \
        -serial /dev/hvc3 -serial null -usb -usbdevice tablet -m 248 \
        -device e1000,id=nic1,netdev=net1,mac=00:16:3e:00:00:01 -machine pc,accel=xen";
    let upstream: Vec<&str> = upstream.split_whitespace().collect();
    for first in [
        Config::from_argv(&upstream).unwrap(),
        config("-d 7 -videoram 4 -boot n -acpi"),
        config("-d 7 -vga none"),
    ] {
        let again = config(&words(&first, &guest()));
        assert_eq!(again.guest, Some(7));
        assert_eq!(again.vga, first.vga);
        assert_eq!(again.vga_memory, first.vga_memory);
        assert_eq!(again.boot, first.boot);
        assert_eq!(again.acpi, first.acpi);
        assert_eq!(again.platform, first.platform);
        assert_eq!(again.memory, first.memory);
        assert_eq!(again.usb, first.usb);
        assert_eq!(again.nics, first.nics);
        assert_eq!(
            (again.processors, again.most_processors),
            (first.processors, first.most_processors)
        );
        let lines = |config: &Config| config.serials.len();
        assert_eq!(lines(&again), lines(&first));
        assert!(!again.warnings.iter().any(|line| line.contains("unknown")));
    }
}

#[test]
fn the_administrators_file_counts_more() {
    let own = assignments(
        "# for the old one\n\
         memory = 64   # more\n\
         cpu_weight=512\n\
         vif = [ 'mac=00:16:3e:00:00:02',\n\
                 'mac=00:16:3e:00:00:03' ]\n\
         extra = 'log=debug#1'\n\
         sdl = 0\n\
         vncdisplay = '3'\n\
         device_model = '/usr/lib/xen/bin/qemu-dm'\n\
         target = 5\n\
         nonsense\n",
    );
    let written = configuration(&config("-d 7"), &guest(), &files(), &own);
    let text = &written.text;
    assert_eq!(line(text, "memory"), Some("64"));
    assert_eq!(line(text, "cpu_weight"), Some("512"));
    assert_eq!(
        line(text, "vif"),
        Some("[ 'mac=00:16:3e:00:00:02', 'mac=00:16:3e:00:00:03' ]")
    );
    assert!(line(text, "extra").unwrap().ends_with(" log=debug#1\""));
    assert_eq!(
        line(text, "vfb"),
        Some(r#"["vnc=1,vnclisten=127.0.0.1,sdl=0,vncdisplay=3"]"#)
    );
    assert_eq!(line(text, "target"), None);
    assert_eq!(written.notes.len(), 2, "{:?}", written.notes);
}

#[test]
fn a_name_cannot_break_out_of_its_quotes() {
    let mut guest = guest();
    guest.name = "a\"\nextra = 'x\\".to_string();
    let written = configuration(&config("-d 7"), &guest, &files(), &[]);
    let name = line(&written.text, "name").unwrap();
    assert_eq!(name, "\"aextra = 'x-dm\"");
    let extra = line(&written.text, "extra").unwrap();
    assert!(extra.starts_with("\"-d 7 "), "{extra}");
}
