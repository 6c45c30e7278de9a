#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;
use crate::record::PausesWithin;

fn refusal(key: &str, value: &str) -> String {
    let mut config = Config::default();
    let message = config.set(key, value).expect_err("must be refused").to_string();
    assert_eq!(config, Config::default(), "a refused setting must change nothing");
    message
}

/// A value other than the default, for every key.
fn other_value(key: &Key, config: &Config) -> String {
    let now = config.get(key.name).unwrap();
    match key.allowed() {
        // A list of parts may have only one so far.
        Allowed::OneOf(words) => {
            words.iter().find(|word| word.name != now).map_or(now, |word| word.name.into())
        }
        Allowed::OneOfOrFile(_) => "./prompt.jinja".into(),
        Allowed::Texts => "[\"</answer>\"]".into(),
        Allowed::SomeOf(words) => [words[0].name, words[words.len() - 1].name].join(","),
        Allowed::Flag => (now != "true").to_string(),
        Allowed::Whole(bounds) => bounds.end().to_string(),
        Allowed::Number(bounds) => bounds.end().to_string(),
    }
}

/// The file of 0.2.0; later keys stand between its lines.
const FILE: &str = "\
task = \"countdown\"
level = \"3x20\"
prompts_per_step = 16
group_size = 16
max_new_tokens = 320
temperature = 1.0
learning_rate = 0.0004
warmup_steps = 5
max_grad_norm = 1.0
clip_eps_low = 0.2
clip_eps_high = 0.28
kl_coef = 0.0
inner_epochs = 1
micro_tokens = 512
loss_norm = \"token\"
scale_rewards = false
preset = \"lab\"
control = \"none\"
stop = \"auto\"
answer = \"last\"
reward_correct = 1.0
reward_format = 0.1
checkpoint_every = 20
evaluate_every = 0
pinned_every = 5
seed = 0
threads = 0
backend = \"auto\"
sentinel = \"warn\"
price_per_hour = 0.1
";

#[test]
fn a_new_file_is_written_as_ever() {
    let text = ConfigFile { config: Config::default(), provenance: None }.to_toml().unwrap();
    let mut lines = text.lines();
    for line in FILE.lines() {
        assert!(lines.any(|written| written == line), "`{line}` is not where it was:\n{text}");
    }
    assert_eq!(text.lines().count(), Config::keys().count());
}

#[test]
fn the_file_of_a_run_is_what_was_in_force_then_whatever_its_preset_sets_today() {
    let dapo = Config::default().with(["preset=dapo"]).unwrap();
    let written = ConfigFile { config: dapo.clone(), provenance: None }.to_toml().unwrap();
    let before_mini_batches: String = written
        .lines()
        .filter(|line| !line.starts_with("mini_batches"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(ConfigFile::parse(&before_mini_batches).unwrap().config, dapo, "written by a person");
    let provenance =
        "[provenance]\nmodel_hash = \"\"\nprogram_version = \"0.1.0\"\nbackend = \"\"\ncreated = \"\"\n";
    let read = |keys: &str| ConfigFile::parse(&format!("{keys}\n{provenance}")).unwrap().config;
    assert_eq!(read(&before_mini_batches), dapo.clone().with(["mini_batches=1"]).unwrap());
    assert_eq!(read(&written), dapo);
}

#[test]
fn every_key_is_set_alone_and_reads_back() {
    // These set other keys too; they have their own tests.
    for key in Config::keys().filter(|key| !["task", "preset"].contains(&key.name)) {
        let mut config = Config::default();
        let value = other_value(key, &config);
        config.set(key.name, &value).unwrap();
        assert_eq!(config.get(key.name).unwrap(), value);
        let changed: Vec<&str> = Config::keys()
            .map(|other| other.name)
            .filter(|name| config.get(name).unwrap() != Config::default().get(name).unwrap())
            .collect();
        let other = value != Config::default().get(key.name).unwrap();
        assert_eq!(changed, if other { vec![key.name] } else { vec![] });
    }
}

#[test]
fn a_list_is_told_in_its_own_order_and_refuses_other_words() {
    let mut config = Config::default();
    config.set("lora_targets", " down, q,q").unwrap();
    assert_eq!(config.get("lora_targets").unwrap(), "q,down");
    for wrong in ["", "q,", "q;v", "queries"] {
        assert!(refusal("lora_targets", wrong).contains("one or more of q, k, v"), "{wrong}");
    }
}

#[test]
fn every_key_and_every_word_says_what_it_does() {
    for key in Config::keys() {
        assert!(key.doc().ends_with('.'), "{}: {}", key.name, key.doc());
        if let Allowed::OneOf(words) | Allowed::OneOfOrFile(words) | Allowed::SomeOf(words) = key.allowed() {
            assert!(words.iter().all(|word| !word.doc.is_empty()), "{}", key.name);
        }
    }
}

#[test]
fn the_default_is_valid_and_survives_its_file() {
    let mut config = Config::default();
    config.validate().unwrap();
    config.set("learning_rate", "0.00033333333333333335").unwrap();
    config.set("seed", &i64::MAX.to_string()).unwrap();
    let info = RunInfo {
        model_hash: "ab12".into(),
        program_version: "0.1.0".into(),
        git_revision: None,
        analysis: None,
        backend: "cpu x2".into(),
        vector_unit: Some("avx2".into()),
        base: Some("org/model@abc".into()),
        created: "2026-01-02T03:04:05Z".into(),
        forked_from: None,
        engine: None,
    };
    let older = RunInfo { vector_unit: None, ..info.clone() };
    let file = ConfigFile { config, provenance: Some(info) };
    let text = file.to_toml().unwrap();
    assert!(text.contains("\n[provenance]\n"), "{text}");
    assert_eq!(ConfigFile::parse(&text).unwrap(), file);
    let silent = text.replace("vector_unit = \"avx2\"\n", "");
    assert!(silent.len() < text.len());
    assert_eq!(ConfigFile::parse(&silent).unwrap().provenance, Some(older), "a run of an earlier program");
}

#[test]
fn another_engine_is_known_by_what_its_file_says() {
    let text = "schema_version = 1\ntemperature = 0.7\ntask = \"countdown\"\n\n[provenance]\nmodel_hash = \"\"\n\
                program_version = \"0.1.0\"\nbackend = \"cpu\"\ncreated = \"\"\n\n[provenance.engine]\nname = \"TRL\"\n\
                pauses_within = \"phase\"\nlater = 1\n";
    let file = ConfigFile::parse(text).unwrap();
    let engine = file.provenance.as_ref().unwrap().engine.as_ref().unwrap();
    assert_eq!((engine.name.as_str(), engine.pauses_within), ("TRL", PausesWithin::Phase));
    let told: BTreeSet<&str> = engine.told.iter().map(String::as_str).collect();
    assert_eq!(told, BTreeSet::from(["task", "temperature"]));
    assert!(engine.commands.is_empty() && engine.model.is_empty());
    let written = ConfigFile::parse(&file.to_toml().unwrap()).unwrap();
    let again = written.provenance.unwrap().engine.unwrap();
    assert_eq!((again.name.as_str(), again.pauses_within), ("TRL", PausesWithin::Phase));
    assert!(ConfigFile::parse(&text.replace("\"phase\"", "\"never\"")).is_err());
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    for (given, nearest) in [
        ("lerning_rate", "learning_rate"),
        ("learning-rate", "learning_rate"),
        ("clip_eps_hihg", "clip_eps_high"),
        ("groupsize", "group_size"),
        ("Seed", "seed"),
        ("max_tokens", "max_new_tokens"),
    ] {
        let message = refusal(given, "1");
        assert_eq!(
            message,
            format!("There is no configuration key `{given}`; the nearest known one is `{nearest}`.")
        );
    }
    // Neither of these may panic or reach the terminal raw.
    assert!(!refusal("\u{1b}[31m", "1").contains('\u{1b}'));
    assert!(refusal(&"x".repeat(1_000_000), "1").len() < 300);
    refusal("", "1");
}

#[test]
fn refused_values_name_the_key_the_value_and_what_is_allowed() {
    assert_eq!(refusal("level", "5x20"), "`level` cannot be `5x20`: it takes one of 3x20, 4x20, tinyzero.");
    assert_eq!(
        refusal("task", "chess"),
        "`task` cannot be `chess`: it takes one of countdown, multiplication."
    );
    assert_eq!(
        refusal("group_size", "1"),
        "`group_size` cannot be `1`: it takes a whole number from 2 to 4096."
    );
    assert_eq!(refusal("scale_rewards", "yes"), "`scale_rewards` cannot be `yes`: it takes true or false.");
    assert_eq!(
        refusal("learning_rate", "-0.1"),
        "`learning_rate` cannot be `-0.1`: it takes a number from 0 to 1."
    );
    for bad in ["nan", "inf", "-inf", "", "1e999", "0x10", "1,5"] {
        refusal("temperature", bad);
    }
    for bad in ["-1", "1.0", "99999999999999999999", "", "9223372036854775808"] {
        refusal("seed", bad);
    }
}

#[test]
fn the_path_of_a_prompt_is_the_same_from_a_file_and_from_the_command_line() {
    let from_file = ConfigFile::parse("prompt = \"  ./a.jinja \"").unwrap().config;
    let mut set = Config::default();
    set.set("prompt", "  ./a.jinja ").unwrap();
    assert_eq!(from_file, set);
    assert_eq!(set.get("prompt").unwrap(), "./a.jinja");
}

#[test]
fn presets_set_their_keys_and_later_settings_win() {
    let deciders = |config: &Config| {
        (
            config.update.scale_rewards,
            config.update.loss_norm.name(),
            config.update.clip_eps_low,
            config.update.clip_eps_high,
            config.update.kl_coef,
        )
    };
    for (preset, expected) in [
        ("lab", (false, "token", 0.2, 0.28, 0.0)),
        ("grpo", (true, "sequence", 0.2, 0.2, 0.04)),
        ("dr_grpo", (false, "constant", 0.2, 0.2, 0.0)),
        ("dapo", (true, "token", 0.2, 0.28, 0.0)),
        ("gspo", (true, "sequence", 0.0003, 0.0004, 0.0)),
        ("rloo", (false, "constant", 0.2, 0.2, 0.05)),
    ] {
        let mut config = Config::default().with(["kl_coef=7.0", "clip_eps_low=0.9"]).unwrap();
        config.set("preset", preset).unwrap();
        assert_eq!((deciders(&config), config.update.preset.name()), (expected, preset));
    }
    let mut dapo = Config::default().with(["preset=dapo"]).unwrap();
    assert_eq!((dapo.sampling.batching.name(), dapo.update.mini_batches), ("dynamic", 4));
    assert!(dapo.update.mask_truncated && dapo.reward.overlong_penalty == 1.0);
    dapo.set("preset", "lab").unwrap();
    assert_eq!(dapo, Config::default(), "another preset takes all of it away");
    for preset in Preset::all() {
        for (key, value) in preset.settings() {
            let default = Config::default().get(key).unwrap();
            assert_ne!(*value, default, "{preset}: {key}");
        }
    }
    // The default is its own preset, to the last key.
    let mut config = Config::default();
    config.set("preset", "lab").unwrap();
    assert_eq!(config, Config::default());
    config.set_pair("preset=grpo").unwrap();
    config.set_pair("kl_coef = 0.5").unwrap();
    assert_eq!((config.update.kl_coef, config.update.scale_rewards), (0.5, true));

    // In a file the order of lines does not matter: the preset applies first, and other keys override it.
    let config = ConfigFile::parse("kl_coef = 0.5\npreset = \"grpo\"\n").unwrap().config;
    assert_eq!((config.update.kl_coef, config.update.loss_norm.name()), (0.5, "sequence"));
}

#[test]
fn only_live_keys_change_during_a_run() {
    let mut config = Config::default();
    config.set_live("learning_rate", "0.0001").unwrap();
    assert_eq!(config.optimizer.learning_rate, 0.0001);
    let message = config.set_live("micro_tokens", "8").unwrap_err().to_string();
    assert!(message.starts_with("`micro_tokens` cannot change during a run; these keys can: "), "{message}");
    assert!(message.contains(" learning_rate, "), "{message}");
    assert!(config.set_live("seed", "8").is_err());
    assert!(config.set_live("learning_rate", "fast").is_err());
}

#[test]
fn a_setting_without_an_equals_sign_is_explained() {
    let message = Config::default().set_pair("seed 7").unwrap_err().to_string();
    assert!(message.starts_with("`seed 7` is not a setting; write it as key=value"), "{message}");
}

fn file_refusal(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, content).unwrap();
    let message = Config::load(&path).expect_err("must be refused").to_string();
    assert!(message.contains("mine.toml"), "the file must be named: {message}");
    message
}

#[test]
fn files_are_refused_with_sentences_that_name_them() {
    assert!(file_refusal(b"sed = 1").contains("no configuration key `sed`; the nearest known one is `seed`"));
    assert!(file_refusal(b"[training]\nseed = 1").contains("no configuration key `training`"));
    let message = file_refusal(b"temperature = \"hot\"");
    assert!(message.contains("`temperature` cannot be the string `\"hot\"`: it takes a number"), "{message}");
    assert!(
        file_refusal(b"seed = 1.5").contains("`seed` cannot be the float `1.5`: it takes a whole number")
    );
    assert!(file_refusal(b"seed = -1").contains("`seed` cannot be the integer `-1`"));
    assert!(file_refusal(b"temperature = nan").contains("`temperature` cannot be the float `nan`"));
    assert!(file_refusal(b"scale_rewards = 1").contains("true or false"));
    assert!(file_refusal(b"level = 3").contains("`level` cannot be the integer `3`"));
    assert!(file_refusal(b"seed = = 1").contains("not valid TOML"));
    assert!(file_refusal(b"provenance = 3").contains("[provenance] table is wrong"));
    assert!(file_refusal(b"[provenance]\nbackend = 3").contains("[provenance] table is wrong"));
    assert!(file_refusal(b"seed = 1 # \xff").contains("not UTF-8 text (byte 11 is not)"));
    assert!(file_refusal(&b"#".repeat(70_000)).contains("larger than 64 KiB"));
    let message = Config::load(Path::new("/nowhere/at-all.toml")).unwrap_err().to_string();
    assert!(message.contains("at-all.toml") && message.contains("cannot be used"), "{message}");
}

#[test]
fn a_file_takes_whole_numbers_where_numbers_are_wanted_and_keeps_defaults() {
    let config = ConfigFile::parse("temperature = 1\nseed = 3").unwrap().config;
    assert_eq!(config, Config::default().with(["temperature=1.0", "seed=3"]).unwrap());
}

#[test]
fn a_task_brings_its_level_and_settings_and_another_one_takes_them_away() {
    let mut config = Config::default();
    config.set("seed", "7").unwrap();
    config.set("task", "multiplication").unwrap();
    assert_eq!((config.puzzles.level.name(), config.machine.seed), ("2x2", 7));
    assert_ne!(config.sampling.max_new_tokens, Config::default().sampling.max_new_tokens);
    config.validate().unwrap();
    config.set("level", "2x1").unwrap();
    config.set("task", "multiplication").unwrap();
    assert_eq!(config.puzzles.level.name(), "2x1", "the task that is set already changes nothing");
    let refused = config.set("level", "3x20").unwrap_err().to_string();
    assert_eq!(refused, "`level` cannot be `3x20`: it takes one of 2x2, 2x1, 3x2.");
    let file = ConfigFile { config: config.clone(), provenance: None };
    assert_eq!(ConfigFile::parse(&file.to_toml().unwrap()).unwrap().config, config);
    config.set("task", "countdown").unwrap();
    assert_eq!(config, Config::default().with(["seed=7"]).unwrap());
}

#[test]
fn a_file_that_names_a_task_alone_has_the_rest_from_it() {
    let read = |text: &str| ConfigFile::parse(text).map(|file| file.config);
    let config = read("task = \"multiplication\"").unwrap();
    assert_eq!((config.puzzles.level.name(), config.sampling.max_new_tokens), ("2x2", 160));
    assert_eq!(read("max_new_tokens = 90\ntask = \"multiplication\"").unwrap().sampling.max_new_tokens, 90);
    let refused = read("task = \"multiplication\"\nlevel = \"4x20\"").unwrap_err().to_string();
    assert!(refused.contains("it takes one of 2x2, 2x1, 3x2"), "{refused}");
}

#[test]
fn a_level_brings_its_settings_and_another_one_takes_them_away() {
    let mut config = Config::default();
    config.set("level", "tinyzero").unwrap();
    assert_eq!((config.update.kl_coef, config.sampling.max_new_tokens), (0.02, 640));
    config.set("kl_coef", "0.01").unwrap();
    config.set("level", "tinyzero").unwrap();
    assert_eq!(config.update.kl_coef, 0.01, "the level that is set already changes nothing");
    config.set("level", "4x20").unwrap();
    assert_eq!(config, Config::default().with(["level=4x20"]).unwrap());
    config.set("level", "tinyzero").unwrap();
    config.set("task", "multiplication").unwrap();
    assert_eq!(config, Config::default().with(["task=multiplication"]).unwrap());
    let read = ConfigFile::parse("kl_coef = 0.2\nlevel = \"tinyzero\"").unwrap().config;
    assert_eq!((read.update.kl_coef, read.sampling.max_new_tokens), (0.2, 640));
}

#[test]
fn no_short_name_is_another_key_or_the_short_name_of_two() {
    let shorts: Vec<&str> = Config::keys().filter_map(|key| key.short).collect();
    for (place, short) in shorts.iter().enumerate() {
        assert!(!shorts[place + 1..].contains(short), "{short}");
        assert!(Config::keys().all(|key| key.name != *short), "{short}");
    }
    assert_eq!(Config::called("lr").map(|key| key.name), Some("learning_rate"));
    assert_eq!(Config::called("seed").map(|key| key.name), Some("seed"));
}
