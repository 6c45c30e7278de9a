//! What a resumed, forked or replayed run inherits: its number of threads, the reference model, the
//! optimizer.

use std::path::{Path, PathBuf};

use super::{
    origin,
    setup::{Base, EngineError, OPTIMIZER_FILE, REFERENCE_FILE, Start, task_of},
};
use crate::{
    config::Config,
    device::Choice,
    grpo::settings::StopAt,
    kernels::unit::{VARIABLE, VectorUnit},
    model::{
        adapter::AdapterBase,
        companions::Companions,
        folder::{self, LoadedModel},
        source::ModelSource,
        tokenizer::Tokenizer,
        trainer::{OptimizerState, Trainer},
        transformer::Transformer,
    },
    prompt::{self, PromptStyle},
    runs::{RunDirectory, checkpoint::Checkpoint, state::TrainingState},
    system::workers::worker_count,
    task::Task,
};

/// No run has more worker threads.
const MOST_THREADS: usize = 1024;

/// The recorded name of a device and a number of worker threads: `cpu x2`, or the adapter's name.
pub(crate) fn backend_name(choice: &Choice, threads: usize) -> String {
    if choice.is_gpu { choice.name.clone() } else { format!("{} x{threads}", choice.name) }
}

/// The number of threads in what [`backend_name`] wrote; `None` for a GPU.
pub(crate) fn cpu_threads(backend: &str) -> Option<usize> {
    backend.strip_prefix("cpu x")?.parse().ok().filter(|threads| (1..=MOST_THREADS).contains(threads))
}

/// Where to find a run and its step again; `None` if the path is not valid UTF-8.
pub fn place_of(run: &RunDirectory, step: u64) -> Option<String> {
    let path = std::fs::canonicalize(run.path()).ok()?;
    path.to_str().map(|path| format!("{path}@{step}"))
}

/// A resumed run keeps its number of threads, because sums are taken per thread: with another number it would
/// not continue exactly.
pub(crate) fn threads_for(start: &Start, config: &Config, warnings: &mut Vec<String>) -> usize {
    let here = worker_count(config.machine.threads);
    let recorded = match start {
        Start::Resume(run, _) => run.config().ok().and_then(|file| file.provenance),
        _ => None,
    };
    let threads = recorded.and_then(|provenance| cpu_threads(&provenance.backend)).unwrap_or(here);
    if threads != here {
        warnings.push(format!(
            "The run began with {threads} threads and keeps that number to stay exact; this machine's default is \
             {here}."
        ));
    }
    threads
}

/// Where a run's completions end: resolves `stop=auto`, so that the run's file records the choice.
pub(crate) fn stop_of(
    start: &Start,
    config: &Config,
    saved: Option<&TrainingState>,
    tokenizer_file: &[u8],
    tokenizer: &Tokenizer,
) -> StopAt {
    let stops = match (start, config.reward.stop) {
        (Start::New(Base::Folder(folder)), stop) => {
            origin::stops_at_answer(stop, folder, tokenizer_file, tokenizer)
        }
        // Unless told otherwise, a fork does as its parent.
        (Start::Fork(..), StopAt::Auto) => saved.is_some_and(|saved| saved.config.reward.stop.is_answer()),
        _ => config.reward.stop.is_answer(),
    };
    if stops { StopAt::Answer } else { StopAt::End }
}

/// How a run's model is asked: resolves `prompt=auto`, so that the run's file records the choice, and keeps a prompt's
/// file with the model.
///
/// # Errors
/// If the file cannot be read.
pub fn prompt_of(
    start: &Start,
    config: &Config,
    saved: Option<&TrainingState>,
    loaded: &mut LoadedModel,
    tokenizer: &Tokenizer,
) -> Result<PromptStyle, EngineError> {
    let given = &config.asking.prompt;
    let style = match (start, given) {
        (Start::New(Base::Folder(folder)), given) => {
            origin::prompt_of(given, folder, &loaded.companions, &loaded.tokenizer, tokenizer)
        }
        // Unless told otherwise, a fork does as its parent.
        (Start::Fork(..), PromptStyle::Auto) => {
            saved.map(|saved| saved.config.asking.prompt.clone()).unwrap_or_default().of_a_run()
        }
        _ => given.clone().of_a_run(),
    };
    // The checkpoint keeps the text of its run's file, which may have changed since.
    let inherits = match start {
        Start::Resume(..) => true,
        Start::Fork(..) => saved.is_some_and(|saved| saved.config.asking.prompt == *given),
        Start::New(_) => false,
    };
    let given = if inherits { &PromptStyle::Auto } else { given };
    if let Some(text) = origin::prompt_text(&style, given, &loaded.companions)? {
        loaded.companions = loaded.companions.with_prompt(&text);
    }
    Ok(style)
}

/// The task of a configuration, as the model of these files is asked it.
///
/// # Errors
/// If there is no such level, or the model cannot be asked in this way.
pub fn asked_task(
    config: &Config,
    companions: &Companions,
    tokenizer: &Tokenizer,
) -> Result<Box<dyn Task>, EngineError> {
    prompt::asking(task_of(config)?, &config.asking.prompt, companions, tokenizer).map_err(EngineError::Other)
}

/// The vector unit of a run's kernels; `None` on a GPU.
pub fn vector_unit(choice: &Choice) -> Option<VectorUnit> {
    (!choice.is_gpu).then(VectorUnit::in_use)
}

/// Another vector unit may add up products in another order, so a resumed or replayed run is then not the
/// same to the last bit.
pub(crate) fn another_vector_unit(recorded: Option<&str>, here: Option<VectorUnit>) -> Option<String> {
    let (then, here) = (recorded?, here?);
    (then != here.name()).then(|| {
        format!(
            "The run began with the vector unit {then} and continues with {here}, which may round differently: it is \
             no longer exact to the last bit. Set {VARIABLE}={then} if this machine has that unit."
        )
    })
}

/// The model as the configuration wants it trained: with an adapter or whole. Also what the adapter belongs to; `found` is
/// what the one that the model has belongs to, and `source` where the model comes from.
///
/// # Errors
/// If the model has an adapter of another shape, or cannot have its activations made anew, or its weights cannot be read again for their hash.
pub fn to_train(
    mut model: Transformer,
    found: Option<AdapterBase>,
    config: &Config,
    source: ModelSource<'_>,
) -> Result<(Transformer, Option<AdapterBase>), EngineError> {
    if config.update.gradient_checkpointing && !model.config.arch().is_fused() {
        return Err(EngineError::Other(format!(
            "gradient_checkpointing does not work with {} models yet; set gradient_checkpointing=false, and micro_tokens \
             lower to save memory.",
            model.config.family.model_type
        )));
    }
    model.recompute = config.update.gradient_checkpointing;
    let (own, wanted) = (model.lora().copied(), &config.lora);
    match own {
        None if wanted.lora_rank == 0 => Ok((model, None)),
        None => {
            let sha256 = Some(source.hash()?);
            let base = match source {
                ModelSource::Embedded(_) => {
                    let embedded = Some(config.puzzles.task.name.to_owned());
                    AdapterBase { embedded, folder: None, sha256 }
                }
                ModelSource::Folder(folder) => {
                    AdapterBase { embedded: None, folder: Some(whole_path(folder)), sha256 }
                }
            };
            Ok((model.with_new_adapter(wanted, config.machine.seed), Some(base)))
        }
        Some(_) if wanted.lora_rank == 0 => Ok((model.merged(), None)),
        Some(own) if own == *wanted => Ok((model, found)),
        Some(own) => Err(EngineError::Other(format!(
            "The model has a LoRA adapter with lora_rank={}, lora_alpha={} and lora_targets={}. Set the same to train it \
             on, or lora_rank=0 to merge it and train all weights.",
            own.lora_rank, own.lora_alpha, own.lora_targets
        ))),
    }
}

/// Where a model is, from whatever folder it is looked for. A link keeps its own name, which says what it is: in the cache
/// of the hub a GGUF file is a link to a hash.
fn whole_path(model: &Path) -> PathBuf {
    let whole = match (model.is_dir(), model.parent(), model.file_name()) {
        (false, Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            std::fs::canonicalize(parent).map(|parent| parent.join(name))
        }
        _ => std::fs::canonicalize(model),
    };
    whole.unwrap_or_else(|_| model.to_owned())
}

/// The model that KL is measured against, from a checkpoint.
pub fn reference(
    checkpoint: Option<&Checkpoint>,
    config: &Config,
    model: &Transformer,
) -> Result<Option<Transformer>, EngineError> {
    // Loaded even where KL is not measured: a live edit may bring it back, and then needs this model.
    let has_one = |checkpoint: &&Checkpoint| checkpoint.manifest.files.contains_key(REFERENCE_FILE);
    if let Some(checkpoint) = checkpoint.filter(has_one) {
        let path = checkpoint.path.join(REFERENCE_FILE);
        let weights = folder::read_bounded(&path, u64::MAX)?;
        return Ok(Some(folder::with_weights(&model.config, &weights, &path, &model.device())?));
    }
    Ok(config.update.has_reference().then(|| model.without_adapter()))
}

/// Replaces a fresh optimizer with a checkpoint's.
pub(crate) fn restore_optimizer(
    trainer: &mut Trainer,
    checkpoint: &Checkpoint,
    adam_step: u64,
) -> Result<(), EngineError> {
    let path = checkpoint.path.join(OPTIMIZER_FILE);
    let bytes = folder::read_bounded(&path, u64::MAX)?;
    let moments = OptimizerState::from_bytes(&bytes, &trainer.parameter_sizes(), adam_step as usize);
    trainer.set_optimizer_state(moments).map_err(|e| EngineError::Other(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_is_read_from_what_a_run_says_of_its_backend() {
        assert_eq!(cpu_threads("cpu x2"), Some(2));
        for other in ["cpu x0", "cpu x4096", "cpu", "cpu x", "Radeon x2", ""] {
            assert_eq!(cpu_threads(other), None, "{other}");
        }
    }
}
