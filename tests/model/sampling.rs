//! The sampler: repeatable, independent of its company, and true to the model's probabilities.

use aha_lab::{
    grpo::loss::{TrainingRow, completion_log_probs},
    model::tokenizer::EndTokens,
    rollout::{
        Completion,
        sampler::{Observer, Request, RowSeed, SamplingOptions, Unobserved, sample},
    },
};
use burn::tensor::Device;

use super::{tiny, values, workers};

const OPTIONS: SamplingOptions = SamplingOptions {
    temperature: 1.0,
    max_new_tokens: 24,
    end: EndTokens::only(7),
    answer_ends: None,
    text_ends: None,
};

fn requests(prompts: &[Vec<u32>]) -> Vec<Request<'_>> {
    prompts
        .iter()
        .enumerate()
        .map(|(row, prompt)| Request { prompt, seed: RowSeed { run: 5, row: row as u64 } })
        .collect()
}

fn prompts() -> Vec<Vec<u32>> {
    // Two lengths, so that rows go in two batches.
    (0..12u32).map(|i| if i % 3 == 0 { vec![1, i + 8, 3] } else { vec![i + 8, 2, 30, 4] }).collect()
}

fn tokens(completions: &[Completion]) -> Vec<Vec<u32>> {
    completions.iter().map(|c| c.tokens.clone()).collect()
}

#[test]
fn a_row_writes_the_same_whatever_is_beside_it() {
    let model = tiny();
    let prompts = prompts();
    let all = requests(&prompts);
    // A token that some rows come to write is made the end token, so that rows end at different times.
    let endless = SamplingOptions { end: EndTokens::NONE, ..OPTIONS };
    let end = sample(&model, &all, endless, &workers(1), &Unobserved).unwrap()[0].tokens[5];
    let options = SamplingOptions { end: EndTokens::only(end), ..OPTIONS };
    let together = sample(&model, &all, options, &workers(2), &Unobserved).unwrap();
    let alone: Vec<Completion> = all
        .iter()
        .flat_map(|r| sample(&model, std::slice::from_ref(r), options, &workers(1), &Unobserved).unwrap())
        .collect();
    assert_eq!(tokens(&together), tokens(&alone));
    assert!(together.iter().zip(&alone).all(|(a, b)| a.logprobs == b.logprobs), "to the last bit");
    assert!(together.iter().any(|c| c.tokens.len() < 24), "some rows end early and leave the batch");
    for c in &together {
        assert_eq!((c.logprobs.len(), c.entropies.len()), (c.tokens.len(), c.tokens.len()));
        assert_eq!(c.truncated, c.tokens.last() != Some(&end));
        assert!(!c.tokens[..c.tokens.len() - 1].contains(&end), "nothing follows the end token");
    }
}

#[test]
fn any_of_several_end_tokens_ends_a_row() {
    let model = tiny();
    let prompts = prompts();
    let all = requests(&prompts);
    let endless = SamplingOptions { end: EndTokens::NONE, ..OPTIONS };
    let free = sample(&model, &all, endless, &workers(2), &Unobserved).unwrap();
    let ends = [free[0].tokens[5], free[1].tokens[3], 39];
    let options = SamplingOptions { end: EndTokens::of(&ends).unwrap(), ..OPTIONS };
    let written = sample(&model, &all, options, &workers(2), &Unobserved).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (c, free) in written.iter().zip(&free) {
        let first = free.tokens.iter().position(|token| ends.contains(token));
        assert_eq!(c.tokens, free.tokens[..first.map_or(24, |at| at + 1)]);
        assert_eq!(c.truncated, first.is_none());
        seen.extend(first.map(|at| free.tokens[at]));
    }
    assert!(seen.len() >= 2, "rows end with different tokens: {seen:?}");
    assert_eq!(EndTokens::of(&[0; 17]), None);
}

#[test]
fn recorded_log_probabilities_are_those_of_a_forward_pass() {
    let model = tiny();
    let prompts = prompts();
    for temperature in [1.0, 0.7] {
        let options = SamplingOptions { temperature, ..OPTIONS };
        let written = sample(&model, &requests(&prompts), options, &workers(2), &Unobserved).unwrap();
        let rows: Vec<TrainingRow<'_>> = written
            .iter()
            .zip(&prompts)
            .map(|(c, prompt)| TrainingRow {
                prompt,
                tokens: &c.tokens,
                sampled_logprobs: &c.logprobs,
                ..TrainingRow::default()
            })
            .collect();
        let forward =
            completion_log_probs(&model, &rows.iter().collect::<Vec<_>>(), temperature, &Device::flex());
        let sampled: Vec<f64> = written.iter().flat_map(|c| &c.logprobs).map(|&x| f64::from(x)).collect();
        let worst = super::largest_difference(&values(forward), &sampled);
        assert!(worst < 5e-5, "{worst}");
    }
}

#[test]
fn tokens_come_as_often_as_the_model_says() {
    let model = tiny();
    let prompt = vec![vec![9, 10, 11]; 1];
    let requests: Vec<Request<'_>> =
        (0..4000).map(|row| Request { prompt: &prompt[0], seed: RowSeed { run: 1, row } }).collect();
    let options = SamplingOptions { max_new_tokens: 1, ..OPTIONS };
    let written = sample(&model, &requests, options, &workers(2), &Unobserved).unwrap();
    let mut counts = [0.0f64; 40];
    let mut said = [0.0f64; 40];
    for c in &written {
        counts[c.tokens[0] as usize] += 1.0;
        said[c.tokens[0] as usize] = f64::from(c.logprobs[0]).exp() * 4000.0;
    }
    for (token, (&count, &expected)) in counts.iter().zip(&said).enumerate() {
        // Five standard deviations of a Poisson count.
        assert!((count - expected).abs() <= 5.0 * expected.sqrt().max(1.0), "{token}: {count} of {expected}");
    }
}

#[test]
fn greedy_takes_the_likeliest_token() {
    let model = tiny();
    let prompts = prompts();
    let options = SamplingOptions { temperature: 0.0, ..OPTIONS };
    let once = sample(&model, &requests(&prompts), options, &workers(1), &Unobserved).unwrap();
    let other_seeds: Vec<Request<'_>> =
        prompts.iter().map(|prompt| Request { prompt, seed: RowSeed { run: 99, row: 0 } }).collect();
    let again = sample(&model, &other_seeds, options, &workers(2), &Unobserved).unwrap();
    assert_eq!(tokens(&once), tokens(&again));
}

#[test]
fn an_observer_can_end_it_and_sees_every_token() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    #[derive(Default)]
    struct Count {
        tokens: AtomicUsize,
        finished: AtomicUsize,
        positions_left: AtomicUsize,
    }
    impl Observer for Count {
        fn keep_going(&self) -> bool {
            self.positions_left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
        }
        fn token(&self, _request: usize, _token: u32) {
            self.tokens.fetch_add(1, Ordering::Relaxed);
        }
        fn finished(&self, _request: usize) {
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
    }
    let model = tiny();
    let prompts = prompts();
    let watch = Count { positions_left: AtomicUsize::new(1000), ..Count::default() };
    let written = sample(&model, &requests(&prompts), OPTIONS, &workers(2), &watch).unwrap();
    let total: usize = written.iter().map(|c| c.tokens.len()).sum();
    assert_eq!((watch.tokens.into_inner(), watch.finished.into_inner()), (total, prompts.len()));
    let stopped = Count { positions_left: AtomicUsize::new(5), ..Count::default() };
    assert!(sample(&model, &requests(&prompts), OPTIONS, &workers(1), &stopped).is_none());
}
