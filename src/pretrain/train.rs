//! Supervised training of the base model: next-word prediction on the synthetic corpus.
//!
//! Update `i` draws its documents from a generator seeded by `(seed, i)`, so an interrupted run continues
//! exactly where it stopped.

use std::{path::Path, sync::Arc};

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::supervised::{self, MicroBatch, Row, Saved, Schedule};
use crate::{
    model::{
        config::ModelConfig,
        folder,
        trainer::{Trainer, UpdateError},
        transformer::Transformer,
    },
    system::workers::Workers,
    task::lessons::{self, Document, Lessons},
};

/// Everything that determines the resulting base model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The task whose corpus is used.
    #[serde(default = "countdown")]
    pub task: String,
    /// The level whose corpus is used, if the level has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The level whose base it begins from; `None` for random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Seed of the weights and the corpus.
    pub seed: u64,
    /// Optimizer updates.
    pub updates: u64,
    /// Documents per update.
    pub documents: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Updates of linear warm-up.
    pub warmup: u64,
    /// The rate stays at its peak for this share of the updates, then decays along a cosine.
    pub flat: f64,
    /// Final rate of the cosine, as a share of the peak.
    pub last_rate: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f32,
    /// Clipping limit of the global gradient norm.
    pub max_grad_norm: f64,
    /// The mixture of the corpus; see [`Lessons::rules`].
    pub corpus: serde_json::Value,
}

/// The only task that existed when recipes did not name one.
fn countdown() -> String {
    "countdown".into()
}

impl Recipe {
    /// The recipe of a task's shipped base model.
    pub fn of(task: &str, lessons: &dyn Lessons) -> Self {
        Self {
            task: task.into(),
            level: None,
            from: None,
            seed: 0,
            updates: lessons.updates(),
            documents: 32,
            learning_rate: 2e-3,
            warmup: 100,
            flat: 0.3,
            last_rate: 0.03,
            weight_decay: 0.01,
            max_grad_norm: 1.0,
            corpus: lessons.rules(),
        }
    }

    /// The learning rate of an update, counted from 0.
    pub fn rate(&self, update: u64) -> f64 {
        let Self { updates, learning_rate: peak, warmup, flat, last_rate: last, .. } = *self;
        Schedule { updates, peak, warmup, flat, last }.rate(update)
    }
}

/// The weights in a checkpoint.
const WEIGHTS: &str = "model.safetensors";

/// Measurements of one update.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Updates done.
    pub updates: u64,
    /// Mean loss per trained word, in nats.
    pub loss: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Words that this process has read so far, without padding.
    pub words: u64,
}

/// The base model during training.
pub struct Pretraining {
    recipe: Recipe,
    lessons: Box<dyn Lessons>,
    trainer: Trainer,
    ids: std::collections::HashMap<String, i32>,
    done: u64,
    words: u64,
}

impl Pretraining {
    /// Starts from random weights.
    pub fn new(recipe: Recipe, lessons: Box<dyn Lessons>, workers: Arc<Workers>, device: &Device) -> Self {
        let model = initial_model(recipe.seed, lessons.as_ref(), device);
        let trainer = Trainer::new(model, recipe.weight_decay, workers);
        let ids = lessons.tokens().into_iter().zip(0..).collect();
        Self { recipe, lessons, trainer, ids, done: 0, words: 0 }
    }

    /// The same, from the weights of another model of this shape.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn beginning_with(mut self, mut model: Transformer) -> Result<Self, String> {
        // Ours, whatever family it was published as.
        model.config = self.trainer.inference_model().config;
        let trainer = Trainer::new(model, self.recipe.weight_decay, self.trainer.workers().clone());
        if trainer.parameter_sizes() != self.trainer.parameter_sizes() {
            return Err("The base that it would begin from has another shape.".into());
        }
        self.trainer = trainer;
        Ok(self)
    }

    /// Updates done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// The current weights.
    pub fn model(&self) -> Transformer {
        self.trainer.inference_model()
    }

    /// Runs one update.
    ///
    /// # Errors
    /// If the gradients are not finite.
    pub fn update(&mut self) -> Result<Progress, UpdateError> {
        let batches = self.micro_batches();
        let (rate, max_grad_norm) = (self.recipe.rate(self.done), self.recipe.max_grad_norm);
        let measured = supervised::update(&mut self.trainer, &batches, rate, max_grad_norm, || true)?;
        self.done += 1;
        Ok(Progress {
            updates: self.done,
            loss: measured.loss,
            grad_norm: measured.grad_norm,
            words: self.words,
        })
    }

    /// The documents of the next update, grouped by length, in one or more micro-batches per worker.
    fn micro_batches(&mut self) -> Vec<MicroBatch> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.recipe.seed);
        rng.set_stream(self.done + 1);
        let mut documents: Vec<Document> =
            (0..self.recipe.documents).map(|_| self.lessons.document(&mut rng)).collect();
        documents.sort_by_key(|d| d.words.len());
        self.words += documents.iter().map(|d| d.words.len() as u64).sum::<u64>();
        // Small batches stay in the cache (measured: 8 parts on 2 workers are a third faster than 4).
        let parts = self.trainer.workers().count() * 4;
        let rows: Vec<Row> = documents.iter().map(|document| self.row(document)).collect();
        let pad = self.id(lessons::PAD);
        rows.chunks(rows.len().div_ceil(parts)).map(|chunk| MicroBatch::of(chunk.iter(), pad)).collect()
    }

    fn id(&self, word: &str) -> i32 {
        self.ids.get(word).copied().unwrap_or_default()
    }

    fn row(&self, document: &Document) -> Row {
        let words = document.words.iter().map(|word| self.id(word));
        let tokens = words.chain([self.id(lessons::END)]).collect();
        let trained = document.trained.iter().copied().chain([document.ends]).collect();
        Row { tokens, trained }
    }

    /// Writes a checkpoint for [`Self::resume`] into the folder `into`, and removes the earlier ones.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn save(&self, into: &Path) -> Result<(), String> {
        let weights = folder::to_bytes(&self.model()).map_err(|e| e.to_string())?;
        supervised::save(into, self.done, &self.recipe, &self.trainer, &[(WEIGHTS.to_owned(), weights)])
    }

    /// Continues from what [`Self::save`] wrote with the same recipe. Returns whether there was a checkpoint.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn resume(&mut self, from: &Path, device: &Device) -> Result<bool, String> {
        let Some(saved) = Saved::newest(from, &self.recipe)? else { return Ok(false) };
        let config = serde_json::to_vec(&self.trainer.inference_model().config).map_err(|e| e.to_string())?;
        let model = folder::from_bytes(&config, &saved.read(WEIGHTS)?, &saved.path.join(WEIGHTS), device)
            .map_err(|e| e.to_string())?;
        let mut trainer = Trainer::new(model, self.recipe.weight_decay, self.trainer.workers().clone());
        saved.restore_optimizer(&mut trainer)?;
        self.trainer = trainer;
        self.done = saved.done;
        Ok(true)
    }
}

/// Random weights, except that half of each number's embedding starts as waves of its value: sines and
/// cosines of several periods, the form in which trained models come to represent numbers ("Pre-trained large
/// language models use Fourier features to compute addition", <https://arxiv.org/abs/2406.03445>). The model
/// then learns sums from fewer facts.
fn initial_model(seed: u64, lessons: &dyn Lessons, device: &Device) -> Transformer {
    const PERIODS: [f32; 16] =
        [2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 20.0, 25.0, 50.0, 100.0, 200.0];
    device.seed(seed);
    let config = ModelConfig::small(lessons.tokens().len());
    let mut model = Transformer::random(&config, device);
    let (vocab, d) = (config.vocab_size, config.hidden_size);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values: Vec<f32> = (0..vocab * d).map(|_| normal(&mut rng) * 0.02).collect();
    for (id, number) in lessons.numbers() {
        let row = &mut values[id * d..][..d];
        for (i, pair) in row[..d / 2].chunks_exact_mut(2).enumerate() {
            let angle = std::f32::consts::TAU * number as f32 / PERIODS[i % PERIODS.len()];
            let repeat = if i < PERIODS.len() { 1.0 } else { -1.0 };
            pair[0] = 0.03 * angle.sin() * repeat;
            pair[1] = 0.03 * angle.cos();
        }
    }
    model.embedding = Param::from_tensor(Tensor::from_data(TensorData::new(values, [vocab, d]), device));
    model
}

/// Draws from the standard normal distribution (Box and Muller).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}
