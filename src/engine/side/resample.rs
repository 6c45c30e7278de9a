//! The effect of one token: an answer's beginning, original and changed, continued many times each.

use super::answer::wait_words;
use crate::{
    config::Config,
    model::{tokenizer::Tokenizer, transformer::Transformer},
    prompt,
    protocol::side::{Arm, Edit, PlayOptions, Resampled},
    rollout::{
        Completion,
        budget::{ANSWER_TOKENS, Drawing, Forcing},
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    system::workers::Workers,
    task::{Puzzle, Task},
};

/// Keeps the seeds of continuations apart from those of the answers.
const RESAMPLED: u64 = 0x7265_7361;
/// Most continuations of each beginning.
pub(crate) const MOST_SAMPLES: usize = 4096;

/// The answer to change, and the rules it was given under.
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The puzzle.
    pub puzzle: &'a Puzzle,
    /// Its task.
    pub task: &'a dyn Task,
    /// The run's configuration.
    pub config: &'a Config,
    /// How the answer was sampled. Waits are not added to continuations: they would hide the effect of the
    /// token.
    pub options: PlayOptions,
    /// Whether the model's answers end right after their closing tag.
    pub stop_at_answer: bool,
}

/// The two beginnings.
struct Beginnings {
    original: Vec<u32>,
    edited: Vec<u32>,
    /// The removed token.
    deleted: Option<u32>,
}

impl Beginnings {
    fn of(tokenizer: &Tokenizer, before: &[u32], edit: &Edit) -> Result<Self, String> {
        match edit {
            Edit::Delete(token) if tokenizer.end().contains(*token) => {
                Err("This token ends the answer, so there is nothing to resample after it. Move the cursor to an \
                    earlier token."
                    .into())
            }
            Edit::Delete(token) => Ok(Self {
                original: [before, &[*token]].concat(),
                edited: before.to_vec(),
                deleted: Some(*token),
            }),
            Edit::Wait => Self::of(tokenizer, before, &Edit::Insert(wait_words(tokenizer).into())),
            Edit::Insert(text) => {
                let unknown = tokenizer.unknown_words(text);
                if let Some(word) = unknown.first() {
                    return Err(format!(
                        "This model has no word for `{word}`; separate words with spaces, as in `{}`.",
                        wait_words(tokenizer)
                    ));
                }
                let tokens = tokenizer.encode(text).map_err(|error| error.to_string())?;
                if tokens.is_empty() {
                    return Err("Nothing was typed to insert.".into());
                }
                Ok(Self { original: before.to_vec(), edited: [before, &tokens].concat(), deleted: None })
            }
        }
    }
}

/// Continues both beginnings `samples` times, with the same seeds. `Ok(None)` if the observer cancelled it.
///
/// # Errors
/// A sentence that says why the change cannot be made.
pub fn resample(
    subject: &Subject<'_>,
    before: &[u32],
    edit: &Edit,
    samples: usize,
    workers: &Workers,
    observer: &dyn Observer,
) -> Result<Option<Resampled>, String> {
    let tokenizer = subject.tokenizer;
    let samples = samples.clamp(1, MOST_SAMPLES);
    let Beginnings { original, edited, deleted } = Beginnings::of(tokenizer, before, edit)?;
    let Some(as_it_was) = continued(subject, &original, samples, workers, observer)? else { return Ok(None) };
    let Some(changed) = continued(subject, &edited, samples, workers, observer)? else { return Ok(None) };
    let again = deleted.map(|token| {
        changed.iter().filter(|written| written.completion.tokens.first() == Some(&token)).count()
    });
    let arm = |beginning: &[u32], all: &[Continued]| {
        let right = |written: &&Continued| {
            let text = tokenizer.decode(&[beginning, &written.completion.tokens].concat());
            subject.task.score(subject.puzzle, &text, &subject.config.reward.rules()).correct
        };
        let length: usize = all.iter().map(|written| beginning.len() + written.completion.tokens.len()).sum();
        Arm {
            samples: all.len(),
            right: all.iter().filter(right).count(),
            mean_length: length as f64 / all.len().max(1) as f64,
            forced: all.iter().filter(|written| written.forced).count(),
        }
    };
    Ok(Some(Resampled { original: arm(&original, &as_it_was), edited: arm(&edited, &changed), again }))
}

struct Continued {
    completion: Completion,
    forced: bool,
}

/// Continues a beginning, within the budget of the whole thought.
fn continued(
    subject: &Subject<'_>,
    beginning: &[u32],
    samples: usize,
    workers: &Workers,
    observer: &dyn Observer,
) -> Result<Option<Vec<Continued>>, String> {
    let Subject { model, tokenizer, options, .. } = subject;
    let said = |error: crate::model::tokenizer::TokenizerError| error.to_string();
    let forcing = Forcing::of(tokenizer).map_err(said)?;
    let prompt = prompt::encode(subject.task, subject.puzzle, tokenizer).map_err(said)?.1;
    let prompt = [&prompt[..], beginning].concat();
    let closed = forcing.closed_at(tokenizer, beginning);
    let left = match (options.budget, closed) {
        (None, _) => subject.config.sampling.max_new_tokens.saturating_sub(beginning.len()),
        (Some(_), Some(at)) => (at + ANSWER_TOKENS + 2).saturating_sub(beginning.len()),
        (Some(budget), None) => budget.saturating_sub(beginning.len()),
    };
    let thinks = options.budget.is_some() && closed.is_none();
    let most = if thinks { left + ANSWER_TOKENS } else { left };
    let room = model.config.max_position_embeddings;
    if prompt.len() + most + ANSWER_TOKENS > room {
        return Err(format!(
            "This beginning and its continuation are longer than the {room} tokens that the model reads."
        ));
    }
    let drawing = Drawing {
        model,
        tokenizer,
        temperature: options.temperature,
        stop_at_answer: subject.stop_at_answer,
        seed: options.seed ^ RESAMPLED,
        workers,
    };
    let requests: Vec<Request<'_>> = (0..samples as u64)
        .map(|row| Request { prompt: &prompt, seed: RowSeed { run: drawing.seed, row } })
        .collect();
    let sampling = SamplingOptions::new(tokenizer, options.temperature, most, subject.stop_at_answer);
    let Some(written) = sampler::sample_in_parts(model, &requests, sampling, workers, observer) else {
        return Ok(None);
    };
    let late: Vec<bool> =
        written.iter().map(|written| thinks && forcing.is_late(tokenizer, written, left)).collect();
    let written = match thinks {
        true => {
            forcing.force(Drawing { seed: !drawing.seed, ..drawing }, |_| &prompt, written, left, observer)
        }
        false => Some(written),
    };
    let pairs = |written: Vec<Completion>| {
        written.into_iter().zip(late).map(|(completion, forced)| Continued { completion, forced }).collect()
    };
    Ok(written.map(pairs))
}
