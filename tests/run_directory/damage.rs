//! Every file of a run, torn, flipped or exchanged: found and named, never half loaded. The run is one that an
//! earlier program wrote, so that this says too that old runs keep opening.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aha_lab::runs::{Reader, RunDirectory, TrainingState, verify};
use tempfile::TempDir;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A copy of the stored run, to be damaged.
fn old_run() -> (TempDir, RunDirectory) {
    let root = TempDir::new().unwrap();
    copy(Path::new("tests/data/old-run"), root.path());
    let run = RunDirectory::find(root.path(), "written-by-0.1.0").unwrap();
    (root, run)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// A file torn at many places and with single bits flipped at many places.
fn damaged(bytes: &[u8]) -> Vec<Vec<u8>> {
    let places = |count: usize| (0..count).map(move |i| i * bytes.len() / count);
    let torn = places(40).map(|at| bytes[..at].to_vec());
    let flipped = places(80).map(|at| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bytes
    });
    torn.chain(flipped).collect()
}

#[test]
fn a_run_of_an_earlier_program_opens() {
    let (_root, run) = old_run();
    let config = run.config().unwrap();
    assert_eq!((config.config.sampling.group_size, config.config.machine.seed), (4, 4));
    let reader = Reader::new(&run);
    let steps: Vec<u64> = reader.metrics().unwrap().records.iter().map(|m| m.step).collect();
    assert_eq!(steps, [1, 2]);
    let rollouts = reader.rollouts().unwrap();
    assert!(rollouts.bad.is_empty() && rollouts.records.len() == 16);
    assert!(
        rollouts
            .records
            .iter()
            .all(|r| !r.problem.prompt.is_empty() && r.token_ids().len() == r.logprobs().len())
    );
    assert_eq!(reader.events().unwrap().records[0].event.name(), "started");
    let newest = run.checkpoint(None).unwrap();
    assert_eq!((newest.step, TrainingState::load(&newest.path).unwrap().step), (2, 2));
}

#[test]
fn every_damage_to_every_file_of_a_checkpoint_is_found_and_the_file_named() {
    let (_root, run) = old_run();
    let newest = run.checkpoint(Some(2)).unwrap().path;
    let older = run.checkpoint(Some(1)).unwrap().path;
    for path in files(&newest) {
        let (intact, name) = (fs::read(&path).unwrap(), path.file_name().unwrap().to_string_lossy());
        // The same file of another checkpoint is a damage too, where it differs.
        let exchanged = fs::read(older.join(&*name)).unwrap();
        for bytes in damaged(&intact).into_iter().chain([exchanged]).filter(|bytes| *bytes != intact) {
            fs::write(&path, &bytes).unwrap();
            let said = verify(&newest).unwrap_err().to_string();
            assert!(said.contains(&*name) && said.ends_with('.'), "{name}: {said}");
            // It is named, and the one before is taken.
            assert_eq!(run.checkpoint(None).unwrap().step, 1, "{name}");
        }
        fs::remove_file(&path).unwrap();
        assert!(verify(&newest).unwrap_err().to_string().contains(&*name));
        fs::write(&path, intact).unwrap();
        verify(&newest).unwrap();
    }
}

#[test]
fn a_manifest_that_leaves_out_what_a_run_needs_is_refused() {
    let (_root, run) = old_run();
    for needed in ["model.safetensors", "optimizer.f32", "config.json", "tokenizer.json", "state.json"] {
        let mut writer = aha_lab::runs::CheckpointWriter::begin(&run.checkpoints_path(), 3).unwrap();
        for path in files(&run.checkpoint(Some(2)).unwrap().path) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if name != needed && name != "manifest.json" {
                writer.write_bytes(name, &fs::read(&path).unwrap()).unwrap();
            }
        }
        let path = writer.finish().unwrap().path;
        let said = run.checkpoint(Some(3)).unwrap_err().to_string();
        assert!(said.contains(needed) && said.contains("does not list"), "{said}");
        assert_eq!(run.checkpoint(None).unwrap().step, 2, "without {needed}");
        fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn a_state_of_another_step_is_refused() {
    let (_root, run) = old_run();
    let (newest, older) = (run.checkpoint(Some(2)).unwrap().path, run.checkpoint(Some(1)).unwrap().path);
    fs::copy(older.join("state.json"), newest.join("state.json")).unwrap();
    let said = TrainingState::load(&newest).unwrap_err().to_string();
    assert!(said.contains("state.json") && said.contains("of step 1"), "{said}");
}

/// A flipped bit in a digit cannot be told; everything else of a line is either as it was or named as bad.
#[test]
fn damaged_logs_and_configurations_never_take_the_reader_down() {
    let (_root, run) = old_run();
    for path in files(run.path()) {
        let intact = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for bytes in damaged(&intact) {
            fs::write(&path, &bytes).unwrap();
            let reader = Reader::new(&run);
            let read = match name.as_str() {
                "config.toml" => {
                    if let Err(error) = run.config() {
                        let said = error.to_string();
                        assert!(said.contains("config.toml"), "{said}");
                    }
                    continue;
                }
                "metrics.jsonl" => {
                    reader.metrics().map(|log| (log.records.len(), log.bad_total as usize, log.torn))
                }
                "rollouts.jsonl" => {
                    reader.rollouts().map(|log| (log.records.len(), log.bad_total as usize, log.torn))
                }
                "events.jsonl" => {
                    reader.events().map(|log| (log.records.len(), log.bad_total as usize, log.torn))
                }
                other => panic!("a file that this test does not know: {other}"),
            };
            let (good, bad, torn) = read.unwrap();
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            let ragged = bytes.last().is_some_and(|byte| *byte != b'\n');
            let empty = bytes.split(|byte| *byte == b'\n').filter(|line| line.is_empty()).count();
            assert!(good + bad <= lines && good + bad + empty >= lines, "{name}: {good} + {bad} of {lines}");
            assert_eq!(torn, ragged, "{name}");
        }
        fs::write(&path, intact).unwrap();
    }
}

#[test]
fn a_configuration_of_a_newer_program_is_refused_by_its_version() {
    let (_root, run) = old_run();
    let path = run.path().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("schema_version = 2\nsomething_new = 1\n{text}")).unwrap();
    let said = run.config().unwrap_err().to_string();
    assert!(said.contains("config.toml") && said.contains("newer aha-lab"), "{said}");
    for broken in ["0", "-1", "\"one\"", "1.5"] {
        fs::write(&path, format!("schema_version = {broken}\n{text}")).unwrap();
        let said = run.config().unwrap_err().to_string();
        assert!(said.contains("schema_version"), "{said}");
    }
    fs::write(&path, format!("schema_version = 1\n{text}")).unwrap();
    run.config().unwrap();
}

#[test]
fn a_state_of_a_newer_program_is_refused_by_its_version() {
    let (_root, run) = old_run();
    let newest = run.checkpoint(Some(2)).unwrap().path;
    let path = newest.join("state.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("schema_version"), "the stored run is of before kinds were counted");
    let state = TrainingState::load(&newest).unwrap();
    fs::write(&path, state.to_json().unwrap()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"schema_version\": 1"));
    assert_eq!(TrainingState::load(&newest).unwrap(), state);
    fs::write(&path, r#"{"schema_version": 2, "something_new": 1}"#).unwrap();
    let said = TrainingState::load(&newest).unwrap_err().to_string();
    assert!(said.contains("state.json") && said.contains("newer aha-lab"), "{said}");
}
