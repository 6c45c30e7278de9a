//! The ancestors of a run. The directory of a fork holds only the steps after the fork; the earlier ones are
//! in its parent's directory, and so on.

use std::path::{Path, PathBuf};

use super::directory::RunDirectory;
use crate::record::ForkPoint;

/// Most ancestors looked up for one run.
const MOST_ANCESTORS: usize = 32;

/// A run that another was forked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Its name.
    pub name: String,
    /// The last step that both have.
    pub step: u64,
    /// Where it is; `None` if it no longer exists.
    pub run: Option<RunDirectory>,
}

/// The forks in a run's ancestry, nearest first.
pub fn fork_points(ancestors: &[Ancestor]) -> Vec<ForkPoint> {
    ancestors.iter().map(|other| ForkPoint { run: other.name.clone(), step: other.step }).collect()
}

/// A segment of a run's history: the steps that one directory holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The run that holds them.
    pub run: RunDirectory,
    /// The last of them; `None` for all.
    pub last: Option<u64>,
}

/// The ancestors of a run, nearest first.
pub fn ancestors(run: &RunDirectory) -> Vec<Ancestor> {
    let mut found: Vec<Ancestor> = Vec::new();
    let mut child = Some(run.clone());
    while let Some(parent) = child.take().and_then(|child| parent(&child)) {
        let met = |known: &RunDirectory| parent.run.as_ref().is_some_and(|run| run.path() == known.path());
        let again = met(run) || found.iter().filter_map(|nearer| nearer.run.as_ref()).any(met);
        // If the parent itself was forked later than this fork, the history does not go through it.
        let later = found.last().is_some_and(|nearer| parent.step > nearer.step);
        if again || later || found.len() == MOST_ANCESTORS {
            break;
        }
        child.clone_from(&parent.run);
        found.push(parent);
    }
    found
}

/// The segments of a run's history, oldest first: those of the ancestors that still exist, then its own.
pub fn segments(run: &RunDirectory, ancestors: &[Ancestor], last: Option<u64>) -> Vec<Segment> {
    let before = ancestors
        .iter()
        .rev()
        .filter_map(|ancestor| Some(Segment { run: ancestor.run.clone()?, last: Some(ancestor.step) }));
    before.chain([Segment { run: run.clone(), last }]).collect()
}

/// The run that this one was forked from.
fn parent(run: &RunDirectory) -> Option<Ancestor> {
    let ForkPoint { run: parent, step } = run.meta().parent?;
    let path = PathBuf::from(&parent);
    let name = path.file_name().unwrap_or(path.as_os_str());
    // If runs were moved together, the parent is beside this one.
    let beside = run.path().parent().unwrap_or(Path::new("")).join(name);
    let there = |path: &Path| RunDirectory::open(path).ok();
    Some(Ancestor {
        name: name.to_string_lossy().into_owned(),
        step,
        run: there(&beside).or_else(|| there(&path)),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Config, RunInfo};

    fn run(root: &Path, name: &str, forked_from: Option<String>) -> RunDirectory {
        let info = RunInfo {
            model_hash: "ab".into(),
            program_version: "0.1.0".into(),
            git_revision: None,
            analysis: None,
            backend: "cpu x2".into(),
            vector_unit: None,
            base: None,
            created: "2026-01-02T03:04:05Z".into(),
            forked_from,
            engine: None,
        };
        let made = RunDirectory::create(root, name, &Config::default(), &info).unwrap();
        assert_eq!(made.config().unwrap().provenance.unwrap(), info);
        made
    }

    fn at(run: &RunDirectory, step: u64) -> Option<String> {
        Some(format!("{}@{step}", run.path().display()))
    }

    #[test]
    fn a_fork_of_a_fork_goes_back_to_the_first_run() {
        let root = tempfile::tempdir().unwrap();
        let first = run(root.path(), "first", None);
        let second = run(&root.path().join("elsewhere"), "second", at(&first, 20));
        let third = run(root.path(), "third", at(&second, 30));
        assert_eq!(ancestors(&first), []);
        let meta = second.meta();
        assert_eq!(
            (meta.engine.as_str(), meta.task.as_str(), meta.model.as_str()),
            ("aha-lab 0.1.0", "countdown", "ab")
        );
        assert_eq!(meta.config["level"], "3x20");
        assert_eq!(meta.parent.map(|parent| parent.step), Some(20));
        let of = |run: &RunDirectory, step| Ancestor { name: run.name(), step, run: Some(run.clone()) };
        assert_eq!(ancestors(&third), [of(&second, 30), of(&first, 20)]);
        let parts: Vec<_> = segments(&third, &ancestors(&third), Some(35))
            .into_iter()
            .map(|part| (part.run, part.last))
            .collect();
        assert_eq!(parts, [(first, Some(20)), (second, Some(30)), (third, Some(35))]);
    }

    #[test]
    fn runs_that_were_moved_together_find_each_other_and_one_that_is_gone_is_named() {
        let root = tempfile::tempdir().unwrap();
        let parent = run(root.path(), "a", None);
        let child = run(root.path(), "b", Some(format!("/nowhere/{}@7", parent.name())));
        assert_eq!(ancestors(&child)[0].run, Some(parent.clone()));
        fs::remove_dir_all(parent.path()).unwrap();
        assert_eq!(ancestors(&child), [Ancestor { name: parent.name(), step: 7, run: None }]);
    }

    #[test]
    fn older_forks_say_it_in_their_events_and_what_goes_back_to_itself_ends() {
        let root = tempfile::tempdir().unwrap();
        let parent = run(root.path(), "a", None);
        let old = run(root.path(), "b", None);
        let line = |event: &str, detail: &str| {
            format!(r#"{{"time":"2026-01-02T03:04:05Z","step":20,"event":"{event}","detail":"{detail}"}}"#)
        };
        fs::write(old.events_path(), line("forked", &format!("from {}@20", parent.name())) + "\n").unwrap();
        assert_eq!(ancestors(&old)[0].run, Some(parent.clone()));
        fs::write(parent.events_path(), line("started", "from the embedded base model") + "\n").unwrap();
        assert_eq!(ancestors(&parent), []);
        // Each claims to be forked from the other, at the same step.
        fs::write(parent.events_path(), line("forked", &format!("from {}@20", old.name())) + "\n").unwrap();
        assert_eq!(ancestors(&old).len(), 1);
        fs::write(parent.events_path(), line("forked", &format!("from {}@20", parent.name())) + "\n")
            .unwrap();
        assert_eq!(ancestors(&parent), []);
    }
}
