//! The compute frontier: measured headless and from the screen, kept in the run, and read again.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aha_lab::{
    engine::{scripted::Script, side},
    eval::report::EvalReport,
    protocol::side::{JobEnd, MeasureRequest, SideCommand, SideEvent, SideJob},
    record::Measurement,
    runs::{
        RunDirectory,
        disk::{Disk, Faults, Operation},
    },
};
use tempfile::TempDir;

use super::{headless, lab, only_run};

const PATIENCE: Duration = Duration::from_secs(120);
const FRONTIER: &str = "\x1b[20~";

/// A run of two tiny steps.
fn trained(root: &TempDir) -> RunDirectory {
    let runs = root.path().join("runs");
    assert!(headless(&runs, 2).output().unwrap().status.success());
    only_run(&runs)
}

fn measured(run: &RunDirectory) -> Vec<Measurement> {
    let (measured, bad) = run.measurements().unwrap();
    assert!(bad.is_empty(), "{bad:?}");
    measured
}

#[test]
fn eval_records_a_checkpoint_and_what_the_run_began_from() {
    let root = TempDir::new().unwrap();
    let run = trained(&root);
    let path = run.path().display().to_string();
    let at = format!("{path}@2");
    let eval = |more: &[&str]| {
        let mut arguments = vec!["eval", "--checkpoint", &at, "--count", "12", "--samples", "4", "--json"];
        arguments.extend(["--threads", "2", "--backend", "cpu"]);
        arguments.extend(more);
        lab(&arguments).output().unwrap()
    };
    let plain = eval(&["--budget", "48,16"]);
    assert!(plain.status.success());
    assert!(!run.frontier_path().exists(), "nothing is kept that was not asked for");
    let kept = eval(&["--budget", "16,48,16", "--record"]);
    assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    assert_eq!(kept.stdout, plain.stdout, "budgets in any order, recorded or not: the same draws");

    let report: EvalReport = serde_json::from_slice(&kept.stdout).unwrap();
    let budgets: Vec<Option<usize>> = report.frontier.iter().map(|point| point.budget).collect();
    assert_eq!(budgets, [None, Some(16), Some(48)]);
    for point in &report.frontier {
        let accuracy = point.accuracy();
        let same = point.budget.map_or(report.accuracy, |budget| report.budget[&budget]);
        assert_eq!(accuracy.value, same);
        assert!(accuracy.ci95[0] <= same && same <= accuracy.ci95[1]);
        if let Some(budget) = point.budget {
            assert!(point.thinking_tokens <= budget as f64);
        }
    }
    assert!(report.frontier[1].forced_share > 0.0, "16 tokens are too few for most");
    assert!(report.frontier[1].tokens > report.frontier[1].thinking_tokens);
    assert_eq!(report.pass_at_k[&4], report.frontier[0].at(4).unwrap().best_of.value);

    let found = measured(&run);
    let steps: Vec<u64> = found.iter().map(|one| one.step).collect();
    assert_eq!(steps, [0, 2]);
    assert_eq!(found[0].how, found[1].how);
    assert_eq!((found[0].how.puzzles, found[0].how.samples), (12, 4));
    assert_eq!(found[1].points, report.frontier);
    assert_ne!(found[0].model_hash, found[1].model_hash);

    // Once more: the same two files. With another seed: two more.
    assert!(eval(&["--budget", "16,48", "--record"]).status.success());
    assert_eq!(measured(&run).len(), 2);
    assert!(eval(&["--budget", "16,48", "--record", "--seed", "5"]).status.success());
    assert_eq!(measured(&run).len(), 4);
}

#[test]
fn wrong_requests_are_refused_in_a_sentence() {
    let root = TempDir::new().unwrap();
    for (arguments, sentence) in [
        (&["eval", "--record", "--count", "2"][..], "give RUN@STEP"),
        (&["eval", "--budget", "0,24", "--count", "2"], "at least 1 token"),
        (
            &["eval", "--budget", "24,300", "--max-new-tokens", "200", "--count", "2"],
            "no thought gets that long",
        ),
    ] {
        let out = lab(arguments).current_dir(root.path()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{said}");
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn a_damaged_measurement_costs_only_itself() {
    let root = TempDir::new().unwrap();
    let run = trained(&root);
    let file = |name: &str, text: &str| std::fs::write(run.frontier_path().join(name), text).unwrap();
    std::fs::create_dir(run.frontier_path()).unwrap();
    file("a.json", "{\"schema_version\":1,\"step\":");
    file("b.json", "{\"schema_version\":99}");
    file("c.json", "{}");
    file("d.json.partial", "{");
    let (found, bad) = run.measurements().unwrap();
    assert!(found.is_empty());
    assert_eq!(bad.len(), 3, "{bad:?}");
    assert!(bad[1].contains("a newer aha-lab"), "{bad:?}");
}

#[test]
fn the_side_engine_measures_both_models_and_gives_up_when_asked() {
    let root = TempDir::new().unwrap();
    let run = trained(&root);
    let side = side::spawn(side::Source::Recorded(run.clone())).unwrap();
    let ask = |id, puzzles| {
        let job = SideJob::Measure(MeasureRequest { puzzles, samples: 2 });
        side.commands.send(SideCommand::Job { id, job }).unwrap();
    };
    let hear = || side.events.recv_timeout(PATIENCE).expect("an event that is waited for");
    ask(1, 10);
    let mut told = vec![];
    let how = loop {
        match hear() {
            SideEvent::Measured(found) => told.push(*found),
            SideEvent::Progress { job: 1, done, total } => assert!(done <= total, "{done} of {total}"),
            SideEvent::Ended { job: 1, how } => break how,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(how, JobEnd::Done);
    // Through JSON, as what was kept: reading a number may change its last bit.
    let told: Vec<Measurement> =
        told.iter().map(|one| serde_json::from_str(&serde_json::to_string(one).unwrap()).unwrap()).collect();
    assert_eq!(told, measured(&run), "what was told is what was kept");
    assert_eq!(told.iter().map(|one| one.step).collect::<Vec<_>>(), [0, 2]);
    ask(2, 20_000);
    side.commands.send(SideCommand::Cancel { id: 2 }).unwrap();
    loop {
        match hear() {
            SideEvent::Ended { job: 2, how } => break assert_eq!(how, JobEnd::Cancelled),
            SideEvent::Measured(found) => panic!("{found:?}"),
            _ => {}
        }
    }
}

#[cfg(unix)]
#[test]
fn a_person_measures_a_run_that_is_being_trained() {
    use super::pty::Lab;

    let root = TempDir::new().unwrap();
    let mut lab = Lab::run(root.path(), &[]);
    lab.until("a step is done", |screen| screen.contains("step 2") || screen.contains("step 3"));
    lab.press(FRONTIER);
    lab.shows("This run has no measurement yet");
    lab.press("m");
    lab.shows("measuring");
    lab.until("both are laid over each other", |screen| {
        screen.contains("before training") && screen.contains("after step")
    });
    lab.shows("128 puzzles x 8");
    lab.press("\x1b[D\x1b[D\x1b[A");
    lab.press("v");
    lab.shows("tokens in all");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    // The same, read from its directory.
    let run = only_run(&root.path().join("runs"));
    assert_eq!(measured(&run).len(), 2);
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press(FRONTIER);
    lab.shows("128 puzzles x 8");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

/// Fails one operation.
struct Nth(usize, AtomicUsize);

impl Faults for Nth {
    fn before(&self, _: Operation, _: &Path) -> io::Result<()> {
        let seen = self.1.fetch_add(1, Ordering::SeqCst);
        if seen == self.0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

#[test]
fn a_measurement_that_cannot_be_written_leaves_the_one_before() {
    let root = TempDir::new().unwrap();
    let run = trained(&root);
    let script = Script::new(1);
    let (old, new) = (script.measured(20), script.measured(40));
    for nth in 0.. {
        let disk = Arc::new(Nth(nth, AtomicUsize::new(0)));
        let kept = run.clone().on(Disk::with_faults(disk.clone())).keep_measurement(&old);
        let refused = disk.1.load(Ordering::SeqCst) > nth;
        match kept {
            Ok(_) => assert!(!refused),
            Err(error) => {
                let said = error.to_string();
                let named = said.contains(run.path().to_str().unwrap());
                assert!(refused && named && said.contains("Free some space"), "{said}");
            }
        }
        // Nothing half written is ever read.
        assert!(measured(&run).iter().all(|one| one.step == old.step), "operation {nth}");
        if !refused {
            assert!(nth >= 6, "only {nth} operations");
            break;
        }
    }
    run.keep_measurement(&new).unwrap();
    assert_eq!(measured(&run).iter().map(|one| one.step).collect::<Vec<_>>(), [old.step, new.step]);
}
