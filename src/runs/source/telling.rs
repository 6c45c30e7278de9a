//! A journal as events: records are reported as the engine would have reported them, so that a stored run
//! takes the same path to the screen as a live one.

use crate::{
    metrics::registry,
    protocol::Event,
    record::{Rollout, Step},
};

/// The events of recorded steps and completions, in the order in which the engine sent them: each step's
/// completions, its evaluation if it had one, then its metrics. Both inputs must be ordered by step;
/// completions of an unfinished step come last.
pub fn recorded_events(
    steps: impl IntoIterator<Item = Step>,
    rollouts: impl IntoIterator<Item = Rollout>,
) -> impl Iterator<Item = Event> {
    let mut rollouts = rollouts.into_iter().peekable();
    let mut steps = steps.into_iter().peekable();
    let mut evaluation_told = false;
    std::iter::from_fn(move || {
        let completion_first = match (rollouts.peek(), steps.peek()) {
            (Some(rollout), Some(step)) => rollout.step <= step.step,
            (rollout, _) => rollout.is_some(),
        };
        if completion_first {
            return rollouts.next().map(|record| Event::RolloutScored(Box::new(record)));
        }
        let step = steps.peek()?;
        if let Some(accuracy) = step.known(&registry::EVAL_ACCURACY).filter(|_| !evaluation_told) {
            evaluation_told = true;
            // The journal does not keep the number of puzzles.
            return Some(Event::EvalDone {
                step: step.step,
                accuracy,
                pass_at_k: step.pass_at_k(),
                puzzles: 0,
            });
        }
        evaluation_told = false;
        steps.next().map(|step| Event::StepDone(Box::new(step)))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::engine::scripted::Script;

    #[test]
    fn completions_come_before_their_step() {
        let script = Script::new(1);
        let rollouts = (1..=3).flat_map(|step| (0..2).map(move |index| (step, index)));
        let rollouts: Vec<Rollout> = rollouts.map(|(step, index)| script.rollout(step, 0, index)).collect();
        let steps = (1..=2)
            .map(|step| script.metrics(step).with(&registry::EVAL_ACCURACY, (step == 2).then_some(0.5)));
        let told: Vec<String> = recorded_events(steps, rollouts)
            .map(|event| match event {
                Event::RolloutScored(record) => format!("r{}", record.step),
                Event::StepDone(step) => format!("s{}", step.step),
                Event::EvalDone { step, .. } => format!("e{step}"),
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        assert_eq!(told, ["r1", "r1", "s1", "r2", "r2", "e2", "s2", "r3", "r3"]);
    }
}
