//! Generated traces whose truth is known to the generator.

use aha_lab::{
    reasoning::{Analysis, analyze},
    record::NumberPuzzle,
};
use proptest::prelude::*;

use super::sound::assert_sound;

/// One generated attempt: an order of the numbers, two operators, and how it goes on.
#[derive(Debug, Clone)]
struct Turn {
    order: usize,
    operators: [usize; 2],
    /// Whether the second step puts its new number before the result.
    turned: bool,
    opening: usize,
    retry: usize,
    /// 0: no check; 1: a right one; 2: a wrong verdict; 3: a wrong value.
    check: usize,
    wording: usize,
    keeps: bool,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (0..6usize, [0..4usize, 0..4usize], any::<bool>(), 0..7usize, 0..6usize, 0..4usize, 0..8usize);
    let turn = (turn, any::<bool>()).prop_map(|(parts, keeps)| {
        let (order, operators, turned, opening, retry, check, wording) = parts;
        Turn { order, operators, turned, opening, retry, check, wording, keeps }
    });
    prop::collection::vec(turn, 1..8)
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

fn apply(operator: usize, left: i64, right: i64) -> Option<i64> {
    match operator {
        0 => Some(left + right),
        1 => Some(left - right),
        2 => Some(left * right),
        _ => (right != 0 && left % right == 0).then(|| left / right),
    }
    .filter(|value| (1..100).contains(value))
}

/// An expression in a form that is written alike whenever only order or grouping differ. Independent of
/// the hashes that the analysis uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Number(i64),
    Sum(Vec<Form>, Vec<Form>),
    Product(Vec<Form>, Vec<Form>),
}

fn form(operator: usize, left: Form, right: Form) -> Form {
    let additive = operator < 2;
    let parts = |form: Form| match form {
        Form::Sum(plus, minus) if additive => (plus, minus),
        Form::Product(plus, minus) if !additive => (plus, minus),
        other => (vec![other], vec![]),
    };
    let ((mut plus, mut minus), (right_plus, right_minus)) = (parts(left), parts(right));
    let inverse = operator % 2 == 1;
    plus.extend(if inverse { right_minus.clone() } else { right_plus.clone() });
    minus.extend(if inverse { right_plus } else { right_minus });
    plus.sort();
    minus.sort();
    if additive { Form::Sum(plus, minus) } else { Form::Product(plus, minus) }
}

/// What the generator knows about the trace it writes.
#[derive(Debug, Default, PartialEq)]
struct Truth {
    attempts: usize,
    repeated: usize,
    true_checks: usize,
    false_checks: usize,
    corrected: usize,
    backtracks: usize,
    misses: usize,
    miss_stops: usize,
    hits: usize,
    hit_stops: usize,
    steps: usize,
}

fn check_words(wording: usize, value: i64, target: i64, hit: bool, high: bool) -> String {
    let height = if high { "high" } else { "low" };
    match (hit, wording) {
        (true, 0 | 4) => format!("check : {value} = {target} , yes ."),
        (true, 1 | 5) => format!("verify : {value} , right ."),
        (true, 2 | 6) => format!("check : {value} is {target} ."),
        (true, _) => format!("yes , {value} ."),
        (false, 0) => format!("check : {value} is not {target} ."),
        (false, 1) => format!("verify : {value} , too {height} ."),
        (false, 2) => format!("wait , that is {value} , not {target} ."),
        (false, 3) => format!("hmm , {value} is too {height} ."),
        (false, 4) => format!("no , {value} is not {target} ."),
        (false, 5) => format!("verify : {value} , wrong ."),
        (false, 6) => format!("check : {value} ≠ {target} ."),
        (false, _) => format!("{value} is not {target} ."),
    }
}

/// Writes a well-formed trace and counts what it writes.
fn write_trace(numbers: [i64; 3], target: i64, turns: &[Turn]) -> (String, Truth) {
    let openings = ["first ,", "let me try", "how about", "maybe", "start with", "one idea :", "take"];
    let retries = [
        "try again :",
        "let me try another way :",
        "instead ,",
        "start over :",
        "what about",
        "another idea :",
    ];
    let mut text = String::new();
    let mut truth = Truth::default();
    let mut tried: Vec<Form> = Vec::new();
    // Of the attempt before: form, whether it hit, whether a check said that it missed (and was right),
    // and its intermediate result with its form and the number left over.
    let mut before: Option<(Form, bool, Option<bool>, i64, Form, i64)> = None;
    let mut last_check: Option<bool> = None;
    for turn in turns {
        let [a, b, c] = ORDERS[turn.order].map(|index| numbers[index]);
        let number = |value| Form::Number(value);
        let kept = before.clone().filter(|_| turn.keeps);
        let (middle, middle_form, rest) = match &kept {
            Some((_, _, _, middle, middle_form, rest)) => (*middle, middle_form.clone(), *rest),
            None => {
                let Some(middle) = apply(turn.operators[0], a, b) else { continue };
                (middle, form(turn.operators[0], number(a), number(b)), c)
            }
        };
        let [left, right] = if turn.turned { [rest, middle] } else { [middle, rest] };
        let Some(value) = apply(turn.operators[1], left, right) else { continue };
        // A number that is both given and a result leaves open which is meant.
        if numbers.contains(&middle) || numbers.contains(&value) || value == middle {
            continue;
        }
        let signs = ["+", "-", "*", "/"];
        let (left_form, right_form) = if turn.turned {
            (number(rest), middle_form.clone())
        } else {
            (middle_form.clone(), number(rest))
        };
        let attempt = form(turn.operators[1], left_form, right_form);

        let words = match (&before, &kept) {
            (None, _) => openings[turn.opening].to_owned(),
            (Some(_), Some(_)) if turn.wording % 2 == 0 => format!("back to {middle} :"),
            (Some(_), Some(_)) => format!("keep {middle} :"),
            (Some(_), None) => retries[turn.retry].to_owned(),
        };
        text += &format!(" {words}");
        if kept.is_none() {
            text += &format!(" {a} {} {b} = {middle} ,", signs[turn.operators[0]]);
            truth.steps += 1;
        }
        text += &format!(" {left} {} {right} = {value} .", signs[turn.operators[1]]);
        truth.steps += 1;
        truth.attempts += 1;
        truth.repeated += usize::from(tried.contains(&attempt));
        if let Some((form, _, rightly_missed, ..)) = &before
            && *form != attempt
        {
            truth.backtracks += 1;
            truth.corrected += usize::from(*rightly_missed == Some(true) && !tried.contains(&attempt));
        }
        last_check = None;
        let hit = value == target;
        let mut rightly_missed = None;
        if turn.check > 0 {
            let stated = if turn.check == 3 { 101 } else { value };
            let says_hit = (turn.check == 2) != hit;
            // A wrong verdict of a miss that is a hit is a miss by any words; its height is then wrong too.
            let words = check_words(turn.wording, stated, target, says_hit, stated > target);
            text += &format!(" {words}");
            let right = turn.check == 1;
            truth.true_checks += usize::from(right);
            truth.false_checks += usize::from(!right);
            truth.misses += usize::from(!says_hit);
            truth.hits += usize::from(says_hit);
            last_check = Some(says_hit);
            rightly_missed = (!says_hit).then_some(right);
        }
        tried.push(attempt.clone());
        before = Some((attempt, hit, rightly_missed, middle, middle_form, rest));
    }
    truth.miss_stops = usize::from(last_check == Some(false));
    truth.hit_stops = usize::from(last_check == Some(true));
    text += " </think> <answer> 1 </answer>";
    (text, truth)
}

fn found(analysis: &Analysis) -> Truth {
    Truth {
        attempts: analysis.attempts,
        repeated: analysis.repeated_attempts,
        true_checks: analysis.true_checks,
        false_checks: analysis.false_checks,
        corrected: analysis.self_corrections,
        backtracks: analysis.backtracks,
        misses: analysis.stated_misses,
        miss_stops: analysis.stops_after_miss,
        hits: analysis.stated_hits,
        hit_stops: analysis.stops_after_hit,
        steps: analysis.arithmetic_steps,
    }
}

#[test]
fn the_generator_reaches_every_count() {
    // A property over traces that never repeat or hit would say little.
    let turn = |order, operators, check, keeps| Turn {
        order,
        operators,
        turned: false,
        opening: 0,
        retry: 0,
        check,
        wording: 0,
        keeps,
    };
    let turns = [
        turn(0, [2, 0], 1, false),
        turn(2, [2, 0], 2, false),
        turn(0, [2, 0], 3, true),
        turn(0, [0, 0], 1, false),
    ];
    let (text, truth) = write_trace([5, 3, 2], 10, &turns);
    let expected = Truth {
        attempts: 4,
        repeated: 2,
        true_checks: 2,
        false_checks: 2,
        corrected: 0,
        backtracks: 1,
        misses: 2,
        miss_stops: 0,
        hits: 2,
        hit_stops: 1,
        steps: 7,
    };
    assert_eq!(truth, expected, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn a_generated_trace_has_the_counts_of_its_generator(
        numbers in [1..=20i64, 1..=20i64, 1..=20i64],
        turns in turns(),
        aim in 0..8usize,
        other in 10..100i64,
    ) {
        // Aim at what one of the turns reaches, so that hits happen.
        let reached = turns.get(aim).and_then(|turn| {
            let [a, b, c] = ORDERS[turn.order].map(|index| numbers[index]);
            apply(turn.operators[0], a, b).and_then(|middle| apply(turn.operators[1], middle, c))
        });
        let target = reached.unwrap_or(other);
        let (text, truth) = write_trace(numbers, target, &turns);
        let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
        let analysis = analyze(&puzzle, &text);
        assert_sound(&text, &analysis);
        prop_assert_eq!(found(&analysis), truth, "{} for {}", text, target);
        prop_assert_eq!(analysis.arithmetic_right, analysis.arithmetic_steps);
        prop_assert_eq!(analysis.superficial_checks, 0);
    }

    #[test]
    fn wording_and_order_do_not_hide_a_repeated_attempt(
        a in 1..=20i64, b in 1..=20i64, c in 1..=20i64, operators in [0..3usize, 0..3usize], retry in 0..3usize,
    ) {
        let (Some(middle), signs) = (apply(operators[0], a, b), ["+", "-", "*"]) else { return Ok(()) };
        let Some(value) = apply(operators[1], middle, c) else { return Ok(()) };
        prop_assume!(![a, b, c].contains(&middle));
        let swapped = if operators[0] == 1 { [a, b] } else { [b, a] };
        let first = format!("{a} {} {b} = {middle} , {middle} {} {c} = {value} .", signs[operators[0]], signs[operators[1]]);
        let again = format!("{} {} {} = {middle} , {middle} {} {c} = {value} .", swapped[0], signs[operators[0]], swapped[1], signs[operators[1]]);
        let words = ["how about", "hmm , start over :", "let me try another way :"][retry];
        let puzzle = NumberPuzzle { numbers: vec![a, b, c], target: 101 };
        let analysis = analyze(&puzzle, &format!(" first , {first} check : {value} is not 101 . {words} {again}"));
        prop_assert_eq!((analysis.attempts, analysis.repeated_attempts), (2, 1));
        prop_assert_eq!((analysis.self_corrections, analysis.backtracks), (0, 0));
    }
}
