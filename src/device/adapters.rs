//! Lists the adapters that the graphics drivers offer. Drivers are foreign code that may panic, stall or
//! crash, and a crash ends its process, so the program asks them in a separate process.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{Adapter, DeviceError, gpu, within};
use crate::system::platform;

/// Time limit. Drivers answer in milliseconds; a cold discrete card may take seconds to wake.
const LIST_LIMIT: Duration = Duration::from_secs(10);
/// Interval at which the listing process is polled.
const LOOK: Duration = Duration::from_millis(2);
/// Maximum size of an adapter list, in bytes.
const LONGEST_LIST: u64 = 1 << 20;

/// The program to start, and the argument that makes it call [`print_adapters`].
static LISTER: OnceLock<(PathBuf, &'static str)> = OnceLock::new();

/// Lists adapters in a separate process from now on: `program`, called with `argument` alone, must call
/// [`print_adapters`] and exit.
pub fn ask_in_a_process(program: PathBuf, argument: &'static str) {
    let _ = LISTER.set((program, argument));
}

/// Every adapter that this machine's graphics drivers offer; an empty list is not an error.
///
/// # Errors
/// If the drivers crash, panic or do not answer within ten seconds.
pub fn adapters() -> Result<Vec<Adapter>, DeviceError> {
    let asked = LISTER.get().and_then(|(program, argument)| {
        let mut command = Command::new(program);
        // If the program cannot be started again, because it was replaced meanwhile, this process asks.
        ask(command.arg(argument), LIST_LIMIT).transpose()
    });
    asked.unwrap_or_else(|| within(LIST_LIMIT, gpu::list)).map_err(DeviceError::List)
}

/// Prints the list; the process that [`adapters`] starts calls this.
///
/// # Errors
/// If the list cannot be printed.
pub fn print_adapters(mut out: impl Write) -> io::Result<()> {
    platform::leave_no_core();
    serde_json::to_writer(&mut out, &within(LIST_LIMIT, gpu::list))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The list that a process prints within `limit`; `None` if the process cannot be started.
///
/// # Errors
/// What is wrong with the process or its list, without a full stop.
fn ask(command: &mut Command, limit: Duration) -> Result<Option<Vec<Adapter>>, String> {
    // Messages of the drivers do not belong on our standard error.
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = piped.spawn() else { return Ok(None) };
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take();
    // The thread ends with the process, or is abandoned if something that a driver started keeps the pipe
    // open.
    let reader = thread::Builder::new().name("gpu-list".into()).spawn(move || {
        let mut text = Vec::new();
        let read = output.map_or(Ok(0), |output| output.take(LONGEST_LIST).read_to_end(&mut text));
        let _ = sender.send(read.map(|_| text));
    });
    let until = Instant::now() + limit;
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < until && reader.is_ok() => thread::sleep(LOOK),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    match ended {
        Some(status) if status.success() => {}
        Some(status) => return Err(format!("the graphics driver crashed ({})", how(status))),
        None => return Err(format!("the graphics driver did not answer within {} seconds", limit.as_secs())),
    }
    let text = receiver.recv_timeout(limit).map_err(|error| format!("their list was cut short ({error})"))?;
    let text = text.map_err(|error| format!("their list cannot be read ({error})"))?;
    let listed: Result<Vec<Adapter>, String> = serde_json::from_slice(&text)
        .map_err(|_| "the process that lists them printed unexpected output".to_owned())?;
    listed.map(Some)
}

/// How a process ended, such as `signal: 6 (SIGABRT)`.
fn how(status: ExitStatus) -> String {
    status.to_string().replace(" (core dumped)", "")
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_driver_that_crashes_stalls_or_talks_nonsense_is_an_error_and_not_the_end() {
        let long = Duration::from_secs(60);
        let list = r#"echo '{"Ok":[{"name":"a card","api":"vulkan","kind":"discrete","driver":"","software":false}]}'"#;
        let found = ask(&mut shell(list), long).unwrap().unwrap();
        assert_eq!((found.len(), found[0].name.as_str()), (1, "a card"));
        let failed = |script: &str, limit| ask(&mut shell(script), limit).unwrap_err();
        for (crash, said) in [
            ("kill -ABRT $$".to_owned(), "signal: 6"),
            (format!("{list}; kill -SEGV $$"), "signal: 11"),
            ("exit 3".to_owned(), "exit status: 3"),
        ] {
            let error = failed(&crash, long);
            assert!(error.starts_with("the graphics driver crashed") && error.contains(said), "{error}");
        }
        assert!(failed("exec sleep 600", Duration::from_millis(50)).contains("did not answer"));
        assert!(failed("echo Mesa", long).contains("unexpected output"));
        assert_eq!(
            failed(r#"echo '{"Err":"the graphics driver failed (x)"}'"#, long),
            "the graphics driver failed (x)"
        );
        assert_eq!(ask(&mut Command::new("/nowhere/at/all"), long), Ok(None));
    }
}
