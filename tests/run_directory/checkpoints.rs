//! Checkpoints that are whole, broken, cut off and replaced.

use std::{fs, io, path::Path};

use aha_lab::runs::{CheckpointWriter, JournalPosition, TrainingState, checkpoint, newest_valid, verify};

use super::*;

fn write_checkpoint(folder: &Path, step: u64, weights: &[u8]) -> checkpoint::Checkpoint {
    let mut writer = CheckpointWriter::begin(folder, step).unwrap();
    writer.write_with("model.safetensors", |file| file.write_all(weights)).unwrap();
    for (name, content) in [("optimizer.f32", "moments"), ("config.json", "{}"), ("tokenizer.json", "{}")] {
        writer.write_bytes(name, content.as_bytes()).unwrap();
    }
    writer.write_bytes("state.json", &state(JournalPosition::default()).to_json().unwrap()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_checkpoint_is_whole_named_by_its_step_and_verifies() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let folder = run.checkpoints_path();
    let written = write_checkpoint(&folder, 120, b"weights");
    assert_eq!(written.path, folder.join("step-000120"));
    assert_eq!(verify(&written.path).unwrap(), written.manifest);
    let entry = &written.manifest.files["model.safetensors"];
    assert_eq!(entry.bytes, 7);
    // `printf weights | sha256sum`
    assert_eq!(entry.sha256, "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c");
    assert_eq!(TrainingState::load(&written.path).unwrap(), state(JournalPosition::default()));
    assert_eq!(run.checkpoint(Some(120)).unwrap(), written);
    assert_eq!(run.checkpoint(None).unwrap(), written);
    let message = run.checkpoint(Some(7)).unwrap_err().to_string();
    assert!(
        message.contains("of step 7") && message.contains("Checkpoints exist for steps 120"),
        "{message}"
    );
}

#[test]
fn every_kind_of_damage_is_found_and_the_file_named() {
    let root = tempfile::tempdir().unwrap();
    let path = write_checkpoint(root.path(), 3, b"some weights").path;
    for name in ["model.safetensors", "optimizer.f32", "state.json", "manifest.json"] {
        let file = path.join(name);
        let good = fs::read(&file).unwrap();
        let must_name = |what: &str| {
            let message = verify(&path).expect_err(what).to_string();
            assert!(message.contains(name), "{what} of {name}: {message}");
        };
        // One bit of every byte; white space between JSON tokens of the manifest carries nothing.
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1 << (at % 8);
            let is_space = |byte: u8| byte.is_ascii_whitespace();
            if name == "manifest.json" && is_space(good[at]) && is_space(flipped[at]) {
                continue;
            }
            fs::write(&file, &flipped).unwrap();
            must_name(&format!("bit flip in byte {at}"));
        }
        for length in [0, good.len() / 2, good.len() - 1] {
            fs::write(&file, &good[..length]).unwrap();
            must_name(&format!("cut to {length} bytes"));
        }
        fs::write(&file, [&good[..], b"x"].concat()).unwrap();
        must_name("one byte more");
        fs::remove_file(&file).unwrap();
        must_name("missing");
        fs::write(&file, &good).unwrap();
        verify(&path).unwrap();
    }
    // Under the name of another step it is not what it says it is.
    let renamed = root.path().join("step-000004");
    fs::rename(&path, &renamed).unwrap();
    assert!(verify(&renamed).unwrap_err().to_string().contains("it is of step 3"));
}

#[test]
fn the_newest_whole_checkpoint_is_taken_and_broken_ones_reported() {
    let root = tempfile::tempdir().unwrap();
    assert!(newest_valid(&root.path().join("nowhere")).0.is_none());
    for step in [20, 40, 1_000_000] {
        write_checkpoint(root.path(), step, b"weights");
    }
    fs::write(root.path().join("step-1000000/model.safetensors"), b"Weights").unwrap();
    fs::create_dir(root.path().join("step-000050.partial")).unwrap();
    fs::create_dir(root.path().join("notes")).unwrap();
    fs::write(root.path().join("step-000060"), b"a file").unwrap();
    let (newest, invalid) = newest_valid(root.path());
    assert_eq!(newest.unwrap().step, 40);
    assert_eq!(invalid.len(), 1);
    assert!(invalid[0].path.ends_with("step-1000000"));
    assert!(invalid[0].error.to_string().contains("model.safetensors is broken: its content was changed"));
    assert_eq!(
        checkpoint::list(root.path()).iter().map(|found| found.0).collect::<Vec<_>>(),
        [20, 40, 1_000_000]
    );
}

#[test]
fn an_unfinished_checkpoint_leaves_nothing_and_a_leftover_is_cleared() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = CheckpointWriter::begin(root.path(), 5).unwrap();
    writer.write_bytes("model.safetensors", b"half").unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

    let mut writer = CheckpointWriter::begin(root.path(), 5).unwrap();
    let error = writer.write_with("model.safetensors", |file| {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert!(error.unwrap_err().to_string().contains("Free some space"));
    drop(writer);

    fs::create_dir(root.path().join("step-000005.partial")).unwrap();
    fs::write(root.path().join("step-000005.partial/model.safetensors"), b"from a crash").unwrap();
    let written = write_checkpoint(root.path(), 5, b"whole");
    assert_eq!(fs::read(written.path.join("model.safetensors")).unwrap(), b"whole");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn a_checkpoint_of_the_same_step_is_replaced_and_the_old_one_is_found_until_then() {
    let root = tempfile::tempdir().unwrap();
    let first = write_checkpoint(root.path(), 5, b"first");
    let second = write_checkpoint(root.path(), 5, b"second");
    assert_eq!(first.path, second.path);
    assert_eq!(fs::read(second.path.join("model.safetensors")).unwrap(), b"second");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    // As a crash between the two renames leaves it.
    let aside = root.path().join("step-000005.replaced");
    fs::rename(&second.path, &aside).unwrap();
    assert_eq!(newest_valid(root.path()).0.unwrap().path, aside);
    write_checkpoint(root.path(), 5, b"third");
    let found = newest_valid(root.path()).0.unwrap();
    assert_eq!(fs::read(found.path.join("model.safetensors")).unwrap(), b"third");
}

#[test]
fn file_names_that_lead_elsewhere_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = CheckpointWriter::begin(root.path(), 5).unwrap();
    for bad in ["../x", "a/b", "", ".hidden", "manifest.json", "a\\b", "c:x"] {
        assert!(writer.write_bytes(bad, b"").is_err(), "{bad}");
    }
    writer.write_bytes("a", b"").unwrap();
    assert!(writer.write_bytes("a", b"").unwrap_err().to_string().contains("already been written"));
}

#[test]
fn a_broken_state_is_a_sentence_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.json");
    let good = String::from_utf8(state(JournalPosition::default()).to_json().unwrap()).unwrap();
    for (from, to, says) in [
        ("\"learning_rate\"", "\"lerning_rate\"", "nearest known one is `learning_rate`"),
        ("\"3x20\"", "\"9x99\"", "`level` cannot be `9x99`"),
        ("\"step\": 120", "\"step\": -1", "invalid value"),
        ("1500000000000", "many", "`many` is not a number"),
        ("{", "", "expected"),
    ] {
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let message = TrainingState::load(root.path()).unwrap_err().to_string();
        assert!(message.contains("state.json") && message.contains(says), "{message}");
    }
}
