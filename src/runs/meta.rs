//! What a run directory records about its run.

use serde_json::Value;

use super::{
    directory::{RunAtStep, RunDirectory},
    reader::LONGEST_LINE,
    tail::Tail,
};
use crate::record::{EventRecord, ForkPoint, RunEvent, RunMeta};

impl RunDirectory {
    /// A short description of the run, with empty fields if its `config.toml` does not say.
    pub(crate) fn meta(&self) -> RunMeta {
        let (config, provenance) = match self.config() {
            Ok(file) => (Some(file.config), file.provenance),
            Err(_) => (None, None),
        };
        let told = provenance.as_ref().and_then(|info| info.forked_from.as_deref());
        let engine = provenance.as_ref().and_then(|info| info.engine.clone());
        RunMeta {
            engine: match (&provenance, &engine) {
                (_, Some(engine)) => format!("{} {}", engine.name, engine.version).trim_end().to_owned(),
                (Some(info), None) => format!("aha-lab {}", info.program_version),
                (None, None) => String::new(),
            },
            parent: match told {
                Some(told) => fork_point(told),
                None => told_by_events(self),
            },
            model: match engine.filter(|engine| !engine.model.is_empty()) {
                Some(engine) => engine.model,
                None => provenance.map_or_else(String::new, |info| info.model_hash),
            },
            task: config.as_ref().map_or_else(String::new, |config| config.puzzles.task.name.to_owned()),
            config: match config.and_then(|config| serde_json::to_value(config).ok()) {
                Some(Value::Object(config)) => config,
                _ => Default::default(),
            },
        }
    }
}

fn fork_point(run_at_step: &str) -> Option<ForkPoint> {
    let RunAtStep { run, step } = run_at_step.parse().ok()?;
    Some(ForkPoint { run, step: step? })
}

/// The parent as named in the first line of the events; older runs do not record it in `config.toml`.
fn told_by_events(run: &RunDirectory) -> Option<ForkPoint> {
    let mut first = None;
    let mut log = Tail::new(&run.events_path(), LONGEST_LINE);
    let _ = log.poll(|record: EventRecord, _, _| {
        first.get_or_insert(record.event);
    });
    match first? {
        RunEvent::Forked { run, at } => Some(ForkPoint { run, step: at }),
        _ => None,
    }
}
