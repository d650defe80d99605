//! One tree in images of many kinds.

use crate::images::{Scratch, debugfs, mke2fs, open, run};
use crate::tree::{self, Size, compare};

/// Name, arguments of mke2fs, size of the image.
const KINDS: &[(&str, &str, &str)] = &[
    ("ext2-1k", "-t ext2 -b 1024", "64M"),
    ("ext2-2k", "-t ext2 -b 2048", "64M"),
    ("ext2-4k", "-t ext2 -b 4096", "64M"),
    ("ext2-no-filetype", "-t ext2 -b 1024 -O ^filetype", "64M"),
    (
        "ext2-no-sparse-super",
        "-t ext2 -b 1024 -g 1024 -O ^sparse_super,^resize_inode",
        "64M",
    ),
    ("ext3-1k", "-t ext3 -b 1024", "64M"),
    ("ext3-4k", "-t ext3 -b 4096", "64M"),
    ("ext3-inode-256", "-t ext3 -I 256", "64M"),
    ("ext4", "-t ext4", "64M"),
    ("ext4-1k", "-t ext4 -b 1024", "64M"),
    ("ext4-2k", "-t ext4 -b 2048", "64M"),
    ("ext4-8k", "-t ext4 -b 8192", "64M"),
    ("ext4-16k", "-t ext4 -b 16384", "96M"),
    ("ext4-32k", "-t ext4 -b 32768", "160M"),
    ("ext4-64k", "-t ext4 -b 65536", "320M"),
    (
        "ext4-64k-csum",
        "-t ext4 -b 65536 -O metadata_csum,64bit",
        "320M",
    ),
    ("ext2-64k", "-t ext2 -b 65536", "320M"),
    ("csum", "-t ext4 -O metadata_csum,64bit", "64M"),
    ("csum-1k", "-t ext4 -b 1024 -O metadata_csum,64bit", "64M"),
    ("csum-no-64bit", "-t ext4 -O metadata_csum,^64bit", "64M"),
    (
        "csum-seed",
        "-t ext4 -O metadata_csum,64bit,metadata_csum_seed",
        "64M",
    ),
    (
        "csum-inode-128",
        "-t ext4 -I 128 -O metadata_csum,64bit",
        "64M",
    ),
    (
        "csum-inode-1024",
        "-t ext4 -I 1024 -O metadata_csum,64bit",
        "64M",
    ),
    (
        "csum-no-extents",
        "-t ext4 -O metadata_csum,^64bit,^extents",
        "64M",
    ),
    (
        "csum-no-flex-bg",
        "-t ext4 -b 1024 -O metadata_csum,64bit,^flex_bg",
        "64M",
    ),
    (
        "no-csum",
        "-t ext4 -O ^metadata_csum,^uninit_bg,64bit",
        "64M",
    ),
    (
        "uninit-bg",
        "-t ext4 -O ^metadata_csum,uninit_bg,64bit",
        "64M",
    ),
    (
        "uninit-bg-32",
        "-t ext4 -O ^metadata_csum,uninit_bg,^64bit -b 1024",
        "64M",
    ),
    (
        "no-journal",
        "-t ext4 -O ^has_journal,metadata_csum,64bit",
        "64M",
    ),
    (
        "meta-bg-1k",
        "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode,metadata_csum,64bit",
        "64M",
    ),
    (
        "meta-bg-4k",
        "-t ext4 -b 4096 -g 256 -O meta_bg,^resize_inode,^flex_bg",
        "96M",
    ),
    (
        "meta-bg-ext2",
        "-t ext2 -b 1024 -g 512 -O meta_bg,^resize_inode",
        "64M",
    ),
    (
        "sparse-super2",
        "-t ext4 -b 1024 -g 1024 -O sparse_super2,^resize_inode,metadata_csum",
        "64M",
    ),
    (
        "sparse-super2-meta-bg",
        "-t ext4 -b 1024 -g 1024 -O sparse_super2,meta_bg,^resize_inode,metadata_csum,64bit",
        "64M",
    ),
    (
        "bigalloc",
        "-t ext4 -O bigalloc,metadata_csum,64bit -C 16384",
        "96M",
    ),
    (
        "bigalloc-1k",
        "-t ext4 -b 1024 -O bigalloc,metadata_csum,64bit -C 16384",
        "96M",
    ),
    (
        "inline-data",
        "-t ext4 -O inline_data,metadata_csum,64bit",
        "64M",
    ),
    (
        "inline-data-1k",
        "-t ext4 -b 1024 -I 1024 -O inline_data,metadata_csum,64bit",
        "64M",
    ),
    (
        "inline-data-no-csum",
        "-t ext4 -O inline_data,^metadata_csum,^uninit_bg",
        "64M",
    ),
    ("ea-inode", "-t ext4 -O ea_inode,metadata_csum,64bit", "64M"),
    (
        "large-dir",
        "-t ext4 -O large_dir,metadata_csum,64bit",
        "64M",
    ),
    (
        "casefold",
        "-t ext4 -O casefold,metadata_csum,64bit -E encoding=utf8",
        "64M",
    ),
    ("mmp", "-t ext4 -O mmp,metadata_csum,64bit", "64M"),
    ("encrypt", "-t ext4 -O encrypt,metadata_csum,64bit", "64M"),
    ("verity", "-t ext4 -O verity,metadata_csum,64bit", "64M"),
    (
        "quota-project",
        "-t ext4 -O quota,project,metadata_csum,64bit",
        "64M",
    ),
    (
        "orphan-file",
        "-t ext4 -O orphan_file,metadata_csum,64bit",
        "64M",
    ),
    (
        "fast-commit",
        "-t ext4 -O fast_commit,metadata_csum,64bit",
        "64M",
    ),
    (
        "stable-inodes",
        "-t ext4 -O stable_inodes,metadata_csum,64bit",
        "64M",
    ),
    (
        "huge-file-dirs",
        "-t ext4 -O huge_file,dir_nlink,extra_isize,large_file",
        "64M",
    ),
    ("no-large-file", "-t ext4 -O ^huge_file,^dir_nlink", "64M"),
    (
        "small-groups",
        "-t ext4 -b 1024 -g 256 -N 4096 -O ^resize_inode,metadata_csum,64bit",
        "64M",
    ),
    (
        "packed",
        "-t ext4 -G 64 -b 1024 -g 1024 -E packed_meta_blocks=1,num_backup_sb=1",
        "64M",
    ),
    (
        "big-disk",
        "-t ext4 -O metadata_csum,64bit -E lazy_itable_init=1 -N 8192",
        "40G",
    ),
];

#[test]
fn every_kind() {
    let scratch = Scratch::new("matrix");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Large);
    for (name, args, size) in KINDS {
        let _ = std::fs::remove_file(&image);
        mke2fs(&image, Some(&source), args, size);
        let fs = open(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        let kind = name.get(..4).filter(|kind| kind.starts_with("ext"));
        assert!(
            fs.kind() == kind.unwrap_or("ext4") || *name == "meta-bg-ext2",
            "{name}: {}",
            fs.kind()
        );
        compare(&*fs, &source, name);
        // The same with its folders packed and turned into hash trees.
        run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
        let fs = open(&image).unwrap_or_else(|error| panic!("{name}, optimised: {error}"));
        compare(&*fs, &source, &format!("{name}, optimised"));
    }
}

/// Revision 0 knows no features and no large files.
#[test]
fn revision_0() {
    let scratch = Scratch::new("revision-0");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Small);
    for args in ["-t ext2 -r 0 -b 1024", "-t ext2 -r 0 -b 4096"] {
        let _ = std::fs::remove_file(&image);
        mke2fs(&image, Some(&source), args, "32M");
        let fs = open(&image).unwrap();
        assert_eq!(fs.kind(), "ext2");
        compare(&*fs, &source, args);
    }
}

#[test]
fn label_and_uuid() {
    let scratch = Scratch::new("label");
    let image = scratch.path("image");
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    mke2fs(
        &image,
        None,
        &format!("-t ext4 -L the-root -U {uuid}"),
        "8M",
    );
    let fs = open(&image).unwrap();
    assert_eq!(fs.label().as_deref(), Some("the-root"));
    assert_eq!(fs.uuid().as_deref(), Some(uuid));
}

/// Features that we do not know are refused by name.
#[test]
fn unknown_feature() {
    let scratch = Scratch::new("unknown");
    let image = scratch.path("image");
    mke2fs(&image, None, "-t ext4 -O ^metadata_csum", "8M");
    debugfs(&image, "set_super_value feature_incompat 0x1002\n");
    let error = open(&image).err().unwrap();
    assert_eq!(error.number(), 14);
    assert!(error.to_string().contains("dirdata (0x1000)"), "{error}");
}
