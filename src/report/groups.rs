//! Runs that differ in their seed alone belong together; a control stands beside them.

use super::read::Told;
use crate::config::Config;

/// Runs of one configuration.
pub(super) struct Group {
    /// What tells it from the others.
    pub(super) label: String,
    /// Places in the list of runs.
    pub(super) runs: Vec<usize>,
}

/// Keys that say nothing about what is trained.
pub(crate) const ASIDE: [&str; 8] = [
    "seed",
    "threads",
    "backend",
    "price_per_hour",
    "sentinel",
    "checkpoint_every",
    "evaluate_every",
    "evaluate_puzzles",
];

/// The groups, in the order of their first runs.
pub(super) fn of(runs: &[Told]) -> Vec<Group> {
    let values = |told: &Told| -> Vec<(&'static str, String)> {
        Config::keys()
            .filter(|key| !ASIDE.contains(&key.name) && told.knows(key.name))
            .map(|key| (key.name, told.started.config.get(key.name).unwrap_or_default()))
            .collect()
    };
    let all: Vec<Vec<(&str, String)>> = runs.iter().map(values).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (i, own) in all.iter().enumerate() {
        let same = |group: &&mut Group| {
            let first = group.runs[0];
            !own.is_empty()
                && all[first] == *own
                && runs[first].provenance_model() == runs[i].provenance_model()
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.runs.push(i),
            None => groups.push(Group { label: String::new(), runs: vec![i] }),
        }
    }
    let differs = |name: &str| {
        let value =
            |own: &Vec<(&str, String)>| own.iter().find(|(key, _)| *key == name).map(|(_, v)| v.clone());
        all.windows(2).any(|pair| value(&pair[0]) != value(&pair[1]))
    };
    for group in &mut groups {
        let own = &all[group.runs[0]];
        let told: Vec<String> = own
            .iter()
            .filter(|(name, value)| differs(name) && !(*name == "control" && value == "none"))
            .take(3)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        group.label = match (told.is_empty(), &group.runs[..]) {
            // A list of keys says less of one run than its name, unless it is a control.
            (_, [only]) if !told.iter().any(|key| key.starts_with("control=")) => runs[*only].name.clone(),
            (false, _) => told.join(", "),
            (true, several) => format!("{} seeds", several.len()),
        };
    }
    // Two runs may differ in nothing that is known.
    for i in 1..groups.len() {
        if groups[..i].iter().any(|other| other.label == groups[i].label) {
            groups[i].label = runs[groups[i].runs[0]].name.clone();
        }
    }
    groups
}

impl Told {
    /// The weights that it began from.
    fn provenance_model(&self) -> Option<&str> {
        self.provenance.as_ref().map(|info| info.model_hash.as_str())
    }
}
