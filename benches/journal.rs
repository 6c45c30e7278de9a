//! The journal: a step of 256 completions appended (and synced), and a run of 25,600 completions opened.
#![allow(missing_docs, clippy::unwrap_used)]

use aha_lab::{
    config::{Config, RunInfo},
    engine::scripted::Script,
    runs::{Journal, Reader, RunDirectory},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const ROWS: usize = 256;

fn begun(root: &std::path::Path) -> (RunDirectory, Journal) {
    let info = RunInfo {
        model_hash: String::new(),
        program_version: String::new(),
        git_revision: None,
        analysis: None,
        backend: String::new(),
        vector_unit: None,
        base: None,
        created: String::new(),
        forked_from: None,
        engine: None,
    };
    let run = RunDirectory::create(root, "bench", &Config::default(), &info).unwrap();
    let journal = Journal::begin(&run).unwrap();
    (run, journal)
}

fn add(journal: &mut Journal, script: &Script, step: u64) {
    for row in 0..ROWS {
        journal.add_rollout(&script.rollout(step, row / 16, row % 16)).unwrap();
    }
    journal.add_metrics(&script.metrics(step)).unwrap();
}

fn journal(criterion: &mut Criterion) {
    let script = Script::new(1);
    let root = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10);
    let (_run, mut journal) = begun(root.path());
    let mut step = 0;
    group.bench_function("append a step of 256 completions", |bencher| {
        bencher.iter_batched(
            || (0..ROWS).map(|row| script.rollout(1, row / 16, row % 16)).collect::<Vec<_>>(),
            |rows| {
                step += 1;
                rows.iter().for_each(|row| journal.add_rollout(row).unwrap());
                journal.flush().unwrap();
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("the same, synced to disk", |bencher| {
        bencher.iter(|| {
            step += 1;
            add(&mut journal, &script, step);
            journal.sync().unwrap();
        });
    });
    drop(journal);

    let root = tempfile::tempdir().unwrap();
    let (run, mut journal) = begun(root.path());
    for step in 1..=100 {
        add(&mut journal, &script, step);
        journal.flush().unwrap();
    }
    drop(journal);
    group.bench_function("read 25,600 completions", |bencher| {
        bencher.iter(|| Reader::new(&run).rollouts().unwrap().records.len());
    });
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
