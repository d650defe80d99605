//! Checksums of TCP and UDP over IPv4 (RFC 9293, 768), where smoltcp leaves
//! them to the card.

use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Address, Ipv4Packet, TcpPacket,
    UdpPacket,
};

/// Bytes of a UDP header.
const UDP_HEADER: u16 = 8;
/// Bytes of a TCP header without options.
const TCP_HEADER: u16 = 20;

/// Whether a received frame's checksum is right, as far as there is one:
/// that of a fragment is somebody else's.
pub(super) fn is_right(frame: &[u8]) -> bool {
    let Some(packet) = datagram(frame) else {
        return true;
    };
    let (from, to) = (packet.src_addr(), packet.dst_addr());
    let (from, to) = (IpAddress::from(from), IpAddress::from(to));
    match packet.next_header() {
        IpProtocol::Tcp => TcpPacket::new_checked(packet.payload())
            .is_ok_and(|segment| segment.verify_checksum(&from, &to)),
        IpProtocol::Udp => UdpPacket::new_checked(packet.payload())
            .is_ok_and(|datagram| datagram.verify_checksum(&from, &to)),
        _ => true,
    }
}

/// Gives a frame that is to be sent the checksum of its pseudo header, which
/// whoever fills in the real one starts from; false if it has none.
pub(super) fn prepare(frame: &mut [u8]) -> bool {
    let Some(packet) = datagram(&*frame) else {
        return false;
    };
    let protocol = packet.next_header();
    let len = packet.payload().len() as u16;
    let sum = pseudo_header(packet.src_addr(), packet.dst_addr(), protocol.into(), len);
    let Ok(mut ethernet) = EthernetFrame::new_checked(frame) else {
        return false;
    };
    let Ok(mut packet) = Ipv4Packet::new_checked(ethernet.payload_mut()) else {
        return false;
    };
    match protocol {
        IpProtocol::Tcp if len >= TCP_HEADER => {
            TcpPacket::new_unchecked(packet.payload_mut()).set_checksum(sum);
        }
        IpProtocol::Udp if len >= UDP_HEADER => {
            UdpPacket::new_unchecked(packet.payload_mut()).set_checksum(sum);
        }
        _ => return false,
    }
    true
}

/// A frame's IPv4 packet, unless it is a fragment.
fn datagram(frame: &[u8]) -> Option<Ipv4Packet<&[u8]>> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    // Borrowed from the frame, not from what looks at it.
    let payload = frame.get(EthernetFrame::<&[u8]>::header_len()..)?;
    let packet = Ipv4Packet::new_checked(payload).ok()?;
    (!packet.more_frags() && packet.frag_offset() == 0).then_some(packet)
}

/// One's complement sum of a pseudo header.
fn pseudo_header(from: Ipv4Address, to: Ipv4Address, protocol: u8, len: u16) -> u16 {
    let words = |address: Ipv4Address| {
        let [a, b, c, d] = address.octets();
        u32::from(u16::from_be_bytes([a, b])) + u32::from(u16::from_be_bytes([c, d]))
    };
    let sum = words(from) + words(to) + u32::from(protocol) + u32::from(len);
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}
