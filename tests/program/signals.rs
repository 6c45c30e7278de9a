//! Signals to the program in its terminal: none leaves the terminal in another state than it was found in.

use std::{thread, time::Duration};

use portable_pty::PtySize;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use super::pty::{Lab, assert_intact};

fn send(lab: &Lab, signal: Signal) {
    let process = lab.child.process_id().unwrap();
    kill_process(Pid::from_raw(process as i32).unwrap(), signal).unwrap();
}

#[test]
fn interrupt_and_hang_up_signals_end_it_safely() {
    for signal in [Signal::INT, Signal::HUP] {
        let folder = TempDir::new().unwrap();
        let mut lab = Lab::run(folder.path(), &[]);
        lab.until("a second step", |screen| screen.contains("step 2"));
        send(&lab, signal);
        assert_eq!(lab.ended(), 130, "{signal:?}");
        lab.assert_restored();
        assert!(assert_intact(folder.path()) >= 1);
    }
}

/// Ctrl+Z and fg, from a shell and from outside: while the program is stopped the shell has its terminal back.
#[test]
fn a_suspended_program_gives_the_terminal_back_and_takes_it_again() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::start_scripted_in_shell(&["--pace", "5"], folder.path());
    let group = Pid::from_raw(lab.child.process_id().unwrap() as i32).unwrap();
    lab.until("the first steps", |screen| screen.contains("step 2"));
    for how in ["key", "signal", "key"] {
        match how {
            "key" => lab.press("\x1a"),
            _ => kill_process_group(group, Signal::TSTP).unwrap(),
        }
        lab.assert_restored();
        kill_process_group(group, Signal::CONT).unwrap();
        let began = std::time::Instant::now();
        while !lab.has_terminal() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the terminal is not taken again after a {how}"
            );
            thread::sleep(Duration::from_millis(10));
        }
        lab.until("the whole picture", |screen| screen.contains(" Live ") && screen.contains("live"));
    }
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}

#[test]
fn a_key_that_is_pressed_while_the_size_changes_is_not_lost() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::start_scripted(&["--pace", "20"], folder.path());
    lab.until("the first steps", |screen| screen.contains("step 2"));
    for turn in 0..300_u16 {
        let size = PtySize { rows: 36, cols: 119 + turn % 2, pixel_width: 0, pixel_height: 0 };
        lab.master.as_ref().unwrap().resize(size).unwrap();
        // It opens the help and closes it. Not Escape: with what follows it, it would be another key.
        lab.press("?");
        lab.until(&format!("the key of turn {turn}"), |screen| {
            screen.contains("this help") == (turn % 2 == 0)
        });
    }
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}

#[test]
fn stops_continuations_and_a_storm_of_sizes_are_lived_through() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::run(folder.path(), &[]);
    lab.until("a second step", |screen| screen.contains("step 2"));
    // It leads its session, so there is no shell that could continue it.
    send(&lab, Signal::TSTP);
    lab.shows("there is no shell to return to");
    // Stopped and continued from outside, at once and again.
    for _ in 0..5 {
        send(&lab, Signal::STOP);
        send(&lab, Signal::CONT);
    }
    let whole = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
    for turn in 0..300_u16 {
        let size = PtySize { rows: 1 + turn % 60, cols: 1 + (turn * 7) % 200, ..whole };
        lab.master.as_ref().unwrap().resize(size).unwrap();
        send(&lab, Signal::WINCH);
        if turn % 50 == 0 {
            thread::sleep(Duration::from_millis(40));
        }
    }
    lab.master.as_ref().unwrap().resize(whole).unwrap();
    lab.press(" ");
    lab.shows("paused");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    assert!(assert_intact(folder.path()) >= 1);
}

/// The process's state as the system names it: `T` is stopped.
#[cfg(target_os = "linux")]
fn state_of(process: Pid) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

/// Ctrl+Z and fg without a screen.
#[test]
#[cfg(target_os = "linux")]
fn a_headless_run_is_stopped_and_goes_on() {
    use std::os::unix::process::CommandExt;
    let folder = TempDir::new().unwrap();
    // In a group of its own, as a shell starts it: the system stops no group that nobody could continue.
    let mut child = super::headless(folder.path(), 100_000)
        .process_group(0)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let process = Pid::from_child(&child);
    let steps = || {
        let runs = aha_lab::runs::RunDirectory::list(folder.path()).unwrap();
        runs.first().map_or(0, |run| std::fs::read(run.metrics_path()).map_or(0, |bytes| bytes.len()))
    };
    let wait_for = |what: &str, there: &dyn Fn() -> bool| {
        let began = std::time::Instant::now();
        while !there() {
            if began.elapsed() > Duration::from_secs(60) {
                let _ = kill_process(process, Signal::KILL);
                panic!("{what} does not come");
            }
            thread::sleep(Duration::from_millis(10));
        }
    };
    for _ in 0..2 {
        let before = steps();
        wait_for("a step", &|| steps() > before);
        kill_process(process, Signal::TSTP).unwrap();
        wait_for("the stop", &|| state_of(process) == 'T');
        let stopped = steps();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(steps(), stopped, "it went on although it is stopped");
        kill_process(process, Signal::CONT).unwrap();
    }
    let before = steps();
    wait_for("a step after the last stop", &|| steps() > before);
    kill_process(process, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    super::only_run(folder.path()).checkpoint(None).unwrap();
}
