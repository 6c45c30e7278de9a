//! `aha-lab sweep`: headless runs of every combination of some values, over several seeds.

mod children;
mod live;
mod plan;
mod results;
mod trial;

use std::{
    io::Write,
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
};

use clap::Args;

use self::{
    plan::{Axis, Combination},
    trial::{Standing, Trial},
};
use super::{Failure, INTERRUPTED, base::place_of, farewell, settings::SettingArgs};
use crate::{
    config::Config,
    hub::Want,
    runs::{
        RunError,
        sweep::{Plan, Sweep, Swept},
    },
    system::{output, platform},
};

/// Train every combination of some values over several seeds; mean, spread and intervals
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A sweep is a folder of ordinary runs in the folder of runs. The same command goes on where it was left: runs that have
made their steps stay, the others continue from their newest checkpoints, and --seeds may be greater than before.
Where values hold commas themselves, | stands between them: --set 'lora_targets=q,v|q,k,v'. One value that holds a comma
ends with it: --set 'lora_targets=q,v|'.
Of each metric: the mean over seeds, the standard deviation between them, and the 95 % interval of the mean (Student's
t). Metrics are means of a run's last three steps; held out is what was last measured. Unless evaluate_every is set,
held-out puzzles are asked after the last step.

Examples:
  aha-lab sweep --set learning_rate=1e-4,2e-4,4e-4 --seeds 3
  aha-lab sweep --set preset=grpo,dapo --set control=none,random-reward --seeds 5 --steps 100
  aha-lab sweep --set group_size=8,16 --seeds 3 --json | jq '.combinations[].metrics.held_out'
  aha-lab runs --runs runs/sweep-…    the runs of a sweep")]
pub struct SweepArgs {
    /// A configuration key and the values that it takes, told by commas; every combination with the values of the other
    /// keys is trained. A single value holds for all runs
    #[arg(long = "set", value_name = "KEY=A,B,...")]
    pub settings: Vec<String>,
    /// Runs of each combination, with one seed each
    #[arg(long, value_name = "N", default_value = "3")]
    pub seeds: NonZeroU64,
    /// The seed of the first of them
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub first_seed: u64,
    /// Steps of each run
    #[arg(long, value_name = "N", default_value = "30")]
    pub steps: NonZeroU64,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Runs at a time; each uses as many threads as the key `threads` says
    #[arg(long, value_name = "N", default_value = "1")]
    pub jobs: NonZeroUsize,
    /// The folder of the sweep in the folder of runs; without it one that follows from the command
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The base model of all runs, as for `run`
    #[arg(long, value_name = "DIR|NAME|embedded", default_value = "embedded")]
    pub base: String,
    /// Read the configuration of all runs from a TOML file, as for `run`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The task of all runs, applied before any --set
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// The level of all runs, applied after the task and before any --set
    #[arg(long, value_name = "NAME")]
    pub level: Option<String>,
    /// `auto`, `wgpu` or `cpu`, of all runs
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs the sweep and returns the exit code.
///
/// # Errors
/// What is wrong with the arguments; a folder that is not this sweep; output that cannot be written.
pub fn run(args: &SweepArgs, stdout: impl Write) -> Result<i32, Failure> {
    let axes = plan::axes(&args.settings)?;
    let combinations = plan::combinations(&axes, args.seeds.get())?;
    let configs = args.configs(&combinations)?;
    if args.base != "embedded" {
        // Fetched once, where a person sees it; the runs then find it.
        place_of(&args.base, Want::Model)?;
    }
    let plan = args.plan(&axes);
    let name = args.name.clone().unwrap_or_else(|| plan.name());
    let sweep = Sweep::begin(&args.runs, &name, &plan).map_err(|error| match error {
        RunError::Locked { path, pid } => Failure(format!(
            "{} works on the sweep {} already; wait until it ends, or stop it.",
            pid.map_or_else(|| "Another process".to_owned(), |pid| format!("Process {pid}")),
            path.display()
        )),
        other => other.into(),
    })?;
    let mut trials = Vec::new();
    for (combination, config) in combinations.iter().zip(&configs) {
        for seed in args.first_seed..=args.last_seed()? {
            let config = config.as_ref().map(|configured| &configured.config);
            trials.push(Trial::found(&sweep, combination, seed, config, args.steps.get())?);
        }
    }
    let interrupts = platform::interrupts()?;
    let begins = |trial: &Trial| match &configs[trial.combination] {
        Ok(configured) => args.begins(sweep.path(), configured, trial),
        Err(_) => Vec::new(),
    };
    let interrupted = children::work(&sweep, args, &mut trials, &begins, &interrupts);
    results::print(args.json, sweep.path(), &combinations, &trials, interrupted, stdout)?;
    for trial in &trials {
        if let Standing::Failed(reason) = &trial.standing {
            output::say(format_args!("{}: {reason}", trial.name));
        }
    }
    if interrupted {
        let done = trials.iter().filter(|trial| trial.standing == Standing::Done).count();
        output::say(format_args!(
            "Interrupted with {done} of {} runs done. The same command goes on: {}",
            trials.len(),
            farewell::this_command()
        ));
        return Ok(INTERRUPTED);
    }
    Ok(i32::from(trials.iter().any(|trial| trial.standing != Standing::Done)))
}

/// What the runs of a combination are configured by.
struct Configured {
    /// With the seed of the first of them.
    config: Config,
    /// As it is written after `--set`.
    settings: Vec<String>,
}

impl SweepArgs {
    fn last_seed(&self) -> Result<u64, Failure> {
        let last = self.first_seed.saturating_add(self.seeds.get() - 1);
        Config::default().set("seed", &last.to_string())?;
        Ok(last)
    }

    /// What tells this sweep from others.
    fn plan(&self, axes: &[Axis]) -> Plan {
        let swept = |axis: &Axis| Swept { key: axis.key.to_owned(), values: axis.values.clone() };
        Plan {
            settings: axes.iter().map(swept).collect(),
            shared: self.shared(),
            steps: self.steps.get(),
            first_seed: self.first_seed,
        }
    }

    /// The arguments that all runs have.
    fn shared(&self) -> Vec<String> {
        let config = self.config.as_ref().map(|path| path.display().to_string());
        let base = Some(self.base.clone()).filter(|base| base != "embedded");
        [
            ("--base", &base),
            ("--config", &config),
            ("--task", &self.task),
            ("--level", &self.level),
            ("--backend", &self.backend),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some([name.to_owned(), value.clone()?]))
        .flatten()
        .collect()
    }

    /// What each combination is configured by, or why it cannot be.
    ///
    /// # Errors
    /// If none of them can be: then nothing is begun.
    fn configs(&self, combinations: &[Combination]) -> Result<Vec<Result<Configured, Failure>>, Failure> {
        let configs: Vec<_> =
            combinations.iter().map(|combination| self.configured(combination.settings())).collect();
        match configs.iter().all(Result::is_err) {
            true => configs.into_iter().take(1).map(|first| first.map(Ok)).collect(),
            false => Ok(configs),
        }
    }

    fn configured(&self, mut settings: Vec<String>) -> Result<Configured, Failure> {
        let given = |settings: &[String]| SettingArgs {
            config: self.config.clone(),
            settings: settings.to_owned(),
            control: None,
            task: self.task.clone(),
            level: self.level.clone(),
            seed: Some(self.first_seed),
            backend: self.backend.clone(),
        };
        let mut layers = given(&settings).layers(None)?;
        // A run measures nothing on held-out puzzles unless it is told to, and a sweep is about that.
        if layers.config.schedule.evaluate_every == 0 && layers.origin("evaluate_every").is_none() {
            settings.push(format!("evaluate_every={}", self.steps));
            layers = given(&settings).layers(None)?;
        }
        Ok(Configured { config: layers.config, settings })
    }

    /// The arguments of the process that trains a run from its beginning.
    fn begins(&self, sweep: &Path, configured: &Configured, trial: &Trial) -> Vec<String> {
        let mut arguments = self.shared();
        for setting in &configured.settings {
            arguments.extend(["--set".to_owned(), setting.clone()]);
        }
        arguments.extend(["--seed".to_owned(), trial.seed.to_string()]);
        arguments.extend(["--name".to_owned(), trial.name.clone()]);
        arguments.extend(self.always(sweep));
        arguments
    }

    /// The arguments of a process that trains a run, however it begins.
    fn always(&self, sweep: &Path) -> [String; 5] {
        let sweep = farewell::argument(sweep);
        ["--headless".into(), "--steps".into(), self.steps.to_string(), "--runs".into(), sweep]
    }
}
