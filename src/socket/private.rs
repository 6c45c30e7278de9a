//! Sockets that nobody but their owner can ever reach.

use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use super::within_limit;

/// Binds under a private name, where nobody else can reach it, and renames it into place with its mode set. What is
/// there is replaced.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let private = folder.join(format!(".control-{}", std::process::id()));
    let _ = fs::remove_dir_all(&private);
    fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = private.join("socket");
    let bound = || {
        let (reachable, _folder) = within_limit(&made)?;
        let listener = UnixListener::bind(&reachable)?;
        fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
        fs::rename(&made, path)?;
        Ok(listener)
    };
    let bound = bound();
    let _ = fs::remove_dir_all(&private);
    bound
}

/// A socket at a path that a person chose, mode 0600. One that nobody serves any more is replaced, and nothing else is.
///
/// # Errors
/// If something else is there, somebody serves it, or the system refuses.
pub(crate) fn listen_privately(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something else is there; choose another path",
            ));
        }
        Ok(_) => {
            let (reachable, _folder) = within_limit(path)?;
            if UnixStream::connect(reachable).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves it"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    bind(path)
}
