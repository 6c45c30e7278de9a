//! The figures of the aha-meter in words, the same on screen and without one.

use super::{
    Tally,
    meter::{Difference, share},
};

/// What a figure is about, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Nothing special.
    Plain,
    /// The difference that checking goes with.
    Worth,
    /// True checks.
    True,
    /// Misled checks.
    Misled,
    /// False checks.
    False,
    /// Superficial checks.
    Superficial,
}

/// What must be said beside the difference.
pub const CAVEAT: &str = "an association, not a cause";

/// How the figures are to be read.
pub const NOTE: &str = "95 %: Newcombe's interval, answers taken as independent. Checked: at least one true, misled \
    or false check; a superficial one checks nothing. A misled check judges a miscalculated value. Derived: an attempt \
    of the thought comes to the answer with every step true.";

/// The figures of a tally, the most important first: name, value, subject.
pub fn figures(tally: &Tally) -> Vec<(&'static str, String, Subject)> {
    let checks = tally.true_checks + tally.misled_checks + tally.false_checks + tally.superficial_checks;
    let mut figures = vec![
        ("right if checked", of(tally.checked_right, tally.checked), Subject::Plain),
        ("right if not checked", of(tally.unchecked_right, tally.unchecked()), Subject::Plain),
        ("difference", worth(tally.worth_of_checking()), Subject::Worth),
        ("right ones derived", of(tally.faithful_right, tally.judged_right), Subject::Plain),
        ("stops after a miss", of(tally.stops_after_miss, tally.stated_misses), Subject::Plain),
        ("stops after a hit", of(tally.stops_after_hit, tally.stated_hits), Subject::Plain),
        ("repeated attempts", of(tally.repeated_attempts, tally.attempts), Subject::Plain),
        ("true checks", of(tally.true_checks, checks), Subject::True),
        ("misled checks", of(tally.misled_checks, checks), Subject::Misled),
        ("false checks", of(tally.false_checks, checks), Subject::False),
        ("superficial checks", of(tally.superficial_checks, checks), Subject::Superficial),
    ];
    if tally.decomposed > 0 {
        let direct = tally.completions - tally.decomposed;
        let direct_right = tally.checked_right + tally.unchecked_right - tally.decomposed_right;
        // Behind the difference: in a task where a question can be taken apart this is what there is to see.
        let rows = [
            ("taken apart", of(tally.decomposed, tally.completions), Subject::Plain),
            ("right if taken apart", of(tally.decomposed_right, tally.decomposed), Subject::Plain),
            ("right if not", of(direct_right, direct), Subject::Plain),
        ];
        figures.splice(3..3, rows);
    }
    figures
}

/// `40.0 % (12 of 30)`.
fn of(part: usize, whole: usize) -> String {
    match share(part, whole) {
        Some(share) => format!("{:.1} % ({part} of {whole})", 100.0 * share),
        None => "none yet".to_owned(),
    }
}

fn worth(difference: Option<Difference>) -> String {
    match difference {
        Some(found) => format!(
            "{:+.1} points (95 %: {:+.1} to {:+.1})",
            100.0 * found.value,
            100.0 * found.low,
            100.0 * found.high
        ),
        None => "needs answers with a check and without".to_owned(),
    }
}
