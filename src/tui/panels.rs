//! The panels of all screens, and what `?` says of each: what it shows, how that is computed, and what would be bad.
//! A screen notes where it drew which panel; help, tour and mouse read that.

use std::cell::RefCell;

use ratatui::layout::{Position, Rect};

/// One panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// The phase line.
    Phases,
    /// The chart of reward and accuracy.
    Reward,
    /// The chart of length.
    Length,
    /// The chart of checks.
    Checks,
    /// The chart of right answers and their faithful share.
    Answers,
    /// The charts where there is room for lines only.
    Sparklines,
    /// The current completions.
    Completions,
    /// Rates and totals.
    Totals,
    /// The list of completions.
    List,
    /// One transcript.
    Transcript,
    /// The figures of the Meter.
    Meter,
    /// The search tree.
    Tree,
    /// The search beside the solver's.
    Solver,
    /// The words behind a node.
    Words,
    /// The steps at which a pinned puzzle was answered.
    Steps,
    /// Two answers beside each other.
    Answered,
    /// A group, token by token.
    Group,
    /// The fields of the Playground.
    Form,
    /// Its answers.
    Models,
    /// A change and its continuations.
    Change,
    /// The compute frontier.
    Frontier,
    /// The dangers.
    Sentinel,
    /// The configuration keys.
    Keys,
    /// One configuration key.
    Key,
    /// The rules of the reward.
    Rules,
    /// What other rules change in all.
    Effect,
    /// The completions that other rules change, or the tricks.
    Changed,
    /// Why one completion earns what it does.
    Why,
    /// All runs of the folder.
    Runs,
    /// One run, or several side by side.
    Run,
    /// Panels of any metrics.
    Curves,
}

/// What is said of a panel.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Which panel.
    pub panel: Panel,
    /// What it is called.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// How that is computed.
    pub computed: &'static str,
    /// What would be bad.
    pub bad: &'static str,
}

impl Panel {
    /// What is said of it.
    pub fn about(self) -> &'static About {
        ALL.iter().find(|about| about.panel == self).unwrap_or(&ALL[0])
    }
}

/// Where a frame put panels, in the order in which they were drawn.
#[derive(Debug, Clone, Default)]
pub struct Panels(RefCell<Vec<(Rect, Panel)>>);

impl Panels {
    /// A panel was drawn here.
    pub(in crate::tui) fn note(&self, panel: Panel, area: Rect) {
        if !area.is_empty() {
            self.0.borrow_mut().push((area, panel));
        }
    }

    /// Takes them out: the next frame begins without any.
    pub(in crate::tui) fn take(&self) -> Vec<(Rect, Panel)> {
        self.0.take()
    }
}

/// The panel at a place.
pub(in crate::tui) fn at(panels: &[(Rect, Panel)], place: Position) -> Option<Panel> {
    panels.iter().rev().find(|(area, _)| area.contains(place)).map(|(_, panel)| *panel)
}

/// Every panel. Long because it is a table: one row a panel.
pub static ALL: &[About] = &[
    About {
        panel: Panel::Phases,
        name: "phases",
        shows: "the five phases of a GRPO step, the current one lit, and how far it is",
        computed: "each phase counts its own units: completions that are answered, completions that are scored, \
            micro-batches of the update",
        bad: "a count that stands still; sampling that takes longer at every step while accuracy does not rise",
    },
    About {
        panel: Panel::Reward,
        name: "reward and accuracy",
        shows: "what the completions of each step earned, and the share of them that is right; the level line is the base \
            model before training",
        computed: "means over all completions of the step, penalties taken off; faint lines are steps, bright ones moving \
            averages of them (m)",
        bad: "reward that rises without accuracy, because something other than the task pays; both below the base; \
            a fall that does not end",
    },
    About {
        panel: Panel::Length,
        name: "length",
        shows: "tokens per completion, and in the title the share that was cut off at max_new_tokens",
        computed: "mean over all completions of the step; the faint line is steps, the bright one a moving average (m); l \
            makes the axis logarithmic",
        bad: "length that rises without accuracy: loops and padding; a share cut off that rises, since what is cut off \
            has no answer",
    },
    About {
        panel: Panel::Checks,
        name: "self-checks",
        shows: "checks per completion, stacked: true, misled, false and superficial; the aha mark is on its axis",
        computed: "exact arithmetic decides every check that is found in the text; the reward never sees it. Moving \
            averages (m)",
        bad: "superficial or false checks that grow: talk of checking without checking; misled ones that grow: the \
            arithmetic decays",
    },
    About {
        panel: Panel::Answers,
        name: "right answers",
        shows: "the share of right answers, and of those the share that is faithful: derived in the thought",
        computed: "an answer is faithful if an attempt in its thought comes to it by the same operations, every step true",
        bad: "right answers that are less and less faithful: the answer no longer comes from the thought",
    },
    About {
        panel: Panel::Sparklines,
        name: "reward, length and checks",
        shows: "the three charts of a larger terminal, a line each, with their newest values",
        computed: "means over all completions of a step, as moving averages (m)",
        bad: "reward that rises without accuracy; length or superficial checks that rise while accuracy does not",
    },
    About {
        panel: Panel::Completions,
        name: "completions",
        shows: "the completions of one puzzle as they are written, then verdict, reward, advantage and tokens; checks are \
            coloured, and a self-correction lights up when it happens",
        computed: "sampled from the current policy. The advantage compares a reward with those of the same group ([ and ]: \
            other groups)",
        bad: "the same answer everywhere, so that all rewards are equal and nothing is learned; loops; texts that are \
            cut off; checks that contradict what stands before them",
    },
    About {
        panel: Panel::Totals,
        name: "rates and totals",
        shows: "tokens per second, tokens, operations and dollars so far, entropy, loss, learning rate and gradient norm",
        computed: "from the clock and the counts of the last step; dollars are time at your price per hour ($)",
        bad: "entropy near 0: all completions of a group are alike; a gradient norm that jumps or is not a number. A \
            small loss is normal",
    },
    About {
        panel: Panel::List,
        name: "the list of completions",
        shows: "every completion by step and group that passes the filter, with verdict, reward, advantage and checks",
        computed: "from the journal, or as they are scored; f and the digits filter, / searches",
        bad: "groups that are all right or all wrong (nothing is learned from them); right answers marked ✓?, which the \
            thought does not derive",
    },
    About {
        panel: Panel::Transcript,
        name: "transcript",
        shows: "one completion: its figures above, its text below with every check in its colour",
        computed: "checks are found by their words and decided by exact arithmetic; v shows one thought a line",
        bad: "a check that rejects a right value or accepts a wrong one; attempts that repeat; an answer that no \
            attempt came to",
    },
    About {
        panel: Panel::Meter,
        name: "aha-meter",
        shows: "what the checks are worth: how many are true, how often right answers are faithful, and whether checked \
            answers are right more often",
        computed: "counts over the steps named in the title (f: other windows), with 95 % intervals; the difference is an \
            association, not a cause",
        bad: "many checks and a difference around 0: checking that does not help; stops after a stated miss; attempts \
            that repeat",
    },
    About {
        panel: Panel::Tree,
        name: "search tree",
        shows: "one completion as the states that it explored: the numbers that are left after each step",
        computed: "each step of the text is carried out exactly, from the given numbers on",
        bad: "many visits to the same state; states from which the target was reachable, left for others (overlooked)",
    },
    About {
        panel: Panel::Solver,
        name: "compared with the solver",
        shows: "how much of all possible states was explored: coverage, revisits, near misses, overlooked solutions",
        computed: "the solver goes through every state of the puzzle; v shows its solutions",
        bad: "low coverage with many revisits: it goes in circles; a target that was reachable and overlooked",
    },
    About {
        panel: Panel::Words,
        name: "the words behind a state",
        shows: "the part of the completion that made the move under the cursor",
        computed: "the bytes of the text from which the move was read; o goes to the next place",
        bad: "words that say something else than the move: then the reading is wrong, and so are its figures",
    },
    About {
        panel: Panel::Steps,
        name: "a puzzle through the steps",
        shows: "a pinned puzzle, and at which steps it was answered right or wrong; A and B are the answers below",
        computed: "answered every few steps (pinned_every) with the same random draws, so that only the weights differ",
        bad: "right answers that turn wrong and stay wrong",
    },
    About {
        panel: Panel::Answered,
        name: "an answer at one step",
        shows: "the answer to the pinned puzzle at one of two steps, with the words that the other does not have marked",
        computed: "a comparison word by word; d shows the checks in their colours instead",
        bad: "a later answer that only adds words: more checks are not progress by themselves",
    },
    About {
        panel: Panel::Group,
        name: "one group of a step",
        shows: "the phase in words and numbers, the completions of a group with reward and advantage, the tokens of one of \
            them in the colour of a number (1 to 6), and all numbers of the token under the cursor",
        computed: "by the engine, at the weights before and after the update of this step; of a record, what the journal \
            has",
        bad: "rewards that are all equal (advantages 0, nothing moves); ratios far from 1 after one update; single \
            tokens that carry the whole change",
    },
    About {
        panel: Panel::Form,
        name: "what to ask",
        shows: "a puzzle, two models and how they answer; the note says whether the puzzle can be solved",
        computed: "the solver goes through all ways; a budget ends the thought and forces the answer",
        bad: "two models compared at different settings or on one draw: try several seeds",
    },
    About {
        panel: Panel::Models,
        name: "an answer",
        shows: "what a model answers, with its checks in their colours, and why it is right or wrong",
        computed: "sampled now with the weights named in the title, beside training and without an effect on it",
        bad: "an answer that no attempt came to; a check that is wrong; a thought that the budget cut before its answer",
    },
    About {
        panel: Panel::Change,
        name: "one token changed",
        shows: "how 32 continuations of the text as it was and of the changed one end",
        computed: "both are sampled from the change on with the answer's settings; intervals are of 95 %",
        bad: "intervals that overlap: then the change shows nothing, however different one continuation looks",
    },
    About {
        panel: Panel::Frontier,
        name: "compute frontier",
        shows: "how much accuracy tokens of thought buy, before and after training: one long thought, best of k, \
            majority of k",
        computed: "the same held-out puzzles under several budgets, several times each, with 95 % intervals",
        bad: "a curve after training that is below that before at equal tokens: the longer thoughts do not pay",
    },
    About {
        panel: Panel::Sentinel,
        name: "sentinel",
        shows: "twelve ways in which a run goes wrong, each with its numbers, whether it is near, and what to try",
        computed: "fixed rules over the metrics of the last steps and the counts of their completions",
        bad: "any warning that stays: read its advice, change one thing, and see whether it goes",
    },
    About {
        panel: Panel::Keys,
        name: "settings",
        shows: "every configuration key with its value in this run and, if it is another, its default",
        computed: "from config.toml of the run and the changes made since; a star marks keys that may change during a run",
        bad: "two runs that differ in more than one key: then it is unknown which of them made the difference",
    },
    About {
        panel: Panel::Key,
        name: "one setting",
        shows: "what the key under the cursor does, which values it takes, and whether it may change now",
        computed: "from the table that the command line and docs/configuration.md are made of",
        bad: "a change in the middle of a run that is compared with others: fork the run instead",
    },
    About {
        panel: Panel::Rules,
        name: "rules of the reward",
        shows: "the configuration keys that decide what a completion earns, as the run has them and as they are tried here",
        computed: "from the run's configuration; what is changed here changes nothing in the run until it is sent",
        bad: "rules that pay for anything but the answer: the model learns to earn them",
    },
    About {
        panel: Panel::Effect,
        name: "what other rules change",
        shows: "how many rewards and advantages would be others, the mean reward, right answers and dead groups before and \
            after",
        computed: "every stored completion is scored again with the rules beside it, and each group's advantages by the \
            run's own estimator",
        bad: "many changes where none was meant; more dead groups, which teach nothing",
    },
    About {
        panel: Panel::Changed,
        name: "completions that change",
        shows: "the completions whose reward the tried rules change, or all if none does; t lists the tricks that must \
            stay unpaid",
        computed: "the reward that was recorded, and that of the tried rules; a trick passes if it earns less than a right \
            answer",
        bad: "a trick that is paid; a completion that you would call right and that earns nothing",
    },
    About {
        panel: Panel::Why,
        name: "why this reward",
        shows: "one completion: what it earns in a sentence, the rule that decided, and how every rule stands",
        computed: "by the same verifier that scores the run, in exact arithmetic; of another engine's run only what its \
            file says",
        bad: "a sentence that does not fit the text below it: then the verifier reads something else than you do",
    },
    About {
        panel: Panel::Curves,
        name: "chosen metrics",
        shows: "any metrics of the run over steps, tokens, minutes or dollars (v), each panel on its own vertical axis; the \
            crosshair reads all of them at one step, and Enter opens the completions of that step",
        computed: "the numbers of metrics.jsonl, faint, and moving averages of them, bright (m). B: at each place the mean \
            of the runs that differ in their seed alone, and the range from the lowest to the highest of them",
        bad: "a difference between two runs that is smaller than the range over seeds: it may be chance",
    },
    About {
        panel: Panel::Runs,
        name: "runs of the folder",
        shows: "every run in the folder, of this program and of others; a digit before the name is its number among the open \
            runs, a dot marks it, and the curve is the share of right answers between 0 and 1",
        computed: "from what each run has on disk, read again when this screen comes to the front",
        bad: "one best seed among many: compare all seeds of a setting, and their spread",
    },
    About {
        panel: Panel::Run,
        name: "one run, or several",
        shows: "what is known of the run under the cursor, or of the marked runs side by side: which keys differ, and what each \
            reached",
        computed: "from config.toml, metrics.jsonl and the checkpoints; what another engine does not tell is unknown",
        bad: "runs that differ in more than the one thing you want to know of",
    },
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_has_one_row_and_says_three_things() {
        for (index, about) in ALL.iter().enumerate() {
            assert_eq!(about.panel.about().name, about.name, "no row of another panel");
            for text in [about.name, about.shows, about.computed, about.bad] {
                assert!(text.len() > 5 && !text.ends_with('.') && !text.contains("  "), "{text}");
            }
            assert!(ALL[index + 1..].iter().all(|other| other.name != about.name), "{}", about.name);
        }
    }

    #[test]
    fn the_panel_that_was_drawn_last_lies_on_top() {
        let panels = Panels::default();
        panels.note(Panel::Reward, Rect::new(0, 0, 20, 10));
        panels.note(Panel::Length, Rect::new(5, 5, 5, 5));
        panels.note(Panel::Checks, Rect::ZERO);
        let drawn = panels.take();
        assert_eq!((drawn.len(), panels.take().len()), (2, 0));
        assert_eq!(at(&drawn, Position::new(6, 6)), Some(Panel::Length));
        assert_eq!(at(&drawn, Position::new(1, 1)), Some(Panel::Reward));
        assert_eq!(at(&drawn, Position::new(30, 1)), None);
    }
}
