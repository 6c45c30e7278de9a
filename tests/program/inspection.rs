//! The close look at one group: it says what the model thought, and changes nothing in the run.

use aha_lab::{
    config::Config,
    protocol::{Command, Event, GroupInspection, Phase, RowInspection, StepBy, Temporality},
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{Driven, alone, options},
    outcome, tiny,
};

fn config() -> Config {
    tiny().with(["kl_coef=0.05", "seed=3", "control=random-reward"]).unwrap()
}

#[test]
fn a_run_that_is_looked_at_is_the_same_run_and_its_numbers_are_those_of_the_model() {
    let (root, plain) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut driven = Driven::start_paused(options(root.path(), config(), 2));
    driven.ask(Command::Inspect { group: Some(1) });
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
        let phases: Vec<Phase> =
            seen.iter().filter(|group| group.step == step).map(|group| group.phase).collect();
        assert_eq!(phases, Phase::ALL[..4], "each phase up to the update is told once, in order");
        let (before, after) = (at(step, false), at(step, true));
        assert_eq!((before.group, before.groups, before.rows.len()), (1, 2, 4));
        let mut moved = 0.0_f32;
        for (early, late) in before.rows.iter().zip(&after.rows) {
            let record = &early.record;
            let tokens = record.token_ids().len();
            assert!(
                early.pieces.len() == tokens && early.before.len() == tokens && late.after.len() == tokens
            );
            for (index, (view, now)) in early.before.iter().zip(&late.after).enumerate() {
                // The second forward pass agrees with what was kept while sampling, within rounding.
                assert!((view.logprob - record.logprobs()[index]).abs() < 1e-3, "{view:?}");
                assert!((view.entropy - record.entropies()[index]).abs() < 1e-3, "{view:?}");
                let shares: Vec<f32> = view.top.iter().map(|(_, share)| *share).collect();
                assert!(shares.len() == 5 && shares.is_sorted_by(|a, b| a >= b));
                assert!(shares.iter().sum::<f32>() < 1.0001 && shares[0] >= view.logprob.exp() - 1e-4);
                moved = moved.max((now.logprob - view.logprob).abs());
            }
            assert_eq!(early.reference.len(), tokens);
            explained(early, late);
            if step == 1 {
                // The reference is the base, and so is the policy of the first step: no KL yet.
                let apart = early.reference.iter().zip(&early.before).map(|(r, v)| (r - v.logprob).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-3);
            }
        }
        assert!(moved > 0.0, "the update changed nothing that was seen");
    }
}

/// What the loss makes of the tokens is told for the policy before the update and after it.
fn explained(early: &RowInspection, late: &RowInspection) {
    let (before, after) = (early.explained.as_ref().unwrap(), late.explained_after.as_ref().unwrap());
    assert!(early.explained_after.is_none() && early.reference.len() == before.tokens.len());
    let near = |a: f64, b: f32| (a - f64::from(b)).abs() < 1e-4;
    for (index, (then, now)) in before.tokens.iter().zip(&after.tokens).enumerate() {
        let sampled = early.record.logprobs()[index];
        let (before, after) = (early.before[index].logprob, late.after[index].logprob);
        assert!(near(then.ratio.ln(), before - sampled) && near(now.ratio.ln(), after - sampled), "{now:?}");
        let gap = early.reference[index] - after;
        assert!(near(now.kl.unwrap(), gap.exp() - gap - 1.0), "{now:?}");
    }
    assert_eq!(before.formula, "-min(r A, clip(r, 0.8, 1.28) A)");
    assert!(before.kl_formula.is_some() && late.explained.as_ref().unwrap().weight.unwrap() > 0.0);
}

/// What was told of the group looked at: the phase, and whether there are scores, rewards and advantages.
fn told(events: &[Event]) -> Vec<(Phase, bool, bool)> {
    let inspected = events.iter().filter_map(|event| match event {
        Event::Inspected(group) => Some(group),
        _ => None,
    });
    inspected
        .map(|group| {
            let scored = group.rows.iter().all(|row| row.score.is_some());
            (
                group.phase,
                scored,
                group.rows.iter().any(|row| row.record.advantage.is_some_and(|advantage| advantage != 0.0)),
            )
        })
        .collect()
}

#[test]
fn who_begins_to_look_while_the_run_waits_after_a_phase_is_told_its_result_at_once() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start_paused(options(root.path(), config(), 2));
    let paused = |event: &Event| matches!(event, Event::Temporality(Temporality::Paused));
    let looked = |event: &Event| matches!(event, Event::Inspected(_));
    for phase in Phase::ALL {
        driven.ask(Command::Step(StepBy::Phases(1)));
        driven.until(paused);
        driven.ask(Command::Inspect { group: Some(0) });
        let seen = told(&driven.until(looked));
        // A completion is rewarded by a coin here, so that advantages differ.
        let known = phase.min(Phase::Update);
        assert_eq!(seen, [(known, known >= Phase::Score, known >= Phase::Advantage)], "{phase:?}");
        // Nobody looks when the next phase ends.
        driven.ask(Command::Inspect { group: None });
    }
    driven.ask(Command::Stop);
    driven.end();
}
