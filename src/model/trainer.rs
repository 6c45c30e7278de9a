//! One optimizer step over micro-batches, spread across workers.
//!
//! Each worker takes its own fork of the model (two threads that differentiate the same leaves can deadlock
//! in burn-autodiff 0.22), runs its micro-batches in sequence and adds up their gradients; the shards' sums
//! are then added in worker order, so the result does not depend on which finishes first.
//!
//! Burn's `require_grad` marks the trained parameters: all, unless [`Trainer::only`] freezes some. Frozen
//! ones have no gradients, no moments and no part in the norm.

use std::sync::Arc;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup},
    optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer},
    tensor::{Device, Gradients, Tensor, TensorData},
};
use thiserror::Error;

use super::transformer::Transformer;
use crate::{kernels::laid_out::keeping, system::workers::Workers};

/// Why an update was not made. The weights are unchanged.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The gate cancelled it.
    #[error("The update was interrupted; the weights are as they were before it.")]
    Interrupted,
    /// NaN or infinity.
    #[error(
        "{} is {value}; the weights are as they were before. A lower learning_rate may help.",
        capital(what)
    )]
    NotFinite {
        /// What was not finite, in words.
        what: &'static str,
        /// Its value.
        value: f64,
    },
}

/// Capitalises the first letter of a sentence.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Weights and optimizer state at one moment.
#[derive(Clone)]
pub struct Snapshot {
    model: Transformer,
    state: Vec<Option<AdamWState<1>>>,
}

/// AdamW as GRPO and pretraining use it: betas (0.9, 0.95), epsilon 1e-8.
fn adamw(weight_decay: f32) -> AdamW {
    AdamWConfig::new()
        .with_beta_1(0.9)
        .with_beta_2(0.95)
        .with_epsilon(1e-8)
        .with_weight_decay(weight_decay)
        .build()
}

/// A model in training.
pub struct Trainer {
    model: Transformer,
    optimizer: AdamW,
    /// One per trained parameter, in the model's order; `None` before the first update.
    state: Vec<Option<AdamWState<1>>>,
    workers: Arc<Workers>,
    device: Device,
}

/// AdamW's state on the host, for checkpoints: the first and the second moment of each trained parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    /// Updates made.
    pub time: usize,
    /// `(first, second)`, in the model's parameter order; empty before the first update.
    pub moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl OptimizerState {
    /// The moments as little-endian f32: for each parameter the first, then the second.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.moments.iter().flat_map(|(m, v)| m.iter().chain(v)).flat_map(|x| x.to_le_bytes()).collect()
    }

    /// The inverse of [`Self::to_bytes`], for parameters of these sizes. Too few bytes give moments that are
    /// too short, which [`Trainer::set_optimizer_state`] refuses.
    pub fn from_bytes(bytes: &[u8], sizes: &[usize], time: usize) -> Self {
        let mut values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut take = |n: usize| -> Vec<f32> { values.by_ref().take(n).collect() };
        let sizes = if bytes.is_empty() { &[] } else { sizes };
        Self { time, moments: sizes.iter().map(|&n| (take(n), take(n))).collect() }
    }
}

/// Measurements of one update.
#[derive(Debug, Clone)]
pub struct Update<Stats> {
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// The loss function's result for each micro-batch, in the given order.
    pub stats: Vec<Stats>,
}

impl Trainer {
    /// Takes a model on a plain device and trains all of it, or its adapter if it has one.
    pub fn new(model: Transformer, weight_decay: f32, workers: Arc<Workers>) -> Self {
        let device = model.device().autodiff();
        let mut model = model.train();
        if model.lora().is_some() {
            model = model.no_grad().set_require_grad_group(ParamGroup::from_predicate("adapter"), true);
        }
        Self { model, optimizer: adamw(weight_decay), state: Vec::new(), workers, device }
    }

    /// Trains only the parameters of this set, whose paths are those of the model's fields (`blocks.0.qkv`).
    ///
    /// # Errors
    /// If the set has none of the model's parameters.
    pub fn only(mut self, trained: ParamGroup) -> Result<Self, String> {
        self.model = self.model.no_grad().set_require_grad_group(trained, true);
        self.state.clear();
        match self.parameter_sizes().is_empty() {
            true => Err("None of the model's parameters are in the set to train.".into()),
            false => Ok(self),
        }
    }

    /// The copy that samples: same weights, no gradients kept.
    pub fn inference_model(&self) -> Transformer {
        self.model.valid()
    }

    /// The workers that it uses.
    pub fn workers(&self) -> &Arc<Workers> {
        &self.workers
    }

    /// Updates made, including those before a resume.
    pub fn updates(&self) -> u64 {
        self.state.iter().flatten().next().map_or(0, |state| state.momentum.time as u64)
    }

    /// The size of each trained parameter, in the order of [`OptimizerState::moments`].
    pub fn parameter_sizes(&self) -> Vec<usize> {
        struct Sizes(Vec<usize>);
        impl ModuleVisitor for Sizes {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                if value.is_require_grad() {
                    self.0.push(value.shape().num_elements());
                }
            }
        }
        let mut sizes = Sizes(Vec::new());
        self.model.visit(&mut sizes);
        sizes.0
    }

    /// Copies the optimizer's state to the host.
    pub fn optimizer_state(&self) -> OptimizerState {
        let read = |tensor: &Tensor<1>| tensor.to_data().try_to_vec::<f32>().unwrap_or_default();
        let mut state = OptimizerState::default();
        for moments in self.state.iter().flatten().map(|s| &s.momentum) {
            state.time = moments.time;
            state.moments.push((read(&moments.moment_1), read(&moments.moment_2)));
        }
        state
    }

    /// The current weights and optimizer state, for rollback. Cheap: tensors are shared until they change.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { model: self.model.clone(), state: self.state.clone() }
    }

    /// Goes back to a snapshot.
    pub fn restore(&mut self, snapshot: Snapshot) {
        (self.model, self.state) = (snapshot.model, snapshot.state);
    }

    /// Restores the optimizer's state from a checkpoint.
    ///
    /// # Errors
    /// If it belongs to a model of another shape.
    pub fn set_optimizer_state(&mut self, state: OptimizerState) -> Result<(), String> {
        let sizes = self.parameter_sizes();
        let fits = state.moments.len() == sizes.len()
            && state.moments.iter().zip(&sizes).all(|((m, v), &n)| m.len() == n && v.len() == n);
        if !state.moments.is_empty() && !fits {
            return Err("The optimizer state belongs to a model with another shape.".into());
        }
        let device = self.device.clone().inner();
        let tensor = |values: Vec<f32>| {
            let n = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [n]), &device)
        };
        self.state = state
            .moments
            .into_iter()
            .map(|(m, v)| Some(AdamWState::new(AdaptiveMomentumState::new(state.time, tensor(m), tensor(v)))))
            .collect();
        Ok(())
    }

    /// Makes one AdamW step on the summed gradients of `loss` over `batches`, the global norm clipped to
    /// `max_norm` (0: not clipped). `weight` is the amount of work of a batch; `gate` is called before each
    /// batch and cancels the update by returning `false`.
    ///
    /// # Errors
    /// If the gate cancelled it, or the gradients are not finite; the weights are then unchanged.
    pub fn update<Batch: Sync, Stats: Send>(
        &mut self,
        batches: &[Batch],
        weight: impl Fn(&Batch) -> usize,
        learning_rate: f64,
        max_norm: f64,
        loss: impl Fn(&Transformer, &Batch, &Device) -> (Tensor<1>, Stats) + Sync,
        gate: impl Fn() -> bool + Sync,
    ) -> Result<Update<Stats>, UpdateError> {
        let shares = share_out(batches.iter().map(weight), self.workers.count());
        let (device, loss, gate) = (&self.device, &loss, &gate);
        let jobs: Vec<_> = shares
            .into_iter()
            .filter(|share| !share.is_empty())
            .map(|share| {
                let model = self.model.clone().fork(device);
                let work = move || {
                    let mut sum: Option<FlatGradients> = None;
                    let mut stats = Vec::with_capacity(share.len());
                    for index in share {
                        if !gate() {
                            return None;
                        }
                        let (value, stat) = loss(&model, &batches[index], device);
                        let grads = flatten(&model, value.backward());
                        sum = Some(match sum {
                            None => grads,
                            Some(before) => add(before, grads),
                        });
                        stats.push((index, stat));
                    }
                    Some((sum, stats))
                };
                move || keeping(work)
            })
            .collect();
        let mut total: Option<FlatGradients> = None;
        let mut stats: Vec<(usize, Stats)> = Vec::with_capacity(batches.len());
        for result in self.workers.run(jobs) {
            let (sum, part) = result.ok_or(UpdateError::Interrupted)?;
            stats.extend(part);
            total = match (total, sum) {
                (Some(a), Some(b)) => Some(add(a, b)),
                (a, b) => a.or(b),
            };
        }
        stats.sort_by_key(|(index, _)| *index);
        let stats = stats.into_iter().map(|(_, stat)| stat).collect();
        let Some(grads) = total else { return Ok(Update { grad_norm: 0.0, stats }) };
        let grad_norm = global_norm(&grads);
        if !grad_norm.is_finite() {
            return Err(UpdateError::NotFinite { what: "the norm of the gradients", value: grad_norm });
        }
        // As in torch.nn.utils.clip_grad_norm_.
        let factor = if max_norm > 0.0 { (max_norm / (grad_norm + 1e-6)).min(1.0) } else { 1.0 };
        let grads =
            grads.into_iter().map(|grad| if factor < 1.0 { grad * factor } else { grad }).collect::<Vec<_>>();
        let kept = self.state.clone();
        let before = match std::mem::take(&mut self.state) {
            empty if empty.is_empty() => vec![None; grads.len()],
            state => state,
        };
        let mut step = Step {
            optimizer: &self.optimizer,
            learning_rate,
            after: Vec::with_capacity(before.len()),
            grads: grads.into_iter(),
            before: before.into_iter(),
        };
        let model = self.model.clone().map(&mut step);
        let after = step.after;
        let size = weights_norm(&model);
        if !size.is_finite() {
            self.state = kept;
            return Err(UpdateError::NotFinite { what: "the norm of the updated weights", value: size });
        }
        (self.model, self.state) = (model, after);
        Ok(Update { grad_norm, stats })
    }
}

/// Distributes batches so that the shares weigh about the same: heaviest first, each to the lightest share.
fn share_out(weights: impl Iterator<Item = usize>, shares: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> = weights.enumerate().map(|(i, w)| (w, i)).collect();
    order.sort_by_key(|&(w, i)| (std::cmp::Reverse(w), i));
    let mut out = vec![(0usize, Vec::new()); shares.max(1)];
    for (weight, index) in order {
        if let Some(lightest) = out.iter_mut().min_by_key(|(load, _)| *load) {
            lightest.0 += weight;
            lightest.1.push(index);
        }
    }
    out.into_iter().map(|(_, share)| share).collect()
}

/// The gradients of all trained parameters, flattened, in the model's parameter order.
type FlatGradients = Vec<Tensor<1>>;

struct Flatten<'a> {
    grads: &'a mut Gradients,
    flat: FlatGradients,
}

impl ModuleVisitor for Flatten<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        let count = value.shape().num_elements();
        self.flat.push(match value.grad_remove(self.grads) {
            Some(grad) => grad.reshape([count]),
            None => Tensor::zeros([count], &value.device().inner()),
        });
    }
}

fn flatten(model: &Transformer, mut grads: Gradients) -> FlatGradients {
    let mut visitor = Flatten { grads: &mut grads, flat: Vec::new() };
    model.visit(&mut visitor);
    visitor.flat
}

fn add(left: FlatGradients, right: FlatGradients) -> FlatGradients {
    left.into_iter().zip(right).map(|(a, b)| a + b).collect()
}

/// The Euclidean norm of all trained weights as one vector; one read from the device. Infinite or NaN if a weight is,
/// or if weights are too large to compute with.
fn weights_norm(model: &Transformer) -> f64 {
    struct Squares(Option<Tensor<1>>);
    impl ModuleVisitor for Squares {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let weights = param.val();
            if !weights.is_require_grad() {
                return;
            }
            let weights = weights.inner();
            let squares = (weights.clone() * weights).sum();
            self.0 = Some(match self.0.take() {
                None => squares,
                Some(before) => before + squares,
            });
        }
    }
    let mut squares = Squares(None);
    model.visit(&mut squares);
    squares.0.map_or(0.0, |total| f64::from(total.into_scalar::<f32>()).sqrt())
}

/// The Euclidean norm of all gradients as one vector; one read from the device.
fn global_norm(grads: &FlatGradients) -> f64 {
    let squares = grads.iter().map(|g| (g.clone() * g.clone()).sum());
    squares.reduce(|a, b| a + b).map_or(0.0, |total| f64::from(total.into_scalar::<f32>()).sqrt())
}

/// Applies AdamW to every trained parameter.
struct Step<'a> {
    optimizer: &'a AdamW,
    learning_rate: f64,
    grads: std::vec::IntoIter<Tensor<1>>,
    before: std::vec::IntoIter<Option<AdamWState<1>>>,
    after: Vec<Option<AdamWState<1>>>,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        let (Some(grad), state) = (self.grads.next(), self.before.next().flatten()) else { return param };
        param.map(|value| {
            let shape = value.shape();
            let weights = value.inner().reshape([shape.num_elements()]);
            let (weights, state) = self.optimizer.step(self.learning_rate, weights, grad, state);
            self.after.push(state);
            Tensor::from_inner(weights.reshape(shape)).require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_hold_every_batch_once_and_weigh_alike() {
        let weights = [5, 1, 9, 3, 3, 7];
        let shares = share_out(weights.into_iter(), 2);
        let mut all: Vec<usize> = shares.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
        let loads: Vec<usize> = shares.iter().map(|s| s.iter().map(|&i| weights[i]).sum()).collect();
        assert!(loads[0].abs_diff(loads[1]) <= 2, "{loads:?}");
    }
}
