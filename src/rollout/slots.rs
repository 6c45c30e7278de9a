//! The CPU's sampler: every worker keeps a few slots full.
//!
//! A slot whose completion has ended takes the next request at once, so the products keep their size and the
//! keys and values of all slots stay in the processor's cache, however many rows there are. Workers take
//! requests from one queue. A completion depends only on its own seed, not on the worker or the completions
//! beside it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{
    Completion,
    sampler::{Observer, Request, SamplingOptions},
};
use crate::{
    kernels::{
        decoder::{Decoder, Entry},
        vector::{LANES, exp, largest, mul_add, sum, vectorized},
    },
    model::{config::ModelConfig, decoding::kept_bytes, transformer::Transformer},
    system::workers::Workers,
};

/// Slots per worker. With fewer, the weights are read more often per token.
const SLOTS: std::ops::RangeInclusive<usize> = 8..=32;

/// Keys and values that a worker's slots may hold, bytes; as many slots as that allows. With more they leave the cache
/// between two tokens. Timed with 6 to 32 slots: completions of 128 tokens are written fastest with 12 (3.5 MB), a
/// quarter faster than with 32.
const KEPT_BYTES: usize = 4 << 20;

/// Weights of more bytes than these are not in the cache when they are read for the next token. Then the slots get room
/// for as much as the weights take, twice: the more slots there are, the less often the weights are read.
const WEIGHTS_BYTES: usize = 16 << 20;

/// Slots of a worker that has its share of so many rows to write, of at most `capacity` tokens each. Memory is bounded by
/// them, however many rows there are.
pub(crate) fn slots_of(model: &ModelConfig, rows: usize, capacity: usize, workers: usize) -> usize {
    let weights = size_of::<f32>() * model.parameters();
    let kept = if weights > WEIGHTS_BYTES { 2 * weights } else { KEPT_BYTES };
    let slots = (kept / kept_bytes(model, capacity)).clamp(*SLOTS.start(), *SLOTS.end());
    rows.div_ceil(workers.max(1)).clamp(1, slots)
}

/// Samples one completion per request, in order. `None` if the model is not on the CPU; `Some(None)` if the
/// observer ended sampling.
pub fn sample(
    model: &Transformer,
    requests: &[Request<'_>],
    options: SamplingOptions<'_>,
    workers: &Workers,
    observer: &dyn Observer,
) -> Option<Option<Vec<Completion>>> {
    if options.max_new_tokens == 0 {
        return Some(Some(vec![Completion::default(); requests.len()]));
    }
    let longest = requests.iter().map(|r| r.prompt.len()).max().unwrap_or(0);
    let capacity = longest + options.max_new_tokens;
    let slots = slots_of(&model.config, requests.len(), capacity, workers.count());
    let weights = model.laid_out()?;
    let decoders: Vec<_> = (0..workers.count()).map(|_| model.decoders(&weights, slots, capacity)).collect();
    drop(weights);
    let written = Mutex::new(vec![Completion::default(); requests.len()]);
    let queue = AtomicUsize::new(0);
    let jobs: Vec<_> = decoders
        .into_iter()
        .map(|decoder| {
            let (queue, written) = (&queue, &written);
            move || {
                let worker = Worker { decoder, requests, options, observer, queue, written };
                worker.run(slots)
            }
        })
        .collect();
    let complete = workers.run(jobs).into_iter().all(|complete| complete);
    let written = written.into_inner().unwrap_or_else(PoisonError::into_inner);
    Some(complete.then_some(written))
}

/// A completion being written.
struct Writing {
    request: usize,
    slot: usize,
    generator: ChaCha8Rng,
    completion: Completion,
}

struct Worker<'a> {
    decoder: Decoder,
    requests: &'a [Request<'a>],
    options: SamplingOptions<'a>,
    observer: &'a dyn Observer,
    /// Index of the next request not yet taken.
    queue: &'a AtomicUsize,
    written: &'a Mutex<Vec<Completion>>,
}

impl Worker<'_> {
    /// Runs until the queue is empty and all slots have ended; `false` if the observer ended sampling.
    fn run(mut self, slots: usize) -> bool {
        let mut free: Vec<usize> = (0..slots).rev().collect();
        let mut writing: Vec<Writing> = Vec::with_capacity(slots);
        let mut entries: Vec<Entry> = Vec::new();
        let mut row = Vec::new();
        loop {
            while let Some(&slot) = free.last() {
                let request = self.queue.fetch_add(1, Ordering::Relaxed);
                let Some(asked) = self.requests.get(request) else { break };
                free.pop();
                let places = asked.prompt.iter().enumerate();
                entries.extend(places.map(|(position, &token)| Entry { slot, position, token }));
                let generator = asked.seed.generator();
                writing.push(Writing { request, slot, generator, completion: Completion::default() });
            }
            if writing.is_empty() {
                return true;
            }
            if !self.observer.keep_going() {
                return false;
            }
            let logits = self.decoder.step(&entries);
            let vocabulary = logits.len() / writing.len();
            entries.clear();
            for (line, logits) in writing.iter_mut().zip(logits.chunks_exact(vocabulary)) {
                let drawn = draw(logits, self.options.temperature, &mut line.generator, &mut row);
                let completion = &mut line.completion;
                completion.tokens.push(drawn.token);
                completion.logprobs.push(drawn.logprob);
                completion.entropies.push(drawn.entropy);
                self.observer.token(line.request, drawn.token);
                let position = self.requests[line.request].prompt.len() + completion.tokens.len() - 1;
                let ended = self.options.ends(&completion.tokens);
                completion.truncated = !ended && completion.tokens.len() == self.options.max_new_tokens;
                if !(ended || completion.truncated) {
                    entries.push(Entry { slot: line.slot, position, token: drawn.token });
                }
            }
            // Keeps `writing` in the order of the entries: those that continue stay in place, new ones
            // follow.
            let (ended, going): (Vec<_>, Vec<_>) =
                writing.into_iter().partition(|line| entries.iter().all(|entry| entry.slot != line.slot));
            writing = going;
            for line in ended {
                free.push(line.slot);
                let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                written[line.request] = line.completion;
                drop(written);
                self.observer.finished(line.request);
            }
        }
    }
}

struct Drawn {
    token: u32,
    logprob: f32,
    entropy: f32,
}

/// Draws one token: the first whose cumulative probability exceeds the uniform draw. At temperature 0 takes
/// the most likely token and reports its log-probability at temperature 1.
fn draw(logits: &[f32], temperature: f64, generator: &mut ChaCha8Rng, row: &mut Vec<f32>) -> Drawn {
    let greedy = temperature <= 0.0;
    let scale = if greedy { 1.0 } else { (1.0 / temperature) as f32 };
    row.clear();
    row.extend(logits.iter().map(|x| x * scale));
    let uniform: f32 = if greedy { 0.0 } else { generator.random() };
    draw_from(row, uniform, greedy)
}

vectorized! {
    /// The draw itself, at temperature 1 of these logits.
    fn draw_from<'a>(logits: &'a mut [f32], uniform: f32, greedy: bool) -> Drawn {
        let top = largest(logits);
        // Sums e^x and x e^x in one pass: the entropy is ln(sum) - (sum of x e^x) / sum.
        let (mut lanes, mut weighted) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (mut rest, mut weighted_rest) = (0.0, 0.0);
        let mut chunks = logits.chunks_exact_mut(LANES);
        for chunk in &mut chunks {
            for l in 0..LANES {
                let x = chunk[l] - top;
                let e = exp::<S>(x);
                lanes[l] += e;
                weighted[l] = mul_add::<S>(x, e, weighted[l]);
                chunk[l] = x;
            }
        }
        for x in chunks.into_remainder() {
            *x -= top;
            rest += exp::<S>(*x);
            weighted_rest += *x * exp::<S>(*x);
        }
        let total = sum(&lanes) + rest;
        let log_total = total.ln();
        let entropy = log_total - (sum(&weighted) + weighted_rest) / total;
        let mut token = logits.len() - 1;
        if greedy {
            token = logits.iter().position(|&x| x == 0.0).unwrap_or(token);
        } else {
            // Rounding may leave the sum short of the total; the last token takes the remainder.
            let (goal, mut cumulative) = (uniform * total, 0.0);
            for (i, &x) in logits.iter().enumerate() {
                cumulative += exp::<S>(x);
                if cumulative > goal {
                    token = i;
                    break;
                }
            }
        }
        Drawn { token: token as u32, logprob: logits[token] - log_total, entropy }
    }
}
