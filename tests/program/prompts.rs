//! Runs whose model is asked in other words than ours.

use std::fs;

use aha_lab::{model::tokenizer::Tokenizer, record::Rollout, runs::RunDirectory, task::FAMILIES};
use tempfile::TempDir;

#[cfg(unix)]
use super::ends_in_time;
use super::{assert_same, headless, lab, only_run, outcome, refusal, succeeds, text};

fn rollouts(run: &RunDirectory) -> Vec<Rollout> {
    let journal = fs::read_to_string(run.rollouts_path()).unwrap();
    journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// In the words of the embedded model, by hand.
const BY_HAND: &str = "use {{ numbers | join(' ') }} make {{ target }} : <think>\n";

#[test]
fn a_prompt_from_a_file_is_kept_with_the_run() {
    let root = TempDir::new().unwrap();
    let (file, ours, own) =
        (root.path().join("prompt.jinja"), root.path().join("ours"), root.path().join("own"));
    fs::write(&file, BY_HAND).unwrap();
    let prompt = format!("prompt={}", file.display());
    succeeds(&mut headless(&ours, 3));
    succeeds(headless(&own, 2).args(["--set", &prompt]));
    let (ours, run) = (only_run(&ours), only_run(&own));
    let recorded = |run: &RunDirectory| fs::read_to_string(run.path().join("config.toml")).unwrap();
    assert!(recorded(&ours).contains("\nprompt = \"ours\"\n"), "{}", recorded(&ours));
    assert!(recorded(&run).contains("prompt.jinja\"\n"), "{}", recorded(&run));
    // The file is not needed any more, and another one in its place changes nothing.
    fs::write(&file, "something else").unwrap();
    let mut resume = lab(&["run", "--headless", "--steps", "3", "--resume"]);
    succeeds(resume.arg(run.path()));
    assert_same(&outcome(&ours, 3), &outcome(&run, 3), "the same words in another way");
    let said = text(&succeeds(lab(&["replay"]).arg(run.path()).arg("3")).stdout);
    assert!(said.contains("identical, to the last bit"), "{said}");
    let mut play =
        lab(&["play", "--numbers", "4,1,16", "--target", "19", "--backend", "cpu", "--checkpoint"]);
    succeeds(play.arg(run.path()));
    // A fork does as its parent.
    let fork = root.path().join("fork");
    succeeds(headless(&fork, 4).arg("--fork").arg(format!("{}@3", run.path().display())));
    let fork = only_run(&fork);
    assert!(recorded(&fork).contains("prompt.jinja\"\n"));
    assert!(rollouts(&fork).iter().all(|rollout| rollout.problem.prompt.starts_with("use ")));
}

#[test]
fn a_model_with_a_chat_template_is_asked_in_it() {
    let root = TempDir::new().unwrap();
    let (folder, runs) = (root.path().join("model"), root.path().join("runs"));
    succeeds(lab(&["export", "embedded"]).arg(&folder));
    // Words of the vocabulary, in no order that it knows.
    let template = "{% for m in messages %}: use {{ m.content | length }} {% endfor %}<think>";
    fs::write(folder.join("chat_template.jinja"), "{{ raise_exception('Not like this.') }}").unwrap();
    let base = |prompt: &str| {
        let mut command = headless(&runs, 1);
        command.arg("--base").arg(&folder).args(["--set", &format!("prompt={prompt}")]);
        command
    };
    let said = refusal(&mut base("chat"));
    assert!(said.contains("chat template failed at line 1: Not like this."), "{said}");
    assert!(!runs.exists(), "a run was begun");
    fs::write(folder.join("chat_template.jinja"), template.replace(" {{ m.content | length }}", "")).unwrap();
    succeeds(&mut base("chat"));
    let run = only_run(&runs);
    assert!(rollouts(&run).iter().all(|rollout| rollout.problem.prompt == ": use <think>"));
    // The checkpoint is asked as its run asked.
    let mut eval = lab(&["eval", "--count", "2", "--backend", "cpu", "--max-new-tokens", "4", "--json"]);
    succeeds(eval.arg("--checkpoint").arg(run.path()));
    // So is a person's own puzzle, which shows what it was asked.
    let mut play = lab(&[
        "play",
        "--numbers",
        "4,1,16",
        "--target",
        "19",
        "--backend",
        "cpu",
        "--json",
        "--prompt",
        "chat",
    ]);
    let played = succeeds(play.args(["--max-new-tokens", "4", "--checkpoint"]).arg(&folder));
    assert!(text(&played.stdout).contains(r#""prompt":": use <think>""#), "{}", text(&played.stdout));
    fs::remove_dir_all(&runs).unwrap();
    // By itself it is one of ours.
    succeeds(&mut base("auto"));
    assert!(rollouts(&only_run(&runs)).iter().all(|rollout| rollout.problem.prompt.ends_with(": <think>")));
    fs::remove_file(folder.join("chat_template.jinja")).unwrap();
    assert!(refusal(&mut base("chat")).contains("has no chat template"));
    // Of these words it knows nearly none, and would be trained on noise.
    let said = refusal(&mut base("tinyzero-base"));
    assert!(said.contains("prompt=tinyzero-base has ") && said.contains("`conversation`"), "{said}");
    assert!(refusal(&mut base("./missing.jinja")).contains("missing.jinja"));
    let said = text(&base("chatty").output().unwrap().stderr);
    assert!(said.contains("one of auto, ours, tinyzero-base, tinyzero-instruct, chat"), "{said}");
}

#[test]
fn what_a_run_needs_is_told_of_a_gguf_file_and_counts_its_real_prompts() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("prompt.jinja");
    let needs = |prompt: &str| -> (u64, f64) {
        fs::write(&file, prompt).unwrap();
        let mut doctor = lab(&["doctor", "--json", "--base", "tests/fixtures/gguf/llama.gguf", "--set"]);
        let told = succeeds(doctor.arg(format!("prompt={}", file.display())));
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let needs = &told["needs"];
        (needs["prompt_tokens"].as_u64().unwrap(), needs["footprint"]["kv_cache"].as_f64().unwrap())
    };
    let (short, long) = (needs("hello the thing"), needs(&"hello the thing ".repeat(200)));
    assert!(short.0 < 10 && long.0 > 1000, "{short:?} {long:?}");
    assert!(long.1 > short.1, "{short:?} {long:?}");
    // In words that it does not have, it cannot be asked at all.
    let said = refusal(&mut lab(&["doctor", "--base", "assets", "--set", "prompt=tinyzero-base"]));
    assert!(said.contains("this model's tokenizer knows 28 of them"), "{said}");
}

#[test]
fn a_completion_ends_with_a_text_that_ends_it() {
    let root = TempDir::new().unwrap();
    succeeds(headless(root.path(), 1).args(["--set", r#"stop_strings=[" =", "never written"]"#]));
    let run = only_run(root.path());
    let tokenizer = Tokenizer::from_bytes(FAMILIES[0].base.tokenizer, "ours".as_ref()).unwrap();
    let mut ended = 0;
    for rollout in rollouts(&run) {
        let token_ids = rollout.token_ids.as_deref().unwrap();
        let inside = rollout.completion.trim_end_matches(" =");
        assert!(!inside.contains(" ="), "{}", rollout.completion);
        ended += usize::from(rollout.completion.ends_with(" ="));
        assert_eq!(rollout.truncated, token_ids.len() == 24 && inside == rollout.completion, "{rollout:?}");
        assert_eq!(tokenizer.decode(token_ids), rollout.completion);
    }
    assert!(ended > 2, "{ended}");
    let mut wrong = headless(root.path(), 1);
    let said = text(&wrong.args(["--set", "stop_strings=[1]"]).output().unwrap().stderr);
    assert!(said.contains("a list of at most 8 texts"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_template_whose_values_double_is_cut_off() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("prompt.jinja");
    let doubled = "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}\
                   {% set n.y = [n.y, n.y] %}{% endfor %}";
    for end in ["{{ n.x == n.y }}", "{{ n.x ~ '' }}", "{{ 'a'.startswith(n.x) }}"] {
        fs::write(&file, format!("{doubled}{end}")).unwrap();
        let mut play =
            lab(&["play", "--numbers", "4,1,16", "--target", "19", "--backend", "cpu", "--prompt"]);
        let output = ends_in_time(play.arg(&file));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{end}: {said}");
        assert!(said.contains("may have no end") || said.contains("nested too deeply"), "{end}: {said}");
    }
}
