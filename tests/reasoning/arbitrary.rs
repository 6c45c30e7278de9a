//! Arbitrary and hostile text: nothing is invented that does not hold together, and all is read to the end.

use aha_lab::{reasoning::analyze, record::NumberPuzzle};
use proptest::prelude::*;

use super::sound::{assert_prefixes_sound, assert_sound, puzzle};

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
        "add 4 and ",
        "the sum of ",
        "adding that to ",
        "4 + 16 = 20 then subtract it ",
        "that + ",
        "4 subtracted from ",
        "multiply 4 by 16 to get 64 and then ",
        "4 = 4 * 1 = 4 * 16 = ",
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
        let puzzle = NumberPuzzle { numbers: vec![extreme; 3], target: extreme };
        let text = format!(" {extreme} + {extreme} = {extreme} . check : {extreme} = {extreme} , yes .");
        assert_sound(&text, &analyze(&puzzle, &text));
    }
}

/// Pieces whose words stand for numbers named elsewhere, or may be a distance as well as a calculation.
const PHRASES: [&str; 12] = [
    "16 over that",
    "that - 1 = 63",
    "subtracted from it",
    "adding that to 16 gives 80",
    "multiply it by 4 to get 76",
    "45 short of 19",
    "off by 45",
    "by 45",
    "start from 19",
    "half of 19",
    "back to that",
    "the sum of 4 and 16 is 20",
];

/// As many as the variable asks for, or enough for every day.
fn settings() -> ProptestConfig {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default().cases,
        None => 1500,
    };
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

#[test]
fn a_number_that_a_word_stands_for_takes_no_place_of_its_own() {
    for text in [
        "4 * 16 = 64 first 4 over that first",
        "4 * 16 = 64 7ఊ? 16 over that",
        "4 * 16 = 64 . 45 over that .",
        "16 + 4 - 1 = 19 , 4 over that , which is too high",
    ] {
        assert_prefixes_sound(&puzzle("4 1 16 -> 19"), text);
        assert_sound(text, &analyze(&puzzle("4 1 16 -> 19"), text));
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let words = "first let me try again another way : , . check verify wait hmm no yes that is not right works \
        too high low back to keep instead start over 4 16 1 64 63 19 20 + - * / = ≠ ( ) ✓ ✗ <answer> </answer> \
        <think> </think> ? ! ; 7.5 0 × − that's isn’t it this the result of sum difference product half twice add \
        adding multiply multiplying subtract subtracting divide divided by from and with take taking then gives get \
        leaves which equals plus minus times short off away more less than above below under need target goal so \
        one two five are missing left exactly recheck whether reached arrived at we I but → | {";
    let words: Vec<&'static str> = words.split_whitespace().collect();
    let piece = prop_oneof![
        8 => prop::sample::select(words).prop_map(str::to_owned),
        1 => Just("4 * 16 = 64".to_owned()),
        1 => Just("check : 63 is not 19 .".to_owned()),
        1 => prop::sample::select(PHRASES.as_slice()).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ];
    (prop::collection::vec(piece, 0..60), prop::sample::select(vec![" ", "", "\n"]))
        .prop_map(|(pieces, between)| pieces.join(between))
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn arbitrary_text_is_safe(text in "\\PC{0,200}", target in any::<i64>()) {
        let puzzle = NumberPuzzle { numbers: vec![1, 2, target], target };
        assert_sound(&text, &analyze(&puzzle, &text));
    }

    #[test]
    fn any_mixture_of_the_language_is_safe_at_every_prefix(text in pieces()) {
        assert_prefixes_sound(&puzzle("4 1 16 -> 19"), &text);
    }
}
