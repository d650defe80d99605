//! Any command line: understood in both dialects without a panic, and what
//! comes of it is a machine that can be.

use ioemu_stub::arguments::{Config, Place};

pub fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let words: Vec<&str> = text.split('\n').collect();
    for config in [Config::from_argv(&words), Config::from_text(text)] {
        let Ok(mut config) = config else { continue };
        config.add_command_line(text);
        check(&config);
    }
}

fn check(config: &Config) {
    assert!(config.processors > 0 && config.processors <= config.most_processors);
    assert!(config.serials.len() <= 4);
    for (at, drive) in config.drives.iter().enumerate() {
        let earlier = config.drives.iter().take(at);
        assert!(earlier.into_iter().all(|other| other.place != drive.place));
        if let Place::Ide { bus, unit } = drive.place {
            assert!(bus < 2 && unit < 2);
        }
        let _ = drive.devid(&[768, 832, 5632, 5696, 51712, 2048]);
    }
    for line in &config.warnings {
        assert!(!line.is_empty());
    }
}
