//! An engine that dies: the screen stays, says why, and starts it again from its last checkpoint.

use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::{
    assert_same,
    engine::{Driven, alone, options},
    metrics, only_run, outcome,
    pty::Lab,
    resuming::{resumed, straight, with_reference},
    scored::scored_by,
};

/// Completions of three steps of the tiny settings, and a few more.
const SCORED: usize = 3 * 8 + 3;

#[test]
fn a_run_whose_engine_panicked_goes_on_exactly_in_the_same_process() {
    let root = TempDir::new().unwrap();
    // Answers to pinned puzzles are scored too.
    let config = with_reference().with(["checkpoint_every=2", "pinned_every=0"]).unwrap();
    let driven = Driven::start_with(options(root.path(), config.clone(), 5), |prepared| {
        let seen = AtomicUsize::new(0);
        scored_by(prepared, move |score| {
            assert!(seen.fetch_add(1, Ordering::SeqCst) < SCORED, "the verifier broke");
            score
        });
    });
    let said = driven.failure();
    assert!(said.contains("the verifier broke") && said.contains("Everything journalled is safe"), "{said}");
    let run = only_run(root.path());
    assert!(!run.is_live(), "the lock went with the engine");
    assert_eq!(metrics(&run).len(), 3, "the steps that were finished are in the journal");
    // From the checkpoint of step 2, as the key does it.
    alone(resumed(&run, 5));
    assert_same(&outcome(&run, 5), &straight(config, 5), "after a panic");
}

#[test]
fn a_person_sees_why_looks_around_and_starts_it_again() {
    let folder = TempDir::new().unwrap();
    let arguments = ["--pace", "2", "--failure", "4"];
    let mut lab = Lab::start_scripted(&arguments, folder.path());
    lab.shows("scripted failure: the adapter was lost");
    lab.shows("r restarts the engine from its");
    // Everything can still be read: all completions of the three finished steps.
    lab.press("\t");
    lab.shows("transcripts 384 of 384");
    lab.shows("the engine failed; r restarts it");
    lab.press("\t\t");
    lab.press("\x1bOQ");
    lab.press("r");
    lab.until("the engine at work again", |screen| {
        screen.contains("live") && !screen.contains("adapter was lost")
    });
    lab.until("a later step", |screen| screen.contains("step 5"));
    lab.press("r");
    lab.shows("the engine is running");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}

#[test]
fn an_opened_run_offers_no_restart() {
    let folder = TempDir::new().unwrap();
    let run = alone(options(folder.path(), super::tiny(), 1));
    let mut lab = Lab::start(&["open", run.path().to_str().unwrap()], folder.path());
    lab.shows("finished");
    lab.press("r");
    lab.shows("there is no failed engine to restart");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}
