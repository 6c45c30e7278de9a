//! Run directories and model folders that somebody else prepared: nothing outside them is written, and nothing in them
//! is waited for.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use aha_lab::runs::RunDirectory;
use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use super::{checkpoint, ends_in_time, headless, lab, only_run, resuming::contents, succeeds, text};

/// A run of one step.
fn run(root: &TempDir) -> RunDirectory {
    let runs = root.path().join("runs");
    succeeds(&mut headless(&runs, 1));
    only_run(&runs)
}

fn resume(run: &RunDirectory) -> Command {
    resume_to(run, 2)
}

fn resume_to(run: &RunDirectory, step: u64) -> Command {
    let mut command = lab(&["run", "--headless", "--steps", &step.to_string(), "--resume"]);
    command.arg(run.path());
    command
}

/// Ends with code 1 and sentences, of which one names the file.
fn refused(command: &mut Command, named: &str) -> String {
    let output = ends_in_time(command);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{named}: {said}");
    assert!(!said.contains("panicked") && said.trim_end().ends_with('.'), "{named}: {said}");
    assert!(said.contains(named), "{named}: {said}");
    said
}

fn pipe(path: &Path) {
    mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).unwrap();
}

/// Puts something in the place of a file or folder while it is judged.
fn instead(path: &Path, put: impl FnOnce(&Path), judge: impl FnOnce()) {
    let aside = path.with_extension("aside");
    let there = fs::symlink_metadata(path).is_ok();
    if there {
        fs::rename(path, &aside).unwrap();
    }
    put(path);
    judge();
    // It may have been replaced, which is the other way of leaving it alone.
    let _ = fs::remove_file(path);
    if there {
        fs::rename(aside, path).unwrap();
    }
}

/// Everything that a run writes, cuts, replaces or removes when it continues.
const WRITTEN: [&str; 11] = [
    "metrics.jsonl",
    "rollouts.jsonl",
    "events.jsonl",
    "pinned.jsonl",
    "engine.log",
    "run.lock",
    "run.lock.partial",
    "run.pid.partial",
    "checkpoints",
    "checkpoints/step-000002.partial",
    "checkpoints/step-000002",
];

#[test]
fn nothing_outside_a_run_directory_is_written_through_a_link() {
    let root = TempDir::new().unwrap();
    let run = run(&root);
    let (outside, victim) = (root.path().join("outside"), root.path().join("outside/victim"));
    for name in WRITTEN {
        let path = run.path().join(name);
        if name == "run.lock.partial" {
            // Made only where others may open the lock file.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(run.path().join("run.lock"), mode).unwrap();
        }
        // What is outside is what would be inside, so that nothing but the link is wrong.
        let there = path.exists();
        fs::create_dir(&outside).unwrap();
        match there {
            true => fs::rename(&path, &victim).unwrap(),
            false if name.contains("step") => fs::create_dir(&victim).unwrap(),
            false => fs::write(&victim, "not of this run").unwrap(),
        }
        if victim.is_dir() {
            fs::write(victim.join("kept"), "not of this run").unwrap();
        }
        symlink(&victim, &path).unwrap();
        let before = contents(&outside);
        let said = match name {
            "run.lock.partial" | "run.pid.partial" => refused(&mut resume(&run), ".partial"),
            name => refused(&mut resume(&run), name.rsplit('/').next().unwrap()),
        };
        assert!(said.contains("symbolic link"), "{name}: {said}");
        assert_eq!(contents(&outside), before, "{name}");
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{name}");
        fs::remove_file(&path).unwrap();
        let _ = fs::remove_file(victim.join("kept"));
        if there {
            fs::rename(&victim, &path).unwrap();
        }
        fs::remove_dir_all(&outside).unwrap();
    }
    // A checkpoint that is a link is skipped; the run remakes it from the one before, under a free name.
    let (path, moved) = (checkpoint(&run, 1), root.path().join("moved"));
    fs::rename(&path, &moved).unwrap();
    symlink(&moved, &path).unwrap();
    let before = contents(&moved);
    let said = text(&succeeds(&mut resume(&run)).stderr);
    assert!(said.contains("step-000001 is skipped") && said.contains("symbolic link"), "{said}");
    assert_eq!(contents(&moved), before);
}

#[test]
fn nothing_outside_a_run_directory_is_written_through_a_second_name() {
    let root = TempDir::new().unwrap();
    let run = run(&root);
    let outside = root.path().join("outside");
    for name in ["metrics.jsonl", "rollouts.jsonl", "events.jsonl", "pinned.jsonl", "engine.log", "run.lock"]
    {
        fs::hard_link(run.path().join(name), &outside).unwrap();
        let before = fs::read(&outside).unwrap();
        let said = refused(&mut resume(&run), name);
        assert!(said.contains("hard link"), "{said}");
        assert_eq!(fs::read(&outside).unwrap(), before, "{name}");
        fs::remove_file(&outside).unwrap();
    }
    succeeds(&mut resume(&run));
}

#[test]
fn a_measurement_is_kept_in_the_run_or_nowhere() {
    let root = TempDir::new().unwrap();
    let run = run(&root);
    let outside = root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let mut eval = lab(&["eval", "--count", "2", "--max-new-tokens", "4", "--backend", "cpu", "--record"]);
    eval.arg("--checkpoint").arg(run.path());
    symlink(&outside, run.frontier_path()).unwrap();
    let said = refused(&mut eval, "frontier");
    assert!(said.contains("symbolic link"), "{said}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn pipes_and_devices_in_a_run_directory_are_refused_at_once() {
    let root = TempDir::new().unwrap();
    let run = run(&root);
    let endless = |path: &Path| symlink("/dev/zero", path).unwrap();
    let ways: [&dyn Fn(&Path); 2] = [&pipe, &endless];
    let step = "checkpoints/step-000001";
    for put in ways {
        for name in ["config.toml", "metrics.jsonl", "rollouts.jsonl", "events.jsonl", "pinned.jsonl"] {
            instead(&run.path().join(name), put, || drop(refused(&mut resume(&run), name)));
        }
        for name in ["engine.log", "run.lock"] {
            instead(&run.path().join(name), put, || drop(refused(&mut resume(&run), name)));
        }
        instead(&run.path().join("run.pid.partial"), put, || drop(refused(&mut resume(&run), ".partial")));
        // Only a courtesy, and read only where the lock is held.
        instead(&run.path().join("run.pid"), put, || drop(succeeds(&mut resume_to(&run, 1))));
        for file in ["manifest.json", "optimizer.f32", "state.json", "model.safetensors", "tokenizer.json"] {
            let name = format!("{step}/{file}");
            instead(&run.path().join(&name), put, || {
                let mut export = lab(&["export"]);
                export.arg(format!("{}@1", run.path().display())).arg(root.path().join("model"));
                refused(&mut export, &name);
                let mut eval = lab(&["eval", "--count", "1", "--backend", "cpu", "--checkpoint"]);
                refused(eval.arg(format!("{}@1", run.path().display())), &name);
            });
        }
        instead(&run.rollouts_path(), put, || {
            refused(lab(&["analyze"]).arg(run.path()), "rollouts.jsonl");
            refused(lab(&["replay"]).arg(run.path()).arg("1"), "rollouts.jsonl");
        });
        instead(&run.path().join("config.toml"), put, || {
            let mut eval = lab(&["eval", "--count", "1", "--backend", "cpu", "--record", "--checkpoint"]);
            ends_in_time(eval.arg(run.path()));
        });
    }
    // One that is skipped is named, and the checkpoint before it is taken.
    instead(&checkpoint(&run, 1).join("optimizer.f32"), pipe, || {
        let output = ends_in_time(lab(&["replay"]).arg(run.path()).arg("1"));
        assert!(output.status.success(), "{}", text(&output.stderr));
    });
    fs::create_dir_all(run.frontier_path()).unwrap();
    pipe(&run.frontier_path().join("step-000001-0.json"));
    let output = ends_in_time(&mut resume(&run));
    let said = text(&output.stderr);
    assert!(
        output.status.success() && said.contains("step-000001-0.json is skipped: it is a pipe"),
        "{said}"
    );
}

#[test]
fn pipes_and_devices_that_are_named_are_refused_at_once() {
    let root = TempDir::new().unwrap();
    let (runs, fifo, folder) =
        (root.path().join("runs"), root.path().join("fifo"), root.path().join("model"));
    pipe(&fifo);
    for config in [fifo.as_path(), Path::new("/dev/zero"), root.path()] {
        let said = refused(headless(&runs, 1).arg("--config").arg(config), "cannot be used");
        assert!(said.contains("not a regular file"), "{said}");
    }
    succeeds(lab(&["export", "embedded"]).arg(&folder));
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        instead(&folder.join(name), pipe, || {
            refused(headless(&runs, 1).arg("--base").arg(&folder), name);
            let mut eval = lab(&["eval", "--count", "1", "--backend", "cpu", "--checkpoint"]);
            assert_eq!(ends_in_time(eval.arg(&folder)).status.code(), Some(1), "{name}");
            let mut play = lab(&["play", "--numbers", "4,1,16", "--target", "19", "--backend", "cpu"]);
            assert_eq!(ends_in_time(play.arg("--checkpoint").arg(&folder)).status.code(), Some(1), "{name}");
        });
    }
    // A folder to write into is another person's too.
    let target = root.path().join("target");
    fs::create_dir(&target).unwrap();
    pipe(&target.join("config.json"));
    refused(lab(&["export", "embedded"]).arg(&target), "config.json");
    assert!(!runs.exists() || fs::read_dir(&runs).unwrap().count() == 0, "a run was begun");

    let (out, step) = (root.path().join("base"), root.path().join("base/training/step-000001"));
    fs::create_dir_all(&step).unwrap();
    pipe(&step.join("manifest.json"));
    let pretrain = || {
        let mut command = lab(&["pretrain", "--updates", "1", "--threads", "1", "--puzzles", "1", "--out"]);
        command.arg(&out);
        command
    };
    refused(&mut pretrain(), "manifest.json");
    fs::remove_dir_all(&out).unwrap();
    let outside = root.path().join("outside");
    fs::create_dir_all(outside.join("step-000000")).unwrap();
    fs::create_dir(&out).unwrap();
    symlink(&outside, out.join("training")).unwrap();
    refused(&mut pretrain(), "training");
    assert!(outside.join("step-000000").is_dir());
}

/// What a person gives to be read line by line may be a pipe: that is what a shell makes of `<(…)`.
#[test]
fn lines_are_taken_from_pipes() {
    let root = TempDir::new().unwrap();
    let line = r#"{"numbers":[2,3],"target":6,"completion":"<answer> 2 * 3 </answer>"}"#;
    let fed = |mut command: Command, given: PathBuf| {
        pipe(&given);
        let writer = std::thread::spawn(move || fs::write(given, format!("{line}\n")).unwrap());
        let output = ends_in_time(&mut command);
        writer.join().unwrap();
        assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let with = |arguments: &[&str], path: &Path| {
        let mut command = lab(arguments);
        command.arg(path);
        command
    };
    for (number, arguments) in [&["score"][..], &["analyze"], &["analyze", "--summary"]].iter().enumerate() {
        let path = root.path().join(number.to_string());
        assert!(!fed(with(arguments, &path), path).is_empty());
    }
    let asked = ["eval", "--max-new-tokens", "4", "--backend", "cpu", "--json", "--puzzles"];
    let path = root.path().join("puzzles");
    let report: serde_json::Value = serde_json::from_str(&fed(with(&asked, &path), path)).unwrap();
    assert_eq!(report["puzzles"], 1);

    let mut command = with(&asked, Path::new("-"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(report["puzzles"], 1);
}
