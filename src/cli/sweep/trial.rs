//! One run of a sweep, and how it stands.

use super::plan::Combination;
use crate::{
    cli::Failure,
    config::Config,
    runs::{
        RunDirectory, checkpoint, notes,
        overview::{Overview, RunState},
        progress::Progress,
        sweep::Sweep,
    },
    system::output::printable_within_line,
};

/// How a run of a sweep stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is still to be trained, from its beginning or from a checkpoint.
    Waiting,
    /// A process trains it.
    Running,
    /// It has made its steps.
    Done,
    /// It was left with the sweep; the next one goes on with it.
    Stopped,
    /// It did not make its steps, for this reason.
    Failed(String),
}

impl Standing {
    /// In a word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "finished",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
        }
    }
}

/// One combination with one seed.
#[derive(Debug)]
pub(super) struct Trial {
    /// Place in the list of combinations.
    pub(super) combination: usize,
    pub(super) seed: u64,
    /// The name of its run, without the time of its start.
    pub(super) name: String,
    pub(super) standing: Standing,
    /// Its run directory, once it has one.
    pub(super) run: Option<RunDirectory>,
    /// How far it is, once it has a run directory.
    pub(super) progress: Option<Progress>,
}

impl Trial {
    /// As it is found at the start of the command.
    ///
    /// # Errors
    /// A run in its place that was trained with another configuration.
    pub(super) fn found(
        sweep: &Sweep,
        combination: &Combination,
        seed: u64,
        config: Result<&Config, &Failure>,
        steps: u64,
    ) -> Result<Self, Failure> {
        let name = combination.name(seed);
        let mut trial = Self {
            combination: combination.number,
            run: sweep.run(&name)?,
            seed,
            name,
            standing: Standing::Waiting,
            progress: None,
        };
        match (config, &trial.run) {
            (Err(Failure(reason)), _) => trial.standing = Standing::Failed(reason.clone()),
            (Ok(config), Some(run)) => {
                let mut config = config.clone();
                config.set("seed", &seed.to_string())?;
                must_be_of(run, &config)?;
                if run.is_live() {
                    let reason = "another process trains it; start the sweep again when that has ended.";
                    trial.standing = Standing::Failed(reason.into());
                } else if has_made(run, steps) {
                    trial.standing = Standing::Done;
                }
            }
            (Ok(_), None) => {}
        }
        trial.look(sweep);
        Ok(trial)
    }

    /// Looks how far it is.
    pub(super) fn look(&mut self, sweep: &Sweep) {
        if self.run.is_none() {
            self.run = sweep.run(&self.name).ok().flatten();
        }
        if let Some(run) = &self.run {
            // What cannot be read is not known, and its process says why.
            let _ = self.progress.get_or_insert_with(|| Progress::of(run)).poll();
        }
    }

    /// The steps that it has made.
    pub(super) fn steps(&self) -> u64 {
        self.progress.as_ref().and_then(Progress::newest).map_or(0, |step| step.step)
    }

    /// The run that its process is to continue; `None` if it begins. What a process has left that was killed before its
    /// first checkpoint is removed: nothing of it can be used.
    pub(super) fn interrupted_run(&mut self, sweep: &Sweep) -> Option<RunDirectory> {
        let run = self.run.clone()?;
        if self.steps() > 0 || !checkpoint::list(&run.checkpoints_path()).is_empty() {
            return Some(run);
        }
        (self.run, self.progress) = (None, None);
        // If it cannot be removed, the newer run comes after it and is the one that is found.
        let _ = notes::delete(sweep.path(), &run);
        None
    }

    /// What became of it when its process ended, with what that said last.
    pub(super) fn ended(&mut self, code: Option<i32>, last_words: &str, interrupted: bool, steps: u64) {
        let done = code == Some(0) && self.run.as_ref().is_some_and(|run| has_made(run, steps));
        self.standing = match () {
            () if done => Standing::Done,
            () if interrupted => Standing::Stopped,
            () if code == Some(0) => {
                Standing::Failed(format!("it ended by itself after step {} of {steps}.", self.steps()))
            }
            () if !last_words.is_empty() => Standing::Failed(last_words.to_owned()),
            () => Standing::Failed(match code {
                Some(code) => format!("its process ended with exit code {code} and gave no reason."),
                None => "its process was killed.".to_owned(),
            }),
        };
    }
}

/// The value of a key that leaves it to the engine.
const AUTO: &str = "auto";

fn has_made(run: &RunDirectory, steps: u64) -> bool {
    let overview = Overview::of(run);
    overview.state == RunState::Finished && overview.steps >= steps
}

/// Numbers of runs with different configurations are no numbers of one combination.
fn must_be_of(run: &RunDirectory, config: &Config) -> Result<(), Failure> {
    let began = run.config()?.config;
    for key in Config::keys() {
        let (then, now) = (began.get(key.name)?, config.get(key.name)?);
        // What is left to the engine to choose, such as the prompt, a run keeps as it was chosen.
        if then != now && now != AUTO {
            return Err(Failure(format!(
                "{} was begun with {}={then}, and the configuration now says {now}. Restore that value where it was \
                 set, in a file or a variable, or begin another sweep with --name NAME.",
                printable_within_line(&run.path().display().to_string()),
                key.name
            )));
        }
    }
    Ok(())
}
