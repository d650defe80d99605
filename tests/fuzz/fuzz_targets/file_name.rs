//! Names of files and devices: one that is understood reads the same again
//! as it is printed.

use pvgrub::disk::{DeviceName, FileSpec};
use pvgrub::fs::path::normalise;

pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(name) = DeviceName::parse(&text) {
        assert_eq!(DeviceName::parse(&name.to_string()), Ok(name));
    }
    if let Ok(spec) = FileSpec::parse(&text) {
        assert_eq!(FileSpec::parse(&spec.to_string()), Ok(spec));
    }
    let path = normalise(&text);
    assert_eq!(normalise(&path), path);
}
