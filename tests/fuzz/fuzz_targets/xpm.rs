//! An XPM's text behind a head that makes it one: the whole input is spent on
//! what its parser reads.

pub fn fuzz(data: &[u8]) {
    let mut file = b"/* XPM */\n".to_vec();
    file.extend(data);
    super::splash::fuzz(&file);
}
