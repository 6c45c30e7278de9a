//! Extends many sequences by one token at once.
//!
//! Each sequence has a slot with its own keys and values. Sequences of different lengths thus share the same
//! matrix products, and a slot whose sequence has ended takes the next one. A prompt is read in one step: its
//! tokens are entries of the same slot, each attending to those before it.

use std::sync::Arc;

use pulp::Simd;

use super::{
    attention::{Angles, Heads},
    autodiff::CpuTensor,
    norm,
    panels::Panels,
    product::{Into, Matrix, product_with},
    swiglu::swiglu_rows,
    vector::{LANES, add_rows_to, mul_add, soften, vectorized},
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
    pub input_norm: CpuTensor,
    pub qkv: CpuTensor,
    pub qkv_bias: Option<CpuTensor>,
    /// Norm scales of the query heads and of the key heads.
    pub qk_norm: Option<[CpuTensor; 2]>,
    pub output: CpuTensor,
    pub post_norm: CpuTensor,
    pub gate_up: CpuTensor,
    pub down: CpuTensor,
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
    input_norm: CpuTensor,
    qkv: Panels,
    qkv_bias: Option<CpuTensor>,
    qk_norm: Option<[CpuTensor; 2]>,
    output: Panels,
    post_norm: CpuTensor,
    gate_up: Panels,
    down: Panels,
}

impl Layer {
    fn new(block: BlockWeights) -> Self {
        Self {
            input_norm: block.input_norm,
            qkv: laid_out(&block.qkv),
            qkv_bias: block.qkv_bias,
            qk_norm: block.qk_norm,
            output: laid_out(&block.output),
            post_norm: block.post_norm,
            gate_up: laid_out(&block.gate_up),
            down: laid_out(&block.down),
        }
    }
}

/// What a layer has read.
struct Memory {
    /// Rotated keys of all slots, laid out as [`Cache`] says.
    keys: Vec<f32>,
    /// Values of all slots, `[slots, G, capacity, c]`.
    values: Vec<f32>,
}

/// The weights of a model and the keys and values of its slots.
pub struct Decoder {
    weights: Arc<Weights>,
    /// One for each layer.
    memories: Vec<Memory>,
    angles: Angles,
    heads: Heads,
    hidden: usize,
    inner: usize,
    eps: f32,
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
    /// For sequences of at most `capacity` tokens in `slots` slots. `theta` is the base of the rotary
    /// wavelengths, `eps` the epsilon of the norms.
    pub fn new(
        weights: Arc<Weights>,
        heads: Heads,
        theta: f64,
        eps: f64,
        slots: usize,
        capacity: usize,
    ) -> Self {
        let kept = slots * kept_of_slot(heads, capacity);
        let capacity = capacity.next_multiple_of(LANES);
        let memory = |_: &Layer| Memory { keys: vec![0.0; kept], values: vec![0.0; kept] };
        Self {
            hidden: weights.embedding.width(),
            inner: weights.layers.first().map_or(0, |layer| layer.down.rows()),
            memories: weights.layers.iter().map(memory).collect(),
            angles: Angles::new(theta, heads.width, capacity),
            heads,
            eps: eps as f32,
            capacity,
            work: Work::default(),
            weights,
        }
    }

    /// Size in bytes of one slot's keys and values, for sequences of at most `capacity` tokens.
    pub fn kept_bytes(heads: Heads, layers: usize, capacity: usize) -> usize {
        2 * size_of::<f32>() * layers * kept_of_slot(heads, capacity)
    }

    /// Reads the entries, those of one slot in order of position. Returns the logits after each slot's last
    /// entry, `[slots among the entries, V]`, in the order of these last entries.
    pub fn step(&mut self, entries: &[Entry]) -> &[f32] {
        let (n, d, h) = (entries.len(), self.hidden, self.heads);
        let weights = &*self.weights;
        let Work { x, normed, qkv, mixed, gate_up, gated, logits, turned, scores } = &mut self.work;
        resize(x, n * d);
        for (entry, x) in entries.iter().zip(x.chunks_exact_mut(d)) {
            let at = entry.token as usize * d;
            x.copy_from_slice(&weights.embedding.values()[at..at + d]);
        }
        resize(normed, n * d);
        resize(qkv, n * h.row());
        resize(mixed, n * h.queries * h.width);
        resize(gate_up, n * 2 * self.inner);
        resize(gated, n * self.inner);
        resize(turned, h.repeat().max(1) * h.width);
        resize(scores, h.repeat() * self.capacity);
        for (layer, memory) in weights.layers.iter().zip(&mut self.memories) {
            norm_rows(x, &layer.input_norm, self.eps, normed);
            multiply(qkv, Into::Fresh, normed, &layer.qkv);
            if let Some(bias) = &layer.qkv_bias {
                qkv.chunks_exact_mut(h.row()).for_each(|row| add_rows_to(row, bias.values()));
            }
            if let Some(scales) = &layer.qk_norm {
                qkv.chunks_exact_mut(h.row()).for_each(|row| norm_heads(row, h, scales, self.eps, mixed));
            }
            let cache = Cache { heads: h, capacity: self.capacity };
            let rows = qkv.chunks_exact(h.row()).zip(mixed.chunks_exact_mut(h.queries * h.width));
            for (entry, (qkv, mixed)) in entries.iter().zip(rows) {
                attend(cache, entry, qkv, &self.angles, memory, turned, scores, mixed);
            }
            multiply(x, Into::Sum, mixed, &layer.output);
            norm_rows(x, &layer.post_norm, self.eps, normed);
            multiply(gate_up, Into::Fresh, normed, &layer.gate_up);
            swiglu_rows(gate_up, self.inner, gated);
            multiply(x, Into::Sum, gated, &layer.down);
        }
        // Only the last token of each slot needs logits.
        let is_last = |i: usize| entries.get(i + 1).is_none_or(|next| next.slot != entries[i].slot);
        let mut wanted = 0;
        for i in (0..n).filter(|&i| is_last(i)) {
            x.copy_within(i * d..(i + 1) * d, wanted * d);
            wanted += 1;
        }
        norm_rows(&x[..wanted * d], &weights.norm, self.eps, &mut normed[..wanted * d]);
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

/// Normalises each query head and each key head of a row in place. `room` is scratch space for at least the
/// queries.
fn norm_heads(row: &mut [f32], heads: Heads, scales: &[CpuTensor; 2], eps: f32, room: &mut [f32]) {
    let (queries, rest) = row.split_at_mut(heads.queries * heads.width);
    let keys = &mut rest[..heads.groups * heads.width];
    for (part, scale) in [queries, keys].into_iter().zip(scales) {
        let room = &mut room[..part.len()];
        norm_rows(part, scale, eps, room);
        part.copy_from_slice(room);
    }
}

vectorized! {
    /// Stores the token's keys and values, then attends to them and to all earlier ones: `mixed: [H c]`.
    fn attend<'a>(
        cache: Cache,
        entry: &'a Entry,
        qkv: &'a [f32],
        angles: &'a Angles,
        memory: &'a mut Memory,
        turned: &'a mut [f32],
        scores: &'a mut [f32],
        mixed: &'a mut [f32],
    ) {
        cache.write(entry, qkv, angles, memory, turned);
        cache.attend::<S>(entry, qkv, angles, memory, turned, scores, mixed);
    }
}

/// The layout of keys and values. Values are `[slots, G, capacity, c]`. Keys are stored in tiles of [`LANES`]
/// positions, `[slots, G, capacity / LANES, c, LANES]`: the scores of a tile's positions form one vector, and
/// memory is read sequentially.
#[derive(Clone, Copy)]
struct Cache {
    heads: Heads,
    capacity: usize,
}

impl Cache {
    /// Where a head of a slot starts, in both keys and values.
    #[inline(always)]
    fn start(self, slot: usize, group: usize) -> usize {
        (slot * self.heads.groups + group) * self.capacity * self.heads.width
    }

    #[inline(always)]
    fn write(self, entry: &Entry, qkv: &[f32], angles: &Angles, memory: &mut Memory, turned: &mut [f32]) {
        let Heads { queries, groups, width: c } = self.heads;
        let (keys, values) = qkv[queries * c..].split_at(groups * c);
        let turned = &mut turned[..c];
        for group in 0..groups {
            let start = self.start(entry.slot, group);
            angles.turn(&keys[group * c..(group + 1) * c], entry.position, turned);
            let tile = start + entry.position / LANES * LANES * c + entry.position % LANES;
            for (i, &key) in turned.iter().enumerate() {
                memory.keys[tile + i * LANES] = key;
            }
            let at = start + entry.position * c;
            memory.values[at..at + c].copy_from_slice(&values[group * c..(group + 1) * c]);
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn attend<S: Simd>(
        self,
        entry: &Entry,
        qkv: &[f32],
        angles: &Angles,
        memory: &Memory,
        turned: &mut [f32],
        scores: &mut [f32],
        mixed: &mut [f32],
    ) {
        let (c, repeat) = (self.heads.width, self.heads.repeat());
        let (length, size) = (entry.position + 1, self.capacity * c);
        let scale = self.heads.scale();
        for group in 0..self.heads.groups {
            let start = self.start(entry.slot, group);
            let (keys, values) = (&memory.keys[start..start + size], &memory.values[start..start + size]);
            let at = group * repeat * c;
            let queries = qkv[at..at + repeat * c].chunks_exact(c).zip(turned.chunks_exact_mut(c));
            for (query, turned) in queries {
                angles.turn(query, entry.position, turned);
            }
            let mixed = &mut mixed[at..at + repeat * c];
            // Heads go through keys and values in pairs, so that each number read is used twice.
            let mut head = 0;
            while head < repeat {
                let pair = (repeat - head).min(2);
                let turned = &turned[head * c..(head + pair) * c];
                let scores = &mut scores[..pair * self.capacity];
                if pair == 2 {
                    score::<S, 2>(turned, keys, length, self.capacity, scores);
                } else {
                    score::<S, 1>(turned, keys, length, self.capacity, scores);
                }
                for scores in scores.chunks_exact_mut(self.capacity) {
                    soften::<S>(scores, length, length, scale);
                }
                let mixed = &mut mixed[head * c..(head + pair) * c];
                if pair == 2 {
                    mix::<S, 2>(scores, values, length, self.capacity, mixed);
                } else {
                    mix::<S, 1>(scores, values, length, self.capacity, mixed);
                }
                head += pair;
            }
        }
    }
}

/// Products of `R` queries, `[R, c]`, with the first `length` keys, rounded up to whole tiles:
/// `[R, capacity]`.
#[inline(always)]
fn score<S: Simd, const R: usize>(
    queries: &[f32],
    keys: &[f32],
    length: usize,
    capacity: usize,
    out: &mut [f32],
) {
    let c = queries.len() / R;
    let tiles = length.div_ceil(LANES);
    let mut t = 0;
    while t < tiles {
        if t + 2 <= tiles {
            score_tiles::<S, R, 2>(queries, &keys[t * c * LANES..], c, capacity, &mut out[t * LANES..]);
            t += 2;
        } else {
            score_tiles::<S, R, 1>(queries, &keys[t * c * LANES..], c, capacity, &mut out[t * LANES..]);
            t += 1;
        }
    }
}

/// The same for `T` tiles at once: each addition waits for the previous one, so several sums must be in
/// progress.
#[inline(always)]
fn score_tiles<S: Simd, const R: usize, const T: usize>(
    queries: &[f32],
    keys: &[f32],
    c: usize,
    capacity: usize,
    out: &mut [f32],
) {
    let mut sums = [[[0.0f32; LANES]; T]; R];
    for i in 0..c {
        for r in 0..R {
            let q = queries[r * c + i];
            for (t, sums) in sums[r].iter_mut().enumerate() {
                let at = (t * c + i) * LANES;
                let key = &keys[at..at + LANES];
                for l in 0..LANES {
                    sums[l] = mul_add::<S>(key[l], q, sums[l]);
                }
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (t, sums) in sums.iter().enumerate() {
            let at = r * capacity + t * LANES;
            out[at..at + LANES].copy_from_slice(sums);
        }
    }
}

/// The first `length` values, summed with `R` rows of weights, `[R, capacity]`: `[R, c]`.
#[inline(always)]
fn mix<S: Simd, const R: usize>(
    weights: &[f32],
    values: &[f32],
    length: usize,
    capacity: usize,
    out: &mut [f32],
) {
    let c = out.len() / R;
    let mut from = 0;
    while from < c {
        if from + 2 * LANES <= c {
            mix_lanes::<S, R, 2>(weights, values, length, capacity, from, out);
            from += 2 * LANES;
        } else if from + LANES <= c {
            mix_lanes::<S, R, 1>(weights, values, length, capacity, from, out);
            from += LANES;
        } else {
            for r in 0..R {
                for at in from..c {
                    let terms = values.chunks_exact(c).zip(&weights[r * capacity..]).take(length);
                    out[r * c + at] =
                        terms.fold(0.0, |sum, (value, &weight)| mul_add::<S>(value[at], weight, sum));
                }
            }
            from = c;
        }
    }
}

/// The same for `T` times [`LANES`] columns, starting at `from`.
#[inline(always)]
fn mix_lanes<S: Simd, const R: usize, const T: usize>(
    weights: &[f32],
    values: &[f32],
    length: usize,
    capacity: usize,
    from: usize,
    out: &mut [f32],
) {
    let c = out.len() / R;
    let mut sums = [[[0.0f32; LANES]; T]; R];
    for (i, value) in values.chunks_exact(c).take(length).enumerate() {
        let value = &value[from..from + T * LANES];
        for r in 0..R {
            let weight = weights[r * capacity + i];
            for (t, sums) in sums[r].iter_mut().enumerate() {
                for l in 0..LANES {
                    sums[l] = mul_add::<S>(value[t * LANES + l], weight, sums[l]);
                }
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (t, sums) in sums.iter().enumerate() {
            let at = r * c + from + t * LANES;
            out[at..at + LANES].copy_from_slice(sums);
        }
    }
}
