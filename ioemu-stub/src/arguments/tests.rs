//! Whole command lines as libxl makes them, and what they say.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

fn argv(text: &str) -> Config {
    let words: Vec<&str> = text.split_whitespace().collect();
    Config::from_argv(&words).unwrap()
}

/// The first drive, the second one, …: place, medium, disk index.
fn drives(config: &Config) -> Vec<String> {
    let one = |drive: &Drive| {
        let index = drive
            .index
            .map_or("empty".to_string(), |index| index.to_string());
        let mode = if drive.read_only { "ro" } else { "rw" };
        format!("{:?} {:?} {index} {mode}", drive.place, drive.media)
    };
    config.drives.iter().map(one).collect()
}

/// A plain guest: a disk and a CD, a serial port, nothing to see.
const PLAIN: &str = "-xen-domid 7 -no-shutdown -nodefaults -no-user-config -name guest \
    -display none -serial /dev/hvc3 -device cirrus-vga,vgamem_mb=8 -boot order=cd -net none \
    -machine xenfv,suppress-vmdesc=on -m 248 \
    -drive file=/dev/xvda,if=ide,index=0,media=disk,format=host_device,cache=writeback \
    -drive if=none,readonly=on,id=ide-5632,file=/dev/xvdc,format=host_device \
    -device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0";

#[test]
fn a_plain_guest() {
    let config = argv(PLAIN);
    assert_eq!(
        (config.guest, config.name.as_deref()),
        (Some(7), Some("guest"))
    );
    assert_eq!((config.memory, config.processors), (Some(248), 1));
    assert_eq!((config.vga, config.vga_memory), (Vga::Cirrus, 8));
    assert!(config.platform && config.acpi && !config.incoming);
    assert_eq!(config.boot, [BootDevice::Disk, BootDevice::Cd]);
    assert_eq!(config.serials, [SerialLine::Console(3)]);
    assert_eq!(
        drives(&config),
        [
            "Ide { bus: 0, unit: 0 } Disk 0 rw",
            "Ide { bus: 1, unit: 0 } Cd 2 ro"
        ]
    );
    assert_eq!(config.pci, [PciDevice::Vga]);
    assert_eq!(config.warnings, ["cirrus-vga is served as standard VGA"]);
}

#[test]
fn a_guest_with_everything() {
    let config = argv(
        "-xen-domid 12 -no-shutdown -chardev socket,id=libxl-channel0,path=/tmp/c,server=on,wait=off \
         -nodefaults -no-user-config -name full -display none -k de -device lsi53c895a \
         -serial /dev/hvc3 -serial /dev/hvc4 -device VGA,vgamem_mb=16 -boot order=ndca \
         -usb -usbdevice tablet -usbdevice mouse -device intel-hda -device hda-duplex \
         -no-acpi -smp 2,maxcpus=4 \
         -device rtl8139,id=nic0,netdev=net0,mac=00:16:3e:00:00:01 \
         -netdev type=tap,id=net0,ifname=vif12.0-emu,br=xenbr0,script=no,downscript=no \
         -device e1000,id=nic3,netdev=net3,mac=00:16:3e:00:00:04 \
         -netdev type=tap,id=net3,ifname=vif12.3-emu,br=xenbr0,script=no,downscript=no \
         -incoming $STUBDOM_RESTORE_INCOMING_ARG -ioemu log=debug,vga=plain \
         -machine pc,accel=xen,suppress-vmdesc=on,max-ram-below-4g=3221225472,igd-passthru=on \
         -m 4080 -device ahci,id=ahci0 \
         -drive file=/dev/xvda,if=none,id=ahcidisk-0,format=host_device,cache=writeback \
         -device ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0 \
         -drive file=/dev/xvde,if=none,id=ahcidisk-4,format=host_device,cache=writeback \
         -device ide-hd,bus=ahci0.4,unit=0,drive=ahcidisk-4 \
         -drive file=/dev/xvdb,id=scsi0-hd1,format=host_device,if=none,readonly=on,cache=writeback \
         -device scsi-hd,drive=scsi0-hd1,scsi-id=1 \
         -drive if=none,readonly=on,id=ide-5696 \
         -device ide-cd,id=ide-5696,drive=ide-5696,bus=ide.1,unit=1 \
         -device xen-pvdevice,device-id=0xc000",
    );
    assert_eq!(config.keymap.as_deref(), Some("de"));
    assert_eq!((config.vga, config.vga_memory), (Vga::Std, 16));
    assert_eq!((config.processors, config.most_processors), (2, 4));
    assert!(!config.acpi && !config.platform && config.incoming && config.igd);
    assert_eq!(config.ram_below_4g, Some(0xc000_0000));
    assert_eq!(
        config.boot,
        [
            BootDevice::Network,
            BootDevice::Cd,
            BootDevice::Disk,
            BootDevice::Floppy
        ]
    );
    assert_eq!(config.serials, [3, 4].map(SerialLine::Console));
    assert!(config.usb.chipset);
    assert_eq!(config.usb.devices, ["tablet", "mouse"]);
    assert_eq!(config.sound, ["intel-hda"]);
    let nic = |model: &str, vif, last| Nic {
        model: model.to_string(),
        vif,
        mac: Some([0, 0x16, 0x3e, 0, 0, last]),
    };
    assert_eq!(config.nics, [nic("rtl8139", 0, 1), nic("e1000", 3, 4)]);
    assert_eq!(
        drives(&config),
        [
            "Ahci(0) Disk 0 rw",
            "Ahci(4) Disk 4 rw",
            "Scsi(1) Disk 1 ro",
            "Ide { bus: 1, unit: 1 } Cd empty ro",
        ]
    );
    // QEMU gives slots in the order of the words: Linux names, Windows activates by them.
    assert_eq!(
        config.pci,
        [
            PciDevice::Lsi,
            PciDevice::Vga,
            PciDevice::Sound("intel-hda".into()),
            PciDevice::Nic(0),
            PciDevice::Nic(1),
            PciDevice::Ahci,
            PciDevice::PvDevice(0xc000),
        ]
    );
    assert_eq!(config.private("vga"), Some("plain"));
    assert_eq!(config.private("log"), Some("debug"));
    assert!(!config.warnings.iter().any(|line| line.contains("unknown")));
    for word in [
        "channel",
        "SCSI",
        "AHCI",
        "rtl8139",
        "e1000",
        "tablet",
        "intel-hda",
        "c000",
        "passthrough",
    ] {
        let named = config.warnings.iter().any(|line| line.contains(word));
        assert!(named, "{word}: {:?}", config.warnings);
    }
}

#[test]
fn every_other_word_of_libxl_is_known() {
    for words in [
        "-device qxl-vga,vram_size_mb=64,ram_size_mb=64",
        "-device piix3-usb-uhci,id=usb",
        "-device ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on",
        "-device ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0,multifunction=on",
        "-device nec-usb-xhci,id=usb",
        "-chardev spicevmc,name=usbredir,id=usbrc1 -device usb-redir,chardev=usbrc1,id=usbrc1",
        "-device ac97",
        "-device ES1370",
        "-device sb16",
        "-device adlib",
        "-device cs4231a",
        "-device gus",
        "-nographic",
        "-xen-domid-restrict -chroot /var/run/xen/qemu-root-1",
        "-run-with chroot=/var/run/xen/qemu-root-1",
        "-chardev socket,id=x,host=h,port=1 -object filter-mirror,id=m1,netdev=net0,queue=tx",
        "-vnc 127.0.0.1:0,to=99",
        "-chardev pty,id=libxl-channel1",
        "-device ne2k_pci,id=nic0,netdev=net0,mac=00:16:3e:00:00:01",
        "-device virtio-net,id=nic0,netdev=net0,mac=00:16:3e:00:00:01",
    ] {
        let config = argv(words);
        let unknown: Vec<_> = config
            .warnings
            .iter()
            .filter(|line| line.contains("unknown") || line.contains("no option"))
            .collect();
        assert!(unknown.is_empty(), "{words}: {unknown:?}");
    }
}

#[test]
fn the_traditional_text() {
    let config = Config::from_text(
        "-d 3 -domain-name old -vnc 127.0.0.1:0 -vncunused -k en-us -serial pty -videoram 4 \
         -std-vga -boot cda -usb -usbdevice tablet -soundhw es1370,sb16 -acpi -vcpus 2 \
         -vcpu_avail 0x3 -net nic,vlan=0,macaddr=00:16:3e:00:00:01,model=rtl8139 \
         -net tap,vlan=0,ifname=vif3.0-emu,bridge=xenbr0,script=no,downscript=no \
         -gfx_passthru -loadvm /var/lib/xen/qemu-save.3",
    )
    .unwrap();
    assert_eq!(
        (config.guest, config.name.as_deref()),
        (Some(3), Some("old"))
    );
    assert_eq!((config.vga, config.vga_memory), (Vga::Std, 4));
    assert!(config.acpi && config.platform && config.igd && config.incoming);
    assert_eq!(config.processors, 2);
    assert_eq!(config.serials, [SerialLine::Console(3)]);
    assert_eq!(config.sound, ["es1370", "sb16"]);
    assert_eq!(
        config.boot,
        [BootDevice::Disk, BootDevice::Cd, BootDevice::Floppy]
    );
    assert_eq!(config.nics[0].mac, Some([0, 0x16, 0x3e, 0, 0, 1]));
    assert_eq!(config.pci, [PciDevice::Vga, PciDevice::Nic(0)]);
    assert!(!config.warnings.iter().any(|line| line.contains("unknown")));
    // What it does not say.
    let config = Config::from_text("").unwrap();
    assert_eq!((config.vga, config.acpi), (Vga::Cirrus, false));
    let config = Config::from_text("-vga none -acpi").unwrap();
    assert_eq!((config.vga, config.acpi), (Vga::None, true));
    assert!(config.pci.is_empty());
}

#[test]
fn disks_are_found_by_number_whatever_they_are_called() {
    // docs/man/xen-vbd-interface.7: hda hdb hdc hdd, xvda.., sda..
    for (vdev, devid, index) in [
        ("hda", 768, 0),
        ("hdb", 832, 1),
        ("hdc", 5632, 2),
        ("hdd", 5696, 3),
        ("xvda", 51712, 0),
        ("xvdd", 51760, 3),
        ("xvdp", 51952, 15),
        ("xvdq", 0x1000_1000, 16),
        ("sda", 2048, 0),
        ("sdp", 2288, 15),
    ] {
        assert!(devids(index).contains(&Some(devid)), "{vdev}");
    }
    assert_eq!(devids(u32::MAX), [None; 3]);
    let config = argv(PLAIN);
    let devid = |present: &[u32]| {
        let one = |drive: &Drive| drive.devid(present);
        config.drives.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(devid(&[5632, 768]), [Some(768), Some(5632)]);
    assert_eq!(
        devid(&[51712, 5632]),
        [Some(51712), Some(5632)],
        "xvda is IDE, too"
    );
    assert_eq!(devid(&[2048, 51712]), [Some(51712), None]);
    assert_eq!(devid(&[]), [None, None]);
    let config = argv(
        "-drive file=/dev/xvda,id=scsi0-hd0,if=none -device scsi-hd,drive=scsi0-hd0,scsi-id=0",
    );
    assert_eq!(config.drives[0].devid(&[768, 2048]), Some(2048));
}

#[test]
fn traditional_drives_come_from_the_store() {
    for (devid, place) in [
        (768, Some((0, 0))),
        (832, Some((0, 1))),
        (5632, Some((1, 0))),
        (51760, Some((1, 1))),
        (51776, None),
        (1, None),
    ] {
        let drive = Drive::from_devid(devid, Media::Cd, true);
        let place = place.map(|(bus, unit)| Place::Ide { bus, unit });
        assert_eq!(drive.as_ref().map(|drive| drive.place), place, "{devid}");
        if let Some(drive) = drive {
            assert_eq!(drive.devid(&[1, devid]), Some(devid));
        }
    }
}

#[test]
fn a_kernel_of_dom0_is_out_of_reach() {
    let error = Config::from_argv(&["-kernel", "/boot/vmlinuz", "-append", "x"]).unwrap_err();
    assert_eq!(error, ArgumentError::DirectKernel("/boot/vmlinuz".into()));
    assert!(error.to_string().contains("/boot/vmlinuz"));
}

#[test]
fn nonsense_is_a_line_in_the_log_and_no_more() {
    for (words, line) in [
        ("-frobnicate", "unknown option: -frobnicate"),
        ("-frobnicate 7 -m 64", "unknown option: -frobnicate 7"),
        ("word -m 64", "no option: word"),
        ("-m", "unknown option: -m"),
        ("-m much", "no size"),
        ("-smp 0", "no number of processors"),
        ("-smp -1", "unknown option: -smp"),
        ("-boot xyz", "unknown boot device: x"),
        ("-device", "unknown option: -device"),
        ("-device ,,", "unknown device"),
        ("-device floppy", "unknown device: floppy"),
        ("-device ide-cd,bus=ide.2,unit=0", "no place"),
        ("-device ide-cd,bus=ide.0,unit=2", "no place"),
        ("-device scsi-hd,scsi-id=-1", "no place"),
        ("-drive if=ide,index=4,file=/dev/xvde", "no place"),
        ("-drive file=/etc/passwd,if=ide,index=0", "no disk"),
        (
            "-drive file=/dev/xvda,if=ide,index=0 -drive file=/dev/xvdb,if=ide,index=0",
            "a second drive",
        ),
        ("-machine q35", "q35"),
        (
            "-serial a -serial b -serial c -serial d -serial e",
            "more than 4",
        ),
        ("--vga what", "unknown graphics card"),
    ] {
        let config = argv(words);
        let said = config.warnings.iter().any(|said| said.contains(line));
        assert!(said, "{words}: {:?}", config.warnings);
    }
}

#[test]
fn private_options_come_from_both_places() {
    let mut config = argv("-ioemu log=info -ioemu log=debug");
    assert_eq!(config.private("log"), Some("debug"));
    config.add_command_line("log=trace -d 5 quiet a=b=c");
    assert_eq!(config.private("log"), Some("trace"));
    assert_eq!(config.private("a"), Some("b=c"));
    assert_eq!(config.private("quiet"), None);
}

#[test]
fn serial_lines() {
    let config = argv("-serial null -serial /dev/hvc9 -serial /dev/hvcx");
    assert_eq!(
        config.serials,
        [
            SerialLine::Nowhere,
            SerialLine::Console(9),
            SerialLine::Console(5)
        ]
    );
}
