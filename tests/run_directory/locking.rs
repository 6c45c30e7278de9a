//! Who may write a run: its owner, one process at a time, whatever others do to the lock.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_but_its_owner_can_open_the_lock() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let lock = run.path().join("run.lock");
    drop(RunLock::acquire(run.path()).unwrap());
    assert_eq!(mode(&lock), 0o600);
    // As earlier programs made it.
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    drop(RunLock::acquire(run.path()).unwrap());
    assert_eq!(mode(&lock), 0o600);
}

#[test]
fn a_lock_file_that_others_may_open_is_replaced_unless_a_writer_holds_it() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let (lock, pid) = (run.path().join("run.lock"), run.path().join("run.pid"));
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    let strangers = fs::File::open(&lock).unwrap();
    strangers.lock().unwrap();
    // A program of before the lock was private, at work.
    fs::write(&pid, std::process::id().to_string()).unwrap();
    let said = RunLock::acquire(run.path()).unwrap_err().to_string();
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    // Nobody is at work: whoever holds it only does so to keep others out.
    fs::remove_file(&pid).unwrap();
    let held = RunLock::acquire(run.path()).unwrap();
    assert_eq!(mode(&lock), 0o600);
    drop(strangers);
    assert!(run.is_live() && RunLock::acquire(run.path()).is_err());
    drop(held);
    assert!(!run.is_live());
}

#[test]
fn a_directory_that_somebody_keeps_locked_keeps_nobody_out() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let strangers = fs::File::open(run.path()).unwrap();
    strangers.lock().unwrap();
    let held = RunLock::acquire(run.path()).unwrap();
    assert!(run.is_live());
    drop(held);
    assert!(!run.is_live());
}

/// Only root can try this: a process of another user, in a directory that it may write.
#[test]
fn a_process_of_another_user_is_refused() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tested: only root may start a process of another user");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    drop(RunLock::acquire(run.path()).unwrap());
    for folder in [root.path(), run.path()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let program = root.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let lock = run.path().join("run.lock");
    for (owner, mode) in [(0, 0o600), (0, 0o666)] {
        std::os::unix::fs::chown(&lock, Some(owner), None).unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(mode)).unwrap();
        let output = Command::new(&program)
            .args(["--exact", "child_that_holds_a_lock", "--ignored", "--nocapture"])
            .env(LOCK_IN_CHILD, run.path())
            .stdin(Stdio::null())
            .uid(65534)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains("\nlocked"), "{mode:o}: {said}");
        let why = if mode == 0o600 { "Permission denied" } else { "ForeignLock" };
        assert!(said.contains(why), "{mode:o}: {said}");
    }
    RunLock::acquire(run.path()).unwrap();
}
