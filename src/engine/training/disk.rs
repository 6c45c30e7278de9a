//! What a run must write before it can continue, and how it waits for a failing disk.

use std::time::{Duration, Instant};

use super::Training;
use crate::{
    engine::setup::{EngineError, OPTIMIZER_FILE, REFERENCE_FILE, WEIGHTS_FILE},
    model::{
        adapter, folder,
        publish::{WeightType, small_files},
    },
    protocol::Event,
    record::RunEvent,
    runs::{
        Journal, RunError,
        state::{STATE_FILE, TrainingState},
    },
};

/// How long to wait before retrying a disk that refused.
const RETRY: Duration = Duration::from_secs(3);

impl Training<'_> {
    /// Writes what must be on disk before the run continues. If the disk refuses, the run pauses; the lines
    /// are kept, and retried every few seconds and when the run is resumed. Other requests are served meanwhile.
    pub(super) fn insist(
        &mut self,
        write: impl Fn(&mut Journal) -> Result<(), RunError>,
    ) -> Result<(), EngineError> {
        let mut refused = false;
        while let Err(error) = write(&mut self.p.journal) {
            refused = true;
            self.wait_for_disk(&error);
            if !self.wait_until(Some(Instant::now() + RETRY))? {
                return write(&mut self.p.journal).map_err(EngineError::Run);
            }
        }
        if refused {
            self.disk_is_back();
        }
        Ok(())
    }

    /// Pauses the run because the disk refused. The warning is repeated with each retry: it is true until the
    /// disk is back. The most important part comes first, since a narrow screen shows no more.
    fn wait_for_disk(&self, error: &RunError) {
        let why = match error.is_displacement() {
            true => "Paused; the write is retried every few seconds.",
            false => {
                "Paused because of the disk; the write is retried every few seconds and nothing is lost."
            }
        };
        let text = format!("{why} {error}");
        tracing::warn!(step = self.step, "{text}");
        self.control.tell(Event::Warning(text));
        self.control.pause_for_disk();
    }

    /// The refused data has been written: a run that waited for nothing else continues.
    fn disk_is_back(&mut self) {
        if self.control.disk_is_back() {
            let run = self.p.run.path().display().to_string();
            self.record(
                self.step,
                RunEvent::Resumed { after: None },
                "by itself: the disk takes what is written again",
            );
            self.control.tell(Event::Warning(format!("{run} can be written again; the run continues.")));
        }
    }

    /// The checkpoint that ends a run. While the disk refuses it, the run waits, paused: it retries every few
    /// seconds and with each resume, and a stop gives up.
    pub(super) fn last_checkpoint(&mut self) -> Result<(), EngineError> {
        // A step that was stopped midway does not count: the weights before it do.
        while self.saved != Some(self.step) {
            self.checkpoint()?;
            if self.saved == Some(self.step) {
                break;
            }
            if self.control.stopping() || !self.between_phases(None)? {
                return self.write_checkpoint().map(|_| ());
            }
        }
        Ok(())
    }

    /// Writes a checkpoint of the last whole step. A refusing disk is reported and not fatal: the run pauses,
    /// the previous checkpoint stays valid, and writing is retried.
    pub(super) fn checkpoint(&mut self) -> Result<(), EngineError> {
        self.checkpoint_wanted = false;
        match self.write_checkpoint() {
            Ok(path) => {
                self.saved = Some(self.step);
                self.record(self.step, RunEvent::Checkpoint, &path.display().to_string());
                self.control.tell(Event::CheckpointSaved { step: self.step, path });
                if self.retry_at.take().is_some() {
                    self.disk_is_back();
                }
                Ok(())
            }
            Err(EngineError::Run(error)) => {
                self.wait_for_disk(&error);
                self.retry_at = Some(Instant::now() + RETRY);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn write_checkpoint(&mut self) -> Result<std::path::PathBuf, EngineError> {
        let position = self.p.journal.sync()?;
        let pinned_bytes = self.p.pins.log.sync()?;
        let optimizer = self.p.grpo.trainer.optimizer_state();
        let model = self.p.grpo.trainer.inference_model();
        let state = TrainingState {
            step: self.step,
            policy_version: optimizer.time as u64,
            num_tokens: self.totals.tokens,
            flops: self.totals.flops,
            metrics_bytes: position.metrics,
            rollouts_bytes: position.rollouts,
            events_bytes: position.events,
            pinned_bytes,
            pins: Some(self.p.pins.puzzles.clone()),
            adam_step: optimizer.time as u64,
            // The next step's configuration; for a stopped step, the one that it had.
            config: if self.in_step { self.p.config.clone() } else { self.control.wanted() },
        };
        let failed = |error: crate::runs::CheckpointError| EngineError::Run(RunError::from(error));
        let mut writer = self.p.journal.begin_checkpoint(&self.p.run, self.step).map_err(failed)?;
        let beside = small_files(&model, &self.p.companions, &self.p.grpo.tokenizer, WeightType::F32);
        for (name, bytes) in beside {
            writer.write_bytes(&name, &bytes).map_err(failed)?;
        }
        writer.write_bytes("tokenizer.json", &self.p.tokenizer_file).map_err(failed)?;
        let adapted = model.lora().is_some();
        let weights = match adapted {
            true => adapter::files(&model, self.p.adapter_of.as_ref(), WeightType::F32)?,
            false => vec![(WEIGHTS_FILE.to_owned(), folder::to_bytes(&model)?)],
        };
        for (name, bytes) in weights {
            writer.write_bytes(&name, &bytes).map_err(failed)?;
        }
        writer.write_bytes(OPTIMIZER_FILE, &optimizer.to_bytes()).map_err(failed)?;
        // The reference of an adapter is its base, unless it is refreshed.
        let is_base = adapted && self.p.config.update.reference_refresh == 0;
        if let Some(reference) = self.p.grpo.reference.as_ref().filter(|_| !is_base) {
            writer.write_bytes(REFERENCE_FILE, &folder::to_bytes(reference)?).map_err(failed)?;
        }
        writer.write_bytes(STATE_FILE, &state.to_json().map_err(failed)?).map_err(failed)?;
        Ok(writer.finish().map_err(failed)?.path)
    }
}
