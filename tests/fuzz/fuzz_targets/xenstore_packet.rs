//! Packets of xenstored: each is followed to its end, and one that was
//! understood is written back as it came.

use xen_proto::xenstore::wire::Packet;

pub fn fuzz(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((packet, len))) = Packet::parse(rest) {
        assert!(len >= 16 && len <= rest.len());
        assert_eq!(packet.payload.len(), len - 16);
        rest = &rest[len..];
    }
}
