//! The figures of the aha-meter in words, the same on screen and in plain output.

use super::{
    Tally,
    hits::{HitRate, HitRates},
    meter::{Difference, share},
};

/// What a figure is about; decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Nothing special.
    Plain,
    /// The difference that goes along with checking.
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

/// Caveat shown beside the difference.
pub(crate) const CAVEAT: &str = "an association, not a cause";

/// How to read the figures.
const NOTE: &str = "95 %: Newcombe's interval, answers treated as independent. Checked: has at least one true, \
    misled or false check; a superficial one checks nothing. A misled check judges a miscalculated value. Faithful: \
    an attempt in the thought derives the answer, every step true.";

/// How to read the hit rates.
const ABOUT_HITS: &str = " New attempts: not made before in the completion. Below: blind search on the same puzzles \
    after as many misses, at random and with a last step that ends on the target if it can.";

/// The note on how to read a tally's figures.
pub(crate) fn note(tally: &Tally) -> String {
    if tally.hit_rates.is_empty() { NOTE.into() } else { format!("{NOTE}{ABOUT_HITS}") }
}

/// The shares of a tally, most important first: name, part, whole, subject.
pub(crate) fn shares(tally: &Tally) -> Vec<(&'static str, usize, usize, Subject)> {
    let checks = tally.true_checks + tally.misled_checks + tally.false_checks + tally.superficial_checks;
    let mut shares = vec![
        ("right if checked", tally.checked_right, tally.checked, Subject::Plain),
        ("right if not checked", tally.unchecked_right, tally.unchecked(), Subject::Plain),
        ("faithful if right", tally.faithful_right, tally.judged_right, Subject::Plain),
        ("true checks", tally.true_checks, checks, Subject::True),
        ("misled checks", tally.misled_checks, checks, Subject::Misled),
        ("false checks", tally.false_checks, checks, Subject::False),
        ("stops after a miss", tally.stops_after_miss, tally.stated_misses, Subject::Plain),
        ("stops after a hit", tally.stops_after_hit, tally.stated_hits, Subject::Plain),
        ("repeated attempts", tally.repeated_attempts, tally.attempts, Subject::Plain),
        ("superficial checks", tally.superficial_checks, checks, Subject::Superficial),
    ];
    if tally.decomposed > 0 {
        let direct = tally.completions - tally.decomposed;
        let direct_right = tally.checked_right + tally.unchecked_right - tally.decomposed_right;
        // Before all others but two: where problems can be split, this is what there is to see.
        let rows = [
            ("decomposed", tally.decomposed, tally.completions, Subject::Plain),
            ("right if decomposed", tally.decomposed_right, tally.decomposed, Subject::Plain),
            ("right if not", direct_right, direct, Subject::Plain),
        ];
        shares.splice(2..2, rows);
    }
    shares
}

/// The figures of a tally, most important first: name, value, subject.
pub fn figures(tally: &Tally) -> Vec<(&'static str, String, Subject)> {
    let told = |(name, part, whole, subject)| (name, of(part, whole), subject);
    let mut figures: Vec<_> = shares(tally).into_iter().map(told).collect();
    figures.insert(2, ("difference", worth(tally.worth_of_checking()), Subject::Worth));
    let place = figures.iter().position(|(name, ..)| *name == "stops after a miss").unwrap_or(figures.len());
    figures.splice(place..place, hit_rates(&tally.hit_rates));
    figures
}

/// The attempts whose hit rates are shown.
const TOLD: [usize; 4] = [1, 2, 4, 8];

/// The hit rates by attempt, and those of the two blind searchers: `1st 10 % · 2nd 14 % · 4th 17 %`.
fn hit_rates(rates: &HitRates) -> Vec<(&'static str, String, Subject)> {
    let row = |of: fn(&HitRate) -> f64| {
        let told = rates.rows().filter(|row| TOLD.contains(&row.attempt));
        let words = told.map(|row| format!("{} {:>2.0} %", ordinal(row.attempt), 100.0 * of(&row)));
        words.collect::<Vec<_>>().join(" · ")
    };
    if rates.rows().next().is_none() {
        return Vec::new();
    }
    vec![
        ("new attempts hit", row(|row| row.hit_rate), Subject::Plain),
        ("  at random", row(|row| row.random), Subject::Plain),
        ("  looking ahead", row(|row| row.looking_ahead), Subject::Plain),
    ]
}

fn ordinal(number: usize) -> String {
    match number {
        1 => "1st".into(),
        2 => "2nd".into(),
        other => format!("{other}th"),
    }
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
        None => "needs answers with and without a check".to_owned(),
    }
}
