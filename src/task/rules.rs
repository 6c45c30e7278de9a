//! The rules that decide a reward, and why a completion earns what it does, in a sentence.

use super::{Puzzle, RewardRules, Score, Task, answer};
use crate::{record::Penalties, settings::choices};

choices! {
    /// What a completion must do to be right. The first rule that it breaks decides.
    pub enum Rule {
        /// It has an answer between tags.
        Answered = "answered",
        /// The answer is closed.
        Closed = "closed",
        /// The answer can be read: the grammar allows all of it.
        Grammar = "grammar",
        /// The answer has a value: nothing is divided by zero.
        Value = "value",
        /// It uses given numbers only, and joins no digits.
        GivenNumbers = "given_numbers",
        /// It uses no number more often than it is given.
        NotTooOften = "not_too_often",
        /// It leaves out no given number.
        AllUsed = "all_used",
        /// Its value is the one that is asked for.
        Target = "target",
        /// A value that it states for itself is its own.
        Stated = "stated",
    }
}

/// A score, and what decided it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The score.
    pub score: Score,
    /// The first rule of [`Task::rules`] that the completion breaks; `None` where it breaks none, or the task has not
    /// told its rules.
    pub broken: Option<Rule>,
}

/// How a rule stands in a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It is broken, and that decides.
    Broken,
    /// It was not looked at: an earlier one is broken.
    NotReached,
}

impl Judged {
    /// The rules of the task, each with how it stands.
    pub fn standings(&self, rules: &[Rule]) -> Vec<(Rule, Standing)> {
        let decided = self.broken.and_then(|broken| rules.iter().position(|rule| *rule == broken));
        let standing = |at: usize| match decided {
            Some(decided) if at == decided => Standing::Broken,
            Some(decided) if at > decided => Standing::NotReached,
            _ => Standing::Holds,
        };
        rules.iter().enumerate().map(|(at, rule)| (*rule, standing(at))).collect()
    }

    /// The key that sets what is paid; `None` where nothing is.
    pub fn paid_by(&self) -> Option<&'static str> {
        match (self.score.correct, self.score.format) {
            (true, _) => Some("reward_correct"),
            (false, true) => Some("reward_format"),
            (false, false) => None,
        }
    }

    /// Why the completion earns what it does under these rules, less these penalties, in a sentence: `It earns 0.1
    /// (reward_format): the answer does not use 4.`
    pub fn sentence(&self, completion: &str, rules: &RewardRules, penalties: &Penalties) -> String {
        let reward = self.score.reward;
        let mut by = self.paid_by().map(str::to_owned).unwrap_or_default();
        if !penalties.is_empty() {
            let each = penalties.iter().map(|(name, taken)| format!("{} for {name}", figure(*taken)));
            by = format!("{by} {}, less {}", figure(reward), each.collect::<Vec<_>>().join(" and "));
        }
        let paid = figure(reward - penalties.values().sum::<f64>());
        let by = if by.is_empty() { by } else { format!(" ({})", by.trim_start()) };
        let count = answer::count(completion);
        let which = match count {
            0 | 1 => String::new(),
            _ => format!("; of its {count} answers the {} is graded", rules.answer),
        };
        format!("It earns {paid}{by}: {}{which}.", clause(&self.score.reason))
    }
}

/// A sentence as the end of another.
fn clause(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A reward in at most three decimals.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "no number".to_owned();
    }
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // Minus nothing is nothing.
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A completion that tries to be paid for something else than a right answer: it must never earn what one does.
#[derive(Debug, Clone, Copy)]
pub struct Trick {
    /// What it tries, in a few words.
    pub name: &'static str,
    /// The given numbers of the puzzle.
    pub numbers: &'static [i64],
    /// The value to reach.
    pub target: i64,
    /// What is written.
    pub completion: &'static str,
    /// The key `answer` under which it is a trick; `None` where it always is one.
    pub under: Option<answer::Graded>,
    /// The rule that must stop it.
    pub stopped_by: Rule,
}

impl Trick {
    /// The puzzle.
    pub fn puzzle(&self) -> Puzzle {
        crate::record::NumberPuzzle { numbers: self.numbers.to_vec(), target: self.target }.into()
    }

    /// What becomes of it under these rules; `None` where it is no trick under them.
    pub fn tried(&self, task: &dyn Task, rules: &RewardRules) -> Option<Outcome> {
        if self.under.is_some_and(|under| under != rules.answer) {
            return None;
        }
        let judged = task.judge(&self.puzzle(), self.completion, rules);
        let stopped = !judged.score.correct && judged.broken == Some(self.stopped_by);
        Some(Outcome { stands: stopped && judged.score.reward < rules.correct, judged })
    }
}

/// What becomes of a trick.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it is judged.
    pub judged: Judged,
    /// Whether the reward stands: the rule that must stop the trick does, and it earns less than a right answer.
    pub stands: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::task::{FAMILIES, answer::Graded};

    #[test]
    fn no_trick_of_any_task_is_paid_like_a_right_answer() {
        for family in FAMILIES {
            let task = family.reader;
            assert!(!family.tricks.is_empty(), "{}", family.name);
            for graded in [Graded::First, Graded::Last] {
                let rules = RewardRules { answer: graded, ..RewardRules::default() };
                for trick in family.tricks {
                    let Some(tried) = trick.tried(task, &rules) else { continue };
                    assert!(tried.stands, "{} under {graded}: {tried:?}", trick.name);
                    let most = if tried.judged.score.format { rules.format } else { 0.0 };
                    assert_eq!(tried.judged.score.reward, most, "{}", trick.name);
                }
            }
            let names: std::collections::BTreeSet<_> = family.tricks.iter().map(|trick| trick.name).collect();
            assert_eq!(names.len(), family.tricks.len(), "each has a name of its own");
            // Every rule is tried, so that none can be lost unnoticed.
            for rule in task.rules() {
                assert!(
                    family.tricks.iter().any(|trick| trick.stopped_by == *rule),
                    "{rule} of {}",
                    family.name
                );
            }
        }
    }

    #[test]
    fn a_trick_that_is_paid_as_much_as_a_right_answer_does_not_stand() {
        let family = FAMILIES[0];
        let generous = RewardRules { format: 1.0, ..RewardRules::default() };
        let paid = family.tricks.iter().filter_map(|trick| trick.tried(family.reader, &generous));
        let fallen = paid.filter(|tried| !tried.stands).collect::<Vec<_>>();
        assert!(!fallen.is_empty() && fallen.iter().all(|tried| tried.judged.score.format));
    }

    #[test]
    fn the_sentence_says_what_decided_what_pays_and_which_answer_it_was() {
        let task = FAMILIES[0].reader;
        let puzzle = crate::record::NumberPuzzle { numbers: vec![3, 7, 25, 4], target: 78 }.into();
        let said = |completion: &str, rules: &RewardRules, taken: &[(&str, f64)]| {
            let penalties = taken.iter().map(|(name, taken)| ((*name).to_owned(), *taken)).collect();
            task.judge(&puzzle, completion, rules).sentence(completion, rules, &penalties)
        };
        let usual = RewardRules::default();
        let right = "<answer>25 * 3 + 7 - 4</answer>";
        assert_eq!(
            said(right, &usual, &[]),
            "It earns 1 (reward_correct): the answer uses every given number once and its value is 78."
        );
        assert_eq!(
            said(right, &usual, &[("overlong", 0.3), ("kl", 0.05)]),
            "It earns 0.65 (reward_correct 1, less 0.05 for kl and 0.3 for overlong): the answer uses every given number \
             once and its value is 78."
        );
        let first = RewardRules { answer: Graded::First, ..usual };
        let two = format!("<answer>25 * 3</answer> {right}");
        assert_eq!(
            said(&two, &first, &[]),
            "It earns 0.1 (reward_format): the answer does not use 7; of its 2 answers the first is graded."
        );
        assert_eq!(said("hm", &usual, &[]), "It earns 0: the completion has no <answer>.");
        assert_eq!(
            said("hm", &usual, &[("overlong", 0.5)]),
            "It earns -0.5 (0, less 0.5 for overlong): the completion has no <answer>."
        );
    }

    #[test]
    fn the_rules_hold_up_to_the_one_that_decides() {
        let task = FAMILIES[0].reader;
        let puzzle = crate::record::NumberPuzzle { numbers: vec![2, 3], target: 6 }.into();
        let standings = |completion: &str| {
            let judged = task.judge(&puzzle, completion, &RewardRules::default());
            judged.standings(task.rules()).into_iter().map(|(_, standing)| standing).collect::<Vec<_>>()
        };
        use Standing::{Broken, Holds, NotReached};
        assert_eq!(standings("<answer>2 * 3</answer>"), [Holds; 9]);
        assert_eq!(standings("2 * 3"), [vec![Broken], vec![NotReached; 8]].concat());
        assert_eq!(standings("<answer>2 + 3</answer>"), [vec![Holds; 7], vec![Broken, NotReached]].concat());
    }
}
