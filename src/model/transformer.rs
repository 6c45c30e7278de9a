//! The decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU (as in Llama,
//! <https://arxiv.org/abs/2302.13971>); what differs between families is in [`ArchSpec`].
//!
//! Shapes in comments: `B` rows, `T` positions, `d` hidden size, `H` query heads, `G` key/value heads,
//! `R = H / G` query heads per key/value head, `c` head width, `V` tokens. Weights are stored `[in, out]`;
//! queries, keys and values are one matrix, and so are gate and up: fewer, larger products.
//!
//! On the CPU a block and the operations around the blocks have kernels ([`crate::kernels`]) that do the same in fewer
//! passes over memory; what stands here in Burn's operations is the definition, and what runs everywhere else.

use std::{cell::LazyCell, sync::Arc};

use burn::{
    module::{Module, Param},
    tensor::{Device, Distribution, Int, Tensor, TensorData, activation, s},
};

use super::{arch::ArchSpec, cache::KvCache, config::ModelConfig, lora::Adapter};
use crate::kernels::{
    attention::{Angles, Heads},
    block, head,
    linear::{linear, linear_transposed},
    log_probs,
    low_rank::Site,
    norm,
};

/// Added to attention scores of masked positions: whatever the score, `exp` of the sum is exactly 0. Finite,
/// because not every GPU computes with infinities.
const UNSEEN: f32 = -1e30;

/// Scales of the norms of each query head and of each key head, `[c]`.
#[derive(Module, Debug)]
pub struct QkNorm {
    /// Scale for the query heads.
    pub queries: Param<Tensor<1>>,
    /// Scale for the key heads.
    pub keys: Param<Tensor<1>>,
}

impl QkNorm {
    /// `qkv: [N, (H + 2G) c]` with its queries and keys normalised.
    fn apply(&self, qkv: &Tensor<2>, spec: &ArchSpec) -> Tensor<2> {
        let (n, Heads { queries: h, groups: g, width: c }) = (qkv.dims()[0], spec.heads);
        let normed = |from: usize, heads: usize, scale| {
            let part = qkv.clone().slice(s![.., from * c..(from + heads) * c]).reshape([n * heads, c]);
            rms_norm(&part, scale, spec.norm_eps).reshape([n, heads * c])
        };
        let values = qkv.clone().slice(s![.., (h + g) * c..]);
        Tensor::cat(vec![normed(0, h, &self.queries), normed(h, g, &self.keys), values], 1)
    }
}

/// One block.
#[derive(Module, Debug)]
pub struct Block {
    /// Scale of the norm before attention, `[d]`.
    pub input_norm: Param<Tensor<1>>,
    /// Queries, keys, values side by side, `[d, (H + 2G) c]`.
    pub qkv: Param<Tensor<2>>,
    /// Their biases, `[(H + 2G) c]`, if any.
    pub qkv_bias: Option<Param<Tensor<1>>>,
    /// The norms of queries and keys, if any.
    pub qk_norm: Option<QkNorm>,
    /// Back to the residual stream, `[H c, d]`.
    pub output: Param<Tensor<2>>,
    /// Scale of the norm before the feed-forward, `[d]`.
    pub post_norm: Param<Tensor<1>>,
    /// Gate and up side by side, `[d, 2 f]`.
    pub gate_up: Param<Tensor<2>>,
    /// Back to the residual stream, `[f, d]`.
    pub down: Param<Tensor<2>>,
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

/// Cosines and sines of the rotary angles, and the matrix that turns `[x1, x2]` into `[-x2, x1]`
/// (Hugging Face's "rotate half" layout). A product with a constant matrix is one operation forward and one
/// backward, where slicing, negating and joining are five.
#[derive(Debug, Clone)]
pub struct Rotary {
    cos: Tensor<2>,
    sin: Tensor<2>,
    half_turn: Tensor<2>,
}

impl Rotary {
    /// Angles of positions `start..start + count`: `[count, c]` each.
    pub fn new(config: &ModelConfig, start: usize, count: usize, device: &Device) -> Self {
        let c = config.head_dim();
        let half = c / 2;
        let mut cos = Vec::with_capacity(count * c);
        let mut sin = Vec::with_capacity(count * c);
        for position in start..start + count {
            for i in 0..c {
                let wavelength = config.rope_theta.powf((i % half) as f64 / half as f64);
                let angle = position as f64 / wavelength;
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        let mut turn = vec![0.0f32; c * c];
        for i in 0..half {
            turn[(i + half) * c + i] = -1.0;
            turn[i * c + i + half] = 1.0;
        }
        Self {
            cos: Tensor::from_data(TensorData::new(cos, [count, c]), device),
            sin: Tensor::from_data(TensorData::new(sin, [count, c]), device),
            half_turn: Tensor::from_data(TensorData::new(turn, [c, c]), device),
        }
    }

    /// The angles of one of the positions.
    pub fn at(&self, index: usize) -> Self {
        Self {
            cos: self.cos.clone().slice(s![index..index + 1, ..]),
            sin: self.sin.clone().slice(s![index..index + 1, ..]),
            half_turn: self.half_turn.clone(),
        }
    }

    /// Turns `x: [B, T, heads, c]` by the angles of its position.
    fn turn(&self, x: Tensor<4>) -> Tensor<4> {
        let [b, t, heads, c] = x.dims();
        let turned =
            x.clone().reshape([b * t * heads, c]).matmul(self.half_turn.clone()).reshape([b, t, heads, c]);
        x * self.cos.clone().reshape([1, t, 1, c]) + turned * self.sin.clone().reshape([1, t, 1, c])
    }
}

/// `x / rms(x) * scale` over the last dimension of `x: [N, d]`.
fn rms_norm(x: &Tensor<2>, scale: &Param<Tensor<1>>, eps: f64) -> Tensor<2> {
    norm::rms_norm(x, &scale.val(), eps).unwrap_or_else(|| {
        let mean_square = (x.clone() * x.clone()).mean_dim(1);
        x.clone() * (mean_square + eps).sqrt().recip() * scale.val().unsqueeze::<2>()
    })
}

/// What attention in Burn's operations needs: the angles, and [`unseen_later`]. Made only where it is used.
type Plain<'a> = LazyCell<(Rotary, Tensor<2>), Box<dyn FnOnce() -> (Rotary, Tensor<2>) + 'a>>;

impl Block {
    fn weights(&self) -> block::Weights {
        block::Weights {
            input_norm: self.input_norm.val(),
            qkv: self.qkv.val(),
            qkv_bias: self.qkv_bias.as_ref().map(Param::val),
            output: self.output.val(),
            qk_norm: self.qk_norm.as_ref().map(|norm| [norm.queries.val(), norm.keys.val()]),
            post_norm: self.post_norm.val(),
            gate_up: self.gate_up.val(),
            down: self.down.val(),
            adapter: self.adapter.as_ref().map(|adapter| (adapter.plan.clone(), adapter.values.val())),
        }
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
    fn rotated(qkv: Tensor<2>, t: usize, heads: Heads, rotary: &Rotary) -> (Tensor<4>, Tensor<4>) {
        let Heads { queries: h, groups: g, width: c } = heads;
        let rows = qkv.dims()[0];
        let qkv = qkv.reshape([rows / t, t, h + 2 * g, c]);
        let qk = qkv.clone().slice(s![.., .., 0..h + g, ..]);
        (rotary.turn(qk), qkv.slice(s![.., .., h + g.., ..]))
    }

    /// The feed-forward half of the block, residual included.
    fn feed_forward(&self, x: Tensor<2>, spec: &ArchSpec) -> Tensor<2> {
        let normed = rms_norm(&x, &self.post_norm, spec.norm_eps);
        let gate_up = self.times(normed, &self.gate_up, Site::GateUp);
        let f = spec.inner;
        let gate = gate_up.clone().slice(s![.., 0..f]);
        let gated = activation::silu(gate) * gate_up.slice(s![.., f..]);
        x + self.times(gated, &self.down, Site::Down)
    }

    /// The block over whole sequences: `x: [B T, d]`. A cache, if given, stores its keys and values for
    /// decoding.
    #[allow(clippy::too_many_arguments)]
    fn forward(
        &self,
        x: Tensor<2>,
        t: usize,
        spec: &ArchSpec,
        angles: &Arc<Angles>,
        plain: &Plain<'_>,
        cache: Option<(&mut KvCache, usize)>,
        recompute: bool,
    ) -> Tensor<2> {
        let heads = spec.heads;
        if cache.is_none()
            && let Some(after) = block::block(&x, &self.weights(), t, heads, angles, spec.norm_eps, recompute)
        {
            return after;
        }
        let qkv = self.project(rms_norm(&x, &self.input_norm, spec.norm_eps), spec);
        let mixed = Self::attend(qkv, t, heads, plain, cache);
        self.feed_forward(x + self.times(mixed, &self.output, Site::Output), spec)
    }

    /// Causal attention: `[B T, H c]`.
    fn attend(
        qkv: Tensor<2>,
        t: usize,
        heads: Heads,
        plain: &Plain<'_>,
        cache: Option<(&mut KvCache, usize)>,
    ) -> Tensor<2> {
        let (Heads { queries: h, groups: g, width: c }, r) = (heads, heads.repeat());
        let b = qkv.dims()[0] / t;
        let (rotary, unseen) = &**plain;
        let (qk, v) = Self::rotated(qkv, t, heads, rotary);
        // Query heads of one key/value head become more rows of the same product: [B, G, R T, c].
        let q = qk.clone().slice(s![.., .., 0..h, ..]).reshape([b, t, g, r, c]);
        let q = q.permute([0, 2, 3, 1, 4]).reshape([b, g, r * t, c]);
        let k = qk.slice(s![.., .., h.., ..]).permute([0, 2, 1, 3]);
        let v = v.permute([0, 2, 1, 3]);
        if let Some((cache, layer)) = cache {
            cache.write(layer, 0, k.clone(), v.clone());
        }
        let scores = q.matmul(k.transpose()) * (c as f64).powf(-0.5);
        let [bias_rows, bias_cols] = unseen.dims();
        let scores = scores + unseen.clone().reshape([1, 1, bias_rows, bias_cols]);
        let mixed = softmax_last(scores).matmul(v);
        mixed.reshape([b, g, r, t, c]).permute([0, 3, 1, 2, 4]).reshape([b * t, h * c])
    }

    /// The block for one new position of every row: `x: [B, d]`.
    fn decode(
        &self,
        x: Tensor<2>,
        spec: &ArchSpec,
        rotary: &Rotary,
        cache: &mut KvCache,
        layer: usize,
    ) -> Tensor<2> {
        let heads = spec.heads;
        let Heads { queries: h, groups: g, width: c } = heads;
        let b = x.dims()[0];
        let position = cache.length();
        let qkv = self.project(rms_norm(&x, &self.input_norm, spec.norm_eps), spec);
        let (qk, v) = Self::rotated(qkv, 1, heads, rotary);
        let q = qk.clone().slice(s![.., .., 0..h, ..]).reshape([b, g, h / g, c]);
        let k = qk.slice(s![.., .., h.., ..]).reshape([b, g, 1, c]);
        cache.write(layer, position, k, v.reshape([b, g, 1, c]));
        let (keys, values) = cache.read(layer, position + 1);
        let scores = q.matmul(keys.transpose()) * (c as f64).powf(-0.5);
        let mixed = activation::softmax(scores, 3).matmul(values).reshape([b, h * c]);
        self.feed_forward(x + self.times(mixed, &self.output, Site::Output), spec)
    }
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
        let normal = |shape: [usize; 2], std: f64| {
            Param::from_tensor(Tensor::<2>::random(shape, Distribution::Normal(0.0, std), device))
        };
        let ones = |n: usize| Param::from_tensor(Tensor::<1>::ones([n], device));
        let closing = 0.02 / (2.0 * config.num_hidden_layers as f64).sqrt();
        let blocks = (0..config.num_hidden_layers)
            .map(|_| Block {
                input_norm: ones(d),
                qkv: normal([d, row], 0.02),
                qkv_bias: spec.qkv_bias.then(|| Param::from_tensor(Tensor::<1>::zeros([row], device))),
                qk_norm: spec.qk_norm.then(|| QkNorm { queries: ones(c), keys: ones(c) }),
                output: normal([h * c, d], closing),
                post_norm: ones(d),
                gate_up: normal([d, 2 * f], 0.02),
                down: normal([f, d], closing),
                adapter: None,
            })
            .collect();
        Self {
            embedding: normal([config.vocab_size, d], 0.02),
            blocks,
            norm: ones(d),
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
        let spec = self.config.arch();
        let angles = Arc::new(Angles::new(spec.rope_theta, spec.heads.width, t));
        let plain: Plain<'_> = LazyCell::new(Box::new(|| {
            (Rotary::new(&self.config, 0, t, &device), unseen_later(t, spec.heads.repeat(), &device))
        }));
        let mut x = self.embedding.val().select(0, tokens.reshape([b * t]));
        for (layer, block) in self.blocks.iter().enumerate() {
            let kept = cache.as_deref_mut().map(|cache| (cache, layer));
            x = block.forward(x, t, &spec, &angles, &plain, kept, self.recompute);
        }
        rms_norm(&x, &self.norm, spec.norm_eps)
    }

    /// One more position for every row of the cache: `tokens: [B]` gives `[B, d]`. `rotary` holds the angles of
    /// all positions the cache can hold.
    pub fn decode(&self, tokens: Tensor<1, Int>, rotary: &Rotary, cache: &mut KvCache) -> Tensor<2> {
        let spec = self.config.arch();
        let here = rotary.at(cache.length());
        let mut x = self.embedding.val().select(0, tokens);
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.decode(x, &spec, &here, cache, layer);
        }
        cache.advance(1);
        rms_norm(&x, &self.norm, spec.norm_eps)
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

/// `[R T, T]`: [`UNSEEN`] where the column comes after the row, repeated for each query head of a key/value head.
fn unseen_later(t: usize, repeat: usize, device: &Device) -> Tensor<2> {
    let mut bias = vec![0.0f32; repeat * t * t];
    for (row, line) in bias.chunks_mut(t).enumerate() {
        line[row % t + 1..].fill(UNSEEN);
    }
    Tensor::from_data(TensorData::new(bias, [repeat * t, t]), device)
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
