//! The folder of runs: it is read, runs in it are opened, and forks of them are started.

use std::path::{Path, PathBuf};

use super::{Channels, Forked, Host};
use crate::{
    runs::{
        self, RunDirectory, RunError,
        notes::{self, Notes},
    },
    tui::{
        shell::{app::App, message::Level, wire::Wire},
        store::{Run, shelf::Fork},
    },
};

/// Begins to read the folder, unless it is being read.
pub(super) fn begin(app: &mut App, channels: &mut Channels) {
    if app.shelf.is_reading() {
        return;
    }
    app.dirty = true;
    match runs::shelf::read(&app.shelf.folder) {
        Ok(shelf) => {
            app.shelf.begin();
            channels.shelf = shelf;
        }
        Err(error) => app.shelf.fail(error.to_string()),
    }
}

/// Opens runs beside those that are open, and shows the last of them.
pub(super) fn open_all(app: &mut App, runs: &[PathBuf], wires: &mut Vec<Wire>, host: &mut impl Host) {
    let mut refused = None;
    for run in runs {
        let place = match app.store.place_at(run) {
            Some(place) => place,
            None => match host.open(run) {
                Ok(source) => {
                    let place = app.add_run(source.facts);
                    let wire = Wire::new(source);
                    if !wire.has_side() {
                        app.store.get_mut(place).into_iter().for_each(Run::side_gone);
                    }
                    wires.push(wire);
                    place
                }
                Err(why) => {
                    refused = Some(why);
                    continue;
                }
            },
        };
        app.show_run(place);
    }
    if let Some(why) = refused {
        app.say(Level::Error, why);
    }
}

/// Writes what a person says of a run.
pub(super) fn note(app: &mut App, run: &Path, notes: &Notes, channels: &mut Channels) {
    let written = RunDirectory::open(run).and_then(|run| {
        let before = notes::read(&run)?;
        // A name is looked at for itself: no two runs may have the same.
        match before.name == notes.name {
            true => notes::write(&app.shelf.folder, &run, notes),
            false => notes::rename(&app.shelf.folder, &run, &notes.name),
        }
    });
    told(app, written, "it stands beside the run's files", channels);
}

/// Deletes a run. One that is open stays on screen as it was seen.
pub(super) fn delete(app: &mut App, run: &Path, channels: &mut Channels) {
    let deleted = RunDirectory::open(run).and_then(|run| notes::delete(&app.shelf.folder, &run));
    told(app, deleted, "the run is deleted", channels);
}

fn told(app: &mut App, done: Result<(), RunError>, what: &str, channels: &mut Channels) {
    match done {
        Ok(()) => {
            app.say(Level::Info, what);
            begin(app, channels);
        }
        Err(error) => app.say(Level::Error, error.to_string()),
    }
}

/// Starts a fork, unless one is being started.
pub(super) fn fork(app: &mut App, fork: &Fork, channels: &mut Channels, host: &mut impl Host) {
    match host.fork(fork) {
        Ok(forked) => {
            channels.forked = forked;
            app.say(Level::Info, "the fork is being started in the background; it opens when it has begun");
        }
        Err(why) => app.say(Level::Error, why),
    }
}

/// A fork has begun, or it has not.
pub(super) fn forked(app: &mut App, told: Forked, wires: &mut Vec<Wire>, host: &mut impl Host) {
    match told {
        Ok(run) => open_all(app, &[run], wires, host),
        Err(why) => app.say(Level::Error, format!("the fork did not begin: {why}")),
    }
}
