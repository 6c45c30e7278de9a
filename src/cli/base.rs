//! A model by what a person calls it: a folder, a GGUF file, or a name on the hub, which is fetched.

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, progress_visible};
use crate::{
    engine::setup::Base,
    hub::{self, Found, HubError, Local, Name, Plan, Settings, Want},
    system::output::say,
};

/// What a run begins from: `embedded`, or where its model is.
///
/// # Errors
/// If it is a name on the hub, and cannot be had.
pub(crate) fn base_of(text: &str) -> Result<Base, Failure> {
    match text {
        "embedded" => Ok(Base::Embedded),
        text => Ok(Base::Folder(place_of(text, Want::Model)?)),
    }
}

/// Where a model is; one on the hub is fetched first. What exists here comes before the hub, and a path that does not is
/// left to the loader, which says so.
///
/// # Errors
/// If it is a name on the hub, and cannot be had.
pub(crate) fn place_of(text: &str, want: Want) -> Result<PathBuf, Failure> {
    let path = Path::new(text);
    match Name::parse(text) {
        None => Ok(path.to_owned()),
        Some(_) if path.exists() => {
            say_path_comes_first(text);
            Ok(path.to_owned())
        }
        Some(name) => Ok(fetched(&name, want)?),
    }
}

/// Says that a path which could be a name on the hub is none.
pub(super) fn say_path_comes_first(text: &str) {
    if Name::parse(text).is_some() {
        say(format!("{text} is here, as a path, and is used. The hub is not asked."));
    }
}

/// Where a model of the hub is, now that it is here.
///
/// # Errors
/// If it cannot be had.
pub(super) fn fetched(name: &Name, want: Want) -> Result<PathBuf, HubError> {
    let Local { path, note } = match hub::find(name, &Settings::of_environment()?, want)? {
        Found::Here(local) => local,
        Found::Missing(plan) => fetch(*plan)?,
    };
    note.iter().for_each(say);
    Ok(path)
}

fn fetch(plan: Plan) -> Result<Local, HubError> {
    say(plan.told());
    let bar = if progress_visible() { ProgressBar::new(plan.bytes()) } else { ProgressBar::hidden() };
    let shown = "{bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  (left {eta})";
    if let Ok(style) = ProgressStyle::with_template(shown) {
        bar.set_style(style);
    }
    // What had come before did not take this transfer's time.
    bar.set_position(plan.here());
    bar.reset_eta();
    let local = plan.fetch(&mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    local
}
