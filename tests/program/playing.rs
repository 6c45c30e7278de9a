//! The side engine through its two channels: answers beside training, budgets, waits, and changed answers.

use std::{path::Path, thread::JoinHandle, time::Duration};

use aha_lab::{
    engine::side,
    protocol::{
        Command, RunSource, StepBy,
        side::{
            Answer, Answering, Edit, JobEnd, ModelName, Models, PlayOptions, PlayRequest, ResampleRequest,
            Resampled, SideCommand, SideEvent, SideHandle, SideJob, Source, WrittenToken,
        },
    },
    rollout::budget::ANSWER_TOKENS,
    runs::RunDirectory,
    task::{NumberPuzzle, Puzzle},
};
use tempfile::TempDir;

use super::{
    engine::{Driven, options},
    tiny,
};

const PATIENCE: Duration = Duration::from_secs(120);

pub const OPTIONS: PlayOptions =
    PlayOptions { temperature: 1.0, budget: None, keep_thinking: 0, seed: 3, pace: None };

/// One answer, as it was told.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Told {
    pub tokens: Vec<WrittenToken>,
    pub answer: Option<Answer>,
}

impl Told {
    fn text(&self) -> String {
        self.tokens.iter().map(|token| token.text.as_str()).collect()
    }

    fn ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    fn answer(&self) -> &Answer {
        self.answer.as_ref().unwrap()
    }
}

/// Someone who plays.
#[derive(Clone)]
pub struct Player {
    side: SideHandle,
    next: u64,
}

impl Player {
    pub fn of(handle: &RunSource) -> Self {
        Self { side: handle.side.clone().unwrap(), next: 0 }
    }

    fn with(run: &Path) -> Self {
        let source = side::Source::Recorded(RunDirectory::open(run).unwrap());
        Self { side: side::spawn(source).unwrap(), next: 0 }
    }

    fn ask(&mut self, job: SideJob) -> u64 {
        self.next += 1;
        self.side.commands.send(SideCommand::Job { id: self.next, job }).unwrap();
        self.next
    }

    fn hear(&self) -> SideEvent {
        self.side.events.recv_timeout(PATIENCE).expect("an event that is waited for")
    }

    fn models(&self) -> Models {
        self.side.commands.send(SideCommand::Models).unwrap();
        loop {
            if let SideEvent::Models(models) = self.hear() {
                return models.unwrap();
            }
        }
    }

    /// Everything up to the end of a job, put together.
    fn until_ended(&self, id: u64) -> ([Told; 2], Option<[Answering; 2]>, Option<Resampled>, JobEnd) {
        let (mut told, mut who, mut result) = ([Told::default(), Told::default()], None, None);
        loop {
            match self.hear() {
                SideEvent::Answering { job, sides } if job == id => who = Some(sides),
                SideEvent::Written { job, side, token } if job == id => told[side].tokens.push(token),
                SideEvent::TakenBack { job, side, kept } if job == id => told[side].tokens.truncate(kept),
                SideEvent::Answered { job, side, answer } if job == id => told[side].answer = Some(*answer),
                SideEvent::Resampled { job, result: found } if job == id => result = Some(*found),
                SideEvent::Ended { job, how } if job == id => return (told, who, result, how),
                _ => {}
            }
        }
    }

    pub fn play(&mut self, models: [ModelName; 2], options: PlayOptions) -> [Told; 2] {
        self.play_puzzle(puzzle(), models, options)
    }

    fn play_puzzle(&mut self, puzzle: Puzzle, models: [ModelName; 2], options: PlayOptions) -> [Told; 2] {
        let id = self.ask(SideJob::Play(Box::new(PlayRequest { puzzle, models, options })));
        let (told, _, _, how) = self.until_ended(id);
        assert_eq!(how, JobEnd::Done);
        told
    }

    fn resample(&mut self, before: &[u32], edit: Edit, samples: usize) -> Result<Resampled, String> {
        let of = self.next;
        let request = ResampleRequest { of, side: 0, before: before.to_vec(), edit, samples };
        let id = self.ask(SideJob::Resample(Box::new(request)));
        let ended = self.until_ended(id);
        // The next change is one of the same answer.
        self.next = of;
        match ended {
            (_, _, Some(result), JobEnd::Done) => Ok(result),
            (_, _, _, JobEnd::Failed(reason)) => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    /// Plays in a thread of its own until the run is over; how often.
    pub fn keep_playing(mut self) -> JoinHandle<usize> {
        std::thread::spawn(move || {
            let mut played = 0;
            loop {
                self.next += 1;
                let request = PlayRequest { puzzle: puzzle(), models: [ModelName::Now; 2], options: OPTIONS };
                let job = SideJob::Play(Box::new(request));
                self.side.commands.send(SideCommand::Job { id: self.next, job }).unwrap();
                let (told, who, ..) = self.until_ended(self.next);
                played += usize::from(told[0].answer.is_some());
                if who.is_some_and(|who| who[0].step == Some(3)) {
                    return played;
                }
            }
        })
    }
}

fn puzzle() -> Puzzle {
    Puzzle::from(NumberPuzzle { numbers: vec![3, 4, 5], target: 12 })
}

fn put(told: &Told) -> String {
    told.tokens.iter().filter(|token| token.source == Source::Put).map(|token| token.text.as_str()).collect()
}

#[test]
fn the_weights_being_trained_answer_as_their_checkpoint_does() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start_paused(options(root.path(), tiny(), 3));
    let mut player = Player::of(&driven.handle);
    let models = player.models();
    assert_eq!(models.names, [ModelName::Embedded, ModelName::Checkpoint(0), ModelName::Now]);
    assert_eq!((models.base, models.now), (ModelName::Embedded, Some(0)));
    let [base, now] = player.play([ModelName::Embedded, ModelName::Now], OPTIONS);
    assert_eq!(base, now, "nothing was trained yet");
    assert!(!base.tokens.is_empty() && base.answer().tokens == base.tokens.len());
    let other_seed = player.play([ModelName::Embedded; 2], PlayOptions { seed: 4, ..OPTIONS });
    assert_ne!(base, other_seed[0]);

    // A learning rate that changes every answer.
    driven.ask(super::engine::set("learning_rate", "0.01"));
    driven.step(StepBy::Steps(2));
    driven.ask(Command::Checkpoint);
    driven.until(|event| matches!(event, aha_lab::protocol::Event::CheckpointSaved { step: 2, .. }));
    let [saved, now] = player.play([ModelName::Checkpoint(2), ModelName::Now], OPTIONS);
    assert_eq!(saved, now, "the same weights");
    assert_ne!(now, base, "trained for two steps");
    let (_, run) = driven.stop();

    // The same from the finished run's directory; there is no `now` in it.
    let mut reader = Player::with(run.path());
    let models = reader.models();
    assert_eq!(models.now, None);
    assert_eq!(models.names.last(), Some(&ModelName::Checkpoint(2)));
    let [read, first] = reader.play([ModelName::Checkpoint(2), ModelName::Checkpoint(0)], OPTIONS);
    assert_eq!((read, first), (saved, base));
    let request = PlayRequest { puzzle: puzzle(), models: [ModelName::Now; 2], options: OPTIONS };
    let id = reader.ask(SideJob::Play(Box::new(request)));
    match reader.until_ended(id).3 {
        JobEnd::Failed(reason) => assert!(reason.contains("choose a checkpoint"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

fn shipped() -> Player {
    Player::with(&Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/first-aha"))
}

#[test]
fn at_the_budget_the_answer_is_forced_and_a_thought_can_be_made_to_go_on() {
    let mut player = shipped();
    assert_eq!(
        player.models().names,
        [ModelName::Embedded, ModelName::Checkpoint(30)],
        "its newest checkpoint ships"
    );
    let both = [ModelName::Embedded; 2];
    let [free, _] = player.play(both, OPTIONS);
    assert!(!free.answer().forced && put(&free).is_empty() && free.answer().thought > 6, "{free:?}");

    // A budget that is not used up changes nothing.
    let [roomy, _] = player.play(both, PlayOptions { budget: Some(150), ..OPTIONS });
    assert_eq!(roomy, free);

    for budget in [0, 5] {
        let [forced, same] = player.play(both, PlayOptions { budget: Some(budget), ..OPTIONS });
        assert_eq!(forced, same, "one model, one seed");
        assert_eq!(
            forced.tokens[..budget],
            free.tokens[..budget],
            "the thought is the same as far as it goes"
        );
        assert_eq!(put(&forced), " </think> <answer>");
        let answer = forced.answer();
        // A model that is stopped in the middle of a step may use up the answer's tokens and not end.
        assert!(answer.forced && answer.thought == budget, "{answer:?}");
        assert!(answer.tokens <= budget + 2 + ANSWER_TOKENS, "{answer:?}");
        assert!(answer.answer.is_some(), "{}", forced.text());
    }

    let [waited, _] = player.play(both, PlayOptions { budget: Some(100), keep_thinking: 2, ..OPTIONS });
    assert_eq!(waited.answer().waits, 2);
    let thought = free.answer().thought;
    assert_eq!(waited.tokens[..thought], free.tokens[..thought], "up to where it wanted to end");
    assert!(put(&waited).starts_with(" wait , wait ,"), "{}", waited.text());
    assert_eq!(waited.text().matches("</think>").count(), 1, "{}", waited.text());
    assert!(waited.answer().thought > thought);
}

#[test]
fn words_that_a_model_does_not_have_are_named() {
    let mut player = shipped();
    let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![100, 3], target: 300 });
    let request = PlayRequest { puzzle, models: [ModelName::Embedded; 2], options: OPTIONS };
    let id = player.ask(SideJob::Play(Box::new(request)));
    let (_, who, _, how) = player.until_ended(id);
    assert_eq!((who.unwrap()[1].unknown.clone(), how), (vec!["100".into(), "300".into()], JobEnd::Done));
}

#[test]
fn a_newer_request_replaces_one_that_is_being_written() {
    let mut player = shipped();
    let slow = PlayOptions { pace: Some(1), ..OPTIONS };
    let models = [ModelName::Embedded; 2];
    let first = player.ask(SideJob::Play(Box::new(PlayRequest { puzzle: puzzle(), models, options: slow })));
    while !matches!(player.hear(), SideEvent::Written { .. }) {}
    let second = player.ask(SideJob::Play(Box::new(PlayRequest { puzzle: puzzle(), models, options: slow })));
    let (given_up, .., how) = player.until_ended(first);
    assert_eq!(how, JobEnd::Cancelled);
    // At one token a second it would have had many more to write.
    assert!(given_up.iter().all(|told| told.tokens.len() < 5 && told.answer.is_none()), "{given_up:?}");
    player.side.commands.send(SideCommand::Cancel { id: second }).unwrap();
    assert_eq!(player.until_ended(second).3, JobEnd::Cancelled);
    player.play(models, OPTIONS);
}

#[test]
fn an_answer_is_changed_at_one_token() {
    let mut player = shipped();
    let both = [ModelName::Embedded; 2];
    let [told, _] = player.play(both, PlayOptions { budget: Some(100), ..OPTIONS });
    let ids = told.ids();

    let close = told.answer().thought;
    let wait = player.resample(&ids[..close], Edit::Insert("wait ,".into()), 32).unwrap();
    assert_eq!((wait.original.samples, wait.edited.samples, wait.again), (32, 32, None));
    assert_eq!(player.resample(&ids[..close], Edit::Wait, 32).unwrap(), wait, "one seed, the same words");
    assert!(wait.edited.mean_length > wait.original.mean_length + 1.0, "{wait:?}");

    // Behind the whole thought nothing is left to chance but the answer: the two arms are what they are.
    let gone = player.resample(&ids[..3], Edit::Delete(ids[3]), 64).unwrap();
    let again = gone.again.unwrap();
    assert!(again < 64 && gone.original.right <= 64, "{gone:?}");
    let nothing_new = player.resample(&ids[..4], Edit::Insert(told.tokens[4].text.clone()), 8).unwrap();
    assert!(nothing_new.original.mean_length > 4.0);

    let end = ids.len() - 1;
    let refused = player.resample(&ids[..end], Edit::Delete(ids[end]), 8).unwrap_err();
    assert!(refused.contains("ends the answer"), "{refused}");
    let refused = player.resample(&ids[..4], Edit::Insert("perhaps".into()), 8).unwrap_err();
    assert!(refused.contains("no word for `perhaps`"), "{refused}");
    player.next += 100;
    let refused = player.resample(&ids[..4], Edit::Insert("wait".into()), 8).unwrap_err();
    assert!(refused.contains("answer again first"), "{refused}");
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = super::succeeds(&mut super::lab(arguments));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn without_a_screen_the_same_is_asked_by_play() {
    let asked = ["play", "--numbers", "3,4,5", "--target", "12", "--seed", "3", "--backend", "cpu"];
    let whole = json(&[&asked[..], &["--samples", "3", "--json"]].concat());
    assert_eq!((&whole["solvable"], &whole["nearest"]), (&true.into(), &serde_json::Value::Null));
    let answers = whole["models"][0]["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 3);
    assert_ne!(answers[0]["completion"], answers[1]["completion"]);
    // The first is the one that the side engine gives.
    let [told, _] = shipped().play([ModelName::Embedded; 2], OPTIONS);
    assert_eq!(answers[0]["completion"], told.text().as_str());
    assert_eq!(answers[0]["reward"], told.answer().reward);

    let changed = ["--prefix", "3 + 4 = 7 , 7 + 5 = 12 .", "--insert", "check : 12 , yes .", "--json"];
    let change = &json(&[&asked[..], &changed].concat())["models"][0]["change"];
    assert_eq!((&change["original"]["samples"], &change["edited"]["samples"]), (&32.into(), &32.into()));
    assert!(change["difference"]["low"].as_f64() < change["difference"]["high"].as_f64());

    let words =
        super::text(&super::succeeds(&mut super::lab(&[&asked[..], &["--budget", "4"]].concat())).stdout);
    for expected in ["3 4 5 -> 12: a solution exists", "4 of thought, answer forced."] {
        assert!(words.contains(expected), "{words}");
    }
    let near = super::lab(&["play", "--numbers", "3,7,25", "--target", "78"]).output().unwrap();
    assert!(super::text(&near.stdout).contains("the nearest reachable value is 82 = 7 + 3 * 25"));
}

#[test]
fn what_play_cannot_do_is_said_in_a_sentence() {
    let refused = |more: &[&str], expected: &str| {
        let asked = ["play", "--target", "12"];
        let said = super::refusal(&mut super::lab(&[&asked[..], more].concat()));
        assert!(said.contains(expected), "{said}");
    };
    refused(&["--numbers", "4"], "2 to 6 whole numbers");
    refused(&["--numbers", "1,2,3,4,5,6,7"], "2 to 6 whole numbers");
    refused(&["--numbers", "4,8", "--temperature", "9"], "from 0 to 5");
    refused(&["--numbers", "4,8", "--samples", "0"], "--samples must be from 1");
    refused(&["--numbers", "4,8", "--budget", "2000"], "choose a smaller budget");
    refused(&["--numbers", "4,8", "--prefix", "perhaps", "--insert", "wait"], "no word for `perhaps`");
    refused(&["--numbers", "4,8", "--prefix", "first ,", "--insert", "perhaps"], "no word for `perhaps`");
    refused(&["--numbers", "4,8", "--checkpoint", "no-such-run"], "no-such-run");
}
