//! A completion's fingerprint: two completions with the same one were sampled identically, to the last bit.

use sha2::{Digest, Sha256};

use super::place::Place;
use crate::record::Rollout;

/// SHA-256 of completions in order, hexadecimal: the place, prompt, tokens, exact log-probabilities and text
/// of each.
pub fn fingerprint<'a>(records: impl IntoIterator<Item = &'a Rollout>) -> String {
    let mut hash = Sha256::new();
    let number = |hash: &mut Sha256, number: usize| hash.update((number as u64).to_le_bytes());
    for record in records {
        hash.update(record.step.to_le_bytes());
        number(&mut hash, record.group);
        number(&mut hash, record.index);
        for text in [&record.problem.prompt, &record.completion] {
            number(&mut hash, text.len());
            hash.update(text.as_bytes());
        }
        number(&mut hash, record.token_ids().len());
        record.token_ids().iter().for_each(|token| hash.update(token.to_le_bytes()));
        number(&mut hash, record.logprobs().len());
        record.logprobs().iter().for_each(|&logprob| hash.update(bits(logprob).to_le_bytes()));
    }
    crate::model::host::hexadecimal(&hash.finalize())
}

/// The bits of a number, with all NaNs alike: JSON does not keep which NaN it was.
fn bits(number: f32) -> u32 {
    if number.is_finite() { number.to_bits() } else { f32::NAN.to_bits() }
}

/// Where a recorded completion and its replay first differ, in a sentence; `None` if they are the same.
/// Compares everything that [`fingerprint`] reads.
pub fn difference(recorded: &Rollout, again: &Rollout) -> Option<String> {
    let place = format!("Step {}, {}", recorded.step, Place::of(recorded));
    if recorded.problem.prompt != again.problem.prompt {
        return Some(format!(
            "{place}: the prompt in rollouts.jsonl is `{}`, but replayed `{}`.",
            recorded.problem.prompt.escape_debug(),
            again.problem.prompt.escape_debug()
        ));
    }
    let (then, now) = (recorded.token_ids(), again.token_ids());
    if let Some(at) = then.iter().zip(now).position(|(then, now)| then != now) {
        return Some(format!(
            "{place}: token {} is {} in rollouts.jsonl, but replayed {}.",
            at + 1,
            then[at],
            now[at]
        ));
    }
    if then.len() != now.len() {
        return Some(format!(
            "{place}: it has {} tokens in rollouts.jsonl, but replayed {}.",
            then.len(),
            now.len()
        ));
    }
    let (then, now) = (recorded.logprobs(), again.logprobs());
    if then.len() != now.len() {
        return Some(format!(
            "{place}: it has {} log-probabilities in rollouts.jsonl, but replayed {}.",
            then.len(),
            now.len()
        ));
    }
    if let Some(at) = then.iter().zip(now).position(|(then, now)| bits(*then) != bits(*now)) {
        return Some(format!(
            "{place}: the log-probability of token {} is {} in rollouts.jsonl, but replayed {}.",
            at + 1,
            then[at],
            now[at]
        ));
    }
    (recorded.completion != again.completion)
        .then(|| format!("{place}: the text in rollouts.jsonl does not match its tokens."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::{Analysis, NumberPuzzle, Problem};

    fn record() -> Rollout {
        Rollout {
            step: 3,
            group: 1,
            index: 2,
            problem: Problem {
                task: "countdown".into(),
                puzzle: NumberPuzzle { numbers: vec![4, 1, 16], target: 19 }.into(),
                prompt: "use 4 1 16".into(),
            },
            completion: " 16 + 4 - 1".into(),
            token_ids: Some(vec![5, 6, 7]),
            logprobs: Some(vec![-0.5, f32::NAN, -1.25]),
            entropies: Some(vec![]),
            reward: 1.0,
            penalties: Default::default(),
            rewards: None,
            advantage: Some(0.0),
            correct: Some(true),
            truncated: false,
            analysis: Analysis::default(),
        }
    }

    #[test]
    fn every_change_of_what_was_sampled_changes_the_fingerprint_and_is_named() {
        let whole = record();
        type Change = fn(&mut Rollout);
        let changes: [(&str, Change); 7] = [
            ("token 2 is 6 in rollouts.jsonl, but replayed 9", |r| r.token_ids.as_mut().unwrap()[1] = 9),
            ("it has 3 tokens in rollouts.jsonl, but replayed 2", |r| {
                r.token_ids.as_mut().unwrap().truncate(2)
            }),
            ("log-probability of token 1 is -0.5", |r| r.logprobs.as_mut().unwrap()[0] = -0.500_000_06),
            ("log-probability of token 2 is NaN", |r| r.logprobs.as_mut().unwrap()[1] = -1.0),
            ("it has 3 log-probabilities", |r| r.logprobs.as_mut().unwrap().push(0.0)),
            ("the text in rollouts.jsonl", |r| r.completion.push('!')),
            ("the prompt in rollouts.jsonl", |r| r.problem.prompt.push('!')),
        ];
        for (said, change) in changes {
            let mut other = whole.clone();
            change(&mut other);
            let found = difference(&whole, &other).unwrap();
            assert!(found.starts_with("Step 3, group 2, completion 3: ") && found.contains(said), "{found}");
            assert!(found.ends_with('.'), "{found}");
            assert_ne!(fingerprint([&whole]), fingerprint([&other]), "{said}");
        }
        assert_eq!(difference(&whole, &whole.clone()), None);
    }

    #[test]
    fn a_record_that_went_through_json_keeps_its_fingerprint() {
        let mut whole = record();
        // Numbers of every magnitude.
        let scales = (0..4000_u32).map(|i| -f32::from_bits(0x3300_0000 + i * 0x3_1415));
        whole.logprobs = Some(scales.chain([f32::NEG_INFINITY]).collect());
        let line = serde_json::to_vec(&whole).unwrap();
        let back: Rollout = serde_json::from_slice(&line).unwrap();
        assert_eq!(fingerprint([&whole]), fingerprint([&back]));
        assert_eq!(difference(&whole, &back), None);
    }
}
