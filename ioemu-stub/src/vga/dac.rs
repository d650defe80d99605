//! The DAC: 256 colours of three times 6 bits, or 8 where the DISPI asks.

/// The palette and its pair of indices.
pub(super) struct Dac {
    /// The pixel mask.
    pub mask: u8,
    /// Components as written.
    colors: [[u8; 3]; 256],
    /// Components have 8 bits.
    wide: bool,
    read_index: u8,
    write_index: u8,
    /// Which component is next: one counter for both directions.
    component: usize,
    reading: bool,
    /// What was written of a colour not yet complete.
    partial: [u8; 2],
}

impl Dac {
    pub fn new() -> Self {
        Dac {
            mask: 0xff,
            colors: [[0; 3]; 256],
            wide: false,
            read_index: 0,
            write_index: 0,
            component: 0,
            reading: false,
            partial: [0; 2],
        }
    }

    /// Chooses 8 bits a component, or 6. Says whether that is a change.
    pub fn set_wide(&mut self, wide: bool) -> bool {
        core::mem::replace(&mut self.wide, wide) != wide
    }

    /// 3C7h: 3 after a read index was set, 0 after a write index.
    pub fn state(&self) -> u8 {
        if self.reading { 3 } else { 0 }
    }

    pub fn write_index(&self) -> u8 {
        self.write_index
    }

    pub fn set_read_index(&mut self, index: u8) {
        (self.read_index, self.component, self.reading) = (index, 0, true);
    }

    pub fn set_write_index(&mut self, index: u8) {
        (self.write_index, self.component, self.reading) = (index, 0, false);
    }

    pub fn read(&mut self) -> u8 {
        let value = self.colors[usize::from(self.read_index)][self.component % 3];
        self.component += 1;
        if self.component >= 3 {
            self.component = 0;
            self.read_index = self.read_index.wrapping_add(1);
        }
        value
    }

    /// Says whether a colour changed: with its third component.
    pub fn write(&mut self, value: u8) -> bool {
        let value = if self.wide { value } else { value & 0x3f };
        if let Some(part) = self.partial.get_mut(self.component) {
            *part = value;
            self.component += 1;
            return false;
        }
        let [red, green] = self.partial;
        let color = &mut self.colors[usize::from(self.write_index)];
        let new = [red, green, value];
        let changed = core::mem::replace(color, new) != new;
        self.component = 0;
        self.write_index = self.write_index.wrapping_add(1);
        changed
    }

    /// What a pixel value looks like, as XRGB8888.
    pub fn color(&self, pixel: u8) -> u32 {
        let [red, green, blue] = self.colors[usize::from(pixel & self.mask)].map(|component| {
            let component = u32::from(component);
            if self.wide {
                component
            } else {
                // 63 becomes 255.
                component << 2 & 0xff | component >> 4 & 3
            }
        });
        red << 16 | green << 8 | blue
    }
}
