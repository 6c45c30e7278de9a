//! Which runs are listed, and in which order.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use crate::runs::overview::Overview;

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// By name, which begins with the time: the newest first.
    #[default]
    Name,
    /// By the best accuracy on held-out puzzles, the highest first.
    HeldOut,
    /// By steps, the most first.
    Steps,
    /// By size, the largest first.
    Size,
}

impl Sort {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Name => Self::HeldOut,
            Self::HeldOut => Self::Steps,
            Self::Steps => Self::Size,
            Self::Size => Self::Name,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Name => "newest first",
            Self::HeldOut => "best held-out accuracy first",
            Self::Steps => "most steps first",
            Self::Size => "largest first",
        }
    }

    fn order(self, a: &Overview, b: &Overview) -> Ordering {
        let accuracy = |run: &Overview| run.best_held_out.map_or(-1.0, |best| best.accuracy);
        let by = match self {
            Self::Name => Ordering::Equal,
            Self::HeldOut => accuracy(b).total_cmp(&accuracy(a)),
            Self::Steps => b.steps.cmp(&a.steps),
            Self::Size => b.bytes.cmp(&a.bytes),
        };
        by.then_with(|| b.name.cmp(&a.name))
    }
}

/// A run in the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) run: &'a Overview,
    /// How many forks lie between it and the run at the root of its tree; 0 in a plain list.
    pub(super) depth: usize,
}

/// The runs that have all of these words, in this order; `by_lineage` puts forks below the runs that they come from.
pub(super) fn listed<'a>(runs: &'a [Overview], words: &str, sort: Sort, by_lineage: bool) -> Vec<Listed<'a>> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<&Overview> = runs.iter().filter(|run| has(run, &words)).collect();
    found.sort_by(|a, b| sort.order(a, b));
    match by_lineage {
        true => as_trees(&found),
        false => found.into_iter().map(|run| Listed { run, depth: 0 }).collect(),
    }
}

fn has(run: &Overview, words: &[String]) -> bool {
    let parent = run.parent.as_ref().map_or("", |parent| parent.run.as_str());
    let seed = run.seed.map(|seed| format!("seed{seed}")).unwrap_or_default();
    let engine = run.engine.unwrap_or_default();
    let tags = run.notes.tags.join(" ");
    let text = [
        &run.name,
        run.notes.name.as_str(),
        tags.as_str(),
        run.notes.note.as_str(),
        &run.task,
        &run.level,
        &run.preset,
        run.state.name(),
        engine,
        parent,
        &seed,
    ]
    .join(" ")
    .to_lowercase();
    words.iter().all(|word| text.contains(word))
}

/// Each fork below the run that it comes from. One whose parent is not there stands for itself.
fn as_trees<'a>(runs: &[&'a Overview]) -> Vec<Listed<'a>> {
    let there: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let parent = |run: &Overview| {
        run.parent.as_ref().map(|fork| fork.run.clone()).filter(|name| there.contains(name.as_str()))
    };
    let mut forks: BTreeMap<String, Vec<&'a Overview>> = BTreeMap::new();
    let mut left: Vec<(&'a Overview, usize)> = Vec::new();
    for run in runs.iter().rev() {
        match parent(run) {
            Some(name) => forks.entry(name).or_default().push(run),
            None => left.push((run, 0)),
        }
    }
    let mut listed: Vec<Listed<'a>> = Vec::new();
    while let Some((run, depth)) = left.pop() {
        listed.push(Listed { run, depth });
        // Each is taken out once, so that two runs that name each other as parents end.
        left.extend(forks.remove(&run.name).into_iter().flatten().map(|fork| (fork, depth + 1)));
    }
    // What is left has no root.
    listed.extend(forks.into_values().flatten().map(|run| Listed { run, depth: 0 }));
    listed
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        record::ForkPoint,
        runs::{
            notes::Notes,
            overview::{HeldOut, RunState},
        },
    };

    fn run(name: &str, parent: Option<&str>) -> Overview {
        Overview {
            name: name.into(),
            path: name.into(),
            task: "countdown".into(),
            level: "3x20".into(),
            model: String::new(),
            preset: "lab".into(),
            seed: Some(7),
            steps: name.len() as u64,
            accuracies: Vec::new(),
            best_held_out: None,
            state: RunState::Finished,
            parent: parent.map(|run| ForkPoint { run: run.into(), step: 2 }),
            checkpoints: Vec::new(),
            config: None,
            engine: None,
            notes: Notes::default(),
            bytes: 0,
            troubles: Vec::new(),
        }
    }

    fn names(listed: &[Listed<'_>]) -> Vec<(String, usize)> {
        listed.iter().map(|listed| (listed.run.name.clone(), listed.depth)).collect()
    }

    #[test]
    fn forks_stand_below_their_parents_and_every_run_stands_once() {
        let runs = [
            run("a", None),
            run("b", Some("a")),
            run("c", Some("b")),
            run("d", Some("gone")),
            run("e", Some("a")),
        ];
        let found = names(&listed(&runs, "", Sort::Name, true));
        let expected = [("d", 0), ("a", 0), ("e", 1), ("b", 1), ("c", 2)];
        assert_eq!(found, expected.map(|(name, depth)| (name.to_owned(), depth)));
        let round = [run("x", Some("y")), run("y", Some("x")), run("z", Some("z"))];
        assert_eq!(listed(&round, "", Sort::Name, true).len(), 3, "runs that name each other end");
    }

    #[test]
    fn words_and_orders_choose() {
        let mut runs = [run("first", None), run("second-long", None), run("third", Some("first"))];
        runs[0].best_held_out = Some(HeldOut { accuracy: 0.5, step: 3 });
        runs[2].best_held_out = Some(HeldOut { accuracy: 0.7, step: 3 });
        let first = |sort| listed(&runs, "", sort, false)[0].run.name.clone();
        assert_eq!([Sort::Name, Sort::HeldOut, Sort::Steps].map(first), ["third", "third", "second-long"]);
        assert_eq!(names(&listed(&runs, "COUNT first", Sort::Name, false)).len(), 2, "and the fork of it");
        assert_eq!(listed(&runs, "seed7 finished second", Sort::Name, false).len(), 1);
        assert!(listed(&runs, "nothing has this", Sort::Name, false).is_empty());
    }
}
