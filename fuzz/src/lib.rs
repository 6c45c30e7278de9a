//! What must hold for any bytes at all. Each function is one fuzz target.

#![allow(dead_code, unused_imports)]

#[path = "../../src/config/mod.rs"]
pub mod config;
pub mod device;
pub mod eval;
pub mod grpo;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod prompt;
#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../src/reasoning/mod.rs"]
pub mod reasoning;
#[path = "../../src/record/mod.rs"]
pub mod record;
pub mod runs;
#[path = "../../src/settings/mod.rs"]
pub mod settings;
pub mod socket;
pub mod source;
pub mod strangers;
pub mod system;
#[path = "../../src/task/mod.rs"]
pub mod task;

/// The program, under the name that the tests of `strangers` have for it too.
mod lab {
    pub use crate::{config, model, record, runs, socket};
}

use record::{EventRecord, Rollout, Step};
use runs::lines::LineSplitter;
use task::{
    NumberPuzzle, RewardRules,
    countdown::{reward, solver},
};

/// Three to six numbers and a target from the first bytes; the text is the rest.
fn puzzle_and_text(data: &[u8]) -> Option<(NumberPuzzle, &str)> {
    let (head, text) = data.split_at_checked(8)?;
    let count = 1 + usize::from(head[0] % 6);
    let numbers = head[1..=count].iter().map(|byte| i64::from(*byte)).collect();
    let target = i64::from(i16::from_le_bytes([head[6], head[7]]));
    Some((NumberPuzzle { numbers, target }, std::str::from_utf8(text).ok()?))
}

/// The reward: never a panic, never anything but the three payments, and a right answer is one that the solver's
/// exact arithmetic agrees with.
pub fn reward(data: &[u8]) {
    let Some((puzzle, text)) = puzzle_and_text(data) else { return };
    let rules = RewardRules::default();
    for completion in [text.to_owned(), format!("</think> <answer>{text}</answer>")] {
        let score = reward::score(&puzzle, &completion, &rules);
        assert!([0.0, rules.format, rules.correct].contains(&score.reward));
        assert_eq!(score.correct, score.reward == rules.correct);
        assert!(!score.correct || score.format);
        assert!(!score.reason.is_empty());
        if score.correct
            && puzzle.numbers.len() <= 4
            && puzzle.numbers.iter().all(|n| *n > 0)
            && puzzle.target >= 0
        {
            assert!(
                solver::is_solvable(&puzzle.numbers, puzzle.target).unwrap_or(true),
                "{puzzle:?} {completion}"
            );
        }
        let puzzle = puzzle.clone().into();
        for family in task::FAMILIES {
            let score = family.reader.score(&puzzle, &completion, &rules);
            assert!([0.0, rules.format, rules.correct].contains(&score.reward) && !score.reason.is_empty());
            assert_eq!((score.correct, score.format), (score.reward == rules.correct, score.reward > 0.0));
        }
    }
}

/// The analysis: spans lie in the text, on characters, in order; what is counted adds up; the same again for the same.
pub fn analysis(data: &[u8]) {
    let Some((puzzle, text)) = puzzle_and_text(data) else { return };
    let puzzle = puzzle.into();
    for family in task::FAMILIES {
        let found = family.reader.analyze(&puzzle, text);
        for span in &found.spans {
            assert!(span.start <= span.end && span.end <= text.len());
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        }
        assert!(found.spans.windows(2).all(|pair| pair[0].start <= pair[1].start));
        let decided = found.true_checks + found.misled_checks + found.false_checks;
        assert_eq!(found.checks, decided + found.superficial_checks);
        assert_eq!(found, family.reader.analyze(&puzzle, text));
        family.reader.outline(&puzzle, text);
    }
}

/// Lines of the three logs: whatever is read can be written and read again.
pub fn records(data: &[u8]) {
    fn again<T: serde::de::DeserializeOwned + serde::Serialize>(data: &[u8]) {
        let Ok(record) = serde_json::from_slice::<T>(data) else { return };
        let text = serde_json::to_vec(&record).expect("what was read can be written");
        let back: T = serde_json::from_slice(&text).expect("what was written can be read");
        let value = |record: &T| serde_json::to_value(record).expect("it was written before");
        assert!(strangers::nearly(&value(&back), &value(&record)), "{}", String::from_utf8_lossy(&text));
    }
    again::<Step>(data);
    again::<Rollout>(data);
    again::<EventRecord>(data);
}

/// The splitter gives the same lines however the stream is cut, and never keeps more than it may.
pub fn lines(data: &[u8]) {
    const LONGEST: usize = 40;
    let Some((first, stream)) = data.split_first() else { return };
    let take = |piece: usize| {
        let (mut splitter, mut lines) = (LineSplitter::new(LONGEST), vec![]);
        for bytes in stream.chunks(piece.max(1)) {
            splitter
                .feed(bytes, |line| lines.push((line.number, line.offset, line.content.map(<[u8]>::to_vec))));
        }
        assert_eq!(splitter.position(), stream.len() as u64);
        (lines, splitter.is_within_line())
    };
    let whole = take(stream.len());
    assert_eq!(whole, take(usize::from(*first)));
    let mut expected = stream.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    assert_eq!(whole.1, expected.pop().is_some_and(|rest| !rest.is_empty()));
    assert_eq!(whole.0.len(), expected.len());
    for ((number, _, content), line) in whole.0.iter().zip(&expected) {
        let cut = line.strip_suffix(b"\r").unwrap_or(line);
        assert_eq!(content.as_deref(), (line.len() <= LONGEST).then_some(cut), "line {number}");
    }
}
