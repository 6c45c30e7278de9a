//! Batched sampling with a key/value cache.
//!
//! On the CPU, the `slots` module does this; the rest of this file serves all other devices.
//!
//! Rows are divided among the workers. Each worker prefills its prompts, then extends all of its rows by one
//! token at a time, with one read from the device per position. Rows that ended leave the batch. Every row
//! draws from its own generator, so what it writes does not depend on the rows beside it.

use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Completion, slots};
use crate::{
    model::{
        cache::KvCache,
        tokenizer::{EndTokens, Tokenizer},
        transformer::{Rotary, Transformer},
    },
    system::workers::Workers,
    task::answer,
};

/// One completion to write.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Tokens to continue; at least one.
    pub prompt: &'a [u32],
    /// Determines every draw of this completion.
    pub seed: RowSeed,
}

/// The seed of one completion: the run's seed and the completion's place in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSeed {
    /// Seed of the run.
    pub run: u64,
    /// A number unique among the completions of the run.
    pub row: u64,
}

impl RowSeed {
    /// The generator for this completion's draws.
    pub fn generator(self) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.run);
        rng.set_stream(self.row);
        rng
    }
}

/// How to sample.
#[derive(Debug, Clone, Copy)]
pub struct SamplingOptions<'a> {
    /// Divisor of the logits; 0 takes the most likely token.
    pub temperature: f64,
    /// A completion without an end token is cut off after this many tokens.
    pub max_new_tokens: usize,
    /// The tokens that end a completion.
    pub end: EndTokens,
    /// If set, a completion also ends right after its first answer, which is searched for in the text decoded
    /// by this tokenizer. Models that were not trained on the end token keep writing after their answer.
    pub answer_ends: Option<&'a Tokenizer>,
    /// If set, a completion also ends where a text does that ends completions of this tokenizer.
    pub text_ends: Option<&'a Tokenizer>,
}

impl<'a> SamplingOptions<'a> {
    /// Options for a model with this tokenizer.
    pub fn new(
        tokenizer: &'a Tokenizer,
        temperature: f64,
        max_new_tokens: usize,
        stop_at_answer: bool,
    ) -> Self {
        let answer_ends = stop_at_answer.then_some(tokenizer);
        let text_ends = Some(tokenizer).filter(|tokenizer| tokenizer.has_stops());
        Self { temperature, max_new_tokens, end: tokenizer.end(), answer_ends, text_ends }
    }

    /// Whether a completion with these tokens has ended by itself; asked after each token.
    pub(super) fn ends(&self, tokens: &[u32]) -> bool {
        tokens.last().is_some_and(|&token| self.end.contains(token))
            || self.answer_ends.is_some_and(|tokenizer| tokenizer.completes_tag(tokens, answer::CLOSE))
            || self.text_ends.is_some_and(|tokenizer| tokenizer.completes_stop(tokens))
    }
}

/// Watches sampling in progress. Called from the workers' threads.
pub trait Observer: Sync {
    /// Called before each position; may wait. `false` ends sampling.
    fn keep_going(&self) -> bool {
        true
    }
    /// A token was drawn for a request.
    fn token(&self, _request: usize, _token: u32) {}
    /// A request is complete.
    fn finished(&self, _request: usize) {}
}

/// Watches nothing.
#[derive(Debug)]
pub struct Unobserved;
impl Observer for Unobserved {}

/// When the share of rows still writing falls below this, ended rows are removed from the batch. Copying the
/// cache costs as much as a few positions.
const COMPACT_BELOW: f64 = 0.75;

/// Completions that [`sample_in_parts`] writes at a time.
const ROWS_AT_A_TIME: usize = 512;

/// Samples one completion per request, in order; `None` if the observer ended sampling.
pub fn sample(
    model: &Transformer,
    requests: &[Request<'_>],
    options: SamplingOptions<'_>,
    workers: &Workers,
    observer: &dyn Observer,
) -> Option<Vec<Completion>> {
    if let Some(written) = slots::sample(model, requests, options, workers, observer) {
        return written;
    }
    // The rows of a batch share their positions, so prompts of different lengths go into different batches.
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, request) in requests.iter().enumerate() {
        by_length.entry(request.prompt.len()).or_default().push(index);
    }
    let mut completions = vec![Completion::default(); requests.len()];
    for rows in by_length.values() {
        let share = rows.len().div_ceil(workers.count());
        let jobs: Vec<_> = rows
            .chunks(share)
            .map(|rows| {
                let model = model.clone();
                move || Batch::new(&model, requests, rows, options).run(observer)
            })
            .collect();
        for (rows, written) in rows.chunks(share).zip(workers.run(jobs)) {
            for (&row, completion) in rows.iter().zip(written?) {
                completions[row] = completion;
            }
        }
    }
    Some(completions)
}

/// Like [`sample`], in parts, which bounds the memory that a long list needs.
pub(crate) fn sample_in_parts(
    model: &Transformer,
    requests: &[Request<'_>],
    options: SamplingOptions<'_>,
    workers: &Workers,
    observer: &dyn Observer,
) -> Option<Vec<Completion>> {
    let mut written = Vec::with_capacity(requests.len());
    for part in requests.chunks(ROWS_AT_A_TIME) {
        written.extend(sample(model, part, options, workers, observer)?);
    }
    Some(written)
}

/// The rows of one worker.
struct Batch<'a> {
    model: &'a Transformer,
    options: SamplingOptions<'a>,
    device: Device,
    cache: KvCache,
    rotary: Rotary,
    /// Output of the last norm at the newest position of each active row, `[active, d]`.
    hidden: Tensor<2>,
    /// Index in `rows` of each active row.
    active: Vec<usize>,
    /// Request index of each row.
    rows: &'a [usize],
    generators: Vec<ChaCha8Rng>,
    written: Vec<Completion>,
}

impl<'a> Batch<'a> {
    fn new(
        model: &'a Transformer,
        requests: &[Request<'_>],
        rows: &'a [usize],
        options: SamplingOptions<'a>,
    ) -> Self {
        let device = model.device();
        let prompts: Vec<&[u32]> = rows.iter().map(|&row| requests[row].prompt).collect();
        let length = prompts.first().map_or(0, |p| p.len());
        let capacity = length + options.max_new_tokens;
        let mut cache = KvCache::new(&model.config, rows.len(), capacity, &device);
        let tokens: Vec<i32> = prompts.iter().flat_map(|p| p.iter().map(|&t| t as i32)).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [rows.len(), length]), &device);
        let hidden = model.prefill(tokens, &mut cache);
        let d = model.config.hidden_size;
        let newest =
            hidden.reshape([rows.len(), length, d]).narrow(1, length - 1, 1).reshape([rows.len(), d]);
        Self {
            model,
            options,
            cache,
            rotary: Rotary::new(&model.config, 0, capacity, &device),
            hidden: newest,
            active: (0..rows.len()).collect(),
            rows,
            generators: rows.iter().map(|&row| requests[row].seed.generator()).collect(),
            written: vec![Completion::default(); rows.len()],
            device,
        }
    }

    fn run(mut self, observer: &dyn Observer) -> Option<Vec<Completion>> {
        // Rows that ended stay in the batch, ignored, until enough have ended to justify removing them.
        let mut ended = vec![false; self.rows.len()];
        for position in 0..self.options.max_new_tokens {
            if !observer.keep_going() {
                return None;
            }
            let drawn = self.draw();
            for (&row, [token, logprob, entropy]) in self.active.iter().zip(&drawn) {
                if ended[row] {
                    continue;
                }
                let (token, completion) = (*token as u32, &mut self.written[row]);
                completion.tokens.push(token);
                completion.logprobs.push(*logprob);
                completion.entropies.push(*entropy);
                observer.token(self.rows[row], token);
                let last = position + 1 == self.options.max_new_tokens;
                let done = self.options.ends(&completion.tokens);
                completion.truncated = last && !done;
                if done || last {
                    ended[row] = true;
                    observer.finished(self.rows[row]);
                }
            }
            let writing = self.active.iter().filter(|&&row| !ended[row]).count();
            if writing == 0 {
                break;
            }
            let mut tokens: Vec<i32> = drawn.iter().map(|[token, ..]| *token as i32).collect();
            if (writing as f64) < COMPACT_BELOW * self.active.len() as f64 {
                let kept: Vec<usize> = (0..self.active.len()).filter(|&i| !ended[self.active[i]]).collect();
                tokens = kept.iter().map(|&i| tokens[i]).collect();
                self.active = kept.iter().map(|&i| self.active[i]).collect();
                let kept: Vec<i32> = kept.into_iter().map(|i| i as i32).collect();
                self.cache.keep_rows(Tensor::from_data(TensorData::new(kept, [writing]), &self.device));
            }
            let count = tokens.len();
            let tokens = Tensor::<1, Int>::from_data(TensorData::new(tokens, [count]), &self.device);
            self.hidden = self.model.decode(tokens, &self.rotary, &mut self.cache);
        }
        Some(self.written)
    }

    /// Draws one token per active row, with its log-probability and the entropy of its distribution. The
    /// token is the first whose cumulative probability exceeds the row's uniform draw. Everything happens on
    /// the device; a single read returns `[active, 3]` numbers.
    fn draw(&mut self) -> Vec<[f32; 3]> {
        let logits = self.model.logits(self.hidden.clone());
        let [rows, vocab] = logits.dims();
        let greedy = self.options.temperature <= 0.0;
        let logits = if greedy { logits } else { logits / self.options.temperature };
        let logprobs = activation::log_softmax(logits, 1);
        let probabilities = logprobs.clone().exp();
        let entropy = (probabilities.clone() * logprobs.clone()).sum_dim(1).neg();
        let token = if greedy {
            logprobs.clone().argmax(1)
        } else {
            let draws: Vec<f32> = self.active.iter().map(|&row| self.generators[row].random()).collect();
            let draws = Tensor::<2>::from_data(TensorData::new(draws, [rows, 1]), &self.device);
            let cumulative = probabilities.cumsum(1);
            // Rounding may leave the last sum short of 1; no draw may exceed it.
            let total = cumulative.clone().narrow(1, vocab - 1, 1);
            let draws = draws * total * (1.0 - 1e-6);
            cumulative.lower_equal(draws.expand([rows, vocab])).int().sum_dim(1)
        };
        let logprob = logprobs.gather(1, token.clone());
        let packed = Tensor::cat(vec![token.float(), logprob, entropy], 1);
        let values = packed.into_data().try_to_vec::<f32>().unwrap_or_default();
        values.chunks_exact(3).map(|v| [v[0], v[1], v[2]]).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{model::config::ModelConfig, rollout::budget::tests::of_pieces};

    /// Records the tokens reported for each request.
    #[derive(Default)]
    struct Heard(Mutex<BTreeMap<usize, Vec<u32>>>);
    impl Observer for Heard {
        fn token(&self, request: usize, token: u32) {
            self.0.lock().unwrap().entry(request).or_default().push(token);
        }
    }

    fn model() -> Transformer {
        let shape =
            br#"{"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 8, "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0, "max_position_embeddings": 256, "tie_word_embeddings": true}"#;
        Transformer::random(&ModelConfig::parse(shape).unwrap(), &Device::flex())
    }

    /// Checks that a completion that stops at its answer equals the unstopped one up to there.
    fn check(tokenizer: &Tokenizer, most: usize, free: &[Completion], stopped: &[Completion]) {
        let mut ended = 0;
        for (free, stopped) in free.iter().zip(stopped) {
            let answered = |length: &usize| tokenizer.decode(&free.tokens[..*length]).contains(answer::CLOSE);
            let first = (1..=free.tokens.len()).find(answered);
            ended += usize::from(first.is_some_and(|first| first < free.tokens.len()));
            let length = first.unwrap_or(free.tokens.len());
            assert_eq!(stopped.tokens, free.tokens[..length]);
            assert_eq!(stopped.logprobs.len(), length);
            // Not to the last bit: rounding in Burn's products depends on how many rows are still being
            // written.
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(stopped.logprobs.iter().zip(&free.logprobs).all(close));
            let at_its_end =
                first.is_some() || stopped.tokens.last().is_some_and(|&last| tokenizer.end().contains(last));
            assert_eq!(stopped.truncated, !at_its_end && length == most, "{length} tokens");
        }
        assert!(ended > 2, "only {ended} completions have an answer");
    }

    #[test]
    fn a_completion_ends_behind_its_answer_whatever_tokens_the_tag_is_made_of() {
        let (model, workers) = (model(), Workers::new(2).unwrap());
        let prompts: Vec<Vec<u32>> = (0..48).map(|row| vec![1, row % 7 + 1]).collect();
        let seed = |row: usize| RowSeed { run: 3, row: row as u64 };
        let requests: Vec<Request<'_>> =
            prompts.iter().enumerate().map(|(row, prompt)| Request { prompt, seed: seed(row) }).collect();
        for pieces in [
            // A tag of several tokens, the last of which may extend beyond it; a tag of one token; a
            // two-token character before a tag.
            ["</", "answer", ">", ">.\n", "x", " <", "é"],
            ["</answer>", "a", "b", "c", "d", "e", ">"],
            ["x</ans", "wer>", "</answer", ">", "y", "z", "wer> so"],
        ] {
            let tokenizer = of_pieces(pieces.map(String::from));
            let most = 60;
            let options = |stop| SamplingOptions::new(&tokenizer, 8.0, most, stop);
            let heard = Heard::default();
            let free = sample(&model, &requests, options(false), &workers, &Unobserved).unwrap();
            let stopped = sample(&model, &requests, options(true), &workers, &heard).unwrap();
            check(&tokenizer, most, &free, &stopped);
            for (row, tokens) in heard.0.into_inner().unwrap() {
                assert_eq!(tokens, stopped[row].tokens, "what is streamed is what was written");
            }
            // The same on devices other than the CPU.
            let rows: Vec<usize> = (0..requests.len()).collect();
            let batch = |stop| Batch::new(&model, &requests, &rows, options(stop)).run(&Unobserved).unwrap();
            check(&tokenizer, most, &batch(false), &batch(true));
        }
    }
}
