//! A run that TRL trained and the Python callback wrote, as the screens show it. `python/tests/run_trl.py` made it.

use std::{fs, path::Path};

use aha_lab::{
    runs::source::Reading,
    tui::{screens::REGISTRY, shell::app::App},
};
use tempfile::TempDir;

use crate::{
    at::{opened, show},
    picture::{SIZES, draw, text},
};

const RUN: &str = "tests/data/trl-run";

fn shown(app: &mut App, screen: &str) -> String {
    show(app, screen);
    text(&draw(app, 180, 90))
}

#[test]
fn every_screen_shows_it_at_every_size_without_a_wrong_word() {
    let mut app = opened(Path::new(RUN), &Reading::following());
    for make in REGISTRY {
        let name = make().name();
        show(&mut app, name);
        for (width, height) in SIZES {
            let shown = text(&draw(&mut app, width, height));
            assert!(!shown.contains("NaN") && !shown.contains("inf "), "{name}: {shown}");
        }
    }
}

#[test]
fn the_title_names_its_engine_and_nothing_that_only_ours_has() {
    let mut app = opened(Path::new(RUN), &Reading::following());
    show(&mut app, "Live");
    let title = text(&draw(&mut app, 200, 40)).lines().take(1).collect::<String>();
    for word in ["countdown", "TRL", "seed 7", "finished"] {
        assert!(title.contains(word), "{word}: {title}");
    }
    assert!(shown(&mut app, "Live").lines().any(|line| line.contains("sees only the answer · TRL")));
    assert!(!title.contains("3x20") && !title.contains(" lab "), "{title}");
}

#[test]
fn what_it_says_is_shown_and_the_rest_is_unknown() {
    let mut app = opened(Path::new(RUN), &Reading::following());
    let settings = shown(&mut app, "Settings");
    let value = |key: &str| {
        let line =
            settings.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{key}: {settings}"));
        line.to_owned()
    };
    assert!(value("learning_rate").contains("0.00001"), "{}", value("learning_rate"));
    assert!(value("group_size").contains('4') && !value("group_size").contains("unknown"));
    assert!(value("micro_tokens").contains("unknown"), "{}", value("micro_tokens"));
    let transcripts = shown(&mut app, "Transcripts");
    assert!(transcripts.contains("wrong") && !transcripts.contains("? unknown"), "{transcripts}");
    let microscope = shown(&mut app, "Microscope");
    assert!(
        microscope.contains("sampled with p") && microscope.contains("this run's engine does not tell"),
        "{microscope}"
    );
}

/// The same run, whose engine said less.
#[test]
fn what_an_engine_does_not_say_is_unknown_on_screen_too() {
    let root = TempDir::new().unwrap();
    let run = root.path().join("silent");
    fs::create_dir(&run).unwrap();
    for name in ["metrics.jsonl", "rollouts.jsonl", "events.jsonl"] {
        let lines = fs::read_to_string(Path::new(RUN).join(name)).unwrap();
        fs::write(run.join(name), lines.replace("eval/accuracy", "eval/something")).unwrap();
    }
    let config = fs::read_to_string(Path::new(RUN).join("config.toml")).unwrap();
    let (_, provenance) = config.split_once("[provenance]").unwrap();
    fs::write(run.join("config.toml"), format!("schema_version = 1\n[provenance]{provenance}")).unwrap();
    let mut app = opened(&run, &Reading::following());
    let live = shown(&mut app, "Live");
    assert!(live.contains("it is unknown what the reward sees") && live.contains("unknown task"), "{live}");
    let microscope = shown(&mut app, "Microscope");
    assert!(microscope.contains("Held out: unknown"), "{microscope}");
}
