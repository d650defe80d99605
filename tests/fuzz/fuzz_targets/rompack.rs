//! ROM packs: what was checked can be looked up, and packs again to the same.

use ioemu_stub::rompack::{RomPack, pack};

pub fn fuzz(data: &[u8]) {
    let Ok(roms) = RomPack::new(data) else {
        return;
    };
    let mut files = Vec::new();
    for name in roms.names() {
        let content = roms.get(name).expect("a checked entry");
        files.push((name, content));
    }
    // Files may overlap, so a small pack can be a large sum.
    if files.iter().map(|f| f.1.len()).sum::<usize>() > 1 << 20 {
        return;
    }
    let again = pack(&files).expect("its names are good");
    let again = RomPack::new(&again).expect("what was packed");
    for (name, content) in files {
        assert_eq!(again.get(name), Some(content));
    }
}
