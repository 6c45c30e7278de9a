//! Extends many sequences by one token at once.
//!
//! Each sequence has a slot with its own keys and values. Sequences of different lengths thus share the same
//! matrix products, and a slot whose sequence has ended takes the next one. A prompt is read in one step: its
//! tokens are entries of the same slot, each attending to those before it.

mod cache;

use std::sync::Arc;

use cache::{Cache, Memory, attend};

use super::{
    activation::Activation,
    attention::{Attention, Heads},
    autodiff::CpuTensor,
    buffers::Buffer,
    gate::gate_rows,
    norm,
    panels::Panels,
    product::{Into, Matrix, product_with},
    vector::{LANES, add_rows_to, add_to},
};

/// A token to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The sequence that it belongs to.
    pub slot: usize,
    /// Number of tokens before it in the sequence.
    pub position: usize,
    /// The token.
    pub token: u32,
}

/// The weights of one block; each field is named as in the model.
#[allow(missing_docs, reason = "the model says what each is")]
pub struct BlockWeights {
    pub input_norm: Option<CpuTensor>,
    pub qkv: CpuTensor,
    pub qkv_bias: Option<CpuTensor>,
    /// Norm scales of the queries and of the keys: of a head, or of all heads together.
    pub qk_norm: Option<[CpuTensor; 2]>,
    pub output: CpuTensor,
    pub attention_norm: Option<CpuTensor>,
    pub post_norm: Option<CpuTensor>,
    pub gate_up: CpuTensor,
    pub down: CpuTensor,
    pub feed_forward_norm: Option<CpuTensor>,
}

/// What all blocks have in common, and what stands before the first.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The heads of attention.
    pub heads: Heads,
    /// What the products of queries and keys are multiplied by.
    pub score_scale: f32,
    /// What the feed-forward's gate goes through.
    pub activation: Activation,
    /// Epsilon of the norms.
    pub eps: f32,
    /// What embeddings are multiplied by before the first block, if anything.
    pub embedding_scale: Option<f32>,
}

/// The weights of a model, laid out for products. Decoders share them.
pub struct Weights {
    /// `[V, d]`.
    embedding: CpuTensor,
    layers: Vec<Layer>,
    norm: CpuTensor,
    /// `[d, V]`.
    head: Panels,
}

impl Weights {
    /// From the embedding, the blocks, first to last, the scale of the last norm, and the output layer, `[d, V]`; without
    /// one the embedding's transpose is used.
    pub fn new(
        embedding: CpuTensor,
        blocks: impl Iterator<Item = BlockWeights>,
        norm: CpuTensor,
        head: Option<&CpuTensor>,
    ) -> Self {
        let head = match head {
            Some(head) => laid_out(head),
            None => Panels::of(matrix(&embedding).t()),
        };
        Self { layers: blocks.map(Layer::new).collect(), embedding, norm, head }
    }
}

struct Layer {
    input_norm: Option<CpuTensor>,
    qkv: Panels,
    qkv_bias: Option<CpuTensor>,
    qk_norm: Option<[CpuTensor; 2]>,
    output: Panels,
    attention_norm: Option<CpuTensor>,
    post_norm: Option<CpuTensor>,
    gate_up: Panels,
    down: Panels,
    feed_forward_norm: Option<CpuTensor>,
}

impl Layer {
    fn new(block: BlockWeights) -> Self {
        Self {
            input_norm: block.input_norm,
            qkv: laid_out(&block.qkv),
            qkv_bias: block.qkv_bias,
            qk_norm: block.qk_norm,
            output: laid_out(&block.output),
            attention_norm: block.attention_norm,
            post_norm: block.post_norm,
            gate_up: laid_out(&block.gate_up),
            down: laid_out(&block.down),
            feed_forward_norm: block.feed_forward_norm,
        }
    }
}

/// The weights of a model and the keys and values of its slots.
pub struct Decoder {
    weights: Arc<Weights>,
    /// One for each layer.
    memories: Vec<Memory>,
    shape: Shape,
    hidden: usize,
    inner: usize,
    capacity: usize,
    work: Work,
}

/// Buffers reused for the decoder's lifetime.
#[derive(Default)]
struct Work {
    /// The residual stream, `[entries, d]`.
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    mixed: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
    logits: Vec<f32>,
    turned: Vec<f32>,
    scores: Vec<f32>,
}

impl Decoder {
    /// For sequences of at most `capacity` tokens in `slots` slots. `attentions` has one for each block, with angles of
    /// at least as many positions.
    pub(crate) fn new(
        weights: Arc<Weights>,
        shape: Shape,
        attentions: &[Attention],
        slots: usize,
        capacity: usize,
    ) -> Self {
        let kept = slots * kept_of_slot(shape.heads, capacity);
        let memory = |attention: &Attention| Memory {
            angles: attention.angles.clone(),
            window: attention.window,
            keys: vec![0.0; kept],
            values: vec![0.0; kept],
        };
        Self {
            hidden: weights.embedding.width(),
            inner: weights.layers.first().map_or(0, |layer| layer.down.rows()),
            memories: attentions.iter().map(memory).collect(),
            weights,
            shape,
            capacity: capacity.next_multiple_of(LANES),
            work: Work::default(),
        }
    }

    /// Size in bytes of one slot's keys and values, for sequences of at most `capacity` tokens.
    pub(crate) fn kept_bytes(heads: Heads, layers: usize, capacity: usize) -> usize {
        2 * size_of::<f32>() * layers * kept_of_slot(heads, capacity)
    }

    /// Reads the entries, those of one slot in order of position. Returns the logits after each slot's last
    /// entry, `[slots among the entries, V]`, in the order of these last entries.
    pub fn step(&mut self, entries: &[Entry]) -> &[f32] {
        let (n, d, h) = (entries.len(), self.hidden, self.shape.heads);
        let Shape { eps, score_scale, activation, .. } = self.shape;
        let weights = &*self.weights;
        let Work { x, normed, qkv, mixed, gate_up, gated, logits, turned, scores } = &mut self.work;
        resize(x, n * d);
        for (entry, x) in entries.iter().zip(x.chunks_exact_mut(d)) {
            let at = entry.token as usize * d;
            x.copy_from_slice(&weights.embedding.values()[at..at + d]);
        }
        if let Some(scale) = self.shape.embedding_scale {
            x.iter_mut().for_each(|x| *x *= scale);
        }
        resize(normed, n * d);
        resize(qkv, n * h.row());
        resize(mixed, n * h.queries * h.width);
        resize(gate_up, n * 2 * self.inner);
        resize(gated, n * self.inner);
        resize(turned, h.repeat().max(1) * h.width);
        resize(scores, h.repeat() * self.capacity);
        for (layer, memory) in weights.layers.iter().zip(&mut self.memories) {
            multiply(qkv, Into::Fresh, norm_before(x, layer.input_norm.as_ref(), eps, normed), &layer.qkv);
            if let Some(bias) = &layer.qkv_bias {
                qkv.chunks_exact_mut(h.row()).for_each(|row| add_rows_to(row, bias.values()));
            }
            if let Some(scales) = &layer.qk_norm {
                qkv.chunks_exact_mut(h.row()).for_each(|row| norm_heads(row, h, scales, eps, mixed));
            }
            let cache = Cache { heads: h, capacity: self.capacity, scale: score_scale };
            let rows = qkv.chunks_exact(h.row()).zip(mixed.chunks_exact_mut(h.queries * h.width));
            for (entry, (qkv, mixed)) in entries.iter().zip(rows) {
                attend(cache, entry, qkv, memory, turned, scores, mixed);
            }
            add_product(x, mixed, &layer.output, layer.attention_norm.as_ref(), eps);
            multiply(
                gate_up,
                Into::Fresh,
                norm_before(x, layer.post_norm.as_ref(), eps, normed),
                &layer.gate_up,
            );
            gate_rows(activation, gate_up, self.inner, gated);
            add_product(x, gated, &layer.down, layer.feed_forward_norm.as_ref(), eps);
        }
        // Only the last token of each slot needs logits.
        let is_last = |i: usize| entries.get(i + 1).is_none_or(|next| next.slot != entries[i].slot);
        let mut wanted = 0;
        for i in (0..n).filter(|&i| is_last(i)) {
            x.copy_within(i * d..(i + 1) * d, wanted * d);
            wanted += 1;
        }
        norm_rows(&x[..wanted * d], &weights.norm, eps, &mut normed[..wanted * d]);
        let vocabulary = weights.head.columns();
        resize(logits, wanted * vocabulary);
        multiply(logits, Into::Fresh, &normed[..wanted * d], &weights.head);
        logits
    }
}

/// Size of one layer's keys, and of its values, for one slot, in numbers.
fn kept_of_slot(heads: Heads, capacity: usize) -> usize {
    heads.groups * capacity.next_multiple_of(LANES) * heads.width
}

/// Sets the length; the old contents do not matter.
fn resize(buffer: &mut Vec<f32>, length: usize) {
    buffer.resize(length, 0.0);
}

fn matrix(tensor: &CpuTensor) -> Matrix<'_> {
    Matrix::new(tensor.values(), tensor.rows(), tensor.width())
}

/// Weights laid out once for all products with them.
fn laid_out(weights: &CpuTensor) -> Panels {
    Panels::of(matrix(weights))
}

/// Rows `x` times `w`.
fn multiply(out: &mut [f32], into: Into, x: &[f32], w: &Panels) {
    product_with(out, into, Matrix::new(x, x.len() / w.rows(), w.rows()), w);
}

fn norm_rows(x: &[f32], scale: &CpuTensor, eps: f32, out: &mut [f32]) {
    let mut inverse = vec![0.0; x.len() / scale.width()];
    norm::norm_rows(x, scale.values(), eps, out, &mut inverse);
}

/// The rows `x` normalised into `room`, or as they are where there is no norm.
fn norm_before<'a>(x: &'a [f32], scale: Option<&CpuTensor>, eps: f32, room: &'a mut [f32]) -> &'a [f32] {
    let Some(scale) = scale else { return x };
    norm_rows(x, scale, eps, room);
    room
}

/// Adds rows `mixed` times `w` to the residual stream `x`, through a norm if there is one.
fn add_product(x: &mut [f32], mixed: &[f32], w: &Panels, norm: Option<&CpuTensor>, eps: f32) {
    let Some(scale) = norm else { return multiply(x, Into::Sum, mixed, w) };
    let (mut product, mut normed) = (Buffer::new(x.len()), Buffer::new(x.len()));
    multiply(&mut product, Into::Fresh, mixed, w);
    norm_rows(&product, scale, eps, &mut normed);
    add_to(x, &normed);
}

/// Normalises queries and keys of a row in place, by head or all heads together. `room` is scratch space for at least
/// the queries and the keys each.
fn norm_heads(row: &mut [f32], heads: Heads, scales: &[CpuTensor; 2], eps: f32, room: &mut [f32]) {
    let (queries, rest) = row.split_at_mut(heads.queries * heads.width);
    let keys = &mut rest[..heads.groups * heads.width];
    for (part, scale) in [queries, keys].into_iter().zip(scales) {
        let room = &mut room[..part.len()];
        norm_rows(part, scale, eps, room);
        part.copy_from_slice(room);
    }
}
