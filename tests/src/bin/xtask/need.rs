//! What must be installed on the host: a C compiler and headers, and the tools
//! that tests on the host call. Everything else the lab unpacks for itself.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

/// A file that shows whether a package of Debian is there.
struct Need {
    file: &'static str,
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        file: "/usr/bin/gcc",
        package: "gcc",
    },
    Need {
        file: "/usr/bin/g++",
        package: "g++",
    },
    Need {
        file: "/usr/include/stdlib.h",
        package: "libc6-dev",
    },
    Need {
        file: "/usr/include/xen/xen.h",
        package: "libxen-dev",
    },
    Need {
        file: "/sbin/mke2fs",
        package: "e2fsprogs",
    },
    Need {
        file: "/sbin/mkfs.fat",
        package: "dosfstools",
    },
    Need {
        file: "/usr/bin/mcopy",
        package: "mtools",
    },
    Need {
        file: "/usr/bin/xorriso",
        package: "xorriso",
    },
    Need {
        file: "/usr/bin/genisoimage",
        package: "genisoimage",
    },
    Need {
        file: "/sbin/mkfs.xfs",
        package: "xfsprogs",
    },
    Need {
        file: "/sbin/mkfs.btrfs",
        package: "btrfs-progs",
    },
    Need {
        file: "/usr/bin/mksquashfs",
        package: "squashfs-tools",
    },
    Need {
        file: "/sbin/sfdisk",
        package: "fdisk",
    },
    Need {
        file: "/usr/bin/bzip2",
        package: "bzip2",
    },
    Need {
        file: "/usr/bin/lz4",
        package: "lz4",
    },
    Need {
        file: "/usr/bin/lzop",
        package: "lzop",
    },
    Need {
        file: "/usr/bin/xz",
        package: "xz-utils",
    },
    Need {
        file: "/usr/bin/zstd",
        package: "zstd",
    },
    Need {
        file: "/usr/bin/mmdebstrap",
        package: "mmdebstrap",
    },
    Need {
        file: "/usr/bin/newuidmap",
        package: "uidmap",
    },
    Need {
        file: "/usr/bin/setpriv",
        package: "util-linux",
    },
    Need {
        file: "/usr/share/keyrings/debian-archive-keyring.gpg",
        package: "debian-archive-keyring",
    },
];

/// Installs what is missing, as root or with sudo, or says what to install.
pub fn all() -> Result<()> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|n| !Path::new(n.file).exists())
        .map(|n| n.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let Some(sudo) = sudo() else {
        bail!("packages are missing; as root: apt-get install {list}");
    };
    eprintln!("xtask: installing {list}");
    apt(sudo, &["update"]).or_else(|e| {
        eprintln!("xtask: going on with the old package lists: {e:#}");
        Ok::<(), anyhow::Error>(())
    })?;
    let install = ["install", "--yes", "--no-install-recommends"];
    apt(sudo, &[&install, missing.as_slice()].concat())
        .with_context(|| format!("as root: apt-get install {list}"))
}

/// What to put before a command so that it runs as root.
fn sudo() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let quiet = |c: &mut Command| c.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let works = quiet(Command::new("sudo").args(["-n", "true"])).is_ok_and(|s| s.success());
    works.then_some(&["sudo", "-n"])
}

fn apt(sudo: &[&str], args: &[&str]) -> Result<()> {
    let words = [
        sudo,
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"],
        args,
    ]
    .concat();
    let (program, rest) = words.split_first().context("no command")?;
    let out = Command::new(program).args(rest).output()?;
    if !out.status.success() {
        bail!(
            "apt-get {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(())
}
