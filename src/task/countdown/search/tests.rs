use proptest::prelude::*;

use super::*;
use crate::{engine::scripted::Script, reasoning::analyze, task::countdown::solver};

fn searched(numbers: &[i64], target: i64, text: &str) -> Search {
    let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
    Search::new(&puzzle, text, &mut Space::new(&puzzle))
}

/// `state <- step mark` for every node, indented by its depth.
fn drawn(search: &Search) -> Vec<String> {
    let mut lines = vec![];
    let mut stack = vec![(ROOT, 0)];
    while let Some((id, depth)) = stack.pop() {
        let node = &search.nodes[id];
        let mark = match (node.standing, node.solved, node.alive) {
            (Standing::WrongArithmetic, ..) => "wrong",
            (Standing::NotInHand, ..) => "not in hand",
            (Standing::AfterWrong, ..) => "after wrong",
            (_, true, _) => "solved",
            (.., Some(true)) => "alive",
            (.., Some(false)) => "dead",
            (.., None) => "unknown",
        };
        let step = node.step.map_or(String::new(), |step| format!(" <- {step}"));
        let times = if node.places.len() > 1 { format!(" x{}", node.places.len()) } else { String::new() };
        lines.push(format!("{}{}{step} {mark}{times}", "  ".repeat(depth), node.state));
        stack.extend(node.children.iter().rev().map(|child| (*child, depth + 1)));
    }
    lines
}

#[test]
fn attempts_share_their_beginnings_and_restart_from_the_root() {
    let text = " first , 16 + 4 = 20 , 20 + 1 = 21 . check : 21 is not 19 . try again : 4 * 16 = 64 , 64 - 1 = 63 . \
                that is 63 , not 19 . instead , 4 + 16 = 20 , 20 - 1 = 19 . check : 19 = 19 , yes . </think>";
    let search = searched(&[4, 1, 16], 19, text);
    assert_eq!(
        drawn(&search),
        [
            "{1, 4, 16} alive",
            "  {1, 20} <- 16 + 4 alive x2",
            "    {21} <- 20 + 1 dead",
            "    {19} <- 20 - 1 solved",
            "  {1, 64} <- 4 * 16 dead",
            "    {63} <- 64 - 1 dead",
        ]
    );
    let figures = &search.figures;
    assert!(figures.solved);
    assert_eq!((figures.attempts, figures.moves, figures.revisits), (3, 6, 1));
    assert_eq!(figures.passed_by, [PassedBy { node: 1, to: Some(2), operations_left: 1 }]);
    let [near] = figures.near_misses.as_slice() else { panic!("{:?}", figures.near_misses) };
    assert_eq!(
        (near.value.to_string(), near.distance.to_string(), near.left_over),
        ("21".into(), "2".into(), 0)
    );
    let words: Vec<&str> = search.nodes[1].places.iter().map(|place| &text[place.clone()]).collect();
    assert_eq!(words, ["16 + 4 = 20", "4 + 16 = 20"]);
}

#[test]
fn wrong_arithmetic_and_invented_numbers_are_marked_and_not_counted() {
    let search =
        searched(&[4, 1, 16], 19, "16 + 4 = 21 , 21 - 1 = 20 . try again : 16 - 9 = 7 , 7 + 1 = 8 .");
    assert_eq!(
        drawn(&search),
        [
            "{1, 4, 16} alive",
            "  {1, 21} <- 16 + 4 wrong",
            "    {20} <- 21 - 1 after wrong",
            "  {1, 4, 7} <- 16 - 9 not in hand",
            "    {4, 8} <- 7 + 1 after wrong",
        ]
    );
    let figures = search.figures;
    assert_eq!((figures.wrong_arithmetic, figures.not_in_hand, figures.after_wrong), (1, 1, 2));
    assert_eq!((figures.moves, figures.coverage.visited, figures.near_misses.len()), (0, 0, 0));
    assert!(!figures.solved);
}

#[test]
fn expressions_make_one_move_for_each_operation() {
    let search = searched(&[3, 7, 25, 4], 50, "( 25 - 7 ) * 3 = 54 = 54 - 4 = 50");
    assert_eq!(
        drawn(&search),
        [
            "{3, 4, 7, 25} alive",
            "  {3, 4, 18} <- 25 - 7 alive",
            "    {4, 54} <- 18 * 3 alive",
            "      {50} <- 54 - 4 solved",
        ]
    );
    let same_again = searched(&[2, 3, 4], 24, "2 * 3 * 4 = 6 * 4 = 24");
    assert_eq!(same_again.nodes.len(), 3, "{:?}", drawn(&same_again));
}

#[test]
fn a_kept_result_goes_on_from_where_it_was_made() {
    let text = "4 * 16 = 64 , 64 + 1 = 65 . check : 65 is not 63 . back to 64 : 64 - 1 = 63 .";
    let search = searched(&[4, 1, 16], 63, text);
    let expected = [
        "{1, 4, 16} alive",
        "  {1, 64} <- 4 * 16 alive",
        "    {65} <- 64 + 1 dead",
        "    {63} <- 64 - 1 solved",
    ];
    assert_eq!(drawn(&search), expected);
}

#[test]
fn what_was_given_up_was_passed_by_and_the_target_with_numbers_left_over_is_a_near_miss() {
    let text = "16 + 4 = 20 . try again : 16 + 3 = 19 . check : 19 is not 22 .";
    let search = searched(&[4, 1, 16, 3], 22, text);
    assert_eq!(search.figures.passed_by, [PassedBy { node: 1, to: None, operations_left: 2 }]);
    let [first, second] = search.figures.near_misses.as_slice() else { panic!("{:?}", search.figures) };
    assert_eq!((first.left_over, first.distance.to_string()), (2, "2".into()));
    assert_eq!((second.left_over, second.distance.to_string()), (2, "3".into()));
}

#[test]
fn the_states_of_a_small_puzzle_are_counted_by_hand() {
    // 2 and 3 make 5, -1, 1, 6, 2/3 and 3/2.
    let levels = Space::new(&NumberPuzzle { numbers: vec![2, 3], target: 5 }).levels();
    assert_eq!(levels, [Level { states: 6, complete: true }]);
    // 1 and 1 make 2, 0 and 1.
    let levels = Space::new(&NumberPuzzle { numbers: vec![1, 1], target: 5 }).levels();
    assert_eq!(levels, [Level { states: 3, complete: true }]);
    let search = searched(&[2, 3], 5, "2 + 3 = 5");
    assert_eq!(search.figures.coverage, Coverage { visited: 1, reachable: 6, exact: true });
}

#[test]
fn large_puzzles_are_bounded_and_say_so() {
    let puzzle = NumberPuzzle { numbers: vec![3, 7, 25, 50, 75, 100], target: 952 };
    let mut space = Space::new(&puzzle);
    let levels = space.levels();
    assert!(levels[0].complete && !levels[4].complete, "{levels:?}");
    assert!(levels.iter().map(|level| level.states).sum::<usize>() < 2 * MOST_STATES);
    assert_eq!(space.alive(&space.root().clone()), Some(true));
    let search = Search::new(&puzzle, "100 + 3 = 103 , 103 * 75 = 7725 .", &mut space);
    assert!(!search.figures.coverage.exact);
    assert!(search.nodes[1].alive.is_some());
    // Nothing to find, and no panic.
    for numbers in [vec![], vec![5], vec![i64::MAX, 2], vec![1; 64]] {
        let search = searched(&numbers, 7, "5 + 2 = 7");
        assert_eq!(search.nodes[ROOT].parent, None);
    }
    let endless = "1 + 1 = 2 . ".repeat(5_000);
    assert!(searched(&[1, 1, 1], 3, &endless).cut);
}

#[test]
fn transcripts_of_the_scripted_engine_stay_in_the_space() {
    let script = Script::new(7);
    let mut solved = 0;
    for step in [1, 20, 40] {
        for group in 0..6 {
            let puzzle = NumberPuzzle::of(&script.puzzle(step, group)).unwrap();
            let mut space = Space::new(&puzzle);
            for index in 0..8 {
                let record = script.rollout(step, group, index);
                let search = Search::new(&puzzle, &record.completion, &mut space);
                assert_eq!(search.figures.attempts, record.analysis.attempts);
                let not_right = search.figures.wrong_arithmetic + search.figures.not_in_hand;
                assert_eq!(not_right, 0, "{}", record.completion);
                for node in &search.nodes {
                    assert!(space.contains(&node.state), "{} in {}", node.state, record.completion);
                }
                assert_eq!(
                    search.figures.solved,
                    record.is_right() || record.truncated && search.figures.solved
                );
                solved += usize::from(search.figures.solved);
            }
        }
    }
    assert!(solved > 20, "{solved}");
}

/// A transcript that makes random right steps, one attempt per sentence.
fn right_steps(numbers: &[i64], choices: &[(usize, usize, usize)]) -> String {
    use crate::reasoning::exact::{Exact, Operator};
    let root: Vec<Exact> = numbers.iter().map(|number| Exact::integer(*number).unwrap()).collect();
    let mut state = State::new(root.clone());
    let mut text = String::from("try");
    for (first, second, operator) in choices {
        let held = state.numbers();
        let (left, right) = (held[first % held.len()], held[second % held.len()]);
        let operator = Operator::ALL[*operator % 4];
        let whole = |value: &Exact| value.parts().1 == 1 && value.parts().0 >= 0;
        let result = left.apply(operator, right).filter(whole);
        let Some(result) = result.filter(|_| state.has(&[left, right])) else { continue };
        text.push_str(&format!(" {left} {} {right} = {result}", operator.sign()));
        state = state.after(left, right, result);
        if state.numbers().len() == 1 {
            state = State::new(root.clone());
            text.push_str(" . check : that is not right . try again :");
        } else {
            text.push_str(" ,");
        }
    }
    text
}

proptest! {
    #[test]
    fn right_arithmetic_stays_among_the_states_there_are(
        numbers in proptest::collection::vec(1i64..30, 2..=4),
        choices in proptest::collection::vec((0usize..4, 0usize..4, 0usize..4), 0..24),
        target in 1i64..100,
    ) {
        let puzzle = NumberPuzzle { numbers: numbers.clone(), target };
        let mut space = Space::new(&puzzle);
        let text = right_steps(&numbers, &choices);
        let search = Search::new(&puzzle, &text, &mut space);
        for node in &search.nodes {
            if node.standing == Standing::Real {
                prop_assert!(space.contains(&node.state), "{} in {text}", node.state);
                // A living state has a living successor or is the solution; a dead state has no living
                // successor.
                let mut next_alive = false;
                let mut all = vec![];
                node.state.for_each_next(|next| all.push(next));
                for next in all {
                    next_alive |= space.alive(&next) == Some(true);
                }
                prop_assert_eq!(node.alive, Some(next_alive || node.solved));
            }
            prop_assert!(node.standing != Standing::WrongArithmetic, "{text}");
        }
        let figures = &search.figures;
        prop_assert!(figures.coverage.visited <= figures.coverage.reachable);
        prop_assert_eq!(figures.moves, figures.coverage.visited + figures.revisits);
        prop_assert_eq!(search.nodes[ROOT].alive, Some(solver::is_solvable(&numbers, target).unwrap()));
    }

    #[test]
    fn any_text_is_taken(text in "[0-9+*/=(). -]{0,60}|\\PC{0,60}", numbers in proptest::collection::vec(0i64..40, 0..5)) {
        let puzzle = NumberPuzzle { numbers, target: 12 };
        let search = Search::new(&puzzle, &text, &mut Space::new(&puzzle));
        for node in &search.nodes[1..] {
            prop_assert!(node.places.iter().all(|place| text.get(place.clone()).is_some()));
        }
        prop_assert!(search.figures.attempts <= analyze(&puzzle, &text).attempts);
    }
}
