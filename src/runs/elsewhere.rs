//! The models of a run, whichever engine trained it. Another engine keeps its checkpoints where it likes, as
//! `checkpoint-STEP`, and says where in the run's `config.toml`; a run that was brought here with the rest of its project
//! has them beside it.

use std::path::{Path, PathBuf};

use super::{
    checkpoint,
    directory::RunDirectory,
    error::{CheckpointError, RunError},
};
use crate::{
    model::{cached, finding},
    record::OtherEngine,
};

/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 100_000;

impl RunDirectory {
    /// The engine that trained it, if it is not this one.
    pub fn other_engine(&self) -> Option<OtherEngine> {
        self.config().ok()?.provenance?.engine
    }

    /// Its models by step, oldest first; 0 is what it began from. They are not verified.
    pub fn models(&self) -> Vec<(u64, PathBuf)> {
        match self.other_engine() {
            None => checkpoint::list(&self.checkpoints_path()),
            Some(engine) => {
                let began = began(self, &engine).map(|path| (0, path));
                began.into_iter().chain(checkpoints(self, &engine)).collect()
            }
        }
    }

    /// The model of a step, or the newest. One of this program's own checkpoints is verified.
    ///
    /// # Errors
    /// If there is none of this step, or it is broken.
    pub fn model(&self, step: Option<u64>) -> Result<(u64, PathBuf), RunError> {
        let Some(engine) = self.other_engine() else {
            let found = self.checkpoint(step)?;
            return Ok((found.step, found.path));
        };
        let mut models = self.models();
        let at = match step {
            None => models.len().checked_sub(1).filter(|at| models[*at].0 > 0),
            Some(step) => models.iter().position(|(of, _)| *of == step),
        };
        match at {
            Some(at) => Ok(models.swap_remove(at)),
            None => {
                let path = match engine.checkpoints.is_empty() {
                    true => self.path().to_owned(),
                    false => PathBuf::from(engine.checkpoints),
                };
                let others_there = models.into_iter().map(|(step, _)| step).collect();
                Err(CheckpointError::None { path, step, others_there }.into())
            }
        }
    }
}

/// The checkpoints of the first place that has any: where the engine says, in the run directory, and beside the folder of
/// runs, where a project that was copied has them.
fn checkpoints(run: &RunDirectory, engine: &OtherEngine) -> Vec<(u64, PathBuf)> {
    let home = std::fs::canonicalize(run.path()).unwrap_or_else(|_| run.path().to_owned());
    let said = Path::new(&engine.checkpoints);
    let beside = || Some(home.parent()?.parent()?.join(said.file_name()?));
    let places = [(!engine.checkpoints.is_empty()).then(|| home.join(said)), Some(home.clone()), beside()];
    places
        .into_iter()
        .flatten()
        .map(|place| of_folder(&place))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// The models `checkpoint-STEP` of a folder, oldest first.
fn of_folder(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST_ENTRIES);
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let step = path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()?;
            (step > 0 && finding::is_meant(&path)).then_some((step, path))
        })
        .collect();
    found.sort();
    found.dedup_by_key(|(step, _)| *step);
    found
}

/// What the run began from: a folder, or a model of the hub that is in the cache.
fn began(run: &RunDirectory, engine: &OtherEngine) -> Option<PathBuf> {
    if engine.model.is_empty() {
        return None;
    }
    let said = Path::new(&engine.model);
    let beside = || Some(run.path().parent()?.parent()?.join(said.file_name()?));
    let places = [said.is_absolute().then(|| said.to_owned()), cached::find(&engine.model, "main"), beside()];
    places.into_iter().flatten().find(|place| finding::is_meant(place))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    /// A project that was trained elsewhere: a run in `runs`, checkpoints in `out`, and its base.
    fn project(home: &Path, said: &str) -> RunDirectory {
        let run = home.join("runs/run");
        fs::create_dir_all(&run).unwrap();
        let config = format!(
            "schema_version = 1\n[provenance]\nmodel_hash = \"\"\nprogram_version = \"0\"\nbackend = \"cpu\"\ncreated = \
             \"2026-01-01T00:00:00Z\"\n[provenance.engine]\nname = \"TRL\"\nmodel = \"elsewhere/base\"\ncheckpoints = \"{said}\"\n"
        );
        fs::write(run.join("config.toml"), config).unwrap();
        for (folder, file) in [
            ("base", "config.json"),
            ("out/checkpoint-20", "model.safetensors"),
            ("out/checkpoint-100", "adapter_config.json"),
            ("out/checkpoint-3", "README.md"),
            ("out/checkpoint-x", "config.json"),
        ] {
            fs::create_dir_all(home.join(folder)).unwrap();
            fs::write(home.join(folder).join(file), "{}").unwrap();
        }
        RunDirectory::open(&run).unwrap()
    }

    #[test]
    fn checkpoints_are_found_where_the_engine_says_and_beside_a_copied_run() {
        let home = tempfile::tempdir().unwrap();
        let named = home.path().join("out");
        for said in [named.to_str().unwrap(), "/somewhere/else/out"] {
            let run = project(home.path(), said);
            let steps: Vec<u64> = run.models().into_iter().map(|(step, _)| step).collect();
            assert_eq!(steps, [0, 20, 100], "{said}");
            assert!(run.model(None).unwrap().1.ends_with("out/checkpoint-100"));
            assert!(run.model(Some(0)).unwrap().1.ends_with("base"));
            let missing = run.model(Some(7)).unwrap_err().to_string();
            assert!(missing.contains('7') && missing.contains("20"), "{missing}");
        }
    }

    #[test]
    fn a_run_without_any_says_so() {
        let home = tempfile::tempdir().unwrap();
        let run = project(home.path(), "");
        fs::remove_dir_all(home.path().join("out")).unwrap();
        assert_eq!(run.models().len(), 1);
        assert!(run.model(None).is_err());
    }
}
