//! The models that can answer: the embedded base, the checkpoints of a run, and the weights in training.

use std::{collections::VecDeque, path::Path, rc::Rc, sync::Arc};

use burn::tensor::Device;

use super::live::LiveWeights;
use crate::{
    config::{Asking, Config},
    device,
    engine::{
        origin,
        parts::asked_task,
        setup::{EngineError, task_of},
    },
    model::{
        folder::LoadedModel,
        source::{ModelSource, embedded_of},
        tokenizer::Tokenizer,
        transformer::Transformer,
    },
    protocol::side::{ModelName, Models},
    runs::RunDirectory,
    task::Task,
};

/// Models kept loaded: those of two answers, and two more to return to.
const KEPT: usize = 4;

/// Whose models.
#[derive(Debug, Clone)]
pub enum Source {
    /// The run that this process trains.
    Live(Arc<LiveWeights>),
    /// A run that is read from its files, or that another process trains: its checkpoints, but no current
    /// weights.
    Recorded(RunDirectory),
}

/// A model that is ready to answer.
pub struct Loaded {
    /// Which weights.
    pub name: ModelName,
    /// Steps that they have seen; 0 for the embedded base.
    pub step: u64,
    /// The model.
    pub model: Transformer,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// The run's task, as this model is asked it.
    pub task: Box<dyn Task>,
}

impl Loaded {
    /// Whether its answers end right after their closing tag: as the run's do, except for the embedded base,
    /// which was trained with its end token whatever the run began from.
    pub(crate) fn stops_at_answer(&self, config: &Config) -> bool {
        self.name != ModelName::Embedded && config.reward.stop.is_answer()
    }
}

/// A run's task and rewards.
pub struct Rules {
    /// Its configuration.
    pub config: Config,
    /// Its task.
    pub task: Box<dyn Task>,
}

/// Loads models by name and keeps a few.
pub struct Library {
    source: Source,
    kept: VecDeque<Rc<Loaded>>,
    device: Option<Device>,
    /// Whether the run began from the embedded base, once looked up.
    from_embedded: Option<bool>,
}

impl Library {
    /// An empty library.
    pub fn new(source: Source) -> Self {
        Self { source, kept: VecDeque::new(), device: None, from_embedded: None }
    }

    /// The run and its configuration.
    pub(super) fn run(&self) -> Result<(RunDirectory, Config), EngineError> {
        match &self.source {
            Source::Live(weights) => match weights.newest() {
                Some(live) => Ok((live.run, live.config)),
                None => Err(EngineError::Other("The run is still starting; try again in a moment.".into())),
            },
            Source::Recorded(run) => Ok((run.clone(), run.config()?.config)),
        }
    }

    /// The rules of this run.
    ///
    /// # Errors
    /// While the run is getting ready, or if its configuration cannot be read.
    pub fn rules(&self) -> Result<Rules, EngineError> {
        let config = self.run()?.1;
        Ok(Rules { task: task_of(&config)?, config })
    }

    /// The names of all models that can answer.
    ///
    /// # Errors
    /// As for [`Self::rules`].
    pub fn models(&mut self) -> Result<Models, EngineError> {
        let (run, _) = self.run()?;
        let steps: Vec<u64> = run.models().into_iter().map(|(step, _)| step).collect();
        let from_embedded = match self.from_embedded {
            Some(known) => known,
            None => {
                let provenance = run.config()?.provenance;
                let known = provenance.is_some_and(|p| embedded_of(&p.model_hash).is_some());
                *self.from_embedded.insert(known)
            }
        };
        let base = match steps.first() {
            Some(&first) if !from_embedded => ModelName::Checkpoint(first),
            _ => ModelName::Embedded,
        };
        let now = match &self.source {
            Source::Live(weights) => weights.newest().map(|live| live.step),
            Source::Recorded(_) => None,
        };
        let names = std::iter::once(ModelName::Embedded)
            .chain(steps.into_iter().map(ModelName::Checkpoint))
            .chain(now.map(|_| ModelName::Now))
            .collect();
        Ok(Models { names, base, now })
    }

    /// A model by its name.
    ///
    /// # Errors
    /// A sentence that names what is missing or broken.
    pub fn get(&mut self, name: ModelName) -> Result<Rc<Loaded>, EngineError> {
        let live = match (&self.source, name) {
            (Source::Live(weights), ModelName::Now) => weights.newest(),
            _ => None,
        };
        let same =
            |kept: &Rc<Loaded>| kept.name == name && live.as_ref().is_none_or(|live| live.step == kept.step);
        if let Some(found) = self.kept.iter().position(same).and_then(|at| self.kept.remove(at)) {
            self.kept.push_back(found.clone());
            return Ok(found);
        }
        let loaded = Rc::new(match (name, live) {
            (ModelName::Now, Some(live)) => {
                let task = asked_task(&live.config, &live.companions, &live.tokenizer)?;
                Loaded { name, step: live.step, model: live.model, tokenizer: live.tokenizer, task }
            }
            (ModelName::Now, None) => {
                return Err(EngineError::Other(
                    "No weights are being trained here; choose a checkpoint or the embedded base.".into(),
                ));
            }
            (ModelName::Embedded, _) => {
                // It knows no other words than ours, whatever the run began from.
                let mut config = self.run()?.1;
                config.asking = Asking::default();
                ready(name, 0, ModelSource::Embedded(config.puzzles.base()).load(&self.device()?)?, &config)?
            }
            (ModelName::Checkpoint(step), _) => {
                let (run, mut config) = self.run()?;
                let (_, path) = run.model(Some(step))?;
                let loaded = ModelSource::Folder(&path).load(&self.device()?)?;
                if run.other_engine().is_some() {
                    ask_as_elsewhere(&mut config, &path, &loaded)?;
                }
                ready(name, step, loaded, &config)?
            }
        });
        // Of the weights in training, one version is enough.
        self.kept.retain(|kept| name != ModelName::Now || kept.name != ModelName::Now);
        self.kept.push_back(loaded.clone());
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        Ok(loaded)
    }

    /// The device to load models on: the run's own, so that the same weights give the same answers.
    fn device(&mut self) -> Result<Device, EngineError> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        let live = match &self.source {
            Source::Live(weights) => weights.newest().map(|live| live.model.device()),
            Source::Recorded(_) => None,
        };
        let device = match live {
            Some(device) => device,
            None => device::choose(self.run()?.1.machine.backend)?.device,
        };
        Ok(self.device.insert(device).clone())
    }
}

/// Another engine's run may not say how its model is asked; then it is asked as a new run from it would be.
fn ask_as_elsewhere(config: &mut Config, path: &Path, loaded: &LoadedModel) -> Result<(), EngineError> {
    let tokenizer = loaded.read_tokenizer()?;
    let given = &config.asking.prompt;
    config.asking.prompt = origin::prompt_of(given, path, &loaded.companions, &loaded.tokenizer, &tokenizer);
    Ok(())
}

/// Pairs a model with its tokenizer and with how it is asked.
fn ready(name: ModelName, step: u64, loaded: LoadedModel, config: &Config) -> Result<Loaded, EngineError> {
    let tokenizer = loaded.read_tokenizer()?.stopping_at(&config.asking.stop_strings.0);
    let task = asked_task(config, &loaded.companions, &tokenizer)?;
    Ok(Loaded { name, step, tokenizer, model: loaded.model, task })
}
