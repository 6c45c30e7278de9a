use std::{collections::HashSet, fs, path::Path};

use super::*;

#[test]
fn every_row_has_a_name_of_its_own_and_a_sentence() {
    let names: HashSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    for metric in ALL {
        assert!(metric.about.ends_with('.') && !metric.about.contains('\n'), "{}", metric.name);
        assert!(metric.older.iter().all(|older| !names.contains(older)), "{}", metric.name);
        assert!(!metric.printed || metric.summary.is_some(), "{}", metric.name);
    }
}

/// `docs/metrics.md`: all rows.
fn markdown() -> String {
    let mut page = "# Metrics\n\nThe names in `metrics.jsonl`, one line per step. A name that TRL also uses \
        means the same there. `null` stands for a value that was not measured or not finite. This page is \
        generated from `src/metrics/registry.rs`.\n\n\
        | Name | What it is | Unit | Better | TRL | verl |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for metric in ALL {
        let older = match metric.older {
            [] => String::new(),
            older => format!(" Older lines: `{}`.", older.join("`, `")),
        };
        let named = |engine| {
            let found = metric.elsewhere.iter().find(|(other, _)| *other == engine);
            found.map_or_else(String::new, |(_, name)| format!("`{name}`"))
        };
        let (name, about) = (metric.name, metric.about.replace('|', "\\|"));
        let (unit, better, trl, verl) =
            (metric.unit.words(), metric.better.words(), named(Engine::Trl), named(Engine::Verl));
        page += &format!("| `{name}` | {about}{older} | {unit} | {better} | {trl} | {verl} |\n");
    }
    page
}

#[test]
fn the_page_of_the_documentation_is_that_of_the_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(&path, markdown()).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == markdown(), "docs/metrics.md is stale: make it with WRITE_DOCS=1");
}

#[test]
fn a_line_has_its_metrics_in_the_order_of_the_rows_however_they_were_measured() {
    let step = Step::new(2)
        .with(&FLOPS, 8.0)
        .with(&KL, None::<f64>)
        .with(&NUM_TOKENS, 9_u64)
        .with(&DECOMPOSITIONS, 0.0)
        .with(&REWARD, 0.5)
        .with(&GRAD_NORM, f64::NAN)
        .with(&REWARD, 0.25);
    let line = r#"{"step":2,"reward":0.25,"kl":null,"grad_norm":null,"num_tokens":9,"flops":8.0}"#;
    assert_eq!(serde_json::to_string(&step).unwrap(), line);
    assert_eq!((step.get(&DECOMPOSITIONS), step.known(&KL), step.count(&NUM_TOKENS)), (0.0, None, Some(9)));
    assert!(step.get(&ACCURACY).is_nan() && !step.has(&ACCURACY) && step.has(&GRAD_NORM));
}

#[test]
fn lines_of_older_versions_are_read_under_todays_names() {
    let old =
        r#"{"step":3,"reward_std":0.25,"clip_ratio":0.125,"eval/pass_at_k":0.5,"num_tokens":7,"mine":1.5}"#;
    let read: Step = serde_json::from_str(old).unwrap();
    assert_eq!((read.get(&CLIP_REGION_MEAN), read.get(&REWARD_STD)), (0.125, 0.25));
    assert_eq!((read.known(&REWARD_STD_WITHIN_GROUPS), read.pass_at_k()), (None, Some((4, 0.5))));
    assert_eq!(serde_json::to_string(&read).unwrap(), old, "what is not known is kept");
    assert_eq!(read.with(&EVAL_K, 8_u64).pass_at_k(), Some((8, 0.5)));
}

#[test]
fn without_the_clock_two_equal_steps_are_equal() {
    let step =
        |seconds| Step::new(1).with(&REWARD, 0.5).with(&STEP_TIME, seconds).with(&TIME_SAMPLE, seconds);
    assert_eq!(step(1.0).without_clock(), step(2.0).without_clock());
}
