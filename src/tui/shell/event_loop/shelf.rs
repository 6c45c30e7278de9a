//! The folder of runs: it is read, runs in it are opened, and forks of them are started.

use std::path::PathBuf;

use super::{Channels, Forked, Host};
use crate::{
    runs,
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
