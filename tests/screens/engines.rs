//! Runs of other engines, read from their own files, as the screens show them.

use std::path::Path;

use aha_lab::{
    runs::source::Reading,
    tui::{screens::REGISTRY, shell::app::App},
};

use crate::{
    at::{opened, show},
    picture::{SIZES, draw, text},
};

fn shown(app: &mut App, screen: &str) -> String {
    show(app, screen);
    text(&draw(app, 160, 60))
}

#[test]
fn every_screen_shows_them_at_every_size_without_a_wrong_word() {
    let others =
        ["verl", "nano-aha", "nemo-rl", "areal", "prime-rl", "prime-rl-chunks", "open-instruct", "skyrl"]
            .map(|name| format!("tests/data/engines/{name}"));
    let trl = ["tests/data/trl-files", "tests/data/trl-files-chat"].map(str::to_owned);
    for run in trl.into_iter().chain(others) {
        let mut app = opened(Path::new(&run), &Reading::default());
        for make in REGISTRY {
            let name = make().name();
            show(&mut app, name);
            for (width, height) in SIZES {
                let shown = text(&draw(&mut app, width, height));
                assert!(!shown.contains("NaN") && !shown.contains("inf "), "{run}, {name}: {shown}");
            }
        }
    }
}

#[test]
fn the_engine_is_named_and_its_completions_are_read() {
    for (run, engine) in [("tests/data/trl-files", "TRL"), ("tests/data/engines/verl", "verl")] {
        let mut app = opened(Path::new(run), &Reading::default());
        let live = shown(&mut app, "Live");
        assert!(live.contains(engine) && live.contains("step 5"), "{live}");
        let transcripts = shown(&mut app, "Transcripts");
        assert!(transcripts.contains("transcripts 60 of 60"), "{transcripts}");
    }
}
