//! Priming: a model from elsewhere learns, supervised, to think about a task in English before reinforcement learning
//! ("Cognitive Behaviors that Enable Self-Improving Reasoners", <https://arxiv.org/abs/2503.01307>).
//!
//! The program writes the traces itself; nothing of them is stored. The traces of update `i` come from a generator seeded
//! by `(seed, i)`, so an interrupted priming continues exactly where it stopped, and what was taught can be counted
//! afterwards. Held-out puzzles are never among them.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::supervised::{self, MicroBatch, Row, Saved, Schedule};
use crate::{
    grpo::loss::micro_batches,
    model::{
        source::ModelSource,
        tokenizer::{Tokenizer, TokenizerError},
        trainer::{Trainer, UpdateError},
        transformer::Transformer,
    },
    prompt,
    record::{Analysis, SpanKind},
    system::workers::Workers,
    task::{
        Puzzle, RewardRules, Split, Task,
        priming::{Habits, Trace, Writer},
    },
};

/// The recipe and what it taught, beside the primed model.
pub const PRIMING_FILE: &str = "priming.json";

/// Everything that determines the primed model, beside its base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// SHA-256 of the base's weights, hexadecimal.
    pub base: String,
    /// The task.
    pub task: String,
    /// The level of its puzzles.
    pub level: String,
    /// How the model is asked, in the words of the key `prompt`.
    pub prompt: String,
    /// The behaviours of the traces, or `none`.
    pub behaviours: String,
    /// Whether the answers of the traces are right.
    pub right_answers: bool,
    /// Seed of the traces, and of a new adapter.
    pub seed: u64,
    /// Optimizer updates.
    pub updates: u64,
    /// Traces per update.
    pub traces: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Updates of linear warm-up.
    pub warmup: u64,
    /// Clipping limit of the global gradient norm; 0 does not clip.
    pub max_grad_norm: f64,
    /// Most tokens of a forward and backward pass, padding included.
    pub micro_tokens: usize,
    /// Rank of the adapter; 0 trains all weights.
    pub lora_rank: usize,
    /// What the adapter's product is multiplied by, before it is divided by the rank.
    pub lora_alpha: f64,
    /// The matrices that it adds to.
    pub lora_targets: String,
}

impl Recipe {
    /// The learning rate of an update, counted from 0: it decays to a tenth of its peak.
    pub fn rate(&self, update: u64) -> f64 {
        let (updates, peak, warmup) = (self.updates, self.learning_rate, self.warmup);
        Schedule { updates, peak, warmup, flat: 0.0, last: 0.1 }.rate(update)
    }
}

/// What stands in a thought that shows nothing.
const FILLER: &str = " ...";
/// Traces that are tried before the first update.
const TRIED: u64 = 4;

/// What writes traces, and the model's words for them.
pub struct Teacher {
    task: Box<dyn Task>,
    writer: Writer,
    habits: Habits,
    tokenizer: Tokenizer,
    /// Tokens of [`FILLER`].
    filler: Vec<u32>,
    /// Positions that the model has.
    room: usize,
}

/// A puzzle and what the model should write.
pub struct Example {
    /// The puzzle.
    pub puzzle: Puzzle,
    /// The completion, without its end token.
    pub text: String,
    /// Tokens before the completion.
    pub prompt_tokens: usize,
    row: Row,
}

impl Example {
    /// Tokens of the completion, the end token included.
    pub fn completion_tokens(&self) -> usize {
        self.row.tokens.len() - self.prompt_tokens
    }
}

impl Teacher {
    /// A teacher of `task`, as the model is asked it. A few traces are tried.
    ///
    /// # Errors
    /// A sentence that says why the model cannot write such traces.
    pub fn new(
        task: Box<dyn Task>,
        writer: Writer,
        habits: Habits,
        tokenizer: Tokenizer,
        model: &Transformer,
    ) -> Result<Self, String> {
        let filler = tokenizer.encode(FILLER);
        let room = model.config.max_position_embeddings;
        let mut teacher = Self { task, writer, habits, tokenizer, filler: Vec::new(), room };
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..TRIED {
            let (_, trace) = teacher.trace(&mut rng);
            let unknown = teacher.tokenizer.unknown_words(&format!("{} {}", trace.thought, trace.answer));
            if let Some(word) = unknown.first() {
                return Err(format!(
                    "The model's vocabulary has no word for `{word}`, so it cannot write thoughts in English. Choose a \
                     model with subword tokens, or `pretrain` for one of ours."
                ));
            }
        }
        teacher.filler = filler.map_err(|error| error.to_string())?;
        if let Some(wide) = teacher.examples(0, 0, TRIED as usize)?.iter().find(|e| e.row.tokens.len() > room)
        {
            return Err(format!(
                "A trace has {} tokens with its prompt, but the model reads at most {room}.",
                wide.row.tokens.len()
            ));
        }
        Ok(teacher)
    }

    /// Draws a puzzle of the training split, and a trace of it.
    fn trace(&self, rng: &mut ChaCha8Rng) -> (Puzzle, Trace) {
        // Without behaviours a trace has the length and the answer of one with all of them.
        let shown = if self.habits.are_empty() {
            Habits { right: self.habits.right, ..Habits::ALL }
        } else {
            self.habits
        };
        loop {
            let puzzle = self.task.draw(Split::Train, rng);
            if let Some(trace) = (self.writer)(&puzzle, &shown, rng) {
                return (puzzle, trace);
            }
        }
    }

    /// The traces of an update, counted from 0.
    ///
    /// # Errors
    /// If the tokenizer or a template refuses a text.
    pub fn examples(&self, seed: u64, update: u64, count: usize) -> Result<Vec<Example>, String> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(update + 1);
        let made = (0..count).map(|_| {
            let (puzzle, trace) = self.trace(&mut rng);
            self.example(puzzle, &trace)
        });
        made.collect::<Result<_, TokenizerError>>().map_err(|error| error.to_string())
    }

    fn example(&self, puzzle: Puzzle, trace: &Trace) -> Result<Example, TokenizerError> {
        let (asked, mut tokens) = prompt::encode(self.task.as_ref(), &puzzle, &self.tokenizer)?;
        let prompt_tokens = tokens.len();
        // Some prompts open the thought themselves.
        let opening = if asked.trim_end().ends_with("<think>") { "" } else { "<think>" };
        let closing = format!("</think>\n<answer>{}</answer>", trace.answer);
        if self.habits.are_empty() {
            let thought = self.tokenizer.encode(&trace.thought)?.len();
            tokens.extend(self.tokenizer.encode(opening)?);
            tokens.extend(self.filler.iter().cycle().take(thought));
            tokens.extend(self.tokenizer.encode(&closing)?);
        } else {
            tokens.extend(self.tokenizer.encode(&format!("{opening}{}{closing}", trace.thought))?);
        }
        let text = self.tokenizer.decode(&tokens[prompt_tokens..]);
        tokens.extend(self.tokenizer.end().as_slice().first());
        let trained = (0..tokens.len()).map(|at| at >= prompt_tokens).collect();
        let row = Row { tokens: tokens.into_iter().map(|token| token as i32).collect(), trained };
        Ok(Example { puzzle, text, prompt_tokens, row })
    }

    /// Counts what is taught until an update, by the analysis that reads completions.
    ///
    /// # Errors
    /// As for [`Self::examples`].
    pub fn taught(&self, recipe: &Recipe, updates: u64) -> Result<Taught, String> {
        let mut taught = Taught::default();
        for update in 0..updates {
            for example in self.examples(recipe.seed, update, recipe.traces)? {
                let Example { puzzle, text, .. } = &example;
                let right = self.task.score(puzzle, text, &RewardRules::default()).correct;
                taught.take_in(&example, right, &self.task.analyze(puzzle, text));
            }
        }
        Ok(taught)
    }
}

/// What the traces of a priming showed, in sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taught {
    /// Traces.
    pub traces: usize,
    /// Tokens that the loss covered.
    pub completion_tokens: usize,
    /// Tokens of the prompts before them.
    pub prompt_tokens: usize,
    /// Traces with a right answer.
    pub right_answers: usize,
    /// Attempts.
    pub attempts: usize,
    /// Steps `a op b = c`.
    pub arithmetic_steps: usize,
    /// Of these, the ones that hold.
    pub arithmetic_right: usize,
    /// Checks.
    pub checks: usize,
    /// Of these, the true ones.
    pub true_checks: usize,
    /// True checks of a miss, each followed by another attempt.
    pub self_corrections: usize,
    /// Attempts begun after one that failed.
    pub backtracks: usize,
    /// Values named as goals on the way.
    pub subgoals: usize,
    /// Plans that work from the target.
    pub backward_chaining: usize,
}

impl Taught {
    fn take_in(&mut self, example: &Example, right: bool, found: &Analysis) {
        let spans = |kind| found.spans.iter().filter(|span| span.kind == kind).count();
        self.traces += 1;
        self.completion_tokens += example.completion_tokens();
        self.prompt_tokens += example.prompt_tokens;
        self.right_answers += usize::from(right);
        self.attempts += found.attempts;
        self.arithmetic_steps += found.arithmetic_steps;
        self.arithmetic_right += found.arithmetic_right;
        self.checks += found.checks;
        self.true_checks += found.true_checks;
        self.self_corrections += found.self_corrections;
        self.backtracks += found.backtracks;
        self.subgoals += spans(SpanKind::Subgoal);
        self.backward_chaining += spans(SpanKind::BackwardChaining);
    }

    /// The counts by their names.
    pub fn rows(&self) -> [(&'static str, usize); 13] {
        [
            ("traces", self.traces),
            ("tokens learned from", self.completion_tokens),
            ("tokens of prompts", self.prompt_tokens),
            ("right answers", self.right_answers),
            ("attempts", self.attempts),
            ("arithmetic steps", self.arithmetic_steps),
            ("arithmetic steps that hold", self.arithmetic_right),
            ("checks", self.checks),
            ("true checks", self.true_checks),
            ("self-corrections", self.self_corrections),
            ("backtracks", self.backtracks),
            ("subgoals", self.subgoals),
            ("plans backwards from the target", self.backward_chaining),
        ]
    }
}

/// Why an update was not made.
#[derive(Debug, thiserror::Error)]
pub enum PrimingError {
    /// The trainer refused it.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A trace could not be written.
    #[error("{0}")]
    Trace(String),
}

/// A line of the log: one update.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Updates done.
    pub update: u64,
    /// Mean loss per token of the completions, in nats.
    pub loss: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Tokens that the model read in this update, prompts included, padding not.
    pub tokens: usize,
}

/// A model that is being primed.
pub struct Priming {
    recipe: Recipe,
    teacher: Teacher,
    trainer: Trainer,
    done: u64,
}

impl Priming {
    /// Begins with a model on a plain device; its adapter is trained, if it has one.
    pub fn new(recipe: Recipe, teacher: Teacher, model: Transformer, workers: Arc<Workers>) -> Self {
        Self { recipe, teacher, trainer: Trainer::new(model, 0.0, workers), done: 0 }
    }

    /// Updates done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The current weights.
    pub fn model(&self) -> Transformer {
        self.trainer.inference_model()
    }

    /// What was taught so far.
    ///
    /// # Errors
    /// As for [`Teacher::taught`].
    pub fn taught(&self) -> Result<Taught, String> {
        self.teacher.taught(&self.recipe, self.done)
    }

    /// Makes one update. `gate` is asked before each micro-batch and cancels the update by returning `false`.
    ///
    /// # Errors
    /// If it was cancelled, or something is not finite; the weights are then unchanged.
    pub fn update(&mut self, gate: impl Fn() -> bool + Sync) -> Result<Line, PrimingError> {
        let recipe = &self.recipe;
        let mut examples =
            self.teacher.examples(recipe.seed, self.done, recipe.traces).map_err(PrimingError::Trace)?;
        examples.retain(|example| example.row.tokens.len() <= self.teacher.room);
        let lengths: Vec<usize> = examples.iter().map(|example| example.row.tokens.len()).collect();
        let batches: Vec<MicroBatch> = micro_batches(&lengths, recipe.micro_tokens)
            .iter()
            .map(|batch| MicroBatch::of(batch.iter().map(|&i| &examples[i].row), 0))
            .collect();
        let rate = recipe.rate(self.done);
        let measured = supervised::update(&mut self.trainer, &batches, rate, recipe.max_grad_norm, gate)?;
        self.done += 1;
        Ok(Line {
            update: self.done,
            loss: measured.loss,
            grad_norm: measured.grad_norm,
            learning_rate: rate,
            tokens: lengths.iter().sum(),
        })
    }

    /// Writes a checkpoint for [`Self::resume`] into the folder `into`; `files` are those of the model as it is now.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn save(&self, into: &Path, files: &[(String, Vec<u8>)]) -> Result<(), String> {
        supervised::save(into, self.done, &self.recipe, &self.trainer, files)
    }

    /// Continues from what [`Self::save`] wrote with the same recipe. Returns whether there was a checkpoint.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn resume(&mut self, from: &Path, device: &Device) -> Result<bool, String> {
        let Some(saved) = Saved::newest(from, &self.recipe)? else { return Ok(false) };
        let mut model = ModelSource::Folder(&saved.path).load(device).map_err(|e| e.to_string())?.model;
        model.recompute = self.trainer.inference_model().recompute;
        let mut trainer = Trainer::new(model, 0.0, self.trainer.workers().clone());
        saved.restore_optimizer(&mut trainer)?;
        (self.trainer, self.done) = (trainer, saved.done);
        Ok(true)
    }
}
