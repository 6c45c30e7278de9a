//! What is typed comes in packets: keys that are split and joined on their way are the keys they were.

use std::{thread, time::Duration};

use aha_lab::runs::Reader;
use tempfile::TempDir;

use super::{
    only_run,
    pty::{Lab, assert_intact},
};

/// Longer than a packet is split by, shorter than Esc waits for more.
const SPLIT: Duration = Duration::from_millis(5);

#[test]
fn esc_and_a_function_key_in_one_packet_are_both_read_and_end_nothing() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::run(folder.path(), &[]);
    lab.until("a second step", |screen| screen.contains("step 2"));
    for round in 0..3 {
        // A search that is being typed, which Esc gives up, then F2.
        lab.press("\x1bOR/seek");
        lab.shows("/seek");
        match round {
            0 => lab.press("\x1b\x1bOQ"),
            // Split after each byte.
            1 => "\x1b\x1bOQ".chars().for_each(|byte| {
                lab.press(&byte.to_string());
                thread::sleep(SPLIT);
            }),
            _ => {
                lab.press("\x1b\x1b");
                thread::sleep(SPLIT);
                lab.press("OQ");
            }
        }
        lab.until("the Live screen", |screen| screen.contains("self-checks") && screen.contains("length "));
        lab.press("\x1b[13~");
        lab.press("\x1bOR");
        lab.until("the search given up", |screen| {
            screen.contains("transcripts ") && !screen.contains("/seek")
        });
        lab.press("\x1bOQ");
    }
    let steps = || Reader::new(&only_run(&folder.path().join("runs"))).metrics().unwrap().records.len();
    let before = steps();
    lab.until("the run to go on", |_| steps() > before + 1);

    // Even the same bytes with pauses as long as a person's, which are other keys, end nothing.
    lab.press("\x1b");
    thread::sleep(Duration::from_millis(200));
    lab.press("OQ");
    lab.shows("End the run?");
    lab.press("q");
    lab.until("the question to go", |screen| !screen.contains("End the run?"));
    let before = steps();
    lab.until("the run to go on", |_| steps() > before);
    lab.press("Q");
    lab.shows("y ends it, any other key does not");
    lab.press("y");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    assert!(assert_intact(folder.path()) > before as u64);
}

#[test]
fn answers_to_another_programs_questions_are_no_keys() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::run(folder.path(), &["--paused"]);
    lab.shows("paused");
    lab.press("\x1b[?62;22;52c\x1b[>0;276;0c\x1b[5;9R\x1bP1$r0 q\x1b\\\x1b]11;rgb:ffff/ffff/q\x07");
    lab.press("\x1bOR");
    lab.shows("No completion has been scored yet");
    assert_eq!(super::pty::journalled(folder.path()), 0);
    let events = Reader::new(&only_run(&folder.path().join("runs"))).events().unwrap().records;
    assert!(events.iter().all(|event| event.event.name() != "stepped"), "{events:?}");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}
