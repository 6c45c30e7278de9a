//! A compute frontier for the scripted run: made-up thoughts, measured like real ones.

use super::script::Script;
use crate::{
    eval::{EvalOptions, frontier::Drawn},
    record::{HowMeasured, Measurement, Point},
    runs::frontier::FRONTIER_SCHEMA,
    task::answer::Graded,
};

const PUZZLES: usize = 200;
const SAMPLES: usize = 8;
const BUDGETS: [usize; 5] = [24, 48, 96, 192, 320];
/// Tokens of an answer after its thought.
const ANSWER: usize = 8;

impl Script {
    /// The made-up measurement after this step.
    pub fn measured(&self, step: u64) -> Measurement {
        let budgets = [None].into_iter().chain(BUDGETS.map(Some));
        let points = budgets.map(|budget| {
            let rows = (0..PUZZLES).flat_map(|puzzle| (0..SAMPLES).map(move |sample| (puzzle, sample)));
            let all: Vec<Drawn> =
                rows.map(|(puzzle, sample)| self.thought(step, puzzle, sample, budget)).collect();
            Point::of(budget, &all, SAMPLES)
        });
        let options = EvalOptions {
            samples: SAMPLES,
            temperature: 1.0,
            max_new_tokens: 344,
            budgets: BUDGETS.to_vec(),
            greedy: false,
            stop_at_answer: false,
            graded: Graded::Last,
            seed: 0,
        };
        let how = HowMeasured::of("countdown", Some("3x20"), &[], &options);
        Measurement {
            schema_version: FRONTIER_SCHEMA,
            step,
            model_hash: format!("{step:064x}"),
            time: format!("2026-01-01T12:{:02}:{:02}Z", step / 60 % 60, step % 60),
            program_version: "scripted".into(),
            backend: "cpu x2".into(),
            how: HowMeasured { puzzles: PUZZLES, ..how },
            points: points.collect(),
        }
    }

    /// A thought that ends early, like the base's, or continues until it hits.
    fn thought(&self, step: u64, puzzle: usize, sample: usize, budget: Option<usize>) -> Drawn {
        let hard = self.dice(u64::MAX, puzzle, 0).unit();
        let mut dice = self.dice(step, 1000 + puzzle, sample);
        let goes_on = dice.chance(0.04 + 0.94 * Self::progress(step));
        let luck = dice.unit();
        let needed = 12 + (20.0 + 420.0 * hard * hard * (0.2 + luck)) as usize;
        let (thinking, chance) = match goes_on {
            true => (needed.min(330), f64::from(u8::from(needed <= 330))),
            false => (17 + dice.below(10), 0.3 * (1.0 - hard)),
        };
        let forced = budget.is_some_and(|budget| thinking > budget);
        let thinking = budget.unwrap_or(usize::MAX).min(thinking);
        let chance =
            if forced { 0.12 + 0.4 * (1.0 - hard) * thinking as f64 / needed as f64 } else { chance };
        let correct = dice.chance(chance);
        let answer = if correct { "right".to_owned() } else { format!("wrong {}", dice.below(5)) };
        Drawn {
            correct,
            answer: Some(answer),
            thinking,
            tokens: thinking + ANSWER,
            forced,
            attempts: 1,
            blind: None,
        }
    }
}
