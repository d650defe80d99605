//! A menu that waits costs nothing.

use anyhow::{Result, ensure};
use harness::bench::{IDLE_HOURS, idle};

#[test]
fn a_waiting_menu_does_not_wake_up() -> Result<()> {
    let seconds = idle()?;
    // xl list shows tenths; a tenth may be the end of the beginning.
    ensure!(
        seconds < 0.15,
        "{IDLE_HOURS} h of waiting took {seconds} s of the processor"
    );
    Ok(())
}
