//! The reward of one completion and the solver, each on one core.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use aha_lab::task::{
    NumberPuzzle, RewardRules,
    countdown::{reward, solver},
};
use criterion::{Criterion, criterion_group, criterion_main};

fn rewards(criterion: &mut Criterion) {
    let puzzle = NumberPuzzle { numbers: vec![3, 7, 25], target: 78 };
    let thought =
        "25 * 3 = 75. 75 + 7 = 82. Check: 82 is not 78, too high. Try another way: 25 + 7 = 32. ".repeat(4);
    let long = "1 + ".repeat(20_000);
    let mut group = criterion.benchmark_group("reward");
    for (name, completion) in [
        ("right answer", format!("{thought}</think> <answer>(25 + 7 / 7) * 3 </answer>")),
        ("wrong answer", format!("{thought}</think> <answer>25 * 3 + 7</answer>")),
        ("no answer", thought.clone()),
        ("80,000 characters of sum", format!("</think> <answer>{long}1</answer>")),
    ] {
        group.bench_function(name, |bencher| {
            bencher
                .iter(|| reward::score(black_box(&puzzle), black_box(&completion), &RewardRules::default()));
        });
    }
    group.finish();
}

fn solver(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("solver");
    for numbers in [vec![3, 7, 25], vec![3, 7, 25, 50], vec![3, 7, 25, 50, 75], vec![1, 3, 7, 25, 50, 75]] {
        group.sample_size(10);
        group.bench_function(format!("{} numbers, is there a way", numbers.len()), |bencher| {
            bencher.iter(|| solver::is_solvable(black_box(&numbers), black_box(78)).unwrap());
        });
    }
    group.bench_function("4 numbers, all ways", |bencher| {
        bencher.iter(|| solver::solve(black_box(&[3, 7, 25, 50]), black_box(78), usize::MAX).unwrap().len());
    });
    group.finish();
}

criterion_group!(benches, rewards, solver);
criterion_main!(benches);
