//! Runs of other engines from their own files, under the commands that read runs. `scripts/make_trl_files.py` and
//! `scripts/make_engine_files.py` made them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{lab, pty::Lab, succeeds, text};

const TRL: &str = "tests/data/trl-files";
const CHAT: &str = "tests/data/trl-files-chat";
const ENGINES: &str = "tests/data/engines";

/// What `metrics` prints for a run, as the columns of its table, and what it says.
fn metrics(run: &Path, more: &[&str]) -> (BTreeMap<String, Vec<f64>>, String) {
    let output = succeeds(lab(&["metrics"]).arg(run).args(more));
    let text_of = text(&output.stdout);
    let mut lines = text_of.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in lines {
        for (name, cell) in names.iter().zip(line.split(',')) {
            columns.entry((*name).to_owned()).or_default().push(cell.parse().unwrap_or(f64::NAN));
        }
    }
    (columns, text(&output.stderr))
}

fn summary(run: &Path) -> Value {
    let output = succeeds(lab(&["analyze", "--summary", "--json"]).arg(run));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A copy of a folder.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &there);
        } else {
            fs::copy(&path, &there).unwrap();
        }
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn what_trl_logged_and_what_its_completions_show_stand_together() {
    let (columns, said) = metrics(Path::new(TRL), &[]);
    assert_eq!(said, "");
    assert_eq!(columns["step"], [1.0, 2.0, 3.0, 4.0, 5.0]);
    for name in
        ["reward", "loss", "entropy", "rewards/checked/mean", "longest", "reasoning/checks", "accuracy"]
    {
        assert!(columns[name].iter().all(|value| value.is_finite()), "{name}: {:?}", columns[name]);
    }
    assert!(columns.contains_key("eval_reward") && columns.contains_key("columns/characters"));
    let states = fs::read_dir(TRL).unwrap().map(|entry| entry.unwrap().path().join("trainer_state.json"));
    let state = states.into_iter().find(|path| path.is_file()).unwrap();
    let state: Value = serde_json::from_slice(&fs::read(state).unwrap()).unwrap();
    for entry in state["log_history"].as_array().unwrap() {
        let (Some(step), Some(reward)) = (entry["step"].as_u64(), entry["reward"].as_f64()) else { continue };
        assert!(close(columns["reward"][step as usize - 1], reward), "step {step}");
    }
}

#[test]
fn without_the_state_of_the_trainer_tensorboard_says_the_same() {
    let folder = TempDir::new().unwrap();
    copied(Path::new(TRL), folder.path());
    let (with, _) = metrics(folder.path(), &[]);
    for entry in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.to_string_lossy().contains("checkpoint-") {
            fs::remove_dir_all(entry).unwrap();
        }
    }
    let (without, said) = metrics(folder.path(), &[]);
    assert_eq!(said, "");
    for name in ["reward", "loss", "rewards/countdown/mean", "reasoning/checks"] {
        let pairs: Vec<_> = with[name].iter().zip(&without[name]).collect();
        assert!(pairs.iter().all(|(a, b)| close(**a, **b)), "{name}: {pairs:?}");
    }
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    let (alone, _) = metrics(folder.path(), &[]);
    assert!(!alone.contains_key("loss") && !alone.contains_key("reward"), "nobody knows the weights");
    assert!(close(alone["rewards/countdown/mean"][0], with["rewards/countdown/mean"][0]));
    assert!(close(alone["reasoning/checks"][1], with["reasoning/checks"][1]));
}

#[test]
fn conversations_and_functions_that_give_nothing_are_read() {
    let (columns, said) = metrics(Path::new(CHAT), &[]);
    assert_eq!(said, "");
    assert_eq!(columns["step"], [1.0, 2.0]);
    assert!(columns["accuracy"].iter().chain(&columns["reasoning/checks"]).all(|value| value.is_finite()));
    assert!(summary(Path::new(CHAT))["completions"].as_u64().unwrap() >= 12);
}

#[test]
fn completions_of_all_engines_are_read_as_those_of_one() {
    let trl = summary(Path::new(TRL));
    assert!(trl["completions"].as_u64().unwrap() >= 40 && trl["bad_lines"] == 0, "{trl}");
    let others = [
        "verl",
        "nano-aha",
        "nemo-rl",
        "areal",
        "prime-rl",
        "prime-rl-stream",
        "prime-rl-chunks",
        "open-instruct",
    ];
    for engine in others {
        let of = summary(&Path::new(ENGINES).join(engine));
        for figure in ["completions", "checked", "self_corrections"] {
            assert_eq!(of[figure], trl[figure], "{engine}, {figure}");
        }
    }
}

#[test]
fn each_engine_s_metrics_have_what_it_writes_and_no_more() {
    let of = |engine: &str| {
        let (columns, said) = metrics(&Path::new(ENGINES).join(engine), &[]);
        assert_eq!(said, "", "{engine}");
        columns
    };
    let verl = of("verl");
    assert_eq!(verl["perf/throughput"], [1200.0; 5]);
    assert_eq!((verl["entropy"][1], verl["completions/mean_length"][0]), (0.25, 41.0));
    assert!(close(verl["reward"][2], verl["critic/rewards/mean"][2]));
    assert!(verl["eval/accuracy"][1].is_finite() && verl["eval/accuracy"][0].is_nan());
    assert!(verl["columns/format"].iter().all(|share| (0.0..=1.0).contains(share)));
    let nano = of("nano-aha");
    assert_eq!(nano["step"], [0.0, 1.0, 2.0, 3.0, 4.0], "it counts from 0");
    assert!(nano["eval/accuracy"][0].is_finite() && !nano.contains_key("loss"));
    let nemo = of("nemo-rl");
    assert!(nemo["completions/mean_length"].iter().all(|tokens| *tokens > 1.0));
    assert_eq!(of("areal")["step"], [0.0, 1.0, 2.0, 3.0, 4.0], "the version of the policy");
    let prime = of("prime-rl");
    assert!(prime["rewards/checked/mean"].iter().chain(&prime["reward"]).all(|value| value.is_finite()));
    assert_eq!(prime["optim/lr"], [1e-6; 5]);
    for stream in ["prime-rl-stream", "prime-rl-chunks"] {
        let columns = of(stream);
        for name in ["reward", "accuracy", "reasoning/checks", "completions/mean_length", "optim/lr"] {
            let pairs: Vec<_> = columns[name].iter().zip(&prime[name]).collect();
            assert!(
                pairs.len() == 5 && pairs.iter().all(|(a, b)| close(**a, **b)),
                "{stream} {name}: {pairs:?}"
            );
        }
        assert!(!columns.contains_key("load"), "it is of no step");
    }
    let instruct = of("open-instruct");
    assert!(instruct["completions/mean_length"].iter().all(|tokens| *tokens > 1.0));
    assert!(close(instruct["reward"][1], of("verl")["reward"][1]));
    let sky = of("skyrl");
    assert_eq!(sky["step"], [1.0, 3.0, 5.0]);
    assert!(sky["eval/accuracy"].iter().chain(&sky["eval/reward"]).all(|value| value.is_finite()));
    assert!(!sky.contains_key("reward"), "nobody says what was trained on");
}

#[test]
fn token_ids_without_a_vocabulary_are_shown_as_such() {
    let folder = TempDir::new().unwrap();
    copied(&Path::new(ENGINES).join("open-instruct"), folder.path());
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let (columns, said) = metrics(folder.path(), &[]);
    assert!(said.contains("Put the model's tokenizer.json there"), "{said}");
    assert!(columns["reward"].iter().all(|reward| reward.is_finite()));
    assert!(columns["accuracy"].iter().all(|share| share.is_nan()), "nobody can read them");
    let one = folder.path().join("countdown_rollouts_000001.jsonl");
    assert_eq!(metrics(&one, &[]).0["step"], columns["step"], "a file stands for all of its run");
}

#[test]
fn a_broken_file_is_named_and_the_rest_is_read() {
    let folder = TempDir::new().unwrap();
    copied(Path::new(TRL), folder.path());
    let completions = folder.path().join("completions");
    let second = completions.join("completions_00002.parquet");
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(completions.join("completions_00003.parquet"), "no parquet").unwrap();
    fs::write(completions.join("completions_00009.parquet"), "").unwrap();
    fs::write(completions.join("completions_00010.txt"), "").unwrap();
    let (columns, said) = metrics(folder.path(), &[]);
    for named in ["completions_00002", "completions_00003", "completions_00009"] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert!(!said.contains("panicked") && !said.contains("00010"), "{said}");
    assert!(columns["accuracy"][0].is_finite() && columns["accuracy"][1].is_nan());

    let verl = TempDir::new().unwrap();
    copied(&Path::new(ENGINES).join("verl"), verl.path());
    let dump = verl.path().join("rollouts/3.jsonl");
    let mut bytes = fs::read(&dump).unwrap();
    bytes.truncate(bytes.len() - 20);
    fs::write(&dump, [b"{\"input\":3}\n".to_vec(), bytes].concat()).unwrap();
    let (columns, said) = metrics(verl.path(), &[]);
    assert_eq!(said.matches("3.jsonl, line").count(), 2, "{said}");
    assert!(columns["accuracy"][2].is_finite());
}

#[test]
fn nothing_is_followed_out_of_a_run() {
    let folder = TempDir::new().unwrap();
    let completions = folder.path().join("run/completions");
    copied(&Path::new(TRL).join("completions"), &completions);
    let third = completions.join("completions_00003.parquet");
    let outside = folder.path().join("outside.parquet");
    fs::rename(&third, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &third).unwrap();
    let (columns, _) = metrics(&folder.path().join("run"), &[]);
    assert_eq!(columns["step"], [1.0, 2.0, 4.0, 5.0]);
}

#[test]
fn lines_with_other_names_are_read_by_what_they_are_said_to_mean() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.jsonl");
    let line = |step: u64, score: f64| {
        format!(
            r#"{{"iteration":{step},"question":"use 4 1 16 make 19 : <think>","response":" 16 + 4 = 20 , 20 - 1 = 19 . </think> <answer> 16 + 4 - 1 </answer>","score":{score},"seen":{step}0}}"#
        )
    };
    fs::write(&path, [line(1, 0.5), line(2, 1.0), "{\"iteration\":3}".into()].join("\n") + "\n").unwrap();
    let mapping = "step=iteration,prompt=question,completion=response,reward=score";
    let (columns, said) = metrics(&path, &["--columns", mapping]);
    assert_eq!((&columns["reward"][..], &columns["accuracy"][..]), (&[0.5, 1.0][..], &[1.0, 1.0][..]));
    assert_eq!(columns["columns/seen"], [10.0, 20.0]);
    assert!(said.contains("line 3") && said.contains("`response`"), "{said}");
    let output = lab(&["metrics"]).arg(&path).args(["--columns", "reply=response"]).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("`reply` is no meaning"), "{}", text(&output.stderr));
}

#[test]
fn they_stand_in_lists_and_beside_our_own_runs() {
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("runs");
    copied(Path::new("runs/first-aha"), &runs.join("first-aha"));
    copied(Path::new(TRL), &runs.join("trained-elsewhere"));
    copied(&Path::new(ENGINES).join("verl"), &runs.join("on-a-cluster"));
    fs::create_dir(runs.join("notes")).unwrap();
    let with_runs = |command: &mut Command| text(&succeeds(command.arg("--runs").arg(&runs)).stdout);
    let list = with_runs(&mut lab(&["runs"]));
    for (name, engine) in
        [("first-aha", "countdown"), ("trained-elsewhere", "(TRL)"), ("on-a-cluster", "(verl)")]
    {
        let line = list.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{list}"));
        assert!(line.contains(engine), "{line}");
    }
    assert!(!list.contains("notes"));
    let table = with_runs(&mut lab(&["compare", "first-aha", "trained-elsewhere"]));
    assert!(table.contains("cannot be compared: unknown") && table.contains("reward"), "{table}");
}

#[test]
fn a_run_that_trains_elsewhere_is_watched_as_it_goes_on() {
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("trained");
    fs::create_dir_all(run.join("completions")).unwrap();
    let name = |step: u64| format!("completions/completions_{step:05}.parquet");
    let put = |step: u64| fs::copy(Path::new(TRL).join(name(step)), run.join(name(step))).unwrap();
    put(1);
    let mut lab = Lab::start(&["open", "trained"], folder.path());
    lab.until("the first step", |screen| screen.contains("TRL") && screen.contains("step 1"));
    put(2);
    lab.until("the second step", |screen| screen.contains("step 2"));
    // Half of a file is waited for, not reported.
    let whole = fs::read(Path::new(TRL).join(name(3))).unwrap();
    fs::write(run.join(name(3)), &whole[..whole.len() / 2]).unwrap();
    put(4);
    lab.until("the fourth step", |screen| screen.contains("step 4"));
    assert!(!lab.screen().contains("skipped"), "{}", lab.screen());
    fs::write(run.join(name(3)), &whole).unwrap();
    lab.press("\t");
    lab.until("the completions of four steps", |screen| screen.contains("transcripts 48 of 48"));
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}

#[test]
fn a_run_that_ended_long_ago_is_shown_as_finished() {
    let folder = TempDir::new().unwrap();
    copied(Path::new(TRL), &folder.path().join("old"));
    let long_ago = SystemTime::now() - Duration::from_secs(3600 * 24);
    for entry in fs::read_dir(folder.path().join("old/completions")).unwrap() {
        File::options().append(true).open(entry.unwrap().path()).unwrap().set_modified(long_ago).unwrap();
    }
    let mut lab = Lab::start(&["open", "./old/completions"], folder.path());
    lab.until("all of it", |screen| screen.contains("finished") && screen.contains("step 5"));
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}
