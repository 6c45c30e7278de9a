//! The message when a run is left: where it is, what came of it, and the commands that open, resume and fork
//! it.

use std::{
    collections::VecDeque,
    env,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use crate::{
    metrics::AhaWatch,
    metrics::registry,
    record::Step,
    runs::{Reader, RunDirectory, RunError, ancestors, checkpoint, segments, source::base_reference},
    system::output::{self, printable_within_line},
    tui::widgets::numbers,
};

/// Steps averaged at each end.
const ENDS: usize = 3;
/// Where runs are without `--runs`.
const USUAL_ROOT: &str = "runs";

/// How a run is left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaving {
    /// Price of an hour, dollars; `None` to use the run's configuration.
    pub price_per_hour: Option<f64>,
    /// Whether the accuracy is reported elsewhere.
    pub accuracy_is_told: bool,
    /// Whether its engine belongs to this process, and ends with it.
    pub engine_is_ours: bool,
}

/// Prints it on standard error, which may be gone.
pub fn say(run: &Path, leaving: Leaving) {
    let Ok(run) = RunDirectory::open(run) else { return };
    match lines(&run, leaving) {
        Ok(lines) => lines.iter().for_each(output::say),
        Err(error) => output::say(error),
    }
}

/// Prints where several runs of other processes are and what each reached, or, where that cannot be read, the steps that
/// were seen of it; and the command that opens them again.
pub fn say_several(runs: &[(PathBuf, u64)]) {
    let leaving = Leaving { price_per_hour: None, accuracy_is_told: false, engine_is_ours: false };
    for (path, steps) in runs {
        if let Ok(run) = RunDirectory::open(path) {
            match Account::of(&run, leaving) {
                Ok(account) => account.lines.iter().for_each(output::say),
                Err(_) => output::say(whereabouts(&run, *steps, run.is_live())),
            }
        }
    }
    output::say(format!("  open    {}", open(runs.iter().map(|(path, _)| path.as_path()))));
}

fn lines(run: &RunDirectory, leaving: Leaving) -> Result<Vec<String>, RunError> {
    let Account { mut lines, steps, live } = Account::of(run, leaving)?;
    lines.extend(commands(run, steps, live));
    Ok(lines)
}

/// Where a run is and what came of it.
struct Account {
    lines: Vec<String>,
    steps: u64,
    live: bool,
}

impl Account {
    fn of(run: &RunDirectory, leaving: Leaving) -> Result<Self, RunError> {
        let file = run.config()?;
        let ancestors = ancestors(run);
        let base = base_reference(&file);
        let mut figures = Figures::new(base.map(|base| base.self_corrections));
        for part in segments(run, &ancestors, None) {
            Reader::new(&part.run).steps_until(part.last, |step| figures.take_in(step))?;
        }
        let live = !leaving.engine_is_ours && run.is_live();
        let steps = figures.last.back().map_or(0, |last| last.step);
        let mut said = vec![whereabouts(run, steps, live)];
        if let Some(parent) = ancestors.first() {
            let name = printable_within_line(&parent.name);
            said.push(format!("  forked from {name} after step {}; its steps are counted here", parent.step));
        }
        if !leaving.accuracy_is_told {
            said.extend(figures.accuracy(base.map(|base| base.accuracy)));
        }
        if let Some(line) = figures.aha() {
            said.push(line);
            let price = leaving.price_per_hour.unwrap_or(file.config.watch.price_per_hour);
            said.push(figures.costs(price));
        }
        Ok(Self { lines: said, steps, live })
    }
}

/// Where a run is, and how many steps it has made.
fn whereabouts(run: &RunDirectory, steps: u64, live: bool) -> String {
    let shown = printable_within_line(&run.path().display().to_string());
    match live {
        true => format!("{shown} continues without this screen; it has made {steps} steps."),
        false => format!("{steps} steps are in {shown}."),
    }
}

/// The commands to continue from here, ready to paste.
fn commands(run: &RunDirectory, steps: u64, live: bool) -> Vec<String> {
    let mut commands = vec![format!("  open    {}", open([run.path()]))];
    let saved = checkpoint::list(&run.checkpoints_path()).last().map(|(step, _)| *step);
    let Some(saved) = saved else { return commands };
    let program = program();
    if !live {
        if saved < steps {
            commands.insert(
                0,
                format!("  its newest checkpoint is of step {saved}; resume and fork start from there"),
            );
        }
        commands.push(format!("  resume  {program} run --resume {}", quoted(&argument(run.path()))));
    }
    let root = run.path().parent().unwrap_or(Path::new(""));
    let elsewhere = match root == Path::new(USUAL_ROOT) {
        true => String::new(),
        false => format!(" --runs {}", quoted(&argument(root))),
    };
    let from = quoted(&format!("{}@{saved}", argument(run.path())));
    commands.push(format!("  fork    {program} run --fork {from}{elsewhere}"));
    commands
}

/// The command that opens runs.
pub fn open<'a>(runs: impl IntoIterator<Item = &'a Path>) -> String {
    let runs = runs.into_iter().map(|run| format!(" {}", quoted(&argument(run))));
    format!("{} open{}", program(), runs.collect::<String>())
}

/// This program's name, as it was called.
fn program() -> String {
    env::args().next().map_or_else(|| "aha-lab".into(), |name| quoted(&name))
}

/// The command that this process was started with.
pub(super) fn this_command() -> String {
    let words = env::args_os().skip(1).map(|word| format!(" {}", quoted(&word.to_string_lossy())));
    program() + &words.collect::<String>()
}

/// A path as an argument that cannot be mistaken for a name or an option.
pub(super) fn argument(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain =
        path.components().count() > 1 || matches!(path.components().next(), Some(Component::RootDir));
    match (text.is_empty(), is_plain && !text.starts_with('-')) {
        (true, _) => ".".into(),
        (_, true) => text,
        _ => Path::new(".").join(path).display().to_string(),
    }
}

/// A word for a shell: as it is if nothing in it is special, otherwise in quotes.
fn quoted(word: &str) -> String {
    let means_nothing =
        |c: char| c.is_alphanumeric() || "_./@%+=:,-".contains(c) || cfg!(windows) && c == '\\';
    if !word.is_empty() && word.chars().all(means_nothing) {
        return word.into();
    }
    if cfg!(windows) {
        return format!("\"{word}\"");
    }
    if !word.chars().any(char::is_control) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    // The notation of bash and zsh for what cannot be printed.
    let mut text = String::from("$'");
    for character in word.chars() {
        match character {
            '\'' | '\\' => text.extend(['\\', character]),
            _ if character.is_control() => {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).bytes();
                bytes.for_each(|byte| text += &format!("\\x{byte:02x}"));
            }
            _ => text.push(character),
        }
    }
    text + "'"
}

/// The figures kept of a run of any length.
struct Figures {
    /// The base's self-corrections per completion; without it the first step stands in.
    base: Option<f64>,
    first: Vec<Step>,
    last: VecDeque<Step>,
    held_out: Option<(u64, f64)>,
    seconds: f64,
    watch: AhaWatch,
}

impl Figures {
    fn new(base: Option<f64>) -> Self {
        Self {
            base,
            first: Vec::new(),
            last: VecDeque::new(),
            held_out: None,
            seconds: 0.0,
            watch: AhaWatch::default(),
        }
    }

    fn take_in(&mut self, step: Step) {
        if step.step == 1 {
            self.base.get_or_insert(step.get(&registry::SELF_CORRECTIONS));
        }
        if let Some(base) = self.base.filter(|base| base.is_finite()) {
            self.watch.push(step.step, step.get(&registry::SELF_CORRECTIONS), base);
        }
        self.held_out =
            step.known(&registry::EVAL_ACCURACY).map(|share| (step.step, share)).or(self.held_out);
        if step.get(&registry::STEP_TIME).is_finite() {
            self.seconds += step.get(&registry::STEP_TIME).max(0.0);
        }
        if self.first.len() < ENDS {
            self.first.push(step.clone());
        }
        self.last.push_back(step);
        if self.last.len() > ENDS {
            self.last.pop_front();
        }
    }

    /// Before and after: of the steps at both ends, and on held-out puzzles.
    fn accuracy(&self, base: Option<f64>) -> Option<String> {
        let last: Vec<&Step> = self.last.iter().collect();
        let first: Vec<&Step> = self.first.iter().collect();
        let (before, after) = (end(&first)?, end(&last)?);
        let mut line = match before == after {
            true => format!("  accuracy {before}"),
            false => format!("  accuracy {before} -> {after}"),
        };
        if let Some((step, share)) = self.held_out {
            let before = base.map(|base| format!("{base:.2} (base) -> ")).unwrap_or_default();
            line += &format!("; held out {before}{share:.2} (step {step})");
        }
        Some(line)
    }

    fn aha(&self) -> Option<String> {
        self.last.back()?;
        Some(match self.watch.mark() {
            Some(step) => {
                format!("  aha at step {step}: smoothed self-corrections stay above three times the base's")
            }
            None => {
                "  no aha mark: smoothed self-corrections have not stayed above three times the base's".into()
            }
        })
    }

    fn costs(&self, price_per_hour: f64) -> String {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let tokens = self.last.back().map_or(f64::NAN, |last| last.get(&registry::NUM_TOKENS));
        format!(
            "  {} of training, {} tokens, {} at ${price_per_hour:.2} an hour",
            numbers::clock(time),
            numbers::si(tokens).trim(),
            numbers::dollars(self.seconds / 3600.0 * price_per_hour),
        )
    }
}

/// `0.12 (steps 1 to 3)`.
fn end(steps: &[&Step]) -> Option<String> {
    let (first, last) = (steps.first()?.step, steps.last()?.step);
    let mean = steps.iter().map(|step| step.get(&registry::ACCURACY)).sum::<f64>() / steps.len() as f64;
    let which = if first == last { format!("step {first}") } else { format!("steps {first} to {last}") };
    Some(format!("{} ({which})", numbers::fixed(mean, 2, 0)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_both_ends_and_of_everything_between() {
        let step = |n: u64, accuracy, self_corrections| {
            Step::new(n)
                .with(&registry::ACCURACY, accuracy)
                .with(&registry::SELF_CORRECTIONS, self_corrections)
                .with(&registry::NUM_TOKENS, 1000 * n)
                .with(&registry::STEP_TIME, 60.0)
                .with(&registry::EVAL_ACCURACY, n.is_multiple_of(10).then_some(0.5))
        };
        let mut figures = Figures::new(None);
        assert_eq!((figures.accuracy(None), figures.aha()), (None, None));
        figures.take_in(step(1, 0.1, 0.1));
        assert_eq!(figures.accuracy(Some(0.13)).unwrap(), "  accuracy 0.10 (step 1)");
        assert!(figures.aha().unwrap().contains("no aha mark"));
        for n in 2..=12 {
            figures.take_in(step(n, n as f64 / 10.0, if n < 5 { 0.1 } else { 2.0 }));
        }
        assert_eq!(
            figures.accuracy(Some(0.13)).unwrap(),
            "  accuracy 0.20 (steps 1 to 3) -> 1.10 (steps 10 to 12); held out 0.13 (base) -> 0.50 (step 10)"
        );
        assert!(figures.aha().unwrap().starts_with("  aha at step 5:"), "{:?}", figures.aha());
        assert_eq!(figures.costs(0.1), "  12:00 of training, 12.0k tokens, $0.0200 at $0.10 an hour");
    }

    #[test]
    fn paths_are_arguments_that_a_shell_and_this_program_take() {
        for (path, word) in [
            ("runs/2026-a", "runs/2026-a"),
            ("/tmp/my runs/x", "'/tmp/my runs/x'"),
            ("it's/x", "'it'\\''s/x'"),
            ("x", "./x"),
            ("-x/y", "./-x/y"),
            ("", "."),
            ("a\u{1b}[31m/$HOME", "$'a\\x1b[31m/$HOME'"),
            ("über/läufe", "über/läufe"),
        ] {
            assert_eq!(quoted(&argument(Path::new(path))), word);
        }
    }
}
