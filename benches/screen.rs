//! Single frames at 120 x 36: the charts of 100,000 steps and a list of 10,000 completions.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{hint::black_box, path::PathBuf};

use aha_lab::tui::screens::transcripts::Transcripts;
use aha_lab::{
    engine::scripted::Script,
    protocol::{Event, RunFacts},
    tui::{
        chart::bucket,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
            view::view,
        },
        widgets::wrap::wrap,
    },
};
use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    text::Span,
};

fn told(app: &mut App, event: Event) {
    update(app, Action::Engine(0, event));
}

fn key(app: &mut App, code: KeyCode) {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn app(script: &Script) -> App {
    let mut app = App::new(Theme::colored(), RunFacts::of_our_files(true));
    told(&mut app, Event::Started(Box::new(script.started(PathBuf::from("runs/bench"), 0))));
    app
}

fn charts(criterion: &mut Criterion) {
    const STEPS: u64 = 100_000;
    let script = Script::new(1);
    let mut app = app(&script);
    for step in 1..=STEPS {
        told(&mut app, Event::StepDone(Box::new(script.metrics(step))));
    }
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let mut group = criterion.benchmark_group("charts of 100,000 steps");
    group.sample_size(20);
    group.bench_function("a frame", |bencher| {
        bencher.iter(|| {
            terminal.draw(|frame| view(frame, &mut app)).unwrap();
        });
    });
    let mut step = STEPS;
    group.bench_function("a new step and a frame", |bencher| {
        bencher.iter(|| {
            step += 1;
            told(&mut app, Event::StepDone(Box::new(script.metrics(step))));
            terminal.draw(|frame| view(frame, &mut app)).unwrap();
        });
    });
    let points: Vec<(f64, f64)> = (0..STEPS).map(|i| (i as f64, (i as f64 * 0.01).sin())).collect();
    group.bench_function("one curve into 240 columns", |bencher| {
        bencher.iter(|| bucket(black_box(&points), (0.0, STEPS as f64), 240));
    });
    group.finish();
}

fn transcripts(criterion: &mut Criterion) {
    let script = Script::new(1);
    let mut app = app(&script);
    for index in 0..10_000 {
        let (step, group) = (1 + index as u64 / 256, index / 16 % 16);
        told(&mut app, Event::RolloutScored(Box::new(script.rollout(step, group, index % 16))));
    }
    update(&mut app, Action::Redraw);
    app.bring::<Transcripts>();
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    terminal.draw(|frame| view(frame, &mut app)).unwrap();
    let mut group = criterion.benchmark_group("a list of 10,000 completions");
    group.bench_function("a frame", |bencher| {
        bencher.iter(|| {
            terminal.draw(|frame| view(frame, &mut app)).unwrap();
        });
    });
    key(&mut app, KeyCode::Home);
    let mut down = true;
    group.bench_function("one row on and a frame", |bencher| {
        bencher.iter(|| {
            key(&mut app, if down { KeyCode::Down } else { KeyCode::Up });
            down = !down;
            terminal.draw(|frame| view(frame, &mut app)).unwrap();
        });
    });
    group.finish();

    // One transcript of 10,000 rows, as the reader shows it.
    let mut long = script.rollout(1, 0, 0);
    let text = long.completion.clone();
    while long.completion.len() < 10_000 * 60 {
        long.completion.push_str(&text);
    }
    let mut group = criterion.benchmark_group("one transcript of 10,000 rows");
    let spans = [Span::raw(long.completion.clone())];
    group.sample_size(10);
    group.bench_function("wrapping it", |bencher| bencher.iter(|| wrap(black_box(&spans), 60).len()));
    let mut app = self::app(&script);
    told(&mut app, Event::RolloutScored(Box::new(long)));
    app.bring::<Transcripts>();
    terminal.draw(|frame| view(frame, &mut app)).unwrap();
    key(&mut app, KeyCode::Enter);
    let mut down = true;
    group.bench_function("scrolling and a frame", |bencher| {
        bencher.iter(|| {
            key(&mut app, if down { KeyCode::Down } else { KeyCode::Up });
            down = !down;
            terminal.draw(|frame| view(frame, &mut app)).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, charts, transcripts);
criterion_main!(benches);
