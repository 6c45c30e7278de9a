//! What the lab remembers of a person from one start to the next: the theme and the last screen, in `screen.toml` of
//! their state folder. Where it cannot be kept, everything begins as at the first start.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use super::first_start::state_folder;
use crate::{
    system::files,
    tui::{
        Remembered, TuiOptions,
        shell::{remembered::write as write_file, themes},
    },
};

/// Set to `0`, nothing is remembered and nothing is read.
const REMEMBER: &str = "AHA_REMEMBER";
/// The file.
const FILE: &str = "screen.toml";
/// A longer file was not written by the lab.
const LONGEST: u64 = 4096;

/// Sets what a person chose before, and what their environment chooses now.
pub(super) fn recall(options: &mut TuiOptions) {
    recall_with(options, |name| env::var_os(name));
}

/// Remembers it for the next start. A screen that cannot be remembered is no reason to fail.
pub(super) fn keep(remembered: &Remembered) {
    if let Some(folder) = folder(|name| env::var_os(name)) {
        let _ = write(&folder, remembered);
    }
}

fn recall_with(options: &mut TuiOptions, variable: impl Fn(&str) -> Option<OsString>) {
    let complaints = [recall_file(options, &variable), recall_theme(options, &variable)];
    for complaint in complaints.into_iter().filter_map(Result::err) {
        // What the run has to say goes before.
        options.warning.get_or_insert(complaint);
    }
}

fn recall_file(options: &mut TuiOptions, variable: &impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
    options.state = folder(variable);
    let Some(folder) = &options.state else { return Ok(()) };
    if let Some(remembered) = read(&folder.join(FILE))? {
        // Who sees the lab for the first time begins where the four lines explain what they see.
        options.remembered =
            Remembered { screen: remembered.screen.filter(|_| !options.welcome), ..remembered };
    }
    Ok(())
}

fn recall_theme(
    options: &mut TuiOptions,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<(), String> {
    let Some(named) = variable(themes::VARIABLE).filter(|name| !name.is_empty()) else { return Ok(()) };
    let named = themes::Named::read(&named.to_string_lossy());
    options.remembered.theme = named.map_err(|why| format!("{}: {why}", themes::VARIABLE))?;
    Ok(())
}

/// Where it is kept; `None` where nothing is to be remembered.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let forgets = variable(REMEMBER).is_some_and(|value| value == "0");
    state_folder(variable).filter(|_| !forgets)
}

/// What is in the file; `None` if there is none.
fn read(path: &Path) -> Result<Option<Remembered>, String> {
    let damaged = |why: String| {
        format!("{} cannot be read, so theme and screen are not remembered: {why}", path.display())
    };
    let bytes = match files::read(path, LONGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(damaged(error.to_string())),
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
    let table: toml::Table = text.parse().map_err(|_| damaged("it is not TOML".to_owned()))?;
    let word = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(toml::Value::String(word)) => Ok(Some(word.clone())),
        Some(_) => Err(damaged(format!("`{key}` is not a text"))),
    };
    let theme = word("theme")?.map(|name| themes::Named::read(&name)).transpose().map_err(damaged)?;
    Ok(Some(Remembered { theme: theme.unwrap_or_default(), screen: word("screen")? }))
}

fn write(folder: &Path, remembered: &Remembered) -> io::Result<()> {
    let mut table = toml::Table::new();
    table.insert("theme".to_owned(), remembered.theme.name().into());
    if let Some(screen) = &remembered.screen {
        table.insert("screen".to_owned(), screen.as_str().into());
    }
    write_file(folder, FILE, &table.to_string())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn recalled(home: &Path, theme: Option<&str>) -> TuiOptions {
        let mut options = TuiOptions::default();
        recall_with(&mut options, |name| match name {
            "XDG_STATE_HOME" => Some(home.as_os_str().to_owned()),
            themes::VARIABLE => theme.map(Into::into),
            _ => None,
        });
        options
    }

    #[test]
    fn theme_and_screen_come_back_and_the_environment_goes_before() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("aha-lab").join(FILE);
        assert_eq!(recalled(home.path(), None).remembered, Remembered::default());
        let left = Remembered { theme: themes::Named::ColorBlind, screen: Some("Meter".into()) };
        write(path.parent().unwrap(), &left).unwrap();
        write(path.parent().unwrap(), &left).unwrap();
        assert_eq!(recalled(home.path(), None).remembered, left);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let light = recalled(home.path(), Some("light")).remembered;
        assert_eq!((light.theme, light.screen), (themes::Named::Light, left.screen));
        let wrong = recalled(home.path(), Some("solarized"));
        assert_eq!(wrong.remembered.theme, themes::Named::ColorBlind);
        assert!(wrong.warning.unwrap().contains("AHA_THEME: there is no theme 'solarized'"));
    }

    #[test]
    fn a_damaged_file_is_a_sentence_and_everything_begins_anew() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("aha-lab").join(FILE);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let long = format!("theme = \"{}\"", "x".repeat(9000));
        for damaged in ["theme = ", "theme = 3", "theme = \"purple\"", "screen = []", "\u{0}\u{1}", &long] {
            fs::write(&path, damaged).unwrap();
            let options = recalled(home.path(), None);
            assert_eq!(options.remembered, Remembered::default(), "{damaged:.20}");
            assert!(options.warning.unwrap().contains("screen.toml cannot be read"), "{damaged:.20}");
        }
        fs::write(&path, b"\xff\xfe").unwrap();
        assert!(recalled(home.path(), None).warning.unwrap().contains("it is not text"));
    }

    #[test]
    fn nothing_is_kept_where_that_is_not_wanted_or_not_possible() {
        assert_eq!(folder(|name| (name == REMEMBER).then(|| "0".into())), None);
        assert_eq!(folder(|_| None), None);
        let home = tempfile::tempdir().unwrap();
        let taken = home.path().join("taken");
        fs::write(&taken, "").unwrap();
        assert!(write(&taken.join("aha-lab"), &Remembered::default()).is_err());
    }
}
