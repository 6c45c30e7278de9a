//! From options to a run that is ready to begin: device, model, task, run directory, journal.

use std::{fs::File, path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{
    opening::{Opened, begin, open_log, resume},
    parts,
    pins::{Pins, first_pins},
};
use crate::{
    config::{Config, ConfigError, RunInfo},
    device::{self, DeviceError},
    eval::{self, BaseReference},
    grpo::step::Grpo,
    kernels::unit::VectorUnit,
    model::{
        adapter::AdapterBase,
        cached,
        companions::Companions,
        config::ModelConfig,
        folder::{LoadedModel, ModelError},
        source::{ModelSource, embedded_of, hash_of},
        tokenizer::{Tokenizer, TokenizerError},
        trainer::Trainer,
        transformer::Transformer,
    },
    prompt,
    record::RunEvent,
    runs::{
        CheckpointError, Journal, Reader, RunDirectory, RunError, RunLock,
        checkpoint::{self, Checkpoint},
        edits::EditsToMakeAgain,
        pinned::PinnedLog,
        soundness,
        state::TrainingState,
    },
    system::{memory::Memory, quoting::shortened, workers::Workers},
    task::Task,
};

/// Where a run's first weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The model inside the program.
    Embedded,
    /// A Hugging Face folder or a GGUF file.
    Folder(PathBuf),
}

/// How a run begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// From the base model, in a new run directory.
    New(Base),
    /// From a checkpoint of a run, the newest valid one if no step is given, in that run's directory. Removes
    /// the checkpoints of later steps, and truncates the logs to that step.
    Resume(RunDirectory, Option<u64>),
    /// From a checkpoint of a run, in a new run directory.
    Fork(RunDirectory, Option<u64>),
}

/// All options of the engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The configuration; a resumed run uses its own.
    pub config: Config,
    /// How it begins.
    pub start: Start,
    /// Where new run directories are created.
    pub runs_root: PathBuf,
    /// Part of the new run directory's name; derived from the configuration if `None`.
    pub name: Option<String>,
    /// The last step; `None` continues until stopped.
    pub last_step: Option<u64>,
    /// Whether to pause before the first token.
    pub paused: bool,
}

/// Why the engine could not start or continue.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "each says what it is, in a sentence of its own")]
pub enum EngineError {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Other(String),
}

impl From<CheckpointError> for EngineError {
    fn from(error: CheckpointError) -> Self {
        Self::Run(error.into())
    }
}

/// Names of the files of a checkpoint; with `config.json` and `tokenizer.json` it is a Hugging Face folder.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
/// AdamW's moments, see [`OptimizerState::to_bytes`].
pub(crate) const OPTIMIZER_FILE: &str = "optimizer.f32";
/// The reference model's weights, if KL is measured.
pub(crate) const REFERENCE_FILE: &str = "reference.safetensors";

/// A run that is ready to begin.
pub struct Prepared {
    /// The current configuration.
    pub config: Config,
    /// Task, model, optimizer.
    pub grpo: Grpo,
    /// The bytes of `tokenizer.json`.
    pub tokenizer_file: Vec<u8>,
    /// The other small files of the base's folder.
    pub companions: Companions,
    /// Tokens of the longest of a few prompts.
    pub longest_prompt: usize,
    /// What the adapter belongs to, if one is trained.
    pub adapter_of: Option<AdapterBase>,
    /// Where the run is.
    pub run: RunDirectory,
    /// Its logs; holds its lock.
    pub journal: Journal,
    /// Its `engine.log`, if the disk allows one.
    pub log: Option<File>,
    /// The pinned puzzles.
    pub pins: Pins,
    /// Where training stood.
    pub state: TrainingState,
    /// The base's reference values, if known.
    pub base: Option<BaseReference>,
    /// `cpu x2` or the adapter's name.
    pub backend: String,
    /// The vector unit of its kernels; `None` on a GPU.
    pub vector_unit: Option<VectorUnit>,
    /// Why that backend.
    pub backend_reason: String,
    /// Warnings for the user before it begins.
    pub warnings: Vec<String>,
    /// How it began (`started`, `resumed`, `forked`), and from what.
    pub beginning: (RunEvent, String),
    /// Whether the run's own directory has a checkpoint of its current step.
    pub from_own_checkpoint: bool,
    /// Live edits that were journalled after the checkpoint.
    pub edits_to_make_again: EditsToMakeAgain,
}

/// The task that a configuration names.
///
/// # Errors
/// If there is no such task or level.
pub fn task_of(config: &Config) -> Result<Box<dyn Task>, EngineError> {
    config.puzzles.make().map_err(EngineError::Other)
}

/// Prepares everything. Nothing is trained or sampled yet.
///
/// # Errors
/// A sentence about what is missing or broken; existing files are then unchanged.
pub fn prepare(options: &EngineOptions) -> Result<Prepared, EngineError> {
    let mut warnings = Vec::new();
    if let Start::Resume(run, _) | Start::Fork(run, _) = &options.start {
        refuse_another_engines(run)?;
    }
    // Lock before reading anything that another process might be about to replace.
    let lock = match &options.start {
        Start::Resume(run, _) => Some(RunLock::acquire_on(run.disk(), run.path())?),
        _ => None,
    };
    let mut log = lock.as_ref().map(|lock| open_log(lock.folder())).transpose()?.flatten();
    let checkpoint = match &options.start {
        Start::New(_) => None,
        Start::Resume(run, None) if never_saved(run) => None,
        Start::Resume(run, step) | Start::Fork(run, step) => {
            Some(usable_checkpoint(run, *step, &mut warnings)?)
        }
    };
    let saved = checkpoint.as_ref().map(|c| TrainingState::load(&c.path)).transpose()?;
    let mut config = match (&options.start, &saved) {
        (Start::Resume(..), Some(saved)) => saved.config.clone(),
        (Start::Resume(run, _), None) => run.config()?.config,
        _ => options.config.clone(),
    };
    config.validate()?;
    let family = config.puzzles.task;
    let choice = device::choose(config.machine.backend)?;
    // A GPU is one device: sharding rows over threads would only make them wait for each other.
    let threads = if choice.is_gpu { 1 } else { parts::threads_for(&options.start, &config, &mut warnings) };
    let workers = Arc::new(Workers::new(threads).map_err(|e| EngineError::Other(format!("{e}.")))?);
    let backend = parts::backend_name(&choice, threads);
    let vector_unit = parts::vector_unit(&choice);
    warnings.extend(vector_unit.and_then(VectorUnit::warning));
    if let Start::Resume(run, _) = &options.start {
        let file = run.config().ok();
        let recorded = file.and_then(|file| file.provenance).and_then(|info| info.vector_unit);
        warnings.extend(parts::another_vector_unit(recorded.as_deref(), vector_unit));
        warnings.extend(soundness::doubts_of_config(run, &config));
    }

    let embedded = config.puzzles.base();
    let source = match (&options.start, &checkpoint) {
        (Start::New(Base::Embedded), _) | (Start::Resume(..), None) => ModelSource::Embedded(embedded),
        (Start::New(Base::Folder(folder)), _) => ModelSource::Folder(folder),
        (_, Some(checkpoint)) => ModelSource::Folder(&checkpoint.path),
        _ => return Err(EngineError::Other("There is no checkpoint to resume from.".into())),
    };
    let mut loaded = source.load(&choice.device)?;
    // The hash of the weights that the run began from.
    let hash = match (&options.start, &checkpoint) {
        (Start::Resume(run, _) | Start::Fork(run, _), Some(_)) => {
            run.config()?.provenance.map(|p| p.model_hash).unwrap_or_default()
        }
        _ => source.hash()?,
    };
    let is_embedded =
        !matches!(options.start, Start::New(Base::Folder(_))) && hash == hash_of(embedded.weights);
    let tokenizer = loaded.read_tokenizer()?.stopping_at(&config.asking.stop_strings.0);
    config.asking.prompt =
        parts::prompt_of(&options.start, &config, saved.as_ref(), &mut loaded, &tokenizer)?;
    let LoadedModel { model, tokenizer: tokenizer_file, companions, notes, adapter_of } = loaded;
    warnings.extend(notes);
    let (model, adapter_of) = parts::to_train(model, adapter_of, &config, source)?;
    config.reward.stop = parts::stop_of(&options.start, &config, saved.as_ref(), &tokenizer_file, &tokenizer);
    check_fit(config.sampling.max_new_tokens, &model, &tokenizer)?;
    let task = parts::asked_task(&config, &companions, &tokenizer)?;
    let longest_prompt = prompt_tokens(task.as_ref(), &tokenizer)?;
    check_prompt(longest_prompt, &config, &model)?;
    check_sizes(&config, &model.config, threads, longest_prompt).map_err(EngineError::Other)?;
    let base = is_embedded.then(|| eval::base::reference_for(embedded, &config)).flatten();

    let reference = parts::reference(checkpoint.as_ref(), &config, &model)?;
    let mut trainer = Trainer::new(model, 0.0, workers);
    // A fork that trains something else than its parent, an adapter or all, begins with a new optimizer.
    let trained_alike = |saved: &TrainingState| saved.config.lora.lora_rank == config.lora.lora_rank;
    if let Some(checkpoint) = checkpoint.as_ref().filter(|_| saved.as_ref().is_none_or(trained_alike)) {
        parts::restore_optimizer(&mut trainer, checkpoint, saved.as_ref().map_or(0, |s| s.adam_step))?;
    }

    let name = options
        .name
        .clone()
        .unwrap_or_else(|| format!("{}-{}-seed{}", family.name, config.update.preset, config.machine.seed));
    let info = RunInfo {
        model_hash: hash,
        program_version: env!("CARGO_PKG_VERSION").into(),
        git_revision: option_env!("AHA_GIT_REVISION").map(Into::into),
        analysis: Some(crate::reasoning::RULES.into()),
        backend: backend.clone(),
        vector_unit: vector_unit.map(|unit| unit.name().to_owned()),
        base: match (&options.start, &saved) {
            (Start::New(Base::Folder(folder)), _) => cached::name_of(folder),
            (Start::Fork(from, _), Some(_)) => from.config()?.provenance.and_then(|parent| parent.base),
            _ => None,
        },
        created: jiff::Timestamp::now().to_string(),
        forked_from: match (&options.start, &saved) {
            (Start::Fork(from, _), Some(saved)) => parts::place_of(from, saved.step),
            _ => None,
        },
        engine: None,
    };
    let state = match saved {
        Some(saved) => TrainingState { config: config.clone(), ..saved },
        None => TrainingState::fresh(config.clone()),
    };
    let Opened { run, journal, beginning, edits_to_make_again } = match (&options.start, lock) {
        (Start::Resume(run, step), Some(lock)) => resume(run, *step, lock, &state, &mut warnings)?,
        (start, _) => {
            let run = RunDirectory::create(&options.runs_root, &name, &config, &info)?;
            let opened = begin(run, start, &state)?;
            log = opened.journal.folder().map(open_log).transpose()?.flatten();
            opened
        }
    };
    let resumed = matches!(beginning.0, RunEvent::Resumed { .. });
    let pinned_bytes = if resumed { state.pinned_bytes } else { 0 };
    let puzzles = state.pins.clone().unwrap_or_else(|| first_pins(task.as_ref()));
    let pins = Pins { puzzles, log: PinnedLog::open(&run, &journal, pinned_bytes)? };
    Ok(Prepared {
        config,
        grpo: Grpo { task, tokenizer, trainer, reference },
        tokenizer_file,
        companions,
        longest_prompt,
        adapter_of,
        run,
        journal,
        log,
        pins,
        state,
        base,
        backend,
        vector_unit,
        backend_reason: choice.reason,
        warnings,
        from_own_checkpoint: resumed && checkpoint.is_some(),
        beginning,
        edits_to_make_again,
    })
}

/// Whether a run was cut off between its beginning and its first checkpoint, so that it can start over from
/// the embedded base model. Anything else needs a checkpoint.
fn never_saved(run: &RunDirectory) -> bool {
    let untouched = |path: PathBuf| std::fs::symlink_metadata(path).map_or(true, |found| found.len() == 0);
    began_from_embedded(run)
        && checkpoint::list(&run.checkpoints_path()).is_empty()
        && untouched(run.metrics_path())
}

/// Whether a run began with the embedded base model, and not as a fork.
pub(super) fn began_from_embedded(run: &RunDirectory) -> bool {
    let from_embedded = run
        .config()
        .ok()
        .and_then(|file| file.provenance)
        .is_some_and(|provenance| embedded_of(&provenance.model_hash).is_some());
    let anew = Reader::new(run).events().is_ok_and(|log| {
        log.records.first().is_none_or(|first| matches!(first.event, RunEvent::Started { .. }))
    });
    from_embedded && anew
}

/// Refuses to go on with a run that another engine trained: its optimizer, its data and its loss are not ours.
fn refuse_another_engines(run: &RunDirectory) -> Result<(), EngineError> {
    let info = run.config().ok().and_then(|file| file.provenance);
    match info.and_then(|info| info.engine) {
        Some(engine) => Err(EngineError::Other(format!(
            "{} was trained by {}, which alone can go on with it; begin a run from its model with --base DIR.",
            run.path().display(),
            shortened(&engine.name)
        ))),
        None => Ok(()),
    }
}

/// The checkpoint to resume from; damaged newer ones are named.
fn usable_checkpoint(
    run: &RunDirectory,
    step: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<Checkpoint, EngineError> {
    if step.is_none() {
        let (_, invalid) = checkpoint::newest_valid(&run.checkpoints_path());
        warnings
            .extend(invalid.iter().map(|bad| format!("{} is skipped: {}", bad.path.display(), bad.error)));
    }
    Ok(run.checkpoint(step)?)
}

/// Checks that a model knows every token of a tokenizer, and that its context fits completions of this many tokens.
///
/// # Errors
/// A sentence that says what does not fit.
pub(crate) fn check_fit(
    max_new_tokens: usize,
    model: &Transformer,
    tokenizer: &Tokenizer,
) -> Result<(), EngineError> {
    if tokenizer.size() > model.config.vocab_size {
        return Err(EngineError::Other(format!(
            "The tokenizer has {} tokens, but the model only {}; they do not belong together.",
            tokenizer.size(),
            model.config.vocab_size
        )));
    }
    if max_new_tokens > most_new_tokens(&model.config) {
        return Err(EngineError::Other(too_many_new_tokens(max_new_tokens, &model.config)));
    }
    Ok(())
}

/// The tokens of the longest of a few prompts of a task.
///
/// # Errors
/// If a model with this tokenizer cannot be asked it.
pub fn prompt_tokens(task: &dyn Task, tokenizer: &Tokenizer) -> Result<usize, TokenizerError> {
    first_pins(task).iter().try_fold(0, |longest: usize, puzzle| {
        Ok(longest.max(prompt::encode(task, puzzle, tokenizer)?.1.len()))
    })
}

/// Checks, before anything is created, that a model has room for a prompt and the answer to it.
fn check_prompt(prompt: usize, config: &Config, model: &Transformer) -> Result<(), EngineError> {
    let (room, answer) = (model.config.max_position_embeddings, config.sampling.max_new_tokens);
    if prompt + answer > room {
        return Err(EngineError::Other(format!(
            "A prompt of this run has {prompt} tokens and max_new_tokens is {answer}, but the model reads at most {room} \
             tokens with its prompt; set max_new_tokens lower."
        )));
    }
    Ok(())
}

/// The longest completions that a model can write, leaving room for the prompt.
fn most_new_tokens(model: &ModelConfig) -> usize {
    model.max_position_embeddings.saturating_sub(16)
}

/// Checks that a model can write completions of the configured length to prompts of this many tokens, and that this machine
/// can hold them.
///
/// # Errors
/// A sentence that says what to set lower.
pub(super) fn check_sizes(
    config: &Config,
    model: &ModelConfig,
    threads: usize,
    prompt: usize,
) -> Result<(), String> {
    if config.sampling.max_new_tokens > most_new_tokens(model) {
        return Err(too_many_new_tokens(config.sampling.max_new_tokens, model));
    }
    super::footprint::check(config, model, threads, prompt, Memory::of_this_machine())
}

/// The error for too many.
fn too_many_new_tokens(max_new_tokens: usize, model: &ModelConfig) -> String {
    format!(
        "max_new_tokens is {max_new_tokens}, but the model reads at most {} tokens with its prompt; lower it.",
        model.max_position_embeddings
    )
}
