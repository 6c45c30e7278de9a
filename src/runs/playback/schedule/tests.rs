#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::engine::scripted::Script;

fn recorded(step: u64) -> Recorded {
    let script = Script::new(7);
    let timed = script
        .metrics(step)
        .with(&registry::STEP_TIME, 2.0)
        .with(&registry::TIME_SAMPLE, 1.0)
        .with(&registry::TIME_SCORE, 0.1)
        .with(&registry::TIME_UPDATE, 0.5)
        .with(&registry::TIME_EVALUATE, 0.1);
    let rollouts = (0..6).flat_map(|group| script.group(step, group)).collect();
    let evaluated = Event::EvalDone { step, accuracy: 0.5, pass_at_k: None, puzzles: 0 };
    Recorded { rollouts, evaluated: Some(evaluated), metrics: Some(timed), after: Vec::new() }
}

/// When each phase begins, in seconds.
fn beginnings(cues: &[Cue]) -> Vec<(Phase, f64)> {
    let mut seen: Vec<(Phase, f64)> = Vec::new();
    for cue in cues {
        if let Some(Event::PhaseChanged { phase, .. }) = &cue.event
            && seen.last().is_none_or(|(last, _)| last != phase)
        {
            seen.push((*phase, cue.at.as_secs_f64()));
        }
    }
    seen
}

#[test]
fn phases_take_the_times_that_were_measured_and_the_rest_of_the_step_ends_it() {
    let all = cues(3, &recorded(3));
    let expected = [0.0, 1.0, 1.1, 1.1, 1.6];
    for ((phase, at), (known, wanted)) in
        beginnings(&all).into_iter().zip(Phase::ALL.into_iter().zip(expected))
    {
        assert!(phase == known && (at - wanted).abs() < 1e-6, "{phase:?} at {at}, not {wanted}");
    }
    assert!((all.last().unwrap().at.as_secs_f64() - 2.0).abs() < 1e-6);
    assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(all.iter().filter(|cue| cue.event.is_none()).count(), Phase::ALL.len());
}

#[test]
fn times_that_nobody_measured_or_that_no_step_can_take_are_replaced() {
    let whole = |metrics: Option<Step>| phase_times(metrics.as_ref()).iter().sum::<f64>();
    assert!((whole(None) - USUAL).abs() < 1e-9);
    let step = |time: f64| Some(Step::new(1).with(&registry::STEP_TIME, time));
    assert!((whole(step(10.0)) - 10.0).abs() < 1e-9);
    assert!((whole(step(f64::NAN)) - USUAL).abs() < 1e-9);
    // Phases that are said to take longer than their step do not.
    let phases = Step::new(1).with(&registry::TIME_SAMPLE, 6.0).with(&registry::TIME_UPDATE, 2.0);
    let short = phase_times(Some(&phases.with(&registry::STEP_TIME, 4.0)));
    assert!((short[0] - 3.0).abs() < 1e-9 && (short[3] - 1.0).abs() < 1e-9, "{short:?}");
    assert_eq!(whole(step(-5.0)), 0.0);
    for huge in [1e300, f64::MAX] {
        assert!(whole(step(huge)) <= 1.1 * LONGEST);
        let all = Step::new(1).with(&registry::TIME_SAMPLE, huge).with(&registry::TIME_UPDATE, huge);
        let recorded = Recorded { metrics: Some(all), ..Recorded::default() };
        assert!(cues(1, &recorded).last().unwrap().at.as_secs_f64() <= 3.0 * LONGEST);
    }
}

#[test]
fn the_first_groups_are_streamed_to_their_whole_texts_and_the_others_are_counted() {
    let recorded = recorded(3);
    let all = cues(3, &recorded);
    let mut texts: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for cue in &all {
        match &cue.event {
            Some(Event::CompletionStarted { group, index, .. }) => {
                assert!(texts.insert((*group, *index), String::new()).is_none());
            }
            Some(Event::Token { group, index, text, .. }) => {
                texts.get_mut(&(*group, *index)).unwrap().push_str(text);
            }
            _ => {}
        }
    }
    assert_eq!(texts.len(), STREAMED_GROUPS * recorded.rollouts.len() / 6);
    for rollout in recorded.rollouts.iter().filter(|rollout| rollout.group < STREAMED_GROUPS) {
        assert_eq!(texts[&(rollout.group, rollout.index)], rollout.completion);
    }
    let counted: Vec<(usize, usize)> = all
        .iter()
        .filter_map(|cue| match cue.event {
            Some(Event::PhaseChanged { phase: Phase::Sample, done, total, .. }) => Some((done, total)),
            _ => None,
        })
        .collect();
    let total = recorded.rollouts.len();
    assert_eq!((counted[0], *counted.last().unwrap()), ((0, total), (total, total)));
    assert!(counted.is_sorted());
}

#[test]
fn the_end_tells_what_the_engine_told_in_its_order() {
    let all = cues(3, &recorded(3));
    let ending: Vec<&Event> = all.iter().filter_map(|cue| cue.event.as_ref()).rev().take(2).collect();
    assert!(matches!(ending[..], [Event::StepDone(_), Event::EvalDone { .. }]), "{ending:?}");
    let scored = all.iter().filter(|cue| matches!(cue.event, Some(Event::RolloutScored(_)))).count();
    assert_eq!(scored, recorded(3).rollouts.len());
}

#[test]
fn a_text_is_cut_into_as_many_pieces_as_it_has_tokens() {
    let rollout = |text: &str, tokens: usize| Rollout {
        completion: text.into(),
        token_ids: Some(vec![1; tokens]),
        ..Script::new(1).rollout(1, 0, 0)
    };
    for (text, tokens, wanted) in [
        (" 16 + 4", 3, vec![" 16", " +", " 4"]),
        (" 16 + 4", 4, vec![" 16", " +", " 4"]),
        ("a\n b \n", 2, vec!["a", "\n b \n"]),
        ("", 1, vec![]),
        (" \n", 0, vec![" \n"]),
        ("abcdef", 3, vec!["ab", "cd", "ef"]),
        ("ab", 4, vec!["", "a", "", "b"]),
    ] {
        assert_eq!(pieces(&rollout(text, tokens)), wanted, "{text:?} in {tokens}");
    }
    for (text, tokens) in [("é👩‍👩‍👧 über", 5), ("語語語", 3), ("x", 9), ("", 3)] {
        let all = rollout(text, tokens);
        assert_eq!((pieces(&all).len(), pieces(&all).concat()), (tokens, text.to_owned()));
    }
}

#[test]
fn a_very_long_completion_grows_by_several_tokens_at_once() {
    let mut recorded = recorded(1);
    recorded.rollouts.truncate(1);
    recorded.rollouts[0].completion = " a".repeat(100_000);
    recorded.rollouts[0].token_ids = Some(vec![1; 100_000]);
    let all = cues(1, &recorded);
    assert!(all.len() < MOST_MOMENTS + 100);
    let text: String = all
        .iter()
        .filter_map(|cue| match &cue.event {
            Some(Event::Token { text, .. }) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, recorded.rollouts[0].completion);
}
