//! How long the analysis of 10,000 transcripts of about 200 tokens takes on one core.
#![allow(missing_docs)]

use std::hint::black_box;

use aha_lab::{reasoning::analyze, record::NumberPuzzle};
use criterion::{Criterion, criterion_group, criterion_main};

fn analysis(criterion: &mut Criterion) {
    let puzzle = NumberPuzzle { numbers: vec![3, 7, 25], target: 78 };
    let attempt = "Let's try \\( 25 \\times 3 = 75 \\). Then 75 + 7 = 82, which is **too high**. Let me try \
        another way: 25 + 7 = 32, 32 * 3 = 96. Hmm, 96 is not 78. ";
    let text = attempt.repeat(3);
    let mut group = criterion.benchmark_group("analysis");
    group.sample_size(10);
    group.bench_function("10000 transcripts", |bencher| {
        bencher.iter(|| {
            (0..10_000).map(|_| analyze(black_box(&puzzle), black_box(&text)).checks).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, analysis);
criterion_main!(benches);
