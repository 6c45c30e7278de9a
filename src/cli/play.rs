//! `aha-lab play`: models answer one puzzle, and continue a changed beginning of an answer. The Playground
//! without a screen.

use std::{io::Write, path::PathBuf};

use clap::Args;
use serde::Serialize;

use super::{Failure, eval, printable};
use crate::{
    config::Config,
    device,
    engine::{
        setup::task_of,
        side::{
            answer::{self, Asked, Watch},
            resample::{self, MOST_SAMPLES, Subject},
        },
    },
    metrics::{
        interval::wilson,
        meter::{Difference, difference},
    },
    model::{tokenizer::Tokenizer, transformer::Transformer},
    prompt,
    protocol::side::{Answer, Arm, Edit, PlayOptions, Resampled, WrittenToken},
    rollout::sampler::Unobserved,
    system::workers::Workers,
    task::{Prospect, Puzzle, Task},
};

/// Ask one or two models a puzzle of your own
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aha-lab play --numbers 4,1,16 --target 19
  aha-lab play --task multiplication --numbers 23,47 --samples 4
  aha-lab play --numbers 3,7,25 --target 82 --checkpoint embedded --checkpoint seed1 --samples 8
  aha-lab play --numbers 4,1,16 --target 19 --budget 40 --keep-thinking 2
  aha-lab play --numbers 4,1,16 --target 19 --checkpoint seed1 \\
      --prefix 'first , 4 * 16 = 64 , 64 - 1 = 63 .' --insert 'wait ,'")]
pub struct PlayArgs {
    /// The given numbers
    #[arg(long, value_name = "N,N,..", value_delimiter = ',', required = true)]
    pub numbers: Vec<i64>,
    /// The value to reach, unless the numbers determine it
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub target: Option<i64>,
    /// The task; a run's checkpoint has its own [default for all others: countdown]
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// The level, for which the embedded base and the usual length may differ; a run's checkpoint has its own
    /// [default for all others: the task's first]
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// `embedded`, RUN@STEP, RUN (its newest checkpoint), a Hugging Face folder, a GGUF file, or a model's name on
    /// the hub; may be given twice
    #[arg(long, value_name = "RUN@STEP|DIR|NAME|embedded", default_value = "embedded")]
    pub checkpoint: Vec<String>,
    /// Sampling temperature; 0 takes the likeliest token
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    pub temperature: f64,
    /// Force the answer after N tokens of thinking
    #[arg(long, value_name = "N")]
    pub budget: Option<usize>,
    /// Replace the end of the thought with a wait, K times
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub keep_thinking: usize,
    /// Answers per model (default 1), or continuations per beginning (default 32)
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Longest answer, tokens, if there is no budget [default: the task's own limit]
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<usize>,
    /// How the model is asked: `auto`, as in a checkpoint's run, else as a new run from it would; `ours`,
    /// `tinyzero-base`, `tinyzero-instruct`, `chat`, or a Jinja template's file
    #[arg(long, value_name = "NAME|FILE", default_value = "auto")]
    pub prompt: String,
    /// Where an answer ends: `answer`, after its closing tag; `end`, at its end token; `auto`, as in a
    /// checkpoint's run, else `end` for models of `pretrain` and `answer` for all others
    #[arg(long, value_name = "auto|answer|end", default_value = "auto")]
    pub stop: String,
    /// Seed of the draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Beginning of an answer, continued both as it is and with --insert
    #[arg(long, value_name = "TEXT", requires = "insert", allow_hyphen_values = true)]
    pub prefix: Option<String>,
    /// Text to insert after the beginning
    #[arg(long, value_name = "TEXT", requires = "prefix", allow_hyphen_values = true)]
    pub insert: Option<String>,
    /// `auto`, `wgpu` or `cpu`
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub backend: String,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What one model did.
#[derive(Debug, Serialize)]
struct Played {
    checkpoint: String,
    /// As the model sees it.
    prompt: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_words: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Sampled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Changed>,
}

#[derive(Debug, Serialize)]
struct Sampled {
    completion: String,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Debug, Serialize)]
struct Changed {
    #[serde(flatten)]
    result: Resampled,
    difference: Option<Difference>,
}

struct Nobody;

impl Watch for Nobody {
    fn goes_on(&self) -> bool {
        true
    }
    fn written(&self, _token: &WrittenToken) {}
    fn taken_back(&self, _kept: usize) {}
}

/// Runs the command and returns the exit code.
///
/// # Errors
/// A sentence about a wrong checkpoint or argument.
pub fn run(args: &PlayArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    check(args)?;
    let found =
        args.checkpoint.iter().map(|name| eval::find(name, &args.runs)).collect::<Result<Vec<_>, _>>()?;
    let mut config = Config::default();
    let trained_on = found.iter().find_map(eval::Found::task);
    if let Some(task) = args.task.as_deref().or(trained_on.map(|family| family.name)) {
        config.set("task", task)?;
    }
    let of_runs = found.iter().find_map(eval::Found::run_config).map(|run| run.puzzles);
    let of_runs = of_runs.filter(|own| own.task == config.puzzles.task);
    if let Some(level) = args.level.as_deref().or(of_runs.map(|own| own.level.name())) {
        config.set("level", level)?;
    }
    config.set("stop", &args.stop)?;
    config.set("prompt", &args.prompt)?;
    if let Some(run) = found.iter().find_map(eval::Found::run_config) {
        config.reward.answer = run.reward.answer;
    }
    config.sampling.max_new_tokens = args.max_new_tokens.unwrap_or(config.sampling.max_new_tokens);
    let task = task_of(&config)?;
    let family = config.puzzles.task;
    if args.target.is_none() && !family.target_follows {
        return Err(Failure(format!(
            "--target is missing: in {} the numbers do not determine it.",
            family.name
        )));
    }
    let puzzle = task.assemble(args.numbers.clone(), args.target).map_err(|reason| {
        Failure(format!("--numbers and --target are not a puzzle of {}: {reason}.", family.name))
    })?;
    let device = device::choose(args.backend.parse()?)?.device;
    let workers = Workers::new(1)?;
    let mut all = Vec::new();
    for (name, found) in args.checkpoint.iter().zip(&found) {
        let loaded = found.load(&config.puzzles, &device)?;
        let tokenizer = loaded.read_tokenizer()?;
        let stop_at_answer = found.stops_at_answer(config.reward.stop, &loaded)?;
        let mut config = config.clone();
        if let Some(run) = found.run_config() {
            config.asking.stop_strings = run.asking.stop_strings;
        }
        let tokenizer = tokenizer.stopping_at(&config.asking.stop_strings.0);
        let prompt = found.prompt(&mut config, &loaded)?;
        let task = eval::asked_task(&config, prompt.as_deref(), &loaded, &tokenizer)?;
        let asking = Asking {
            args,
            config: &config,
            task: task.as_ref(),
            puzzle: &puzzle,
            workers: &workers,
            stop_at_answer,
        };
        all.push(asking.ask(name, &loaded.model, &tokenizer)?);
    }
    let prospect = task.prospect(&puzzle);
    if args.json {
        let nearest = match &prospect {
            Prospect::Nearest { value, expression } => {
                Some(serde_json::json!({"value": value, "expression": expression}))
            }
            _ => None,
        };
        let whole = serde_json::json!({
            "puzzle": puzzle, "solvable": matches!(prospect, Prospect::Solvable | Prospect::Given(_)), "nearest": nearest, "models": all,
        });
        writeln!(stdout, "{whole}")?;
        return Ok(0);
    }
    print(&task.in_words(&puzzle, "->"), &prospect, &all, &mut stdout)?;
    Ok(0)
}

fn check(args: &PlayArgs) -> Result<(), Failure> {
    let wrong = if args.numbers.iter().any(|n| *n < 0) {
        "--numbers takes whole numbers from 0 up, such as 4,1,16.".into()
    } else if args.checkpoint.len() > 2 {
        "--checkpoint may be given at most twice.".into()
    } else if args.samples.is_some_and(|samples| !(1..=MOST_SAMPLES).contains(&samples)) {
        format!("--samples must be from 1 to {MOST_SAMPLES}.")
    } else if !(0.0..=5.0).contains(&args.temperature) {
        "--temperature must be from 0 to 5.".into()
    } else if args.max_new_tokens == Some(0)
        || args.keep_thinking > 20
        || args.budget.is_some_and(|b| b > 1 << 20)
    {
        "--max-new-tokens must be at least 1, --keep-thinking at most 20, and --budget at most 1048576."
            .into()
    } else {
        return Ok(());
    };
    Err(Failure(wrong))
}

struct Asking<'a> {
    args: &'a PlayArgs,
    config: &'a Config,
    task: &'a dyn Task,
    puzzle: &'a Puzzle,
    workers: &'a Workers,
    stop_at_answer: bool,
}

impl Asking<'_> {
    fn ask(&self, name: &str, model: &Transformer, tokenizer: &Tokenizer) -> Result<Played, Failure> {
        let args = self.args;
        let options = PlayOptions {
            temperature: args.temperature,
            budget: args.budget,
            keep_thinking: args.keep_thinking,
            seed: args.seed,
            pace: None,
        };
        let (asked, prompt) = prompt::encode(self.task, self.puzzle, tokenizer)?;
        let mut played = Played {
            checkpoint: name.to_owned(),
            prompt: asked,
            unknown_words: tokenizer.unknown_words(&self.task.asked_words(self.puzzle)),
            answers: Vec::new(),
            change: None,
        };
        if let (Some(prefix), Some(insert)) = (&args.prefix, &args.insert) {
            if let Some(word) = tokenizer.unknown_words(prefix).first() {
                return Err(Failure(format!("{name} has no word for `{word}` of --prefix.")));
            }
            let subject = Subject {
                model,
                tokenizer,
                puzzle: self.puzzle,
                task: self.task,
                config: self.config,
                options,
                stop_at_answer: self.stop_at_answer,
            };
            let before = tokenizer.encode(prefix)?;
            let (edit, samples) = (Edit::Insert(insert.clone()), args.samples.unwrap_or(32));
            let result = resample::resample(&subject, &before, &edit, samples, self.workers, &Unobserved)
                .map_err(Failure)?;
            played.change = result.map(|result| Changed {
                difference: difference(
                    (result.edited.right, result.edited.samples),
                    (result.original.right, result.original.samples),
                ),
                result,
            });
            return Ok(played);
        }
        for row in 0..args.samples.unwrap_or(1) as u64 {
            let (most, stop_at_answer) = (self.config.sampling.max_new_tokens, self.stop_at_answer);
            let asked =
                Asked { model, tokenizer, prompt: prompt.clone(), options, most, row, stop_at_answer };
            answer::check_room(&asked).map_err(Failure)?;
            if let Some(written) = answer::answer(&asked, self.workers, &Nobody)? {
                let answer = written.judged(self.puzzle, self.task, self.config);
                played.answers.push(Sampled { completion: written.text(), answer });
            }
        }
        Ok(played)
    }
}

fn print(puzzle: &str, prospect: &Prospect, all: &[Played], stdout: &mut impl Write) -> Result<(), Failure> {
    let words = match prospect {
        Prospect::Solvable => "a solution exists".to_owned(),
        Prospect::Nearest { value, expression } => {
            format!("no solution exists; the nearest reachable value is {value} = {expression}")
        }
        Prospect::Given(words) => words.clone(),
        Prospect::Unknown(reason) => reason.clone(),
    };
    writeln!(stdout, "{puzzle}: {words}")?;
    for played in all {
        writeln!(stdout, "\n{}", played.checkpoint)?;
        if !played.unknown_words.is_empty() {
            let words = played.unknown_words.join(" and ");
            writeln!(stdout, "  It has no word for {words} and sees an unknown token there.")?;
        }
        for Sampled { completion, answer } in &played.answers {
            let verdict = match (answer.correct, answer.truncated) {
                (true, _) => "right",
                (false, true) => "cut off",
                (false, false) => "wrong",
            };
            writeln!(stdout, "  {}", printable(completion.trim()))?;
            write!(stdout, "  {verdict}, reward {}: {}", answer.reward, printable(&answer.reason))?;
            write!(stdout, " {} tokens, {} of thought", answer.tokens, answer.thought)?;
            let forced = if answer.forced { ", answer forced" } else { "" };
            let waits =
                if answer.waits > 0 { format!(", inserted waits: {}", answer.waits) } else { String::new() };
            writeln!(stdout, "{forced}{waits}.")?;
        }
        if played.answers.len() > 1 {
            let right = played.answers.iter().filter(|sampled| sampled.answer.correct).count();
            writeln!(stdout, "  {}", share(right, played.answers.len()))?;
        }
        if let Some(Changed { result, difference }) = &played.change {
            let arm = |arm: &Arm| {
                format!("{}, {:.0} tokens on average", share(arm.right, arm.samples), arm.mean_length)
            };
            writeln!(stdout, "  as it is     {}", arm(&result.original))?;
            writeln!(stdout, "  changed      {}", arm(&result.edited))?;
            if let Some(Difference { value, low, high }) = difference {
                let [value, low, high] = [value, low, high].map(|share| 100.0 * share);
                writeln!(stdout, "  difference   {value:+.0} points [{low:+.0} to {high:+.0}]")?;
            }
            writeln!(
                stdout,
                "  One beginning, continued with the same seeds; brackets are 95 % intervals that treat \
                 continuations as independent."
            )?;
        }
    }
    Ok(())
}

fn share(right: usize, all: usize) -> String {
    let share = right as f64 / all.max(1) as f64;
    let [low, high] = wilson(share, all as f64).map(|share| 100.0 * share);
    format!("{right} of {all} right, {:.0} % [{low:.0} to {high:.0}]", 100.0 * share)
}
