//! A configuration from several places, each stronger than those before it, and which of them a value came from.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{Config, ConfigError, ConfigFile};

/// What the name of an environment variable begins with; the key in capitals follows.
const PREFIX: &str = "AHA_LAB_";
/// The keys that set others, in the order in which they take effect.
const LEADING: [&str; 3] = ["task", "level", "preset"];

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// An argument of the command line, as it is written there.
    Argument(&'static str),
    /// The run that a fork begins from.
    Parent(String),
}

impl Place {
    /// The kind of place, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Variable(_) => "variable",
            Self::Argument(_) => "argument",
            Self::Parent(_) => "parent",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Argument(name) => f.write_str(name),
            Self::Parent(run) => f.write_str(run),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where it was set.
    pub place: Place,
    /// The keys there that set it, such as `level`; empty if it was named itself.
    pub through: Vec<&'static str>,
}

/// A configuration, and where each of its values came from. Keys without an origin have their defaults.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// What is in force.
    pub config: Config,
    origins: BTreeMap<&'static str, Origin>,
}

impl Layers {
    /// The configuration of a run that is forked.
    pub fn of_parent(run: String, config: Config) -> Self {
        let mut layers = Self { config, ..Self::default() };
        let changed = layers.changed(&Config::default()).collect();
        layers.note(changed, &Place::Parent(run), &[]);
        layers
    }

    /// Where the value of a key came from; `None` for a default.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Takes a file over what there is.
    ///
    /// # Errors
    /// As for [`ConfigFile::load`].
    pub fn file(&mut self, opened: io::Result<File>, path: &Path) -> Result<(), ConfigError> {
        let (file, given) = ConfigFile::read_over(self.config.clone(), opened, path)?;
        let given: Vec<_> = Config::keys().map(|key| key.name).filter(|key| given.contains(*key)).collect();
        self.replace(file.config, &given, &Place::File(path.to_owned()));
        Ok(())
    }

    /// Takes `AHA_LAB_<KEY>` over what there is; `variable` is asked for each.
    ///
    /// # Errors
    /// A value that its key does not accept; the error names the variable.
    pub fn variables(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let others = Config::keys().map(|key| key.name).filter(|key| !LEADING.contains(key));
        for key in LEADING.into_iter().chain(others) {
            let name = format!("{PREFIX}{}", key.to_uppercase());
            let Some(value) = variable(&name) else { continue };
            let mut config = self.config.clone();
            config
                .set(key, &value)
                .map_err(|source| ConfigError::InVariable { name: name.clone(), source: Box::new(source) })?;
            self.replace(config, &[key], &Place::Variable(name));
        }
        Ok(())
    }

    /// Sets a key by an argument of the command line.
    ///
    /// # Errors
    /// As for [`Config::set`].
    pub fn argument(&mut self, argument: &'static str, key: &str, value: &str) -> Result<(), ConfigError> {
        let mut config = self.config.clone();
        config.set(key, value)?;
        let key = Config::key(key)?.name;
        self.replace(config, &[key], &Place::Argument(argument));
        Ok(())
    }

    /// Puts a configuration in the place of what there is, in which `given` were named in `place`.
    fn replace(&mut self, config: Config, given: &[&'static str], place: &Place) {
        let before = std::mem::replace(&mut self.config, config);
        let through: Vec<_> = LEADING.into_iter().filter(|key| given.contains(key)).collect();
        let followed = self.changed(&before).filter(|key| !given.contains(key)).collect();
        self.note(followed, place, &through);
        self.note(given.to_vec(), place, &[]);
    }

    fn note(&mut self, keys: Vec<&'static str>, place: &Place, through: &[&'static str]) {
        for key in keys {
            self.origins.insert(key, Origin { place: place.clone(), through: through.to_vec() });
        }
    }

    /// The keys whose values are not what they were.
    fn changed<'a>(&'a self, before: &'a Config) -> impl Iterator<Item = &'static str> + 'a {
        Config::keys().filter(|key| self.config.value(key) != before.value(key)).map(|key| key.name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(layers: &mut Layers, name: &str, text: &str) -> Result<(), ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        layers.file(File::open(&path), &PathBuf::from(name))
    }

    fn said(layers: &Layers, key: &str) -> String {
        let from = layers.origin(key).map_or("default".to_owned(), |origin| {
            format!("{} {}", origin.place, origin.through.join(", ")).trim().to_owned()
        });
        format!("{} from {from}", layers.config.get(key).unwrap())
    }

    #[test]
    fn each_place_is_stronger_than_those_before_it() {
        let mut layers = Layers::default();
        file(&mut layers, "user.toml", "learning_rate = 0.1\ntemperature = 0.5\nkl_coef = 0.3\n").unwrap();
        file(&mut layers, "project.toml", "temperature = 0.6\nlevel = \"tinyzero\"\n").unwrap();
        layers
            .variables(|name| match name {
                "AHA_LAB_TEMPERATURE" => Some("0.7".into()),
                "AHA_LAB_WARMUP_STEPS" => Some("9".into()),
                _ => None,
            })
            .unwrap();
        layers.argument("--set", "warmup_steps", "3").unwrap();
        assert_eq!(said(&layers, "learning_rate"), "0.1 from user.toml");
        assert_eq!(said(&layers, "temperature"), "0.7 from AHA_LAB_TEMPERATURE");
        assert_eq!(said(&layers, "warmup_steps"), "3 from --set");
        assert_eq!(said(&layers, "level"), "tinyzero from project.toml");
        // A stronger place's level brings its own settings over a weaker place's.
        assert_eq!(said(&layers, "kl_coef"), "0.05 from project.toml level");
        assert_eq!(said(&layers, "group_size"), "16 from default");
    }

    #[test]
    fn what_a_preset_takes_back_has_an_origin_too() {
        let mut layers = Layers::default();
        file(&mut layers, "user.toml", "preset = \"grpo\"\n").unwrap();
        assert_eq!(said(&layers, "loss_norm"), "sequence from user.toml preset");
        layers.argument("--set", "preset", "lab").unwrap();
        assert_eq!(said(&layers, "loss_norm"), "token from --set preset");
        assert_eq!(layers.config, Config::default());
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_place_and_changes_nothing() {
        let mut layers = Layers::default();
        let error = layers
            .variables(|name| (name == "AHA_LAB_GROUP_SIZE").then(|| "many".into()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("AHA_LAB_GROUP_SIZE") && error.contains("many"), "{error}");
        assert!(file(&mut layers, "project.toml", "groupsize = 4\n").is_err());
        assert_eq!(layers.config, Config::default());
        assert!(Config::keys().all(|key| layers.origin(key.name).is_none()));
    }

    #[test]
    fn a_fork_has_its_parents_values_and_those_given_again() {
        let parent = Config::default().with(["group_size=8", "learning_rate=0.1"]).unwrap();
        let mut layers = Layers::of_parent("seed1@20".into(), parent);
        layers.argument("--set", "learning_rate", "0.2").unwrap();
        assert_eq!(said(&layers, "group_size"), "8 from seed1@20");
        assert_eq!(said(&layers, "learning_rate"), "0.2 from --set");
        assert_eq!(said(&layers, "temperature"), "1 from default");
    }
}
