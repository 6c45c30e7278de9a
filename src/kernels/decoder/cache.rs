//! The keys and values of the slots, and attention to them.

use std::sync::Arc;

use pulp::Simd;

use super::Entry;
use crate::kernels::{
    attention::Angles,
    heads::Heads,
    vector::{LANES, mul_add, soften_from, vectorized},
};

/// What a layer has read, and how it looks at it.
pub struct Memory {
    pub angles: Arc<Angles>,
    /// Positions that a token sees, itself included; `usize::MAX` for all before it.
    pub window: usize,
    /// Rotated keys of all slots, laid out as [`Cache`] says.
    pub keys: Vec<f32>,
    /// Values of all slots, `[slots, G, capacity, c]`.
    pub values: Vec<f32>,
}

vectorized! {
    /// Stores the token's keys and values, then attends to them and to all earlier ones: `mixed: [H c]`.
    pub fn attend<'a>(
        cache: Cache,
        entry: &'a Entry,
        qkv: &'a [f32],
        memory: &'a mut Memory,
        turned: &'a mut [f32],
        scores: &'a mut [f32],
        mixed: &'a mut [f32],
    ) {
        cache.write(entry, qkv, memory, turned);
        cache.attend::<S>(entry, qkv, memory, turned, scores, mixed);
    }
}

/// The layout of keys and values. Values are `[slots, G, capacity, c]`. Keys are stored in tiles of [`LANES`]
/// positions, `[slots, G, capacity / LANES, c, LANES]`: the scores of a tile's positions form one vector, and
/// memory is read sequentially.
#[derive(Clone, Copy)]
pub struct Cache {
    pub heads: Heads,
    pub capacity: usize,
    /// What the products of queries and keys are multiplied by.
    pub scale: f32,
}

impl Cache {
    /// Where a head of a slot starts, in both keys and values.
    #[inline(always)]
    fn start(self, slot: usize, group: usize) -> usize {
        (slot * self.heads.groups + group) * self.capacity * self.heads.width
    }

    #[inline(always)]
    fn write(self, entry: &Entry, qkv: &[f32], memory: &mut Memory, turned: &mut [f32]) {
        let Heads { queries, groups, width: c } = self.heads;
        let (keys, values) = qkv[queries * c..].split_at(groups * c);
        let turned = &mut turned[..c];
        for group in 0..groups {
            let start = self.start(entry.slot, group);
            memory.angles.turn(&keys[group * c..(group + 1) * c], entry.position, turned);
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
        memory: &Memory,
        turned: &mut [f32],
        scores: &mut [f32],
        mixed: &mut [f32],
    ) {
        let (c, repeat) = (self.heads.width, self.heads.repeat());
        let (length, size) = (entry.position + 1, self.capacity * c);
        // Tiles that lie before the window are not read.
        let first = length.saturating_sub(memory.window);
        let before = first - first % LANES;
        let (first, length) = (first - before, length - before);
        for group in 0..self.heads.groups {
            let (start, end) =
                (self.start(entry.slot, group) + before * c, self.start(entry.slot, group) + size);
            let (keys, values) = (&memory.keys[start..end], &memory.values[start..end]);
            let at = group * repeat * c;
            let queries = qkv[at..at + repeat * c].chunks_exact(c).zip(turned.chunks_exact_mut(c));
            for (query, turned) in queries {
                memory.angles.turn(query, entry.position, turned);
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
                    soften_from::<S>(scores, first, length, length, self.scale);
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
