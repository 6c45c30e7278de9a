#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn plan(keys: &[(&str, &[&str])]) -> Plan {
    let swept = |(key, values): &(&str, &[&str])| Swept {
        key: (*key).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    Plan { settings: keys.iter().map(swept).collect(), shared: vec![], steps: 3, first_seed: 1 }
}

#[test]
fn a_plan_has_one_folder_and_another_plan_another() {
    let one = plan(&[("learning_rate", &["1e-4", "2e-4"])]);
    assert_eq!(one.name(), one.clone().name());
    assert!(one.name().starts_with("sweep-learning_rate-"), "{}", one.name());
    assert_ne!(one.name(), plan(&[("learning_rate", &["1e-4", "3e-4"])]).name());
    assert_ne!(one.name(), Plan { steps: 4, ..one.clone() }.name());
    let odd = plan(&[("../../x", &["1", "2"]), (&"k".repeat(500), &["1", "2"])]);
    assert!(odd.name().len() < 80 && !odd.name().contains('/'), "{}", odd.name());
}

#[test]
fn it_goes_on_where_it_is_and_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    let one = plan(&[("seed", &["1"])]);
    let sweep = Sweep::begin(root.path(), "a", &one).unwrap();
    assert!(matches!(Sweep::begin(root.path(), "a", &one), Err(RunError::Locked { .. })));
    drop(sweep);
    let manifest = fs::read(root.path().join("a").join(MANIFEST)).unwrap();
    drop(Sweep::begin(root.path(), "a", &one).unwrap());
    assert_eq!(fs::read(root.path().join("a").join(MANIFEST)).unwrap(), manifest);
    let other = Sweep::begin(root.path(), "a", &Plan { steps: 9, ..one.clone() }).unwrap_err().to_string();
    assert!(other.contains("sweep of other values") && other.contains("--name"), "{other}");
    fs::create_dir(root.path().join("mine")).unwrap();
    fs::write(root.path().join("mine/thesis.tex"), "text").unwrap();
    assert!(Sweep::begin(root.path(), "mine", &one).unwrap_err().to_string().contains("is no sweep"));
    let names: Vec<String> = list(root.path()).into_iter().map(Result::unwrap).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn hostile_manifests_are_refused_in_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a");
    fs::create_dir(&folder).unwrap();
    let newer = r#"{"schema_version":2,"created":"","program_version":"","settings":[],"shared":[],"steps":1,"first_seed":1}"#;
    for text in ["", "[]", "{\"schema_version\": 1}", newer, &"[".repeat(100_000), &" ".repeat(300_000)] {
        fs::write(folder.join(MANIFEST), text).unwrap();
        let said = read(&folder).unwrap_err().to_string();
        assert!(said.contains("cannot be read") && said.ends_with('.') && said.len() < 1000, "{said}");
        assert!(list(root.path())[0].is_err());
        assert!(Sweep::begin(root.path(), "a", &plan(&[])).is_err());
    }
    #[cfg(unix)]
    {
        fs::remove_file(folder.join(MANIFEST)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join(MANIFEST)).unwrap();
        assert!(read(&folder).is_err());
        std::os::unix::fs::symlink(&folder, root.path().join("link")).unwrap();
        assert!(Sweep::begin(root.path(), "link", &plan(&[])).is_err());
    }
}

#[test]
fn a_run_is_told_by_its_whole_name() {
    let directory = "2026-01-02T03-04-05-c1-seed1";
    assert!(is_called(directory, "c1-seed1") && is_called(&format!("{directory}-2"), "c1-seed1"));
    for other in ["c1-seed", "seed1", "c1-seed11", ""] {
        assert!(!is_called(directory, other), "{other}");
    }
    assert!(!is_called("2026-01-02T03-04-05-c1-seed10", "c1-seed1") && !is_called("äöüäöüäöüäöüäöüäöü", "c"));
}
