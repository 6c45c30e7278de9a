//! Steps whose dead groups are replaced by further draws.

use aha_lab::{
    config::Config,
    engine::replay,
    metrics::registry,
    record::Step,
    runs::{Reader, RunDirectory},
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{alone, options},
    metrics, outcome, tiny,
};

/// A coin pays, so that some groups are dead and others are not.
fn config(batching: &str) -> Config {
    let settings = ["control=random-reward", "prompts_per_step=6", "group_size=2"];
    tiny().with(settings).unwrap().with([format!("batching={batching}")]).unwrap()
}

fn drawn(run: &RunDirectory) -> Vec<Option<u64>> {
    metrics(run).iter().map(|step: &Step| step.count(&registry::DRAWN)).collect()
}

#[test]
fn dead_groups_are_drawn_again_and_everything_that_is_promised_of_a_run_holds() {
    let root = TempDir::new().unwrap();
    let run = alone(options(&root.path().join("dynamic"), config("dynamic"), 3));
    let steps = metrics(&run);
    // Half of all groups of two coins are dead at first.
    for step in &steps {
        let drawn = step.count(&registry::DRAWN).unwrap();
        assert!((6..=24).contains(&drawn), "{drawn}");
        assert!(step.get(&registry::FRAC_REWARD_ZERO_STD) == 0.0 || drawn == 24, "{step:?}");
    }
    assert!(steps.iter().any(|step| step.count(&registry::DRAWN).unwrap() > 6), "nothing was replaced");
    let records = Reader::new(&run).rollouts().unwrap().records;
    let of_step = |step: u64| records.iter().filter(move |record| record.step == step);
    for step in 1..=3 {
        let groups: Vec<usize> = of_step(step).map(|record| record.group).collect();
        assert_eq!(groups, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "the step is as large as any");
    }
    let kept: u64 = of_step(1).map(|record| record.token_ids().len() as u64).sum();
    assert!(steps[0].count(&registry::NUM_TOKENS).unwrap() > kept, "what was replaced is counted");

    let again = replay::make_again(&run, 3, |_, _| {}).unwrap();
    assert!(
        again.records.iter().zip(of_step(3)).all(|(a, b)| a.token_ids == b.token_ids && a.reward == b.reward)
    );

    let second = alone(options(&root.path().join("again"), config("dynamic"), 3));
    assert_same(&outcome(&run, 3), &outcome(&second, 3), "made twice");
    let fixed = alone(options(&root.path().join("fixed"), config("fixed"), 3));
    assert_eq!(drawn(&fixed), [None; 3]);
}
