//! `aha-lab eval`: measures a checkpoint on held-out puzzles.

mod found;
mod record;
mod table;

use std::{
    io::{Read, Write},
    path::PathBuf,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

pub use self::{
    found::{Found, find},
    table::print,
};
use super::{Failure, progress_visible};
use crate::{
    config::{Config, StopAt},
    device,
    engine::{
        pins,
        setup::{check_fit, task_of},
    },
    eval::{self, EvalOptions, Examinee, report::EvalReport},
    model::{folder::LoadedModel, tokenizer::Tokenizer},
    prompt,
    record::PinnedAnswer,
    rollout::{
        budget::ANSWER_TOKENS,
        sampler::{Observer, Unobserved},
    },
    system::{
        files,
        workers::{Workers, worker_count},
    },
    task::{Puzzle, Task},
};

/// Measure a model on held-out puzzles
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aha-lab eval                                         the embedded base model
  aha-lab eval --task multiplication                   that of another task
  aha-lab eval --checkpoint seed1@20 --samples 4 --json
  aha-lab eval --checkpoint ./a-folder --budget 24,48,96,192
  aha-lab eval --checkpoint seed1@100 --samples 8 --budget 24,48,96,192 --record")]
pub struct EvalArgs {
    /// `embedded`, RUN@STEP, RUN (its newest checkpoint), a Hugging Face folder, a GGUF file, or a model's name on
    /// the hub, as OWNER/MODEL[@REVISION][:FILE.gguf]
    #[arg(long, value_name = "RUN@STEP|DIR|NAME|embedded", default_value = "embedded")]
    pub checkpoint: String,
    /// JSON lines with `numbers` and `target`, instead of held-out puzzles of the level; - reads standard input
    #[arg(long, value_name = "FILE.jsonl")]
    pub puzzles: Option<PathBuf>,
    /// Number of held-out puzzles
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub count: usize,
    /// The task; a run's checkpoint has its own [default for all others: countdown]
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// The level of the held-out puzzles; a run's checkpoint has its own [default for all others: the task's first]
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Where a completion ends: `answer`, after its first answer; `end`, at its end token; `auto`, as in a
    /// checkpoint's run, else `end` for models of `pretrain` and `answer` for all others
    #[arg(long, value_name = "auto|answer|end", default_value = "auto")]
    pub stop: String,
    /// How the model is asked: `auto`, as in a checkpoint's run, else as a new run from it would; `ours`,
    /// `tinyzero-base`, `tinyzero-instruct`, `chat`, or a Jinja template's file
    #[arg(long, value_name = "NAME|FILE", default_value = "auto")]
    pub prompt: String,
    /// Which answer counts if a completion states several [default: as in the checkpoint's run, else last]
    #[arg(long, value_name = "first|last")]
    pub answer: Option<String>,
    /// Completions per puzzle
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub samples: usize,
    /// Force the answer after N tokens of thinking, for each N
    #[arg(long, value_name = "N,N,..", value_delimiter = ',')]
    pub budget: Vec<usize>,
    /// Sampling temperature
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    pub temperature: f64,
    /// Longest completion, tokens [default: the task's own limit, or more if a budget needs it]
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<usize>,
    /// Seed of the draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Worker threads; 0 uses the physical cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// `auto`, `wgpu` or `cpu`
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub backend: String,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Store the result in the run, for its Frontier screen; also measures what the run began from
    #[arg(long)]
    pub record: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Largest puzzle file that is read, bytes.
const MAX_PUZZLE_FILE: u64 = 64 << 20;
/// Most puzzles in one evaluation.
const MOST_PUZZLES: usize = 100_000;

/// Evaluates and returns the exit code.
///
/// # Errors
/// A sentence about a wrong checkpoint, file or argument.
pub fn run(args: &EvalArgs, stdout: impl Write) -> Result<i32, Failure> {
    if args.samples == 0 || args.count == 0 || args.count > MOST_PUZZLES || args.max_new_tokens == Some(0) {
        return Err(Failure(format!(
            "--samples, --count and --max-new-tokens must be at least 1, and --count at most {MOST_PUZZLES}."
        )));
    }
    let at = find(&args.checkpoint, &args.runs)?;
    let mut config = Config::default();
    if let Some(task) = args.task.as_deref().or(at.task().map(|family| family.name)) {
        config.set("task", task)?;
    }
    let run = at.run_config();
    let of_run = run.as_ref().map(|run| run.puzzles).filter(|own| own.task == config.puzzles.task);
    if let Some(level) = args.level.as_deref().or(of_run.map(|own| own.level.name())) {
        config.set("level", level)?;
    }
    config.set("stop", &args.stop)?;
    config.set("prompt", &args.prompt)?;
    if let Some(run) = &run {
        config.asking.stop_strings = run.asking.stop_strings.clone();
    }
    match (&args.answer, run) {
        (Some(answer), _) => config.set("answer", answer)?,
        (None, Some(run)) => config.reward.answer = run.reward.answer,
        (None, None) => {}
    }
    let (budgets, max_new_tokens) = lengths(args, &config)?;
    let choice = device::choose(args.backend.parse()?)?;
    let threads = if choice.is_gpu { 1 } else { worker_count(args.threads) };
    let workers = Workers::new(threads)?;
    let record = if args.record { Some(record::Recording::of(args)?) } else { None };
    let loaded = at.load(&config.puzzles, &choice.device)?;
    let task = task_of(&config)?;
    let puzzles = match &args.puzzles {
        Some(path) => read_puzzles(path, task.as_ref())?,
        None => eval::heldout_puzzles(task.as_ref(), args.count),
    };
    let options = EvalOptions {
        samples: args.samples,
        temperature: args.temperature,
        max_new_tokens,
        budgets,
        greedy: true,
        stop_at_answer: at.stops_at_answer(config.reward.stop, &loaded)?,
        graded: config.reward.answer,
        seed: args.seed,
    };
    let backend = if choice.is_gpu { choice.name.clone() } else { format!("{} x{threads}", choice.name) };
    let prompt = at.prompt(&mut config, &loaded)?;
    let exam =
        Exam { task: task.as_ref(), config: &config, prompt, workers: &workers, puzzles: &puzzles, options };
    if let Some(report) = exam.take(&loaded)? {
        if let Some(recording) = record {
            recording.keep(&exam, config.puzzles.level.name(), &report, &backend, &choice.device)?;
            recording.follow(&exam, &loaded, &choice.device)?;
        }
        print(&report, args.json, stdout)?;
    }
    Ok(0)
}

/// The puzzles and options that every model of one evaluation gets.
struct Exam<'a> {
    task: &'a dyn Task,
    config: &'a Config,
    /// The text of a prompt's file.
    prompt: Option<String>,
    workers: &'a Workers,
    puzzles: &'a [Puzzle],
    options: EvalOptions,
}

impl Exam<'_> {
    /// Answers the puzzles that a run of ours would pin by itself.
    fn pinned(&self, loaded: &LoadedModel, step: u64) -> Result<Vec<PinnedAnswer>, Failure> {
        let tokenizer = loaded.read_tokenizer()?.stopping_at(&self.config.asking.stop_strings.0);
        let task = asked_task(self.config, self.prompt.as_deref(), loaded, &tokenizer)?;
        check_fit(self.options.max_new_tokens, &loaded.model, &tokenizer)?;
        let who = Examinee {
            model: &loaded.model,
            tokenizer: &tokenizer,
            task: task.as_ref(),
            workers: self.workers,
        };
        let mut config = self.config.clone();
        config.sampling.max_new_tokens = self.options.max_new_tokens;
        config.sampling.temperature = self.options.temperature;
        config.reward.stop = if self.options.stop_at_answer { StopAt::Answer } else { StopAt::End };
        let answers = pins::answers(&pins::first_pins(self.task), &who, &config, step, &Unobserved)?;
        Ok(answers.unwrap_or_default())
    }

    /// Evaluates a model.
    fn take(&self, loaded: &LoadedModel) -> Result<Option<EvalReport>, Failure> {
        let tokenizer = loaded.read_tokenizer()?.stopping_at(&self.config.asking.stop_strings.0);
        let task = asked_task(self.config, self.prompt.as_deref(), loaded, &tokenizer)?;
        check_fit(self.options.max_new_tokens, &loaded.model, &tokenizer)?;
        let passes = self.options.samples * (1 + self.options.budgets.len());
        let bar = Bar::new((self.puzzles.len() * (passes + usize::from(self.options.greedy))) as u64);
        let who = Examinee {
            model: &loaded.model,
            tokenizer: &tokenizer,
            task: task.as_ref(),
            workers: self.workers,
        };
        let report = eval::evaluate(&who, self.puzzles, &self.options, &bar)?;
        bar.0.finish_and_clear();
        Ok(report)
    }
}

/// The sorted budgets, and the tokens after which a completion is cut off.
fn lengths(args: &EvalArgs, config: &Config) -> Result<(Vec<usize>, usize), Failure> {
    let mut budgets = args.budget.clone();
    budgets.sort_unstable();
    budgets.dedup();
    if budgets.first() == Some(&0) {
        return Err(Failure("--budget must be at least 1 token of thinking.".into()));
    }
    let needed = budgets.last().map_or(0, |most| most + ANSWER_TOKENS);
    match args.max_new_tokens {
        None => Ok((budgets, config.sampling.max_new_tokens.max(needed))),
        Some(given) => match budgets.iter().find(|budget| **budget > given) {
            None => Ok((budgets, given)),
            Some(budget) => Err(Failure(format!(
                "--budget {budget} is more than --max-new-tokens {given}: no thought gets that long. Omit \
                 --max-new-tokens, or set it to {needed}."
            ))),
        },
    }
}

/// The task of a configuration, as a model is asked it; `prompt` is the text of a prompt's file.
///
/// # Errors
/// If the model cannot be asked in this way.
pub fn asked_task(
    config: &Config,
    prompt: Option<&str>,
    loaded: &LoadedModel,
    tokenizer: &Tokenizer,
) -> Result<Box<dyn Task>, Failure> {
    let companions = match prompt {
        Some(text) => loaded.companions.with_prompt(text),
        None => loaded.companions.clone(),
    };
    prompt::asking(task_of(config)?, &config.asking.prompt, &companions, tokenizer).map_err(Failure)
}

fn read_most(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_PUZZLE_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_puzzles(path: &std::path::Path, task: &dyn Task) -> Result<Vec<Puzzle>, Failure> {
    let read = match path == std::path::Path::new("-") {
        true => read_most(std::io::stdin().lock()),
        false => files::open_stream(path).and_then(read_most),
    };
    let bytes = read.map_err(|error| Failure(format!("Cannot read {}: {error}.", path.display())))?;
    if bytes.len() as u64 > MAX_PUZZLE_FILE {
        let most = MAX_PUZZLE_FILE;
        return Err(Failure(format!("{} has more than {most} bytes, which is the limit.", path.display())));
    }
    // Some editors begin a text file with this mark; `score` accepts it too.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut puzzles: Vec<Puzzle> = Vec::new();
    let mut wrong: Option<String> = None;
    for (number, line) in
        bytes.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty())
    {
        let read = serde_json::from_slice::<Puzzle>(line).map_err(|error| format!("{error}."));
        match read.and_then(|puzzle| task.admit(&puzzle)) {
            Ok(puzzle) => puzzles.push(puzzle),
            Err(reason) => {
                wrong = wrong.or(Some(format!("{} line {}: {reason}", path.display(), number + 1)));
            }
        }
    }
    match wrong {
        Some(reason) => Err(Failure(reason)),
        None if puzzles.is_empty() => Err(Failure(format!("{} contains no puzzles.", path.display()))),
        None => Ok(puzzles),
    }
}

/// A bar that counts completions.
pub(crate) struct Bar(pub ProgressBar);

impl Bar {
    /// For this many completions.
    pub fn new(total: u64) -> Self {
        let bar = if progress_visible() { ProgressBar::new(total) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} completions (left {eta})") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Observer for Bar {
    fn finished(&self, _request: usize) {
        self.0.inc(1);
    }
}
