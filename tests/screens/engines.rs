//! Runs of other engines, read from their own files, as the screens show them.

use std::path::Path;

use aha_lab::{
    protocol::Event,
    runs::source::{self, Reading},
    tui::{
        screens::REGISTRY,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};

use crate::{
    at::show,
    picture::{SIZES, draw, text},
};

/// The run in this folder, with everything told that is there now.
fn opened(run: &str) -> App {
    let opened = source::open(Path::new(run), &Reading::default()).unwrap();
    let mut app = App::new(Theme::colored(), opened.facts);
    for event in opened.events {
        if let Event::Warning(sentence) = &event {
            panic!("{sentence}");
        }
        update(&mut app, Action::Engine(0, event));
    }
    app
}

fn shown(app: &mut App, screen: &str) -> String {
    show(app, screen);
    text(&draw(app, 160, 60))
}

#[test]
fn every_screen_shows_them_at_every_size_without_a_wrong_word() {
    let others =
        ["verl", "nano-aha", "nemo-rl", "areal", "prime-rl"].map(|name| format!("tests/data/engines/{name}"));
    let trl = ["tests/data/trl-files", "tests/data/trl-files-chat"].map(str::to_owned);
    for run in trl.into_iter().chain(others) {
        let mut app = opened(&run);
        for make in REGISTRY {
            let name = make().name();
            show(&mut app, name);
            for (width, height) in SIZES {
                let shown = text(&draw(&mut app, width, height));
                // Figures of theirs that are not known still stand as NaN on the Microscope.
                let is_rough = ["nemo-rl", "areal", "prime-rl"].iter().any(|engine| run.ends_with(engine));
                if !is_rough {
                    assert!(!shown.contains("NaN") && !shown.contains("inf "), "{run}, {name}: {shown}");
                }
            }
        }
    }
}

#[test]
fn the_engine_is_named_and_its_completions_are_read() {
    for (run, engine) in [("tests/data/trl-files", "TRL"), ("tests/data/engines/verl", "verl")] {
        let mut app = opened(run);
        let live = shown(&mut app, "Live");
        assert!(live.contains(engine) && live.contains("step 5"), "{live}");
        let transcripts = shown(&mut app, "Transcripts");
        assert!(transcripts.contains("transcripts 60 of 60"), "{transcripts}");
    }
}
