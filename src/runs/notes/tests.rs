#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::{
    config::{Config, RunInfo},
    runs::RunLock,
};

fn run(runs: &Path, name: &str) -> RunDirectory {
    let info = RunInfo {
        model_hash: "ab".into(),
        program_version: "0.1.0".into(),
        git_revision: None,
        analysis: None,
        backend: "cpu".into(),
        vector_unit: None,
        base: None,
        created: "2026-01-02T03:04:05Z".into(),
        forked_from: None,
        engine: None,
    };
    RunDirectory::create(runs, name, &Config::default(), &info).unwrap()
}

fn notes(name: &str, note: &str, tags: &[&str]) -> Notes {
    Notes { name: name.into(), note: note.into(), tags: tags.iter().map(|tag| (*tag).to_owned()).collect() }
}

#[test]
fn what_is_written_is_read_and_the_run_finds_itself_by_its_name() {
    let root = tempfile::tempdir().unwrap();
    let (first, other) = (run(root.path(), "first"), run(root.path(), "other"));
    let config = fs::read(first.path().join("config.toml")).unwrap();
    assert_eq!(read(&first).unwrap(), Notes::default());
    let said = notes("best so far", "two lines,\n\tand \"quotes\" äß", &["aha", "lr-2e-4"]);
    write(root.path(), &first, &said).unwrap();
    assert_eq!(read(&first).unwrap(), said);
    assert_eq!(fs::read(first.path().join("config.toml")).unwrap(), config);
    for wanted in ["best so far", "best", "first"] {
        assert_eq!(RunDirectory::find(root.path(), wanted).unwrap(), first, "{wanted}");
    }
    rename(root.path(), &first, " other ").unwrap();
    // A whole given name comes before a part of a folder's.
    assert_eq!(RunDirectory::find(root.path(), "other").unwrap(), first);
    assert!(matches!(rename(root.path(), &other, "other"), Err(RunError::BadNotes { .. })));
    assert!(matches!(rename(root.path(), &other, &first.name()), Err(RunError::BadNotes { .. })));
    rename(root.path(), &first, "").unwrap();
    assert_eq!(read(&first).unwrap(), Notes { name: String::new(), ..said });
}

#[test]
fn keys_of_a_newer_program_stay() {
    let root = tempfile::tempdir().unwrap();
    let run = run(root.path(), "a");
    fs::write(run.path().join(FILE), "colour = \"red\"\ntags = [\"x\"]\n[mine]\na = 1\n").unwrap();
    write(root.path(), &run, &notes("n", "", &[])).unwrap();
    let text = fs::read_to_string(run.path().join(FILE)).unwrap();
    assert!(text.contains("red") && text.contains("[mine]") && !text.contains("tags"), "{text}");
    assert_eq!(read(&run).unwrap(), notes("n", "", &[]));
}

#[test]
fn tags_are_told_by_commas() {
    assert_eq!(tags_in(" a, b ,,a"), ["a", "b"]);
    assert!(tags_in(" , ").is_empty());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_read_back(name in ".{0,70}", note in "(?s).{0,80}", tags in proptest::collection::vec(".{0,45}", 0..4)) {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path(), "a");
        let said = Notes { name, note, tags };
        match write(root.path(), &run, &said) {
            Ok(()) => prop_assert_eq!(read(&run).unwrap(), said),
            Err(error) => {
                prop_assert!(matches!(error, RunError::BadNotes { .. }), "{}", error);
                prop_assert!(!run.path().join(FILE).exists());
            }
        }
    }

    #[test]
    fn strangers_bytes_are_notes_or_a_sentence(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path(), "a");
        fs::write(run.path().join(FILE), bytes).unwrap();
        if let Err(error) = read(&run) {
            prop_assert!(error.to_string().ends_with('.'));
        }
    }
}

#[test]
fn hostile_files_are_refused_in_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    let run = run(root.path(), "a");
    let many = format!("tags = [{}]", (0..30).map(|i| format!("\"t{i}\"")).collect::<Vec<_>>().join(","));
    for (text, why) in [
        ("name = \"\\u001b[2J\"".to_owned(), "no line breaks"),
        ("name = \"../out\"".to_owned(), "begins with neither"),
        (format!("name = \"{}\"", "x".repeat(100)), "at most 60"),
        (format!("note = \"{}\"", "x".repeat(5000)), "at most 4000"),
        ("note = \"\\u009b2J\"".to_owned(), "control characters"),
        ("tags = [\"a b\"]".to_owned(), "no spaces"),
        ("tags = [\"a\", \"a\"]".to_owned(), "twice"),
        (many, "at most 20 tags"),
        ("tags = \"a\"".to_owned(), "expected"),
        ("[".repeat(50_000), ""),
        (format!("note = \"\"\n#{}", "x".repeat(70_000)), "larger than 64 KiB"),
    ] {
        fs::write(run.path().join(FILE), &text).unwrap();
        let said = read(&run).unwrap_err().to_string();
        assert!(said.contains(why) && said.ends_with("remove it.") && said.len() < 1000, "{said}");
        // It is the person's: it is not replaced by what is said now.
        assert!(write(root.path(), &run, &notes("x", "", &[])).is_err());
        assert_eq!(fs::read_to_string(run.path().join(FILE)).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn neither_links_nor_pipes_are_notes() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let root = tempfile::tempdir().unwrap();
    let run = run(root.path(), "a");
    let (path, outside) = (run.path().join(FILE), root.path().join("outside.toml"));
    fs::write(&outside, "name = \"x\"\n").unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert!(read(&run).is_err() && write(root.path(), &run, &notes("y", "", &[])).is_err());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "name = \"x\"\n");
    fs::remove_file(&path).unwrap();
    mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
    assert!(read(&run).is_err() && write(root.path(), &run, &notes("y", "", &[])).is_err());
}

#[test]
fn a_run_is_deleted_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().join("runs");
    let (gone, kept) = (run(&runs, "gone"), run(&runs, "kept"));
    fs::create_dir_all(gone.path().join("checkpoints/step-000001")).unwrap();
    fs::write(gone.path().join("checkpoints/step-000001/model.safetensors"), "x").unwrap();
    let outside = root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, gone.path().join("link")).unwrap();
    delete(&runs, &gone).unwrap();
    assert!(!gone.path().exists() && outside.join("file").exists());
    assert_eq!(RunDirectory::list(&runs).unwrap(), [kept]);
}

#[test]
fn what_runs_or_lies_elsewhere_or_is_not_ours_stays() {
    let root = tempfile::tempdir().unwrap();
    let (runs, elsewhere) = (root.path().join("runs"), root.path().join("elsewhere"));
    let (live, outside) = (run(&runs, "live"), run(&elsewhere, "outside"));
    let foreign = runs.join("project");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("config.toml"), "seed = 1\n").unwrap();
    fs::write(foreign.join("thesis.tex"), "text").unwrap();
    let foreign = RunDirectory::open(&foreign).unwrap();
    let refused = |run: &RunDirectory| -> [String; 2] {
        [delete(&runs, run), rename(&runs, run, "new")].map(|tried| tried.unwrap_err().to_string())
    };
    for said in refused(&foreign) {
        assert!(said.contains("is left alone") && said.contains("not say that it is a run"), "{said}");
    }
    for said in refused(&outside) {
        assert!(said.contains("is left alone") && said.contains("--runs DIR"), "{said}");
    }
    #[cfg(unix)]
    {
        let link = runs.join("2026-link");
        std::os::unix::fs::symlink(outside.path(), &link).unwrap();
        for said in refused(&RunDirectory::open(&link).unwrap()) {
            assert!(said.contains("is left alone: it is a symbolic link"), "{said}");
        }
        for way in ["live/..", "."] {
            assert!(RunDirectory::open(&runs.join(way)).is_err());
        }
        fs::remove_file(link).unwrap();
    }
    let lock = RunLock::acquire(live.path()).unwrap();
    for said in refused(&live) {
        assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    }
    // A note may be written meanwhile.
    write(&runs, &live, &notes("", "going well", &[])).unwrap();
    drop(lock);
    rename(&runs, &live, "new").unwrap();
    assert_eq!(read(&live).unwrap(), notes("new", "going well", &[]));
    assert!(foreign.path().join("thesis.tex").exists() && outside.path().exists());
}
