//! `aha-lab pretrain`: makes the base model from scratch.

use std::{io::Write, path::PathBuf, sync::Arc, time::Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Failure, INTERRUPTED,
    eval::Bar,
    export::{weight_type, write_folder},
    printable, progress_visible,
};
use crate::{
    config::Config,
    device,
    engine::setup::task_of,
    eval::{self, EvalOptions, Examinee, base::Measured},
    model::{folder::LoadedModel, publish, source::ModelSource},
    pretrain::train::{Pretraining, Recipe},
    system::{
        output::say,
        platform,
        workers::{Workers, worker_count},
    },
    task::{self, answer::Graded, lessons::Lessons},
};

/// Train the base model from scratch
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
If interrupted, it continues when it is started again with the same options.

Examples:
  aha-lab pretrain                             half an hour on two cores, into ./base
  aha-lab pretrain --level tinyzero --out tinyzero-base
                                               the base of a level that has its own
  aha-lab pretrain --task multiplication --out multiplication-base
  aha-lab pretrain --no-checking --out base-without-checking
                                               the control: a corpus without any checking
  aha-lab pretrain --corpus smart_later=0.25 --corpus smart_last_step=0.5 --out base-with-hints
                                               a quarter of the later attempts are solutions")]
pub struct PretrainArgs {
    /// The folder to write: a Hugging Face folder, with progress in its `training` folder
    #[arg(long, value_name = "DIR", default_value = "base")]
    pub out: PathBuf,
    /// The task whose corpus it learns from
    #[arg(long, value_name = "NAME", default_value = task::FAMILIES[0].name)]
    pub task: String,
    /// The level that the base is for [default: the task's first]; levels without a corpus of their own share that one's
    #[arg(long, value_name = "NAME")]
    pub level: Option<String>,
    /// Seed of weights and corpus
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Optimizer steps [default: as many as for the shipped model]
    #[arg(long, value_name = "N")]
    pub updates: Option<u64>,
    /// Begin from random weights, also where a level's own base begins from that of the task's first level
    #[arg(long)]
    pub scratch: bool,
    /// Control: a corpus in which nothing is ever checked (or decomposed, in multiplication)
    #[arg(long)]
    pub no_checking: bool,
    /// Change the mix of the corpus: a rule of the shipped base's recipe.json and its value, a share from 0
    /// to 1
    #[arg(long, value_name = "RULE=SHARE")]
    pub corpus: Vec<String>,
    /// The type of the written weights, float32 (as trained), bfloat16 or float16
    #[arg(long, value_name = "TYPE", default_value = "float32")]
    pub dtype: String,
    /// Worker threads; 0 uses the physical cores
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Held-out puzzles of the evaluation at the end
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub puzzles: usize,
    /// Print the evaluation as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The corpus with the rules from the command line.
fn mixed(lessons: Box<dyn Lessons>, changes: &[String]) -> Result<Box<dyn Lessons>, String> {
    if changes.is_empty() {
        return Ok(lessons);
    }
    let mut rules = lessons.rules();
    for change in changes {
        let wrong = |why: &str| format!("--corpus {}: {why}", printable(change));
        let (rule, share) = change.split_once('=').ok_or_else(|| wrong("write RULE=SHARE."))?;
        let known =
            rules.as_object().map(|rules| rules.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let Some(value) = rules.get_mut(rule) else {
            return Err(wrong(&format!("no such rule; the rules are {}.", known.join(", "))));
        };
        let share = share.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        *value = share.ok_or_else(|| wrong("the share must be a number from 0 to 1."))?.into();
    }
    lessons.mixed_by(rules)
}

/// Updates between two saves of the progress.
const SAVE_EVERY: u64 = 250;
/// Completions per puzzle of the evaluation.
const SAMPLES: usize = 4;

/// Trains, writes and evaluates; returns the exit code.
///
/// # Errors
/// A sentence that names what is in the way.
pub fn run(args: &PretrainArgs, stdout: impl Write) -> Result<i32, Failure> {
    let as_type = weight_type(&args.dtype)?;
    let mut config = Config::default();
    config.set("task", &args.task)?;
    let family = config.puzzles.task;
    if let Some(level) = &args.level {
        config.set("level", level)?;
    }
    let level = config.puzzles.level.name();
    let lessons = mixed(family.lessons_at(level, !args.no_checking), &args.corpus).map_err(Failure)?;
    let tokenizer_file = lessons.tokenizer_json().into_bytes();
    let mut recipe = Recipe { seed: args.seed, ..Recipe::of(family.name, lessons.as_ref()) };
    recipe.level = family.own(level).map(|own| own.level.to_owned());
    // What the first level's base knows of arithmetic need not be learnt again.
    recipe.from = recipe.level.as_ref().filter(|_| !args.scratch).map(|_| family.levels[0].to_owned());
    recipe.updates = args.updates.unwrap_or(recipe.updates);
    // Now, rather than after all the work is done.
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure(format!("{}: {error}.", args.out.display())))?;
    let choice = device::choose(device::BackendRequest::Cpu)?;
    let workers = Arc::new(Workers::new(worker_count(args.threads))?);
    let progress = args.out.join("training");
    let mut training = Pretraining::new(recipe.clone(), lessons, workers.clone(), &choice.device);
    if let Some(first) = &recipe.from {
        let first = ModelSource::Embedded(family.base_at(first)).load(&choice.device)?;
        training = training.beginning_with(first.model).map_err(Failure)?;
    }
    let resumed = training.resume(&progress, &choice.device).map_err(Failure)?;

    let bar = if progress_visible() { ProgressBar::new(recipe.updates) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} update {pos}/{len}  {msg}  {elapsed} (left {eta})")
    {
        bar.set_style(style);
    }
    bar.set_position(training.done());
    if resumed {
        bar.println(format!("Continuing after update {}.", training.done()));
    }
    let interrupts = platform::interrupts()?;
    let clock = Instant::now();
    let mut smooth: Option<f64> = None;
    while training.done() < recipe.updates {
        if interrupts.try_recv().is_ok() {
            training.save(&progress).map_err(Failure)?;
            bar.abandon();
            say(format!("Stopped after update {}; start it again to continue.", training.done()));
            return Ok(INTERRUPTED);
        }
        let now = training.update()?;
        let loss = smooth.map_or(now.loss, |before| 0.98 * before + 0.02 * now.loss);
        smooth = Some(loss);
        bar.set_position(now.updates);
        let rate = now.words as f64 / clock.elapsed().as_secs_f64();
        bar.set_message(format!("loss {loss:.4}  {rate:.0} words/s"));
        if now.updates.is_multiple_of(SAVE_EVERY) || now.updates == recipe.updates {
            training.save(&progress).map_err(Failure)?;
        }
    }
    bar.finish_and_clear();

    let made = LoadedModel::made(training.model(), tokenizer_file);
    write_folder(&args.out, &publish::files(&made, as_type)?)?;
    // What is measured is what was written, rounding included.
    let written = ModelSource::Folder(&args.out);
    let loaded = written.load(&choice.device)?;
    let tokenizer = loaded.read_tokenizer()?;
    let task = task_of(&config)?;
    let puzzles = eval::heldout_puzzles(task.as_ref(), args.puzzles);
    let options = EvalOptions {
        samples: SAMPLES,
        temperature: 1.0,
        max_new_tokens: config.sampling.max_new_tokens,
        budgets: Vec::new(),
        greedy: true,
        stop_at_answer: false,
        graded: Graded::Last,
        seed: 0,
    };
    let bar = Bar::new((puzzles.len() * (SAMPLES + 1)) as u64);
    let who =
        Examinee { model: &loaded.model, tokenizer: &tokenizer, task: task.as_ref(), workers: &workers };
    let report = eval::evaluate(&who, &puzzles, &options, &bar)?
        .ok_or_else(|| Failure("The evaluation was interrupted.".into()))?;
    bar.0.finish_and_clear();
    let measured = Measured { model_hash: written.hash()?, eval: report.clone() };
    let files = [
        ("recipe.json".into(), serde_json::to_vec_pretty(&recipe)?),
        ("measured.json".into(), serde_json::to_vec_pretty(&measured)?),
    ];
    write_folder(&args.out, &files)?;
    super::eval::print(&report, args.json, stdout)?;
    Ok(0)
}
