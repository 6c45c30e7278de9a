//! The decoder: RMSNorm, rotary positions, grouped-query attention, a gated feed-forward (as in Llama,
//! <https://arxiv.org/abs/2302.13971>); what differs between families is in [`ArchSpec`], and between layers in
//! [`LayerSpec`].
//!
//! Shapes in comments: `B` rows, `T` positions, `d` hidden size, `H` query heads, `G` key/value heads,
//! `R = H / G` query heads per key/value head, `c` head width, `V` tokens. Weights are stored `[in, out]`;
//! queries, keys and values are one matrix, and so are gate and up: fewer, larger products.
//!
//! On the CPU a block and the operations around the blocks have kernels ([`crate::kernels`]) that do the same in fewer
//! passes over memory; what stands here in Burn's operations is the definition, and what runs everywhere else.

use std::cell::LazyCell;

use burn::{
    module::{Module, Param},
    tensor::{Device, Distribution, Int, Tensor, activation, s},
};

pub use super::rotary::Rotary;
use super::{
    arch::{Activation, ArchSpec, LayerSpec},
    cache::KvCache,
    config::ModelConfig,
    lora::Adapter,
    rotary::{Masks, attentions},
};
use crate::kernels::{
    attend,
    attention::{Attention, Heads},
    block, head,
    linear::{linear, linear_transposed},
    log_probs,
    low_rank::Site,
    norm,
};

/// Scales of the norms of queries and of keys: `[c]` for a norm of each head, `[H c]` and `[G c]` for one of all heads.
#[derive(Module, Debug)]
pub struct QkNorm {
    /// Scale for the queries.
    pub queries: Param<Tensor<1>>,
    /// Scale for the keys.
    pub keys: Param<Tensor<1>>,
}

impl QkNorm {
    /// `qkv: [N, (H + 2G) c]` with its queries and keys normalised.
    fn apply(&self, qkv: &Tensor<2>, spec: &ArchSpec) -> Tensor<2> {
        let (n, Heads { queries: h, groups: g, width: c }) = (qkv.dims()[0], spec.heads);
        let normed = |from: usize, heads: usize, scale: &Param<Tensor<1>>| {
            let (part, width) =
                (qkv.clone().slice(s![.., from * c..(from + heads) * c]), scale.val().dims()[0]);
            rms_norm(&part.reshape([n * heads * c / width, width]), scale, spec).reshape([n, heads * c])
        };
        let values = qkv.clone().slice(s![.., (h + g) * c..]);
        Tensor::cat(vec![normed(0, h, &self.queries), normed(h, g, &self.keys), values], 1)
    }
}

/// One block.
#[derive(Module, Debug)]
pub struct Block {
    /// Scale of the norm before attention, `[d]`, if any.
    pub input_norm: Option<Param<Tensor<1>>>,
    /// Queries, keys, values side by side, `[d, (H + 2G) c]`.
    pub qkv: Param<Tensor<2>>,
    /// Their biases, `[(H + 2G) c]`, if any.
    pub qkv_bias: Option<Param<Tensor<1>>>,
    /// The norms of queries and keys, if any.
    pub qk_norm: Option<QkNorm>,
    /// Back to the residual stream, `[H c, d]`.
    pub output: Param<Tensor<2>>,
    /// Scale of the norm of attention's result, `[d]`, if any.
    pub attention_norm: Option<Param<Tensor<1>>>,
    /// Scale of the norm before the feed-forward, `[d]`, if any.
    pub post_norm: Option<Param<Tensor<1>>>,
    /// Gate and up side by side, `[d, 2 f]`.
    pub gate_up: Param<Tensor<2>>,
    /// Back to the residual stream, `[f, d]`.
    pub down: Param<Tensor<2>>,
    /// Scale of the norm of the feed-forward's result, `[d]`, if any.
    pub feed_forward_norm: Option<Param<Tensor<1>>>,
    /// What is added to these matrices, if anything.
    pub adapter: Option<Adapter>,
}

/// The whole model. On a device with autodiff it trains; [`Module::valid`] gives the copy that samples.
#[derive(Module, Debug)]
pub struct Transformer {
    /// Token embeddings, `[V, d]`.
    pub embedding: Param<Tensor<2>>,
    /// The blocks, first to last.
    pub blocks: Vec<Block>,
    /// Scale of the last norm, `[d]`.
    pub norm: Param<Tensor<1>>,
    /// The output layer, `[d, V]`, unless it is the embedding transposed.
    pub head: Option<Param<Tensor<2>>>,
    /// Whether the backward pass makes each block's activations anew instead of keeping them; on the CPU.
    #[module(skip)]
    pub recompute: bool,
    /// The shape.
    #[module(skip)]
    pub config: ModelConfig,
}

/// What a norm with this weight multiplies by.
pub(super) fn norm_scale(weight: &Param<Tensor<1>>, spec: &ArchSpec) -> Tensor<1> {
    if spec.norm_adds_one { weight.val() + 1.0 } else { weight.val() }
}

/// `x / rms(x)` times [`norm_scale`] over the last dimension of `x: [N, d]`.
fn rms_norm(x: &Tensor<2>, weight: &Param<Tensor<1>>, spec: &ArchSpec) -> Tensor<2> {
    let scale = norm_scale(weight, spec);
    norm::rms_norm(x, &scale, spec.norm_eps).unwrap_or_else(|| {
        let mean_square = (x.clone() * x.clone()).mean_dim(1);
        x.clone() * (mean_square + spec.norm_eps).sqrt().recip() * scale.unsqueeze::<2>()
    })
}

/// `x: [N, d]` through a norm, if there is one.
fn normed(x: Tensor<2>, weight: Option<&Param<Tensor<1>>>, spec: &ArchSpec) -> Tensor<2> {
    match weight {
        Some(weight) => rms_norm(&x, weight, spec),
        None => x,
    }
}

/// What attention in Burn's operations needs. Made only where it is used.
type Plain<'a> = LazyCell<(Rotary, Masks), Box<dyn FnOnce() -> (Rotary, Masks) + 'a>>;

/// A layer of a forward pass.
struct Layer<'a, 'b> {
    index: usize,
    spec: &'a ArchSpec,
    attention: &'a Attention,
    plain: &'a Plain<'b>,
    /// Whether the backward pass makes the activations anew.
    recompute: bool,
}

impl Block {
    /// The weights for the kernel of the whole block; `None` for blocks that it does not know.
    fn fused(&self, spec: &ArchSpec) -> Option<block::Weights> {
        if !spec.is_fused() {
            return None;
        }
        Some(block::Weights {
            input_norm: self.input_norm.as_ref()?.val(),
            qkv: self.qkv.val(),
            qkv_bias: self.qkv_bias.as_ref().map(Param::val),
            output: self.output.val(),
            qk_norm: self.qk_norm.as_ref().map(|norm| [norm.queries.val(), norm.keys.val()]),
            post_norm: self.post_norm.as_ref()?.val(),
            gate_up: self.gate_up.val(),
            down: self.down.val(),
            adapter: self.adapter.as_ref().map(|adapter| (adapter.plan.clone(), adapter.values.val())),
        })
    }

    /// `x` times the matrix at `site`, with what the adapter adds.
    fn times(&self, x: Tensor<2>, matrix: &Param<Tensor<2>>, site: Site) -> Tensor<2> {
        match &self.adapter {
            None => x.matmul(matrix.val()),
            Some(adapter) => adapter.add(x.clone().matmul(matrix.val()), &x, site),
        }
    }

    /// Queries, keys and values of `x: [N, d]` side by side: `[N, (H + 2G) c]`.
    fn project(&self, x: Tensor<2>, spec: &ArchSpec) -> Tensor<2> {
        let qkv = self.times(x, &self.qkv, Site::Qkv);
        let qkv = match &self.qkv_bias {
            None => qkv,
            Some(bias) => qkv + bias.val().unsqueeze::<2>(),
        };
        match &self.qk_norm {
            None => qkv,
            Some(norm) => norm.apply(&qkv, spec),
        }
    }

    /// Queries and keys (rotated) and values of rows of `t` positions: `[B, T, H + G, c]` and `[B, T, G, c]`.
    fn rotated(
        qkv: Tensor<2>,
        t: usize,
        heads: Heads,
        rotary: &Rotary,
        layer: usize,
    ) -> (Tensor<4>, Tensor<4>) {
        let Heads { queries: h, groups: g, width: c } = heads;
        let rows = qkv.dims()[0];
        let qkv = qkv.reshape([rows / t, t, h + 2 * g, c]);
        let qk = qkv.clone().slice(s![.., .., 0..h + g, ..]);
        (rotary.turn(layer, qk), qkv.slice(s![.., .., h + g.., ..]))
    }

    /// The feed-forward half of the block, residual included.
    fn feed_forward(&self, x: Tensor<2>, spec: &ArchSpec) -> Tensor<2> {
        let gate_up =
            self.times(normed(x.clone(), self.post_norm.as_ref(), spec), &self.gate_up, Site::GateUp);
        let f = spec.inner;
        let gate = gate_up.clone().slice(s![.., 0..f]);
        let gate = match spec.activation {
            Activation::Silu => activation::silu(gate),
            Activation::GeluTanh => gelu_tanh(gate),
        };
        let gated = gate * gate_up.slice(s![.., f..]);
        x + normed(self.times(gated, &self.down, Site::Down), self.feed_forward_norm.as_ref(), spec)
    }

    /// The block over whole sequences: `x: [B T, d]`. A cache, if given, stores its keys and values for
    /// decoding.
    fn forward(&self, x: Tensor<2>, layer: &Layer<'_, '_>, cache: Option<&mut KvCache>) -> Tensor<2> {
        let Layer { spec, attention, recompute, .. } = *layer;
        if cache.is_none()
            && let Some(weights) = self.fused(spec)
            && let Some(after) = block::block(&x, &weights, attention, spec.norm_eps, recompute)
        {
            return after;
        }
        let qkv = self.project(normed(x.clone(), self.input_norm.as_ref(), spec), spec);
        let mixed = match cache {
            Some(cache) => Self::attend(qkv, layer, Some(cache)),
            None => attend::attend(&qkv, attention).unwrap_or_else(|| Self::attend(qkv, layer, None)),
        };
        let product = self.times(mixed, &self.output, Site::Output);
        self.feed_forward(x + normed(product, self.attention_norm.as_ref(), spec), spec)
    }

    /// Causal attention: `[B T, H c]`.
    fn attend(qkv: Tensor<2>, layer: &Layer<'_, '_>, cache: Option<&mut KvCache>) -> Tensor<2> {
        let Layer { index, spec, plain, .. } = *layer;
        let (t, heads, (rotary, masks)) = (layer.attention.t, spec.heads, &**plain);
        let (Heads { queries: h, groups: g, width: c }, r) = (heads, heads.repeat());
        let b = qkv.dims()[0] / t;
        let (qk, v) = Self::rotated(qkv, t, heads, rotary, index);
        // Query heads of one key/value head become more rows of the same product: [B, G, R T, c].
        let q = qk.clone().slice(s![.., .., 0..h, ..]).reshape([b, t, g, r, c]);
        let q = q.permute([0, 2, 3, 1, 4]).reshape([b, g, r * t, c]);
        let k = qk.slice(s![.., .., h.., ..]).permute([0, 2, 1, 3]);
        let v = v.permute([0, 2, 1, 3]);
        if let Some(cache) = cache {
            cache.write(index, 0, k.clone(), v.clone());
        }
        let scores = q.matmul(k.transpose()) * spec.score_divisor.powf(-0.5);
        let scores = scores + masks.of(index).clone().reshape([1, 1, r * t, t]);
        let mixed = softmax_last(scores).matmul(v);
        mixed.reshape([b, g, r, t, c]).permute([0, 3, 1, 2, 4]).reshape([b * t, h * c])
    }

    /// The block, which is layer `index`, for one new position of every row: `x: [B, d]`.
    fn decode(
        &self,
        x: Tensor<2>,
        (index, layer): (usize, &LayerSpec),
        spec: &ArchSpec,
        rotary: &Rotary,
        cache: &mut KvCache,
    ) -> Tensor<2> {
        let heads = spec.heads;
        let Heads { queries: h, groups: g, width: c } = heads;
        let b = x.dims()[0];
        let position = cache.length();
        let qkv = self.project(normed(x.clone(), self.input_norm.as_ref(), spec), spec);
        let (qk, v) = Self::rotated(qkv, 1, heads, rotary, index);
        let q = qk.clone().slice(s![.., .., 0..h, ..]).reshape([b, g, h / g, c]);
        let k = qk.slice(s![.., .., h.., ..]).reshape([b, g, 1, c]);
        cache.write(index, position, k, v.reshape([b, g, 1, c]));
        let end = position + 1;
        let (keys, values) = cache.read(index, end.saturating_sub(layer.window.unwrap_or(end))..end);
        let scores = q.matmul(keys.transpose()) * spec.score_divisor.powf(-0.5);
        let mixed = activation::softmax(scores, 3).matmul(values).reshape([b, h * c]);
        let product = self.times(mixed, &self.output, Site::Output);
        self.feed_forward(x + normed(product, self.attention_norm.as_ref(), spec), spec)
    }
}

/// GELU with a hyperbolic tangent; half of `1 + tanh(u)` is `sigmoid(2 u)`.
fn gelu_tanh(x: Tensor<2>) -> Tensor<2> {
    let cubed = x.clone() * x.clone() * x.clone();
    let u = (x.clone() + cubed * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
    x * activation::sigmoid(u * 2.0)
}

/// Softmax over the last dimension, written so that autodiff keeps few intermediates. The row's maximum is
/// a constant: it cancels in the value and in the gradient.
fn softmax_last(scores: Tensor<4>) -> Tensor<4> {
    let largest = scores.clone().detach().max_dim(3);
    let weights = (scores - largest).exp();
    let total = weights.clone().sum_dim(3);
    weights / total
}

impl Transformer {
    /// A model with random weights: normal with standard deviation 0.02, the two matrices that end in the
    /// residual stream scaled down by the square root of twice the depth (GPT-2's initialisation).
    pub fn random(config: &ModelConfig, device: &Device) -> Self {
        let spec = config.arch();
        let (d, f, row) = (spec.hidden, spec.inner, spec.heads.row());
        let (h, c) = (spec.heads.queries, spec.heads.width);
        let (before, after) = (spec.norms.before(), spec.norms.after());
        let normal = |shape: [usize; 2], std: f64| {
            Param::from_tensor(Tensor::<2>::random(shape, Distribution::Normal(0.0, std), device))
        };
        // A norm begins as one that only normalises.
        let neutral = if spec.norm_adds_one { 0.0 } else { 1.0 };
        let scale = |n: usize| Param::from_tensor(Tensor::<1>::full([n], neutral, device));
        let closing = 0.02 / (2.0 * config.num_hidden_layers as f64).sqrt();
        let blocks = (0..config.num_hidden_layers)
            .map(|_| Block {
                input_norm: before.then(|| scale(d)),
                qkv: normal([d, row], 0.02),
                qkv_bias: spec.qkv_bias.then(|| Param::from_tensor(Tensor::<1>::zeros([row], device))),
                qk_norm: spec
                    .qk_norm
                    .sizes(spec.heads)
                    .map(|[queries, keys]| QkNorm { queries: scale(queries), keys: scale(keys) }),
                output: normal([h * c, d], closing),
                attention_norm: after.then(|| scale(d)),
                post_norm: before.then(|| scale(d)),
                gate_up: normal([d, 2 * f], 0.02),
                down: normal([f, d], closing),
                feed_forward_norm: after.then(|| scale(d)),
                adapter: None,
            })
            .collect();
        Self {
            embedding: normal([config.vocab_size, d], 0.02),
            blocks,
            norm: scale(d),
            head: (!config.tie_word_embeddings).then(|| normal([d, config.vocab_size], 0.02)),
            recompute: false,
            config: config.clone(),
        }
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.embedding.val().device()
    }

    /// The last norm's output for `tokens: [B, T]`: `[B T, d]`. Rows may be padded on the right: no position
    /// sees a later one, so padding changes nothing before it.
    pub fn hidden(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        self.run(tokens, None)
    }

    /// Like [`Self::hidden`], and stores keys and values for decoding.
    pub fn prefill(&self, tokens: Tensor<2, Int>, cache: &mut KvCache) -> Tensor<2> {
        let t = tokens.dims()[1];
        let hidden = self.run(tokens, Some(cache));
        cache.advance(t);
        hidden
    }

    fn run(&self, tokens: Tensor<2, Int>, mut cache: Option<&mut KvCache>) -> Tensor<2> {
        let device = tokens.device();
        let [b, t] = tokens.dims();
        let (spec, layers) = (self.config.arch(), self.config.layers());
        let attentions = attentions(&self.config, &layers, t);
        let plain: Plain<'_> = LazyCell::new(Box::new(|| {
            (Rotary::new(&self.config, 0, t, &device), Masks::new(&layers, t, spec.heads.repeat(), &device))
        }));
        let mut x = self.embed(tokens.reshape([b * t]), &spec);
        for ((index, block), attention) in self.blocks.iter().enumerate().zip(&attentions) {
            let layer = Layer { index, spec: &spec, attention, plain: &plain, recompute: self.recompute };
            x = block.forward(x, &layer, cache.as_deref_mut());
        }
        rms_norm(&x, &self.norm, &spec)
    }

    /// What the first block reads for `tokens: [N]`: `[N, d]`.
    fn embed(&self, tokens: Tensor<1, Int>, spec: &ArchSpec) -> Tensor<2> {
        let x = self.embedding.val().select(0, tokens);
        match spec.embedding_scale {
            Some(scale) => x * scale,
            None => x,
        }
    }

    /// One more position for every row of the cache: `tokens: [B]` gives `[B, d]`. `rotary` holds the angles of
    /// all positions the cache can hold.
    pub fn decode(&self, tokens: Tensor<1, Int>, rotary: &Rotary, cache: &mut KvCache) -> Tensor<2> {
        let (spec, layers) = (self.config.arch(), self.config.layers());
        let here = rotary.at(cache.length());
        let mut x = self.embed(tokens, &spec);
        for (block, layer) in self.blocks.iter().zip(layers.iter().enumerate()) {
            x = block.decode(x, layer, &spec, &here, cache);
        }
        cache.advance(1);
        rms_norm(&x, &self.norm, &spec)
    }

    /// Logits of hidden states `[N, d]`: `[N, V]`.
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        match &self.head {
            Some(head) => linear(&hidden, &head.val()).unwrap_or_else(|| hidden.matmul(head.val())),
            None => linear_transposed(&hidden, &self.embedding.val())
                .unwrap_or_else(|| hidden.matmul(self.embedding.val().transpose())),
        }
    }
}

impl Transformer {
    /// Log-probability at a temperature of each target after its hidden state: `[N, d]` and `[N]` give `[N]`. On the CPU
    /// the logits of a large vocabulary are never all in memory.
    pub fn log_probs(&self, hidden: Tensor<2>, targets: Tensor<1, Int>, temperature: f64) -> Tensor<1> {
        if self.config.vocab_size > head::IN_PIECES_ABOVE {
            let (weights, transposed) = match &self.head {
                Some(head) => (head.val(), false),
                None => (self.embedding.val(), true),
            };
            if let Some(found) = head::target_log_probs(&hidden, &weights, transposed, &targets, temperature)
            {
                return found;
            }
        }
        let logits = self.logits(hidden);
        target_log_probs(if temperature == 1.0 { logits } else { logits / temperature }, targets)
    }
}

/// Log-probability of each row's target under `logits: [N, V]`, `targets: [N]`: `[N]`.
pub fn target_log_probs(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    if let Some(found) = log_probs::target_log_probs(&logits, &targets) {
        return found;
    }
    let largest = logits.clone().detach().max_dim(1);
    let shifted = logits - largest;
    let log_total = shifted.clone().exp().sum_dim(1).log();
    let n = targets.dims()[0];
    (shifted.gather(1, targets.reshape([n, 1])) - log_total).reshape([n])
}
