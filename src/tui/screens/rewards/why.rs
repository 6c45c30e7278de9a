//! Why the selected completion earns what it does, or what becomes of the selected trick.

use ratatui::text::{Line, Span};

use super::{
    state::{Rewards, tricks},
    view::{add, plain},
};
use crate::{
    config::{Config, Control},
    eval::rescoring::{Rescorer, judge, task_of},
    record::{Penalties, Rollout},
    runs::place::Place,
    settings::Choice,
    task::{
        self,
        answer::Graded,
        rules::{Judged, Rule, Standing, Trick, figure},
    },
    tui::{
        screens::Scene,
        shell::theme::Theme,
        store::completions::Key,
        widgets::lines::{problem_text, puzzle_text, span},
    },
};

/// Most characters of an answer or a completion that are shown.
const SHOWN: usize = 400;

/// What the pane is about.
pub(super) fn title(screen: &Rewards, scene: &Scene<'_>) -> String {
    if let Some((trick, _)) = selected_trick(screen, scene) {
        return format!(" {} ", trick.name);
    }
    match scene.listing.key() {
        Some(Key { step, group, index }) => format!(" why: step {step}, {} ", Place { group, index }.words()),
        None => " why ".to_owned(),
    }
}

/// The lines of the pane, the most important first.
pub(super) fn lines(screen: &Rewards, scene: &Scene<'_>, width: u16) -> Vec<Line<'static>> {
    if let Some((trick, name)) = selected_trick(screen, scene) {
        return of_trick(trick, name, screen, scene, width);
    }
    let Some(entry) = scene.listing.entry(&scene.store.completions) else {
        return vec![Line::from(span("no completion yet", scene.theme.dim))];
    };
    let run = scene.store.config().cloned().unwrap_or_default();
    let rescorer = Rescorer::new(&run, screen.trial.clone(), true);
    Pane {
        record: &entry.record,
        length: entry.length,
        rescorer,
        run,
        screen,
        scene,
        width,
        lines: Vec::new(),
    }
    .lines()
}

fn selected_trick(screen: &Rewards, scene: &Scene<'_>) -> Option<(&'static Trick, &'static str)> {
    let family = tricks(scene.store)?;
    let at = screen.trick?.min(family.tricks.len().checked_sub(1)?);
    Some((&family.tricks[at], family.name))
}

/// What is known of one completion.
struct Pane<'a> {
    record: &'a Rollout,
    length: Option<usize>,
    rescorer: Rescorer,
    run: Config,
    screen: &'a Rewards,
    scene: &'a Scene<'a>,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Pane<'_> {
    fn lines(mut self) -> Vec<Line<'static>> {
        let theme = self.scene.theme;
        let asked: String = plain(&problem_text(&self.record.problem, theme)).chars().take(SHOWN).collect();
        self.say(&[span(asked, theme.accent)]);
        let tried = self.rescorer.tried().clone();
        let judged = judge(self.record, &tried);
        match (&self.record.rewards, &judged) {
            (Some(_), _) => self.parts(judged.as_ref(), &tried),
            (None, Some(judged)) => self.verdict(judged, &tried),
            (None, None) => self.unknown(),
        }
        self.recorded(&tried, judged.as_ref());
        self.advantage();
        if let Some(judged) = &judged {
            self.answer(judged);
            let rules = task_of(self.record).map(|task| task.rules()).unwrap_or_default();
            standings(&mut self.lines, judged, rules, theme, self.width);
        }
        self.lines
    }

    fn say(&mut self, spans: &[Span<'static>]) {
        add(&mut self.lines, spans, self.width);
    }

    /// Why, by our own rules.
    fn verdict(&mut self, judged: &Judged, tried: &Config) {
        let theme = self.scene.theme;
        let penalties = self.rescorer.penalties(self.record, self.length, tried);
        let why = judged.sentence(&self.record.completion, &tried.reward.rules(), &penalties);
        self.say(&[span(plain(&why), theme.title)]);
    }

    /// The reward is of parts that its engine wrote down.
    fn parts(&mut self, judged: Option<&Judged>, tried: &Config) {
        let theme = self.scene.theme;
        let parts = self.record.rewards.clone().unwrap_or_default();
        let each = parts.iter().map(|(name, value)| {
            let weight = self.screen.trial.weight(name);
            let weight = if weight == 1.0 { String::new() } else { format!("{} * ", figure(weight)) };
            format!("{} {weight}{}", plain(name), value.map_or_else(|| "none".to_owned(), figure))
        });
        let sum = self.rescorer.row(self.record, self.length).after;
        let words = each.collect::<Vec<_>>().join(", ");
        self.say(&[span(format!("It earns {}, the sum of its parts: {words}.", figure(sum)), theme.title)]);
        if let Some(judged) = judged {
            let why = judged.sentence(&self.record.completion, &tried.reward.rules(), &Penalties::new());
            let ours = format!("Under our rules: {}", plain(&why).replacen("It earns", "it would earn", 1));
            self.say(&[span(ours, theme.dim)]);
        }
    }

    /// Nobody here can judge it: only what the file says.
    fn unknown(&mut self) {
        let theme = self.scene.theme;
        let task = plain(&self.record.problem.task);
        let why = match (task.is_empty(), task::family(&self.record.problem.task).is_ok()) {
            (true, _) => "No task is named, so nobody here can judge this completion.".to_owned(),
            (false, true) => format!("Its puzzle is not one of {task}, so nobody here can judge it."),
            (false, false) => {
                format!("There is no task `{task}` here, so nobody here can judge this completion.")
            }
        };
        self.say(&[span(why, theme.title)]);
    }

    /// What was recorded, and why that may be something else.
    fn recorded(&mut self, tried: &Config, judged: Option<&Judged>) {
        let theme = self.scene.theme;
        let reward = self.record.reward;
        let mut words = match reward.is_finite() {
            true => format!("Recorded: {}", figure(reward)),
            false => "Recorded: no reward".to_owned(),
        };
        if judged.is_none() && !self.record.penalties.is_empty() {
            words = format!("{words} ({})", plain(&self.record.penalties_in_words()));
        }
        let control = self.run.reward.control;
        let row = self.rescorer.row(self.record, self.length);
        let same = !row.scored || !row.changes();
        let edited = self.run.reward != tried.reward || !self.screen.trial.weights.is_empty();
        let note = match (control, same, edited) {
            (Control::RandomReward | Control::ShuffledReward, ..) => format!(", by the {}", control.words()),
            (Control::None, true, _) if row.scored && reward.is_finite() => ", the same".to_owned(),
            (Control::None, false, false) => {
                ": the rules of this run were others then, or another verifier scored it".to_owned()
            }
            _ => String::new(),
        };
        self.say(&[span(format!("{words}{note}."), theme.text)]);
    }

    fn advantage(&mut self) {
        let theme = self.scene.theme;
        let key = Key::of(self.record);
        let Some(row) = self.scene.store.rescoring.row(key) else { return };
        let (before, after) = (row.advantage_before, row.advantage_after);
        let words = match (before.is_finite(), after.is_finite()) {
            (true, true) if row.shifts() => {
                format!("Advantage {before:+.3} {} {after:+.3}.", theme.glyph("→", "->"))
            }
            (true, _) => format!("Advantage {before:+.3}."),
            (false, true) => format!("Advantage {after:+.3}, by the run's own estimator."),
            (false, false) => return,
        };
        self.say(&[span(words, theme.text)]);
    }

    fn answer(&mut self, judged: &Judged) {
        let theme = self.scene.theme;
        let Some(answer) = &judged.score.answer else { return };
        let answer: String = plain(answer).chars().take(SHOWN).collect();
        let mut spans = vec![span("answer ", theme.dim), span(answer, theme.answer(judged.score.correct).1)];
        if let Some(value) = &judged.score.value {
            let value: String = value.chars().take(40).collect();
            spans.push(span(format!("  = {value}"), theme.dim));
        }
        self.say(&spans);
    }
}

/// The rules in order, down to the one that decided.
fn standings(lines: &mut Vec<Line<'static>>, judged: &Judged, rules: &[Rule], theme: &Theme, width: u16) {
    for (rule, standing) in judged.standings(rules) {
        let (mark, style) = match standing {
            Standing::Holds => (theme.glyph("✓", "+"), theme.right),
            Standing::Broken => (theme.glyph("✗", "x"), theme.wrong),
            Standing::NotReached => (theme.glyph("·", "."), theme.dim),
        };
        let words = match standing {
            Standing::Broken => theme.title,
            Standing::Holds => theme.text,
            Standing::NotReached => theme.dim,
        };
        let name = if width >= 60 { format!("{:<14} ", rule.name()) } else { String::new() };
        lines.push(Line::from(vec![
            span(format!("{mark} "), style),
            span(name, theme.dim),
            span(rule.named().doc, words),
        ]));
    }
}

/// What becomes of a trick under the rules on the screen.
fn of_trick(
    trick: &Trick,
    family: &str,
    screen: &Rewards,
    scene: &Scene<'_>,
    width: u16,
) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let rules = screen.trial.applied(&scene.store.config().cloned().unwrap_or_default()).reward.rules();
    let mut lines = Vec::new();
    let puzzle = trick.puzzle();
    add(&mut lines, &[span(puzzle_text(family, &puzzle, theme), theme.accent)], width);
    let written = if trick.completion.is_empty() { "(nothing)" } else { trick.completion };
    add(&mut lines, &[span("writes ", theme.dim), span(written, theme.text)], width);
    let task = match task::family(family) {
        Ok(family) => family.reader,
        Err(_) => return lines,
    };
    let Some(tried) = trick.tried(task, &rules) else {
        let under = trick.under.unwrap_or(Graded::Last);
        let note = format!("No trick here: it is one where the {under} answer is graded.");
        add(&mut lines, &[span(note, theme.dim)], width);
        return lines;
    };
    let why = tried.judged.sentence(trick.completion, &rules, &Penalties::new());
    add(&mut lines, &[span(plain(&why), theme.title)], width);
    if !tried.stands {
        let much = "Under these rules that is as much as a right answer earns: the trick pays.";
        add(&mut lines, &[span(much, theme.warning)], width);
    }
    standings(&mut lines, &tried.judged, task.rules(), theme, width);
    lines
}
