//! When each event of a recorded step comes: its phases take the times that were measured, and its completions grow
//! token by token, all at the same pace, as they were sampled.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::recording::Recorded;
use crate::{
    metrics::{Metric, registry},
    protocol::{Event, Phase, STREAMED_GROUPS},
    record::{Rollout, Step},
};

/// Seconds of a step whose engine measured no time.
const USUAL: f64 = 3.0;
/// The share of each phase where the engine measured only the step.
const SHARES: [f64; Phase::ALL.len()] = [0.7, 0.02, 0.01, 0.25, 0.02];
/// No phase is played for longer, whatever a file says.
const LONGEST: f64 = 24.0 * 3600.0;

/// At so many moments of a step, at most, its completions grow: longer ones by several tokens at once.
const MOST_MOMENTS: usize = 2048;

/// Something that happens while a step is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// When, in the run's own time since the step began.
    pub at: Duration,
    /// What is told; `None` for the end of a phase, where a person who steps by phases stops.
    pub event: Option<Event>,
}

/// All cues of a step, by time.
pub(super) fn cues(step: u64, recorded: &Recorded) -> Vec<Cue> {
    let times = phase_times(recorded.metrics.as_ref());
    let mut cues = Cues { step, now: 0.0, all: Vec::new() };
    cues.sample(&recorded.rollouts, times[Phase::Sample as usize]);
    let count = recorded.rollouts.len();
    cues.phase(Phase::Score, 0, count);
    cues.wait(times[Phase::Score as usize]);
    cues.phase(Phase::Score, count, count);
    cues.phase_over();
    cues.phase(Phase::Advantage, count, count);
    for rollout in &recorded.rollouts {
        cues.tell(Event::RolloutScored(Box::new(rollout.clone())));
    }
    cues.wait(times[Phase::Advantage as usize]);
    cues.phase_over();
    // The journal does not keep the number of micro-batches.
    cues.phase(Phase::Update, 0, 0);
    cues.wait(times[Phase::Update as usize]);
    cues.phase_over();
    cues.phase(Phase::Evaluate, 0, 0);
    cues.wait(times[Phase::Evaluate as usize]);
    recorded.ending().for_each(|event| cues.tell(event));
    cues.phase_over();
    cues.all
}

/// Seconds of each phase: as measured, and otherwise a share of the step's time. They add up to it.
fn phase_times(metrics: Option<&Step>) -> [f64; Phase::ALL.len()] {
    let known = |metric: &Metric| {
        let measured = metrics.and_then(|metrics| metrics.known(metric))?;
        Some(measured.clamp(0.0, LONGEST))
    };
    let (sample, score) = (known(&registry::TIME_SAMPLE), known(&registry::TIME_SCORE));
    let (update, evaluate) = (known(&registry::TIME_UPDATE), known(&registry::TIME_EVALUATE));
    let whole = known(&registry::STEP_TIME);
    if sample.is_none() || update.is_none() {
        let whole = whole.unwrap_or(USUAL);
        return SHARES.map(|share| share * whole);
    }
    let measured = [sample, score, None, update, evaluate].map(|time| time.unwrap_or(0.0));
    let sum: f64 = measured.iter().sum();
    let whole = whole.unwrap_or(sum);
    if sum > whole {
        return measured.map(|time| time * whole / sum);
    }
    let [sample, score, _, update, evaluate] = measured;
    [sample, score, 0.0, update, evaluate + whole - sum]
}

struct Cues {
    step: u64,
    /// Seconds since the step began.
    now: f64,
    all: Vec<Cue>,
}

impl Cues {
    fn put(&mut self, event: Option<Event>) {
        let at = Duration::try_from_secs_f64(self.now).unwrap_or_default();
        self.all.push(Cue { at, event });
    }

    fn tell(&mut self, event: Event) {
        self.put(Some(event));
    }

    fn phase(&mut self, phase: Phase, done: usize, total: usize) {
        self.tell(Event::PhaseChanged { step: self.step, phase, done, total });
    }

    fn phase_over(&mut self) {
        self.put(None);
    }

    fn wait(&mut self, seconds: f64) {
        self.now += seconds;
    }

    /// Streams the first groups; the others are only counted.
    fn sample(&mut self, rollouts: &[Rollout], seconds: f64) {
        let total = rollouts.len();
        self.phase(Phase::Sample, 0, total);
        let groups: BTreeSet<usize> = rollouts.iter().map(|rollout| rollout.group).collect();
        let streamed: BTreeSet<usize> = groups.into_iter().take(STREAMED_GROUPS).collect();
        let streamed: Vec<&Rollout> =
            rollouts.iter().filter(|rollout| streamed.contains(&rollout.group)).collect();
        for rollout in &streamed {
            let Rollout { step, group, index, problem, .. } = *rollout;
            let puzzle = problem.puzzle.clone();
            self.tell(Event::CompletionStarted { step: *step, group: *group, index: *index, puzzle });
        }
        let texts: Vec<Vec<&str>> = streamed.iter().map(|rollout| pieces(rollout)).collect();
        let mut ending: BTreeMap<usize, usize> = BTreeMap::new();
        rollouts.iter().for_each(|rollout| *ending.entry(length(rollout)).or_default() += 1);
        let longest = ending.last_key_value().map_or(0, |(longest, _)| *longest).max(1);
        let mut done = ending.remove(&0).unwrap_or(0);
        let stride = longest.div_ceil(MOST_MOMENTS);
        for from in (0..longest).step_by(stride) {
            let to = (from + stride).min(longest);
            self.wait(seconds * (to - from) as f64 / longest as f64);
            for (Rollout { step, group, index, .. }, pieces) in streamed.iter().zip(&texts) {
                let text = pieces.get(from..to.min(pieces.len())).unwrap_or_default().concat();
                if !text.is_empty() {
                    self.tell(Event::Token { step: *step, group: *group, index: *index, text });
                }
            }
            let later = ending.split_off(&(to + 1));
            let ended: usize = std::mem::replace(&mut ending, later).into_values().sum();
            if ended > 0 {
                done += ended;
                self.phase(Phase::Sample, done, total);
            }
        }
        self.phase_over();
    }
}

/// Tokens of a completion; where they are not known, its words.
fn length(rollout: &Rollout) -> usize {
    match rollout.token_ids() {
        [] => words(&rollout.completion).len(),
        tokens => tokens.len(),
    }
}

/// The text in as many pieces as there are tokens. The record does not say where tokens begin: if there are as many
/// words (the end token has no text), the words are the tokens, and otherwise all pieces are about as long.
fn pieces(rollout: &Rollout) -> Vec<&str> {
    let (text, tokens) = (rollout.completion.as_str(), rollout.token_ids().len());
    let words = words(text);
    if tokens == 0 || words.len() == tokens || words.len() + 1 == tokens {
        return words;
    }
    let border = |piece: usize| {
        let ideal = (piece as u128 * text.len() as u128 / tokens as u128) as usize;
        (ideal..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
    };
    (0..tokens).map(|piece| &text[border(piece)..border(piece + 1)]).collect()
}

/// The words of a text, each with the white space before it; what follows the last word stays with it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut within) = (0, false);
    for (at, character) in text.char_indices() {
        if character.is_whitespace() && within {
            words.push(&text[start..at]);
            start = at;
        }
        within = !character.is_whitespace();
    }
    match (within, words.pop()) {
        (false, Some(last)) => words.push(&text[start - last.len()..]),
        (_, last) => {
            words.extend(last);
            words.push(&text[start..]);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests;
