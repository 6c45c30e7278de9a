//! `aha-lab eval --record`: stores a measurement in its run, and also measures what the run began from.

use std::path::PathBuf;

use burn::tensor::Device;

use super::{EvalArgs, Exam, Failure};
use crate::{
    eval::{EvalOptions, report::EvalReport},
    model::{
        folder::LoadedModel,
        source::{ModelSource, embedded_of},
    },
    record::{HowMeasured, Measurement},
    runs::{RunAtStep, RunDirectory},
    system::output::say,
};

/// Where a measurement is stored.
pub(crate) struct Recording {
    run: RunDirectory,
    step: u64,
    model: PathBuf,
    own_puzzles: bool,
}

impl Recording {
    /// For a checkpoint of a run; nothing else has a place for it.
    ///
    /// # Errors
    /// A sentence for anything else.
    pub fn of(args: &EvalArgs) -> Result<Self, Failure> {
        if args.checkpoint == "embedded"
            || std::path::Path::new(&args.checkpoint).join("config.json").is_file()
        {
            return Err(Failure(format!(
                "--record stores the result in a run, but {} is not a checkpoint of a run; give RUN@STEP. The run's \
                 base is measured as well.",
                args.checkpoint
            )));
        }
        let at: RunAtStep = args.checkpoint.parse()?;
        let run = RunDirectory::find(&args.runs, &at.run)?;
        let (step, model) = run.model(at.step)?;
        Ok(Self { run, step, model, own_puzzles: args.puzzles.is_some() })
    }

    /// Stores the checkpoint's results, and measures the base in the same way if that was not done yet.
    ///
    /// # Errors
    /// The disk's error, or why the base cannot be measured.
    pub fn keep(
        &self,
        exam: &Exam<'_>,
        level: &str,
        report: &EvalReport,
        backend: &str,
        device: &Device,
    ) -> Result<(), Failure> {
        let how = HowMeasured::of(
            exam.task.name(),
            (!self.own_puzzles).then_some(level),
            exam.puzzles,
            &exam.options,
        );
        let hash = ModelSource::Folder(&self.model).hash()?;
        let step = self.step;
        self.write(&Measurement::of(report, how.clone(), step, hash, backend.to_owned()))?;
        let (measured, bad) = self.run.measurements()?;
        bad.iter().for_each(say);
        if step == 0 || measured.iter().any(|other| other.step == 0 && other.how == how) {
            return Ok(());
        }
        let Some((base, hash)) = base_of(&self.run, device)? else {
            say(format!("The base of {} no longer exists, so it was not measured.", self.run.name()));
            return Ok(());
        };
        // Both ends of a curve are measured alike: the base's completions end where the checkpoint's do.
        let options = EvalOptions { greedy: false, ..exam.options.clone() };
        if let Some(report) = (Exam { options, prompt: exam.prompt.clone(), ..*exam }).take(&base)? {
            self.write(&Measurement::of(&report, how, 0, hash, backend.to_owned()))?;
        }
        Ok(())
    }

    /// Answers the puzzles that Travel follows, with the checkpoint and with what the run began from, where its engine has no
    /// such answers: ours answers them while it trains.
    ///
    /// # Errors
    /// The disk's error, or why the base cannot answer.
    pub fn follow(&self, exam: &Exam<'_>, loaded: &LoadedModel, device: &Device) -> Result<(), Failure> {
        if self.run.other_engine().is_none() || self.run.is_live() {
            return Ok(());
        }
        let mut answers = exam.pinned(loaded, self.step)?;
        if !self.run.pinned()?.records.iter().any(|answer| answer.step == 0)
            && let Some((base, _)) = base_of(&self.run, device)?
        {
            answers.extend(exam.pinned(&base, 0)?);
        }
        Ok(self.run.keep_pinned(answers)?)
    }

    fn write(&self, measurement: &Measurement) -> Result<(), Failure> {
        let path = self.run.keep_measurement(measurement)?;
        say(format!("step {} is stored in {}", measurement.step, path.display()));
        Ok(())
    }
}

/// What a run began from, and the hash of its weights: its checkpoint before the first step, or the embedded model.
///
/// # Errors
/// If it exists but cannot be loaded.
pub(crate) fn base_of(run: &RunDirectory, device: &Device) -> Result<Option<(LoadedModel, String)>, Failure> {
    if let Ok((_, path)) = run.model(Some(0)) {
        let source = ModelSource::Folder(&path);
        return Ok(Some((source.load(device)?, source.hash()?)));
    }
    let began = run.config()?.provenance.map(|provenance| provenance.model_hash).unwrap_or_default();
    match embedded_of(&began) {
        Some(base) => Ok(Some((ModelSource::Embedded(base).load(device)?, began))),
        None => Ok(None),
    }
}
