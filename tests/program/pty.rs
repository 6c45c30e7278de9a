//! The whole program in a real terminal, key by key, and what it leaves behind however it is ended.

use std::{
    fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use aha_lab::runs::Reader;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{TINY, metrics, only_run, outcome};

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);
const ROWS: u16 = 36;
const COLUMNS: u16 = 120;

/// What has come out of the terminal so far.
struct Seen {
    screen: vt100::Parser,
    /// Whether the alternate screen was ever taken.
    taken: bool,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_aha-lab");

/// Where `cargo test` builds the example.
fn scripted() -> PathBuf {
    let program = Path::new(PROGRAM).with_file_name("examples").join("scripted");
    assert!(program.exists(), "build it first: cargo build --release --example scripted");
    program
}

/// The program in a terminal of its own. Dropping it ends the program, whatever it is doing.
pub struct Lab {
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    /// Held open so that the terminal's state can be read after the program has gone.
    slave: Option<Box<dyn portable_pty::SlavePty + Send>>,
    reader: Option<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
    hanging_up: Arc<AtomicBool>,
    /// The terminal's modes before the program began.
    modes: String,
}

impl Lab {
    pub fn start(arguments: &[&str], folder: &Path) -> Self {
        Self::start_program(Path::new(PROGRAM), arguments, folder)
    }

    /// The lab on a made-up run, which needs no model: the example `scripted`.
    pub fn start_scripted(arguments: &[&str], folder: &Path) -> Self {
        Self::start_program(&scripted(), arguments, folder)
    }

    fn start_program(program: &Path, arguments: &[&str], folder: &Path) -> Self {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        Self::start_command(command, folder)
    }

    /// As a person pastes it into a shell.
    pub fn start_line(line: &str, folder: &Path) -> Self {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", line]);
        Self::start_command(command, folder)
    }

    /// As the child of a shell, which leads the session and shares its process group.
    pub fn start_scripted_in_shell(arguments: &[&str], folder: &Path) -> Self {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "\"$@\"; exit $?", "sh"]);
        command.arg(scripted());
        command.args(arguments);
        Self::start_command(command, folder)
    }

    fn start_command(mut command: CommandBuilder, folder: &Path) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        // What is said at the first start has a test of its own.
        command.env("AHA_WELCOME", "0");
        // What whoever runs the tests has arranged is not theirs.
        command.env("XDG_STATE_HOME", folder.join("state"));
        // So has what is remembered from one start to the next.
        command.env("AHA_REMEMBER", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let size = |n| NonZeroU16::new(n).unwrap();
        let screen = vt100::Parser::new(size(ROWS), size(COLUMNS), 0);
        let seen = Arc::new(Mutex::new(Seen { screen, taken: false }));
        let hanging_up = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (seen.clone(), hanging_up.clone());
        let reader = thread::spawn(move || {
            let mut buffer = [0; 8192];
            while !stop.load(Ordering::SeqCst) {
                let Ok(count @ 1..) = output.read(&mut buffer) else { return };
                let mut seen = shared.lock().unwrap();
                seen.screen.process(&buffer[..count]);
                seen.taken |= seen.screen.screen().alternate_screen();
            }
        });
        Self {
            child,
            master: Some(pair.master),
            keyboard: Some(keyboard),
            slave: Some(pair.slave),
            reader: Some(reader),
            seen,
            hanging_up,
            modes,
        }
    }

    /// A new run that goes on until it is left.
    pub fn run(folder: &Path, more: &[&str]) -> Self {
        let mut arguments = vec!["run", "--runs", "runs"];
        TINY.iter().for_each(|pair| arguments.extend(["--set", pair]));
        arguments.extend(more);
        Self::start(&arguments, folder)
    }

    pub fn screen(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    pub fn press(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Waits until the screen is as wanted, and gives it.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the program ended ({ended:?}) before: {what}\n{screen}");
            assert!(began.elapsed() < PATIENCE, "not seen: {what}\n{screen}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn shows(&mut self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits for the end; the exit code.
    pub fn ended(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.signal(), None, "ended by a signal instead of by itself");
                return status.exit_code();
            }
            assert!(began.elapsed() < PATIENCE, "the program does not end\n{}", self.screen());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the program has the terminal.
    pub fn has_terminal(&self) -> bool {
        self.seen.lock().unwrap().screen.screen().alternate_screen()
    }

    /// The shell must find the terminal as it left it.
    pub fn assert_restored(&mut self) {
        // The last bytes may still be on their way.
        let began = Instant::now();
        while self.seen.lock().unwrap().screen.screen().alternate_screen() && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap()), self.modes);
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen();
        assert!(seen.taken && !screen.alternate_screen(), "the alternate screen was taken and left");
        assert!(!screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }

    /// Closes the terminal under the program. It must be writing, so that the reader wakes.
    fn hang_up(&mut self) {
        self.hanging_up.store(true, Ordering::SeqCst);
        self.press("l");
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
        self.slave = None;
        self.master = None;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.slave = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Steps that are journalled, whether or not the run is still going on.
pub fn journalled(folder: &Path) -> u64 {
    let text = fs::read_to_string(only_run(&folder.join("runs")).metrics_path()).unwrap();
    text.matches('\n').count() as u64
}

/// What the run holds must be whole, and its newest checkpoint that of its last step.
pub fn assert_intact(folder: &Path) -> u64 {
    let run = only_run(&folder.join("runs"));
    assert!(!run.is_live());
    let steps = metrics(&run);
    assert!(steps.iter().zip(1..).all(|(step, number)| step.step == number));
    let last = steps.last().map_or(0, |step| step.step);
    let rollouts = Reader::new(&run).rollouts().unwrap();
    assert!(rollouts.bad.is_empty() && !rollouts.torn);
    assert_eq!(rollouts.records.len() as u64, 8 * last);
    if last > 0 {
        outcome(&run, last);
    }
    last
}

#[test]
fn a_session_from_the_first_token_to_the_shell_and_back() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::run(folder.path(), &[]);
    lab.shows(" Live ");
    lab.until("streaming tokens", |screen| screen.contains(" = ") && screen.contains("live"));
    lab.until("a second step", |screen| screen.contains("step 2"));

    lab.press(" ");
    lab.shows("paused");
    // To the end of the step in hand, then exactly one more.
    let before = journalled(folder.path());
    lab.press("s");
    lab.until("the end of the step", |screen| {
        journalled(folder.path()) == before + 1 && screen.contains("paused")
    });
    lab.press("s");
    let done = before + 2;
    let counter = format!("step {done}");
    lab.until("one more step", |screen| {
        journalled(folder.path()) == done && screen.contains("paused") && screen.contains(&counter)
    });
    thread::sleep(Duration::from_millis(500));
    assert_eq!(journalled(folder.path()), done, "it went on although it is paused");

    let records = Reader::new(&only_run(&folder.path().join("runs"))).rollouts().unwrap().records;
    assert_eq!(records.len() as u64, 8 * done);
    lab.press("\t");
    lab.shows(&format!("transcripts {0} of {0}", records.len()));
    // The opening words of a recorded completion are found in as many transcripts as have them.
    let needle: String = records[0].completion.trim().chars().take(9).collect();
    let holding = records
        .iter()
        .filter(|r| r.completion.contains(&needle) || r.problem.prompt.contains(&needle))
        .count();
    lab.press("/");
    lab.press(&needle);
    lab.shows(&format!("/{needle}"));
    lab.shows(&format!("{holding} transcript"));
    lab.press("\x1b");
    lab.until("the search given up", |screen| !screen.contains(&format!("/{needle}")));
    lab.press("\t");
    lab.until("the live screen", |screen| !screen.contains(" transcripts 8"));

    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    let told = lab.screen();
    assert!(told.contains(&format!("{done} steps are in ")), "{told}");
    assert_eq!(assert_intact(folder.path()), done);

    // All of it again.
    let name = only_run(&folder.path().join("runs")).name();
    let mut lab = Lab::start(&["open", &name, "--runs", "runs"], folder.path());
    lab.until("the finished run", |screen| screen.contains("finished") && screen.contains(&counter));
    lab.press("\t");
    lab.shows(&format!("transcripts {0} of {0}", records.len()));
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    assert_eq!(assert_intact(folder.path()), done);
}

#[test]
fn a_signal_and_ctrl_c_end_it_as_q_does() {
    for interrupt in [None, Some("\x03")] {
        let folder = TempDir::new().unwrap();
        let mut lab = Lab::run(folder.path(), &[]);
        lab.until("a second step", |screen| screen.contains("step 2"));
        match interrupt {
            Some(keys) => lab.press(keys),
            None => {
                let process = lab.child.process_id().unwrap();
                kill_process(Pid::from_raw(process as i32).unwrap(), Signal::TERM).unwrap();
            }
        }
        assert_eq!(lab.ended(), 130);
        lab.assert_restored();
        assert!(assert_intact(folder.path()) >= 1);
    }
}

#[test]
fn an_engine_that_cannot_begin_is_told_on_screen_and_to_the_shell() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::run(folder.path(), &["--base", "no-such-model"]);
    lab.shows("failed");
    lab.shows("no-such-model");
    lab.press("q");
    assert_eq!(lab.ended(), 1);
    lab.assert_restored();
    assert!(lab.screen().contains("no-such-model"), "{}", lab.screen());
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_terminal_that_vanishes_ends_the_program_and_keeps_the_run() {
    for paused in [false, true] {
        let folder = TempDir::new().unwrap();
        let mut lab = Lab::run(folder.path(), &[]);
        lab.until("a second step", |screen| screen.contains("step 2"));
        if paused {
            lab.press(" ");
            lab.shows("paused");
        }
        lab.hang_up();
        lab.ended();
        assert!(assert_intact(folder.path()) >= 1);
    }
}
