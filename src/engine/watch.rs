//! Watches the sampler for the engine: progress, streamed text, pause and stop.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use super::control::Control;
use crate::protocol::{Event, Phase};
use crate::{
    grpo::step::Round,
    model::tokenizer::{StreamingDecoder, Tokenizer},
    rollout::sampler::Observer,
};

/// The observer of one sample phase.
pub(crate) struct SampleWatch<'a> {
    control: &'a Control,
    tokenizer: Tokenizer,
    step: u64,
    /// Which group of the step each prompt is.
    slots: Vec<usize>,
    group_size: usize,
    total: usize,
    finished: AtomicUsize,
    /// One decoder for each completion of a streamed group.
    decoders: Vec<Option<Mutex<StreamingDecoder>>>,
}

impl<'a> SampleWatch<'a> {
    /// Announces the streamed completions of a round of a step: the first `streamed` groups of the step.
    pub fn begin(
        control: &'a Control,
        tokenizer: Tokenizer,
        step: u64,
        round: &Round,
        group_size: usize,
        streamed: usize,
    ) -> Self {
        let total = round.puzzles.len() * group_size;
        control.tell(Event::PhaseChanged { step, phase: Phase::Sample, done: 0, total });
        let mut decoders = Vec::with_capacity(total);
        for (&group, puzzle) in round.slots.iter().zip(&round.puzzles) {
            for index in 0..group_size {
                let watched = group < streamed;
                if watched {
                    control.tell(Event::CompletionStarted { step, group, index, puzzle: puzzle.clone() });
                }
                decoders.push(watched.then(|| Mutex::new(StreamingDecoder::new())));
            }
        }
        let slots = round.slots.clone();
        Self { control, tokenizer, step, slots, group_size, total, finished: AtomicUsize::new(0), decoders }
    }
}

impl Observer for SampleWatch<'_> {
    fn keep_going(&self) -> bool {
        self.control.gate()
    }

    fn token(&self, request: usize, token: u32) {
        let Some(decoder) = self.decoders.get(request).and_then(Option::as_ref) else { return };
        let text = decoder.lock().unwrap_or_else(PoisonError::into_inner).push(&self.tokenizer, token);
        if !text.is_empty() {
            let (group, index) = (self.slots[request / self.group_size], request % self.group_size);
            self.control.tell_token(Event::Token { step: self.step, group, index, text });
        }
    }

    fn finished(&self, _request: usize) {
        let done = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        self.control.tell(Event::PhaseChanged {
            step: self.step,
            phase: Phase::Sample,
            done,
            total: self.total,
        });
    }
}
