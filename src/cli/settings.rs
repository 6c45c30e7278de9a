//! The arguments that configure a run, and the places that are weaker than they are.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::Failure;
use crate::{
    config::{Config, Layers},
    system::files,
};

/// The name of the file that configures all runs of a user, or those that are started in a folder.
const FILE: &str = "aha-lab.toml";

/// What configures a run, in the order of strength: the user's file, the project's, `--config`, the environment, the
/// other arguments.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// Read the configuration from a TOML file, over `aha-lab.toml` in this folder and in the user's
    /// configuration folder
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key, after the files and the environment (`AHA_LAB_<KEY>`); may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", long_help = settings_help())]
    pub settings: Vec<String>,
    /// `random-reward` or `shuffled-reward`, short for --set control=NAME
    #[arg(long, value_name = "NAME")]
    pub control: Option<String>,
    /// The task and its own settings, applied before any --set
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// The level and its own settings and base model, applied after the task and before any --set
    #[arg(long, value_name = "NAME")]
    pub level: Option<String>,
    /// Random seed, short for --set seed=S
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// `auto`, `wgpu` or `cpu`, short for --set backend=NAME
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
}

fn settings_help() -> String {
    format!(
        "Set a configuration key, after the files and the environment (`AHA_LAB_<KEY>`); may be repeated. The keys with \
         their defaults (* may change during a run), explained in docs/configuration.md:\n{}",
        Config::help()
    )
}

impl SettingArgs {
    /// What a new run is configured by. A fork continues with its parent's settings; of what is weaker than the command
    /// line, only `--config` is asked.
    ///
    /// # Errors
    /// A sentence about the first place that cannot be used.
    pub(super) fn layers(&self, parent: Option<(String, Config)>) -> Result<Layers, Failure> {
        let forks = parent.is_some();
        let mut layers = parent.map_or_else(Layers::default, |(run, config)| Layers::of_parent(run, config));
        if !forks {
            for path in usual_files() {
                match files::open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    opened => layers.file(opened, &path)?,
                }
            }
        }
        if let Some(path) = &self.config {
            // It says all that a fork is to be, as it always has.
            if forks {
                layers = Layers::default();
            }
            layers.file(files::open(path), path)?;
        }
        if !forks {
            layers.variables(|name| env::var(name).ok())?;
        }
        self.arguments(&mut layers)?;
        Ok(layers)
    }

    /// The command line: the task and the level first, because they bring settings, which explicit ones override.
    fn arguments(&self, layers: &mut Layers) -> Result<(), Failure> {
        for (argument, key, value) in [("--task", "task", &self.task), ("--level", "level", &self.level)] {
            if let Some(value) = value {
                layers.argument(argument, key, value)?;
            }
        }
        for setting in &self.settings {
            let (key, value) = Config::pair(setting)?;
            layers.argument("--set", key, value)?;
        }
        let seed = self.seed.map(|seed| seed.to_string());
        for (argument, key, value) in [
            ("--seed", "seed", &seed),
            ("--control", "control", &self.control),
            ("--backend", "backend", &self.backend),
        ] {
            if let Some(value) = value {
                layers.argument(argument, key, value)?;
            }
        }
        Ok(())
    }
}

/// The files that are read without being named, the weaker first: the user's, and the project's.
pub(super) fn usual_files() -> Vec<PathBuf> {
    user_file(|name| env::var_os(name).map(PathBuf::from))
        .into_iter()
        .chain([Path::new(FILE).to_owned()])
        .collect()
}

/// The user's file, in the folder that the system has for configuration; `None` where there is none.
fn user_file(folder: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name: &str| folder(name).filter(|path| path.is_absolute());
    let of_system = if cfg!(windows) { set("APPDATA") } else { set("HOME").map(|home| home.join(".config")) };
    Some(set("XDG_CONFIG_HOME").or(of_system)?.join("aha-lab").join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_users_file_is_where_the_system_keeps_such_files() {
        let with = |set: &[(&str, &str)]| {
            user_file(|name| set.iter().find(|(key, _)| *key == name).map(|(_, path)| PathBuf::from(path)))
        };
        assert_eq!(with(&[("HOME", "/home/a")]), Some("/home/a/.config/aha-lab/aha-lab.toml".into()));
        assert_eq!(
            with(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/x")]),
            Some("/x/aha-lab/aha-lab.toml".into())
        );
        assert_eq!(with(&[("XDG_CONFIG_HOME", "relative"), ("HOME", "")]), None);
        assert_eq!(with(&[]), None);
    }
}
