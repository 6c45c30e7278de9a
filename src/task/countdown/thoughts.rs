//! Thoughts about Countdown in English, for priming.
//!
//! A thought is a search: some attempts that miss, then one that hits. Every statement in it is true: each sum, each
//! comparison with the target, each value that is said to be needed. Wrong answers, where they are asked for, stand behind
//! a thought that is right. All attempts of a thought are different ones, and values stay whole and in 1..=99.

use std::fmt::Write;

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    attempt::{self, Attempt, Op, Step},
    expression,
};
use crate::task::{
    NumberPuzzle, Puzzle,
    priming::{Behaviour, Habits, Trace},
};

/// Most attempts before the one that hits.
const MOST_MISSES: usize = 6;
/// How often a thought that may try again does so.
const AGAIN: f64 = 0.65;
/// How often an attempt is announced by what it needs.
const ANNOUNCED: f64 = 0.5;
/// How often a hit is worked out again.
const WORKED_OUT_AGAIN: f64 = 0.3;

const OPENINGS: [&str; 6] = ["Let me try ", "First, ", "Maybe ", "One idea: ", "I can start with ", ""];
const RETRIES: [&str; 6] = [
    "Let me try another way: ",
    "Try again: ",
    "Instead, ",
    "Another idea: ",
    "Let me try something else: ",
    "Start over: ",
];
/// Those that may stand by themselves.
const RETRIES_BEFORE_A_PLAN: [&str; 3] = ["Let me try again. ", "Let me try another way. ", "Start over. "];

/// Writes a trace; `None` if the numbers cannot make the target through small whole values.
pub(super) fn write(puzzle: &Puzzle, habits: &Habits, rng: &mut ChaCha8Rng) -> Option<Trace> {
    let puzzle = NumberPuzzle::of(puzzle)?;
    let all = attempt::enumerate(&puzzle.numbers);
    let plain = all.iter().filter(|attempt| is_plain(attempt, &puzzle));
    let (hits, misses): (Vec<&Attempt>, Vec<&Attempt>) =
        plain.partition(|attempt| attempt.value() == puzzle.target);
    let hit = *hits.choose(rng)?;
    // Drawn even where it is not used, so that wrong answers stand behind the same thoughts as right ones.
    let wrong = misses.choose(rng).copied();
    let mut tried: Vec<&Attempt> = Vec::new();
    if habits.show(Behaviour::Backtracking) {
        while tried.len() < MOST_MISSES && rng.random_bool(AGAIN) {
            let Some(miss) = near_miss(&misses, &tried, puzzle.target, rng) else { break };
            tried.push(miss);
        }
    }
    let mut thought = String::new();
    for (index, attempt) in tried.iter().copied().chain([hit]).enumerate() {
        attempt_in_words(&mut thought, attempt, &puzzle, index > 0, habits, rng);
        if habits.show(Behaviour::Verification) {
            verdict(&mut thought, attempt, puzzle.target, rng);
        }
    }
    let answered = match habits.right {
        true => hit,
        false => tried.last().copied().or(wrong)?,
    };
    Some(Trace { thought: thought.trim_end().to_owned(), answer: tidy(&answered.expression) })
}

/// Whether no reader can take one value of an attempt for another: a miss does not come by the target on its way, and of
/// more than two steps each result is a number that was not there before.
fn is_plain(attempt: &Attempt, puzzle: &NumberPuzzle) -> bool {
    let Some((last, before)) = attempt.steps.split_last() else { return false };
    let mut seen: Vec<i64> = puzzle.numbers.iter().copied().chain([puzzle.target]).collect();
    if before.len() < 2 {
        return last.result == puzzle.target || before.iter().all(|step| step.result != puzzle.target);
    }
    before.iter().all(|step| {
        let is_new = !seen.contains(&step.result);
        seen.push(step.result);
        is_new
    })
}

/// Of two attempts that miss and were not made before, the one that comes nearer.
fn near_miss<'a>(
    misses: &[&'a Attempt],
    tried: &[&Attempt],
    target: i64,
    rng: &mut ChaCha8Rng,
) -> Option<&'a Attempt> {
    let made: Vec<String> = tried.iter().map(|attempt| shape(attempt)).collect();
    let mut draw = || {
        // A few draws are enough: most attempts are new.
        (0..8).filter_map(|_| misses.choose(rng).copied()).find(|attempt| !made.contains(&shape(attempt)))
    };
    let (one, other) = (draw()?, draw()?);
    let gap = |attempt: &Attempt| attempt.value().abs_diff(target);
    Some(if gap(other) < gap(one) { other } else { one })
}

/// The same for attempts that differ only in the order of their steps.
fn shape(attempt: &Attempt) -> String {
    expression::parse(&attempt.expression).map_or_else(|_| attempt.expression.clone(), |e| e.canonical())
}

/// An expression without spaces inside its parentheses.
fn tidy(expression: &str) -> String {
    expression.replace("( ", "(").replace(" )", ")")
}

/// One attempt: what announces it, and its steps.
fn attempt_in_words(
    thought: &mut String,
    attempt: &Attempt,
    puzzle: &NumberPuzzle,
    again: bool,
    habits: &Habits,
    rng: &mut ChaCha8Rng,
) {
    let plan = Plan::of(attempt, puzzle).filter(|_| rng.random_bool(ANNOUNCED));
    let plan = plan.and_then(|plan| plan.in_words(puzzle.target, habits, rng));
    let opening: &[&str] = match (&plan, again) {
        (Some(_), true) => &RETRIES_BEFORE_A_PLAN,
        (Some(_), false) => &[""],
        (None, true) => &RETRIES,
        (None, false) => &OPENINGS,
    };
    thought.push_str(opening.choose(rng).copied().unwrap_or_default());
    thought.push_str(plan.as_deref().unwrap_or_default());
    let joint = if rng.random_bool(0.3) { ", then " } else { ", " };
    let steps: Vec<String> = attempt.steps.iter().map(ToString::to_string).collect();
    let _ = write!(thought, "{}. ", steps.join(joint));
}

/// What has to be made of all numbers but one, so that the last step of an attempt would hit.
struct Plan {
    /// The target, worked back by the number that is left.
    back: Step,
    /// The numbers to make it of.
    of: Vec<i64>,
}

impl Plan {
    /// `None` if the last step does not take a given number, or nothing small and whole would do.
    fn of(attempt: &Attempt, puzzle: &NumberPuzzle) -> Option<Self> {
        let (last, before) = attempt.steps.split_last()?;
        let made = before.last()?.result;
        let (left, made_first) = match (last.a == made, last.b == made) {
            (true, _) => (last.b, true),
            (_, true) => (last.a, false),
            _ => return None,
        };
        let mut of = puzzle.numbers.clone();
        of.remove(of.iter().position(|&number| number == left)?);
        let target = puzzle.target;
        let (a, op, b) = match (last.op, made_first) {
            (Op::Add, _) => (target, Op::Sub, left),
            (Op::Mul, _) => (target, Op::Div, left),
            (Op::Sub, true) => (target, Op::Add, left),
            (Op::Div, true) => (target, Op::Mul, left),
            (Op::Sub, false) => (left, Op::Sub, target),
            (Op::Div, false) => (left, Op::Div, target),
        };
        let back = Step { a, op, b, result: op.apply(a, b)? };
        makes(of.clone(), before).then_some(Self { back, of })
    }

    /// The plan as the habits allow to tell it, if they do.
    fn in_words(&self, target: i64, habits: &Habits, rng: &mut ChaCha8Rng) -> Option<String> {
        let (backward, subgoals) =
            (habits.show(Behaviour::BackwardChaining), habits.show(Behaviour::Subgoals));
        let (back, need, of) = (self.back, self.back.result, listed(&self.of));
        Some(match (backward, subgoals) {
            (true, true) if rng.random_bool(0.7) => {
                format!("Working backwards from {target}: {back}, so I need to make {need} from {of}. ")
            }
            (_, true) => format!("I need to make {need} from {of}. "),
            (true, false) => format!("Working backwards from {target}: {back}. "),
            (false, false) => return None,
        })
    }
}

/// Whether steps use these numbers up and leave one value.
fn makes(mut held: Vec<i64>, steps: &[Step]) -> bool {
    for step in steps {
        for operand in [step.a, step.b] {
            let Some(at) = held.iter().position(|&value| value == operand) else { return false };
            held.swap_remove(at);
        }
        held.push(step.result);
    }
    held.len() == 1
}

/// `16, 4 and 1`.
fn listed(numbers: &[i64]) -> String {
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}

/// What is said of an attempt's value.
fn verdict(thought: &mut String, attempt: &Attempt, target: i64, rng: &mut ChaCha8Rng) {
    let value = attempt.value();
    let said = match value == target {
        true if rng.random_bool(WORKED_OUT_AGAIN) => {
            format!("Let me verify: {} = {value}. It works.", tidy(&attempt.expression))
        }
        true => match rng.random_range(0..4) {
            0 => format!("Check: {value} is the target."),
            1 => "That matches the target.".to_owned(),
            2 => format!("Yes, {value} is what we need."),
            _ => format!("Check: {value} = {target}, so that works."),
        },
        false => {
            let side = if value > target { "high" } else { "low" };
            match rng.random_range(0..5) {
                0 => format!("{value} is not {target}."),
                1 => format!("That is {value}, not {target}."),
                2 => format!("{value} is too {side}."),
                3 => format!("No, {value} is not {target}."),
                _ => format!("Check: {value} is not {target}, too {side}."),
            }
        }
    };
    let _ = write!(thought, "{said} ");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::{
        reasoning::{Analysis, SpanKind, analyze},
        task::{
            RewardRules, Split,
            countdown::{
                puzzle::{self, Level, split_of},
                reward,
            },
        },
    };

    const ALL: &str = "verification,backtracking,subgoals,backward-chaining";

    /// A trace of a condition, and what is found in it.
    struct Read {
        puzzle: NumberPuzzle,
        text: String,
        found: Analysis,
    }

    impl Read {
        fn spans(&self, kind: SpanKind) -> usize {
            self.found.spans.iter().filter(|span| span.kind == kind).count()
        }
    }

    fn traces(list: &str, right: bool, level: &str) -> Vec<Read> {
        let habits = Habits::parse(list, right).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let count = if level == "3x20" { 400 } else { 60 };
        let level = Level::parse(level).unwrap();
        let mut made = Vec::new();
        while made.len() < count {
            let puzzle = puzzle::draw(&level, Split::Train, &mut rng);
            let Some(trace) = write(&puzzle.clone().into(), &habits, &mut rng) else { continue };
            let text = format!("<think>{}</think>\n<answer>{}</answer>", trace.thought, trace.answer);
            let found = analyze(&puzzle, &text);
            made.push(Read { puzzle, text, found });
        }
        made
    }

    #[test]
    fn every_statement_is_true_and_every_attempt_a_new_one() {
        let conditions = [
            (ALL, "3x20"),
            (ALL, "4x20"),
            (ALL, "tinyzero"),
            ("verification", "3x20"),
            ("backtracking", "3x20"),
            ("verification,backtracking", "3x20"),
            ("backtracking,backward-chaining", "3x20"),
            ("subgoals", "3x20"),
        ];
        for ((list, level), right) in conditions.into_iter().flat_map(|case| [(case, true), (case, false)]) {
            for Read { puzzle, text, found } in traces(list, right, level) {
                let said = format!("{puzzle:?} {text}\n{found:?}");
                assert!(found.arithmetic_steps > 0, "{said}");
                assert_eq!(found.arithmetic_steps, found.arithmetic_right, "{said}");
                assert_eq!(found.checks, found.true_checks, "{said}");
                assert_eq!(found.repeated_attempts, 0, "{said}");
                assert_eq!(found.first_hit, Some(found.attempts), "the last attempt hits: {said}");
                assert_eq!(split_of(&puzzle), Split::Train);
                let score = reward::score(&puzzle, &text, &RewardRules::default());
                assert!(score.format, "{said}");
                assert_eq!(score.correct, right, "{said}");
                if right {
                    assert_eq!(found.faithful, Some(true), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_condition_shows_its_behaviours_and_no_others() {
        for (list, checks, backs, goals, chains) in [
            (ALL, true, true, true, true),
            ("verification", true, false, false, false),
            ("backtracking", false, true, false, false),
            ("verification,backtracking", true, true, false, false),
            ("subgoals", false, false, true, false),
            ("backward-chaining", false, false, false, true),
        ] {
            let read = traces(list, true, "3x20");
            for one in &read {
                let said = format!("{list}: {}\n{:?}", one.text, one.found);
                let (found, misses) = (&one.found, one.found.attempts - 1);
                assert_eq!(found.backtracks, misses, "{said}");
                assert_eq!(found.self_corrections, if checks { misses } else { 0 }, "{said}");
                assert!(if checks { found.true_checks > misses } else { found.checks == 0 }, "{said}");
            }
            let shown = |kind| read.iter().filter(|one| one.spans(kind) > 0).count();
            let some = read.len() / 5;
            assert_eq!(read.iter().filter(|one| one.found.backtracks > 0).count() > some, backs, "{list}");
            assert_eq!(shown(SpanKind::Subgoal) > some, goals, "{list}");
            assert_eq!(shown(SpanKind::BackwardChaining) > some, chains, "{list}");
            for (kind, allowed) in [
                (SpanKind::Backtracking, backs),
                (SpanKind::Subgoal, goals),
                (SpanKind::BackwardChaining, chains),
            ] {
                assert!(allowed || shown(kind) == 0, "{list} shows {kind:?}");
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_thoughts() {
        let texts = || traces(ALL, true, "3x20").into_iter().map(|one| one.text).collect::<Vec<_>>();
        assert_eq!(texts(), texts());
    }
}
