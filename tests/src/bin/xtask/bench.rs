//! `cargo xtask bench`: README's table, measured anew.

use crate::{build, need};
use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzEncoder;
use harness::bench::{self, Boot, Contender, IDLE_HOURS};
use harness::bench_fetch::{self, Guest};
use harness::bench_hvm::{self, Figures};
use harness::bench_net;
use harness::bench_payloads::{PAYLOADS, Payload, Times};
use harness::hvm::DeviceModel;
use harness::{packages, paths};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::thread;

/// Measures, prints the tables, and puts them into README.md.
pub fn run() -> Result<()> {
    need::all()?;
    build::build()?;
    println!("bench: six runs in the lab, two at a time");
    publish("bench", &table()?)?;
    payloads()?;
    hvm_tables()?;
    net()
}

/// Only those of the kinds of kernels and disks.
pub fn payloads() -> Result<()> {
    need::all()?;
    build::pv_grub()?;
    println!(
        "bench: {} more runs in the lab, two at a time",
        PAYLOADS.len()
    );
    let measured = |n: usize| PAYLOADS.get(n).map(Payload::measure).transpose();
    let mut table = "| kernel and disk | GRUB 2 | PV-GRUB | ratio | of which Linux |\n\
         |---|---|---|---|---|\n"
        .to_owned();
    for (n, pair) in PAYLOADS.chunks(2).enumerate() {
        let (one, two) = both(|| measured(n * 2), || measured(n * 2 + 1))?;
        for (payload, times) in pair.iter().zip([one, two].into_iter().flatten()) {
            let Times { grub2, ours, linux } = times;
            let ratio = ours / grub2;
            let row = format!(
                "| {} | {grub2:.2} s | {ours:.2} s | {ratio:.2} | {linux:.2} s |\n",
                payload.what
            );
            print!("{row}");
            table += &row;
        }
    }
    publish("bench payloads", &table)
}

/// Only the figures of the network.
pub fn net() -> Result<()> {
    need::all()?;
    build::test_kernels()?;
    println!("bench: two runs in the lab, both at a time");
    publish("bench net", &card_table()?)?;
    fetch()
}

/// Of these only the figures of fetching a file.
pub fn fetch() -> Result<()> {
    need::all()?;
    build::pv_grub()?;
    build::test_kernels()?;
    println!("bench: two runs in the lab, both at a time");
    publish("bench fetch", &fetch_table()?)
}

fn fetch_table() -> Result<String> {
    let measure = |guest| move || bench_fetch::measure(guest);
    let (linux, ours) = both(measure(Guest::Linux), measure(Guest::PvGrub))?;
    let mut table = format!(
        "| {:.1} MiB | Linux 6.1, busybox | PV-GRUB | ratio |\n|---|---|---|---|\n",
        bench_fetch::mib()?
    );
    for (what, linux, ours) in [
        (
            format!("TFTP, blocks of {} bytes", bench_fetch::BLOCK),
            linux.tftp,
            ours.tftp,
        ),
        ("HTTP".to_owned(), linux.http, ours.http),
    ] {
        let ratio = ours / linux;
        table += &format!("| {what} | {linux:.1} MiB/s | {ours:.1} MiB/s | {ratio:.2} |\n");
    }
    table += &format!(
        "| HTTP beside busybox' TFTP | | | {:.2} |\n",
        ours.http / linux.tftp
    );
    Ok(table)
}

fn card_table() -> Result<String> {
    let measure = |guest| move || bench_net::measure(guest);
    let (linux, ours) = both(
        measure(bench_net::Guest::Linux),
        measure(bench_net::Guest::Ours),
    )?;
    let row = |what: &str, unit: &str, digits: usize, linux: f64, ours: f64| {
        format!(
            "| {what} | {linux:.digits$} {unit} | {ours:.digits$} {unit} | {:.2} |\n",
            ours / linux
        )
    };
    let mut table = "| | Linux 6.1 | netfront | ratio |\n|---|---|---|---|\n".to_owned();
    for (what, linux, ours) in [
        ("received", linux.received, ours.received),
        ("sent", linux.sent, ours.sent),
    ] {
        let (l, o) = (linux.instructions, ours.instructions);
        table += &row(
            &format!("instructions of the guest for a byte {what}"),
            "",
            2,
            l,
            o,
        );
        table += &row(
            &format!("TCP {what}, dom0's work on the same processor included"),
            "MiB/s",
            0,
            linux.rate,
            ours.rate,
        );
    }
    Ok(table)
}

/// Only the figures of HVM guests.
pub fn hvm() -> Result<()> {
    need::all()?;
    build::stub()?;
    println!("bench: two runs in the lab, both at a time");
    hvm_tables()
}

fn hvm_tables() -> Result<()> {
    let measure = |model| move || bench_hvm::measure(model);
    let (qemu, ours) = both(measure(DeviceModel::Qemu), measure(DeviceModel::Stub))?;
    publish("bench hvm", &hvm_table(&qemu, &ours)?)
}

/// Prints a table and puts it into its place in README.md.
fn publish(command: &str, table: &str) -> Result<()> {
    println!("\n{table}");
    let readme = paths::workspace().join("README.md");
    let text = fs::read_to_string(&readme)?;
    let begin = format!("<!-- cargo xtask {command}: begin -->\n");
    let end = format!("<!-- cargo xtask {command}: end -->\n");
    let (head, rest) = text
        .split_once(&begin)
        .context("README.md has no place for the table")?;
    let (_, tail) = rest
        .split_once(&end)
        .context("README.md has no end of the table")?;
    fs::write(&readme, format!("{head}{begin}{table}{end}{tail}"))?;
    Ok(())
}

fn hvm_table(qemu: &Figures, ours: &Figures) -> Result<String> {
    let image = fs::metadata(paths::dist().join("ioemu-stubdom.gz"))?.len();
    let row = |what: &str, unit: &str, digits: usize, of: fn(&Figures) -> f64| {
        let (qemu, ours) = (of(qemu), of(ours));
        format!(
            "| {what} | {qemu:.digits$} {unit} | {ours:.digits$} {unit} | {:.2} |\n",
            ours / qemu
        )
    };
    let mut table = "| | QEMU in dom0 | stub domain | ratio |\n|---|---|---|---|\n".to_owned();
    table += &row(
        "`xl create`, Linux from GRUB's CD, power-off",
        "s",
        1,
        |f| f.boot,
    );
    table += &row("one read of an emulated port", "µs", 1, |f| f.read);
    table += &row(
        "Linux reads an IDE disk by DMA, 128 KiB a command (page cache)",
        "MiB/s",
        1,
        |f| f.disk,
    );
    table += &row("the same, a MiB a command (`O_DIRECT`)", "MiB/s", 1, |f| {
        f.direct
    });
    table += &row("device model's start to `running`", "s", 2, |f| f.start);
    table += &format!(
        "| memory of its own domain, video memory of 16 MiB included | – | {:.0} MiB | |\n\
         | processes in dom0 (for the stub domain: its backends, and QMP) \
         | {:.0} MiB | {:.0} MiB | |\n",
        ours.domain, qemu.processes, ours.processes
    );
    table += &format!(
        "| image, gzipped, without ROMs | – | {} KiB | |\n",
        image.div_ceil(1024)
    );
    table += &format!(
        "| idle guest: processor time of the device model in an hour | {:.0} s | {:.1} s | |\n\
         | idle guest: wake-ups a second of processes in dom0 | {:.1} | {:.1} | |\n",
        qemu.idle, ours.idle, qemu.wake_ups, ours.wake_ups
    );
    Ok(table)
}

/// Runs two measurements at the same time. They cannot disturb each other:
/// what they measure is counted in instructions.
fn both<A: Send, B: Send>(
    a: impl FnOnce() -> Result<A> + Send,
    b: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    thread::scope(|scope| {
        let a = scope.spawn(a);
        let b = b();
        let a = a
            .join()
            .map_err(|_| anyhow::anyhow!("a measurement panicked"))?;
        Ok((a?, b?))
    })
}

fn table() -> Result<String> {
    let boot = |contender| move || bench::boot(contender);
    let (ours, grub2) = both(boot(Contender::PvGrub), boot(Contender::Grub2))?;
    let (direct, grub2_reads) = both(boot(Contender::Direct), bench::grub2_reads)?;
    let (idle, small) = both(bench::idle, small_files)?;
    let loading = ours
        .loader
        .context("PV-GRUB does not say how long it took")?;
    let reads = bench::kernel_mib()? / loading.read;
    let total = |boot: &Boot| format!("{:.2} s", boot.total);
    let linux = |boot: &Boot| format!("{:.2} s", boot.linux);
    let rows = [
        [
            "`xl create` to Debian 6.1 (xz) in user space".to_owned(),
            total(&direct),
            total(&grub2),
            total(&ours),
        ],
        [
            "of which Linux itself".into(),
            linux(&direct),
            linux(&grub2),
            linux(&ours),
        ],
        [
            format!(
                "reading the kernel file ({:.1} MiB) from ext4",
                bench::kernel_mib()?
            ),
            "–".into(),
            format!("{grub2_reads:.0} MiB/s"),
            format!("{reads:.0} MiB/s"),
        ],
        [
            "unpacking it (xz)".into(),
            "in dom0".into(),
            "–".into(),
            format!("{:.2} s", loading.unpack),
        ],
        [
            "the loader's image, gzipped".into(),
            "–".into(),
            small.grub2,
            small.ours,
        ],
        [
            format!("processor time in {IDLE_HOURS} h at the menu"),
            "–".into(),
            "–".into(),
            format!("{idle:.1} s"),
        ],
    ];
    let mut table = "| | xl, kernel from dom0 | GRUB 2 | PV-GRUB |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        table += &format!("| {} |\n", row.join(" | "));
    }
    Ok(table)
}

struct Sizes {
    grub2: String,
    ours: String,
}

fn small_files() -> Result<Sizes> {
    let kib = |len: u64| format!("{} KiB", len.div_ceil(1024));
    let grub2 = gzipped(&packages::grub_xen()?)?;
    let ours = fs::metadata(bench::pv_grub())?.len();
    Ok(Sizes {
        grub2: kib(grub2),
        ours: kib(ours),
    })
}

fn gzipped(file: &Path) -> Result<u64> {
    let mut packed = GzEncoder::new(File::open(file)?, Compression::best());
    Ok(io::copy(&mut packed.by_ref(), &mut io::sink())?)
}
