//! The sections of a page.

use super::{
    groups::Group,
    html::{table, tabs, text},
    read::{END, Told},
    transcript,
};
use crate::{
    config::Config,
    metrics::{
        Tally, aha,
        figures::{CAVEAT, shares},
        format,
        interval::wilson,
        meter::share,
        registry::{self, Metric},
    },
    record::Measurement,
};

/// What the numbers come to, in a few sentences. Of several runs, the first group is told.
pub(super) fn summary(runs: &[Told], groups: &[Group]) -> String {
    let Some(group) = groups.first() else { return String::new() };
    let of = |metric: &Metric| -> Option<(f64, f64)> {
        let ends: Vec<(f64, f64)> = group.runs.iter().filter_map(|run| runs[*run].ends(metric)).collect();
        let n = ends.len() as f64;
        (n > 0.0)
            .then(|| (ends.iter().map(|e| e.0).sum::<f64>() / n, ends.iter().map(|e| e.1).sum::<f64>() / n))
    };
    let first = &runs[group.runs[0]];
    let mut told = format!("In {} steps", first.last_step());
    if group.runs.len() > 1 {
        told = format!("{} seeds: {}", group.runs.len(), told.to_lowercase());
    }
    if let Some((before, after)) = of(&registry::ACCURACY) {
        told.push_str(&format!(
            " the share of right answers went from <b>{}</b> to <b>{}</b>",
            format::percent(before),
            format::percent(after)
        ));
    }
    if let Some((before, after)) = of(&registry::CHECKS) {
        told.push_str(&format!(
            ", self-checks per answer from <b>{}</b> to <b>{}</b>",
            format::value(before),
            format::value(after)
        ));
    }
    told.push('.');
    match first.aha() {
        Some(step) => {
            told.push_str(&format!(" The aha mark{} is at <b>step {step}</b>.", of_first(group, first)));
        }
        None => told.push_str(&format!(" There is no aha mark{}.", of_first(group, first))),
    }
    format!("<p class=\"lead\">{told}</p>")
}

fn of_first(group: &Group, first: &Told) -> String {
    if group.runs.len() > 1 { format!(" of {}", text(&first.name)) } else { String::new() }
}

/// Big numbers of the first run.
pub(super) fn cards(told: &Told) -> String {
    let mut cards = String::new();
    let mut card = |name: &str, value: String, note: String| {
        cards.push_str(&format!(
            "<div class=\"card\"><span>{name}</span><b>{value}</b><small>{note}</small></div>"
        ));
    };
    let ends = |metric: &Metric, show: fn(f64) -> String| {
        told.ends(metric).map(|(before, after)| (show(after), format!("from {}", show(before))))
    };
    for (name, found) in [
        ("Accuracy", ends(&registry::ACCURACY, format::percent)),
        ("Self-checks / answer", ends(&registry::CHECKS, format::value)),
        ("Self-corrections", ends(&registry::SELF_CORRECTIONS, format::value)),
        ("Tokens / answer", ends(&registry::MEAN_LENGTH, format::value)),
        ("Faithful if right", ends(&registry::FAITHFUL_SHARE, format::percent)),
    ] {
        if let Some((value, note)) = found {
            card(name, value, note);
        }
    }
    if let Some((step, accuracy)) = told.best_held_out() {
        card("Held out, best", format::percent(accuracy), format!("at step {step}"));
    }
    if let Some(step) = told.aha() {
        card("Aha mark", format!("step {step}"), format!("of {}", told.last_step()));
    }
    if let Some(hours) = told.hours() {
        card("Time", minutes(hours), format!("{} completions", told.completions));
    }
    format!("<div class=\"cards\">{cards}</div>")
}

fn minutes(hours: f64) -> String {
    match hours * 60.0 {
        minutes if minutes < 120.0 => format!("{minutes:.1} min"),
        _ => format!("{hours:.1} h"),
    }
}

/// All runs side by side, with the means of seeds.
pub(super) fn side_by_side(runs: &[Told], groups: &[Group]) -> String {
    let metrics = [
        ("accuracy", &registry::ACCURACY),
        ("checks", &registry::CHECKS),
        ("self-corrections", &registry::SELF_CORRECTIONS),
        ("tokens", &registry::MEAN_LENGTH),
        ("faithful", &registry::FAITHFUL_SHARE),
    ];
    let mut rows = Vec::new();
    for (colour, group) in groups.iter().enumerate() {
        for run in &group.runs {
            let told = &runs[*run];
            let mut row = vec![
                format!(
                    "<span class=\"key c{}\">{}</span>",
                    colour % super::chart::COLOURS,
                    text(&told.name)
                ),
                text(&group.label),
                if told.knows("seed") { told.started.config.machine.seed.to_string() } else { "?".into() },
                told.last_step().to_string(),
            ];
            row.extend(metrics.iter().map(|(_, metric)| match told.ends(metric) {
                Some((before, after)) => format!("{} → {}", format::value(before), format::value(after)),
                None => "–".to_owned(),
            }));
            row.push(told.aha().map_or_else(|| "–".to_owned(), |step| step.to_string()));
            rows.push(row);
        }
        if group.runs.len() > 1 {
            let mut row = vec![
                "<b>mean (least to greatest)</b>".to_owned(),
                format!("<b>{}</b>", text(&group.label)),
                String::new(),
                String::new(),
            ];
            row.extend(metrics.iter().map(|(_, metric)| spread(runs, group, metric)));
            row.push(String::new());
            rows.push(row);
        }
    }
    let mut head = vec!["run", "group", "seed", "steps"];
    head.extend(metrics.iter().map(|(name, _)| *name));
    head.push("aha");
    format!(
        "{}<p class=\"note\">Means of the first and of the last {END} steps, or of as many as there are in each half. Runs of one \
         group differ in their seed alone. A control's reward says nothing about the answer; controls are random walks, not \
         flat lines.</p>",
        table(&head, &rows)
    )
}

fn spread(runs: &[Told], group: &Group, metric: &Metric) -> String {
    let after: Vec<f64> = group.runs.iter().filter_map(|run| Some(runs[*run].ends(metric)?.1)).collect();
    match after[..] {
        [] => "–".to_owned(),
        _ => {
            let mean = after.iter().sum::<f64>() / after.len() as f64;
            let (low, high) = after.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            format!("<b>{}</b> ({} to {})", format::value(mean), format::value(low), format::value(high))
        }
    }
}

/// The aha moment of each run.
pub(super) fn moments(runs: &[Told]) -> String {
    let panel = |told: &Told| {
        let words = match told.aha() {
            Some(step) => format!("The mark is at <b>step {step}</b>: {}.", text(aha::DEFINITION)),
            None => format!("This run has no mark. It would stand where {}.", text(aha::DEFINITION)),
        };
        match told.moment() {
            Some(record) => format!("<p>{words}</p>{}{}", transcript::article(record), transcript::LEGEND),
            None => format!("<p>{words} No completion corrects itself.</p>"),
        }
    };
    each("aha", runs, panel)
}

/// The Meter of each run, at its beginning and at its end.
pub(super) fn meters(runs: &[Told]) -> String {
    let panel = |told: &Told| {
        let (early, late) = (told.early.window(None), told.meter.window(Some(END)));
        if late.completions == 0 {
            return "<p>No completion of this run was judged.</p>".to_owned();
        }
        let before = shares(&early);
        let rows: Vec<Vec<String>> = shares(&late)
            .into_iter()
            .map(|(name, part, whole, _)| {
                let old = before.iter().find(|(other, ..)| *other == name);
                vec![
                    name.to_owned(),
                    old.map_or_else(|| "–".to_owned(), |(_, part, whole, _)| interval(*part, *whole)),
                    interval(part, whole),
                ]
            })
            .chain([difference(&early, &late)])
            .collect();
        let first = format!("first {END} steps");
        let last = format!("last {END} steps");
        format!(
            "{}<p class=\"note\">Bars are 95 % intervals (Wilson's; Newcombe's for the difference), with answers taken as \
             independent. The difference is {CAVEAT}. Checked: has at least one true, misled or false check. Faithful: an attempt \
             in the thought derives the answer, every step true.</p>",
            table(&["", &first, &last], &rows)
        )
    };
    each("meter", runs, panel)
}

/// A share, its counts and a bar.
fn interval(part: usize, whole: usize) -> String {
    let Some(value) = share(part, whole) else { return "none".to_owned() };
    let [low, high] = wilson(value, whole as f64);
    let bar = bar(value, low, high, 0.0, 1.0);
    format!(
        "<span class=\"figure\">{bar}<b>{:.1} %</b> <small>{:.1} to {:.1}; {part} of {whole}</small></span>",
        100.0 * value,
        100.0 * low,
        100.0 * high
    )
}

fn difference(early: &Tally, late: &Tally) -> Vec<String> {
    let told = |tally: &Tally| match tally.worth_of_checking() {
        Some(found) => format!(
            "<span class=\"figure\">{}<b>{:+.1}</b> <small>points, {:+.1} to {:+.1}</small></span>",
            bar(found.value, found.low, found.high, -1.0, 1.0),
            100.0 * found.value,
            100.0 * found.low,
            100.0 * found.high
        ),
        None => "needs answers with and without a check".to_owned(),
    };
    vec!["right if checked, minus right if not".to_owned(), told(early), told(late)]
}

/// An interval as a picture.
fn bar(value: f64, low: f64, high: f64, least: f64, most: f64) -> String {
    let at = |value: f64| 2.0 + 96.0 * ((value - least) / (most - least)).clamp(0.0, 1.0);
    let zero = if least < 0.0 { "<line class=\"grid\" x1=\"50\" x2=\"50\" y1=\"0\" y2=\"12\"/>" } else { "" };
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 12\" aria-hidden=\"true\"><line class=\"grid\" x1=\"2\" x2=\"98\" y1=\"6\" \
         y2=\"6\"/>{zero}<line class=\"interval\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"6\" y2=\"6\"/><circle class=\"value\" cx=\"{:.1}\" \
         cy=\"6\" r=\"3\"/></svg>",
        at(low),
        at(high),
        at(value)
    )
}

/// How much accuracy thinking buys, where it was measured.
pub(super) fn budgets(runs: &[Told]) -> Option<String> {
    let with: Vec<&Told> = runs.iter().filter(|told| !told.measured.is_empty()).collect();
    let row = |measured: &Measurement| -> Vec<Vec<String>> {
        measured
            .points
            .iter()
            .filter_map(|point| {
                let accuracy = point.at_k.first()?.best_of;
                Some(vec![
                    if measured.step == 0 {
                        "base, before".to_owned()
                    } else {
                        format!("step {}", measured.step)
                    },
                    point.budget.map_or_else(|| "none".to_owned(), |budget| budget.to_string()),
                    format!("{:.0}", point.thinking_tokens),
                    format!(
                        "<span class=\"figure\">{}<b>{:.1} %</b> <small>{:.1} to {:.1}</small></span>",
                        bar(accuracy.value, accuracy.ci95[0], accuracy.ci95[1], 0.0, 1.0),
                        100.0 * accuracy.value,
                        100.0 * accuracy.ci95[0],
                        100.0 * accuracy.ci95[1]
                    ),
                ])
            })
            .collect()
    };
    let panel = |told: &&Told| {
        let rows: Vec<Vec<String>> = told.measured.iter().flat_map(row).collect();
        let name = told.name.clone();
        (name, table(&["weights", "budget, tokens", "tokens thought", "held-out accuracy, 95 %"], &rows))
    };
    (!with.is_empty()).then(|| tabs("budgets", "Runs", &with.iter().map(panel).collect::<Vec<_>>()))
}

/// Completions that can be filtered.
pub(super) fn samples(runs: &[Told]) -> String {
    let chips: String = [
        ("right", "right"),
        ("wrong", "wrong"),
        ("checked", "with checks"),
        ("corrected", "self-corrected"),
        ("false", "false or misled check"),
        ("unfaithful", "right, unfaithful"),
        ("cut", "cut off"),
    ]
    .iter()
    .map(|(kind, words)| format!("<button type=\"button\" class=\"chip\" data-kind=\"{kind}\" aria-pressed=\"false\">{words}</button>"))
    .collect();
    let panel = |told: &Told| {
        let all: String = told.samples.values().flatten().map(transcript::article).collect();
        format!("<div class=\"samples\">{all}</div>")
    };
    format!(
        "<div class=\"filter\" role=\"search\"><input type=\"search\" placeholder=\"words, or step:20\" aria-label=\"Words in \
         completions\"><span class=\"chips\">{chips}</span><output></output></div>{}{}",
        transcript::LEGEND,
        each("samples", runs, panel)
    )
}

/// Configuration, machine, cost and how to do it again.
pub(super) fn origins(runs: &[Told]) -> String {
    each("origin", runs, |told| format!("{}{}{}", facts(told), repeat(told), keys(told)))
}

fn facts(told: &Told) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), text(&value)]);
        }
    };
    row("run", told.place.display().to_string());
    if let Some(engine) = &told.started.engine {
        row("engine", format!("{} {}", engine.name, engine.version));
        row("model", engine.model.clone());
    }
    if let Some(info) = &told.provenance {
        row("begun", info.created.clone());
        row("program", format!("aha-lab {}", info.program_version));
        row("revision", info.git_revision.clone().unwrap_or_default());
        row("base", info.base.clone().unwrap_or_default());
        row("base, SHA-256", info.model_hash.clone());
        row("machine", info.backend.clone());
        row("vector unit", info.vector_unit.clone().unwrap_or_default());
        row("forked from", info.forked_from.clone().unwrap_or_default());
    }
    if let Some(hours) = told.hours() {
        row("time of all steps", minutes(hours));
        let price = told.started.config.watch.price_per_hour;
        row("cost", format!("{:.3} dollars, at {price} an hour", hours * price));
    }
    let tokens = told.curve(&registry::NUM_TOKENS).last().map(|(_, tokens)| format::value(*tokens));
    row("tokens", tokens.unwrap_or_default());
    for (step, key, value) in &told.edits {
        row("changed", format!("{key} = {value} after step {step}"));
    }
    told.troubles.iter().take(20).for_each(|trouble| row("reading", trouble.clone()));
    table(&["", ""], &rows)
}

/// The command that makes the run again.
fn repeat(told: &Told) -> String {
    if told.started.engine.is_some() || told.provenance.is_none() {
        return "<h4>Do it again</h4><p>This run was not trained by the lab; its engine's own files say how.</p>".to_owned();
    }
    let mut command = format!(
        "aha-lab run --headless --steps {} --seed {}",
        told.last_step(),
        told.started.config.machine.seed
    );
    for (key, value) in changed(told).into_iter().filter(|(key, _)| *key != "seed") {
        command.push_str(&format!(" --set {}", shell_word(&format!("{key}={value}"))));
    }
    if let Some(base) = told.provenance.as_ref().and_then(|info| info.base.as_ref()) {
        command.push_str(&format!(" --base {}", shell_word(base)));
    }
    let edited = match told.edits.is_empty() {
        true => "",
        false => {
            "<p class=\"note\">Settings were changed while it ran (above); the command begins as the run stands now.</p>"
        }
    };
    format!("<h4>Do it again</h4><pre>{}</pre>{edited}", text(&command))
}

/// In quotes where a shell would read more than a word in it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-=/,:@+".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Keys that are not at their defaults. Task, level and preset set others, and stand first.
fn changed(told: &Told) -> Vec<(&'static str, String)> {
    let value = |config: &Config, key: &str| config.get(key).unwrap_or_default();
    let mut usual = Config::default();
    let mut changed = Vec::new();
    for key in ["task", "level", "preset"] {
        let own = value(&told.started.config, key);
        if own != value(&usual, key) && told.knows(key) {
            let _ = usual.set(key, &own);
            changed.push((key, own));
        }
    }
    for key in Config::keys().filter(|key| told.knows(key.name)) {
        let own = value(&told.started.config, key.name);
        if own != value(&usual, key.name) {
            changed.push((key.name, own));
        }
    }
    changed
}

fn keys(told: &Told) -> String {
    let differs = changed(told);
    let rows: Vec<Vec<String>> = Config::keys()
        .filter(|key| told.knows(key.name))
        .map(|key| {
            let value = told.started.config.get(key.name).unwrap_or_default();
            let is_own = differs.iter().any(|(name, _)| *name == key.name);
            let value = text(&value);
            vec![text(key.name), if is_own { format!("<b>{value}</b>") } else { value }]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<details><summary>All {} keys of its configuration; bold ones are not at their defaults</summary>{}</details>",
        rows.len(),
        table(&["key", "value"], &rows)
    )
}

/// A panel for each run.
fn each(name: &str, runs: &[Told], panel: impl Fn(&Told) -> String) -> String {
    let panels: Vec<(String, String)> = runs.iter().map(|told| (told.name.clone(), panel(told))).collect();
    tabs(name, "Runs", &panels)
}
