//! What every supervised training here shares: rows with a loss on some of their tokens, an update on them, its learning
//! rate, and progress on disk.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    model::{
        host::{MAX_WEIGHTS, read_bounded},
        trainer::{OptimizerState, Trainer, UpdateError},
        transformer::Transformer,
    },
    runs::{CheckpointError, CheckpointWriter, checkpoint, leftovers},
    system::files::Folder,
};

/// A row of tokens to learn from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Its tokens, the last of which is only ever predicted.
    pub tokens: Vec<i32>,
    /// Whether the loss covers each; as long as `tokens`. Nothing predicts the first.
    pub trained: Vec<bool>,
}

/// Rows that go through the model together.
pub(super) struct MicroBatch {
    rows: usize,
    /// Positions fed to the model, one fewer than the longest row has.
    positions: usize,
    inputs: Vec<i32>,
    targets: Vec<i32>,
    /// 1 where the loss applies, otherwise 0.
    weights: Vec<f32>,
}

impl MicroBatch {
    /// Of these rows, padded on the right.
    pub fn of<'a>(rows: impl Iterator<Item = &'a Row> + Clone, pad: i32) -> Self {
        let positions = rows.clone().map(|row| row.tokens.len()).max().unwrap_or(0).saturating_sub(1);
        let (mut inputs, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut count = 0;
        for row in rows {
            count += 1;
            for next in 1..=positions {
                // The last token is no input, and what pads a row is seen by nothing before it.
                let read = row.tokens.get(next - 1).filter(|_| next < row.tokens.len());
                inputs.push(read.copied().unwrap_or(pad));
                targets.push(row.tokens.get(next).copied().unwrap_or(pad));
                weights.push(if row.trained.get(next) == Some(&true) { 1.0 } else { 0.0 });
            }
        }
        Self { rows: count, positions, inputs, targets, weights }
    }

    /// Tokens that the loss covers.
    fn trained(&self) -> f64 {
        self.weights.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// The summed negative log-probability of the trained tokens, `[1]`.
    fn loss(&self, model: &Transformer, device: &Device) -> Tensor<1> {
        let shape = [self.rows, self.positions];
        let count = self.rows * self.positions;
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(self.inputs.clone(), shape), device);
        let hidden = model.hidden(tokens);
        // A row of logits is worth its cost only where the loss applies.
        let looked: Vec<i32> = (0..count).filter(|&i| self.weights[i] > 0.0).map(|i| i as i32).collect();
        let targets: Vec<i32> = looked.iter().map(|&i| self.targets[i as usize]).collect();
        let n = looked.len();
        let looked = Tensor::<1, Int>::from_data(TensorData::new(looked, [n]), device);
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), device);
        model.log_probs(hidden.select(0, looked), targets, 1.0).sum().neg()
    }
}

/// Measurements of one update.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Mean loss per trained token, in nats.
    pub loss: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
}

/// Makes one update on the mean loss of all trained tokens. `gate` is asked before each micro-batch and cancels the update
/// by returning `false`.
///
/// # Errors
/// If it was cancelled, or the gradients are not finite; the weights are then unchanged.
pub(super) fn update(
    trainer: &mut Trainer,
    batches: &[MicroBatch],
    rate: f64,
    max_grad_norm: f64,
    gate: impl Fn() -> bool + Sync,
) -> Result<Measured, UpdateError> {
    let total: f64 = batches.iter().map(MicroBatch::trained).sum();
    let update = trainer.update(
        batches,
        |batch| batch.rows * batch.positions,
        rate,
        max_grad_norm,
        |model, batch, device| {
            let sum = batch.loss(model, device);
            let value = f64::from(sum.clone().detach().into_scalar::<f32>());
            (sum * (1.0 / total), value)
        },
        gate,
    )?;
    Ok(Measured { loss: update.stats.iter().sum::<f64>() / total, grad_norm: update.grad_norm })
}

/// How the learning rate changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Optimizer updates.
    pub updates: u64,
    /// The highest rate.
    pub peak: f64,
    /// Updates of linear warm-up.
    pub warmup: u64,
    /// The rate stays at its peak for this share of the updates, then decays along a cosine.
    pub flat: f64,
    /// Final rate of the cosine, as a share of the peak.
    pub last: f64,
}

impl Schedule {
    /// The learning rate of an update, counted from 0.
    pub fn rate(&self, update: u64) -> f64 {
        let warm = ((update + 1) as f64 / self.warmup.max(1) as f64).min(1.0);
        let flat = self.flat * self.updates as f64;
        let progress = ((update as f64 - flat) / (self.updates as f64 - flat).max(1.0)).clamp(0.0, 1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.peak * warm * (self.last + (1.0 - self.last) * cosine)
    }
}

/// Files of a checkpoint, beside those of the model.
const MOMENTS: &str = "optimizer.f32";
const PROGRESS: &str = "progress.json";

/// The contents of [`PROGRESS`], besides the update's number, which the checkpoint has.
#[derive(Serialize, Deserialize)]
struct Progress<Recipe> {
    recipe: Recipe,
    time: usize,
}

/// Writes a checkpoint into the folder `into`: these files of the model, the optimizer, and the recipe. Removes the
/// earlier ones.
///
/// # Errors
/// A sentence that names the file.
pub(super) fn save(
    into: &Path,
    done: u64,
    recipe: &impl Serialize,
    trainer: &Trainer,
    model: &[(String, Vec<u8>)],
) -> Result<(), String> {
    let said = |error: CheckpointError| error.to_string();
    let state = trainer.optimizer_state();
    let progress = Progress { recipe, time: state.time };
    let progress = serde_json::to_vec_pretty(&progress).map_err(|e| format!("{e}."))?;
    let mut writer = CheckpointWriter::begin(into, done).map_err(said)?;
    for (name, bytes) in model {
        writer.write_bytes(name, bytes).map_err(said)?;
    }
    writer.write_bytes(MOMENTS, &state.to_bytes()).map_err(said)?;
    writer.write_bytes(PROGRESS, &progress).map_err(said)?;
    writer.finish().map_err(said)?;
    // The new checkpoint is safe on disk.
    checkpoint::remove_before(into, done);
    Ok(())
}

/// A checkpoint that [`save`] wrote.
pub(super) struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Updates done.
    pub done: u64,
    time: usize,
}

impl Saved {
    /// The newest valid one in a folder, if there is any.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it, or that it is of another recipe.
    pub fn newest<Recipe: DeserializeOwned + PartialEq>(
        from: &Path,
        recipe: &Recipe,
    ) -> Result<Option<Self>, String> {
        if let Ok(saved) = Folder::open(from) {
            leftovers::remove_of_checkpoints(&saved);
        }
        let (newest, invalid) = checkpoint::newest_valid(from);
        let Some(newest) = newest else {
            return match invalid.into_iter().next() {
                Some(bad) => Err(format!("{} Remove {} to start over.", bad.error, from.display())),
                None => Ok(None),
            };
        };
        let saved = Self { path: newest.path, done: newest.step, time: 0 };
        let progress: Progress<Recipe> = serde_json::from_slice(&saved.read(PROGRESS)?)
            .map_err(|e| format!("{}: {e}. Remove the folder to start over.", saved.path.display()))?;
        if progress.recipe != *recipe {
            return Err(format!(
                "{}: this is the progress of another recipe. Remove the folder to start over, or use the same \
                 options.",
                from.display()
            ));
        }
        Ok(Some(Self { time: progress.time, ..saved }))
    }

    /// One of its files.
    ///
    /// # Errors
    /// A sentence that names it.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        read_bounded(&self.path.join(name), MAX_WEIGHTS).map_err(|error| error.to_string())
    }

    /// Gives a trainer of its weights its optimizer's state.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn restore_optimizer(&self, trainer: &mut Trainer) -> Result<(), String> {
        let moments = OptimizerState::from_bytes(&self.read(MOMENTS)?, &trainer.parameter_sizes(), self.time);
        trainer
            .set_optimizer_state(moments)
            .map_err(|e| format!("{}: {e}", self.path.join(MOMENTS).display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded_and_the_loss_stays_where_it_was() {
        let rows = [
            Row { tokens: vec![5, 6, 7, 8], trained: vec![false, false, true, true] },
            Row { tokens: vec![5, 9], trained: vec![false, true] },
        ];
        let batch = MicroBatch::of(rows.iter(), 0);
        assert_eq!((batch.rows, batch.positions, batch.trained()), (2, 3, 3.0));
        assert_eq!(batch.inputs, [5, 6, 7, 5, 0, 0]);
        assert_eq!(batch.targets, [6, 7, 8, 9, 0, 0]);
        assert_eq!(batch.weights, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    }
}
