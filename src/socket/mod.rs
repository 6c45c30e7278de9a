//! Commands a run from another process of the same user, through a socket in the run directory.
//!
//! The socket is `RUN/control.sock`, mode 0600. It appears under its name only once it has that mode, so
//! nobody else can ever connect: the file's permissions decide who may, and the run directory's owner decides
//! those. Each side writes JSON, one object per line: [`Request`]s one way, [`Line`]s the other. The server
//! greets first, and a client sends nothing until it has been greeted, so that another program's socket is
//! left alone.

#[cfg(unix)]
mod joined;
mod message;

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod private;
#[cfg(unix)]
mod server;
#[cfg(not(unix))]
mod unsupported;

#[cfg(unix)]
pub use client::{Connection, attach, has_socket};
#[cfg(unix)]
pub use joined::joined;
pub use message::{Line, Request};
#[cfg(unix)]
pub(crate) use private::listen_privately;
#[cfg(unix)]
pub use server::ControlServer;
#[cfg(not(unix))]
pub use unsupported::{ControlServer, attach, has_socket, joined};

use std::{io, path::PathBuf};

#[cfg(unix)]
use crate::system::files::Folder;

/// Name of the socket in a run directory.
pub const SOCKET_FILE: &str = "control.sock";
/// The server greets with this, so that a client knows what it is talking to.
const PROGRAM: &str = "aha-lab";
/// Longest line that either side accepts, in bytes.
const LONGEST_LINE: u64 = 256 << 10;

/// Why a run cannot be commanded.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The operating system refused.
    #[error("Cannot {action} {}: {cause}.", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which socket.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// Something answered, but not a run.
    #[error("{} does not answer like a run; it is ignored.", path.display())]
    Stranger {
        /// The socket.
        path: PathBuf,
    },
    /// Another user's socket.
    #[error("{} belongs to another user, who could send anything; it is ignored.", path.display())]
    Foreign {
        /// The socket.
        path: PathBuf,
    },
    /// The system has no such sockets.
    #[error("On this system, a run takes no commands from another process.")]
    Unsupported,
}

/// A path for the system's socket calls, which take about a hundred bytes: a longer one is reached through
/// the open folder, if the system exposes open files as paths.
#[cfg(unix)]
fn within_limit(path: &std::path::Path) -> io::Result<(PathBuf, Option<Folder>)> {
    use std::os::{fd::AsRawFd, unix::ffi::OsStrExt};
    /// macOS accepts 103, Linux 107.
    const MOST: usize = 103;
    if path.as_os_str().as_bytes().len() <= MOST {
        return Ok((path.to_owned(), None));
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let folder = Folder::open(folder)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    if !through.is_dir() {
        return Err(io::Error::other(
            "its path is too long for a socket; choose a shorter one with --runs DIR",
        ));
    }
    Ok((through.join(name), Some(folder)))
}
