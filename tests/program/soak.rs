//! An hour of the screen under as many events as an engine can tell: memory, keys, and what is dropped.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::pty::Lab;

/// How often a key is pressed and memory looked at.
const EVERY: Duration = Duration::from_millis(500);
/// Longest that a key may take to be seen on screen.
const MOST_LAG: Duration = Duration::from_millis(50);
/// Most that memory may grow by with a step once the transcripts are full, bytes. What is kept of the steps is bounded, so
/// this is room for the allocator; a step's own figures would be ten times as much.
const MOST_A_STEP: f64 = 64.0;

/// Resident memory of a process, bytes.
fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    1024.0 * line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
}

/// The digits of a text as one number.
fn number(text: &str) -> Option<f64> {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// The step in the first line of the screen, `… step 77  00:12`.
fn step_of(screen: &str) -> Option<f64> {
    number(screen.lines().next()?.split("step ").nth(1)?.split(' ').next()?)
}

/// `… 12,345 streamed tokens not shown …`.
fn dropped_of(screen: &str) -> Option<f64> {
    let line = screen.lines().find(|line| line.contains(" streamed tokens not shown"))?;
    number(line.split(" streamed").next()?.rsplit(' ').next()?)
}

/// `AHA_SOAK_MINUTES=60 cargo test --release --test program a_soak_of_events -- --ignored --nocapture`
#[test]
#[ignore = "an hour; see its comment"]
fn a_soak_of_events() {
    let minutes = std::env::var("AHA_SOAK_MINUTES").ok().and_then(|n| n.parse().ok()).unwrap_or(60.0);
    let whole = Duration::from_secs_f64(60.0 * minutes);
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::start(&["run", "--scripted", "--scripted-pace", "0"], folder.path());
    lab.until("the first steps", |screen| screen.contains("step 5"));
    let process = lab.child.process_id().unwrap();
    let began = Instant::now();
    let (mut lags, mut memory, mut dropped) = (Vec::new(), Vec::new(), 0.0_f64);
    let mut told = 0;
    while began.elapsed() < whole {
        // The help opens and closes: each is a key that must be seen.
        for (key, open) in [("?", true), ("\x1b", false)] {
            let pressed = Instant::now();
            lab.press(key);
            while lab.screen().contains("this help") != open {
                assert!(pressed.elapsed() < Duration::from_secs(30), "a key was lost\n{}", lab.screen());
                thread::sleep(Duration::from_micros(500));
            }
            lags.push(pressed.elapsed());
            thread::sleep(EVERY);
        }
        let screen = lab.screen();
        memory.extend(step_of(&screen).map(|step| (step, resident(process))));
        dropped = dropped_of(&screen).unwrap_or(dropped);
        let minute = began.elapsed().as_secs() / 60;
        if minute > told {
            told = minute;
            let (step, bytes) = *memory.last().unwrap();
            let late = lags.iter().filter(|lag| **lag > MOST_LAG).count();
            let megabytes = bytes / 1e6;
            eprintln!(
                "{minute} min: step {step}, {megabytes:.1} MB, {dropped} tokens dropped, {late} of {} keys late",
                lags.len()
            );
        }
    }
    lab.press("q");
    lab.ended();
    lab.assert_restored();

    lags.sort();
    let at = |share: f64| lags[((lags.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let [median, most, last] = [0.5, 0.99, 1.0].map(at);
    // From a third of the time on: the transcripts are full by then.
    let (from, to) = (memory[memory.len() / 3], memory[memory.len() - 1]);
    let a_step = (to.1 - from.1) / (to.0 - from.0).max(1.0);
    eprintln!(
        "{minutes} minutes, {} steps: {:.1} MB at a third, {:.1} MB at the end, {a_step:.0} bytes a step; {dropped} \
         tokens dropped; a key after {median:.1} ms, 99 % within {most:.1} ms, all within {last:.1} ms",
        to.0,
        from.1 / 1e6,
        to.1 / 1e6
    );
    assert!(dropped > 0.0, "at the top rate tokens are dropped, and the screen says how many");
    assert!(a_step < MOST_A_STEP, "memory grows by {a_step:.0} bytes a step");
    assert!(most < MOST_LAG.as_secs_f64() * 1e3, "one key in a hundred takes longer than {most:.1} ms");
}
