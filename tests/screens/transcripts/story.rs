//! A small made-up run in the base model's language, the same every time.

use std::sync::Arc;

use aha_lab::{
    reasoning::{Analysis, Span, SpanKind, Verdict},
    record::{Problem, Rollout},
    task::NumberPuzzle,
};

/// A few numbers that look random and are not.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A completion as it is written, with what the analysis would find in it.
#[derive(Default)]
pub struct Story {
    text: String,
    analysis: Analysis,
}

impl Story {
    fn say(&mut self, words: &str) {
        self.text.push(' ');
        self.text.push_str(words);
    }

    fn mark(&mut self, words: &str, kind: SpanKind, verdict: Option<Verdict>) {
        let start = self.text.len() + 1;
        self.say(words);
        let claim = verdict.map(|_| words.to_owned());
        self.analysis.spans.push(Span { kind, start, end: self.text.len(), claim, verdict, corrects: false });
    }

    fn attempt(&mut self, words: &str) {
        self.say(words);
        self.analysis.attempts += 1;
        let steps = words.matches('=').count();
        self.analysis.arithmetic_steps += steps;
        self.analysis.arithmetic_right += steps;
    }

    fn check(&mut self, words: &str, verdict: Verdict) {
        self.mark(words, SpanKind::Verification, Some(verdict));
        self.analysis.checks += 1;
        match verdict {
            Verdict::True => self.analysis.true_checks += 1,
            Verdict::Misled => self.analysis.misled_checks += 1,
            Verdict::False => self.analysis.false_checks += 1,
            Verdict::Superficial => self.analysis.superficial_checks += 1,
        }
    }

    fn retry(&mut self, words: &str, after_true_miss: bool) {
        self.mark(words, SpanKind::Backtracking, None);
        if let Some(span) = self.analysis.spans.last_mut() {
            span.corrects = after_true_miss;
        }
        self.analysis.backtracks += 1;
        self.analysis.self_corrections += usize::from(after_true_miss);
    }

    fn answer(&mut self, words: &str) {
        self.say("</think> <answer>");
        self.mark(words, SpanKind::Answer, None);
        self.say("</answer>");
    }
}

/// The puzzle, a right attempt with its answer, and wrong attempts with the values they reach.
type Material = (&'static [i64], i64, &'static str, &'static str, [(&'static str, i64); 3]);

const MATERIAL: [Material; 4] = [
    (
        &[4, 1, 16],
        19,
        "16 + 4 = 20 , 20 - 1 = 19 .",
        "( 16 + 4 ) - 1",
        [
            ("4 * 16 = 64 , 64 - 1 = 63 .", 63),
            ("16 - 4 = 12 , 12 + 1 = 13 .", 13),
            ("16 - 1 = 15 , 15 - 4 = 11 .", 11),
        ],
    ),
    (
        &[3, 7, 12],
        33,
        "3 * 7 = 21 , 21 + 12 = 33 .",
        "3 * 7 + 12",
        [
            ("12 * 3 = 36 , 36 - 7 = 29 .", 29),
            ("7 + 12 = 19 , 19 + 3 = 22 .", 22),
            ("7 * 12 = 84 , 84 / 3 = 28 .", 28),
        ],
    ),
    (
        &[2, 9, 15],
        48,
        "15 + 9 = 24 , 24 * 2 = 48 .",
        "( 15 + 9 ) * 2",
        [
            ("15 * 2 = 30 , 30 + 9 = 39 .", 39),
            ("9 * 2 = 18 , 18 + 15 = 33 .", 33),
            ("15 - 9 = 6 , 6 * 2 = 12 .", 12),
        ],
    ),
    (
        &[20, 5, 6],
        10,
        "20 / 5 = 4 , 4 + 6 = 10 .",
        "20 / 5 + 6",
        [
            ("20 - 5 = 15 , 15 - 6 = 9 .", 9),
            ("20 + 6 = 26 , 26 - 5 = 21 .", 21),
            ("5 * 6 = 30 , 30 - 20 = 10 .", 10),
        ],
    ),
];

/// One completion; the later the step, the more it checks itself.
pub fn completion(step: u64, group: usize, index: usize) -> Rollout {
    let mut dice = Dice::new(step * 7919 + group as u64 * 131 + index as u64 * 17 + 5);
    let (numbers, target, right, answer, wrong) = MATERIAL[(step as usize * 3 + group) % MATERIAL.len()];
    let checking = (4 + step * 6).min(85);
    let mut story = Story::default();
    story.say(dice.pick(&[
        "first ,",
        "let me try",
        "how about",
        "maybe",
        "start with",
        "one idea :",
        "take",
    ]));
    let mut truncated = false;
    let mut correct = dice.percent(14);
    if correct {
        story.attempt(right);
    }
    let mut tries = 0;
    while !correct {
        let (words, value) = wrong[(tries + dice.below(3) as usize) % 3];
        story.attempt(words);
        tries += 1;
        if !dice.percent(checking) || value == target {
            break;
        }
        let true_miss = !dice.percent(15);
        let direction = if (value > target) == true_miss { "high" } else { "low" };
        if !true_miss {
            story.check(&format!("verify : {value} , too {direction} ."), Verdict::False);
        } else if dice.percent(12) {
            story.check("that is not right .", Verdict::Superficial);
        } else {
            let miss = match dice.below(5) {
                0 => format!("check : {value} is not {target} ."),
                1 => format!("verify : {value} , too {direction} ."),
                2 => format!("wait , that is {value} , not {target} ."),
                3 => format!("hmm , {value} is too {direction} ."),
                _ => format!("no , {value} is not {target} ."),
            };
            story.check(&miss, Verdict::True);
        }
        if dice.percent(10) {
            break;
        }
        let told_right = story.analysis.spans.last().is_some_and(|span| span.verdict == Some(Verdict::True));
        story.retry(
            dice.pick(&["try again :", "let me try another way :", "instead ,", "start over :"]),
            told_right,
        );
        if tries > 5 {
            truncated = true;
            break;
        }
        if dice.percent(45) {
            story.attempt(right);
            correct = true;
        }
    }
    if correct && dice.percent(checking) {
        story.check(&format!("check : {target} = {target} , yes ."), Verdict::True);
    }
    if truncated {
        story.say("16 - 4 = 12 , 12");
    } else if correct {
        story.answer(answer);
    } else {
        story.answer("16 - 4 + 1");
    }
    let prompt_numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let tokens = story.text.split(' ').count();
    let reward = match (correct, truncated) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 0.1,
    };
    Rollout {
        step,
        group,
        index,
        problem: Problem {
            task: "countdown".into(),
            puzzle: NumberPuzzle { numbers: numbers.to_vec(), target }.into(),
            prompt: format!("use {} make {target} : <think>", prompt_numbers.join(" ")),
        },
        completion: story.text,
        token_ids: Some(vec![0; tokens]),
        logprobs: Some(vec![0.0; tokens]),
        entropies: Some(vec![0.0; tokens]),
        reward,
        penalties: Default::default(),
        rewards: None,
        advantage: Some(reward - 0.34),
        correct: Some(correct),
        truncated,
        analysis: story.analysis,
    }
}

/// `steps` steps of `groups` groups of eight, in the order in which they are scored.
pub fn run(steps: u64, groups: usize) -> Vec<Arc<Rollout>> {
    let mut records = Vec::new();
    for step in 1..=steps {
        for group in 0..groups {
            let mut members: Vec<Rollout> = (0..8).map(|index| completion(step, group, index)).collect();
            let mean = members.iter().map(|member| member.reward).sum::<f64>() / members.len() as f64;
            for member in &mut members {
                member.advantage = Some(member.reward - mean);
            }
            records.extend(members.into_iter().map(Arc::new));
        }
    }
    records
}
