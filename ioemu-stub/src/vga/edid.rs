//! The monitor's description: EDID 1.4, one block.

/// The timings of 1024x768 at 60 Hz (VESA DMT 0x10), as a detailed descriptor:
/// pixel clock 65.00 MHz, then active and blanking, sync offsets and widths.
const PREFERRED: [u8; 18] = [
    0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x0e, 0xc8, 0x10, 0x00,
    0x00, 0x18,
];

/// A monitor that prefers 1024x768 and shows anything.
pub(super) fn block() -> [u8; 128] {
    let mut block = [0; 128];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
    // Manufacturer "XEN", product 1; made in 2026, week 1.
    put(8, &[0x60, 0xae, 0x01, 0x00, 0, 0, 0, 0, 1, 36, 1, 4]);
    // Digital, 8 bits a colour; 27 x 20 cm; gamma 2.2; sRGB, preferred timing first.
    put(20, &[0xa5, 27, 20, 120, 0x06]);
    // The chromaticities of sRGB.
    put(
        25,
        &[0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54],
    );
    // Established: 640x480, 800x600, 1024x768, each at 60 Hz.
    put(35, &[0x21, 0x08, 0x00]);
    // Standard timings at 60 Hz: 1920x1080, 1680x1050, 1600x1200, 1440x900,
    // 1280x1024, 1280x960, 1280x720, 1152x864 (75 Hz).
    put(
        38,
        &[
            0xd1, 0xc0, 0xb3, 0x00, 0xa9, 0x40, 0x95, 0x00, 0x81, 0x80, 0x81, 0x40, 0x81, 0xc0,
            0x71, 0x4f,
        ],
    );
    put(54, &PREFERRED);
    // Range limits: 50 to 125 Hz, 30 to 160 kHz, 650 MHz.
    put(72, &[0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 65, 0x01]);
    put(83, b"\x0a      ");
    put(90, b"\0\0\0\xfc\0Xen display\n ");
    put(108, &[0, 0, 0, 0x10, 0]);
    let sum = block.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    block[127] = sum.wrapping_neg();
    block
}
