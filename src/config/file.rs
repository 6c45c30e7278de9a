//! `config.toml`: reading, validating and writing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};
use crate::{
    record::OtherEngine,
    system::{files, quoting::shortened},
};

/// A configuration is a few dozen lines; a larger file is something else.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The table of `config.toml` that says where a run came from.
const PROVENANCE: &str = "provenance";

/// The key of `config.toml` with its schema version. A file without it, such as one written by hand, has
/// version 1.
const SCHEMA: &str = "schema_version";

/// The newest version that this program reads, and the one that it writes.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Where a run came from: with the configuration, everything needed to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// SHA-256 of the base model's weights, in hexadecimal.
    pub model_hash: String,
    /// The version of this program.
    pub program_version: String,
    /// The git revision it was built from, if known.
    pub git_revision: Option<String>,
    /// Which rules analysed the completions, see [`crate::reasoning::RULES`]; older runs do not record this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<String>,
    /// The backend that `backend = "auto"` became, and the device's name.
    pub backend: String,
    /// The vector unit of the CPU kernels; older runs do not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector_unit: Option<String>,
    /// The base's name and commit on the hub, as `OWNER/MODEL@COMMIT`; `None` for any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// UTC, RFC 3339.
    pub created: String,
    /// The run and the step that it was forked from, as `PATH@STEP`; `None` for any other run, and for older
    /// forks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The engine that trained it; `None` for ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<OtherEngine>,
}

/// The content of a `config.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigFile {
    /// The configuration; missing keys have their defaults.
    pub config: Config,
    /// The `[provenance]` table, which only a run's file has.
    pub provenance: Option<RunInfo>,
}

impl ConfigFile {
    /// Reads and validates a file. Errors name it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::read(files::open(path), path)
    }

    /// Like [`ConfigFile::load`], for a file that is already open, or could not be opened; errors name
    /// `path`.
    ///
    /// # Errors
    /// As for [`ConfigFile::load`].
    pub fn read(opened: io::Result<File>, path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::read_and_unknown(opened, path)?.0)
    }

    /// Like [`ConfigFile::read`], and also returns the keys of its `[provenance]` that [`RunInfo`] does not
    /// have: a newer program may have written them; they are ignored.
    ///
    /// # Errors
    /// As for [`ConfigFile::load`].
    pub(crate) fn read_and_unknown(
        opened: io::Result<File>,
        path: &Path,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let (parsed, text) = Self::read_text(Config::default(), opened, path)?;
        let unknown = parsed.unknown_in(&text);
        Ok((parsed, unknown))
    }

    /// A file whose keys are taken over a configuration, and the keys that it names.
    ///
    /// # Errors
    /// As for [`ConfigFile::load`].
    pub(super) fn read_over(
        config: Config,
        opened: io::Result<File>,
        path: &Path,
    ) -> Result<(Self, BTreeSet<String>), ConfigError> {
        let (parsed, text) = Self::read_text(config, opened, path)?;
        let table = text.parse::<toml::Table>().unwrap_or_default();
        Ok((parsed, table.into_iter().map(|(key, _)| key).collect()))
    }

    /// A file and its text.
    fn read_text(
        config: Config,
        opened: io::Result<File>,
        path: &Path,
    ) -> Result<(Self, String), ConfigError> {
        let refused = |reason: String| ConfigError::File { path: path.to_path_buf(), reason };
        let bytes = opened
            .and_then(|file| files::read_most(&file, MAX_FILE_BYTES + 1))
            .map_err(|error| refused(format!("{error}.")))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(refused(format!("it is larger than {} KiB.", MAX_FILE_BYTES / 1024)));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            refused(format!("it is not UTF-8 text (byte {} is not).", error.utf8_error().valid_up_to()))
        })?;
        let parsed = Self::parse_over(config, &text).map_err(|error| match error {
            ConfigError::File { reason, .. } => refused(reason),
            other => ConfigError::InFile { path: path.to_path_buf(), source: Box::new(other) },
        })?;
        Ok((parsed, text))
    }

    /// The keys in a text's `[provenance]` that were ignored.
    fn unknown_in(&self, text: &str) -> Vec<String> {
        let given = text.parse::<toml::Table>().ok().and_then(|mut table| table.remove(PROVENANCE));
        let Some(toml::Value::Table(given)) = given else { return Vec::new() };
        let known =
            self.provenance.as_ref().and_then(|info| toml::Table::try_from(info).ok()).unwrap_or_default();
        given.keys().filter(|key| !known.contains_key(*key)).map(|key| shortened(key)).collect()
    }

    /// Parses and validates the text of a file. `task`, `level` and `preset` take effect first, so that every other
    /// key of the file overrides them.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::parse_over(Config::default(), text)
    }

    /// Like [`ConfigFile::parse`]; what the text does not name stays as it is in `config`.
    fn parse_over(mut config: Config, text: &str) -> Result<Self, ConfigError> {
        let refused = |reason: String| ConfigError::File { path: PathBuf::from("text"), reason };
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            refused(format!("it is not valid TOML.\n{}", error.to_string().trim_end()))
        })?;
        // Before anything else: a newer file may have other keys.
        match table.remove(SCHEMA) {
            None => {}
            Some(toml::Value::Integer(1..=SCHEMA_VERSION)) => {}
            Some(toml::Value::Integer(found)) if found > SCHEMA_VERSION => {
                return Err(refused(format!(
                    "it was written by a newer aha-lab ({SCHEMA} is {found}, this program reads up to \
                     {SCHEMA_VERSION}): use a newer one."
                )));
            }
            Some(_) => {
                return Err(refused(format!("its {SCHEMA} is not a version that aha-lab writes.")));
            }
        }
        let mut provenance = match table.remove(PROVENANCE) {
            Some(given) => Some(given.try_into::<RunInfo>().map_err(|error| {
                refused(format!("its [provenance] table is wrong: {}.", error.message()))
            })?),
            None => None,
        };
        if let Some(engine) = provenance.as_mut().and_then(|info: &mut RunInfo| info.engine.as_mut()) {
            engine.told = table.keys().cloned().collect();
        }
        let mut assign = |name: &str, given: &toml::Value| -> Result<(), ConfigError> {
            let key = Config::key(name)?;
            config.assign(key, key.read_toml(given)?)?;
            // A run's file has every key there was. One that its preset sets today was not in force then.
            if name == "preset" && provenance.is_some() { config.revert_presets() } else { Ok(()) }
        };
        for name in ["task", "level", "preset"] {
            if let Some(given) = table.remove(name) {
                assign(name, &given)?;
            }
        }
        for (name, given) in &table {
            assign(name, given)?;
        }
        config.check_level(config.puzzles.level.name())?;
        Ok(Self { config, provenance })
    }

    /// The text of the file: the keys, then `[provenance]`. Refuses an invalid configuration.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        self.config.validate()?;
        let refused = |error: toml::ser::Error| ConfigError::File {
            path: PathBuf::from("text"),
            reason: format!("it cannot be written as TOML: {error}."),
        };
        let mut text = toml::to_string(&self.config).map_err(refused)?;
        if let Some(info) = &self.provenance {
            text.insert_str(0, &format!("{SCHEMA} = {SCHEMA_VERSION}\n"));
            // Its own tables are named after it.
            let table = BTreeMap::from([(PROVENANCE, info)]);
            text += &format!("\n{}", toml::to_string(&table).map_err(refused)?);
        }
        Ok(text)
    }
}
