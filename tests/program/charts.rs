//! The Charts screen of the whole program: what a person arranges is there again at the next start.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::pty::Lab;

/// The program on the run that ships with the source, with a state folder of its own.
fn start(folder: &Path) -> Lab {
    let (program, root) = (env!("CARGO_BIN_EXE_aha-lab"), env!("CARGO_MANIFEST_DIR"));
    let line =
        format!("AHA_REMEMBER=1 XDG_STATE_HOME=\"$PWD/state\" '{program}' open '{root}/runs/first-aha'");
    let mut lab = Lab::start_line(&line, folder);
    lab.until("the run", |screen| screen.contains("finished") && screen.contains("step 30"));
    lab.press("C");
    lab.shows("panel 1 of");
    lab
}

#[test]
fn a_layout_is_arranged_looked_at_closely_and_found_again() {
    let folder = TempDir::new().unwrap();
    let mut lab = start(folder.path());
    lab.press("Alearn");
    lab.shows("another panel: learn");
    lab.press("\r");
    lab.shows("panel 2 of 7");
    lab.press("lv");
    lab.shows("axis tokens");

    // The crosshair to the last step, three steps back, and closer.
    lab.press("\x1b[C\x1b[D\x1b[D\x1b[D");
    lab.shows("step 27 ·");
    lab.press("+++");
    lab.until("a part of the axis", |screen| screen.contains(" to ") && screen.contains("step 27 ·"));
    // By the wheel and a drag, as a terminal reports them.
    lab.press("\x1b[<64;40;6M\x1b[<0;40;6M\x1b[<32;30;6M\x1b[<0;30;6m");
    lab.until("the crosshair under the mouse", |screen| {
        screen.contains("axis tokens") && !screen.contains("step 27 ·")
    });
    lab.press("0\x1b[H\x1b[C");
    lab.shows("step 2 ·");
    lab.press("\r");
    lab.until("the transcripts of the step", |screen| {
        screen.contains("transcripts ") && screen.contains("step 2")
    });
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    let file = folder.path().join("state/aha-lab/charts.toml");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("axis = \"tokens\"") && written.contains("[\"learning_rate\"]"), "{written}");
    let mut again = start(folder.path());
    let screen = again.shows("panel 1 of 7");
    assert!(
        screen.contains("axis tokens") && screen.contains(" learning_rate ") && screen.contains("log"),
        "{screen}"
    );
    again.press("q");
    assert_eq!(again.ended(), 0);

    // A damaged file is a sentence, and the layout is the one to begin with.
    fs::write(&file, "axis = \"hours\"\n").unwrap();
    let mut damaged = start(folder.path());
    damaged.shows("charts.toml is no layout of Charts");
    let screen = damaged.shows("panel 1 of 6");
    assert!(screen.contains("axis steps"), "{screen}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "axis = \"hours\"\n", "it is left alone until a change");
    damaged.press("q");
    assert_eq!(damaged.ended(), 0);
}
