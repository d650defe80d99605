//! bzImages: whatever `identify` says lies inside the file.

use pvgrub::image::{Container, identify};

pub fn fuzz(data: &[u8]) {
    if let Ok(Container::BzImage { payload, .. }) = identify(data) {
        assert!(data.get(payload).is_some());
    }
}
