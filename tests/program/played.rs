//! Finished runs played again: on screen, and as asciicasts.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use super::{lab, pty::Lab, refusal, succeeds, text};

/// The run that ships with the source.
fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/first-aha").display().to_string()
}

#[test]
fn a_finished_run_is_played_stepped_and_gone_through() {
    let folder = TempDir::new().unwrap();
    let shipped = shipped();
    let mut lab = Lab::start(&["open", &shipped, "--play", "0.01x"], folder.path());
    let shown = lab.shows("playback 0.01x");
    assert!(!shown.lines().next().unwrap().contains("● live"), "{shown}");
    lab.shows("played");
    lab.press(".");
    lab.shows("playback 0.1x");
    lab.press(" ");
    lab.shows("playback, paused");
    lab.press("J13\r");
    let screen = lab.shows("step 13");
    assert!(screen.contains("playback, paused"), "{screen}");
    lab.press("s");
    lab.shows("step 14");
    // In the midst of a single step: there it stays.
    lab.press("J0\r");
    lab.shows("step 0");
    lab.press("J999\r");
    lab.shows("playback, ended");
    lab.press("(");
    lab.until("one back", |screen| screen.contains("step 29") && screen.contains("playback, paused"));
    lab.press(":");
    lab.shows("nothing of the run can be changed");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    assert!(lab.screen().contains("30 steps are in"), "{}", lab.screen());
}

#[test]
fn what_cannot_be_played_is_refused_with_what_can() {
    let folder = TempDir::new().unwrap();
    let refused = |arguments: &[&str]| refusal(lab(arguments).current_dir(folder.path()));
    let shipped = shipped();
    let steps = refused(&["cast", &shipped, "a.cast", "--steps", "31.."]);
    assert!(steps.contains("it has steps 1 to 30"), "{steps}");
    let screen = refused(&["cast", &shipped, "a.cast", "--screen", "Lives"]);
    assert!(screen.contains("There is no screen 'Lives'; there are Live, Transcripts"), "{screen}");
    assert!(refused(&["cast", "nowhere", "a.cast"]).contains("nowhere"));
    assert!(!folder.path().join("a.cast").exists(), "nothing was begun");
    fs::write(folder.path().join("a.cast"), "mine").unwrap();
    let taken = refused(&["cast", &shipped, "a.cast"]);
    assert!(taken.contains("exists already"), "{taken}");
    assert_eq!(fs::read_to_string(folder.path().join("a.cast")).unwrap(), "mine");
}

#[test]
fn a_cast_is_a_header_and_events_in_order_and_ends_on_the_last_step() {
    let folder = TempDir::new().unwrap();
    let arguments = ["cast", &shipped(), "a.cast", "--size", "100x30", "--speed", "10x", "--steps", "12..20"];
    let done = succeeds(lab(&arguments).current_dir(folder.path()));
    assert!(done.stdout.is_empty() && text(&done.stderr).contains("9 steps in "), "{}", text(&done.stderr));
    let cast = fs::read_to_string(folder.path().join("a.cast")).unwrap();
    let mut lines = cast.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    assert_eq!(
        (&header["version"], &header["width"], &header["height"]),
        (&2.into(), &100.into(), &30.into())
    );
    assert_eq!(header["title"], "aha-lab: first-aha");
    let mut screen = vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0);
    let (mut before, mut frames, mut markers) = (0.0, 0, Vec::new());
    for event in lines {
        let [at, kind, data] = event.as_array().unwrap().as_slice() else { panic!("{event}") };
        let at = at.as_f64().unwrap();
        assert!(at >= before, "{at} after {before}");
        before = at;
        match kind.as_str().unwrap() {
            "o" => {
                frames += 1;
                screen.process(data.as_str().unwrap().as_bytes());
            }
            "m" => markers.push(data.as_str().unwrap().to_owned()),
            other => panic!("{other}"),
        }
    }
    let shown = screen.screen().contents();
    assert!(shown.contains("step 20") && shown.contains("playback, paused"), "{shown}");
    assert!(frames > 10 && markers.contains(&"step 12".to_owned()), "{frames} frames, {markers:?}");
}
