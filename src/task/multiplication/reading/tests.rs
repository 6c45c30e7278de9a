#![allow(clippy::unwrap_used)]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::task::{
    RewardRules,
    lessons::Lessons,
    multiplication::{FAMILY, corpus::CorpusRules},
};

fn read(text: &str) -> Analysis {
    analyze(&NumberPuzzle { numbers: vec![23, 47], target: 1081 }, text)
}

/// Attempts, decompositions, true, false and superficial checks, self-corrections.
fn counts(text: &str) -> [usize; 6] {
    let found = read(text);
    [
        found.attempts,
        found.decompositions,
        found.true_checks,
        found.false_checks,
        found.superficial_checks,
        found.self_corrections,
    ]
}

#[test]
fn decompositions_are_decided_by_their_parts() {
    for (text, expected) in [
        ("i guess 23 * 47 = 1071 .", [1, 0, 0, 0, 0, 0]),
        ("split 47 = 40 + 7 : 23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 .", [1, 1, 0, 0, 0, 0]),
        ("23 * 47 = 23 * 40 + 23 * 7 = 920 + 161 = 1081 .", [1, 1, 0, 0, 0, 0]),
        ("23 * 47 = 23 * (40 + 7) = 920 + 161 = 1,081.", [1, 1, 0, 0, 0, 0]),
        ("23 × 47 = (20 + 3) × (40 + 7) = 800 + 140 + 120 + 21 = 1081", [1, 1, 0, 0, 0, 0]),
        ("23 * 50 = 1150 , 23 * 3 = 69 , 1150 - 69 = 1081 .", [1, 1, 0, 0, 0, 0]),
        (
            "20 * 40 = 800 , 20 * 7 = 140 , 3 * 40 = 120 , 3 * 7 = 21 , 800 + 140 = 940 , 940 + 120 = 1060 , \
          1060 + 21 = 1081 .",
            [1, 1, 0, 0, 0, 0],
        ),
        // A wrong result does not make it a different rule; different parts do.
        ("23 * 40 = 910 , 23 * 7 = 161 , 910 + 161 = 1071 .", [1, 1, 0, 0, 0, 0]),
        ("23 * 40 = 920 , 23 * 8 = 184 , 920 + 184 = 1104 .", [1, 0, 0, 0, 0, 0]),
        ("23 * 40 = 920 , 23 * 7 = 161 .", [1, 0, 0, 0, 0, 0]),
        // The steps may be spread over sentences.
        ("23 * 40 = 920. 23 * 7 = 161. Together 920 + 161 = 1081.", [1, 1, 0, 0, 0, 0]),
        ("split 47 = 40 + 7 : 23 * 40 = 920", [1, 0, 0, 0, 0, 0]),
        ("", [0; 6]),
    ] {
        assert_eq!(counts(text), expected, "{text}");
    }
}

#[test]
fn checks_are_decided_by_arithmetic() {
    let guess = "maybe 23 * 47 = 1071 .";
    let right = "maybe 23 * 47 = 1081 .";
    for (before, check, expected) in [
        (right, "check : last digit 3 * 7 = 21 , ends in 1 , yes .", [1, 0, 1, 0, 0, 0]),
        (right, "check : last digit 3 * 7 = 24 , ends in 4 , not 1 .", [1, 0, 0, 1, 0, 0]),
        // The last digit confirms a wrong product: misled, which this table does not count.
        (guess, "check : last digit 3 * 7 = 21 , ends in 1 , yes .", [1, 0, 0, 0, 0, 0]),
        (guess, "check : last digit 3 * 7 = 21 , ends in 1 , not 1 .", [1, 0, 0, 1, 0, 0]),
        (right, "check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , yes .", [2, 1, 1, 0, 0, 0]),
        (
            guess,
            "check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , not 1071 . so 1081 .",
            [2, 1, 1, 0, 0, 1],
        ),
        (guess, "check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , yes .", [2, 1, 0, 1, 0, 0]),
        (guess, "check : 20 * 47 = 930 , 3 * 47 = 141 , 930 + 141 = 1071 , yes .", [2, 1, 0, 1, 0, 0]),
        (guess, "check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , not 1061 .", [2, 1, 0, 1, 0, 0]),
        (right, "verify : 1081 , yes .", [1, 0, 0, 0, 1, 0]),
        (right, "check : yes .", [1, 0, 0, 0, 1, 0]),
        (guess, "that is wrong .", [1, 0, 1, 0, 0, 0]),
        (right, "wait , that is wrong .", [1, 0, 0, 1, 0, 0]),
        (right, "that is right .", [1, 0, 1, 0, 0, 0]),
        (guess, "check : last digit 3 *", [1, 0, 0, 0, 0, 0]),
    ] {
        let text = format!("{before} {check}");
        assert_eq!(counts(&text), expected, "{text}");
    }
}

#[test]
fn a_check_that_rests_on_a_slip_is_misled() {
    let slip = "20 * 47 = 930 , 3 * 47 = 141 , 930 + 141 = 1071 .";
    let cancelled = "20 * 47 = 930 , 3 * 47 = 141 , 930 + 141 = 1081 .";
    for (text, [truly, misled, falsely]) in [
        (format!("{slip} check : 930 + 141 = 1071 , yes ."), [0, 1, 0]),
        (format!("{slip} check : 930 + 141 = 1081 , not 1071 ."), [0, 0, 1]),
        (format!("{slip} check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , not 1071 ."), [1, 0, 0]),
        (format!("{slip} check : last digit 3 * 7 = 21 , ends in 1 , yes ."), [0, 1, 0]),
        (format!("{slip} that is wrong ."), [1, 0, 0]),
        (format!("{slip} that is right ."), [0, 0, 1]),
        (format!("{cancelled} that is right ."), [0, 1, 0]),
    ] {
        let found = read(&text);
        let verdicts = [found.true_checks, found.misled_checks, found.false_checks];
        assert_eq!(verdicts, [truly, misled, falsely], "{text}");
    }
}

#[test]
fn a_right_product_is_derived_by_a_way_without_a_slip() {
    for (text, faithful, first_hit) in [
        (
            "23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 . </think> <answer> 1081 </answer>",
            Some(true),
            Some(1),
        ),
        (
            "23 * 40 = 910 , 23 * 7 = 161 , 910 + 161 = 1081 . </think> <answer> 1081 </answer>",
            Some(false),
            Some(1),
        ),
        (
            "23 * 40 = 920 , 23 * 8 = 184 , 920 + 184 = 1104 . try again : 23 * 40 = 920 , 23 * 7 = 161 , \
          920 + 161 = 1081 . </think> <answer> 1081 </answer>",
            Some(true),
            Some(2),
        ),
        ("</think> <answer> 1081 </answer> 23 * 47 = 1081", Some(false), Some(1)),
        ("23 * 47 = 1081 . </think> <answer> none </answer>", None, Some(1)),
        ("hmm", None, None),
    ] {
        let found = read(text);
        assert_eq!((found.faithful, found.first_hit), (faithful, first_hit), "{text}");
    }
}

#[test]
fn a_miss_that_another_way_follows_is_a_self_correction_once() {
    let text = " maybe 23 * 47 = 1084 . check : last digit 3 * 7 = 21 , ends in 1 , not 4 . wait , that is wrong . \
                23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 . </think> <answer> 1081 </answer>";
    let found = read(text);
    assert_eq!((found.self_corrections, found.backtracks), (1, 1));
    assert_eq!((found.stated_misses, found.stops_after_miss), (1, 0));
    let kinds: Vec<SpanKind> = found.spans.iter().map(|span| span.kind).collect();
    assert_eq!(kinds, [SpanKind::Verification, SpanKind::Backtracking, SpanKind::Answer]);
    let last = found.spans.last().unwrap();
    assert_eq!(&text[last.start..last.end], "1081");
    let stop = read(
        "maybe 23 * 47 = 1084 . check : last digit 3 * 7 = 21 , ends in 1 , not 4 . </think> <answer> 1 </answer>",
    );
    assert_eq!((stop.stated_misses, stop.stops_after_miss, stop.self_corrections), (1, 1, 0));
}

#[test]
fn the_same_way_again_is_a_repeated_attempt() {
    let way = "23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 .";
    let found = read(&format!("{way} try again : 23 * 47 = 23 * 7 + 23 * 40 = 161 + 920 = 1081 ."));
    assert_eq!((found.attempts, found.repeated_attempts), (2, 1));
    assert_eq!(read(&format!("{way} </think> <answer> 1 </answer> {way}")).repeated_attempts, 1);
}

#[test]
fn what_the_corpus_calls_right_is_read_as_right() {
    let rules = CorpusRules { drills: 0.0, slips: 0.0, wrong_confirmation: 0.0, ..CorpusRules::default() };
    let task = (FAMILY.at)("2x2").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut checks, mut corrected, mut apart) = (0, 0, 0);
    for _ in 0..3_000 {
        let document = rules.document(&mut rng);
        let text = document.words.concat().replace('▁', " ");
        let (prompt, completion) = text.split_once(" <think>").unwrap();
        let numbers: Vec<i64> = prompt.split(' ').filter_map(|word| word.parse().ok()).collect();
        let puzzle = task.assemble(numbers, None).unwrap();
        let given = NumberPuzzle::of(&puzzle).unwrap();
        let found = analyze(&given, completion);
        assert_eq!((found.false_checks, found.superficial_checks), (0, 0), "{completion}");
        // For a square, splitting either factor is the same way.
        assert!(found.repeated_attempts == 0 || given.numbers[0] == given.numbers[1], "{completion}");
        let score = task.score(&puzzle, completion, &RewardRules::default());
        assert!(score.format, "{completion}");
        if found.decompositions > 0 {
            let wrong = found.arithmetic_steps - found.arithmetic_right;
            assert!(wrong <= 1, "{completion}: only the estimate may be wrong");
        }
        checks += found.checks;
        corrected += found.self_corrections;
        apart += usize::from(found.decompositions > 0);
    }
    assert!(checks > 500 && corrected > 100 && apart > 500, "{checks} {corrected} {apart}");
}

#[test]
fn spans_are_in_order_apart_and_on_characters_for_any_text() {
    let pieces = [
        "23",
        " * ",
        "47",
        " = ",
        "1081",
        " , ",
        " . ",
        "check",
        " : ",
        "last digit",
        "ends in",
        " yes",
        " not ",
        "(",
        ")",
        "+",
        "-",
        "<answer>",
        "</answer>",
        "</think>",
        "wait",
        "try again",
        "split ",
        "é",
        "▁",
        "that is wrong",
        "99999999999999999999999999999999999999",
        "\n",
        "×",
        "by parts",
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for _ in 0..20_000 {
        let text: String = (0..rand::RngExt::random_range(&mut rng, 0..40))
            .map(|_| pieces[rand::RngExt::random_range(&mut rng, 0..pieces.len())])
            .collect();
        let found = read(&text);
        let mut end = 0;
        for span in &found.spans {
            assert!(span.start >= end && span.end > span.start, "{text:?}: {:?}", found.spans);
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            end = span.end;
        }
        let decided = found.true_checks + found.misled_checks + found.false_checks;
        assert_eq!(found.checks, decided + found.superficial_checks);
        assert!(found.decompositions <= found.attempts && found.arithmetic_right <= found.arithmetic_steps);
        assert!(found.stops_after_miss <= found.stated_misses && found.stops_after_hit <= found.stated_hits);
    }
}

#[test]
fn a_long_text_is_read_in_linear_time_and_deep_parentheses_are_let_be() {
    for piece in
        ["(", "23 * ", "1 + 1 = 2 , 2 + 2 = 4 , ", "check : ", "wait ", "23 * 47 = ", "920 + 161 = 1081 . "]
    {
        let found = read(&piece.repeat(200_000 / piece.len()));
        assert!(found.attempts <= 200_000);
    }
}

#[test]
fn an_outline_names_the_ways_and_what_is_said_of_their_parts() {
    let text = " maybe 23 * 47 = 1071 . check : 20 * 47 = 940 , 3 * 47 = 131 , 940 + 131 = 1071 , yes .";
    let puzzle = NumberPuzzle { numbers: vec![23, 47], target: 1081 };
    let lines: Vec<String> = outline(&puzzle, text)
        .into_iter()
        .map(|line| {
            format!("{} {} {} {:?}", line.depth, line.words, line.stated.unwrap_or_default(), line.right)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "0 23 * 47 1071 Some(false)",
            "0 20 * 47 + 3 * 47 1071 Some(false)",
            "1 20 * 47 940 Some(true)",
            "1 3 * 47 131 Some(false)",
        ]
    );
    let written_out = outline(&puzzle, "23 * 47 = 23 * 50 - 23 * 3 = 1150 - 69 = 1081 .");
    assert_eq!((written_out[0].words.as_str(), written_out[0].right), ("23 * 50 - 23 * 3", Some(true)));
    assert_eq!(written_out[1].stated, None, "said nowhere by itself");
}

#[test]
fn every_self_correction_has_a_place() {
    for text in [
        "23 * 47 = 1071 . check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , not 1071 . 23 * 40 = 920 , \
         23 * 7 = 161 , 920 + 161 = 1081 .",
        "i guess 23 * 47 = 1071 . that is not right . let me try again : 23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 .",
    ] {
        let found = read(text);
        let places: Vec<&str> =
            found.spans.iter().filter(|span| span.corrects).map(|span| &text[span.start..span.end]).collect();
        assert_eq!(places.len(), found.self_corrections, "{places:?}");
    }
}
