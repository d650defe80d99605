//! The classic way to a stub domain: a program that xl takes for a device model.

use anyhow::{Result, ensure};
use harness::hvm::{self, DeviceModel, Hvm};
use harness::lab::patience;
use harness::{media, paths};

/// Where Xen's users have it.
const STUBDOM_DM: &str = "/usr/lib/xen/bin/stubdom-dm";

#[test]
fn hvm_classic_device_model_is_a_stub_domain() -> Result<()> {
    let disk = tempfile::NamedTempFile::new()?;
    media::empty_disk(1, disk.path())?;
    let builder = hvm::lab("hvm_classic_device_model_is_a_stub_domain")?;
    let mut lab = hvm::with_stub(builder)?
        .file(STUBDOM_DM, &paths::dist().join("stubdom-dm"))
        .file("lab/disk", disk.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk; mkdir -p /etc/xen/stubdoms")?;
    lab.sh("echo 'cpu_weight = 300' > /etc/xen/stubdoms/classic")?;
    let mut guest = Hvm::new("classic").disk("/dev/loop0");
    guest.model = DeviceModel::Qemu;
    let config = guest
        .line(&format!("device_model_override = \"{STUBDOM_DM}\""))
        .config()?;
    let out = lab.run_for(
        &format!("cat > /tmp/cfg <<'END'\n{config}END\nxl create /tmp/cfg"),
        patience(60),
    )?;
    if out.status != 0 {
        let log = lab.hvm_logs("classic")?;
        let made =
            lab.sh("cat /etc/xen/stubdoms/classic-dm; xenstore-ls /local/domain | tail -n 80")?;
        anyhow::bail!("xl create: {}\n{log}\n{made}", out.text);
    }
    lab.wait_dmesg("No bootable device", patience(30))?;
    // Its serial port is where xl looks for a guest's.
    lab.sh("test -c $(xenstore-read /local/domain/$(xl domid classic)/serial/0/tty)")?;
    // What the administrator put down for it reached xl.
    let weight = lab.sh("xl sched-credit2 -d classic-dm || xl sched-credit -d classic-dm")?;
    ensure!(weight.contains("300"), "{weight}");
    // Both end together.
    lab.sh("xl destroy classic")?;
    let left = lab.sh("sleep 1; xl list; ps | grep [v]chan-socket-proxy || true")?;
    ensure!(
        !left.contains("classic") && !left.contains("proxy"),
        "{left}"
    );
    Ok(())
}
