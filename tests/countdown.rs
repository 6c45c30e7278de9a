//! Properties of Countdown through the library's interface: the expression reader and the reward against
//! an evaluation of their own, the solver against brute force, and the held-out split.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use aha_lab::eval::heldout_puzzles;
use aha_lab::task::{
    NumberPuzzle, RewardRules, Score, Split,
    countdown::{
        Countdown,
        expression::{self, ExpressionError},
        puzzle::{Level, split_of},
        reward, solver,
    },
    numbers::NumberTask,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A fraction in lowest terms with a positive denominator: an arithmetic of its own, beside num-rational.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (denominator != 0).then(|| Self(numerator / a * denominator.signum(), denominator.abs() / a))
    }

    /// `None` for a division by zero.
    fn apply(self, op: char, other: Self) -> Option<Self> {
        let (Self(a, b), Self(c, d)) = (self, other);
        match op {
            '+' => Self::new(a * d + c * b, b * d),
            '-' => Self::new(a * d - c * b, b * d),
            '*' => Self::new(a * c, b * d),
            '/' => Self::new(a * d, b * c),
            other => panic!("no operation {other}"),
        }
    }

    fn text(self) -> String {
        if self.1 == 1 { self.0.to_string() } else { format!("{}/{}", self.0, self.1) }
    }
}

#[derive(Debug, Clone)]
enum Tree {
    Number(i64),
    Negated(Box<Tree>),
    Binary(Box<Tree>, char, Box<Tree>),
}

impl Tree {
    fn value(&self) -> Option<Fraction> {
        match self {
            Self::Number(number) => Fraction::new((*number).into(), 1),
            Self::Negated(inner) => inner.value().map(|Fraction(a, b)| Fraction(-a, b)),
            Self::Binary(left, op, right) => left.value()?.apply(*op, right.value()?),
        }
    }

    fn numbers(&self) -> Vec<i64> {
        match self {
            Self::Number(number) => vec![*number],
            Self::Negated(inner) => inner.numbers(),
            Self::Binary(left, _, right) => [left.numbers(), right.numbers()].concat(),
        }
    }

    /// Prints with the parentheses that are needed and, as `dice` falls, with spare ones, spacing and the
    /// other symbols.
    fn print(&self, dice: &mut dyn FnMut() -> u8) -> String {
        let needs_parentheses = |inner: &Tree, outer: char, is_right: bool| match inner {
            Self::Binary(_, op, _) => {
                let (inner_binds, outer_binds) = ("*/".contains(*op), "*/".contains(outer));
                (outer_binds && !inner_binds) || (is_right && outer_binds == inner_binds)
            }
            _ => false,
        };
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Negated(inner) => match **inner {
                Self::Number(number) => {
                    format!("{}{}{number}", ["-", "−"][usize::from(dice() % 2)], space(dice))
                }
                _ => format!("-{}({})", space(dice), inner.print(dice)),
            },
            Self::Binary(left, op, right) => {
                let wrapped = |side: &Tree, is_right: bool, dice: &mut dyn FnMut() -> u8| {
                    let text = side.print(dice);
                    if needs_parentheses(side, *op, is_right) { format!("({text})") } else { text }
                };
                let left = wrapped(left, false, dice);
                let right = wrapped(right, true, dice);
                let symbol = match (op, dice() % 2) {
                    ('*', 1) => '×',
                    ('/', 1) => '÷',
                    ('-', 1) => '−',
                    (op, _) => *op,
                };
                format!("{left}{}{symbol}{}{right}", space(dice), space(dice))
            }
        };
        if dice().is_multiple_of(4) { format!("({}{text}{})", space(dice), space(dice)) } else { text }
    }
}

fn space(dice: &mut dyn FnMut() -> u8) -> &'static str {
    ["", " ", "  ", "\n", "\t", "\u{a0}"][usize::from(dice() % 6)]
}

/// Trees of at most eight numbers up to 99, whose fractions stay far within an `i128`.
fn trees() -> impl Strategy<Value = Tree> {
    let leaf = (0_i64..=99).prop_map(Tree::Number);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            4 => (inner.clone(), prop::sample::select(vec!['+', '-', '*', '/']), inner.clone())
                .prop_map(|(left, op, right)| Tree::Binary(Box::new(left), op, Box::new(right))),
            1 => inner.prop_map(|inner| Tree::Negated(Box::new(inner))),
        ]
    })
}

/// Trees whose value is a whole number, beside it.
fn whole_trees() -> impl Strategy<Value = (Tree, i64)> {
    trees().prop_filter_map("whole", |tree| whole(&tree).map(|value| (tree, value)))
}

fn whole(tree: &Tree) -> Option<i64> {
    tree.value().filter(|value| value.1 == 1).and_then(|value| i64::try_from(value.0).ok())
}

fn print(tree: &Tree, dice: &[u8]) -> String {
    let mut rolls = dice.iter().copied().cycle();
    tree.print(&mut || rolls.next().unwrap())
}

fn dice() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..60)
}

fn scored(numbers: &[i64], target: i64, answer: &str) -> Score {
    let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
    reward::score(&puzzle, &format!("hm .\n<answer> {answer} </answer>"), &RewardRules::default())
}

/// Every value of the numbers, by joining any two in every way until one is left.
fn brute_force(held: &[Fraction], found: &mut BTreeSet<Fraction>) {
    if let [last] = held {
        found.insert(*last);
        // A unary minus may stand before it all.
        found.insert(Fraction(-last.0, last.1));
        return;
    }
    for i in 0..held.len() {
        for j in (0..held.len()).filter(|j| *j != i) {
            let rest = (0..held.len()).filter(|k| *k != i && *k != j).map(|k| held[k]);
            for joined in ['+', '-', '*', '/'].into_iter().filter_map(|op| held[i].apply(op, held[j])) {
                brute_force(&rest.clone().chain([joined]).collect::<Vec<_>>(), found);
            }
        }
    }
}

fn all_values(numbers: &[i64]) -> BTreeSet<Fraction> {
    let mut found = BTreeSet::new();
    brute_force(&numbers.iter().map(|number| Fraction((*number).into(), 1)).collect::<Vec<_>>(), &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_is_read_back_with_its_value_and_numbers(tree in trees(), dice in dice()) {
        let text = print(&tree, &dice);
        let read = expression::parse(&text);
        prop_assert!(read.is_ok(), "{text}: {read:?}");
        let read = read.unwrap();
        prop_assert_eq!(read.numbers(), tree.numbers(), "{}", text);
        match tree.value() {
            Some(value) => prop_assert_eq!(read.value().unwrap().to_string(), value.text(), "{}", text),
            None => prop_assert_eq!(read.value(), Err(ExpressionError::DivisionByZero), "{}", text),
        }
    }

    #[test]
    fn the_canonical_form_keeps_value_and_numbers_and_is_its_own_form(tree in trees(), dice in dice()) {
        prop_assume!(tree.value().is_some());
        let read = expression::parse(&print(&tree, &dice)).unwrap();
        let again = expression::parse(&read.canonical()).unwrap();
        prop_assert_eq!(again.value(), read.value());
        prop_assert_eq!(again.canonical(), read.canonical());
        let sorted = |mut numbers: Vec<i64>| { numbers.sort_unstable(); numbers };
        prop_assert_eq!(sorted(again.numbers()), sorted(read.numbers()));
    }

    #[test]
    fn swapping_the_sides_of_a_sum_or_product_keeps_the_canonical_form(
        left in trees(), right in trees(), op in prop::sample::select(vec!['+', '*']), dice in dice(),
    ) {
        let join = |a: &Tree, b: &Tree| Tree::Binary(Box::new(a.clone()), op, Box::new(b.clone()));
        let canonical = |tree: &Tree| expression::parse(&print(tree, &dice)).unwrap().canonical();
        prop_assert_eq!(canonical(&join(&left, &right)), canonical(&join(&right, &left)));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-+*/×÷−()0-9 .,=a-c^_\u{e9}]{0,40}") {
        if let Ok(read) = expression::parse(&text) {
            let _ = (read.value(), read.canonical());
        }
        scored(&[1, 2], 3, &text);
    }

    #[test]
    fn the_reward_is_the_value_and_the_numbers(tree in trees(), dice in dice(), shift in -1_i64..=1) {
        let value = tree.value();
        let whole = whole(&tree);
        let target = whole.unwrap_or(7).saturating_add(shift);
        let score = scored(&tree.numbers(), target, &print(&tree, &dice));
        prop_assert_eq!(score.correct, whole == Some(target), "{:?}", &score);
        prop_assert_eq!(score.reward, if whole == Some(target) { 1.0 } else { 0.1 });
        prop_assert!(score.format);
        prop_assert_eq!(score.value, value.map(Fraction::text));
    }

    #[test]
    fn the_order_of_the_given_numbers_does_not_matter((tree, value) in whole_trees(), dice in dice()) {
        let mut numbers = tree.numbers();
        let places = usize::from(dice[0]) % numbers.len();
        numbers.rotate_left(places);
        prop_assert!(scored(&numbers, value, &print(&tree, &dice)).correct);
        numbers.reverse();
        prop_assert!(scored(&numbers, value, &print(&tree, &dice)).correct);
    }

    #[test]
    fn a_number_left_out_or_used_again_is_never_right(
        (tree, target) in whole_trees(), dice in dice(), pick in any::<prop::sample::Index>(),
    ) {
        let (text, numbers) = (print(&tree, &dice), tree.numbers());
        let again = numbers[pick.index(numbers.len())];
        // The value stays the target, so that only the use of the numbers can be at fault.
        let used_again = scored(&numbers, target, &format!("({text}) + {again} - {again}"));
        prop_assert_eq!((used_again.correct, used_again.reward), (false, 0.1));
        let mut more = numbers.clone();
        more.push(again);
        let left_out = scored(&more, target, &text);
        prop_assert_eq!((left_out.correct, left_out.reward), (false, 0.1));
    }

    #[test]
    fn a_stated_value_must_be_true((tree, value) in whole_trees(), dice in dice(), off in -2_i128..=2) {
        let stated = i128::from(value) + off;
        let score = scored(&tree.numbers(), value, &format!("{} = {stated}", print(&tree, &dice)));
        prop_assert_eq!(score.correct, off == 0);
    }

    #[test]
    fn every_solution_is_right_and_none_is_listed_twice(
        numbers in prop::collection::vec(0_i64..=25, 1..=4), target in -40_i64..=99,
    ) {
        let solutions = solver::solve(&numbers, target, usize::MAX).unwrap();
        for solution in &solutions {
            let score = scored(&numbers, target, solution);
            prop_assert!(score.correct, "{solution}: {}", score.reason);
            prop_assert_eq!(&expression::parse(solution).unwrap().canonical(), solution);
        }
        prop_assert_eq!(solutions.iter().collect::<BTreeSet<_>>().len(), solutions.len());
        prop_assert_eq!(solver::is_solvable(&numbers, target).unwrap(), !solutions.is_empty());
    }
}

proptest! {
    // Brute force takes a while; the numbers are few.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_solver_finds_exactly_what_brute_force_finds(
        numbers in prop::collection::vec(0_i64..=25, 1..=4), target in -60_i64..=99,
    ) {
        let values = all_values(&numbers);
        let whole: BTreeSet<i64> =
            values.iter().filter(|value| value.1 == 1).filter_map(|value| value.0.try_into().ok()).collect();
        for target in -60..=99 {
            let solvable = solver::is_solvable(&numbers, target).unwrap();
            prop_assert_eq!(solvable, whole.contains(&target), "{:?} make {}", &numbers, target);
        }
        prop_assert_eq!(
            solver::reachable_integers(&numbers, -60..=99),
            whole.range(-60..=99).copied().collect::<BTreeSet<_>>()
        );

        let (nearest, expression) = solver::nearest(&numbers, target).unwrap();
        let target = Fraction(target.into(), 1);
        let distance = |value: &Fraction| {
            let Fraction(a, b) = value.apply('-', target).unwrap();
            (a.abs() as f64 / b as f64, value.0 as f64 / value.1 as f64)
        };
        let expected = values.iter().min_by(|a, b| distance(a).partial_cmp(&distance(b)).unwrap()).unwrap();
        prop_assert_eq!(nearest.to_string(), expected.text());
        let read = expression::parse(&expression).unwrap();
        prop_assert_eq!(read.value(), Ok(nearest));
        let sorted = |mut numbers: Vec<i64>| { numbers.sort_unstable(); numbers };
        prop_assert_eq!(sorted(read.numbers()), sorted(numbers));
    }
}

#[test]
fn drawn_puzzles_are_solvable_in_bounds_and_on_their_side_of_the_split() {
    for (name, counts, largest) in [("3x20", 3..=3, 20), ("4x20", 4..=4, 20), ("tinyzero", 3..=4, 99)] {
        let task = Countdown { level: Level::parse(name).unwrap() };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for split in [Split::Train, Split::Heldout] {
            for _ in 0..60 {
                let puzzle = task.draw(split, &mut rng);
                assert_eq!(split_of(&puzzle), split);
                assert!(counts.contains(&puzzle.numbers.len()));
                assert!(puzzle.numbers.iter().all(|number| (1..=largest).contains(number)));
                assert!((10..=99).contains(&puzzle.target) && !puzzle.numbers.contains(&puzzle.target));
                let solutions = solver::solve(&puzzle.numbers, puzzle.target, 1).unwrap();
                let answer = format!("</think> <answer> {} </answer>", solutions[0]);
                assert_eq!(
                    task.judge(&puzzle, &answer, &RewardRules::default()).score.reward,
                    1.0,
                    "{puzzle:?}"
                );
            }
        }
    }
}

#[test]
fn one_number_set_in_ten_is_held_out_whatever_the_order_and_the_target() {
    let (mut heldout, mut total) = (0, 0);
    for a in 1..=20 {
        for b in a..=20 {
            for c in b..=20 {
                let split = Split::of_numbers(&[a, b, c]);
                for numbers in [[a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
                    for target in [10, 57, 99] {
                        assert_eq!(split_of(&NumberPuzzle { numbers: numbers.to_vec(), target }), split);
                    }
                }
                total += 1;
                heldout += usize::from(split == Split::Heldout);
            }
        }
    }
    // Four standard deviations of 1,540 independent draws at one in ten are 0.031.
    assert_eq!(total, 1540);
    let share = f64::from(u32::try_from(heldout).unwrap()) / f64::from(total);
    assert!((0.069..0.131).contains(&share), "{heldout} of {total} are held out");
}

#[test]
fn the_held_out_number_sets_never_change_between_versions() {
    // A change here would let a model be tested on puzzles that an older one was trained on.
    let heldout: Vec<i64> =
        (1..=99).filter(|&number| Split::of_numbers(&[4, 16, number]) == Split::Heldout).collect();
    assert_eq!(heldout, [6, 27, 38, 52, 61, 72, 75, 90, 98]);
}

#[test]
fn the_puzzles_of_an_evaluation_differ_in_more_than_their_order() {
    let task = Countdown { level: Level::FIRST };
    let puzzles = heldout_puzzles(&task, 500);
    let mut different: Vec<(Vec<i64>, i64)> = puzzles
        .into_iter()
        .map(|puzzle| {
            let mut puzzle = NumberPuzzle::of(&puzzle).unwrap();
            assert_eq!(split_of(&puzzle), Split::Heldout);
            puzzle.numbers.sort_unstable();
            (puzzle.numbers, puzzle.target)
        })
        .collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 500);
}
