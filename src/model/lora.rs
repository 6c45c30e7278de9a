//! LoRA (<https://arxiv.org/abs/2106.09685>): the weights stay as they are, and to some matrices a product of two narrow
//! ones is added, `w + alpha / rank * a b`, which alone is trained.
//!
//! Initialised as in PEFT: `a` as PyTorch's linear layers (Kaiming's uniform distribution with a slope of the root of 5),
//! `b` with zeros, so that at first the model is its base. The base without the adapter is the reference of the KL term,
//! and shares its weights with the policy.

use std::{ops::Range, sync::Arc};

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, TensorData, s},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use super::lora_keys::{Lora, Target};
use super::{
    config::ModelConfig,
    transformer::{Block, Transformer},
};
use crate::kernels::{
    attention::Heads,
    low_rank::{Part, Plan, Site},
};

impl Target {
    /// The matrix that it is part of, that matrix's rows, and its columns there.
    fn place(self, config: &ModelConfig) -> (Site, usize, Range<usize>) {
        let spec = config.arch();
        let (d, f, Heads { queries: h, groups: g, width: c }) = (spec.hidden, spec.inner, spec.heads);
        match self {
            Self::Q => (Site::Qkv, d, 0..h * c),
            Self::K => (Site::Qkv, d, h * c..(h + g) * c),
            Self::V => (Site::Qkv, d, (h + g) * c..(h + 2 * g) * c),
            Self::O => (Site::Output, h * c, 0..d),
            Self::Gate => (Site::GateUp, d, 0..f),
            Self::Up => (Site::GateUp, d, f..2 * f),
            Self::Down => (Site::Down, f, 0..d),
        }
    }
}

impl Lora {
    /// Where the weights of a block's adapter are, in the order of the targets.
    pub(super) fn plan(&self, config: &ModelConfig) -> Plan {
        let rank = self.lora_rank;
        let mut plan = Plan { rank, scale: (self.lora_alpha / rank.max(1) as f64) as f32, parts: Vec::new() };
        for target in self.lora_targets.chosen() {
            let (site, input, columns) = target.place(config);
            plan.parts.push(Part { site, input, columns, start: plan.size() });
        }
        plan
    }

    /// Weights of a whole adapter.
    pub fn parameters(&self, config: &ModelConfig) -> usize {
        if self.lora_rank == 0 { 0 } else { config.num_hidden_layers * self.plan(config).size() }
    }
}

/// What is added to a block's matrices.
#[derive(Module, Debug)]
pub struct Adapter {
    /// All of its weights, as [`Plan`] says.
    pub values: Param<Tensor<1>>,
    /// Where each is.
    #[module(skip)]
    pub plan: Arc<Plan>,
    /// What it was made of.
    #[module(skip)]
    pub lora: Lora,
}

impl Adapter {
    /// `a` and `b` of a part.
    fn factors(&self, part: &Part) -> (Tensor<2>, Tensor<2>) {
        let (r, values) = (self.plan.rank, self.values.val());
        let a = values.clone().slice(s![part.a(r)]).reshape([part.input, r]);
        (a, values.slice(s![part.b(r)]).reshape([r, part.columns.len()]))
    }

    /// Adds to `y: [N, out]`, the product of `x: [N, in]` with the matrix at `site`.
    pub(super) fn add(&self, y: Tensor<2>, x: &Tensor<2>, site: Site) -> Tensor<2> {
        self.plan.at(site).fold(y, |y, part| {
            let (a, b) = self.factors(part);
            added(y, part, x.clone().matmul(a).matmul(b) * self.plan.scale)
        })
    }

    /// A matrix with what is added to it.
    fn merge(&self, matrix: &Param<Tensor<2>>, site: Site) -> Param<Tensor<2>> {
        let whole = self.plan.at(site).fold(matrix.val(), |whole, part| {
            let (a, b) = self.factors(part);
            added(whole, part, a.matmul(b) * self.plan.scale)
        });
        Param::from_tensor(whole)
    }
}

/// Adds to the columns of a part.
fn added(whole: Tensor<2>, part: &Part, more: Tensor<2>) -> Tensor<2> {
    let columns = whole.clone().slice(s![.., part.columns.clone()]);
    whole.slice_assign(s![.., part.columns.clone()], columns + more)
}

impl Block {
    /// The block with its adapter merged into its weights.
    pub(super) fn merged(&self) -> Self {
        let Some(adapter) = &self.adapter else { return self.clone() };
        Self {
            qkv: adapter.merge(&self.qkv, Site::Qkv),
            output: adapter.merge(&self.output, Site::Output),
            gate_up: adapter.merge(&self.gate_up, Site::GateUp),
            down: adapter.merge(&self.down, Site::Down),
            adapter: None,
            ..self.clone()
        }
    }
}

impl Transformer {
    /// What its adapter was made of, if it has one.
    pub fn lora(&self) -> Option<&Lora> {
        self.blocks.first()?.adapter.as_ref().map(|adapter| &adapter.lora)
    }

    /// The model with its adapter merged into its weights; on a device without autodiff.
    #[must_use]
    pub fn merged(&self) -> Self {
        Self { blocks: self.blocks.iter().map(Block::merged).collect(), ..self.clone() }
    }

    /// The base, with which it shares its weights.
    #[must_use]
    pub fn without_adapter(&self) -> Self {
        let bare = |block: &Block| Block { adapter: None, ..block.clone() };
        Self { blocks: self.blocks.iter().map(bare).collect(), ..self.clone() }
    }

    /// The model with an adapter that changes nothing yet.
    #[must_use]
    pub fn with_new_adapter(self, lora: &Lora, seed: u64) -> Self {
        let plan = lora.plan(&self.config);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(0x6c6f_7261);
        let blocks: Vec<Vec<f32>> = (0..self.blocks.len())
            .map(|_| {
                let mut values = vec![0.0; plan.size()];
                for part in &plan.parts {
                    let bound = 1.0 / (part.input as f32).sqrt();
                    values[part.a(plan.rank)].fill_with(|| rng.random_range(-bound..bound));
                }
                values
            })
            .collect();
        self.with_adapter(lora, blocks)
    }

    /// The model with an adapter of these weights, one vector for each block.
    #[must_use]
    pub(super) fn with_adapter(self, lora: &Lora, values: Vec<Vec<f32>>) -> Self {
        let (plan, device) = (Arc::new(lora.plan(&self.config)), self.device());
        let adapted = |(block, values): (Block, Vec<f32>)| {
            let adapter = Adapter { values: vector(values, &device), plan: plan.clone(), lora: *lora };
            Block { adapter: Some(adapter), ..block }
        };
        Self { blocks: self.blocks.into_iter().zip(values).map(adapted).collect(), ..self }
    }
}

fn vector(values: Vec<f32>, device: &Device) -> Param<Tensor<1>> {
    let n = values.len();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, [n]), device))
}
