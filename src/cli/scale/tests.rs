#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser;

use super::*;
use crate::config::{Choice, Preset};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ScaleArgs,
}

/// What is known of the embedded model without its weights.
fn base(home: &Path) -> String {
    let folder = home.join("base");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), include_bytes!("../../../assets/config.json")).unwrap();
    fs::write(folder.join("tokenizer.json"), include_bytes!("../../../assets/tokenizer.json")).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// Writes a project for the embedded model.
fn write(home: &Path, name: &str, engine: &str, more: &[&str]) -> Result<PathBuf, String> {
    let folder = home.join(name);
    let base = base(home);
    let given = ["scale", "--engine", engine, folder.to_str().unwrap(), "--base", &base, "--steps", "2"];
    let cli = Cli::try_parse_from(given.iter().chain(more)).map_err(|error| error.to_string())?;
    run(&cli.args, Vec::new()).map_err(|Failure(reason)| reason)?;
    Ok(folder)
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn every_preset_becomes_a_project_or_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let mut refused = Vec::new();
    for engine in ["trl", "verl"] {
        for preset in Preset::all() {
            let name = format!("{engine}-{}", preset.name());
            match write(home.path(), &name, engine, &["--gpus", "4", "--algorithm", preset.name()]) {
                Ok(folder) => {
                    let readme = text(&folder, "README.md");
                    assert!(readme.contains(&format!("`{}`", preset.name())), "{readme}");
                    for heading in
                        ["## Train", "## Watch", "## Bring it back", "## Memory", "## Time and cost"]
                    {
                        assert!(readme.contains(heading), "{readme}");
                    }
                    assert!(!readme.contains("NaN") && !readme.contains("inf"), "{readme}");
                    assert!(fs::metadata(folder.join("data/train.parquet")).unwrap().len() > 1000);
                }
                Err(reason) => {
                    assert!(reason.starts_with("TRL: ") || reason.starts_with("verl: "), "{reason}");
                    refused.push(name);
                }
            }
        }
    }
    assert_eq!(
        refused,
        ["trl-rloo", "trl-reinforce_pp", "trl-reinforce_pp_baseline", "trl-maxrl", "verl-maxrl"]
    );
}

#[test]
fn an_algorithm_is_said_in_the_words_of_each_engine() {
    let home = tempfile::tempdir().unwrap();
    let dapo = ["--gpus", "2", "--nodes", "2", "--algorithm", "dapo", "--price", "2"];
    let trl = write(home.path(), "trl", "trl", &dapo).unwrap();
    let yaml = text(&trl, "grpo.yaml");
    // 128 prompts with 8 completions, in four updates on four GPUs: 64 completions each, in portions of 8.
    for line in [
        "loss_type: \"dapo\"",
        "epsilon_high: 0.28",
        "mask_truncated_completions: true",
        "overlong_penalty: 1.0",
        "per_device_train_batch_size: 8",
        "gradient_accumulation_steps: 8",
        "steps_per_generation: 32",
        "max_steps: 8",
        "learning_rate: 0.000001",
        "chat: false",
    ] {
        assert!(yaml.lines().any(|found| found == line), "{line}\n{yaml}");
    }
    let readme = text(&trl, "README.md");
    assert!(readme.contains("does not replace groups") && readme.contains("MACHINE_RANK"), "{readme}");
    assert!(readme.contains("At 2 dollars"), "{readme}");
    assert!(text(&trl, "accelerate.yaml").contains("num_processes: 4"));
    assert!(text(&trl, "launch.sh").contains("nodes=2"));

    let verl = write(home.path(), "verl", "verl", &dapo).unwrap();
    let yaml = text(&verl, "countdown.yaml");
    for part in [
        "  filter_groups:\n    enable: true",
        "    ppo_mini_batch_size: 32",
        "clip_ratio_high: 0.28",
        "loss_agg_mode: \"token-mean\"",
        "  reward_manager:\n    name: \"dapo\"",
        "nnodes: 2",
        "n_gpus_per_node: 2",
        "{{ message['content'] }}",
    ] {
        let part = part.trim_start_matches("# ");
        assert!(yaml.contains(part), "{part}\n{yaml}");
    }
}

#[test]
fn puzzles_are_on_their_side_of_the_split_and_asked_as_the_base_is() {
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::try_parse_from(["scale", "x", "--engine", "trl", "--base", &base(home.path())]).unwrap();
    let plan = Plan::of(&cli.args, engine::named("trl").unwrap(), Gpu::named("h100").unwrap()).unwrap();
    assert_eq!(plan.puzzles(), 200 * 128);
    let sets = |split| -> BTreeSet<Vec<i64>> {
        let rows = plan.rows(split, 300).unwrap();
        assert!(
            rows.iter()
                .all(|row| row.content.starts_with("use ") && row.content.contains(&row.target.to_string()))
        );
        rows.into_iter()
            .map(|row| {
                let mut numbers = row.numbers;
                numbers.sort_unstable();
                numbers
            })
            .collect()
    };
    assert!(sets(task::Split::Train).is_disjoint(&sets(task::Split::Heldout)));
}

#[test]
fn memory_follows_its_formula() {
    let home = tempfile::tempdir().unwrap();
    let given = |more: &[&str]| {
        let base = base(home.path());
        let cli = Cli::try_parse_from(["scale", "x", "--engine", "trl", "--base", &base].iter().chain(more));
        let mut plan =
            Plan::of(&cli.unwrap().args, engine::named("trl").unwrap(), Gpu::named("h100").unwrap()).unwrap();
        plan.base.shape.parameters = 8e9;
        needs::Needs::of(&plan)
    };
    let whole = given(&["--gpus", "8"]);
    assert_eq!((whole.state, whole.reference), (16e9, 4e9), "grpo has a reference");
    assert!(whole.peak >= whole.state + whole.reference + whole.sampling);
    assert_eq!(given(&["--gpus", "4"]).state, 32e9);
    let adapted = given(&["--gpus", "8", "--set", "lora_rank=16"]);
    assert!(adapted.state > 4e9 && adapted.state < 4.1e9 && adapted.reference == 0.0, "{adapted:?}");
    // Twice the GPUs need half the time, so that the cost stays.
    let (four, eight) = (given(&["--gpus", "4"]), given(&["--gpus", "8"]));
    assert!((four.train_seconds / eight.train_seconds - 2.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let refusal = |more: &[&str]| write(home.path(), "refused", "trl", more).unwrap_err();
    for (more, words) in [
        (&["--set", "control=random-reward"][..], "control=random-reward has no counterpart in TRL"),
        (&["--set", "preset=dapo"], "--algorithm"),
        (&["--algorithm", "ppo"], "ppo"),
        (&["--gpus", "7"], "equal updates on 7 GPUs"),
        (&["--gpu", "abacus"], "a100"),
        (&["--price=-1"], "--price"),
        (&["--set", "kl_estimator=k1"], "k3 in the loss only"),
    ] {
        let reason = refusal(more);
        assert!(reason.contains(words), "{more:?}: {reason}");
        assert!(!home.path().join("refused").exists());
    }
    fs::create_dir(home.path().join("full")).unwrap();
    fs::write(home.path().join("full/x"), "").unwrap();
    assert!(write(home.path(), "full", "trl", &[]).unwrap_err().contains("no empty folder"));
    assert!(write(home.path(), "x", "nemo", &[]).unwrap_err().contains("trl, verl"));
}
