//! Menus, kernels and ramdisks from the network.

use crate::support::{self, Payload};
use anyhow::{Context, Result, ensure};
use harness::installer;
use harness::lab::{Guest, Lab, patience};
use harness::network::Network;
use harness::packages::{self, Flavour};

/// dom0 serves Debian's kernel with the lab's initrd, and `menu` as
/// `/pv/menu.lst`.
fn lab(test: &str, network: Network, menu: &str) -> Result<Lab> {
    let Payload { kernel, initrd } = support::payload(Flavour::Cloud)?;
    let network = network
        .bytes("pv/menu.lst", menu)
        .file("linux", &kernel.vmlinuz())
        .bytes("initrd", initrd);
    Lab::builder(test)
        .file("lab/pv-grub", &support::pv_grub()?)
        .network(network)
        .boot()
}

fn guest() -> Guest {
    Guest::new("guest", "/lab/pv-grub").vif()
}

const OVER_TFTP: &str = "default 0\ntimeout 0\ntitle Debian\n\
     kernel /linux console=hvc0 loglevel=4\ninitrd /initrd\n";

const OVER_HTTP: &str = "default 0\ntimeout 0\ntitle Debian\n\
     kernel (http,dom0.lab)/linux console=hvc0 loglevel=4\n\
     initrd (http,10.77.0.1:80)/initrd\n";

#[test]
fn network_menu_kernel_and_initrd_by_tftp() -> Result<()> {
    let test = "network_menu_kernel_and_initrd_by_tftp";
    let mut lab = lab(test, Network::new(), OVER_TFTP)?;
    let mut running = lab.create(&guest().extra("(nd)/pv/menu.lst"))?;
    let console = &mut running.console;
    console.expect("Address: 10\\.77\\.0\\.1\\d\\d", patience(30))?;
    console.expect("Server: 10\\.77\\.0\\.1", patience(10))?;
    console.expect("LAB-UP", patience(90))?;
    console.expect("LAB-DONE", patience(30))?;
    // The card was given back as it was: its backend has the next owner or waits for it.
    let state = lab.sh("xenstore-read $(xenstore-read \
         /local/domain/$(xl domid guest)/device/vif/0/backend)/state")?;
    ensure!(
        matches!(state.trim(), "2" | "4"),
        "the backend is in state {state}"
    );
    Ok(())
}

#[test]
fn network_option_150_names_a_menu_whose_files_come_by_http() -> Result<()> {
    let test = "network_option_150_names_a_menu_whose_files_come_by_http";
    let network = Network::new().option(150, "(nd)/pv/menu.lst");
    let mut lab = lab(test, network, OVER_HTTP)?;
    let mut running = lab.create(&guest())?;
    let console = &mut running.console;
    console.expect("names the menu \\(nd\\)/pv/menu\\.lst", patience(30))?;
    console.expect("LAB-DONE", patience(120))?;
    Ok(())
}

#[test]
fn network_by_hand_and_servers_that_do_not_answer() -> Result<()> {
    let test = "network_by_hand_and_servers_that_do_not_answer";
    let mut lab = lab(test, Network::new().static_only(), "title x\nhalt\n")?;
    let mut running = lab.create(&guest())?;
    let console = &mut running.console;
    // Nobody answers DHCP, there is no disk: the command line, after a while.
    console.expect(
        "No menu from the network: .*no DHCP server answers",
        patience(60),
    )?;
    console.expect("grubdom> ", patience(20))?;
    console.send("ifconfig --address=10.77.0.9 --mask=255.255.255.0 --server=10.77.0.1\r")?;
    console.expect("Address: 10\\.77\\.0\\.9", patience(10))?;
    console.expect("grubdom> ", patience(10))?;
    console.send("cat (nd)/pv/menu.lst\r")?;
    console.expect("title x", patience(20))?;
    console.expect("grubdom> ", patience(10))?;
    console.send("cat (nd)/nowhere\r")?;
    console.expect("Error 15: \\(nd\\)/nowhere: ", patience(20))?;
    console.send("cat (http,10.77.0.1)/nowhere\r")?;
    console.expect(
        "Error 15: \\(http,10\\.77\\.0\\.1\\)/nowhere: ",
        patience(20),
    )?;
    console.send("cat (http,10.77.0.1:81)/x\r")?;
    console.expect("Error 25: .*refuses", patience(20))?;
    // It answers pings meanwhile, also while nobody touches a key.
    let ping = lab.sh("ping -c 3 10.77.0.9")?;
    ensure!(ping.contains("3 packets received"), "{ping}");
    // A server that is not there: ^C is quicker than patience.
    let console = &mut running.console;
    console.send("cat (tftp,10.77.0.77)/x\r")?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    console.send("\x03")?;
    console.expect("Error 25: .*cancelled", patience(20))?;
    console.send("tftpserver 10.77.0.1\rconfigfile (nd)/pv/menu.lst\r")?;
    console.expect_highlighted("x", patience(20))?;
    Ok(())
}

/// Debian's installer comes from `device`, and asks its first question.
fn installs(lab: &mut Lab, name: &str, device: &str) -> Result<()> {
    let mut guest = Guest::new(name, "/lab/pv-grub").vif().memory(1280);
    guest = guest.extra(&format!("(nd)/pv/{name}.lst"));
    let mut running = lab.create(&guest)?;
    let console = &mut running.console;
    console
        .expect("initrd, \\d+\\.\\d MiB", patience(60))
        .with_context(|| format!("from {device}"))?;
    console.expect_screen("Select a language", patience(120))?;
    lab.release(running)
}

/// All of its files come by HTTP. By TFTP it comes without the drivers: what
/// serves it here waits after each block, which takes this machine long.
#[test]
fn network_installer_of_debian_by_tftp_and_by_http() -> Result<()> {
    let test = "network_installer_of_debian_by_tftp_and_by_http";
    let menu = |device: &str, initrd: &str| {
        format!(
            "default 0\ntimeout 0\ntitle Install\n\
             kernel {device}/di/linux console=hvc0 ---\ninitrd {device}/di/{initrd}\n"
        )
    };
    let (kernel, whole) = packages::text_installer()?;
    let (_, smaller) = installer::text_installer()?;
    let http = "(http,dom0.lab)";
    let network = Network::new()
        .bytes("pv/tftp.lst", menu("(nd)", "smaller.gz"))
        .bytes("pv/http.lst", menu(http, "initrd.gz"))
        .file("di/linux", &kernel)
        .bytes("di/smaller.gz", smaller)
        .file("di/initrd.gz", &whole);
    let mut lab = Lab::builder(test)
        .file("lab/pv-grub", &support::pv_grub()?)
        .network(network)
        .boot()?;
    installs(&mut lab, "tftp", "(nd)")?;
    installs(&mut lab, "http", http)
}
