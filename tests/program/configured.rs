//! The places that configure a run, and manual pages.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::{headless, lab, refusal, succeeds, text};

/// A command in a project folder, of a user whose configuration folder is `user` beside it.
fn at<'a>(root: &Path, command: &'a mut Command) -> &'a mut Command {
    command.current_dir(root.join("project")).env("XDG_CONFIG_HOME", root.join("user"))
}

/// A user's file and a project's.
fn places() -> TempDir {
    let root = TempDir::new().unwrap();
    for (folder, text) in [
        ("user/aha-lab", "learning_rate = 0.002\ntemperature = 0.5\nmax_new_tokens = 24\n"),
        ("project", "temperature = 0.6\n"),
    ] {
        let folder = root.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("aha-lab.toml"), text).unwrap();
    }
    root
}

#[test]
fn a_value_comes_from_the_strongest_place_and_config_says_which() {
    let root = places();
    let said = |arguments: &[&str]| {
        let mut command = lab(&["config", "--json"]);
        command.args(arguments).env("AHA_LAB_TEMPERATURE", "0.7").env("AHA_LAB_KL_COEF", "0.1");
        let printed = text(&succeeds(at(root.path(), &mut command)).stdout);
        serde_json::from_str::<Value>(&printed).unwrap()
    };
    let plain = said(&[]);
    let of = |said: &Value, key: &str| {
        let key = &said["keys"][key];
        (key["value"].as_str().unwrap().to_owned(), key["from"].as_str().unwrap().to_owned())
    };
    let is = |said: &Value, key: &str, value: &str, from: &str| {
        assert_eq!(of(said, key), (value.to_owned(), from.to_owned()), "{key}");
    };
    is(&plain, "learning_rate", "0.002", "file");
    is(&plain, "temperature", "0.7", "variable");
    is(&plain, "kl_coef", "0.1", "variable");
    is(&plain, "group_size", "16", "default");
    assert_eq!(plain["files"].as_array().unwrap().len(), 2);
    assert!(plain["files"].as_array().unwrap().iter().all(|file| file["exists"] == true), "{plain}");

    let more = said(&["--level", "tinyzero", "--set", "temperature=0.9", "--changed"]);
    is(&more, "temperature", "0.9", "argument");
    is(&more, "kl_coef", "0.05", "argument");
    assert_eq!(more["keys"]["kl_coef"]["through"], serde_json::json!(["level"]));
    assert!(more["keys"].get("group_size").is_none(), "{more}");

    let table = text(&succeeds(at(root.path(), &mut lab(&["config"]))).stdout);
    let line = |key: &str| table.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("learning_rate ").contains("0.002") && line("learning_rate ").contains("user"), "{table}");
    assert!(line("group_size ").trim_end().ends_with('-'), "{table}");
}

#[test]
fn a_run_is_made_with_them_and_its_fork_has_its_parents() {
    let root = places();
    let runs = root.path().join("runs");
    succeeds(at(root.path(), headless(&runs, 1).args(["--name", "parent"])).env("AHA_LAB_SEED", "9"));
    let config = |name: &str| {
        let folder = fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().path());
        let run = folder.filter(|path| path.to_string_lossy().ends_with(name)).max().unwrap();
        fs::read_to_string(run.join("config.toml")).unwrap().parse::<toml::Table>().unwrap()
    };
    let parent = config("parent");
    assert_eq!(parent["learning_rate"].as_float(), Some(0.002));
    assert_eq!(parent["temperature"].as_float(), Some(0.6));
    assert_eq!(parent["seed"].as_integer(), Some(9));

    fs::write(root.path().join("project/aha-lab.toml"), "temperature = 0.1\n").unwrap();
    let mut fork = lab(&["run", "--headless", "--steps", "2", "--fork", "parent@1", "--name", "child"]);
    succeeds(at(root.path(), fork.arg("--runs").arg(&runs)).env("AHA_LAB_LEARNING_RATE", "0.5"));
    let child = config("child");
    assert_eq!(child["learning_rate"], parent["learning_rate"]);
    assert_eq!(child["temperature"], parent["temperature"]);
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let root = places();
    let mut command = lab(&["config"]);
    let said = refusal(at(root.path(), command.env("AHA_LAB_GROUP_SIZE", "many")));
    assert!(said.contains("AHA_LAB_GROUP_SIZE") && said.contains("many"), "{said}");
    fs::write(root.path().join("project/aha-lab.toml"), "groupsize = 4\n").unwrap();
    let said = refusal(at(root.path(), &mut lab(&["config"])));
    assert!(said.contains("aha-lab.toml") && said.contains("group_size"), "{said}");
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let root = TempDir::new().unwrap();
    succeeds(lab(&["man"]).arg(root.path()));
    let page = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
    assert!(page("aha-lab.1").contains(".TH aha"), "{}", page("aha-lab.1"));
    assert!(page("aha-lab-run.1").contains("headless"));
    let said = refusal(lab(&["man"]).arg(root.path().join("nowhere")));
    assert!(said.contains("nowhere"), "{said}");
}
