//! The menu on a frame buffer: seen and used through a VNC client, and the same
//! device in Linux' hands afterwards.

use crate::support::{self, GRUB2_IS_UP, disk_is_right};
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use harness::console::key;
use harness::image::{Disk, Table};
use harness::lab::{Lab, Running, patience};
use harness::packages::{self, Flavour};
use harness::paths;
use harness::picture::{Font, Picture};
use harness::vnc::{Vnc, keysym};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// Somebody in front of the screen.
struct Viewer {
    vnc: Vnc,
    shot: PathBuf,
}

impl Viewer {
    /// Waits for a screen that is `good`; the last one is kept as a file.
    fn sees(&mut self, what: &str, good: impl Fn(&Picture) -> bool) -> Result<Picture> {
        let shot = self.shot.clone();
        self.vnc.until(what, patience(60), |screen| {
            let _ = screen.write(&shot);
            good(screen)
        })
    }

    /// Waits until all of `wanted` stand on the screen.
    fn reads(&mut self, wanted: &[&str]) -> Result<Picture> {
        let font = Font::pv_grub();
        let all = |text: &str| wanted.iter().all(|part| text.contains(part));
        self.sees(&wanted.join(", "), |screen| all(&screen.text(&font)))
    }
}

const BLUE: [u8; 3] = [0x10, 0x20, 0x80];
const GREEN: [u8; 3] = [0x10, 0x60, 0x30];

/// A picture as large as the screen, the left half blue and the right one
/// green, packed.
fn splash() -> Result<Vec<u8>> {
    let row = format!("\"{}{}\",\n", "b".repeat(320), "g".repeat(320));
    let text = format!(
        "/* XPM */\nstatic char *splash[] = {{\n\"640 480 2 1\",\n\
         \"b c #102080\",\n\"g c #106030\",\n{}}};\n",
        row.repeat(480)
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text.as_bytes())?;
    Ok(packed.finish()?)
}

/// The line of the screen that is highlighted: on white.
fn highlighted(screen: &Picture) -> String {
    let text = screen.text(&Font::pv_grub());
    let white = |row: usize| {
        let line = screen.pixels.chunks(screen.width).nth(row * 16 + 15);
        line.is_some_and(|line| line.get(100) == Some(&[0xff; 3]))
    };
    let line = text.lines().enumerate().find(|(row, _)| white(*row));
    line.map_or_else(String::new, |(_, line)| line.to_owned())
}

/// A disk with a menu that has a picture behind it, Debian and GRUB 2.
fn disk() -> Result<Disk> {
    let menu = format!(
        "splashimage=(hd0,0)/boot/grub/splash.xpm.gz\nshade 0\n\
         title First\nkernel /missing\n{}\
         title GRUB 2\nkernel /boot/grub.bin\n",
        support::entry("Debian on a screen", Table::Mbr, "lab.then=screen")
    );
    let disk = support::disk(80, Table::Mbr, &menu)?;
    disk.bytes("boot/grub/splash.xpm.gz", splash()?)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    support::install(&disk, &support::payload(Flavour::Stock)?)?;
    Ok(disk)
}

#[test]
fn a_menu_on_a_frame_buffer_and_linux_on_it_afterwards() -> Result<()> {
    let image = support::image(&disk()?)?;
    let script = paths::workspace().join("tests/dom0/block-lab");
    let mut lab = Lab::builder("a_menu_on_a_frame_buffer_and_linux_on_it_afterwards")
        .qemu()
        .file("usr/lib/xen/boot/pv-grub-x86_64.gz", &support::pv_grub()?)
        // What xl runs for a disk that names no script of its own.
        .bytes("etc/xen/scripts/block", fs::read(script)?)
        .file("lab/disk", image.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk && mkdir /dev/vg0 && mknod /dev/vg0/debian b 7 0")?;
    // The example as it stands.
    let example = paths::workspace().join("config-examples/pv-grub-vfb.cfg");
    let config = fs::read_to_string(&example).context("config-examples/pv-grub-vfb.cfg")?;
    let mut running = lab.create_as("debian-vfb", &config)?;
    let mut viewer = Viewer {
        vnc: lab.vnc(1)?,
        shot: lab.dir().join("menu.png"),
    };
    use_the_menu(&mut viewer, &mut running)?;
    // While nobody does anything, nothing happens.
    let begin = lab.cpu_seconds("debian-vfb")?;
    sleep(Duration::from_secs(3));
    let idled = lab.cpu_seconds("debian-vfb")? - begin;
    ensure!(
        idled < 0.15,
        "3 s of waiting took {idled} s of the processor"
    );
    viewer.vnc.press(keysym::RETURN)?;
    disk_is_right(&mut running)?;
    // Linux' own drivers have found both devices as new.
    running.console.expect("LAB-FB xen ", patience(20))?;
    running.console.expect("LAB-KEYBOARD 1", patience(20))?;
    running.console.expect("LAB-WHITE", patience(20))?;
    viewer.shot = lab.dir().join("linux.png");
    // QEMU makes a second screen of a frame buffer that comes back.
    for (key, down) in [
        (keysym::CONTROL, true),
        (keysym::ALT, true),
        ('2' as u32, true),
        ('2' as u32, false),
        (keysym::ALT, false),
        (keysym::CONTROL, false),
    ] {
        viewer.vnc.key(key, down)?;
    }
    viewer.sees("what Linux drew", |screen| screen.share([255; 3], 0) > 0.9)?;
    viewer.vnc.enter("from the other keyboard\n")?;
    // Its letters are on the screen, too. (Whoever does not look any more holds
    // up what he types: pictures and keys go through the same pipe.)
    viewer.sees("the letters", |screen| screen.share([255; 3], 0) < 1.0)?;
    let typed = "LAB-TYPED from the other keyboard";
    running.console.expect(typed, patience(60))?;
    lab.release(running)?;
    only_on_the_console(&mut lab, &config)?;
    // The same guest with a frame buffer that nobody serves.
    nobody_serves_it(&mut lab, &config.replace("vfb ", "# "))
}

/// A menu that is to be on the console alone leaves the frame buffer to Linux,
/// untouched: the screen that QEMU makes of it is the first.
fn only_on_the_console(lab: &mut Lab, config: &str) -> Result<()> {
    let config = config.replace("extra  = \"", "extra  = \"console=hvc0 ");
    let mut running = lab.create_as("debian-vfb", &config)?;
    let console = &mut running.console;
    console.expect_highlighted("First", patience(20))?;
    let state = lab.sh("xenstore-read /local/domain/$(xl domid debian-vfb)/device/vfb/0/state")?;
    ensure!(state.trim() == "1", "connected: state {state}");
    console.send(key::DOWN)?;
    console.expect_highlighted("Debian", patience(20))?;
    console.send(key::ENTER)?;
    disk_is_right(&mut running)?;
    running.console.expect("LAB-FB xen ", patience(20))?;
    running.console.expect("LAB-KEYBOARD 1", patience(20))?;
    lab.release(running)
}

/// Looks at the menu on both screens, and uses both keyboards; Debian is
/// highlighted in the end.
fn use_the_menu(viewer: &mut Viewer, running: &mut Running) -> Result<()> {
    let console = &mut running.console;
    let screen = viewer.reads(&[
        "PV-GRUB  version",
        " First ",
        "Debian on a screen",
        "GRUB 2",
    ])?;
    ensure!((screen.width, screen.height) == (640, 480), "another size");
    ensure!(highlighted(&screen).contains("First"), "no highlight");
    for colour in [BLUE, GREEN] {
        ensure!(screen.share(colour, 0) > 0.3, "no picture behind the menu");
    }
    console.expect_highlighted("First", patience(20))?;
    // A key of either keyboard moves both.
    viewer.vnc.press(keysym::DOWN)?;
    viewer.vnc.press(keysym::DOWN)?;
    console.expect_highlighted("GRUB 2", patience(20))?;
    console.send(key::UP)?;
    let debian = |screen: &Picture| highlighted(screen).contains("Debian on a screen");
    viewer.sees("the second entry highlighted", debian)?;
    console.expect_highlighted("Debian", patience(20))?;
    // Letters with and without Shift, on the command line.
    viewer.vnc.enter("c")?;
    viewer.reads(&["grubdom>"])?;
    viewer.vnc.enter("print Shift_(Me) 42\n")?;
    viewer.reads(&["grubdom> print Shift_(Me) 42", "\nShift_(Me) 42"])?;
    console.expect("\nShift_\\(Me\\) 42", patience(20))?;
    viewer.vnc.press(keysym::ESCAPE)?;
    viewer.sees("the menu again", debian)?;
    Ok(())
}

/// A backend that is announced and never answers holds up neither the menu nor
/// the boot.
fn nobody_serves_it(lab: &mut Lab, config: &str) -> Result<()> {
    let announced = "i=$(xl domid debian-vfb); f=/local/domain/$i/device/vfb/0\n\
         b=/local/domain/0/backend/vfb/$i/0\n\
         xenstore-write $b/state 1 $b/frontend $f $b/frontend-id $i\n\
         xenstore-write $f/backend $b $f/backend-id 0 $f/state 1\n\
         for n in $f $f/backend $f/backend-id $f/state; do xenstore-chmod $n n$i; done\n\
         for n in $b $b/state $b/frontend; do xenstore-chmod $n n0 r$i; done";
    let mut running = lab.create_after("debian-vfb", config, announced)?;
    let console = &mut running.console;
    console.expect_highlighted("First", patience(20))?;
    console.send(key::DOWN)?;
    console.send(key::DOWN)?;
    console.expect_highlighted("GRUB 2", patience(20))?;
    console.send(key::ENTER)?;
    console.expect("no menu on frame buffer 0: ", patience(20))?;
    console.expect(GRUB2_IS_UP, patience(30))?;
    let state = lab.sh("xenstore-read /local/domain/$(xl domid debian-vfb)/device/vfb/0/state")?;
    ensure!(state.trim() == "1", "left in state {state}");
    Ok(())
}
