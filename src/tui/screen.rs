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
    /// How it begins, for where the names of all do not fit.
    pub short: &'static str,
    /// Fewer of its letters still.
    pub shortest: &'static str,
}

const fn tab(screen: Screen, name: &'static str, short: &'static str, shortest: &'static str) -> Tab {
    Tab { screen, name, short, shortest }
}

/// All of them. The first is F2, the next F3 and so on.
pub static TABS: &[Tab] = &[
    tab(Screen::Live, "Live", "Live", "Liv"),
    tab(Screen::Transcripts, "Transcripts", "Trans", "Tran"),
    tab(Screen::Meter, "Meter", "Meter", "Met"),
    tab(Screen::Search, "Search", "Search", "Sea"),
    tab(Screen::Travel, "Travel", "Travel", "Trav"),
    tab(Screen::Microscope, "Microscope", "Micro", "Mic"),
    tab(Screen::Playground, "Playground", "Play", "Pla"),
    tab(Screen::Frontier, "Frontier", "Front", "Fro"),
    tab(Screen::Sentinel, "Sentinel", "Sent", "Sen"),
];

impl Screen {
    /// Its place in [`TABS`].
    pub fn place(self) -> usize {
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
            // One name: shorter ones are how it begins, and no two begin alike.
            assert!(tab.name.starts_with(tab.short) && tab.short.starts_with(tab.shortest));
            assert_eq!(TABS.iter().filter(|other| other.name.starts_with(tab.shortest)).count(), 1);
        }
    }
}
