//! The pinned puzzles: a few that are answered again and again, to follow the same puzzle from the base
//! model's guess to a search.

use super::setup::EngineError;
use crate::{
    config::Config,
    eval::{self, Examinee},
    grpo::step::Grpo,
    prompt,
    record::PinnedAnswer,
    rollout::{
        Completion,
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    runs::pinned::PinnedLog,
    task::{NumberPuzzle, Puzzle, Task},
};

/// Held-out puzzles that every run pins by itself.
const PINNED_AT_FIRST: usize = 4;
/// More are refused: every one of them is answered again and again.
pub(crate) const MOST_PINNED: usize = 16;
/// Keeps the seeds of these answers apart from those of training and evaluation.
const PINNED: u64 = 0x7069_6e73;

/// The pinned puzzles, and the log of their answers.
pub struct Pins {
    /// In the order in which they were pinned.
    pub puzzles: Vec<Puzzle>,
    /// The answers.
    pub log: PinnedLog,
}

/// The puzzles that a run of this task pins by itself, always the same ones.
pub(crate) fn first_pins(task: &dyn Task) -> Vec<Puzzle> {
    eval::heldout_puzzles(task, PINNED_AT_FIRST)
}

impl Pins {
    /// Whether the pins are due after this step.
    pub(crate) fn due(config: &Config, step: u64) -> bool {
        config.schedule.pinned_every > 0 && step.is_multiple_of(config.schedule.pinned_every)
    }

    /// Pins a puzzle that the model can read.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn pin(&mut self, puzzle: Puzzle, grpo: &Grpo, config: &Config) -> Result<(), String> {
        let puzzle = grpo.task.admit(&puzzle)?;
        let words = grpo.task.in_words(&puzzle, "->");
        if self.puzzles.contains(&puzzle) {
            return Err(format!("{words} is already pinned."));
        }
        if self.puzzles.len() >= MOST_PINNED {
            return Err(format!("{MOST_PINNED} puzzles are pinned, the maximum; unpin one first."));
        }
        if !grpo.tokenizer.unknown_words(&grpo.task.asked_words(&puzzle)).is_empty() {
            return Err(format!("{words} was not pinned: the model has no token for one of its numbers."));
        }
        let room = grpo.trainer.inference_model().config.max_position_embeddings;
        let encoded = prompt::encode(grpo.task.as_ref(), &puzzle, &grpo.tokenizer);
        let (_, tokens) = encoded.map_err(|error| format!("{words} was not pinned: {error}"))?;
        if tokens.len() + config.sampling.max_new_tokens > room {
            return Err(format!("{words} was not pinned: with its answer it exceeds the model's context."));
        }
        self.puzzles.push(puzzle);
        Ok(())
    }

    /// Answers, with the current weights, those of `puzzles` that have no answer at this step yet, and adds
    /// the answers to the log. Uses none of the run's own draws. `None` if the observer cancelled it.
    ///
    /// # Errors
    /// If a prompt cannot be encoded or an answer cannot be written.
    pub fn answer(
        &mut self,
        puzzles: &[Puzzle],
        grpo: &Grpo,
        config: &Config,
        step: u64,
        observer: &dyn Observer,
    ) -> Result<Option<Vec<PinnedAnswer>>, EngineError> {
        let open: Vec<Puzzle> =
            puzzles.iter().filter(|puzzle| !self.log.has(step, puzzle)).cloned().collect();
        let model = grpo.trainer.inference_model();
        let who = Examinee {
            model: &model,
            tokenizer: &grpo.tokenizer,
            task: grpo.task.as_ref(),
            workers: grpo.trainer.workers(),
        };
        let Some(answers) = answers(&open, &who, config, step, observer)? else { return Ok(None) };
        answers.iter().try_for_each(|answer| self.log.add(answer))?;
        Ok(Some(answers))
    }
}

/// What a model answers to puzzles, at the settings of its run. The same puzzles get the same draws at every step. `None`
/// if the observer cancelled it.
///
/// # Errors
/// If a prompt cannot be encoded.
pub(crate) fn answers(
    puzzles: &[Puzzle],
    who: &Examinee<'_>,
    config: &Config,
    step: u64,
    observer: &dyn Observer,
) -> Result<Option<Vec<PinnedAnswer>>, EngineError> {
    let prompts = puzzles
        .iter()
        .map(|puzzle| Ok(prompt::encode(who.task, puzzle, who.tokenizer)?.1))
        .collect::<Result<Vec<_>, EngineError>>()?;
    let requests: Vec<Request<'_>> = puzzles
        .iter()
        .zip(&prompts)
        .map(|(puzzle, prompt)| Request {
            prompt,
            seed: RowSeed { run: config.machine.seed ^ PINNED, row: row_of(puzzle) },
        })
        .collect();
    let sampling = SamplingOptions::new(
        who.tokenizer,
        config.sampling.temperature,
        config.sampling.max_new_tokens,
        config.reward.stop.is_answer(),
    );
    let Some(written) = sampler::sample(who.model, &requests, sampling, who.workers, observer) else {
        return Ok(None);
    };
    let rules = config.reward.rules();
    let answer = |(puzzle, completion): (&Puzzle, Completion)| {
        let text = who.tokenizer.decode(&completion.tokens);
        let score = who.task.score(puzzle, &text, &rules);
        PinnedAnswer {
            step,
            task: who.task.name().into(),
            puzzle: puzzle.clone(),
            tokens: completion.tokens.len(),
            reward: score.reward,
            correct: score.correct,
            truncated: completion.truncated,
            analysis: who.task.analyze_graded(puzzle, &text, rules.answer),
            completion: text,
        }
    };
    Ok(Some(puzzles.iter().zip(written).map(answer).collect()))
}

/// A stream of draws for each puzzle, whichever others are pinned.
fn row_of(puzzle: &Puzzle) -> u64 {
    let parts: Vec<u64> = match NumberPuzzle::of(puzzle) {
        Some(given) => {
            given.numbers.iter().chain([&given.target]).map(|number| number.unsigned_abs()).collect()
        }
        None => puzzle.to_string().bytes().map(u64::from).collect(),
    };
    parts
        .into_iter()
        .fold(0, |mixed: u64, part| (mixed ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29))
}
