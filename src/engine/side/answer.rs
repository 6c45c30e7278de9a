//! One answer, token by token, with budget forcing (<https://arxiv.org/abs/2501.19393>): a thought that would
//! end too early continues after a wait, and one that has used up its budget is followed by a forced answer.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    config::Config,
    model::{
        tokenizer::{StreamingDecoder, Tokenizer, TokenizerError},
        transformer::Transformer,
    },
    protocol::side::{Answer, PlayOptions, Source, WrittenToken},
    rollout::{
        budget::{ANSWER_TOKENS, CLOSE, Forcing},
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    system::workers::Workers,
    task::{Puzzle, Task},
};

/// Keeps the seeds of these answers apart from those of training, evaluation and pins.
const PLAYED: u64 = 0x706c_6179;
/// Streams of draws per answer: one for each time its thought is extended, and one more.
const ROUNDS: u64 = 1 << 16;
/// How long a paced answer sleeps before it checks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A wait in the vocabularies of the shipped models, and in free text.
const WAIT_WORDS: &str = "wait ,";
const WAIT_TEXT: &str = " Wait,";

/// The words with which a model of this tokenizer expresses second thoughts.
pub(crate) fn wait_words(tokenizer: &Tokenizer) -> &'static str {
    if tokenizer.unknown_words(WAIT_TEXT).is_empty() { WAIT_TEXT } else { WAIT_WORDS }
}

/// Observes an answer being written. Called from a worker's thread.
pub trait Watch: Sync {
    /// Called before each token; `false` cancels the answer.
    fn goes_on(&self) -> bool;
    /// A token was added.
    fn written(&self, token: &WrittenToken);
    /// The last tokens are no longer part of it.
    fn taken_back(&self, kept: usize);
}

/// The question and how to answer it.
pub struct Asked<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Tokens to continue.
    pub prompt: Vec<u32>,
    /// How.
    pub options: PlayOptions,
    /// Where an answer without a budget is cut off.
    pub most: usize,
    /// Which of several answers with one seed.
    pub row: u64,
    /// Whether it ends right after its answer, and not only at the end token.
    pub stop_at_answer: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its tokens, the end token included.
    pub tokens: Vec<WrittenToken>,
    /// Index of the first token after the thought; the number of tokens if it never ended.
    pub thought: usize,
    /// Whether the answer was forced.
    pub forced: bool,
    /// How many times the thought was extended.
    pub waits: usize,
    /// Whether it was cut off before its end.
    pub truncated: bool,
}

impl Written {
    /// The text, without the end token.
    pub fn text(&self) -> String {
        self.tokens.iter().filter(|token| token.source != Source::End).map(|token| &*token.text).collect()
    }

    /// Scored by the task.
    pub fn judged(&self, puzzle: &Puzzle, task: &dyn Task, config: &Config) -> Answer {
        let score = task.score(puzzle, &self.text(), &config.reward.rules());
        Answer {
            reward: score.reward,
            correct: score.correct,
            answer: score.answer,
            value: score.value,
            reason: score.reason,
            tokens: self.tokens.len(),
            thought: self.thought,
            forced: self.forced,
            waits: self.waits,
            truncated: self.truncated,
        }
    }
}

/// Checks that the model can read the prompt and write an answer under these options.
///
/// # Errors
/// A sentence that says what to lower.
pub(crate) fn check_room(asked: &Asked<'_>) -> Result<(), String> {
    let room = asked.model.config.max_position_embeddings;
    let answer = asked.options.budget.map_or(asked.most, |budget| budget + 2 * ANSWER_TOKENS);
    let waits = if asked.options.budget.is_some() { 0 } else { asked.options.keep_thinking * 4 };
    let needed = asked.prompt.len() + answer + waits;
    if needed > room {
        return Err(format!(
            "The prompt and the answer need {needed} tokens, but this model reads at most {room}; choose a smaller \
             budget."
        ));
    }
    Ok(())
}

/// Writes one answer. `None` if the watcher cancelled it.
///
/// # Errors
/// If the tokenizer cannot write a wait or the words that force an answer.
pub fn answer(
    asked: &Asked<'_>,
    workers: &Workers,
    watch: &dyn Watch,
) -> Result<Option<Written>, TokenizerError> {
    let Asked { tokenizer, options, .. } = asked;
    let forcing = Forcing::of(tokenizer)?;
    let wait = tokenizer.encode(wait_words(tokenizer))?;
    let limit = options.budget.unwrap_or(asked.most);
    let pen = Pen {
        watch,
        tokenizer,
        pace: options.pace.map(|pace| Duration::from_secs(1) / pace.max(1)),
        state: Mutex::new(Page { limit, budgeted: options.budget.is_some(), ..Page::default() }),
    };
    let (mut waits, mut forced, mut ended) = (0, false, false);
    for round in 0.. {
        // A thought that has used up its budget is not extended.
        pen.page().waits_left = if forced { 0 } else { options.keep_thinking - waits };
        pen.page().stop = None;
        let so_far: Vec<u32> = pen.page().tokens.iter().map(|token| token.id).collect();
        let prompt = [&asked.prompt[..], &so_far].concat();
        let seed = RowSeed { run: options.seed ^ PLAYED, row: asked.row * ROUNDS + round };
        let room = (limit + ANSWER_TOKENS + 2).saturating_sub(so_far.len()).max(1);
        let sampling = SamplingOptions::new(tokenizer, options.temperature, room, asked.stop_at_answer);
        // The pen keeps what is written: sampling that is stopped midway returns nothing.
        let request = Request { prompt: &prompt, seed };
        let written = sampler::sample(asked.model, &[request], sampling, workers, &pen);
        ended = written.is_some_and(|written| written.iter().all(|completion| !completion.truncated));
        let stop = pen.page().stop;
        match stop {
            Some(Stop::GivenUp) => return Ok(None),
            Some(Stop::Closed(at)) => {
                waits += 1;
                pen.page().shorten(at, tokenizer);
                watch.taken_back(at);
                pen.put(&wait);
            }
            Some(Stop::OutOfBudget) => {
                forced = true;
                let thought = pen.page().tokens.len();
                pen.page().closed = Some(thought);
                pen.put(forcing.words());
            }
            Some(Stop::Full) | None => break,
        }
    }
    let page = pen.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let thought = page.closed.unwrap_or(page.tokens.len());
    Ok(Some(Written { thought, tokens: page.tokens, forced, waits, truncated: !ended }))
}

/// Why sampling was stopped before its end token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Nobody wants it any more.
    GivenUp,
    /// The thought should continue; its end begins at this token.
    Closed(usize),
    /// The thought has used up its budget.
    OutOfBudget,
    /// It is cut off.
    Full,
}

#[derive(Default)]
struct Page {
    tokens: Vec<WrittenToken>,
    /// Where each token's text begins.
    starts: Vec<usize>,
    text: String,
    decoder: StreamingDecoder,
    /// Index of the first token of the thought's end.
    closed: Option<usize>,
    /// Limit on the tokens of the thought, or of the whole answer without a budget.
    limit: usize,
    budgeted: bool,
    waits_left: usize,
    stop: Option<Stop>,
    due: Option<Instant>,
}

impl Page {
    fn add(&mut self, tokenizer: &Tokenizer, id: u32, source: Source) -> WrittenToken {
        let text = if source == Source::End { String::new() } else { self.decoder.push(tokenizer, id) };
        self.starts.push(self.text.len());
        self.text.push_str(&text);
        let token = WrittenToken { id, text, source };
        self.tokens.push(token.clone());
        if self.closed.is_none() {
            // A tag may be several tokens; it begins in the newest few.
            let from = self.text.floor_char_boundary(self.text.len().saturating_sub(64 + token.text.len()));
            let found = self.text[from..].find(CLOSE);
            self.closed = found.map(|at| self.starts.partition_point(|&start| start <= from + at).max(1) - 1);
        }
        token
    }

    /// Takes back the tokens from this index on.
    fn shorten(&mut self, kept: usize, tokenizer: &Tokenizer) {
        let tokens = std::mem::take(&mut self.tokens);
        (self.starts, self.text, self.decoder) = (Vec::new(), String::new(), StreamingDecoder::new());
        self.closed = None;
        for token in tokens.into_iter().take(kept) {
            self.add(tokenizer, token.id, token.source);
        }
    }

    /// Whether the answer stops here, before another token.
    fn stop(&self) -> Option<Stop> {
        let written = self.tokens.len();
        match self.closed {
            Some(at) if self.waits_left > 0 => Some(Stop::Closed(at)),
            Some(at) if self.budgeted && written >= at + ANSWER_TOKENS + 2 => Some(Stop::Full),
            None if self.budgeted && written >= self.limit => Some(Stop::OutOfBudget),
            _ if !self.budgeted && written >= self.limit => Some(Stop::Full),
            _ => None,
        }
    }
}

/// Writes tokens down as they are drawn.
struct Pen<'a> {
    watch: &'a dyn Watch,
    tokenizer: &'a Tokenizer,
    /// Time of a token.
    pace: Option<Duration>,
    state: Mutex<Page>,
}

impl Pen<'_> {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Inserts tokens that the model did not sample.
    fn put(&self, tokens: &[u32]) {
        for &id in tokens {
            let token = self.page().add(self.tokenizer, id, Source::Put);
            self.watch.written(&token);
        }
    }

    /// Waits until the next token is due; `false` if it is no longer wanted.
    fn paced(&self) -> bool {
        let Some(pace) = self.pace else { return self.watch.goes_on() };
        let now = Instant::now();
        let due = self.page().due.map_or(now, |due| due + pace).max(now);
        while self.watch.goes_on() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.page().due = Some(due);
                return true;
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
        false
    }
}

impl Observer for Pen<'_> {
    fn keep_going(&self) -> bool {
        let stop = self.page().stop();
        let stop = stop.or_else(|| (!self.paced()).then_some(Stop::GivenUp));
        self.page().stop = stop;
        stop.is_none()
    }

    fn token(&self, _request: usize, id: u32) {
        let source = if self.tokenizer.end().contains(id) { Source::End } else { Source::Model };
        let token = self.page().add(self.tokenizer, id, source);
        self.watch.written(&token);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{model::config::ModelConfig, rollout::budget::tests::characters};

    struct Anyone;
    impl Watch for Anyone {
        fn goes_on(&self) -> bool {
            true
        }
        fn written(&self, _token: &WrittenToken) {}
        fn taken_back(&self, _kept: usize) {}
    }

    #[test]
    fn a_tag_of_many_tokens_is_found_and_taken_back() {
        let tokenizer = characters();
        let mut page = Page { limit: 50, budgeted: true, waits_left: 1, ..Page::default() };
        for token in tokenizer.encode("ab .</think>").unwrap() {
            assert_eq!(page.stop(), None);
            page.add(&tokenizer, token, Source::Model);
        }
        assert_eq!((page.closed, page.stop()), (Some(4), Some(Stop::Closed(4))));
        page.shorten(4, &tokenizer);
        assert_eq!((page.text.as_str(), page.closed, page.stop()), ("ab .", None, None));
    }

    #[test]
    fn a_model_that_never_stops_is_forced_to_answer() {
        let tokenizer = characters();
        let shape =
            br#"{"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 80, "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0, "max_position_embeddings": 128, "tie_word_embeddings": true}"#;
        let model = Transformer::random(&ModelConfig::parse(shape).unwrap(), &Device::flex());
        let options =
            PlayOptions { temperature: 1.0, budget: Some(6), keep_thinking: 1, seed: 0, pace: Some(1000) };
        let prompt = tokenizer.encode("use 4 1 make 5 : <think>").unwrap();
        let asked = Asked {
            model: &model,
            tokenizer: &tokenizer,
            prompt,
            options,
            most: 20,
            row: 0,
            stop_at_answer: false,
        };
        check_room(&asked).unwrap();
        let written = answer(&asked, &Workers::new(1).unwrap(), &Anyone).unwrap().unwrap();
        // An end token by chance would end it earlier.
        if written.tokens.iter().take(7).all(|token| token.source != Source::End) {
            assert!(written.forced && written.thought == 6 && written.waits == 0, "{written:?}");
            assert!(written.text()[6..].starts_with(" </think> <answer>"), "{}", written.text());
        }
        let long = Asked { options: PlayOptions { budget: Some(4000), ..options }, ..asked };
        assert!(check_room(&long).unwrap_err().contains("at most 128"));
    }
}
