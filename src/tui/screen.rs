//! The screens, in the order in which Tab goes through them. A new screen is a row here, a key table, a state
//! with its `update`, and a `view`.

/// One of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Charts and streaming completions.
    Live,
    /// All completions, to browse.
    Transcripts,
    /// What the checks are worth.
    Meter,
    /// One completion as the tree of states it explored.
    Search,
    /// The answers to pinned puzzles at two steps.
    Travel,
    /// One group of one step, token by token.
    Microscope,
    /// A puzzle of one's own, and two models that answer it.
    Playground,
    /// What accuracy thinking buys.
    Frontier,
    /// What could go wrong with the run, and what did.
    Sentinel,
}

/// How a screen is named.
#[derive(Debug, Clone, Copy)]
pub struct Tab {
    /// The screen.
    pub screen: Screen,
    /// Its name in the title bar and in the help.
    pub name: &'static str,
    /// Three or four letters, for where the names of all do not fit.
    pub short: &'static str,
}

const fn tab(screen: Screen, name: &'static str, short: &'static str) -> Tab {
    Tab { screen, name, short }
}

/// All of them. The first is F2, the next F3 and so on.
pub static TABS: &[Tab] = &[
    tab(Screen::Live, "Live", "Live"),
    tab(Screen::Transcripts, "Transcripts", "Text"),
    tab(Screen::Meter, "Meter", "Aha"),
    tab(Screen::Search, "Search", "Tree"),
    tab(Screen::Travel, "Travel", "Time"),
    tab(Screen::Microscope, "Microscope", "Micro"),
    tab(Screen::Playground, "Playground", "Play"),
    tab(Screen::Frontier, "Frontier", "Front"),
    tab(Screen::Sentinel, "Sentinel", "Warn"),
];

impl Screen {
    fn place(self) -> usize {
        TABS.iter().position(|tab| tab.screen == self).unwrap_or(0)
    }

    /// The screen after this one, round and round.
    pub fn next(self) -> Self {
        TABS[(self.place() + 1) % TABS.len()].screen
    }

    /// The screen before this one, round and round.
    pub fn previous(self) -> Self {
        TABS[(self.place() + TABS.len() - 1) % TABS.len()].screen
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        TABS[self.place()].name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_where_one_was() {
        for tab in TABS {
            assert_eq!(tab.screen.next().previous(), tab.screen);
            assert_eq!(tab.screen.name(), tab.name);
        }
    }
}
