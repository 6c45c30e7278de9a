//! The report of an evaluation, for people or as JSON.

use std::io::Write;

use crate::{cli::Failure, eval::report::EvalReport, record::Estimate};

/// Prints a report as JSON or as a table.
///
/// # Errors
/// If standard output is closed.
pub fn print(report: &EvalReport, json: bool, mut stdout: impl Write) -> Result<(), Failure> {
    if json {
        writeln!(stdout, "{}", serde_json::to_string(report)?)?;
        return Ok(());
    }
    let [low, high] = report.accuracy_ci95;
    let rows = [
        (
            "puzzles x samples",
            format!("{} x {} at T = {}", report.puzzles, report.samples, report.temperature),
        ),
        ("accuracy", format!("{}  (95 %: {} to {})", percent(report.accuracy), percent(low), percent(high))),
        ("accuracy, greedy", maybe(report.accuracy_greedy)),
        ("well-formed", percent(report.well_formed)),
        ("arithmetic steps right", percent(report.arithmetic_right)),
        ("self-checking completions", percent(report.self_checking_share)),
        ("checks per completion", format!("{:.2}", report.checks_per_completion)),
        ("true checks", maybe(report.true_check_share)),
        ("misled checks", maybe(report.misled_check_share)),
        ("faithful right answers", maybe(report.faithful_share)),
        ("self-corrections per completion", format!("{:.2}", report.self_corrections_per_completion)),
        ("repeated attempts", percent(report.repeated_attempt_share)),
        ("stops after a stated miss", maybe(report.stop_after_miss)),
        ("stops after a stated hit", maybe(report.stop_after_hit)),
        ("mean length, tokens", format!("{:.1}", report.mean_length)),
        ("cut off", percent(report.truncated_share)),
    ];
    for (name, value) in rows {
        writeln!(stdout, "{name:<34}{value}")?;
    }
    print_more(report, stdout)
}

/// What not every evaluation has: decompositions, hits by attempt, best of k, sizes apart, budgets.
fn print_more(report: &EvalReport, mut stdout: impl Write) -> Result<(), Failure> {
    if report.decomposing_share > 0.0 {
        let value = format!(
            "{}  ({:.2} each)",
            percent(report.decomposing_share),
            report.decompositions_per_completion
        );
        writeln!(stdout, "{:<34}{value}", "decomposed")?;
    }
    for row in report.hit_rates.rows().filter(|row| [1, 2, 4, 8, 12].contains(&row.attempt)) {
        let value = format!(
            "{} of {}  (blind: random {}, looking ahead {}); within: {} (blind: {}, {})",
            percent(row.hit_rate),
            row.made,
            percent(row.random),
            percent(row.looking_ahead),
            percent(row.solved),
            percent(row.random_solved),
            percent(row.looking_ahead_solved)
        );
        writeln!(stdout, "{:<34}{value}", format!("new attempt {} hits", row.attempt))?;
    }
    let with_interval = |of: Estimate| {
        let [low, high] = of.ci95;
        format!("{}  (95 %: {} to {})", percent(of.value), percent(low), percent(high))
    };
    for at in report.frontier.first().into_iter().flat_map(|free| &free.at_k).filter(|at| at.k > 1) {
        writeln!(stdout, "{:<34}{}", format!("pass@{}, best of {}", at.k, at.k), with_interval(at.best_of))?;
        if let Some(majority) = at.majority {
            writeln!(stdout, "{:<34}{}", format!("majority@{}", at.k), with_interval(majority))?;
        }
    }
    if let Some(ceiling) = report.ceiling {
        writeln!(stdout, "{:<34}{}", "solvable in the base's language", percent(ceiling))?;
    }
    for of in &report.by_numbers {
        let value = format!(
            "{} of {} puzzles; solvable {}; blind: random {}, looking ahead {}; steps right {}, faithful {}, cut off {}",
            with_interval(of.accuracy),
            of.puzzles,
            maybe(of.ceiling),
            maybe(of.random),
            maybe(of.looking_ahead),
            percent(of.arithmetic_right),
            maybe(of.faithful_share),
            percent(of.truncated_share)
        );
        writeln!(stdout, "{:<34}{value}", format!("accuracy, {} numbers", of.numbers))?;
    }
    for point in report.frontier.iter().filter(|point| point.budget.is_some()) {
        let name = format!("accuracy within {} tokens", point.budget.unwrap_or_default());
        let spent = format!("{:.1} tokens of thought", point.thinking_tokens);
        writeln!(stdout, "{name:<34}{}  {spent}", with_interval(point.accuracy()))?;
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn maybe(share: Option<f64>) -> String {
    share.map_or("-".into(), percent)
}
