//! The lab's network: a bridge in dom0 with DHCP, DNS, TFTP and HTTP on it.
//!
//! Labs without one neither carry its files nor start anything.

use crate::cpio::Cpio;
use crate::dom0::Extra;
use crate::elf::{Modules, libraries};
use crate::packages::{self, Flavour};
use crate::paths;
use anyhow::Result;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

const SCRIPT: &str = include_str!("../dom0/network");
const VIF: &str = include_str!("../dom0/vif-lab");

/// Brings the network up; run in dom0.
pub const START: &str = "/lab/network";

/// dom0's address on the bridge: router, and server of everything.
pub const SERVER: &str = "10.77.0.1";

const MODULES: &[&str] = &["llc", "stp", "bridge", "xen-netback"];

const DNSMASQ: &str = "usr/sbin/dnsmasq";

/// `user=root` is looked up.
const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n";

/// Names are answered here, and nobody else is asked.
const DNSMASQ_CONF: &str = "user=root\npid-file=/run/dnsmasq.pid\ninterface=xenbr0\nbind-interfaces\n\
     no-resolv\nno-hosts\naddress=/dom0.lab/boot.example/10.77.0.1\nenable-tftp\ntftp-root=/srv\n\
     log-facility=/var/log/dnsmasq.log\nlog-queries\n";

/// What the network offers.
#[derive(Clone, Debug)]
pub struct Network {
    dhcp: Option<String>,
    files: Vec<(String, Extra)>,
}

impl Default for Network {
    fn default() -> Network {
        Network::new()
    }
}

impl Network {
    /// Addresses from 10.77.0.100 on by DHCP, dom0 by the names `dom0.lab` and
    /// `boot.example`, nothing to fetch.
    pub fn new() -> Network {
        let dhcp = "start 10.77.0.100\nend 10.77.0.200\ninterface xenbr0\n\
             lease_file /var/lib/misc/udhcpd.leases\nsiaddr 10.77.0.1\n\
             opt subnet 255.255.255.0\nopt router 10.77.0.1\nopt dns 10.77.0.1\n\
             opt lease 3600\n";
        Network {
            dhcp: Some(dhcp.to_owned()),
            files: Vec::new(),
        }
    }

    /// Without DHCP.
    pub fn static_only(mut self) -> Network {
        self.dhcp = None;
        self
    }

    /// With a text as a further DHCP option.
    pub fn option(self, code: u8, text: &str) -> Network {
        let hex: String = text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        self.line(&format!("opt {code:#04x} {hex}"))
    }

    /// With a line of udhcpd's configuration: `boot_file x`, `sname x`.
    pub fn line(mut self, line: &str) -> Network {
        if let Some(dhcp) = &mut self.dhcp {
            *dhcp += line;
            *dhcp += "\n";
        }
        self
    }

    /// With a file of the host to be fetched by TFTP and HTTP.
    pub fn file(mut self, path: &str, host: &Path) -> Network {
        let place = format!("srv/{path}");
        self.files.push((place, Extra::File(host.to_owned())));
        self
    }

    /// With these bytes to be fetched by TFTP and HTTP.
    pub fn bytes(mut self, path: &str, content: impl Into<Vec<u8>>) -> Network {
        let place = format!("srv/{path}");
        self.files.push((place, Extra::Bytes(content.into())));
        self
    }

    /// Its own files in dom0.
    pub(crate) fn files(self) -> Vec<(String, Extra)> {
        let mut files = self.files;
        if let Some(dhcp) = self.dhcp {
            files.push(("etc/udhcpd.conf".to_owned(), Extra::Bytes(dhcp.into())));
        }
        files
    }
}

/// The archive that dom0 gets beside its own: modules, dnsmasq, scripts.
/// Packed on first use.
pub(crate) fn archive() -> Result<PathBuf> {
    let (root, kernel) = (packages::network()?, packages::kernel(Flavour::Stock)?);
    let mut hasher = DefaultHasher::new();
    (
        root.path(""),
        kernel.vmlinuz(),
        SCRIPT,
        VIF,
        DNSMASQ_CONF,
        MODULES,
        1,
    )
        .hash(&mut hasher);
    let archive = paths::cache().join(format!("network-{:016x}", hasher.finish()));
    if archive.exists() {
        return Ok(archive);
    }
    let new = tempfile::NamedTempFile::new_in(paths::cache())?;
    let mut cpio = Cpio::new(BufWriter::new(new.reopen()?));
    cpio.bytes("lab/network", 0o755, SCRIPT.as_bytes())?;
    cpio.bytes("etc/xen/scripts/vif-lab", 0o755, VIF.as_bytes())?;
    cpio.bytes("etc/dnsmasq.conf", 0o644, DNSMASQ_CONF.as_bytes())?;
    cpio.bytes("etc/passwd", 0o644, PASSWD.as_bytes())?;
    cpio.bytes("etc/group", 0o644, b"root:x:0:\n")?;
    let program = root.path(DNSMASQ);
    cpio.file(DNSMASQ, &program)?;
    for (name, path) in libraries(&root, &[program])? {
        if !name.starts_with("ld-linux") {
            cpio.file(&format!("lib/x86_64-linux-gnu/{name}"), &path)?;
        }
    }
    let mut order = String::new();
    for (name, content) in Modules::open(&kernel.modules())?.closure(&packages::root()?, MODULES)? {
        cpio.bytes(&format!("lib/modules/{name}"), 0o644, &content)?;
        order += &format!("{name}\n");
    }
    cpio.bytes("lib/modules/order-network", 0o644, order.as_bytes())?;
    cpio.finish()?;
    new.persist(&archive)?;
    Ok(archive)
}
