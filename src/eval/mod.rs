//! Held-out evaluation: accuracy, pass@k, majority vote, thinking budgets.

pub mod base;
pub mod by_numbers;
pub mod frontier;
mod options;
mod reference;
pub mod report;
pub mod rescoring;

pub use options::EvalOptions;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
pub use reference::BaseReference;

use self::{
    frontier::Drawn,
    report::{EvalReport, Sample},
};
use crate::{
    metrics::blind::Blind,
    model::{
        tokenizer::{Tokenizer, TokenizerError},
        transformer::Transformer,
    },
    prompt,
    record::{Analysis, Point},
    rollout::{
        Completion,
        budget::{Drawing, Forcing},
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    system::workers::Workers,
    task::{NumberPuzzle, Puzzle, RewardRules, Score, Split, Task},
};

/// Keeps the seeds of evaluations apart from those of training.
const EVALUATION: u64 = 0x6576_616c;

/// Everything needed to answer puzzles.
pub struct Examinee<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// What is asked.
    pub task: &'a dyn Task,
    /// The threads that compute.
    pub workers: &'a Workers,
}

/// `count` different held-out puzzles of the task, always the same ones (fewer if there are not that many).
/// Two that differ only in the order of their numbers count as one.
pub fn heldout_puzzles(task: &dyn Task, count: usize) -> Vec<Puzzle> {
    let mut rng = ChaCha8Rng::seed_from_u64(EVALUATION);
    let mut puzzles: Vec<Puzzle> = Vec::with_capacity(count);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..count * 50 {
        if puzzles.len() == count {
            break;
        }
        let puzzle = task.draw(Split::Heldout, &mut rng);
        let mut alike = puzzle.clone();
        if let Some(mut given) = NumberPuzzle::of(&puzzle) {
            given.numbers.sort_unstable();
            alike = given.into();
        }
        if seen.insert(alike) {
            puzzles.push(puzzle);
        }
    }
    puzzles
}

/// Answers the puzzles and reports. `Ok(None)` if the observer cancelled it.
///
/// # Errors
/// If a prompt cannot be encoded.
pub fn evaluate(
    who: &Examinee<'_>,
    puzzles: &[Puzzle],
    options: &EvalOptions,
    observer: &dyn Observer,
) -> Result<Option<EvalReport>, TokenizerError> {
    let sampling = SamplingOptions::new(
        who.tokenizer,
        options.temperature,
        options.max_new_tokens,
        options.stop_at_answer,
    );
    let rules = RewardRules { answer: options.graded, ..RewardRules::default() };
    let prompts = puzzles
        .iter()
        .map(|puzzle| Ok(prompt::encode(who.task, puzzle, who.tokenizer)?.1))
        .collect::<Result<Vec<_>, TokenizerError>>()?;
    let Some(written) = answer(who, &prompts, options.samples, sampling, options.seed, observer) else {
        return Ok(None);
    };
    let forcing = Forcing::of(who.tokenizer)?;
    let all = judge(who, puzzles, &rules, options.samples, &written, &forcing);
    let mut report = EvalReport::of(&all, puzzles.len(), options.samples, options.temperature);
    report.by_numbers = by_numbers::by_numbers(puzzles, &all, options.samples, options.temperature);
    if options.greedy {
        let sampling = SamplingOptions { temperature: 0.0, ..sampling };
        let Some(written) = answer(who, &prompts, 1, sampling, options.seed, observer) else {
            return Ok(None);
        };
        let greedy: Vec<Drawn> =
            grade(who, puzzles, &rules, 1, &written, &forcing).map(|(drawn, ..)| drawn).collect();
        report.accuracy_greedy = Some(Point::of(None, &greedy, 1).accuracy().value);
    }
    for &budget in &options.budgets {
        let drawing = Drawing {
            model: who.model,
            tokenizer: who.tokenizer,
            temperature: options.temperature,
            stop_at_answer: options.stop_at_answer,
            seed: options.seed.wrapping_add(budget as u64) ^ EVALUATION,
            workers: who.workers,
        };
        let prompt = |row: usize| prompts[row / options.samples].as_slice();
        let Some(cut) = forcing.force(drawing, prompt, written.clone(), budget, observer) else {
            return Ok(None);
        };
        let mut drawn: Vec<Drawn> =
            grade(who, puzzles, &rules, options.samples, &cut, &forcing).map(|(drawn, ..)| drawn).collect();
        for (drawn, free) in drawn.iter_mut().zip(&written) {
            drawn.forced = forcing.is_late(who.tokenizer, free, budget);
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
    options: SamplingOptions<'_>,
    seed: u64,
    observer: &dyn Observer,
) -> Option<Vec<Completion>> {
    let requests: Vec<Request<'_>> = (0..prompts.len() * samples)
        .map(|row| Request {
            prompt: &prompts[row / samples],
            seed: RowSeed { run: seed ^ EVALUATION, row: row as u64 },
        })
        .collect();
    sampler::sample_in_parts(who.model, &requests, options, who.workers, observer)
}

/// Scores completions and returns each with its analysis and score.
fn grade<'a>(
    who: &'a Examinee<'_>,
    puzzles: &'a [Puzzle],
    rules: &'a RewardRules,
    samples: usize,
    written: &'a [Completion],
    forcing: &'a Forcing,
) -> impl Iterator<Item = (Drawn, Analysis, Score)> + 'a {
    let blinds: Vec<Option<Blind>> = puzzles.iter().map(|puzzle| who.task.blind(puzzle)).collect();
    written.iter().enumerate().map(move |(row, completion)| {
        let puzzle = &puzzles[row / samples];
        let text = who.tokenizer.decode(&completion.tokens);
        let score = who.task.score(puzzle, &text, rules);
        let analysis = who.task.analyze_graded(puzzle, &text, rules.answer);
        let answer = score.answer.as_deref().and_then(|answer| who.task.canonical_answer(answer));
        let drawn = Drawn {
            correct: score.correct,
            answer,
            thinking: forcing.closed_at(who.tokenizer, &completion.tokens).unwrap_or(completion.tokens.len()),
            tokens: completion.tokens.len(),
            forced: false,
            attempts: analysis.attempts.saturating_sub(analysis.repeated_attempts),
            blind: blinds[row / samples],
        };
        (drawn, analysis, score)
    })
}

fn judge(
    who: &Examinee<'_>,
    puzzles: &[Puzzle],
    rules: &RewardRules,
    samples: usize,
    written: &[Completion],
    forcing: &Forcing,
) -> Vec<Sample> {
    grade(who, puzzles, rules, samples, written, forcing)
        .zip(written)
        .map(|((drawn, analysis, score), completion)| Sample {
            drawn,
            well_formed: score.format,
            reward: score.reward,
            truncated: completion.truncated,
            analysis,
        })
        .collect()
}
