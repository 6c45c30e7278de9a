//! An hour of the screen under as many events as an engine can tell: memory, keys, and what is dropped. And one of a
//! headless run: memory.

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
    let mut lab = Lab::start_scripted(&["--pace", "0"], folder.path());
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

/// Most that memory of a headless run may grow by with a step, bytes: nothing is kept of a step, and this is what the
/// allocator needs to show it. What one step measured has 350.
const MOST_A_HEADLESS_STEP: f64 = 64.0;

/// `AHA_SOAK_MINUTES=60 cargo test --release --test program a_soak_without_a_screen -- --ignored --nocapture`
#[test]
#[ignore = "an hour; see its comment"]
fn a_soak_without_a_screen() {
    let minutes = std::env::var("AHA_SOAK_MINUTES").ok().and_then(|n| n.parse().ok()).unwrap_or(60.0);
    let whole = Duration::from_secs_f64(60.0 * minutes);
    let folder = TempDir::new().unwrap();
    // As small as steps get; whatever else a run does now and then is done too.
    let few = [
        "prompts_per_step=1",
        "group_size=2",
        "max_new_tokens=2",
        "checkpoint_every=20000",
        "evaluate_every=5000",
    ];
    let mut command = super::headless(folder.path(), 100_000_000);
    command.args(few.iter().flat_map(|pair| ["--set", pair]));
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let mut memory: Vec<(f64, f64)> = Vec::new();
    while began.elapsed() < whole {
        thread::sleep(Duration::from_secs(1));
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        let run = aha_lab::runs::RunDirectory::list(folder.path()).unwrap().pop();
        let steps = run.and_then(|run| last_step(&run.metrics_path()));
        memory.extend(steps.map(|step| (step, resident(child.id()))));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let (from, to) = (memory[memory.len() / 3], memory[memory.len() - 1]);
    let a_step = (to.1 - from.1) / (to.0 - from.0).max(1.0);
    eprintln!(
        "{minutes} minutes, {} steps: {:.1} MB at a third (step {}), {:.1} MB at the end, {a_step:.1} bytes a step",
        to.0,
        from.1 / 1e6,
        from.0,
        to.1 / 1e6
    );
    assert!(a_step < MOST_A_HEADLESS_STEP, "memory grows by {a_step:.1} bytes a step");
}

/// The step of the last whole line of a run's metrics.
fn last_step(metrics: &std::path::Path) -> Option<f64> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = fs::File::open(metrics).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(8192))).ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let end = String::from_utf8_lossy(&end).into_owned();
    let line = end.strip_suffix('\n').unwrap_or_else(|| end.rsplit_once('\n').map_or("", |(whole, _)| whole));
    number(line.rsplit('\n').next()?.split(',').next()?)
}
