//! The analysis of reasoning against hand-made labels, against generated traces whose truth is known, and
//! against arbitrary text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};

use aha_lab::{
    reasoning::{Analysis, SpanKind, Verdict, analyze},
    task::Puzzle,
};
use proptest::prelude::*;

/// The counts under the names that the labels use.
fn counts(analysis: &Analysis) -> BTreeMap<&'static str, String> {
    let number = |value: usize| value.to_string();
    let pair = |all: usize, some: usize| format!("{all}/{some}");
    BTreeMap::from([
        ("attempts", number(analysis.attempts)),
        ("repeated", number(analysis.repeated_attempts)),
        ("true", number(analysis.true_checks)),
        ("false", number(analysis.false_checks)),
        ("superficial", number(analysis.superficial_checks)),
        ("corrected", number(analysis.self_corrections)),
        ("backtracks", number(analysis.backtracks)),
        ("phrases", number(analysis.phrases)),
        ("steps", pair(analysis.arithmetic_steps, analysis.arithmetic_right)),
        ("misses", pair(analysis.stated_misses, analysis.stops_after_miss)),
        ("hits", pair(analysis.stated_hits, analysis.stops_after_hit)),
    ])
}

/// The labels of one line, absent counts filled in.
fn labels(line: &str) -> BTreeMap<&str, String> {
    let mut expected: BTreeMap<&str, String> = counts(&Analysis::default());
    for label in line.split_whitespace() {
        let (name, value) = label.split_once('=').unwrap_or_else(|| panic!("`{label}` is no label"));
        let old = expected.insert(name, value.into());
        assert!(old.is_some(), "`{name}` is no count");
    }
    expected
}

fn puzzle(line: &str) -> Puzzle {
    let (numbers, target) = line.split_once(" -> ").unwrap();
    Puzzle {
        numbers: numbers.split(' ').map(|number| number.parse().unwrap()).collect(),
        target: target.parse().unwrap(),
    }
}

/// What must hold of every analysis of every text.
fn assert_sound(text: &str, analysis: &Analysis) {
    let verdicts = |wanted| analysis.spans.iter().filter(|span| span.verdict == Some(wanted)).count();
    assert_eq!(verdicts(Verdict::True), analysis.true_checks, "{text:?}");
    assert_eq!(verdicts(Verdict::False), analysis.false_checks, "{text:?}");
    assert_eq!(verdicts(Verdict::Superficial), analysis.superficial_checks, "{text:?}");
    let checks = analysis.true_checks + analysis.false_checks + analysis.superficial_checks;
    assert_eq!(analysis.checks, checks, "{text:?}");
    let mut end = 0;
    for span in &analysis.spans {
        assert!(end <= span.start && span.start < span.end, "{text:?}: {span:?} after byte {end}");
        let inside = text.get(span.start..span.end).unwrap_or_else(|| panic!("{text:?}: {span:?}"));
        assert_eq!(span.kind == SpanKind::Verification, span.verdict.is_some(), "{text:?}: {span:?}");
        if let Some(claim) = &span.claim {
            assert!(inside.contains(claim.as_str()), "{inside:?} does not hold {claim:?}");
        }
        end = span.end;
    }
    assert!(analysis.arithmetic_right <= analysis.arithmetic_steps);
    assert!(analysis.attempts <= analysis.arithmetic_steps);
    assert!(analysis.repeated_attempts < analysis.attempts.max(1));
    assert!(analysis.backtracks < analysis.attempts.max(1));
    assert!(analysis.self_corrections <= analysis.backtracks.min(analysis.true_checks));
    assert!(analysis.stops_after_miss <= analysis.stated_misses);
    assert!(analysis.stops_after_hit <= analysis.stated_hits);
    assert!(analysis.stated_misses + analysis.stated_hits <= analysis.checks);
}

fn assert_prefixes_sound(puzzle: &Puzzle, text: &str) {
    for (end, _) in text.char_indices() {
        assert_sound(&text[..end], &analyze(puzzle, &text[..end]));
    }
}

/// The completions of the labelled table with their puzzles and labels.
fn labelled() -> Vec<(Puzzle, String, &'static str)> {
    let mut current = None;
    let mut completion = None;
    let mut entries = Vec::new();
    for line in include_str!("data/labelled_traces.txt").lines() {
        if let Some(rest) = line.strip_prefix("puzzle ") {
            current = Some(puzzle(rest));
        } else if let Some(rest) = line.strip_prefix('>') {
            let text = rest
                .replace("{A}", "4 * 16 = 64 , 64 - 1 = 63 .")
                .replace("{B}", "16 + 4 = 20 , 20 - 1 = 19 .")
                .replace("{C}", "16 - 4 = 12 , 12 + 1 = 13 .")
                .replace("{end}", "</think> <answer> ( 16 + 4 ) - 1 </answer>")
                .replace("\\n", "\n");
            assert!(completion.replace(text).is_none(), "a completion without labels before: {line}");
        } else if let Some(rest) = line.strip_prefix('=') {
            entries.push((current.clone().unwrap(), completion.take().unwrap(), rest));
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
        }
    }
    entries
}

#[test]
fn hand_labelled_traces_have_exactly_these_counts() {
    let entries = labelled();
    assert!(entries.len() >= 60, "only {} entries", entries.len());
    let mut wrong = String::new();
    for (puzzle, text, line) in &entries {
        let analysis = analyze(puzzle, text);
        assert_sound(text, &analysis);
        let (found, expected) = (counts(&analysis), labels(line));
        for (name, value) in &expected {
            if found[name] != *value {
                wrong += &format!("{text}\n    {name}: expected {value}, found {}\n", found[name]);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_prefix_of_a_labelled_trace_is_safe() {
    for (puzzle, text, _) in labelled() {
        assert_prefixes_sound(&puzzle, &text);
    }
}

#[test]
fn counts_of_a_growing_text_only_settle() {
    // While a text streams, attempts and decided checks that stand stay.
    let (puzzle, text, _) =
        labelled().into_iter().find(|(_, text, _)| text.contains("keep 64")).expect("a trace that keeps 64");
    let mut last = Analysis::default();
    for (end, _) in text.match_indices(" . ") {
        let now = analyze(&puzzle, &text[..end]);
        assert!(now.attempts >= last.attempts && now.true_checks >= last.true_checks, "{:?}", &text[..end]);
        assert_eq!(now.false_checks + now.superficial_checks, 0, "{:?}", &text[..end]);
        last = now;
    }
    assert_eq!((last.attempts, last.true_checks), (3, 3));
}

#[test]
fn spans_mark_what_a_person_would_mark() {
    let text = " first , 4 * 16 = 64 , 64 - 1 = 63 . check : 63 is not 19 . hmm , try again : 16 + 4 = 20 , \
        20 - 1 = 18 . verify : 18 , too high . that works . </think> <answer> 1 </answer> <answer> ( 16 + 4 ) - 1 ";
    let analysis = analyze(&puzzle("4 1 16 -> 19"), text);
    let seen: Vec<_> = analysis
        .spans
        .iter()
        .map(|span| (span.kind, &text[span.start..span.end], span.claim.as_deref(), span.verdict))
        .collect();
    let verification = SpanKind::Verification;
    assert_eq!(
        seen,
        [
            (verification, "check : 63 is not 19", Some("63 is not 19"), Some(Verdict::True)),
            (SpanKind::Hesitation, "hmm", None, None),
            (SpanKind::Backtracking, "try again", None, None),
            (verification, "verify : 18 , too high", Some("18 , too high"), Some(Verdict::False)),
            (verification, "that works", Some("that works"), Some(Verdict::False)),
            (SpanKind::Answer, "( 16 + 4 ) - 1", None, None),
        ]
    );
}

#[test]
fn hostile_texts_are_read_to_their_end() {
    let puzzle = puzzle("4 1 16 -> 19");
    let size = 1 << 18;
    for piece in [
        "(",
        ")",
        "9",
        "1.",
        "- ",
        "1 - ",
        "( 1 + ",
        "1 = ",
        ", ",
        "no , ",
        "wait . ",
        "check : ",
        "check : 4 * 16 = 64 . ",
        "too high 5 , , ",
        "5 , , , , , , , , is ",
        "is not ",
        "let me try ",
        "try again : ",
        "keep 64 : ",
        "<answer>",
        "</answer> <think",
        "4 * 16 = 64 , ",
        "64 - 1 = 63 . check : 63 is not 19 . ",
        "é’-",
        "\\times",
        "\u{0}\u{202e}",
    ] {
        let text = piece.repeat(size / piece.len());
        assert_sound(&text, &analyze(&puzzle, &text));
        let text = format!(" 4 * 16 = 64 . {text}");
        assert_sound(&text, &analyze(&puzzle, &text));
    }
    let chain: String = (1..50_000).map(|value| format!(" {value} + 1 = {} ,", value + 1)).collect();
    let analysis = analyze(&puzzle, &chain);
    assert_eq!((analysis.attempts, analysis.arithmetic_right), (1, 49_999));
    for extreme in [i64::MIN, i64::MAX, 0] {
        let puzzle = Puzzle { numbers: vec![extreme; 3], target: extreme };
        let text = format!(" {extreme} + {extreme} = {extreme} . check : {extreme} = {extreme} , yes .");
        assert_sound(&text, &analyze(&puzzle, &text));
    }
}

#[test]
fn an_analysis_survives_json() {
    for (puzzle, text, _) in labelled() {
        let analysis = analyze(&puzzle, &text);
        let json = serde_json::to_string(&analysis).unwrap();
        assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), analysis);
    }
}

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
            truth.corrected += usize::from(*rightly_missed == Some(true));
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

fn pieces() -> impl Strategy<Value = String> {
    let words = "first let me try again another way : , . check verify wait hmm no yes that is not right works \
        too high low back to keep instead start over 4 16 1 64 63 19 20 + - * / = ≠ ( ) ✓ ✗ <answer> </answer> \
        <think> </think> ? 7.5 0 × − that's isn’t";
    let words: Vec<&'static str> = words.split_whitespace().collect();
    let piece = prop_oneof![
        8 => prop::sample::select(words).prop_map(str::to_owned),
        1 => Just("4 * 16 = 64".to_owned()),
        1 => Just("check : 63 is not 19 .".to_owned()),
        1 => "\\PC{0,3}",
    ];
    (prop::collection::vec(piece, 0..60), prop::sample::select(vec![" ", "", "\n"]))
        .prop_map(|(pieces, between)| pieces.join(between))
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
        let puzzle = Puzzle { numbers: numbers.to_vec(), target };
        let analysis = analyze(&puzzle, &text);
        assert_sound(&text, &analysis);
        prop_assert_eq!(found(&analysis), truth, "{} for {}", text, target);
        prop_assert_eq!(analysis.arithmetic_right, analysis.arithmetic_steps);
        prop_assert_eq!(analysis.superficial_checks, 0);
    }

    #[test]
    fn arbitrary_text_is_safe(text in "\\PC{0,200}", target in any::<i64>()) {
        let puzzle = Puzzle { numbers: vec![1, 2, target], target };
        assert_sound(&text, &analyze(&puzzle, &text));
    }

    #[test]
    fn any_mixture_of_the_language_is_safe_at_every_prefix(text in pieces()) {
        assert_prefixes_sound(&puzzle("4 1 16 -> 19"), &text);
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
        let puzzle = Puzzle { numbers: vec![a, b, c], target: 101 };
        let analysis = analyze(&puzzle, &format!(" first , {first} check : {value} is not 101 . {words} {again}"));
        prop_assert_eq!((analysis.attempts, analysis.repeated_attempts), (2, 1));
        prop_assert_eq!((analysis.self_corrections, analysis.backtracks), (0, 0));
    }
}

#[test]
fn distinct_labelled_completions_only() {
    let mut seen = HashSet::new();
    for (puzzle, text, _) in labelled() {
        assert!(seen.insert((puzzle, text.clone())), "twice: {text}");
    }
}
