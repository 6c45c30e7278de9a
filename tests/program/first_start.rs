//! What a person sees who has never started the lab before.

use std::path::Path;

use tempfile::TempDir;

use super::pty::Lab;

/// The program on the run that ships with the source, with a state folder of its own.
fn start(folder: &Path) -> Lab {
    let (program, root) = (env!("CARGO_BIN_EXE_aha-lab"), env!("CARGO_MANIFEST_DIR"));
    let line =
        format!("AHA_WELCOME=1 XDG_STATE_HOME=\"$PWD/state\" '{program}' open '{root}/runs/first-aha'");
    Lab::start_line(&line, folder)
}

#[test]
fn four_lines_are_said_once_and_lead_to_the_tour() {
    let folder = TempDir::new().unwrap();
    let mut lab = start(folder.path());
    lab.shows("T: a tour");
    lab.press("T");
    lab.until("the first stop", |screen| {
        screen.contains("1 of 6: the charts") && !screen.contains("T: a tour")
    });
    lab.press("nnnnn");
    lab.shows("6 of 6: the Playground");
    lab.press("n");
    lab.until("the end of the tour", |screen| !screen.contains("of 6: "));
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    assert!(folder.path().join("state/aha-lab/welcomed").is_file());
    let mut again = start(folder.path());
    let screen = again.shows("step 30");
    assert!(!screen.contains("T: a tour"), "{screen}");
    again.press("q");
    assert_eq!(again.ended(), 0);
}

#[test]
fn theme_and_screen_are_there_again_at_the_next_start_and_a_damaged_file_is_a_sentence() {
    let folder = TempDir::new().unwrap();
    let (program, root) = (env!("CARGO_BIN_EXE_aha-lab"), env!("CARGO_MANIFEST_DIR"));
    let line =
        format!("AHA_REMEMBER=1 XDG_STATE_HOME=\"$PWD/state\" '{program}' open '{root}/runs/first-aha'");
    let mut lab = Lab::start_line(&line, folder.path());
    lab.shows("step 30");
    // The palette finds the screen and the theme.
    lab.press("\x10");
    lab.shows("what do you want to do?");
    lab.press("sentinel\r");
    lab.shows("sentinel:");
    lab.press("\x10dark theme\r");
    lab.shows("theme dark: on black");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    let kept = folder.path().join("state/aha-lab/screen.toml");
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains("theme = \"dark\"") && text.contains("screen = \"Sentinel\""), "{text}");
    let mut again = Lab::start_line(&line, folder.path());
    again.shows("sentinel:");
    again.press("q");
    assert_eq!(again.ended(), 0);
    std::fs::write(&kept, "theme = 7").unwrap();
    let mut damaged = Lab::start_line(&line, folder.path());
    damaged.shows("screen.toml cannot be read");
    damaged.press("q");
    assert_eq!(damaged.ended(), 0);
    assert!(std::fs::read_to_string(&kept).unwrap().contains("screen = \"Live\""), "it is written anew");
}
