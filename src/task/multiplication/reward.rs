//! The reward of a completion: decided by the integer in one answer alone, never by how it was reached.

use crate::task::{
    NumberPuzzle, RewardRules, Score, answer,
    rules::{Judged, Rule},
};

/// Longer answers are not numbers of this task; a 64-bit product takes 26 bytes with commas.
const LONGEST: usize = 64;

/// The rules, in the order in which they are looked at.
pub static RULES: &[Rule] = &[Rule::Answered, Rule::Closed, Rule::Grammar, Rule::Target];

/// Scores `completion` as an answer to `puzzle`.
///
/// The last `<answer>` outside of thoughts is graded unless the rules say the first, on any line. It is well-formed if it is one
/// whole number, and right if that number is the product. Commas are allowed between thousands (`1,081`), as
/// people write them. A sign, leading zeros, a decimal point, a calculation or an equation is not allowed.
pub fn score(puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Score {
    judge(puzzle, completion, rules).score
}

/// The same, with the first of [`RULES`] that it breaks.
pub fn judge(puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Judged {
    let answer = match answer::graded(completion, rules.answer) {
        Ok(answer) => answer,
        Err(reason) => return no_format(None, answer::broken(completion), reason),
    };
    let value = match read(answer) {
        Ok(value) => value,
        Err(reason) => {
            let reason = format!("The answer is not a number: {reason}.");
            return no_format(Some(excerpt(answer)), Rule::Grammar, reason);
        }
    };
    let correct = value == i128::from(puzzle.target);
    let target = puzzle.target;
    let product = product_of(puzzle);
    let score = Score {
        reward: if correct { rules.correct } else { rules.format },
        correct,
        format: true,
        answer: Some(excerpt(answer)),
        value: Some(value.to_string()),
        reason: match (correct, product) {
            (true, Some(product)) => format!("The answer is the product, {product} = {target}."),
            (false, Some(product)) => format!("The answer is {value}, but {product} = {target}."),
            // A typed puzzle, whose target need not be the product.
            (true, None) => format!("The answer is the target, {target}."),
            (false, None) => format!("The answer is {value}, and the target is {target}."),
        },
    };
    Judged { score, broken: (!correct).then_some(Rule::Target) }
}

/// The product that a puzzle asks for, written out; `None` if its target is not the product of its numbers.
fn product_of(puzzle: &NumberPuzzle) -> Option<String> {
    let factors = &puzzle.numbers;
    let product =
        factors.iter().try_fold(1_i128, |product, factor| product.checked_mul(i128::from(*factor)))?;
    let is_one = factors.len() > 1 && product == i128::from(puzzle.target);
    is_one.then(|| factors.iter().map(i64::to_string).collect::<Vec<_>>().join(" * "))
}

/// Parses the whole number that an answer states.
///
/// # Errors
/// What is wrong with it, phrased as the end of a sentence.
pub fn read(answer: &str) -> Result<i128, String> {
    if answer.is_empty() {
        return Err("it is empty".into());
    }
    if answer.len() > LONGEST {
        return Err(format!("it is {} bytes long; the limit is {LONGEST}", answer.len()));
    }
    if let Some(other) = answer.chars().find(|c| !c.is_ascii_digit() && *c != ',') {
        return Err(format!("`{}` is not a digit", other.escape_debug()));
    }
    let mut groups = answer.split(',');
    let first = groups.next().unwrap_or_default();
    let parted = answer.contains(',');
    if parted && (first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3)) {
        return Err("its commas do not separate thousands".into());
    }
    let digits: String = answer.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("it starts with 0".into());
    }
    digits.parse().map_err(|_| format!("it has {} digits", digits.len()))
}

fn no_format(answer: Option<String>, broken: Rule, reason: String) -> Judged {
    let score = Score { reward: 0.0, correct: false, format: false, answer, value: None, reason };
    Judged { score, broken: Some(broken) }
}

/// The answer as repeated in a score, cut to a bounded length.
fn excerpt(answer: &str) -> String {
    const SHOWN: usize = 2_000;
    match answer.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &answer[..end]),
        None => answer.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn judged(completion: &str) -> Score {
        score(&NumberPuzzle { numbers: vec![23, 47], target: 1081 }, completion, &RewardRules::default())
    }

    #[test]
    fn a_puzzle_whose_target_is_no_product_is_not_called_one() {
        let reason = |numbers: &[i64], target, answer: &str| {
            let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
            score(&puzzle, &format!("<answer>{answer}</answer>"), &RewardRules::default()).reason
        };
        assert_eq!(reason(&[2], 3, "5"), "The answer is 5, and the target is 3.");
        assert_eq!(reason(&[2, 2], 3, "5"), "The answer is 5, and the target is 3.");
        assert_eq!(reason(&[2], 3, "3"), "The answer is the target, 3.");
        assert_eq!(reason(&[i64::MAX; 9], 3, "4"), "The answer is 4, and the target is 3.");
        assert_eq!(reason(&[2, 3], 6, "5"), "The answer is 5, but 2 * 3 = 6.");
    }

    #[test]
    fn answers_and_their_reasons() {
        for (answer, reward, words) in [
            ("1081", 1.0, "is the product, 23 * 47 = 1081."),
            ("1,081", 1.0, "is the product"),
            ("1071", 0.1, "The answer is 1071, but 23 * 47 = 1081."),
            ("0", 0.1, "but 23 * 47"),
            ("01081", 0.0, "starts with 0"),
            ("10,81", 0.0, "commas do not separate thousands"),
            (",081", 0.0, "commas do not separate thousands"),
            ("1081,", 0.0, "commas do not separate thousands"),
            ("-1081", 0.0, "`-` is not a digit"),
            ("1081.0", 0.0, "`.` is not a digit"),
            ("23 * 47", 0.0, "` ` is not a digit"),
            ("23*47=1081", 0.0, "`*` is not a digit"),
            ("٣", 0.0, "is not a digit"),
            ("", 0.0, "it is empty"),
            ("99999999999999999999999999999999999999999", 0.0, "it has 41 digits"),
        ] {
            let score = judged(&format!(" hm . </think> <answer> {answer} </answer>"));
            assert_eq!(score.reward, reward, "{answer}: {}", score.reason);
            assert_eq!((score.correct, score.format), (reward == 1.0, reward > 0.0), "{answer}");
            assert!(score.reason.contains(words), "{answer}: {}", score.reason);
        }
    }

    #[test]
    fn the_last_answer_counts_and_nothing_else_does() {
        assert_eq!(judged("<answer>1081</answer> no <answer>1</answer>").reward, 0.1);
        assert_eq!(judged("<answer>1</answer>\n<answer>\n1081\n</answer> <b>").reward, 1.0);
        assert_eq!(judged("<answer>1081</answer> <answer>10").reward, 0.0);
        assert_eq!(judged("23 * 47 = 1081").reason, "The completion has no <answer>.");
        assert_eq!(judged("").reward, 0.0);
    }

    #[test]
    fn a_huge_answer_costs_nothing_and_is_cut_short() {
        let score = judged(&format!("<answer>{}</answer>", "1".repeat(10_000_000)));
        assert_eq!(score.reason, "The answer is not a number: it is 10000000 bytes long; the limit is 64.");
        assert_eq!(score.answer.unwrap().chars().count(), 2_001);
    }
}
