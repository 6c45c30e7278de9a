//! Getting to screens.

use aha_lab::tui::{screens::Screen, shell::app::App};

/// One of the screens.
pub fn at<S: Screen>(app: &App) -> &S {
    app.screen().unwrap()
}

/// Brings the screen of this name to the front.
pub fn show(app: &mut App, name: &str) {
    app.front = app.place_of(name).unwrap();
}
