//! A disk that takes no more: the limit on file sizes stands for it, and a small file system of its own where
//! this machine lets us mount one.

use std::{fs, path::Path, process::Command};

use aha_lab::runs::RunDirectory;
use tempfile::TempDir;

use super::{checkpoint, headless, lab, metrics, only_run, outcome, succeeds, text};

/// The same command, in a shell under which no file grows beyond this many blocks of 512 bytes. The signal that is sent to
/// whoever writes beyond is not ignored here: it must not end the program.
fn limited(command: &Command, blocks: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]);
    shell.arg(command.get_program()).args(command.get_args()).stdin(std::process::Stdio::null());
    shell
}

/// Runs a command that must end with code 1 for want of space, and says so.
fn fails_for_space(command: &mut Command, named: &str) {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked") && said.contains(named) && said.contains("write"), "{said}");
    assert!(said.contains("ulimit -f"), "{said}");
    assert!(said.lines().count() <= 6 && said.lines().all(|line| line.ends_with('.')), "{said}");
}

fn resume(runs: &Path, run: &RunDirectory, steps: u64) -> Command {
    let mut command = lab(&["run", "--headless", "--resume", &run.name(), "--steps", &steps.to_string()]);
    command.arg("--runs").arg(runs);
    command
}

#[test]
fn a_checkpoint_that_does_not_fit_ends_the_run_and_the_one_before_stays() {
    let (root, straight) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    succeeds(&mut headless(root.path(), 1));
    let run = only_run(root.path());
    // The logs of two steps fit, the weights do not.
    fails_for_space(&mut limited(&resume(root.path(), &run, 2), 256), "model.safetensors");
    assert_eq!(metrics(&run).len(), 2, "the second step is journalled");
    by_itself(&run);
    aha_lab::runs::verify(&checkpoint(&run, 1)).unwrap();
    let mut left: Vec<_> =
        fs::read_dir(run.checkpoints_path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["step-000000", "step-000001"]);

    succeeds(&mut resume(root.path(), &run, 2));
    succeeds(&mut headless(straight.path(), 2));
    super::assert_same(&outcome(&run, 2), &outcome(&only_run(straight.path()), 2), "after a full disk");
}

/// What is said to be done by a person was: nobody was there.
fn by_itself(run: &RunDirectory) {
    let events = super::engine::events(run);
    assert!(events.iter().all(|event| !event.detail.contains("person")), "{events:?}");
    assert!(events.iter().any(|event| event.detail.contains("by itself")), "{events:?}");
}

#[test]
fn no_step_is_trained_before_the_first_checkpoint_is_there() {
    let (root, straight) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fails_for_space(&mut limited(&headless(root.path(), 3), 256), "model.safetensors");
    let run = only_run(root.path());
    assert!(metrics(&run).is_empty() && fs::read(run.rollouts_path()).unwrap().is_empty());
    assert_eq!(fs::read_dir(run.checkpoints_path()).unwrap().count(), 0);
    by_itself(&run);

    succeeds(&mut resume(root.path(), &run, 2));
    succeeds(&mut headless(straight.path(), 2));
    super::assert_same(&outcome(&run, 2), &outcome(&only_run(straight.path()), 2), "begun on a full disk");
}

/// The logs of many steps fit, so that it is not they that end the run.
#[test]
fn a_checkpoint_that_stays_refused_ends_the_run_whatever_else_is_written() {
    let root = TempDir::new().unwrap();
    succeeds(headless(root.path(), 1).args(["--set", "checkpoint_every=2"]));
    let run = only_run(root.path());
    fails_for_space(&mut limited(&resume(root.path(), &run, 9), 256), "model.safetensors");
    assert_eq!(metrics(&run).len(), 2, "it went on without the checkpoint of step 2");
    by_itself(&run);
}

#[test]
fn a_journal_that_does_not_fit_ends_the_run_at_a_whole_line() {
    let root = TempDir::new().unwrap();
    succeeds(headless(root.path(), 1).args(["--set", "checkpoint_every=0"]));
    let run = only_run(root.path());
    fails_for_space(&mut limited(&resume(root.path(), &run, 50), 64), "rollouts.jsonl");
    let rollouts = fs::read(run.rollouts_path()).unwrap();
    let steps = metrics(&run).len();
    assert!(steps > 1 && rollouts.ends_with(b"\n"));
    assert_eq!(rollouts.iter().filter(|byte| **byte == b'\n').count(), 8 * steps, "whole steps only");
}

#[test]
fn an_export_that_does_not_fit_says_so() {
    let root = TempDir::new().unwrap();
    let mut export = lab(&["export", "embedded"]);
    export.arg(root.path().join("model"));
    let output = limited(&export, 64).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("model.safetensors") && !said.contains("panicked"), "{said}");
}

/// A file system of a few MB, while this lives.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `None` where we may not mount.
    pub fn mount(megabytes: u32) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_really_full_disk_says_that_space_is_what_is_missing() {
    let Some(disk) = SmallDisk::mount(24) else {
        eprintln!("not tested: this machine does not let us mount a small file system");
        return;
    };
    let runs = disk.0.path();
    succeeds(&mut headless(runs, 1));
    let run = only_run(runs);
    // Room for the logs, not for another checkpoint.
    fs::write(runs.join("filler"), vec![0; 8 << 20]).unwrap();
    let output = resume(runs, &run, 2).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Free some space") && !said.contains("panicked"), "{said}");
    aha_lab::runs::verify(&checkpoint(&run, 1)).unwrap();
    assert_eq!(metrics(&run).len(), 2);

    // Room for nothing at all.
    fs::write(runs.join("more"), vec![0; 24 << 20]).unwrap_err();
    let output = resume(runs, &run, 3).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Free some space") && !said.contains("panicked"), "{said}");

    fs::remove_file(runs.join("filler")).unwrap();
    fs::remove_file(runs.join("more")).unwrap();
    succeeds(&mut resume(runs, &run, 2));
    outcome(&run, 2);
}
