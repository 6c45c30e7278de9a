//! The engine through its two channels: what a seed decides, and what a person at the controls can and
//! cannot change.

use std::{path::Path, thread::JoinHandle, time::Duration};

use aha_lab::{
    config::{Config, StopAt},
    engine::{
        self,
        setup::{Base, EngineOptions, Prepared, Start, prepare},
    },
    metrics::registry,
    protocol::{Command, Event, Phase, RunSource, StepBy, Temporality, side::ModelName},
    record::{EventRecord, NumberPuzzle, Rollout},
    runs::{Reader, RunDirectory},
    task::{RewardRules, countdown::reward},
};
use crossbeam_channel::RecvTimeoutError;
use tempfile::TempDir;

use super::{
    assert_same, metrics, only_run, outcome,
    playing::{OPTIONS, Player},
    tiny,
};

/// How long one event may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn options(runs: &Path, config: Config, last_step: u64) -> EngineOptions {
    EngineOptions {
        config,
        start: Start::New(Base::Embedded),
        runs_root: runs.to_owned(),
        name: None,
        last_step: Some(last_step),
        paused: false,
    }
}

/// An engine with someone at its controls.
pub struct Driven {
    pub handle: RunSource,
    thread: JoinHandle<()>,
    /// Everything told so far.
    pub told: Vec<Event>,
}

impl Driven {
    pub fn start(options: EngineOptions) -> Self {
        Self::start_with(options, |_| {})
    }

    /// With something put in the place of what the options make.
    pub fn start_with(options: EngineOptions, change: impl FnOnce(&mut Prepared) + Send + 'static) -> Self {
        let prepare = |options: &EngineOptions| {
            let mut prepared = prepare(options)?;
            change(&mut prepared);
            Ok(prepared)
        };
        let (handle, thread) = engine::spawn_with(options, prepare).unwrap();
        Self { handle, thread, told: Vec::new() }
    }

    /// Begins paused, before the first token.
    pub fn start_paused(options: EngineOptions) -> Self {
        let mut driven = Self::start(EngineOptions { paused: true, ..options });
        driven.until_paused();
        driven
    }

    pub fn ask(&self, command: Command) {
        assert!(self.handle.command(command));
    }

    /// The events up to and including the first that fits.
    pub fn until(&mut self, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
        let from = self.told.len();
        loop {
            let event = self.handle.events.recv_timeout(PATIENCE).expect("an event that is waited for");
            assert!(!matches!(event, Event::Failed(_)), "{event:?}");
            self.told.push(event.clone());
            if fits(&event) {
                return self.told[from..].to_vec();
            }
        }
    }

    pub fn until_paused(&mut self) -> Vec<Event> {
        self.until(|event| *event == Event::Temporality(Temporality::Paused))
    }

    /// Goes on for so much and waits for the pause.
    pub fn step(&mut self, by: StepBy) -> Vec<Event> {
        self.ask(Command::Step(by));
        self.until_paused()
    }

    /// Everything that is told until the end.
    pub fn rest(mut self) -> Vec<Event> {
        let told = self.until(|event| matches!(event, Event::Finished { .. }));
        self.thread.join().unwrap();
        told
    }

    /// Waits for the end; the last step and the run.
    pub fn end(self) -> (u64, RunDirectory) {
        match self.rest().last() {
            Some(Event::Finished { steps, run }) => (*steps, RunDirectory::open(run).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    /// The next event, a failure too.
    pub fn next(&mut self) -> Event {
        self.handle.events.recv_timeout(PATIENCE).expect("an event that is waited for")
    }

    /// Waits for a failure; its reason.
    pub fn failure(self) -> String {
        let failed = |event| if let Event::Failed(reason) = event { Some(reason) } else { None };
        let reason = self.handle.events.iter().find_map(failed).expect("a failure");
        self.thread.join().unwrap();
        reason
    }

    pub fn stop(self) -> (u64, RunDirectory) {
        self.ask(Command::Stop);
        self.end()
    }
}

/// A run that nobody touches.
pub fn alone(options: EngineOptions) -> RunDirectory {
    Driven::start(options).end().1
}

pub fn events(run: &RunDirectory) -> Vec<EventRecord> {
    Reader::new(run).events().unwrap().records
}

pub fn set(key: &str, value: &str) -> Command {
    Command::Set { key: key.into(), value: value.into() }
}

#[test]
fn one_seed_gives_one_run_and_another_seed_another() {
    let root = TempDir::new().unwrap();
    let run = |seed| alone(options(root.path(), tiny().with([format!("seed={seed}")]).unwrap(), 3));
    let [first, again, other] = [5, 5, 6].map(|seed| outcome(&run(seed), 3));
    assert_same(&first, &again, "one seed");
    assert!(first.rollouts != other.rollouts && first.weights != other.weights);
}

#[test]
fn pausing_stepping_playing_and_saving_change_nothing_in_the_run() {
    let root = TempDir::new().unwrap();
    let left_alone = outcome(&alone(options(root.path(), tiny(), 3)), 3);

    let mut driven = Driven::start_paused(options(root.path(), tiny(), 3));
    for phases in [1, 2, 1] {
        driven.step(StepBy::Phases(phases));
    }
    let mut player = Player::of(&driven.handle);
    player.play([ModelName::Now; 2], OPTIONS);
    driven.step(StepBy::Steps(1));
    // Somebody plays all the time while the next steps are made.
    let playing = player.keep_playing();
    driven.ask(Command::Checkpoint);
    driven.until(|event| matches!(event, Event::CheckpointSaved { step: 1, .. }));
    driven.ask(Command::Resume);
    driven.until(|event| matches!(event, Event::Token { step: 2, .. }));
    driven.ask(Command::Pause);
    driven.until_paused();
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    assert!(playing.join().unwrap() > 0, "nobody played");
    assert_same(&left_alone, &outcome(&run, 3), "driven or left alone");
    let did: Vec<String> = events(&run).into_iter().map(|event| event.event.name().to_owned()).collect();
    for deed in ["started", "stepped", "checkpoint", "resumed", "paused", "finished"] {
        assert!(did.iter().any(|event| event == deed), "{deed} is not among {did:?}");
    }
}

#[test]
fn a_pause_takes_hold_within_one_token() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["group_size=16", "max_new_tokens=200"]).unwrap();
    let rows = config.sampling.prompts_per_step * config.sampling.group_size;
    let mut driven = Driven::start(options(root.path(), config, 2));
    driven.until(|event| matches!(event, Event::Token { .. }));
    for _ in 0..3 {
        driven.ask(Command::Pause);
        driven.until(|event| *event == Event::Temporality(Temporality::Pausing));
        let finishing = driven.until_paused();
        let tokens = finishing.iter().filter(|event| matches!(event, Event::Token { .. })).count();
        assert!(tokens <= rows, "{tokens} tokens of {rows} rows after the pause began");
        let after = driven.handle.events.recv_timeout(Duration::from_millis(400));
        assert_eq!(after, Err(RecvTimeoutError::Timeout), "something went on while paused");
        driven.ask(Command::Resume);
        driven.until(|event| *event == Event::Temporality(Temporality::Live));
    }
    driven.stop();
}

#[test]
fn stepping_by_phase_visits_the_five_phases_in_their_order() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start_paused(options(root.path(), tiny(), 9));
    for step in 1..=2 {
        for expected in Phase::ALL {
            let told = driven.step(StepBy::Phases(1));
            let mut phases: Vec<(u64, Phase)> = told
                .iter()
                .filter_map(|event| match event {
                    Event::PhaseChanged { step, phase, .. } => Some((*step, *phase)),
                    _ => None,
                })
                .collect();
            phases.dedup();
            assert_eq!(phases, [(step, expected)]);
            let done = told.iter().any(|event| matches!(event, Event::StepDone(m) if m.step == step));
            assert_eq!(done, expected == Phase::Evaluate, "step {step}, {expected:?}");
        }
    }
    // From the middle of a step, a step goes to that step's end.
    driven.step(StepBy::Phases(2));
    let told = driven.step(StepBy::Steps(1));
    let done: Vec<u64> =
        told.iter().filter_map(|e| if let Event::StepDone(m) = e { Some(m.step) } else { None }).collect();
    assert_eq!(done, [3]);
    driven.stop();
}

#[test]
fn the_control_pays_by_a_coin_and_still_measures_the_truth() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["control=random-reward", "group_size=16", "max_new_tokens=80"]).unwrap();
    let run = alone(options(root.path(), config, 2));
    let rollouts = Reader::new(&run).rollouts().unwrap().records;
    assert_eq!(rollouts.len(), 64);
    let paid = rollouts.iter().filter(|rollout| rollout.reward == 1.0).count();
    assert!(rollouts.iter().all(|rollout| rollout.reward == 1.0 || rollout.reward == 0.0));
    // Five standard deviations of 64 fair coins.
    assert!((12..=52).contains(&paid), "{paid} of 64");
    for rollout in &rollouts {
        let score = reward::score(
            &NumberPuzzle::of(&rollout.problem.puzzle).unwrap(),
            &rollout.completion,
            &RewardRules::default(),
        );
        assert_eq!(Some(score.correct), rollout.correct);
    }
    assert!(rollouts.iter().any(|r| r.is_right() != (r.reward == 1.0)));
    for step in metrics(&run) {
        let of_step: Vec<_> = rollouts.iter().filter(|rollout| rollout.step == step.step).collect();
        let right = of_step.iter().filter(|rollout| rollout.is_right()).count();
        assert_eq!(step.get(&registry::ACCURACY), right as f64 / of_step.len() as f64);
    }
}

#[test]
fn the_shuffled_control_deals_out_what_each_group_earned() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["control=shuffled-reward", "group_size=16", "max_new_tokens=80"]).unwrap();
    let run = alone(options(root.path(), config, 2));
    let rollouts = Reader::new(&run).rollouts().unwrap().records;
    assert_eq!(rollouts.len(), 64);
    let mut moved = 0;
    for group in rollouts.chunks(16) {
        let earned = |r: &Rollout| {
            reward::score(
                &NumberPuzzle::of(&r.problem.puzzle).unwrap(),
                &r.completion,
                &RewardRules::default(),
            )
            .reward
        };
        let mut earned: Vec<f64> = group.iter().map(earned).collect();
        let mut paid: Vec<f64> = group.iter().map(|rollout| rollout.reward).collect();
        moved += earned.iter().zip(&paid).filter(|(earned, paid)| earned != paid).count();
        earned.sort_by(f64::total_cmp);
        paid.sort_by(f64::total_cmp);
        assert_eq!(earned, paid, "a group keeps its rewards");
    }
    assert!(moved > 0, "no reward went to another completion");
}

#[test]
fn an_edit_is_journalled_and_holds_from_the_next_step() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["warmup_steps=0"]).unwrap();
    let mut driven = Driven::start_paused(options(root.path(), config, 3));
    driven.step(StepBy::Steps(1));
    // In the middle of step 2: it must not change that step.
    driven.step(StepBy::Phases(1));
    driven.ask(set("learning_rate", "0.001"));
    driven.step(StepBy::Steps(1));
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    let rates: Vec<f64> = metrics(&run).iter().map(|m| m.get(&registry::LEARNING_RATE)).collect();
    let before = Config::default().optimizer.learning_rate;
    assert_eq!(rates, [before, before, 1e-3]);
    let edits: Vec<EventRecord> =
        events(&run).into_iter().filter(|event| event.event.name() == "set").collect();
    assert_eq!(edits.len(), 1);
    assert_eq!(
        (edits[0].step, edits[0].detail.as_str()),
        // Made within step 2, so it holds in the steps after it.
        (2, format!("learning_rate = 0.001 (was {before})").as_str())
    );
}

#[test]
fn what_cannot_be_set_is_refused_in_a_sentence_and_changes_nothing() {
    let root = TempDir::new().unwrap();
    let refused = [
        ("learning_rate", "NaN", "`learning_rate` cannot be `NaN`"),
        ("learning_rate", "inf", "`learning_rate` cannot be `inf`"),
        ("temperature", "-1", "`temperature` cannot be `-1`"),
        ("micro_tokens", "8", "`micro_tokens` cannot change during a run"),
        ("learning_rat", "0.1", "`learning_rate`"),
        ("max_new_tokens", "65536", "the model reads at most 1024 tokens"),
    ];
    let mut driven = Driven::start_paused(options(root.path(), tiny(), 2));
    for (key, value, sentence) in refused {
        driven.ask(set(key, value));
        match driven.until(|event| matches!(event, Event::Warning(_))).pop() {
            Some(Event::Warning(said)) => assert!(said.contains(sentence), "{said}"),
            other => panic!("{other:?}"),
        }
    }
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    assert_same(&outcome(&run, 2), &outcome(&alone(options(root.path(), tiny(), 2)), 2), "refused edits");
    assert!(events(&run).iter().all(|event| event.event.name() != "set"));
}

#[test]
fn evaluation_fills_its_metric_when_due_and_disturbs_nothing() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["evaluate_every=2", "evaluate_puzzles=12"]).unwrap();
    let mut driven = Driven::start(options(root.path(), config, 2));
    let told = driven.until(|event| matches!(event, Event::EvalDone { .. }));
    let Some(Event::EvalDone { step: 2, accuracy, puzzles, .. }) = told.last() else { panic!("{told:?}") };
    let (accuracy, puzzles) = (*accuracy, *puzzles);
    let (_, run) = driven.end();
    let measured: Vec<Option<f64>> =
        metrics(&run).iter().map(|m| m.known(&registry::EVAL_ACCURACY)).collect();
    assert_eq!(measured, [None, Some(accuracy)]);
    assert!((0.0..=1.0).contains(&accuracy) && puzzles == 12);
    let right = accuracy * (4 * puzzles) as f64;
    assert!((right - right.round()).abs() < 1e-6, "{accuracy} of {puzzles} puzzles by 4 samples");

    let unevaluated = outcome(&alone(options(root.path(), tiny(), 2)), 2);
    let evaluated = outcome(&run, 2);
    assert!(evaluated.weights == unevaluated.weights && evaluated.rollouts == unevaluated.rollouts);
}

#[test]
fn a_lost_watcher_ends_the_run_as_a_stop_does() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start(options(root.path(), tiny(), 1_000_000));
    driven.until(|event| matches!(event, Event::StepDone(m) if m.step == 2));
    let Driven { handle, thread, .. } = driven;
    drop(handle);
    thread.join().unwrap();
    let run = only_run(root.path());
    assert!(!run.is_live());
    let last = metrics(&run).last().unwrap().step;
    outcome(&run, last);
}

#[test]
fn the_benchmark_measures_any_shape_and_refuses_an_impossible_one() {
    let shape = [
        "--d-model",
        "32",
        "--layers",
        "1",
        "--heads",
        "2",
        "--kv-heads",
        "1",
        "--ffn",
        "48",
        "--vocab",
        "40",
    ];
    let work = ["--prompts", "2", "--group", "3", "--prompt-len", "4", "--max-new", "8", "--steps", "2"];
    let mut command = crate::lab(&["bench", "--json", "--backend", "cpu", "--threads", "2"]);
    let output = crate::succeeds(command.args(shape).args(work));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["rollout_tok_s", "train_tok_s", "step_s", "step_s_min", "gemm_gflops", "train_gemm_share"] {
        assert!(found[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert!(found["step_s_min"].as_f64() <= found["step_s"].as_f64());
    // Embedding, norms, attention with biases, feed-forward.
    let block = 32 * (2 + 2) * 16 + (2 + 2) * 16 + 2 * 16 * 32 + 3 * 32 * 48 + 2 * 32;
    assert_eq!(found["params"], 40 * 32 + block + 32);
    assert_eq!(found["threads"], 2);
    let refused = crate::refusal(&mut crate::lab(&["bench", "--heads", "3"]));
    assert!(refused.contains("num_attention_heads"), "{refused}");
}

#[test]
fn a_run_says_where_its_completions_end_and_ends_them_there() {
    let root = TempDir::new().unwrap();
    let long = tiny().with(["group_size=16", "max_new_tokens=80"]).unwrap();
    let ended = |stop: &str| {
        let config = long.clone().with([format!("stop={stop}")]).unwrap();
        let run = alone(EngineOptions { name: Some(stop.into()), ..options(root.path(), config, 1) });
        let stored = run.config().unwrap().config.reward.stop;
        (stored, Reader::new(&run).rollouts().unwrap().records)
    };
    let (stored, free) = ended("auto");
    assert_eq!(stored, StopAt::End, "the embedded base was made for its end token");
    let (stored, stopped) = ended("answer");
    assert_eq!(stored, StopAt::Answer);
    let mut answered = 0;
    for (free, stopped) in free.iter().zip(&stopped) {
        let shorter = free.completion.find("</answer>").map(|at| at + "</answer>".len());
        answered += usize::from(shorter.is_some());
        assert_eq!(stopped.completion, free.completion[..shorter.unwrap_or(free.completion.len())]);
        assert_eq!(stopped.token_ids(), &free.token_ids()[..stopped.token_ids().len()], "the same draws");
        assert!(!(shorter.is_some() && stopped.truncated));
    }
    assert!(answered > free.len() / 2, "{answered} of {}", free.len());
    assert!(
        free.iter().zip(&stopped).any(|(f, s)| f.token_ids().len() == s.token_ids().len() + 1),
        "no end token"
    );
}
