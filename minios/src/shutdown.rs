//! The toolstack's wishes: `control/shutdown` (docs/misc/xenstore-paths.pandoc).
//!
//! `xl shutdown` and `xl reboot` write a word there and wait for the domain to
//! take it away and end. The `feature-*` nodes say which words we honour.

use crate::hypercall::Shutdown;
use crate::xenstore::{Error, Store};

const REQUEST: &str = "control/shutdown";

/// The words we honour, and what they mean.
const WORDS: [(&str, Shutdown); 3] = [
    ("poweroff", Shutdown::PowerOff),
    ("reboot", Shutdown::Reboot),
    ("halt", Shutdown::PowerOff),
];

/// Say what we honour.
pub async fn advertise(store: Store) {
    for (word, _) in WORDS {
        // Old toolstacks make these nodes unwritable for us; they do not read them either.
        if let Err(error) = store
            .write(&alloc::format!("control/feature-{word}"), "1")
            .await
        {
            log::debug!("control/feature-{word}: {error}");
        }
    }
}

/// Take the promises back: the next kernel makes its own. The nodes must stay,
/// as the toolstack made them: a guest may not add any under `control`.
pub async fn withdraw(store: &Store) {
    for (word, _) in WORDS {
        let _ = store
            .write(&alloc::format!("control/feature-{word}"), "")
            .await;
    }
}

/// Wait until the toolstack wants this domain to end.
pub async fn requested(store: Store) -> Shutdown {
    match wait(&store).await {
        Ok(reason) => reason,
        Err(error) => {
            log::error!("no shutdown requests will be seen: {error}");
            core::future::pending().await
        }
    }
}

async fn wait(store: &Store) -> Result<Shutdown, Error> {
    let watch = store.watch(REQUEST).await?;
    loop {
        watch.next().await;
        let Some(word) = store
            .read_if_there(REQUEST)
            .await?
            .filter(|word| !word.is_empty())
        else {
            continue;
        };
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some(&(_, reason)) => {
                // Empty means: seen, and on the way. We go also if we cannot say so.
                if let Err(error) = store.write(REQUEST, "").await {
                    log::warn!("{REQUEST}: {error}");
                }
                return Ok(reason);
            }
            None => log::warn!("{REQUEST}: {word:?} is not something we do"),
        }
    }
}
