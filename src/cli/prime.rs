//! `aha-lab prime`: supervised priming of a model from elsewhere, before reinforcement learning.

mod card;
mod log;

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::tensor::Device;
use clap::Args;
use crossbeam_channel::Receiver;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use self::log::LossLog;
use super::{
    Failure, INTERRUPTED,
    eval::{asked_task, find},
    export::write_folder,
    printable, progress_visible,
};
use crate::{
    config::Config,
    device,
    engine::{parts, setup::WEIGHTS_FILE},
    model::{
        adapter::{self, AdapterBase},
        companions::Companions,
        folder::LoadedModel,
        publish::{self, WeightType},
        trainer::UpdateError,
        transformer::Transformer,
    },
    pretrain::priming::{Line, PRIMING_FILE, Priming, PrimingError, Recipe, Teacher},
    system::{
        output::say,
        platform,
        workers::{Workers, worker_count},
    },
    task::priming::Habits,
};

/// Prime a model with worked thoughts in English, before reinforcement learning
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The program writes the traces itself: puzzles of the training split, thoughts whose every statement is true, the wanted
behaviours. If interrupted, it continues when it is started again with the same options.

The conditions of Gandhi et al. (2025):
  aha-lab prime --base M --set lora_rank=16 --out all                                     all strategies
  aha-lab prime --base M --set lora_rank=16 --behaviours verification --out verifying
  aha-lab prime --base M --set lora_rank=16 --behaviours backtracking --out backtracking
  aha-lab prime --base M --set lora_rank=16 --behaviours none --out placeholder           the same length, nothing said
  aha-lab prime --base M --set lora_rank=16 --answers wrong --out wrong                   right thoughts, wrong answers

Then:
  aha-lab eval --checkpoint all
  aha-lab run --base all --set lora_rank=16")]
pub struct PrimeArgs {
    /// RUN@STEP, RUN (its newest checkpoint), a Hugging Face folder, an adapter's folder, or a GGUF file
    #[arg(long, value_name = "DIR|FILE.gguf|RUN@STEP")]
    pub base: String,
    /// What the thoughts show: some of verification, backtracking, subgoals and backward-chaining, or `none`
    #[arg(
        long,
        value_name = "NAME,NAME,..",
        default_value = "verification,backtracking,subgoals,backward-chaining"
    )]
    pub behaviours: String,
    /// Whether the answers are right; thoughts are true either way
    #[arg(long, value_name = "right|wrong", default_value = "right")]
    pub answers: String,
    /// Optimizer updates
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub steps: u64,
    /// Traces per update
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub traces: usize,
    /// The folder to write: PEFT's files of an adapter, or a whole Hugging Face folder
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Merge the adapter into its base and write a whole folder: a run then begins with a new adapter, and measures KL
    /// against the primed model
    #[arg(long)]
    pub merge: bool,
    /// Set a configuration key: task, level, prompt, seed, threads, backend, lora_rank, lora_alpha, lora_targets,
    /// learning_rate, warmup_steps, max_grad_norm, micro_tokens, gradient_checkpointing; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The keys that have a meaning here.
const KEYS: [&str; 14] = [
    "task",
    "level",
    "prompt",
    "seed",
    "threads",
    "backend",
    "lora_rank",
    "lora_alpha",
    "lora_targets",
    "learning_rate",
    "warmup_steps",
    "max_grad_norm",
    "micro_tokens",
    "gradient_checkpointing",
];
/// Learning rates of an adapter and of all weights.
const LEARNING_RATES: [&str; 2] = ["1e-3", "1e-4"];
/// Updates between two saves of the progress.
const SAVE_EVERY: u64 = 25;
/// Most updates, and most traces of one.
const MOST: u64 = 1_000_000;

/// The settings, of keys that have a meaning here.
fn configured(args: &PrimeArgs) -> Result<Config, Failure> {
    let mut config = Config::default().with(["warmup_steps=10"])?;
    for setting in &args.settings {
        let name = setting.split('=').next().unwrap_or_default().trim();
        if Config::key(name).is_ok() && !KEYS.contains(&name) {
            return Err(Failure(format!(
                "`{name}` has no meaning in priming; the keys that do are {}.",
                KEYS.join(", ")
            )));
        }
        config = config.with([setting])?;
    }
    let given = args.settings.iter().any(|setting| setting.trim_start().starts_with("learning_rate"));
    if !given {
        config.set("learning_rate", LEARNING_RATES[usize::from(config.lora.lora_rank == 0)])?;
    }
    let counts = [("--steps", args.steps), ("--traces", args.traces as u64)];
    if let Some((name, _)) = counts.iter().find(|(_, count)| !(1..=MOST).contains(count)) {
        return Err(Failure(format!("{name} must be a whole number from 1 to {MOST}.")));
    }
    Ok(config)
}

fn habits(args: &PrimeArgs) -> Result<Habits, Failure> {
    let right = match args.answers.as_str() {
        "right" => true,
        "wrong" => false,
        other => {
            return Err(Failure(format!("--answers must be right or wrong, not `{}`.", printable(other))));
        }
    };
    Habits::parse(&args.behaviours, right).map_err(|reason| Failure(format!("--behaviours: {reason}")))
}

/// Everything that is there before the first update.
struct Prepared {
    priming: Priming,
    recipe: Recipe,
    beside: Beside,
    device: Device,
}

/// What belongs to the model, without its weights.
struct Beside {
    tokenizer: Vec<u8>,
    companions: Companions,
    adapter_of: Option<AdapterBase>,
}

impl Beside {
    /// A model with it.
    fn with(&self, model: Transformer) -> LoadedModel {
        let Self { tokenizer, companions, adapter_of } = self;
        let (tokenizer, companions) = (tokenizer.clone(), companions.clone());
        LoadedModel { model, tokenizer, companions, notes: Vec::new(), adapter_of: adapter_of.clone() }
    }
}

fn prepare(args: &PrimeArgs) -> Result<Prepared, Failure> {
    let mut config = configured(args)?;
    let habits = habits(args)?;
    let family = config.puzzles.task;
    let writer = family.traces.ok_or_else(|| {
        Failure(format!("Nothing writes traces for the task {} yet; set task=countdown.", family.name))
    })?;
    if [WEIGHTS_FILE, adapter::WEIGHTS].iter().any(|name| args.out.join(name).exists()) {
        let folder = args.out.display();
        return Err(Failure(format!("{folder} already holds a model; choose another folder.")));
    }
    let at = find(&args.base, &args.runs)?;
    let choice = device::choose(config.machine.backend)?;
    let threads = if choice.is_gpu { 1 } else { worker_count(config.machine.threads) };
    let workers = Arc::new(Workers::new(threads)?);
    let mut loaded = at.load(&config.puzzles, &choice.device)?;
    let prompt = at.prompt(&mut config, &loaded)?;
    if let Some(text) = &prompt {
        loaded.companions = loaded.companions.with_prompt(text);
    }
    let tokenizer = loaded.read_tokenizer()?;
    let task = asked_task(&config, prompt.as_deref(), &loaded, &tokenizer)?;
    let source = at.source(&config.puzzles);
    let recipe = Recipe {
        base: source.hash()?,
        task: family.name.into(),
        level: config.puzzles.level.name().into(),
        prompt: config.asking.prompt.to_string(),
        behaviours: habits.list(),
        right_answers: habits.right,
        seed: config.machine.seed,
        updates: args.steps,
        traces: args.traces,
        learning_rate: config.optimizer.learning_rate,
        warmup: config.optimizer.warmup_steps,
        max_grad_norm: config.optimizer.max_grad_norm,
        micro_tokens: config.update.micro_tokens,
        lora_rank: config.lora.lora_rank,
        lora_alpha: config.lora.lora_alpha,
        lora_targets: config.lora.lora_targets.to_string(),
    };
    let teacher = Teacher::new(task, writer, habits, tokenizer, &loaded.model).map_err(Failure)?;
    let LoadedModel { model, tokenizer, companions, adapter_of, .. } = loaded;
    let (model, adapter_of) = parts::to_train(model, adapter_of, &config, source)?;
    let priming = Priming::new(recipe.clone(), teacher, model, workers);
    let beside = Beside { tokenizer, companions, adapter_of };
    Ok(Prepared { priming, recipe, beside, device: choice.device })
}

/// Primes, writes the model, and returns the exit code.
///
/// # Errors
/// A sentence that names what is in the way.
pub fn run(args: &PrimeArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let Prepared { mut priming, recipe, beside, device } = prepare(args)?;
    // Now, rather than after all the work is done.
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure(format!("{}: {error}.", args.out.display())))?;
    let progress = args.out.join("training");
    let resumed = priming.resume(&progress, &device).map_err(Failure)?;
    let mut log = LossLog::continued(&args.out, priming.done())?;
    let bar = bar(recipe.updates);
    bar.set_position(priming.done());
    if resumed {
        bar.println(format!("Continuing after update {}.", priming.done()));
    }
    let interrupts = Interrupts { heard: platform::interrupts()?, once: AtomicBool::new(false) };
    let mut smooth: Option<f64> = None;
    while priming.done() < recipe.updates {
        let line = match priming.update(|| interrupts.none()) {
            Ok(line) => line,
            Err(PrimingError::Update(UpdateError::Interrupted)) => {
                priming
                    .save(&progress, &model_files(&beside.with(priming.model()), false)?)
                    .map_err(Failure)?;
                bar.abandon();
                say(format!("Stopped after update {}; start it again to continue.", priming.done()));
                return Ok(INTERRUPTED);
            }
            Err(other) => return Err(other.into()),
        };
        log.write(&line)?;
        smooth = Some(smooth.map_or(line.loss, |before| 0.9 * before + 0.1 * line.loss));
        bar.set_position(line.update);
        bar.set_message(format!("loss {:.4}", smooth.unwrap_or(line.loss)));
        if line.update.is_multiple_of(SAVE_EVERY) && line.update < recipe.updates {
            priming.save(&progress, &model_files(&beside.with(priming.model()), false)?).map_err(Failure)?;
        }
    }
    bar.finish_and_clear();
    let taught = priming.taught().map_err(Failure)?;
    let losses = log.losses()?;
    let mut files = model_files(&beside.with(priming.model()), args.merge)?;
    let about = json!({ "recipe": recipe, "taught": taught });
    files.push((PRIMING_FILE.into(), serde_json::to_vec_pretty(&about)?));
    files.push(("README.md".into(), card::card(&args.base, &recipe, &taught, losses).into_bytes()));
    write_folder(&args.out, &files)?;
    // The progress is of no use any more.
    let _ = std::fs::remove_dir_all(&progress);
    if args.json {
        let [first, last] = losses.map(|line: Option<Line>| line.map(|line| line.loss));
        let told = json!({
            "folder": args.out, "updates": recipe.updates, "first_loss": first, "last_loss": last, "taught": taught,
        });
        writeln!(stdout, "{told}")?;
    } else {
        writeln!(stdout, "{}", args.out.display())?;
    }
    Ok(0)
}

/// The model as files: its adapter, unless it has none or is to be merged, or all of it. What was trained is F32.
fn model_files(loaded: &LoadedModel, merge: bool) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    if merge || loaded.model.lora().is_none() {
        return Ok(publish::files(loaded, WeightType::F32)?);
    }
    let mut files = adapter::files(&loaded.model, loaded.adapter_of.as_ref(), WeightType::F32)?;
    files.extend(loaded.companions.own_prompt().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
    Ok(files)
}

/// Whether the command was asked to stop.
struct Interrupts {
    heard: Receiver<()>,
    once: AtomicBool,
}

impl Interrupts {
    fn none(&self) -> bool {
        if self.heard.try_recv().is_ok() {
            self.once.store(true, Ordering::Relaxed);
        }
        !self.once.load(Ordering::Relaxed)
    }
}

fn bar(updates: u64) -> ProgressBar {
    let bar = if progress_visible() { ProgressBar::new(updates) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} update {pos}/{len}  {msg}  {elapsed} (left {eta})")
    {
        bar.set_style(style);
    }
    bar
}
