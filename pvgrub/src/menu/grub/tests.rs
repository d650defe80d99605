//! Scripts with what distributions' generators put into them, and scripts that
//! want to do harm.

use super::*;
use crate::menu::double::{Tree, lines};

/// Bytes.
const STACK: usize = 192 * 1024;

const UUID: &str = "0a5e0a5e-7777-4242-8888-123456789abc";

fn shown_in(tree: &Tree, path: &str) -> Vec<String> {
    let reader = Reader::new(tree);
    lines(&menu(&reader, DeviceName::Partition(0, 0), path).unwrap())
}

/// The menu of `/boot/grub/grub.cfg`, in lines, with these files beside it.
fn shown(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("/boot/grub/grub.cfg", text)];
    all.extend(files);
    let tree = Tree::new(&all).volume("(hd0,0)", "rootfs", UUID);
    shown_in(&tree, "/boot/grub/grub.cfg")
}

/// What the menu of an entry with this body has as its lines.
fn body(body: &str) -> Vec<String> {
    let text = format!("menuentry x {{\n{body}\n}}\n");
    let mut lines = shown(&text, &[("/full", "x"), ("/empty", "")]);
    assert!(!lines.is_empty());
    lines.remove(0);
    lines
}

/// What grub-mkconfig begins with on Debian, Ubuntu and Arch.
const HEAD: &str = r#"
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi

if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi

export menuentry_id_option

if [ "${prev_saved_entry}" ]; then
  set saved_entry="${prev_saved_entry}"
  save_env saved_entry
fi

function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod efi_gop
  fi
}

if [ x$feature_default_font_path = xy ] ; then
   font=unicode
else
insmod part_msdos
font="/usr/share/grub/unicode.pf2"
fi

if loadfont $font ; then
  set gfxmode=auto
  load_video
  insmod gfxterm
fi
terminal_output gfxterm
if [ "${recordfail}" = 1 ] ; then
  set timeout=30
else
  if [ x$feature_timeout_style = xy ] ; then
    set timeout_style=menu
    set timeout=5
  # Fallback normal timeout code
  else
    set timeout=5
  fi
fi
"#;

/// An entry as 10_linux makes it, for the kernel `version`.
fn mkconfig_entry(title: &str, id: &str, version: &str, more: &str) -> String {
    format!(
        r#"menuentry '{title}' --class debian --class gnu-linux --class gnu --class os $menuentry_id_option '{id}' {{
	load_video
	insmod gzio
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	insmod part_msdos
	insmod ext2
	set root='hd1,msdos9'
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd1,msdos9 --hint='hd1,msdos9'  {UUID}
	else
	  search --no-floppy --fs-uuid --set=root {UUID}
	fi
	echo	'Loading Linux {version} ...'
	linux	/boot/vmlinuz-{version} root=UUID={UUID} ro {more} quiet
	echo	'Loading initial ramdisk ...'
	initrd	/boot/initrd.img-{version}
}}
"#
    )
}

fn debian() -> String {
    let advanced = |title: &str, kind: &str| {
        mkconfig_entry(title, &format!("gnulinux-6.1-{kind}-{UUID}"), "6.1", kind)
    };
    format!(
        "{HEAD}\n{}submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option \
         'gnulinux-advanced-{UUID}' {{\n{}{}}}\n{}",
        mkconfig_entry(
            "Debian GNU/Linux",
            &format!("gnulinux-simple-{UUID}"),
            "6.1",
            ""
        ),
        advanced("Debian GNU/Linux, with Linux 6.1", "advanced"),
        advanced("Debian GNU/Linux, with Linux 6.1 (recovery mode)", "single"),
        r#"
if [ "$grub_platform" = "efi" ]; then
	fwsetup --is-supported
	if [ "$?" = 0 ]; then
		menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
			fwsetup
		}
	fi
fi
menuentry 'Debian GNU/Linux, with Xen hypervisor' --class xen {
	multiboot2	/boot/xen-4.17-amd64.gz placeholder
	module2	/boot/vmlinuz-6.1 placeholder
}
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
elif [ -z "${config_directory}" -a -f  $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
"#
    )
}

#[test]
fn debian_and_its_submenu() {
    let kernel = |more: &str| {
        let words = "BOOT_IMAGE=/boot/vmlinuz-6.1";
        format!("kernel (hd0,0)/boot/vmlinuz-6.1 {words} root=UUID={UUID} ro{more} quiet")
    };
    let initrd = "initrd (hd0,0)/boot/initrd.img-6.1";
    let expected = [
        "default 0",
        "timeout 5",
        "[Debian GNU/Linux]",
        &kernel(""),
        initrd,
        "[  Debian GNU/Linux, with Linux 6.1]",
        &kernel(" advanced"),
        initrd,
        "[  Debian GNU/Linux, with Linux 6.1 (recovery mode)]",
        &kernel(" single"),
        initrd,
    ];
    let found = shown(&debian(), &[]);
    let warning = found.last().unwrap();
    assert!(
        warning.contains("`multiboot2' means nothing in a PV guest"),
        "{warning}"
    );
    assert_eq!(found[..found.len() - 1], expected);
    // What was saved, and what is asked for once.
    let id = format!("gnulinux-advanced-{UUID}>gnulinux-6.1-single-{UUID}");
    let block = format!("# GRUB Environment Block\nnext_entry={id}\n####");
    let found = shown(&debian(), &[("/boot/grub/grubenv", &block)]);
    assert_eq!(found[0], "default 2");
    // And then forgotten, and not what is booted otherwise.
    assert_eq!(found[2], "save_env (hd0,0)/boot/grub/grubenv next_entry=");
    assert!(!found.iter().any(|line| line.contains("saved_entry")));
    let custom = "menuentry custom { linux /c\n }\nset default=custom\n";
    let found = shown(&debian(), &[("/boot/grub/custom.cfg", custom)]);
    assert_eq!(found[0], "default 3");
    assert!(found.contains(&"[custom]".to_string()), "{found:?}");
}

/// As many kernels as hardly anybody has are no matter of budget.
#[test]
fn hundreds_of_entries() {
    let entries = (0..300).map(|n| mkconfig_entry("x", &format!("id-{n}"), "6.1", "quiet splash"));
    let text = format!(
        "{HEAD}\nset default=id-299\n{}",
        entries.collect::<String>()
    );
    let found = shown(&text, &[]);
    assert_eq!(found[0], "default 299");
    assert!(
        !found.iter().any(|line| line.starts_with('!')),
        "{:?}",
        found.last()
    );
}

#[test]
fn ubuntu() {
    let text = format!(
        r#"{HEAD}
function recordfail {{
  set recordfail=1
  if [ -n "${{have_grubenv}}" ]; then if [ -z "${{boot_once}}" ]; then save_env recordfail; fi; fi
}}
function gfxmode {{
	set gfxpayload="${{1}}"
	if [ "${{1}}" = "keep" ]; then
		set vt_handoff=vt.handoff=7
	else
		set vt_handoff=
	fi
}}
if [ "${{recordfail}}" != 1 ]; then
  if [ -e ${{prefix}}/gfxblacklist.txt ]; then
    if hwmatch ${{prefix}}/gfxblacklist.txt 3; then
      if [ ${{match}} = 0 ]; then
        set linux_gfx_mode=keep
      else
        set linux_gfx_mode=text
      fi
    else
      set linux_gfx_mode=text
    fi
  else
    set linux_gfx_mode=keep
  fi
else
  set linux_gfx_mode=text
fi
export linux_gfx_mode
menuentry 'Ubuntu' --class ubuntu $menuentry_id_option 'gnulinux-simple' {{
	recordfail
	load_video
	gfxmode $linux_gfx_mode
	insmod gzio
	search --no-floppy --label --set=root rootfs
	linux	/boot/vmlinuz-6.8 root=LABEL=rootfs ro  quiet splash $vt_handoff
	initrd	/boot/initrd.img-6.8
}}
"#
    );
    assert_eq!(
        shown(&text, &[]),
        [
            "default 0",
            "timeout 5",
            "[Ubuntu]",
            "kernel (hd0,0)/boot/vmlinuz-6.8 BOOT_IMAGE=/boot/vmlinuz-6.8 root=LABEL=rootfs ro \
             quiet splash vt.handoff=7",
            "initrd (hd0,0)/boot/initrd.img-6.8",
        ]
    );
}

/// /boot apart, its entries by blscfg, their options in part from grubenv; the
/// EFI partition's own grub.cfg leads there.
#[test]
fn fedora() {
    let stub = format!(
        "search --no-floppy --root-dev-only --fs-uuid --set=dev {UUID}\n\
         set prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n"
    );
    let main = r#"
set pager=1
if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
terminal_output console
if [ x$feature_timeout_style = xy ] ; then
  set timeout_style=hidden
  set timeout=1
fi
search --no-floppy --fs-uuid --set=boot UUID
insmod blscfg
blscfg
if [ "$grub_platform" = "efi" ]; then
  menuentry 'UEFI Firmware Settings' { fwsetup; }
fi
"#;
    let main = main.replace("UUID", UUID);
    let entry = |version: &str| {
        format!(
            "title Fedora Linux ({version})\nversion {version}\nlinux /vmlinuz-{version}\n\
             initrd /initramfs-{version}.img $tuned_initrd\noptions $kernelopts $tuned_params\n\
             grub_users $grub_users\n"
        )
    };
    let (old, new) = (entry("6.5.6"), entry("6.5.10"));
    let block = "# GRUB Environment Block\nsaved_entry=c0ffee-6.5.6\n\
                 kernelopts=root=/dev/xvda3 ro\n#####";
    let tree = Tree::new(&[
        ("(hd0,0)/EFI/fedora/grub.cfg", &stub),
        ("(hd0,1)/grub2/grub.cfg", &main),
        ("(hd0,1)/grub2/grubenv", block),
        ("(hd0,1)/loader/entries/c0ffee-6.5.6.conf", &old),
        ("(hd0,1)/loader/entries/c0ffee-6.5.10.conf", &new),
    ])
    .volume("(hd0,1)", "boot", UUID);
    assert_eq!(
        shown_in(&tree, "/EFI/fedora/grub.cfg"),
        [
            "default 1",
            "timeout 1",
            "hiddenmenu",
            "[Fedora Linux (6.5.10)]",
            "root (hd0,1)",
            "kernel /vmlinuz-6.5.10 root=/dev/xvda3 ro",
            "initrd /initramfs-6.5.10.img",
            "[Fedora Linux (6.5.6)]",
            "root (hd0,1)",
            "kernel /vmlinuz-6.5.6 root=/dev/xvda3 ro",
            "initrd /initramfs-6.5.6.img",
        ]
    );
}

#[test]
fn arch_alpine_and_opensuse() {
    let arch = format!(
        "{HEAD}menuentry 'Arch Linux' --class arch $menuentry_id_option 'simple' {{\n\
         search --no-floppy --fs-uuid --set=root {UUID}\n\
         linux /boot/vmlinuz-linux root=UUID={UUID} rw  loglevel=3 quiet\n\
         initrd /boot/intel-ucode.img /boot/initramfs-linux.img\n}}\n"
    );
    let alpine = "set timeout=2\nset default=lts\nmenuentry \"Alpine, with Linux lts\" --id lts \
                  --class alpine {\n set root=(xen/xvda,msdos1)\n linux ($root)/boot/vmlinuz-lts \
                  modules=ext4 \"dyndbg=a b\"\n initrd ($root)/boot/initramfs-lts\n}\n";
    let suse = format!(
        r#"
if [ -f $prefix/grubenv ]; then load_env; fi
if [ "${{env_block}}" ]; then
  set env_block="(${{root}})${{env_block}}"
  export env_block
  load_env -f "${{env_block}}"
fi
set btrfs_relative_path="yes"
export btrfs_relative_path
if [ "${{next_entry}}" ]; then set default="${{next_entry}}"; else set default="${{saved_entry}}"; fi
menuentry 'openSUSE Leap 15.6'  --hotkey=o  --class opensuse --class gnu-linux {{
	load_video
	set gfxpayload=keep
	search --no-floppy --fs-uuid --set=root --hint='hd0,msdos1'  {UUID}
	linux	/boot/vmlinuz-6.4 root=UUID={UUID}  ${{extra_cmdline}} splash=silent
	initrd	/boot/initrd-6.4
}}
submenu "Advanced options for openSUSE" --hotkey=1 {{
	if [ "${{suse_btrfs_snapshot_name}}" = "" ]; then
	menuentry 'openSUSE Leap 15.6, with Linux 6.4' --hotkey=2 {{
		linux	/boot/vmlinuz-6.4 splash=none
	}}
	fi
}}
if [ -f "/.snapshots/grub-snapshot.cfg" ]; then
  source "/.snapshots/grub-snapshot.cfg"
fi
"#
    );
    for (name, text, expected) in [
        (
            "arch",
            arch.as_str(),
            &[
                "default 0",
                "timeout 5",
                "[Arch Linux]",
                "kernel (hd0,0)/boot/vmlinuz-linux BOOT_IMAGE=/boot/vmlinuz-linux \
                 root=UUID=0a5e0a5e-7777-4242-8888-123456789abc rw loglevel=3 quiet",
                "initrd (hd0,0)/boot/intel-ucode.img (hd0,0)/boot/initramfs-linux.img",
            ][..],
        ),
        (
            "alpine",
            alpine,
            &[
                "default 0",
                "timeout 2",
                "[Alpine, with Linux lts]",
                "kernel (hd0,0)/boot/vmlinuz-lts BOOT_IMAGE=(xen/xvda,msdos1)/boot/vmlinuz-lts \
                 modules=ext4 \"dyndbg=a b\"",
                "initrd (hd0,0)/boot/initramfs-lts",
            ],
        ),
        (
            "opensuse",
            &suse,
            &[
                "[openSUSE Leap 15.6]",
                "kernel (hd0,0)/boot/vmlinuz-6.4 BOOT_IMAGE=/boot/vmlinuz-6.4 \
                 root=UUID=0a5e0a5e-7777-4242-8888-123456789abc splash=silent",
                "initrd (hd0,0)/boot/initrd-6.4",
                "[  openSUSE Leap 15.6, with Linux 6.4]",
                "kernel (hd0,0)/boot/vmlinuz-6.4 BOOT_IMAGE=/boot/vmlinuz-6.4 splash=none",
            ],
        ),
    ] {
        let mut found = shown(text, &[]);
        found.retain(|line| !line.contains("`load_video' is not known"));
        assert_eq!(found, expected, "{name}");
    }
}

/// The language, through what a kernel is told.
#[test]
fn language() {
    for (script, expected) in [
        (
            "a=1; linux /k $a ${a}x '$a' \"$a $b\" \\$a",
            "1 1x $a \"1 \" $a",
        ),
        ("set a='b  c'; linux /k $a \"$a\"", "b c \"b  c\""),
        ("set a=; linux /k x$a $a \"$a\" y", "x  y"),
        ("for i in 1 2 3; do a=$a$i; done; linux /k $a", "123"),
        (
            "for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; a=$a$i; done; linux /k $a",
            "13",
        ),
        (
            "for i in 1 2 3; do if [ $i = 2 ]; then break; fi; a=$a$i; done; linux /k $a",
            "1",
        ),
        ("while [ x$a != xaaa ]; do a=a$a; done; linux /k $a", "aaa"),
        ("until [ \"$a\" = aa ]; do a=a$a; done; linux /k $a", "aa"),
        (
            "function f { linux /k $# $1 \"$2\" $3; }\nf 'a b' 'c d'",
            "2 a b \"c d\"",
        ),
        ("function f { shift; linux /k $@; }\nf a b c", "b c"),
        ("function f { linux /k \"$@\"; }\nf 'a b' c", "\"a b\" c"),
        ("function f { a=1; return; a=2; }\nf; linux /k $a", "1"),
        ("function f { b=$1; }\nf x; linux /k $b $1", "x x"),
        (
            "if false; then a=1; elif [ -s /full ]; then a=2; else a=3; fi; linux /k $a",
            "2",
        ),
        ("if [ -s /empty ]; then a=1; else a=3; fi; linux /k $a", "3"),
        ("if ! [ -f /none ]; then linux /k 1; fi", "1"),
        ("false; linux /k $?", "1"),
        ("set a=1; unset a; linux /k x$a", "x"),
        (
            "search --set=d --fs-uuid 0A5E0A5E-7777-4242-8888-123456789ABC; linux /k $d",
            "hd0,msdos1",
        ),
        ("search --set=d -l rootfs; linux /k $d", "hd0,msdos1"),
        ("search --set=d --file /full; linux /k $d", "hd0,msdos1"),
        ("search.fs_label rootfs d; linux /k $d", "hd0,msdos1"),
        (
            "if search --set=d -u none; then a=1; fi; linux /k x$a$d",
            "x",
        ),
        ("probe --set=u --fs-uuid $root; linux /k $u", UUID),
        (
            "linux /k $grub_platform $grub_cpu $prefix",
            "xen x86_64 (hd0,msdos1)/boot/grub",
        ),
    ] {
        let expected = format!("kernel (hd0,0)/k BOOT_IMAGE=/k {expected}");
        let found = body(script);
        assert_eq!(found[0], expected.trim_end(), "{script}\n{found:?}");
    }
}

/// What a body may come to, other than a kernel.
#[test]
fn bodies() {
    for (script, expected) in [
        ("halt", "halt"),
        ("reboot", "reboot"),
        (
            "configfile /boot/other.cfg",
            "configfile (hd0,0)/boot/other.cfg",
        ),
        (
            "set root=lvmid/x/y; linux /k",
            "kernel (lvmid/x/y)/k BOOT_IMAGE=/k",
        ),
        (
            "linux (lvmid/x)/k",
            "kernel (lvmid/x)/k BOOT_IMAGE=(lvmid/x)/k",
        ),
        (
            "set root=hd0,gpt2\nlinuxefi /k a\ninitrdefi /i",
            "kernel (hd0,1)/k BOOT_IMAGE=/k a",
        ),
    ] {
        assert_eq!(body(script)[0], expected, "{script}");
    }
    let left_out = |script: &str| {
        let lines = shown(&format!("menuentry 'a b' {{ {script} }}"), &[]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    };
    assert_eq!(
        left_out("echo x;"),
        "! line 1: `a b' is left out: it boots nothing"
    );
    assert!(left_out("chainloader +1;").contains("`chainloader' means nothing in a PV guest"));
}

#[test]
fn oddities_are_named() {
    let warnings = |text: &str| {
        let lines = shown(&format!("{text}\nmenuentry x {{ halt; }}\n"), &[]);
        let texts = lines.iter().filter_map(|line| line.strip_prefix("! "));
        texts.map(str::to_string).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("insmod x; loadfont y; terminal_input console", &[][..]),
        (
            "\nfrobnicate x\nfrobnicate y",
            &["line 2: `frobnicate' is not known here; passed over"],
        ),
        (
            "linux /k",
            &["line 1: `linux' outside of an entry; passed over"],
        ),
        ("source /none", &["line 1: (hd0,0)/none: no such file"]),
        ("source (hd7)x", &["line 1: (hd7): no such partition or so"]),
        (
            "password_pbkdf2 root grub.x",
            &["line 1: passwords of GRUB 2 are not asked for"],
        ),
        (
            "blscfg",
            &["line 1: no folder of Boot Loader Specification entries"],
        ),
    ] {
        let found = warnings(text);
        assert_eq!(found.len(), expected.len(), "{text} {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            let same = expected
                .strip_suffix(" or so")
                .map_or("", |_| "line 1: (hd7)");
            assert!(
                found == expected || (!same.is_empty() && found.starts_with(same)),
                "{found}"
            );
        }
    }
    // What makes no sense ends the file, not the menu.
    let lines = shown("menuentry x { halt; }\nfi\nmenuentry y { halt; }\n", &[]);
    assert_eq!(
        lines,
        [
            "[x]",
            "halt",
            "! line 2: `fi' where none belongs; the rest is left out"
        ]
    );
}

/// None of these hangs, or takes more than a few MiB.
#[test]
fn hostile() {
    for text in [
        "while true; do a=1; done",
        "until false; do true; done",
        "function f { f; }\nf",
        "function f { f; f; f; }\nf",
        "function f { f \"$@$@\"; }\nf aaaaaaaa",
        "a=x; while true; do a=$a$a$a$a; done",
        "a=x; while true; do for i in $a $a; do a=\"$a $i\"; done; done",
        "source /boot/grub/grub.cfg",
        "configfile /boot/grub/grub.cfg",
        "source /boot/grub/grub.cfg; source /boot/grub/grub.cfg; menuentry x { halt; }",
        "while true; do menuentry x { halt; }; done",
        "while true; do search --file /none --set=a; done",
        "while true; do load_env -f /boot/grub/grub.cfg; done",
        "menuentry x { while true; do linux /k; initrd /i; done; }",
        "submenu x { submenu y { submenu z { menuentry a { halt; } } } }",
        "function f { submenu x { f; }; }\nf",
        "function f { submenu x { f; }; submenu y { f; }; menuentry z { halt; }; }\nf",
    ] {
        let lines = shown(text, &[]);
        assert!(lines.len() < 2000, "{text}: {} lines", lines.len());
    }
    for text in [
        "{ ".repeat(200_000),
        "if a; then ".repeat(200_000),
        "menuentry x { ".repeat(200_000),
        "menuentry x { halt; }\n".repeat(100_000),
        format!("menuentry x {{ linux /k {} }}", "y".repeat(3 << 20)),
        "$a".repeat(1 << 20),
        "'".into(),
    ] {
        let lines = shown(&text, &[]);
        assert!(lines.len() < 2000, "{} lines", lines.len());
    }
}

/// The unikernel's stack is small: what runs deepest fits into a part of it.
#[test]
fn stack() {
    let run = || {
        for text in [
            "function f { if true; then if true; then f; fi; fi; }\nf",
            "source /boot/grub/grub.cfg",
            &format!("{}halt{}", "if true; then ".repeat(23), "; fi".repeat(23)),
            "function f { submenu x { f; }; }\nf",
        ] {
            shown(text, &[]);
        }
    };
    // Frames are larger here than in the optimised unikernel.
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(run).unwrap().join().unwrap();
}
