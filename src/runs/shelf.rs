//! All runs of a folder, read in the background: a folder may hold thousands, and a screen does not wait for them.

use std::path::Path;

use crossbeam_channel::{Receiver, bounded};

use super::{
    error::RunError,
    overview::{self, Overview},
};

/// Most runs that wait to be taken in.
const MOST_WAITING: usize = 64;

/// Reads the runs of a folder, the newest names first. The channel closes behind the last one; the thread ends when nobody
/// listens.
///
/// # Errors
/// If the folder cannot be read, or there is no thread.
pub fn read(folder: &Path) -> Result<Receiver<Overview>, RunError> {
    let places = overview::places(folder)?;
    let (send, runs) = bounded(MOST_WAITING);
    std::thread::Builder::new()
        .name("shelf".into())
        .spawn(move || {
            for place in places.iter().rev() {
                if let Some(run) = overview::at(place)
                    && send.send(run).is_err()
                {
                    return;
                }
            }
        })
        .map_err(RunError::io("start a thread that reads", folder))?;
    Ok(runs)
}
