//! Whether a person starts the lab for the first time. That is remembered by an empty file in their state folder; where
//! it cannot be, nobody is told the same at every start.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::system::files;

/// Set to `0`, nobody is welcomed.
const WELCOME: &str = "AHA_WELCOME";
/// The file that remembers it.
const WELCOMED: &str = "welcomed";

/// Whether this is the first start; from now on it is not.
pub(super) fn is_first() -> bool {
    is_first_with(|name| env::var_os(name))
}

fn is_first_with(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    if variable(WELCOME).is_some_and(|value| value == "0") {
        return false;
    }
    let Some(folder) = state_folder(variable) else { return false };
    fs::create_dir_all(&folder).is_ok() && files::create(&folder.join(WELCOMED)).is_ok()
}

/// Where a program keeps what it remembers of a user: as the XDG base directories have it, or Windows.
pub(super) fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path there is to be ignored.
    let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || path("HOME").map(|home| home.join(Path::new(".local/state")));
    let root = if cfg!(windows) { path("LOCALAPPDATA") } else { path("XDG_STATE_HOME").or_else(home) };
    Some(root?.join("aha-lab"))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_welcomed_once_where_that_can_be_remembered() {
        let home = tempfile::tempdir().unwrap();
        let with = |name: &'static str, value: &Path| {
            let value = value.to_owned();
            move |asked: &str| (asked == name).then(|| value.clone().into_os_string())
        };
        let at_home = with("HOME", home.path());
        assert!(is_first_with(&at_home) && !is_first_with(&at_home));
        assert!(home.path().join(".local/state/aha-lab/welcomed").is_file());
        let state = home.path().join("state");
        assert!(is_first_with(with("XDG_STATE_HOME", &state)) && state.join("aha-lab").is_dir());
        // Neither a folder that cannot be made, nor no home, nor a relative one.
        let taken = home.path().join("taken");
        fs::write(&taken, "").unwrap();
        for variable in [with("HOME", &taken), with("USER", home.path()), with("HOME", Path::new("here"))] {
            assert!(!is_first_with(&variable));
        }
    }

    #[test]
    fn nobody_is_welcomed_who_does_not_want_it_and_nothing_is_written() {
        let home = tempfile::tempdir().unwrap();
        let variable = |asked: &str| match asked {
            WELCOME => Some("0".into()),
            "HOME" => Some(home.path().as_os_str().to_owned()),
            _ => None,
        };
        assert!(!is_first_with(variable));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
