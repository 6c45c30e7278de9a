//! Small inputs with the counts that they must have: what is miscalculated, what is told in words, what derives the
//! answer, what corrects anything.

use aha_lab::{reasoning::analyze, record::NumberPuzzle};
use serde_json::{Value, json};

use super::sound::assert_sound;

/// The analysis of a completion as `analyze` prints it.
fn answer(numbers: &[i64], target: i64, completion: &str) -> Value {
    let analysis = analyze(&NumberPuzzle { numbers: numbers.to_vec(), target }, completion);
    assert_sound(completion, &analysis);
    serde_json::to_value(analysis).unwrap()
}

/// Every deviation from what was wanted, in words.
fn deviations(found: &Value, want: &Value) -> Vec<String> {
    let named = want.as_object().unwrap().iter().filter(|(name, _)| *name != "text");
    named
        .filter(|(name, value)| found.get(name.as_str()).unwrap_or(&Value::Null) != *value)
        .map(|(name, value)| format!("{name}: wanted {value}, found {}", found[name.as_str()]))
        .collect()
}

#[test]
fn the_agreed_cases_have_their_counts() {
    let mut wrong = String::new();
    let mut cases = 0;
    for line in include_str!("../data/analyze_cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let numbers: Vec<i64> = serde_json::from_value(case["numbers"].clone()).unwrap();
        let found = answer(&numbers, case["target"].as_i64().unwrap(), case["completion"].as_str().unwrap());
        let deviations = deviations(&found, &case["want"]);
        if !deviations.is_empty() {
            wrong += &format!("{}: {} ({})\n", case["id"], deviations.join("; "), case["why"]);
        }
        cases += 1;
    }
    assert!(cases >= 7);
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Texts of one puzzle and what they must have.
fn hold(numbers: &[i64], target: i64, texts: &[(&str, Value)]) {
    let mut wrong = String::new();
    for (text, want) in texts {
        let deviations = deviations(&answer(numbers, target, text), want);
        if !deviations.is_empty() {
            wrong += &format!("{text}\n    {}\n", deviations.join("; "));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn steps_in_words_are_steps_right_or_wrong() {
    let right = json!({"arithmetic_steps": 1, "arithmetic_right": 1});
    let wrong = json!({"arithmetic_steps": 1, "arithmetic_right": 0});
    let two = json!({"arithmetic_steps": 2, "arithmetic_right": 2, "attempts": 1});
    let none = json!({"arithmetic_steps": 0});
    hold(
        &[61, 9, 7, 13],
        52,
        &[
            ("Multiplying 7 by 9 gives 63.", right.clone()),
            ("If I subtract 9 from 61, I get 53.", wrong.clone()),
            ("I could subtract 9 from 61, which leaves 52.", right.clone()),
            ("The sum of 61 and 9 is 70.", right.clone()),
            ("The sum of 61, 9 and 7 is 77.", right.clone()),
            ("The sum of 61, 9, and 7 would be 78.", wrong.clone()),
            ("The difference between 9 and 61 is 52.", right.clone()),
            ("The product of 7 and 13 comes to 91.", right.clone()),
            ("Adding 9 and 7 together makes 17.", wrong.clone()),
            ("13 subtracted from 61 is 48.", right.clone()),
            ("9 added to 13 gives us 23.", wrong.clone()),
            ("Take 9 away from 61 and you get 52.", right.clone()),
            ("Multiply 7 by 9 and then subtract 13 to get 50.", right.clone()),
            ("Add 61 and 9, then divide by 7 to get 10.", right.clone()),
            ("Start with 61. Subtract 9 to get 52.", right.clone()),
            ("Add 61 and 9. That gives 70.", right.clone()),
            ("Add 61 and 9: 70.", right.clone()),
            ("Dividing 63 by 9 results in 7.", right.clone()),
            ("61 + 9, which is 71.", wrong.clone()),
            ("61 minus 9. That's 52.", right.clone()),
            ("61 - 9 gives us a total of 52.", right.clone()),
            ("61 / 9 = 6.78", right.clone()),
            ("Adding 9 to 61 gives 70. Subtracting 13 from that gives 57.", two.clone()),
            ("61 + 9 = 70. Dividing the result by 7 gives 10.", two.clone()),
            ("61 + 9 = 70 and that divided by 7 is 10.", two.clone()),
            ("61 + 9 = 70, which is more than 52. Then it minus 13 is 57.", json!({"arithmetic_right": 2})),
            ("61 + 9 = 70. 13 subtracted from that is 57.", two.clone()),
            ("61 + 9 = 70 - 13 = 57", two),
            ("I can't subtract 9 from 61 to get 53.", none.clone()),
            ("Adding 61 and 9 leaves 7 and 13.", none.clone()),
            ("I need to add something to 61. I have 9 left.", none.clone()),
            ("We need to multiply by 2 to get 52.", none),
        ],
    );
}

#[test]
fn a_check_of_a_miscalculated_value_is_misled_and_never_true() {
    let one = |verdict: &str| {
        let mut want = json!({"checks": 1, "true_checks": 0, "misled_checks": 0, "false_checks": 0});
        want[verdict] = 1.into();
        want
    };
    let (truly, misled, falsely) = (one("true_checks"), one("misled_checks"), one("false_checks"));
    hold(
        &[31, 8, 14],
        53,
        &[
            ("31 + 14 = 45, 45 + 8 = 53. That works.", truly.clone()),
            ("31 + 14 = 46, 46 + 8 = 54. That is not 53.", misled.clone()),
            ("31 + 14 = 46, 46 + 8 = 54. That works.", falsely.clone()),
            ("31 + 14 = 46, 46 + 8 = 54. Too low.", falsely.clone()),
            ("31 + 14 = 44, 44 + 8 = 53. That works!", misled.clone()),
            ("31 + 14 + 8 = 54, too high by 1.", misled.clone()),
            ("31 + 14 + 8 = 54, too high by 2.", falsely.clone()),
            ("31 + 14 + 8 = 46 + 8 = 54, which is not 53.", misled.clone()),
            ("Adding 31 and 14 gives 46. Adding 8 to that gives 54, not 53.", misled.clone()),
            // What it works out again rests on the slip, or repeats it, or finds it.
            ("31 + 14 = 46, 46 + 8 = 54. Check: 46 + 8 = 54, not 53.", misled.clone()),
            ("31 + 14 = 46, 46 + 8 = 54. Check: 31 + 14 = 46, not 53.", falsely.clone()),
            (
                "31 + 14 = 46, 46 + 8 = 54. Check: 31 + 14 = 45, 45 + 8 = 53. That works.",
                json!({"true_checks": 2, "checks": 2}),
            ),
            ("31 + 14 = 46, 46 + 8 = 54. Wait, that is 53, so it works.", truly.clone()),
            // The text says 53 and does not come to it; whoever denies that has seen it.
            ("31 + 8 = 39, 39 + 13 = 53. That is not right.", truly),
            ("31 + 8 = 39, 39 + 13 = 53. That is right.", misled),
            ("31 + 14 = 45, 45 + 8 = 53. That is not right.", falsely),
        ],
    );
}

#[test]
fn a_check_is_read_for_what_it_is_about() {
    let one = |verdict: &str, attempts: usize| json!({"checks": 1, verdict: 1, "attempts": attempts});
    hold(
        &[31, 8, 14],
        53,
        &[
            // Of the rules and the numbers nothing is worked out, whatever is answered.
            ("31 + 14 + 8 = 53. Let me check the numbers. Yes.", one("superficial_checks", 1)),
            ("31 + 14 + 8 = 53. I will check the rules once more. Good.", one("superficial_checks", 1)),
            ("31 + 14 + 8 = 53. Let me verify. Yes, all of them are used.", one("superficial_checks", 1)),
            ("31 + 14 + 8 = 53. Is that correct? Let me see.", one("superficial_checks", 1)),
            ("31 + 14 + 8 = 53. Let me go over the whole thing.", one("superficial_checks", 1)),
            ("Is it right to begin with 31? 31 + 14 + 8 = 53.", json!({"checks": 0, "attempts": 1})),
            // What a value is said to be.
            ("31 * 14 = 434, 434 / 8 = 54.25. It is not a whole number.", one("true_checks", 1)),
            ("31 + 14 + 8 = 53. We have arrived at 53.", one("true_checks", 1)),
            ("31 + 14 - 8 = 37. We have arrived at 53.", one("false_checks", 1)),
            ("31 + 14 - 8 = 37. It misses the target by 16.", one("true_checks", 1)),
            ("31 + 14 - 8 = 37. It misses the target by 15.", one("false_checks", 1)),
            ("31 + 14 - 8 = 37. That's half of 53.", one("false_checks", 1)),
            ("31 + 8 = 39, 14 are missing.", one("true_checks", 1)),
            ("31 + 14 = 45, 8 over 53.", one("false_checks", 1)),
            ("31 * 8 = 248, 248 over 8 is 31, 31 over 31 is 1.", json!({"checks": 0, "arithmetic_right": 3})),
            ("31 * 8 = 248, 14 over that is small.", json!({"checks": 0})),
            // What is written down again is no other attempt.
            ("31 + 14 = 45. So 31 + 14 + 8 = 53.", json!({"attempts": 1})),
            ("31 + 14 = 45. Maybe 31 + 14 + 8 = 53.", json!({"attempts": 2})),
            ("31 + 14 + 8 = 53? 31 + 14 = 45, 45 + 8 = 53.", json!({"attempts": 1})),
            ("31 + 14 + 8 = 53. 31 + 14 + 8 = 53.", json!({"attempts": 1})),
            ("31 + 14 + 8 = 53, no. 31 + 14 + 8 = 53.", json!({"attempts": 2, "repeated_attempts": 1})),
            ("31 + 14 + 8 = 53. Check: 31 + 14 = 44, 44 + 8 = 52.", one("false_checks", 1)),
        ],
    );
}

#[test]
fn an_answer_is_faithful_where_steps_without_a_slip_derive_it() {
    let faithful = |value: Value| json!({"faithful": value});
    hold(
        &[87, 49, 23],
        61,
        &[
            (
                "49 - 23 = 26 , 87 - 26 = 61 . </think> <answer> 87 - ( 49 - 23 ) </answer>",
                faithful(true.into()),
            ),
            (
                "49 - 23 = 22 , 87 - 22 = 70 . that works . <answer> 87 - ( 49 - 23 ) </answer>",
                faithful(false.into()),
            ),
            ("49 - 23 = 22 , 87 - 22 = 65 . <answer> 87 - ( 49 - 23 ) </answer>", faithful(false.into())),
            ("87 - (49 - 23) = 87 - 26 = 61 <answer>87 - (49 - 23) = 61</answer>", faithful(true.into())),
            ("87 - (49 - 23) = 87 - 25 = 62 <answer>87 - (49 - 23)</answer>", faithful(false.into())),
            (
                "Subtracting 23 from 49 leaves 26. Taking that from 87 gives 61. <answer>87 - (49 - 23)</answer>",
                faithful(true.into()),
            ),
            ("87 + 23 = 110 , 110 - 49 = 61 . <answer> 23 + 87 - 49 </answer>", faithful(true.into())),
            // A check that works it out again derives it as well.
            (
                "49 - 23 = 25, 87 - 25 = 61. Check: 49 - 23 = 26, 87 - 26 = 61. <answer>87 - (49 - 23)</answer>",
                faithful(true.into()),
            ),
            ("no steps <answer> 87 - ( 49 - 23 ) </answer>", faithful(false.into())),
            ("87 - 23 = 64 <answer> none </answer>", json!({})),
            ("87 - 23 = 64", json!({})),
            ("<answer> 87 - 23 </answer> 87 - 23 = 64", faithful(false.into())),
        ],
    );
    // Of two ways in which a kept result was made, the one that leaves the other numbers over.
    let kept = "19 + 15 = 34 , 34 / 1 = 34 . check : 34 is not 33 . back to 34 : 34 - 1 = 33 . that works . \
                <answer> ( 19 + 15 ) - 1 </answer>";
    hold(&[15, 1, 19], 33, &[(kept, json!({"faithful": true, "first_hit": 2}))]);
    let none = answer(&[87, 49, 23], 61, "87 - 23 = 64 <answer> no idea </answer>");
    assert!(none.get("faithful").is_none(), "{none}");
}

#[test]
fn the_first_hit_is_counted_among_distinct_attempts() {
    let hit = |number: usize| json!({"first_hit": number});
    hold(
        &[4, 1, 16],
        19,
        &[
            ("16 + 4 = 20 , 20 - 1 = 19 .", hit(1)),
            ("16 - 4 = 12 , 12 + 1 = 13 . no . 16 + 4 = 20 , 20 - 1 = 19 .", hit(2)),
            ("16 - 4 = 12 , 12 + 1 = 13 . no . 16 + 1 = 17 , 17 + 4 = 21 . no . 16 + 4 - 1 = 19", hit(3)),
            ("16 + 1 = 17 , 17 + 4 = 21 . no . 4 + 16 + 1 = 21 . no . 16 + 4 - 1 = 18", hit(2)),
        ],
    );
    for text in
        ["", "16 + 4 = 19 .", "16 + 4 = 20 , 20 - 2 = 19 .", "16 + 4 = 20 , 20 - 1 - 0 = 19 .", "20 - 1 = 19"]
    {
        assert!(answer(&[4, 1, 16], 19, text).get("first_hit").is_none(), "{text}");
    }
}

#[test]
fn only_an_attempt_not_made_before_corrects() {
    let corrected = |number: usize| json!({"self_corrections": number});
    let (a, b, c) =
        ("4 * 16 = 64 , 64 - 1 = 63 .", "16 - 4 = 12 , 12 + 1 = 13 .", "16 + 4 = 20 , 20 - 1 = 19 .");
    let texts = [
        (format!("{a} too high . {b}"), 1),
        (format!("{a} too high . {b} too low . {a}"), 1),
        (format!("{a} too high . {b} too low . {a} too high . {c}"), 2),
        (format!("{a} too high . {a} too high . {b}"), 1),
        (format!("{a} too low . {b}"), 0),
        (format!("4 * 16 = 64 , 64 - 1 = 62 . too high . {b}"), 0),
    ];
    let texts: Vec<(&str, Value)> =
        texts.iter().map(|(text, number)| (text.as_str(), corrected(*number))).collect();
    hold(&[4, 1, 16], 19, &texts);
}
