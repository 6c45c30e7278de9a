//! Getting to screens.

use std::path::Path;

use aha_lab::{
    protocol::Event,
    runs::source::{self, Reading},
    tui::{
        screens::Screen,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};

/// One of the screens.
pub fn at<S: Screen>(app: &App) -> &S {
    app.screen().unwrap()
}

/// Brings the screen of this name to the front.
pub fn show(app: &mut App, name: &str) {
    app.front = app.place_of(name).unwrap();
}

/// The run in this place, with everything told that can be; no warning may be among it.
pub fn opened(run: &Path, reading: &Reading) -> App {
    let opened = source::open(run, reading).unwrap();
    let mut app = App::new(Theme::colored(), opened.facts);
    for event in opened.events {
        if let Event::Warning(sentence) = &event {
            panic!("{sentence}");
        }
        update(&mut app, Action::Engine(0, event));
    }
    app
}
