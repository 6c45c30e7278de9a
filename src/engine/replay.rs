//! Replays a recorded step in memory: from the newest checkpoint before it, trains forward as the run did, to
//! the policy that sampled it. Writes nothing to the run.

use std::sync::Arc;

use super::{
    origin, parts,
    setup::{self, EngineError},
    summary,
};
use crate::{
    config::Config,
    device::{self, BackendRequest},
    grpo::{
        settings::Settings,
        step::{self, Grpo},
        unwatched::Unwatched,
    },
    model::{source::ModelSource, trainer::Trainer},
    prompt::PromptStyle,
    record::Rollout,
    runs::{
        Reader, RunDirectory,
        checkpoint::{self, Checkpoint},
        edits::EditsToMakeAgain,
        state::TrainingState,
    },
    system::workers::{Workers, worker_count},
};

/// A replayed step.
#[derive(Debug)]
pub struct StepAgain {
    /// Its completions, in the order of the journal.
    pub records: Vec<Rollout>,
    /// The step of the checkpoint that it started from; 0 for the base model.
    pub from: u64,
    /// The device and the number of threads.
    pub backend: String,
    /// Notes for the user, in sentences.
    pub notes: Vec<String>,
}

/// Replays a step of a run. `trained` is called after each step on the way with the number done and the
/// total.
///
/// # Errors
/// A sentence about what is missing or broken: a checkpoint, the backend.
pub fn make_again(
    run: &RunDirectory,
    step: u64,
    mut trained: impl FnMut(u64, u64),
) -> Result<StepAgain, EngineError> {
    let mut notes = Vec::new();
    let checkpoint = checkpoint_before(run, step, &mut notes)?;
    let saved = checkpoint.as_ref().map(|c| TrainingState::load(&c.path)).transpose()?;
    let file = run.config()?;
    let (recorded, unit) = file.provenance.map_or_else(Default::default, |p| (p.backend, p.vector_unit));
    let from = saved.as_ref().map_or(0, |saved| saved.step);
    let adam_step = saved.as_ref().map_or(0, |saved| saved.adam_step);
    let mut config = saved.map_or(file.config, |saved| saved.config);
    config.validate()?;
    let (mut grpo, backend) = policy(&config, checkpoint.as_ref(), adam_step, &recorded, unit.as_deref())
        .map(|(grpo, backend, found)| {
            notes.extend(found);
            (grpo, backend)
        })?;

    let mut edits = EditsToMakeAgain::after(from, &Reader::new(run).events()?.records);
    let mut settings_at = |at: u64| -> Result<Settings, EngineError> {
        for edit in edits.take_for(at) {
            config.set_live(&edit.key, &edit.value)?;
        }
        Ok(config.grpo())
    };
    for at in from + 1..step {
        step::step(&mut Unwatched(&mut grpo), &settings_at(at)?, at)?;
        trained(at - from, step - 1 - from);
    }
    let settings = settings_at(step)?;
    let batch = step::rollout(&mut Unwatched(&mut grpo), &settings, step)?;
    let groups = batch.map(|batch| batch.groups).unwrap_or_default();
    let task = grpo.task.name();
    let of_group = |(index, group)| summary::rollout_records(step, task, index, group);
    Ok(StepAgain { records: groups.iter().enumerate().flat_map(of_group).collect(), from, backend, notes })
}

/// The newest valid checkpoint before a step; `None` for the embedded base model, if the run began with it
/// and has no older checkpoint.
fn checkpoint_before(
    run: &RunDirectory,
    step: u64,
    notes: &mut Vec<String>,
) -> Result<Option<Checkpoint>, EngineError> {
    let folder = run.checkpoints_path();
    for (at, _) in checkpoint::list(&folder).into_iter().rev().filter(|(at, _)| *at < step) {
        match run.checkpoint(Some(at)) {
            Ok(found) => return Ok(Some(found)),
            Err(error) => notes.push(format!("The checkpoint of step {at} is skipped: {error}")),
        }
    }
    if setup::began_from_embedded(run) {
        return Ok(None);
    }
    Err(EngineError::Other(format!(
        "{} has no usable checkpoint before step {step}, so the step cannot be replayed.{}",
        folder.display(),
        notes.iter().map(|note| format!(" {note}")).collect::<String>()
    )))
}

/// Task, model and optimizer as they were at a checkpoint, on the run's backend; also the name of that
/// backend, and notes about it.
fn policy(
    config: &Config,
    checkpoint: Option<&Checkpoint>,
    adam_step: u64,
    recorded: &str,
    unit: Option<&str>,
) -> Result<(Grpo, String, Vec<String>), EngineError> {
    let request: BackendRequest = match recorded {
        "" => config.machine.backend,
        cpu if parts::cpu_threads(cpu).is_some() => BackendRequest::Cpu,
        _ => BackendRequest::Wgpu,
    };
    let choice = device::choose(request)?;
    let here = worker_count(config.machine.threads);
    let threads = if choice.is_gpu { 1 } else { parts::cpu_threads(recorded).unwrap_or(here) };
    let note = if choice.is_gpu {
        Some("On a GPU, sums may differ in the last bits from one run to the next.".to_owned())
    } else {
        (threads != here).then(|| {
            format!(
                "The run used {threads} threads and so does this replay; this machine's default is {here}."
            )
        })
    };
    let mut notes: Vec<String> = note.into_iter().collect();
    notes.extend(parts::another_vector_unit(unit, parts::vector_unit(&choice)));
    let backend = parts::backend_name(&choice, threads);
    let source = match checkpoint {
        Some(checkpoint) => ModelSource::Folder(&checkpoint.path),
        None => ModelSource::Embedded(config.puzzles.base()),
    };
    let loaded = source.load(&choice.device)?;
    let tokenizer = loaded.read_tokenizer()?.stopping_at(&config.asking.stop_strings.0);
    // A prompt's file is kept with every checkpoint, but not with the embedded base.
    let text = origin::prompt_text(&config.asking.prompt, &PromptStyle::Auto, &loaded.companions)?;
    let companions = text.map_or(loaded.companions.clone(), |text| loaded.companions.with_prompt(&text));
    let task = parts::asked_task(config, &companions, &tokenizer)?;
    let (model, _) = parts::to_train(loaded.model, loaded.adapter_of, config, source)?;
    setup::check_fit(config.sampling.max_new_tokens, &model, &tokenizer)?;
    let reference = parts::reference(checkpoint, config, &model)?;
    let workers = Arc::new(Workers::new(threads).map_err(|e| EngineError::Other(format!("{e}.")))?);
    let mut trainer = Trainer::new(model, 0.0, workers);
    if let Some(checkpoint) = checkpoint {
        parts::restore_optimizer(&mut trainer, checkpoint, adam_step)?;
    }
    Ok((Grpo { task, tokenizer, trainer, reference }, backend, notes))
}
