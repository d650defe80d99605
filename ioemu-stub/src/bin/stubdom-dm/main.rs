//! `stubdom-dm`: a device model, to who started it, that is a stub domain.
//!
//! ```text
//!   device_model_override = "/usr/lib/xen/bin/stubdom-dm"       in the guest's configuration, or
//!   stubdom-dm -d <domid> -domain-name <name> -vnc … -serial …  by hand, for a guest that waits
//! ```
//!
//! It takes a device model's command line, old or new, writes the stub domain's
//! configuration to `/etc/xen/stubdoms/<name>-dm` (what stands in
//! `/etc/xen/stubdoms/<name>` counts more), creates it with `xl`, gives it power
//! over the guest, and becomes the proxy between the toolstack and the stub's
//! monitor. It is the stub domain of the guest from then on: `xl destroy` of
//! the guest destroys both.
//!
//! `xl` itself knows no `target`: where it can make the stub domain on its own
//! (`device_model_stubdomain_override = 1`), that is the better way.

mod privilege;
mod store;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use ioemu_stub::arguments::{Config, Media};
use ioemu_stub::classic::{self, Card, Disk, Files, Guest};
use store::Store;

/// Where administrators put down what they want of a guest's stub domain.
const CONFIGURATIONS: &str = "/etc/xen/stubdoms";
/// The stub domain must be there by then: libxl's own patience.
const PATIENCE: Duration = Duration::from_secs(60);

type Result<T, E = String> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("stubdom-dm: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let upstream = words.iter().any(|word| word == "-xen-domid");
    let config = match upstream {
        true => Config::from_argv(words),
        false => Config::from_text(&words.join(" ")),
    };
    let mut config = config.map_err(|error| error.to_string())?;
    let id = config.guest.ok_or("no guest: -d <domid> is missing")?;
    let mut store = Store::open().map_err(|error| format!("xenstore: {error}"))?;
    let guest = look_at(&mut store, id, &config, words)?;
    if !upstream && config.vga_memory == 0 {
        config.vga_memory = 4;
    }
    let stub = create(&config, &guest)?;
    let finished = empower(&mut store, stub, id)
        .and_then(|()| xl(&["unpause", &stub.to_string()]))
        .and_then(|()| wait_for(&mut store, stub, id));
    show_serials(&mut store, stub, id);
    if let Err(why) = finished {
        let _ = xl(&["destroy", &stub.to_string()]);
        return Err(why);
    }
    serve(&mut store, stub, id, words)
}

/// What the store says of the guest.
fn look_at(store: &mut Store, id: u16, config: &Config, words: &[String]) -> Result<Guest> {
    let home = format!("/local/domain/{id}");
    let name = store.read(&format!("{home}/name")).or(config.name.clone());
    let name = name.ok_or(format!("domain {id}: no such guest"))?;
    if name.is_empty() || name.contains('/') {
        return Err(format!("domain {id}: {name:?} cannot be a file's name"));
    }
    let mut guest = Guest {
        id,
        name,
        screen: screen(words, config),
        ..Guest::default()
    };
    for devid in store.list(&format!("{home}/device/vbd")) {
        let backend = store.read(&format!("{home}/device/vbd/{devid}/backend"));
        guest
            .disks
            .extend(backend.and_then(|path| disk(store, &path)));
    }
    for number in store.list(&format!("{home}/device/vif")) {
        let backend = store.read(&format!("{home}/device/vif/{number}/backend"));
        guest
            .cards
            .extend(backend.and_then(|path| card(store, &path)));
    }
    Ok(guest)
}

fn disk(store: &mut Store, backend: &str) -> Option<Disk> {
    let mut node = |name: &str| store.read(&format!("{backend}/{name}"));
    let params = node("params").unwrap_or_default();
    let script = node("script").filter(|script| !script.ends_with("/block"));
    let qdisk = backend.contains("/qdisk/");
    Some(Disk {
        vdev: node("dev")?,
        media: match node("device-type").as_deref() {
            Some("cdrom") => Media::Cd,
            _ => Media::Disk,
        },
        writable: node("mode").as_deref() != Some("r"),
        // QEMU's disks have their format before the file.
        target: match params.split_once(':') {
            Some((_, file)) if qdisk => file.to_string(),
            _ => params,
        },
        backend: if qdisk { "qdisk" } else { "phy" }.to_string(),
        script: script.and_then(|script| script.rsplit('/').next().map(String::from)),
    })
}

fn card(store: &mut Store, backend: &str) -> Option<Card> {
    let mut node = |name: &str| store.read(&format!("{backend}/{name}"));
    let script = node("script").filter(|script| !script.ends_with("/vif-bridge"));
    Some(Card {
        mac: node("mac")?,
        bridge: node("bridge").filter(|bridge| !bridge.is_empty()),
        script: script.and_then(|script| script.rsplit('/').next().map(String::from)),
    })
}

/// The word behind `option`.
fn value<'a>(words: &'a [String], option: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == option)?;
    words.get(at + 1).map(String::as_str)
}

/// The screen's settings by the names that xl has for them.
fn screen(words: &[String], config: &Config) -> Vec<(String, String)> {
    let mut settings: Vec<(&str, String)> = Vec::new();
    let vnc = value(words, "-vnc").filter(|place| *place != "none");
    if let Some(place) = vnc {
        let (place, options) = place.split_once(',').unwrap_or((place, ""));
        let (address, display) = place.rsplit_once(':').unwrap_or((place, "0"));
        settings.push(("vnc", "1".to_string()));
        settings.push(("vnclisten", address.to_string()));
        settings.push(("vncdisplay", display.to_string()));
        let unused = options.contains("to=") || words.iter().any(|word| word == "-vncunused");
        settings.push(("vncunused", u8::from(unused).to_string()));
    }
    let sdl = words.iter().any(|word| word == "-sdl") || value(words, "-display") == Some("sdl");
    if sdl {
        settings.push(("sdl", "1".to_string()));
    }
    if let (Some(keymap), true) = (&config.keymap, vnc.is_some() || sdl) {
        settings.push(("keymap", keymap.clone()));
    }
    let own = |(name, value): (&str, String)| (name.to_string(), value);
    settings.into_iter().map(own).collect()
}

/// Directories of Xen's boot files, the usual one first.
const BOOT: &[&str] = &["/usr/lib/xen/boot", "/usr/local/lib/xen/boot"];

fn files() -> Files {
    let there = |dir: &&&str| Path::new(dir).join("ioemu-stubdom.gz").exists();
    let dir = BOOT.iter().find(there).unwrap_or(&BOOT[0]);
    Files {
        kernel: format!("{dir}/ioemu-stubdom.gz"),
        ramdisk: format!("{dir}/ioemu-stubdom.rom"),
    }
}

/// Make the stub domain, paused; its number.
fn create(config: &Config, guest: &Guest) -> Result<u16> {
    let folder = Path::new(CONFIGURATIONS);
    let own = fs::read_to_string(folder.join(&guest.name)).unwrap_or_default();
    let own = classic::assignments(&own);
    let written = classic::configuration(config, guest, &files(), &own);
    // The sockets and files of dom0 in a command line that was meant for a
    // program there are no news.
    let news = |line: &&String| !line.starts_with("not served") && !line.starts_with("no disk");
    for line in config.warnings.iter().filter(news).chain(&written.notes) {
        eprintln!("stubdom-dm: {line}");
    }
    let name = format!("{}-dm", guest.name);
    let path = folder.join(&name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, written.text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let path = path.to_string_lossy().into_owned();
    privilege::xl_of_our_own(&["create", "-p", &path])?;
    let domid = Command::new("xl")
        .args(["domid", &name])
        .output()
        .map_err(|error| format!("xl: {error}"))?;
    let domid = String::from_utf8_lossy(&domid.stdout).trim().parse();
    domid.map_err(|_| format!("{name} is not there after xl create"))
}

fn xl(words: &[&str]) -> Result<()> {
    succeed(Command::new("xl").args(words))
}

fn succeed(command: &mut Command) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// Make `stub` the device model of `guest`, for Xen and for the store.
fn empower(store: &mut Store, stub: u16, guest: u16) -> Result<()> {
    privilege::set_target(stub, guest)
        .map_err(|error| format!("Xen gives domain {stub} no power over {guest}: {error}"))?;
    let told = (|| -> io::Result<()> {
        store.set_target(stub, guest)?;
        let ours = format!("/local/domain/{stub}");
        store.write(&format!("{ours}/target"), &guest.to_string())?;
        let desk = format!("{ours}/device-model/{guest}");
        store.make(&desk)?;
        store.permit(&desk, stub, guest)?;
        let node = format!("/local/domain/{guest}/image/device-model-domid");
        store.write(&node, &stub.to_string())
    })();
    told.map_err(|error| format!("xenstore: {error}"))
}

/// Wait until the stub domain serves its guest.
fn wait_for(store: &mut Store, stub: u16, guest: u16) -> Result<()> {
    let state = format!("/local/domain/{stub}/device-model/{guest}/state");
    let start = Instant::now();
    while store.read(&state).as_deref() != Some("running") {
        if start.elapsed() > PATIENCE {
            return Err(format!("domain {stub} does not start: see its console"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Let `xl console -t serial` of the guest find its serial ports.
fn show_serials(store: &mut Store, stub: u16, guest: u16) {
    for console in store.list(&format!("/local/domain/{stub}/device/console")) {
        let front = format!("/local/domain/{stub}/device/console/{console}");
        let name = store.read(&format!("{front}/name"));
        let port = name.as_deref().and_then(|name| name.strip_prefix("serial"));
        let (Some(port), Some(tty)) = (port, store.read(&format!("{front}/tty"))) else {
            continue;
        };
        let node = format!("/local/domain/{guest}/serial/{port}/tty");
        if let Err(error) = store.write(&node, &tty) {
            eprintln!("stubdom-dm: {node}: {error}");
        }
    }
}

/// Directories of Xen's programs.
const PROGRAMS: &[&str] = &["/usr/bin", "/usr/lib/xen/bin", "/usr/local/lib/xen/bin"];

/// The socket that the toolstack wants to find the monitor at.
fn socket(words: &[String]) -> Option<String> {
    let mut chardevs = words.windows(2).filter(|pair| pair[0] == "-chardev");
    let monitor = chardevs.find(|pair| pair[1].contains("id=libxl-cmd"))?;
    let mut options = monitor[1].split(',');
    options.find_map(|option| {
        let (name, value) = option.split_once('=')?;
        matches!(name, "path" | "fd").then(|| value.to_string())
    })
}

/// Tell who started us that the device model runs, and stay until it ends us.
fn serve(store: &mut Store, stub: u16, guest: u16, words: &[String]) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let state = format!("/local/domain/0/device-model/{guest}/state");
    if let Some(socket) = socket(words) {
        let proxy = |dir: &&str| Path::new(dir).join("vchan-socket-proxy");
        let path = PROGRAMS.iter().map(proxy).find(|path| path.exists());
        let path = path.ok_or("no vchan-socket-proxy: it belongs to Xen's programs")?;
        if socket.starts_with('/') {
            let _ = fs::remove_file(&socket);
        }
        // By which libxl ends the proxy of a stub domain.
        let node = format!("/local/domain/{stub}/image/qmp-proxy-pid");
        let told = store.write(&node, &std::process::id().to_string());
        told.map_err(|error| format!("{node}: {error}"))?;
        // It says so itself once it listens.
        let error = Command::new(&path)
            .arg(format!("--state-path={state}"))
            .arg(stub.to_string())
            .arg(format!(
                "/local/domain/{stub}/device-model/{guest}/qmp-vchan"
            ))
            .arg(socket)
            .exec();
        return Err(format!("{}: {error}", path.display()));
    }
    let told = store.write(&state, "running");
    told.map_err(|error| format!("{state}: {error}"))?;
    println!("stubdom-dm: domain {stub} is the device model of domain {guest}");
    if words.iter().any(|word| word == "-domain-name") {
        // Whoever starts a device model of this kind ends it by its process.
        loop {
            thread::park();
        }
    }
    Ok(())
}
