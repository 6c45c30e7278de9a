//! Systems without Unix sockets: nothing is served, and an opened run is read-only.

use std::path::Path;

use crossbeam_channel::{Receiver, Sender};

use super::SocketError;
use crate::protocol::{Command, Event, RunSource};

/// Never made.
#[derive(Debug)]
pub struct ControlServer(());

impl ControlServer {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn start(_run: &Path, _commands: Sender<Command>) -> Result<Self, SocketError> {
        Err(SocketError::Unsupported)
    }

    /// Nobody listens.
    pub fn tell(&self, _event: &Event) {}

    /// Nobody asks.
    pub(crate) fn pause_is_wanted(&self) -> bool {
        false
    }
}

/// Whether a run can be commanded: never.
pub fn has_socket(_run: &Path) -> bool {
    false
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn attach(_run: &Path, _commands: Receiver<Command>, _feed: Sender<Event>) -> Result<(), SocketError> {
    Err(SocketError::Unsupported)
}

/// The run as it is read from its files.
///
/// # Errors
/// Never.
pub fn joined(source: RunSource, _run: &Path) -> std::io::Result<RunSource> {
    Ok(source)
}
