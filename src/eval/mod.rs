//! Held-out evaluation: accuracy, pass@k, majority vote, thinking budgets.

pub mod frontier;
pub mod interval;
pub mod report;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use self::{
    frontier::{Drawn, Point},
    report::{EvalReport, Sample},
};
use crate::{
    model::transformer::Transformer,
    reasoning,
    rollout::{
        Completion,
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    task::{Puzzle, RewardRules, Score, Split, Task, countdown::expression},
    tokenizer::{Tokenizer, TokenizerError},
    workers::Workers,
};

/// Seeds of evaluations are kept apart from those of training.
const EVALUATION: u64 = 0x6576_616c;
/// Puzzles that are answered at a time.
const ROWS_AT_A_TIME: usize = 512;
/// Tokens that an answer may take once the thinking is cut short.
pub const ANSWER_TOKENS: usize = 24;
/// What is written after a thought that is cut short.
const FORCED_ANSWER: &str = " </think> <answer>";

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// Completions for each puzzle.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Tokens after which a completion is cut off.
    pub max_new_tokens: usize,
    /// Thinking budgets, in tokens, at which the answer is forced.
    pub budgets: Vec<usize>,
    /// Whether the likeliest completion of each puzzle is taken too.
    pub greedy: bool,
    /// Seed of the draws.
    pub seed: u64,
}

/// Everything that answers.
pub struct Examinee<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// What is asked.
    pub task: &'a dyn Task,
    /// Who computes.
    pub workers: &'a Workers,
}

/// `count` different held-out puzzles of the task, always the same ones (fewer where there are not so many).
pub fn heldout_puzzles(task: &dyn Task, count: usize) -> Vec<Puzzle> {
    let mut rng = ChaCha8Rng::seed_from_u64(EVALUATION);
    let mut puzzles: Vec<Puzzle> = Vec::with_capacity(count);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..count * 50 {
        if puzzles.len() == count {
            break;
        }
        let puzzle = task.draw(Split::Heldout, &mut rng);
        if seen.insert(puzzle.clone()) {
            puzzles.push(puzzle);
        }
    }
    puzzles
}

/// Answers the puzzles and reports. `Ok(None)` when the observer ended it.
///
/// # Errors
/// When a prompt cannot be encoded.
pub fn evaluate(
    who: &Examinee<'_>,
    puzzles: &[Puzzle],
    options: &EvalOptions,
    observer: &dyn Observer,
) -> Result<Option<EvalReport>, TokenizerError> {
    let sampling = SamplingOptions {
        temperature: options.temperature,
        max_new_tokens: options.max_new_tokens,
        end: who.tokenizer.end(),
    };
    let prompts = puzzles
        .iter()
        .map(|puzzle| who.tokenizer.encode(&who.task.prompt(puzzle)))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(written) = answer(who, &prompts, options.samples, sampling, options.seed, observer) else {
        return Ok(None);
    };
    let forced = who.tokenizer.encode(FORCED_ANSWER)?;
    let all = judge(who, puzzles, options.samples, &written, &forced);
    let mut report = EvalReport::of(&all, puzzles.len(), options.samples, options.temperature);
    if options.greedy {
        let sampling = SamplingOptions { temperature: 0.0, ..sampling };
        let Some(written) = answer(who, &prompts, 1, sampling, options.seed, observer) else {
            return Ok(None);
        };
        let greedy: Vec<Drawn> = grade(who, puzzles, 1, &written, &forced).map(|(drawn, ..)| drawn).collect();
        report.accuracy_greedy = Some(Point::of(None, &greedy, 1).accuracy().value);
    }
    for &budget in &options.budgets {
        let Some(cut) = with_budget(who, &prompts, &written, &forced, budget, options, observer) else {
            return Ok(None);
        };
        let mut drawn: Vec<Drawn> =
            grade(who, puzzles, options.samples, &cut, &forced).map(|(drawn, ..)| drawn).collect();
        for (drawn, free) in drawn.iter_mut().zip(&written) {
            drawn.forced = is_late(free, &forced, budget);
        }
        report.add(Point::of(Some(budget), &drawn, options.samples));
    }
    Ok(Some(report))
}

/// `samples` completions for each prompt, in order.
fn answer(
    who: &Examinee<'_>,
    prompts: &[Vec<u32>],
    samples: usize,
    options: SamplingOptions,
    seed: u64,
    observer: &dyn Observer,
) -> Option<Vec<Completion>> {
    let requests: Vec<Request<'_>> = (0..prompts.len() * samples)
        .map(|row| Request {
            prompt: &prompts[row / samples],
            seed: RowSeed { run: seed ^ EVALUATION, row: row as u64 },
        })
        .collect();
    let mut written = Vec::with_capacity(requests.len());
    for part in requests.chunks(ROWS_AT_A_TIME) {
        written.extend(sampler::sample(who.model, part, options, who.workers, observer)?);
    }
    Some(written)
}

/// The same completions with their thought cut off after `budget` tokens and the answer forced; those that
/// finished within it stay as they are.
fn with_budget(
    who: &Examinee<'_>,
    prompts: &[Vec<u32>],
    written: &[Completion],
    forced: &[u32],
    budget: usize,
    options: &EvalOptions,
    observer: &dyn Observer,
) -> Option<Vec<Completion>> {
    let mut written = written.to_vec();
    let late: Vec<usize> = (0..written.len()).filter(|&i| is_late(&written[i], forced, budget)).collect();
    let cut: Vec<Vec<u32>> = late
        .iter()
        .map(|&i| {
            let thought = &written[i].tokens[..budget.min(written[i].tokens.len())];
            [&prompts[i / options.samples][..], thought, forced].concat()
        })
        .collect();
    let sampling = SamplingOptions {
        temperature: options.temperature,
        max_new_tokens: ANSWER_TOKENS,
        end: who.tokenizer.end(),
    };
    let answers = answer(who, &cut, 1, sampling, options.seed.wrapping_add(budget as u64), observer)?;
    for (&i, ending) in late.iter().zip(answers) {
        let completion = &mut written[i];
        completion.tokens.truncate(budget);
        completion.tokens.extend(forced.iter().chain(&ending.tokens));
        completion.truncated = ending.truncated;
    }
    Some(written)
}

/// Whether a thought goes on after so many tokens.
fn is_late(written: &Completion, forced: &[u32], budget: usize) -> bool {
    let ended = !written.truncated && written.tokens.len() <= budget;
    !ended && thinking(&written.tokens[..budget.min(written.tokens.len())], forced).is_none()
}

/// Tokens before the end of the thought; `None` where it did not end.
fn thinking(tokens: &[u32], forced: &[u32]) -> Option<usize> {
    tokens.iter().position(|token| forced.first() == Some(token))
}

/// Scores completions; beside each its text and its score.
fn grade<'a>(
    who: &'a Examinee<'_>,
    puzzles: &'a [Puzzle],
    samples: usize,
    written: &'a [Completion],
    forced: &'a [u32],
) -> impl Iterator<Item = (Drawn, String, Score)> + 'a {
    written.iter().enumerate().map(move |(row, completion)| {
        let text = who.tokenizer.decode(&completion.tokens);
        let score = who.task.score(&puzzles[row / samples], &text, &RewardRules::default());
        let answer = score.answer.as_deref().and_then(|a| expression::parse(a).ok()).map(|e| e.canonical());
        let drawn = Drawn {
            correct: score.correct,
            answer,
            thinking: thinking(&completion.tokens, forced).unwrap_or(completion.tokens.len()),
            tokens: completion.tokens.len(),
            forced: false,
        };
        (drawn, text, score)
    })
}

fn judge(
    who: &Examinee<'_>,
    puzzles: &[Puzzle],
    samples: usize,
    written: &[Completion],
    forced: &[u32],
) -> Vec<Sample> {
    grade(who, puzzles, samples, written, forced)
        .zip(written)
        .enumerate()
        .map(|(row, ((drawn, text, score), completion))| Sample {
            drawn,
            well_formed: score.format,
            reward: score.reward,
            truncated: completion.truncated,
            analysis: reasoning::analyze(&puzzles[row / samples], &text),
        })
        .collect()
}
