//! The page.

use sha2::{Digest, Sha256};

use super::{
    curves::Curve,
    groups::Group,
    html::{tabs, text},
    read::Told,
    sections,
};
use crate::system::base64::base64;

/// Its style: the charts', which their files have too, and its own.
const STYLE: &str = concat!(include_str!("chart.css"), include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(super) fn of(runs: &[Told], groups: &[Group], curves: &[Curve]) -> String {
    let hash = |part: &str| format!("'sha256-{}'", base64(&Sha256::digest(part)));
    let title = match runs {
        [only] => only.name.clone(),
        several => format!("{} runs", several.len()),
    };
    let mut sections = vec![("curves", "Curves", drawn(curves))];
    if runs.len() > 1 {
        sections.push(("runs", "Runs side by side", sections::side_by_side(runs, groups)));
    }
    sections.push(("aha", "The aha moment", sections::moments(runs)));
    sections.push(("meter", "What the checks are worth", sections::meters(runs)));
    if let Some(budgets) = sections::budgets(runs) {
        sections.push(("budgets", "What thinking buys", budgets));
    }
    sections.push(("samples", "Completions", sections::samples(runs)));
    sections.push(("origin", "Configuration, machine, cost", sections::origins(runs)));
    let links: String =
        sections.iter().map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>")).collect();
    let bodies: String = sections
        .iter()
        .map(|(id, name, body)| format!("<section id=\"{id}\"><h2>{name}</h2>{body}</section>"))
        .collect();
    let first = runs.first().map(|told| (subject(told), sections::cards(told))).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'\"><meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light \
         dark\"><meta name=\"generator\" content=\"aha-lab {}\"><title>{title}</title><style>{STYLE}</style></head><body><header \
         class=\"top\"><div><p class=\"kicker\">{}</p><h1>{title}</h1></div><button type=\"button\" id=\"theme\" hidden>dark / \
         light</button></header><nav aria-label=\"Sections\">{links}</nav><main>{}{}{bodies}</main><footer>Written by aha-lab {}. \
         Nothing on this page was loaded from elsewhere.</footer><script>{SCRIPT}</script></body></html>\n",
        hash(STYLE),
        hash(SCRIPT),
        env!("CARGO_PKG_VERSION"),
        first.0,
        sections::summary(runs, groups),
        first.1,
        env!("CARGO_PKG_VERSION"),
        title = text(&title),
    )
}

/// What was trained, in a line.
fn subject(told: &Told) -> String {
    let config = &told.started.config;
    let known = |key: &'static str| told.knows(key).then(|| config.get(key).unwrap_or_default());
    let parts = [
        known("task"),
        known("level").map(|level| format!("level {level}")),
        known("preset").map(|preset| format!("preset {preset}")),
        known("control").filter(|control| control != "none").map(|control| format!("control: {control}")),
        told.started.engine.as_ref().map(|engine| format!("{} {}", engine.name, engine.version)),
    ];
    text(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// The curves in their tabs.
fn drawn(curves: &[Curve]) -> String {
    let mut panels: Vec<(String, String)> = Vec::new();
    for curve in curves {
        match panels.iter_mut().find(|(tab, _)| tab == curve.tab) {
            Some((_, body)) => body.push_str(&curve.chart.figure()),
            None => panels.push((curve.tab.to_owned(), curve.chart.figure())),
        }
    }
    if panels.is_empty() {
        return "<p>This run has measured nothing yet.</p>".to_owned();
    }
    for (_, body) in &mut panels {
        *body = format!("<div class=\"charts\">{body}</div>");
    }
    format!(
        "{}<p class=\"note\">Bright lines are smoothed as in the lab (weight 0.6 on the past), faint ones are the single runs or the \
         raw values, bands reach from the least to the greatest of several seeds, and the dashed line is the base on held-out \
         puzzles before training. The same curves stand as SVG files beside this page.</p>",
        tabs("curves", "Curves", &panels)
    )
}
