//! bzip2: what unpacks once unpacks the same into exactly as much room, and
//! into less not at all.

use pvgrub::image::{Codec, decompress, unpacked_len};

pub fn fuzz(data: &[u8]) {
    let _ = unpacked_len(Codec::Bzip2, data);
    let mut room = vec![0x55; 1 << 16];
    let Ok(len) = decompress(Codec::Bzip2, data, &mut room) else {
        return;
    };
    let mut exact = vec![0xaa; len];
    assert_eq!(decompress(Codec::Bzip2, data, &mut exact), Ok(len));
    assert!(exact == room[..len]);
    if len > 0 {
        assert!(decompress(Codec::Bzip2, data, &mut exact[1..]).is_err());
    }
}
