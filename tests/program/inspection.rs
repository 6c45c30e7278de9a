//! The close look at one group: it says what the model thought, and changes nothing in the run.

use aha_lab::{
    config::Config,
    engine::protocol::{Command, Event, GroupInspection},
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{Driven, alone, options},
    outcome, tiny,
};

fn config() -> Config {
    Config { kl_coef: 0.05, seed: 3, control: "random-reward".into(), ..tiny() }
}

#[test]
fn a_run_that_is_looked_at_is_the_same_run_and_its_numbers_are_those_of_the_model() {
    let (root, plain) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut driven = Driven::start_paused(options(root.path(), config(), 2));
    driven.ask(Command::Inspect(Some(1)));
    driven.ask(Command::Resume);
    let told = driven.until(|event| matches!(event, Event::StepDone(step) if step.step == 2));
    let (_, run) = driven.end();
    let untouched = alone(options(plain.path(), config(), 2));
    assert_same(&outcome(&run, 2), &outcome(&untouched, 2), "looked at, against not");

    let seen: Vec<&GroupInspection> = told
        .iter()
        .filter_map(|event| match event {
            Event::Inspected(group) => Some(&**group),
            _ => None,
        })
        .collect();
    let at = |step: u64, after: bool| {
        let found = seen.iter().find(|group| group.step == step && group.rows[0].after.is_empty() != after);
        *found.unwrap_or_else(|| panic!("step {step}, after: {after}"))
    };
    for step in [1, 2] {
        let (before, after) = (at(step, false), at(step, true));
        assert_eq!((before.group, before.rows.len()), (1, 4));
        let mut moved = 0.0_f32;
        for (early, late) in before.rows.iter().zip(&after.rows) {
            let record = &early.record;
            let tokens = record.token_ids.len();
            assert!(
                early.pieces.len() == tokens && early.before.len() == tokens && late.after.len() == tokens
            );
            for (index, (view, now)) in early.before.iter().zip(&late.after).enumerate() {
                // The second forward pass agrees with what was kept while sampling, within rounding.
                assert!((view.logprob - record.logprobs[index]).abs() < 1e-3, "{view:?}");
                assert!((view.entropy - record.entropies[index]).abs() < 1e-3, "{view:?}");
                let shares: Vec<f32> = view.top.iter().map(|(_, share)| *share).collect();
                assert!(shares.len() == 5 && shares.is_sorted_by(|a, b| a >= b));
                assert!(shares.iter().sum::<f32>() < 1.0001 && shares[0] >= view.logprob.exp() - 1e-4);
                moved = moved.max((now.logprob - view.logprob).abs());
            }
            assert_eq!(early.reference.len(), tokens);
            if step == 1 {
                // The reference is the base, and so is the policy of the first step: no KL yet.
                let apart = early.reference.iter().zip(&early.before).map(|(r, v)| (r - v.logprob).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-3);
            }
        }
        assert!(moved > 0.0, "the update changed nothing that was seen");
    }
}
