//! One process of this program for each run, as many at a time as are wanted.

use std::{
    collections::VecDeque,
    env,
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::Receiver;

use super::{
    SweepArgs,
    live::Live,
    trial::{Standing, Trial},
};
use crate::{cli::farewell, runs::sweep::Sweep, system::platform};

/// How often it is looked whether a process has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Bytes that are kept of what a process says.
const KEPT: usize = 4 * 1024;

/// A process and the run that it trains.
struct Worker {
    /// Place in the list of trials.
    trial: usize,
    child: Child,
    says: JoinHandle<Vec<u8>>,
}

/// Trains what is to be trained. Returns whether it was interrupted; then all processes have ended with a checkpoint.
pub(super) fn work(
    sweep: &Sweep,
    args: &SweepArgs,
    trials: &mut [Trial],
    begins: &dyn Fn(&Trial) -> Vec<String>,
    interrupts: &Receiver<()>,
) -> bool {
    let is_waiting = |trial: &Trial| trial.standing == Standing::Waiting;
    let mut queue: VecDeque<usize> =
        trials.iter().enumerate().filter(|(_, trial)| is_waiting(trial)).map(|(i, _)| i).collect();
    let mut workers: Vec<Worker> = Vec::new();
    let mut live = Live::start(args.steps.get(), args.jobs.get(), trials);
    let mut interruptions = 0;
    loop {
        while interruptions == 0 && workers.len() < args.jobs.get() {
            let Some(next) = queue.pop_front() else { break };
            let trial = &mut trials[next];
            let arguments = match trial.interrupted_run(sweep) {
                Some(run) => {
                    let run = farewell::argument(run.path());
                    ["--resume".to_owned(), run].into_iter().chain(args.always(sweep.path())).collect()
                }
                None => begins(trial),
            };
            match start(&arguments) {
                Ok((child, says)) => {
                    trial.standing = Standing::Running;
                    workers.push(Worker { trial: next, child, says });
                }
                Err(error) => {
                    trial.standing = Standing::Failed(format!("its process cannot be started: {error}."));
                }
            }
        }
        let (mut ended, still): (Vec<_>, Vec<_>) =
            workers.into_iter().map(|mut worker| (worker.child.try_wait(), worker)).partition(has_ended);
        workers = still.into_iter().map(|(_, worker)| worker).collect();
        for (status, worker) in ended.drain(..) {
            let said = worker.says.join().unwrap_or_default();
            let code = status.ok().flatten().and_then(|status| status.code());
            let trial = &mut trials[worker.trial];
            trial.look(sweep);
            trial.ended(code, &last_line(&said), interruptions > 0, args.steps.get());
        }
        if workers.is_empty() && (queue.is_empty() || interruptions > 0) {
            live.end();
            return interruptions > 0;
        }
        live.look(trials, |trial| trial.look(sweep));
        if interrupts.recv_timeout(BETWEEN_LOOKS).is_ok() {
            interruptions += 1;
            for worker in &mut workers {
                // Asked once, a run ends within a step and writes a checkpoint; asked again, at once.
                let _ = match interruptions {
                    1 => platform::interrupt(&mut worker.child),
                    _ => worker.child.kill(),
                };
            }
        }
    }
}

fn has_ended((status, _): &(io::Result<Option<ExitStatus>>, Worker)) -> bool {
    !matches!(status, Ok(None))
}

/// Starts a run of this program. What it says is read as it comes, so that it never waits for a reader.
fn start(arguments: &[String]) -> io::Result<(Child, JoinHandle<Vec<u8>>)> {
    let mut child = Command::new(env::current_exe()?)
        .arg("run")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stderr = child.stderr.take();
    let says = thread::Builder::new().name("words of a run".into()).spawn(move || {
        let (mut said, mut chunk) = (Vec::new(), [0; KEPT]);
        while let Some(read) = stderr.as_mut().and_then(|from| from.read(&mut chunk).ok()).filter(|n| *n > 0)
        {
            said.extend(&chunk[..read]);
            said.drain(..said.len().saturating_sub(KEPT));
        }
        said
    });
    match says {
        Ok(says) => Ok((child, says)),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

/// The last line that says something: a command that fails ends with the reason.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
