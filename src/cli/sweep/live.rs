//! The table on a terminal while a sweep runs: one line for each run that fits, and how far all of them are.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ratatui::crossterm::terminal;

use super::trial::{Standing, Trial};
use crate::{
    cli::{
        progress_visible,
        table::{NOTHING, Table},
    },
    metrics::{format, registry},
    record::Step,
    runs::progress::Progress,
};

/// How often the table is drawn.
const BETWEEN_FRAMES: Duration = Duration::from_millis(500);
/// Lines that are no runs: the heading, the sum, and the one that the cursor is on.
const OTHER_LINES: usize = 3;
/// Where the terminal does not say its size.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// Draws on standard error; nothing where that is no terminal.
pub(super) struct Live {
    steps: u64,
    jobs: usize,
    bar: Option<ProgressBar>,
    started: Instant,
    drawn: Option<Instant>,
    /// Steps that were there at the start: they tell nothing of the speed.
    before: u64,
}

impl Live {
    pub(super) fn start(steps: u64, jobs: usize, trials: &[Trial]) -> Self {
        let bar = progress_visible().then(ProgressBar::new_spinner);
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template("{msg}")) {
            bar.set_style(style);
        }
        let before = made(trials, steps);
        Self { steps, jobs, bar, started: Instant::now(), drawn: None, before }
    }

    /// Draws the table if it is time to, after `look` has looked at the runs under way.
    pub(super) fn look(&mut self, trials: &mut [Trial], look: impl Fn(&mut Trial)) {
        let Some(bar) = &self.bar else { return };
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < BETWEEN_FRAMES) {
            return;
        }
        self.drawn = Some(Instant::now());
        trials.iter_mut().filter(|trial| trial.standing == Standing::Running).for_each(look);
        let (columns, rows) = terminal::size().unwrap_or(USUAL_SIZE);
        bar.set_message(self.text(trials, columns.into(), rows.into()));
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn text(&self, trials: &[Trial], columns: usize, rows: usize) -> String {
        let mut table = Table::new(["run", "state", "step", "reward", "accuracy", "held out"]);
        for trial in shown(trials, rows.saturating_sub(OTHER_LINES).max(1)) {
            let newest = trial.progress.as_ref().and_then(Progress::newest);
            let value = |metric| newest.and_then(|step: &Step| step.known(metric));
            let held_out = trial.progress.as_ref().and_then(Progress::held_out);
            table.row([
                trial.name.clone(),
                trial.standing.name().to_owned(),
                format!("{}/{}", trial.steps(), self.steps),
                known(value(&registry::REWARD)),
                known(value(&registry::ACCURACY)),
                known(held_out),
            ]);
        }
        let mut lines = Vec::new();
        // Into memory: nothing can fail.
        let _ = table.print(&mut lines);
        let mut text = String::new();
        for line in String::from_utf8_lossy(&lines).lines().chain([self.sum(trials).as_str()]) {
            // All of it is a cell wide, but for what a person called something.
            text.extend(line.chars().take(columns.saturating_sub(1)));
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// How far all of them are together.
    fn sum(&self, trials: &[Trial]) -> String {
        let count = |name: &str| trials.iter().filter(|trial| trial.standing.name() == name).count();
        let (done, failed) = (count("finished"), count("failed"));
        let mut sum = format!("{done} of {} runs finished", trials.len());
        if failed > 0 {
            sum += &format!(", {failed} failed");
        }
        sum += &format!(", {} at a time", self.jobs);
        let elapsed = self.started.elapsed();
        sum += &format!("; {}", HumanDuration(elapsed));
        let is_open = |trial: &&Trial| matches!(trial.standing, Standing::Waiting | Standing::Running);
        let left: u64 =
            trials.iter().filter(is_open).map(|trial| self.steps.saturating_sub(trial.steps())).sum();
        let fresh = made(trials, self.steps).saturating_sub(self.before);
        if let Some(left) = time_left(elapsed, fresh, left) {
            sum += &format!(", about {} left", HumanDuration(left));
        }
        sum
    }
}

/// The steps that all runs have made.
fn made(trials: &[Trial], most: u64) -> u64 {
    trials.iter().map(|trial| trial.steps().min(most)).sum()
}

/// As fast as until now.
fn time_left(elapsed: Duration, made: u64, left: u64) -> Option<Duration> {
    if made == 0 {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * left as f64 / made as f64).ok()
}

/// The runs that fit, with the first that is under way among them and as much before it as behind.
fn shown(trials: &[Trial], most: usize) -> &[Trial] {
    let current = trials.iter().position(|trial| trial.standing == Standing::Running).unwrap_or(0);
    let first = current.saturating_sub(most / 2).min(trials.len().saturating_sub(most));
    &trials[first..trials.len().min(first + most)]
}

fn known(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), format::value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn trials(count: usize, running: usize) -> Vec<Trial> {
        (0..count)
            .map(|i| Trial {
                combination: i,
                seed: 1,
                name: format!("c{}-seed1", i + 1),
                standing: match i.cmp(&running) {
                    std::cmp::Ordering::Less => Standing::Done,
                    std::cmp::Ordering::Equal => Standing::Running,
                    std::cmp::Ordering::Greater => Standing::Waiting,
                },
                run: None,
                progress: None,
            })
            .collect()
    }

    #[test]
    fn the_run_under_way_is_shown_wherever_it_stands_and_nothing_is_wider_than_the_terminal() {
        let live = Live { steps: 30, jobs: 2, bar: None, started: Instant::now(), drawn: None, before: 0 };
        for (count, running) in [(1, 0), (5, 4), (50, 0), (50, 25), (50, 49)] {
            let trials = trials(count, running);
            for (columns, rows) in [(120, 36), (80, 24), (40, 12), (1, 1)] {
                let text = live.text(&trials, columns, rows);
                assert!(text.lines().count() < rows.max(4), "{text}");
                assert!(text.lines().all(|line| line.chars().count() < columns.max(2)), "{text}");
                assert!(columns < 40 || text.contains(" running "), "{text}");
                assert!(
                    columns < 40 || text.contains(&format!("{running} of {count} runs finished")),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_time_left_is_unknown_before_the_first_step() {
        assert_eq!(time_left(Duration::from_secs(10), 0, 5), None);
        assert_eq!(time_left(Duration::from_secs(10), 5, 20), Some(Duration::from_secs(40)));
    }
}
