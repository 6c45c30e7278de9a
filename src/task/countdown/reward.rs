//! The reward of a completion: decided by one answer alone, never by how it was reached.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::expression::{self, Expression, Operand};
use crate::task::{
    NumberPuzzle, RewardRules, Score, answer,
    rules::{Judged, Rule},
};

/// The rules, in the order in which they are looked at.
pub static RULES: &[Rule] = &[
    Rule::Answered,
    Rule::Closed,
    Rule::Grammar,
    Rule::Value,
    Rule::GivenNumbers,
    Rule::NotTooOften,
    Rule::AllUsed,
    Rule::Target,
    Rule::Stated,
];

/// Scores `completion` as an answer to `puzzle`.
///
/// The last `<answer>` outside of thoughts is graded unless the rules say the first, on any line. An answer that follows the
/// [grammar](expression) is well-formed, even if it divides by zero or states an untrue `= value`. It is
/// right if it has the target's value, uses every given number exactly once, and any value it states is true.
pub fn score(puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Score {
    judge(puzzle, completion, rules).score
}

/// The same, with the first of [`RULES`] that it breaks.
pub fn judge(puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Judged {
    let answer = match answer::graded(completion, rules.answer) {
        Ok(answer) => answer,
        Err(reason) => return no_format(None, (answer::broken(completion), reason)),
    };
    let parsed = match expression::parse(answer) {
        Ok(parsed) => parsed,
        Err(error) => {
            let reason = format!("The answer is not an expression: {error}.");
            return no_format(Some(excerpt(answer)), (Rule::Grammar, reason));
        }
    };
    let (value, verdict) = verdict(puzzle, &parsed);
    let (reason, broken) = match verdict {
        Ok(reason) => (reason, None),
        Err((rule, reason)) => (reason, Some(rule)),
    };
    let correct = broken.is_none();
    let score = Score {
        reward: if correct { rules.correct } else { rules.format },
        correct,
        format: true,
        answer: Some(excerpt(answer)),
        value: value.map(|value| value.to_string()),
        reason,
    };
    Judged { score, broken }
}

/// A broken rule, and the sentence that says how.
type Broken = (Rule, String);

fn no_format(answer: Option<String>, (rule, reason): Broken) -> Judged {
    let score = Score { reward: 0.0, correct: false, format: false, answer, value: None, reason };
    Judged { score, broken: Some(rule) }
}

/// The answer's value, and the reason why it is right (`Ok`) or wrong.
fn verdict(puzzle: &NumberPuzzle, answer: &Expression) -> (Option<BigRational>, Result<String, Broken>) {
    let target = BigRational::from_integer(BigInt::from(puzzle.target));
    let value = match answer.value() {
        Ok(value) => value,
        Err(error) => return (None, Err((Rule::Value, format!("The answer has no value: {error}.")))),
    };
    let verdict = if let Some(misused) = misused_numbers(&puzzle.numbers, answer.operands()) {
        Err(misused)
    } else if value != target {
        let reason =
            format!("The answer uses every given number once, but its value is {value}, not {target}.");
        Err((Rule::Target, reason))
    } else if let Some(stated) = answer.stated().filter(|stated| **stated != value) {
        Err((Rule::Stated, format!("The answer states = {stated}, but its value is {value}.")))
    } else {
        Ok(format!("The answer uses every given number once and its value is {target}."))
    };
    (Some(value), verdict)
}

/// Explains how the operands differ from the given numbers, if they do.
///
/// A negative given number is written with a unary minus, so a minus sign may belong to the number or be an
/// operation on its magnitude. Magnitudes are therefore counted, and of each magnitude at least as many must
/// carry a minus sign as were given as negative numbers.
fn misused_numbers(given: &[i64], operands: &[Operand]) -> Option<Broken> {
    let shown = given.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let given_count = |magnitude: u64| given.iter().filter(|g| g.unsigned_abs() == magnitude).count();
    let used_count =
        |magnitude: u64| operands.iter().filter(|o| o.magnitude.unsigned_abs() == magnitude).count();
    for operand in operands {
        let number = operand.magnitude.unsigned_abs();
        let (given_times, used_times) = (given_count(number), used_count(number));
        if given_times == 0 {
            let glued = if is_glued(number, given) { ", and digits may not be joined" } else { "" };
            let reason = format!("The answer uses {number}, which is not one of {shown}{glued}.");
            return Some((Rule::GivenNumbers, reason));
        }
        if used_times > given_times {
            let (used, given) = (times(used_times), times(given_times));
            let reason = format!("The answer uses {number} too often: {used}, not {given}.");
            return Some((Rule::NotTooOften, reason));
        }
    }
    for &number in given {
        let magnitude = number.unsigned_abs();
        let (given_times, used_times) = (given_count(magnitude), used_count(magnitude));
        if used_times == 0 {
            return Some((Rule::AllUsed, format!("The answer does not use {number}.")));
        }
        if used_times < given_times {
            let (used, given) = (times(used_times), times(given_times));
            let reason = format!("The answer uses {magnitude} too rarely: {used}, not {given}.");
            return Some((Rule::AllUsed, reason));
        }
        let negative = given.iter().filter(|g| **g < 0 && g.unsigned_abs() == magnitude).count();
        let negated =
            operands.iter().filter(|o| o.negated && o.magnitude.unsigned_abs() == magnitude).count();
        if negated < negative {
            let reason = format!("The answer does not use {number}: its minus sign is missing.");
            return Some((Rule::AllUsed, reason));
        }
    }
    None
}

fn times(count: usize) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        more => format!("{more} times"),
    }
}

/// Whether the digits of `number` are two or more given numbers written side by side.
fn is_glued(number: u64, given: &[i64]) -> bool {
    let digits = number.to_string();
    let parts: Vec<String> = given.iter().map(|part| part.unsigned_abs().to_string()).collect();
    // `reached[i]`: the first `i` digits are given numbers side by side.
    let mut reached = vec![false; digits.len() + 1];
    reached[0] = true;
    for start in 0..digits.len() {
        if reached[start] {
            for part in parts.iter().filter(|part| digits[start..].starts_with(part.as_str())) {
                reached[start + part.len()] = true;
            }
        }
    }
    reached[digits.len()]
}

/// The answer as stored in the score: a hundred kilobytes of it would help nobody.
fn excerpt(answer: &str) -> String {
    const MAX_CHARS: usize = 2_000;
    match answer.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &answer[..end]),
        None => answer.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn judged(numbers: &[i64], target: i64, completion: &str) -> Score {
        let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
        score(&puzzle, completion, &RewardRules::default())
    }

    fn answered(numbers: &[i64], target: i64, answer: &str) -> Score {
        judged(numbers, target, &format!("<think> hm </think> <answer> {answer} </answer>"))
    }

    #[test]
    fn the_whole_score_of_a_right_answer() {
        let expected = Score {
            reward: 1.0,
            correct: true,
            format: true,
            answer: Some("25 * 3 + 7 - 4".into()),
            value: Some("78".into()),
            reason: "The answer uses every given number once and its value is 78.".into(),
        };
        assert_eq!(answered(&[3, 7, 25, 4], 78, "25 * 3 + 7 - 4"), expected);
    }

    #[test]
    fn wrong_answers_say_why() {
        let numbers = [3, 7, 25, 4];
        for (answer, reward, words) in [
            ("25 * 3 + 7 - 4 = 78", 1.0, "its value is 78."),
            ("25 * 3 + 7 - 4 = 79", 0.1, "states = 79, but its value is 78"),
            ("25 * 3 + 4 - 7", 0.1, "its value is 72, not 78"),
            ("25 * 3 + 7", 0.1, "does not use 4"),
            ("25 * 3 + 7 - 4 + 3 - 3", 0.1, "uses 3 too often: 3 times, not once"),
            (
                "74 + 3 + 25 / 25",
                0.1,
                "uses 74, which is not one of 3, 7, 25, 4, and digits may not be joined",
            ),
            ("78", 0.1, "uses 78, which is not one of 3, 7, 25, 4."),
            ("25 / (3 + 4 - 7)", 0.1, "division by zero"),
            ("2.5 * 3", 0.0, "decimals are not allowed"),
            ("25 3", 0.0, "an operator is missing"),
            ("eval(78)", 0.0, "calls (`eval(`) are not allowed"),
            ("", 0.0, "it is empty"),
        ] {
            let score = answered(&numbers, 78, answer);
            assert_eq!(score.reward, reward, "{answer}: {}", score.reason);
            assert_eq!(score.correct, reward == 1.0, "{answer}");
            assert_eq!(score.format, reward > 0.0, "{answer}");
            assert_eq!(score.answer.as_deref(), Some(answer));
            assert!(score.reason.contains(words), "{answer}: {}", score.reason);
        }
        let twice = answered(&[5, 5, 1], 6, "5 + 1");
        assert_eq!(twice.reason, "The answer uses 5 too rarely: once, not twice.");
        assert_eq!(answered(&[2, 4], 0, "2 / 4").value.as_deref(), Some("1/2"));
    }

    #[test]
    fn the_last_answer_counts_on_whichever_line() {
        let right = "<answer>2 + 3</answer>";
        let wrong = "<answer>2 * 3</answer>";
        for (completion, reward) in [
            (format!("{wrong}\n\nno:\n{right}\nthat is it"), 1.0),
            (format!("{right} {wrong}"), 0.1),
            (format!("{right} <answer>2 +"), 0.0),
            (format!("{right} </answer>"), 1.0),
            (format!("<answer> {right}"), 1.0),
            ("<answer>\n2\n+\n3\n</answer>".into(), 1.0),
            ("</answer> 2 + 3 <answer>".into(), 0.0),
            ("2 + 3".into(), 0.0),
            (String::new(), 0.0),
        ] {
            assert_eq!(judged(&[2, 3], 5, &completion).reward, reward, "{completion}");
        }
    }

    #[test]
    fn given_numbers_below_zero_keep_their_sign() {
        assert!(answered(&[-5, 3], -2, "-5 + 3").correct);
        assert!(answered(&[-5, 3], 8, "3 - -5").correct);
        assert!(!answered(&[-5, 3], -2, "3 - 5").correct);
        assert!(answered(&[-5, 5], 0, "-5 + 5").correct);
        assert!(answered(&[-5, 5], 0, "-5 - -5").correct);
        assert!(!answered(&[-5, 5], 0, "5 - 5").correct);
        assert!(answered(&[5, 3], -2, "-5 + 3").correct, "a unary minus may stand before any number");
    }

    #[test]
    fn the_rules_set_the_rewards() {
        let puzzle = NumberPuzzle { numbers: vec![2, 3], target: 5 };
        let rules = RewardRules { correct: 7.0, format: -1.0, ..RewardRules::default() };
        let reward = |answer: &str| score(&puzzle, &format!("<answer>{answer}</answer>"), &rules).reward;
        assert_eq!([reward("2+3"), reward("2*3"), reward("2*")], [7.0, -1.0, 0.0]);
    }

    #[test]
    fn a_huge_answer_costs_nothing_and_is_cut_short() {
        let huge = format!("<answer>{}</answer>", "(".repeat(10_000_000));
        let score = judged(&[2, 3], 5, &huge);
        assert_eq!(
            score.reason,
            "The answer is not an expression: it is 10000000 bytes long; the limit is 65536."
        );
        assert_eq!(score.answer.unwrap().chars().count(), 2_001);
    }
}
