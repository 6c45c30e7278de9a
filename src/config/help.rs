//! Describes the keys, for `--help` and for `docs/configuration.md`.

use super::Config;
use crate::settings::{Key, Section};

impl Config {
    /// Every key with its default and the first sentence of its text, one per line; an asterisk marks those
    /// that may change during a run.
    pub(crate) fn help() -> String {
        let default = Self::default();
        let line = |key: &Key| {
            let mark = if key.live { '*' } else { ' ' };
            let setting = format!("{}={}", key.name, default.value(key));
            format!("\n{mark} {setting:<27} {}; {}", first_sentence(key.doc()), key.allowed())
        };
        let of_section = |section: &dyn Section| {
            let lines: String = section.keys().iter().map(line).collect();
            format!("\n{}:{lines}", first_sentence(section.about()))
        };
        default.sections().map(of_section).concat()
    }
}

/// Without its full stop.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::{env, fmt::Write, fs, path::Path};

    use super::*;
    use crate::settings::Allowed;

    const BEGINNING: &str = "\
# Configuration

A run is configured by keys. From weak to strong, they are taken from

1. `aha-lab.toml` in the user's configuration folder (`$XDG_CONFIG_HOME/aha-lab` or `~/.config/aha-lab`; on Windows
   `%APPDATA%\\aha-lab`),
2. `aha-lab.toml` in the folder in which the run is started,
3. the TOML file of `--config FILE`,
4. environment variables, `AHA_LAB_` and the key in capitals (`AHA_LAB_LEARNING_RATE=1e-4`),
5. the command line: `--task` and `--level` first, then each `--set key=value` in its order, `--seed`, `--control` and
   `--backend`,

and, for keys that may change during a run, while it trains (`:` on screen, or the `set` request on its control socket).
`task`, `level` and `preset` set other keys too, over everything that is weaker. `aha-lab config` shows the values that a run
would have, and where each came from. A run that is resumed has its own configuration, and a fork its parent's: of these
places, a fork asks only 3 and 5. The run directory keeps the keys in `config.toml`. This page is generated from the keys by `WRITE_DOCS=1 cargo test --release --lib configuration`.
";

    fn markdown() -> String {
        let default = Config::default();
        let mut page = BEGINNING.to_owned();
        for section in default.sections() {
            writeln!(page, "\n## {}", section.about().trim_end_matches('.')).unwrap();
            for key in section.keys() {
                let live = if key.live { ", may change during a run" } else { "" };
                let (default, allowed) = (default.value(key), key.allowed());
                write!(page, "\n### `{}`\n\n{}\n\n", key.name, key.doc()).unwrap();
                match allowed {
                    Allowed::OneOf(ref words)
                    | Allowed::OneOfOrFile(ref words)
                    | Allowed::SomeOf(ref words) => {
                        let one = match allowed {
                            Allowed::OneOfOrFile(_) => "the path of a file, or one",
                            Allowed::SomeOf(_) => "one or more, with commas between them,",
                            _ => "one",
                        };
                        writeln!(page, "Default `{default}`{live}. It is {one} of").unwrap();
                        for word in words {
                            writeln!(page, "- `{}`: {}", word.name, word.doc).unwrap();
                        }
                    }
                    _ => writeln!(page, "Default `{default}`; {allowed}{live}.").unwrap(),
                }
            }
        }
        page
    }

    #[test]
    fn the_page_about_the_configuration_says_what_the_keys_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if env::var_os("WRITE_DOCS").is_some() {
            fs::write(&path, markdown()).unwrap();
        }
        let page = fs::read_to_string(&path).unwrap_or_default();
        assert!(page == markdown(), "docs/configuration.md is stale: make it with WRITE_DOCS=1");
    }

    #[test]
    fn every_key_is_in_the_help() {
        let help = Config::help();
        assert!(Config::keys().all(|key| help.contains(&format!(" {}=", key.name))), "{help}");
        assert!(help.contains("* learning_rate=0.0004"), "{help}");
    }
}
