//! A model by any of its names: embedded, a run's checkpoint, a folder, a GGUF file, a name on the hub.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use crate::{
    cli::{Failure, base},
    config::{Config, Puzzles, StopAt},
    engine::origin,
    hub::{Name, Want},
    model::{finding, folder::LoadedModel, source::ModelSource},
    runs::{RunAtStep, RunDirectory},
    system::output,
    task::Family,
};

/// Where a model is.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Inside the program.
    Embedded,
    /// In a Hugging Face folder or a GGUF file.
    Folder(PathBuf),
    /// In a checkpoint of a run.
    Checkpoint(RunDirectory, PathBuf),
}

/// A model by any of its names.
///
/// # Errors
/// A sentence that says what was looked for.
pub fn find(name: &str, runs: &Path) -> Result<Found, Failure> {
    let path = Path::new(name);
    if name == "embedded" {
        return Ok(Found::Embedded);
    }
    // What would be a GGUF file, if it were here, may be one on the hub.
    if finding::is_meant(path) && (path.exists() || Name::parse(name).is_none()) {
        base::say_path_comes_first(name);
        return Ok(Found::Folder(path.to_owned()));
    }
    let found = name.parse::<RunAtStep>().and_then(|at| Ok((RunDirectory::find(runs, &at.run)?, at.step)));
    let (run, step) = match (found, Name::parse(name)) {
        (Ok(found), _) => found,
        // No run has this name; a model on the hub may.
        (Err(error), Some(on_hub)) => {
            let fetched = base::fetched(&on_hub, Want::Model);
            return fetched.map(Found::Folder).map_err(|why| Failure(format!("{error} {why}")));
        }
        (Err(error), None) => return Err(error.into()),
    };
    let (_, path) = run.model(step)?;
    Ok(Found::Checkpoint(run, path))
}

impl Found {
    /// The task that it was trained on, if known.
    pub fn task(&self) -> Option<&'static Family> {
        Some(self.run_config()?.puzzles.task)
    }

    /// The configuration of its run, if it is a checkpoint of one.
    pub(crate) fn run_config(&self) -> Option<Config> {
        match self {
            Found::Checkpoint(run, _) => Some(run.config().ok()?.config),
            Found::Embedded | Found::Folder(_) => None,
        }
    }

    /// Whether its answers end right after their closing tag under this `stop`.
    ///
    /// # Errors
    /// If its tokenizer cannot be read.
    pub(crate) fn stops_at_answer(&self, stop: StopAt, loaded: &LoadedModel) -> Result<bool, Failure> {
        Ok(match self {
            Found::Embedded => stop.is_answer(),
            Found::Folder(path) | Found::Checkpoint(_, path) => {
                let tokenizer = loaded.read_tokenizer()?;
                origin::stops_at_answer(stop, path, &loaded.tokenizer, &tokenizer)
            }
        })
    }

    /// How it is asked under the `prompt` of a configuration, which is no longer `auto` then; the text of a prompt's
    /// file, if it is one.
    ///
    /// # Errors
    /// If its tokenizer or that file cannot be read.
    pub fn prompt(&self, config: &mut Config, loaded: &LoadedModel) -> Result<Option<String>, Failure> {
        let given = config.asking.prompt.clone();
        config.asking.prompt = match self {
            Found::Embedded => given.clone().of_a_run(),
            Found::Folder(path) | Found::Checkpoint(_, path) => {
                let tokenizer = loaded.read_tokenizer()?;
                origin::prompt_of(&given, path, &loaded.companions, &loaded.tokenizer, &tokenizer)
            }
        };
        Ok(origin::prompt_text(&config.asking.prompt, &given, &loaded.companions)?)
    }

    /// Where it is; which embedded model it is depends on the task and its level.
    pub(crate) fn source(&self, puzzles: &Puzzles) -> ModelSource<'_> {
        match self {
            Found::Embedded => ModelSource::Embedded(puzzles.base()),
            Found::Folder(path) | Found::Checkpoint(_, path) => ModelSource::Folder(path),
        }
    }

    /// Loads it.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn load(&self, puzzles: &Puzzles, device: &Device) -> Result<LoadedModel, Failure> {
        let loaded = self.source(puzzles).load(device)?;
        loaded.notes.iter().for_each(output::say);
        Ok(loaded)
    }
}
