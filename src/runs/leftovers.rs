//! Removes what a killed writer left half made.

use std::path::Path;

use super::{
    checkpoint::{self, PARTIAL, REPLACED},
    directory::CHECKPOINTS,
    disk::clear_leftover,
};
use crate::system::files::{Folder, Kind};

/// Files of a run that are written under a temporary name first.
const WRITTEN_ASIDE: [&str; 3] = ["config.toml", "run.pid", "run.lock"];
/// Prefix of the folders in which a run's socket is created; the process id follows.
const SOCKETS: &str = ".control-";

/// Removes what an earlier writer of a run left under temporary names; the caller holds the run's lock. What
/// cannot be removed, or is somebody else's, stays: it is never taken for a part of the run.
pub fn remove(run: &Folder) {
    if let Ok(checkpoints) = run.folder(CHECKPOINTS) {
        remove_of_checkpoints(&checkpoints);
    }
    for name in WRITTEN_ASIDE {
        let _ = clear_leftover(run, &format!("{name}.partial"));
    }
    for name in run.names().unwrap_or_default() {
        let process = name.to_str().and_then(|name| name.strip_prefix(SOCKETS));
        if process.is_some_and(|process| process.parse::<u32>().is_ok()) {
            let _ = run.remove_folder(&name);
        }
    }
}

/// Like [`remove`], for a folder of checkpoints alone.
pub(crate) fn remove_of_checkpoints(checkpoints: &Folder) {
    let is_folder =
        |name: &str| checkpoints.find(name).is_ok_and(|found| found.is_some_and(|f| f.kind == Kind::Folder));
    let is_whole = |name: &str| checkpoint::step_of(Path::new(name)).is_some();
    for name in checkpoints.names().unwrap_or_default() {
        let Some(name) = name.to_str() else { continue };
        let cut_off = name.strip_suffix(PARTIAL).is_some_and(is_whole);
        // It was kept only until its replacement was whole.
        let replaced = name.strip_suffix(REPLACED).is_some_and(|whole| is_whole(whole) && is_folder(whole));
        if cut_off || replaced {
            let _ = checkpoints.remove_folder(name);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_cut_off_goes_and_everything_else_stays() {
        let root = tempfile::tempdir().unwrap();
        let checkpoints = root.path().join(CHECKPOINTS);
        let of = |name: &str| checkpoints.join(name);
        for name in ["step-000002", "step-000002.replaced", "step-000004.partial", "step-000006.replaced"] {
            fs::create_dir_all(of(name)).unwrap();
            fs::write(of(name).join("model.safetensors"), "weights").unwrap();
        }
        for mine in ["mine.partial", "step-7.partial"] {
            fs::create_dir_all(of(mine)).unwrap();
        }
        let at = |name: &str| root.path().join(name);
        fs::write(at("run.pid.partial"), "7").unwrap();
        fs::write(at("notes.partial"), "mine").unwrap();
        for folder in [".control-123", ".control-mine"] {
            fs::create_dir(at(folder)).unwrap();
        }
        #[cfg(unix)]
        {
            fs::create_dir(at("elsewhere")).unwrap();
            fs::write(at("elsewhere/file"), "kept").unwrap();
            std::os::unix::fs::symlink(at("elsewhere"), of("step-000008.partial")).unwrap();
        }
        let folder = Folder::open(root.path()).unwrap();
        remove(&folder);
        for gone in ["step-000002.replaced", "step-000004.partial"] {
            assert!(!of(gone).exists(), "{gone}");
        }
        for kept in
            ["step-000002/model.safetensors", "step-000006.replaced", "mine.partial", "step-7.partial"]
        {
            assert!(of(kept).exists(), "{kept}");
        }
        assert!(!at("run.pid.partial").exists() && !at(".control-123").exists());
        assert!(at("notes.partial").exists() && at(".control-mine").exists());
        #[cfg(unix)]
        assert!(at("elsewhere/file").exists());
    }
}
