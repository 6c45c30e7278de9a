#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::config::Config;

/// One step of a healthy run.
fn healthy(step: u64) -> (Step, Features) {
    let metrics = Step::new(step)
        .with(&registry::REWARD, 0.5)
        .with(&registry::ACCURACY, 0.45)
        .with(&registry::FRAC_REWARD_ZERO_STD, 0.1)
        .with(&registry::MEAN_LENGTH, 60.0)
        .with(&registry::CLIPPED_RATIO, 0.1)
        .with(&registry::ENTROPY, 0.25)
        .with(&registry::KL, Some(0.1))
        .with(&registry::LOSS, 0.0)
        .with(&registry::GRAD_NORM, 0.03);
    let features = Features {
        completions: 256,
        looping: 5,
        right: 100,
        right_unsupported: 2,
        right_copied: 0,
        arithmetic_steps: 1000,
        arithmetic_steps_right: 970,
    };
    (metrics, features)
}

/// Ten healthy steps, twelve changed ones, ten healthy ones: the warnings that begin and end.
fn episode(change: fn(&mut Step, &mut Features)) -> Vec<(u64, Danger, bool)> {
    let (mut sentinel, mut told) = (Sentinel::default(), Vec::new());
    for step in 1..=32 {
        let (mut metrics, mut features) = healthy(step);
        if (11..23).contains(&step) {
            change(&mut metrics, &mut features);
        }
        for notice in sentinel.observe(&metrics, &features, &Config::default()) {
            assert!(notice.text.starts_with(notice.danger.name()), "{}", notice.text);
            if notice.begins && notice.danger != Danger::CopiedAnswers {
                assert!(notice.text.contains("step"), "no window in: {}", notice.text);
            }
            told.push((notice.step, notice.danger, notice.begins));
        }
    }
    told
}

#[test]
fn every_danger_is_raised_once_and_cleared_once() {
    type Change = fn(&mut Step, &mut Features);
    let cases: [(Danger, Change); 12] = [
        (Danger::DeadGroups, |m, _| m.set(&registry::FRAC_REWARD_ZERO_STD, 1.0)),
        (Danger::EntropyCollapse, |m, _| m.set(&registry::ENTROPY, 0.005)),
        (Danger::EntropyExplosion, |m, _| m.set(&registry::ENTROPY, 2.0)),
        (Danger::Truncation, |m, _| m.set(&registry::CLIPPED_RATIO, 0.9)),
        (Danger::Loops, |_, f| f.looping = 200),
        (Danger::LengthCollapse, |m, _| m.set(&registry::MEAN_LENGTH, 10.0)),
        (Danger::ArithmeticDecay, |_, f| f.arithmetic_steps_right = 300),
        (Danger::RewardWithoutAccuracy, |m, _| m.set(&registry::REWARD, 0.9)),
        (Danger::UnsupportedAnswers, |_, f| f.right_unsupported = 80),
        (Danger::CopiedAnswers, |_, f| f.right_copied = 80),
        (Danger::KlRunaway, |m, _| m.set(&registry::KL, Some(5.0))),
        (Danger::FailedUpdate, |m, _| m.set(&registry::GRAD_NORM, f64::NAN)),
    ];
    for (danger, change) in cases {
        let told = episode(change);
        assert_eq!(told.len(), 2, "{danger:?}: {told:?}");
        let ((from, first, begins), (to, second, begins_again)) = (told[0], told[1]);
        assert_eq!((first, second, begins, begins_again), (danger, danger, true, false));
        assert!((11..=20).contains(&from) && (23..=30).contains(&to), "{danger:?}: {told:?}");
    }
}

#[test]
fn a_healthy_run_is_left_alone() {
    assert_eq!(episode(|_, _| {}), []);
}

#[test]
fn trembling_about_a_limit_is_told_once() {
    let mut sentinel = Sentinel::default();
    let mut told = 0;
    for step in 1..=200 {
        let (mut metrics, features) = healthy(step);
        metrics.set(
            &registry::CLIPPED_RATIO,
            if step % 2 == 0 { 0.6 } else { 0.4 } + f64::from((step % 7) as u8) * 0.005,
        );
        told += sentinel.observe(&metrics, &features, &Config::default()).len();
    }
    assert_eq!(told, 1);
}

#[test]
fn another_reward_for_the_same_answers_is_no_trick() {
    let mut sentinel = Sentinel::default();
    let mut config = Config::default();
    for step in 1..=40 {
        let (mut metrics, features) = healthy(step);
        if step > 15 {
            config.reward.reward_correct = 2.0;
            metrics.set(&registry::REWARD, 1.0);
        }
        assert_eq!(sentinel.observe(&metrics, &features, &config), []);
    }
}

#[test]
fn advice_names_live_keys_and_values_they_take() {
    let settings = Settings::from(&Config::default());
    for danger in Danger::ALL {
        let mut sentinel = Sentinel::default();
        for step in 1..=12 {
            let (metrics, features) = healthy(step);
            sentinel.observe(&metrics, &features, &Config::default());
        }
        let Some(finding) = rules::judge(&sentinel, danger, &settings) else {
            panic!("{danger:?} cannot be judged")
        };
        let advice = (finding.words)().advice;
        for word in advice.split([' ', ',', ';']).filter(|word| word.contains('=')) {
            let (key, value) = word.trim_end_matches('.').split_once('=').unwrap();
            Config::default().set_live(key, value).unwrap_or_else(|error| panic!("{danger:?}: {error}"));
        }
    }
}

/// Raises every danger at once, with configuration values at their limits.
#[test]
fn no_advice_is_to_leave_a_value_as_it_is() {
    let set =
        ["max_new_tokens=1", "temperature=1.5", "learning_rate=0", "reward_format=0", "max_grad_norm=0"];
    let extreme = Config::default().with(set).unwrap();
    for config in [Config::default().with(["temperature=1.46"]).unwrap(), extreme] {
        for danger in Danger::ALL {
            let mut sentinel = Sentinel::default();
            for step in 1..=12 {
                let (metrics, features) = healthy(step);
                sentinel.observe(&metrics, &features, &config);
            }
            let settings = Settings::from(&config);
            let finding = rules::judge(&sentinel, danger, &settings).unwrap();
            let advice = (finding.words)().advice;
            for word in advice.split([' ', ',', ';']).filter(|word| word.contains('=')) {
                let (key, value) = word.trim_end_matches('.').split_once('=').unwrap();
                let mut after = config.clone();
                after.set_live(key, value).unwrap();
                assert_ne!(after, config, "{danger:?}: {advice}");
            }
        }
    }
}

/// Measured in a run with a learning rate of 1: the first step earned 0.13, and nothing was earned after its
/// update.
#[test]
fn a_policy_that_an_update_ruined_is_told_from_one_that_finds_nothing() {
    let config = Config::default().with(["learning_rate=1.0"]).unwrap();
    let ruined = |from: u64, steps: u64| {
        let mut sentinel = Sentinel::default();
        let mut told = Vec::new();
        for step in 1..=steps {
            let (mut metrics, features) = healthy(step);
            if step >= from {
                for (metric, value) in [
                    (&registry::REWARD, 0.0),
                    (&registry::ACCURACY, 0.0),
                    (&registry::FRAC_REWARD_ZERO_STD, 1.0),
                    (&registry::CLIPPED_RATIO, 1.0),
                ] {
                    metrics.set(metric, value);
                }
            }
            told.extend(sentinel.observe(&metrics, &features, &config));
        }
        told
    };
    let begins =
        |told: &[Notice], danger| told.iter().find(|notice| notice.danger == danger).unwrap().text.clone();
    for (from, steps) in [(2, 6), (30, 40)] {
        let told = ruined(from, steps);
        for danger in [Danger::DeadGroups, Danger::Truncation] {
            let text = begins(&told, danger);
            let update = format!("collapsed with the update of step {}", from - 1);
            assert!(text.contains(&update) && text.contains("learning_rate of 1e0 is too high"), "{text}");
            assert!(text.contains("learning_rate=4e-4") && !text.contains("temperature="), "{text}");
        }
    }
    // A policy that never earned anything was not ruined.
    assert!(begins(&ruined(1, 6), Danger::DeadGroups).contains("temperature=1.2"));
}

#[test]
fn nothing_is_said_of_numbers_that_are_missing() {
    let mut sentinel = Sentinel::default();
    for step in 1..=30 {
        let metrics = Step::new(step)
            .with(&registry::REWARD, 0.0)
            .with(&registry::ENTROPY, 0.2)
            .with(&registry::MEAN_LENGTH, 30.0)
            .with(&registry::FRAC_REWARD_ZERO_STD, f64::NAN);
        assert_eq!(sentinel.observe(&metrics, &Features::default(), &Config::default()), []);
    }
}

/// The metrics of a 30-step run of the shipped base (seed 0), and the features of its completions.
#[test]
fn a_real_run_that_went_well_raises_nothing() {
    #[derive(serde::Deserialize)]
    struct Line {
        metrics: Step,
        features: Features,
    }
    let mut sentinel = Sentinel::default();
    let mut steps = 0;
    for line in include_str!("../../../tests/data/healthy_run.jsonl").lines() {
        let step: Line = serde_json::from_str(line).unwrap();
        assert_eq!(sentinel.observe(&step.metrics, &step.features, &Config::default()), []);
        steps += 1;
    }
    assert_eq!(steps, 30);
}
