//! Xen feature flags a kernel says it supports or needs (public/features.h).

use alloc::string::String;

use xen_sys::features::*;

/// Feature sets of a kernel: bit n stands for `XENFEAT` number n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// What the kernel can work with.
    pub supported: u32,
    /// What it cannot do without.
    pub required: u32,
}

struct Feature {
    name: &'static str,
    bit: u32,
    /// May a kernel insist on it as an ordinary x86_64 PV guest? Page tables
    /// count as writable: every Linux insists on that, and Xen emulates it.
    granted: bool,
}

const FEATURES: &[Feature] = &[
    feature("writable_page_tables", XENFEAT_WRITABLE_PAGE_TABLES, true),
    feature(
        "writable_descriptor_tables",
        XENFEAT_WRITABLE_DESCRIPTOR_TABLES,
        false,
    ),
    feature(
        "auto_translated_physmap",
        XENFEAT_AUTO_TRANSLATED_PHYSMAP,
        false,
    ),
    feature(
        "supervisor_mode_kernel",
        XENFEAT_SUPERVISOR_MODE_KERNEL,
        false,
    ),
    feature("pae_pgdir_above_4gb", XENFEAT_PAE_PGDIR_ABOVE_4GB, true),
    feature("hvm_callback_vector", XENFEAT_HVM_CALLBACK_VECTOR, false),
    feature("dom0", XENFEAT_DOM0, false),
];

const fn feature(name: &'static str, bit: u32, granted: bool) -> Feature {
    Feature { name, bit, granted }
}

impl Features {
    /// Adds the features of a `FEATURES` string: names parted by `|`, those
    /// with a leading `!` required.
    ///
    /// # Errors
    /// A required feature of unknown name, by its name; unknown ones that are
    /// merely supported are skipped, as Xen does.
    pub fn add_string(&mut self, list: &str) -> Result<(), String> {
        for item in list.split('|').filter(|item| !item.is_empty()) {
            let (name, required) = match item.strip_prefix('!') {
                Some(name) => (name, true),
                None => (item, false),
            };
            match FEATURES.iter().find(|f| f.name == name) {
                Some(f) => {
                    self.supported |= 1 << f.bit;
                    if required {
                        self.required |= 1 << f.bit;
                    }
                }
                None if required => return Err(name.into()),
                None => {}
            }
        }
        Ok(())
    }

    /// A required feature that an unprivileged x86_64 PV guest does not get.
    #[must_use]
    pub fn refused(&self) -> Option<&'static str> {
        FEATURES
            .iter()
            .find(|f| !f.granted && self.required & (1 << f.bit) != 0)
            .map(|f| f.name)
    }
}
