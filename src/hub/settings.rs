//! Where the hub and its cache are, and who asks: the variables that transformers and its tools read too.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use hf_hub::Cache;

use super::HubError;
use crate::{model::cached, system::files};

/// Where models are fetched from without `HF_ENDPOINT`.
const ENDPOINT: &str = "https://huggingface.co";
/// Largest file with a token.
const MOST_TOKEN: u64 = 4096;

/// Where the hub and its cache are, and who asks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of all cached models.
    pub(super) cache: Cache,
    /// The server, without a slash at its end.
    pub(super) endpoint: String,
    /// Who asks, if not anyone.
    pub(super) token: Option<Token>,
    /// Whether nothing may be asked of the network.
    pub(super) offline: bool,
}

/// A secret: it is sent to the hub, and shown nowhere.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// What is sent.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }
}

impl Settings {
    /// What the environment says.
    ///
    /// # Errors
    /// If there is no folder for the cache, or a variable cannot be what it is.
    pub fn of_environment() -> Result<Self, HubError> {
        Self::of(|name| env::var(name).ok(), env::home_dir())
    }

    fn of(variable: impl Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Result<Self, HubError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let Some((home, cache)) = cached::folders(&variable, home) else {
            return Err(HubError::Setting(
                "There is no home folder for the cache of models; set HF_HOME.".into(),
            ));
        };
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            return Err(HubError::Setting(
                "HF_ENDPOINT must be the address of a server, beginning with https:// or http://.".into(),
            ));
        }
        let kept = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let token = match variable("HF_TOKEN").or_else(|| token_of_file(&kept)) {
            Some(token) => Some(checked(token.trim())?),
            None => None,
        };
        let is_set = |name: &str| {
            let value = variable(name).unwrap_or_default().to_ascii_lowercase();
            ["1", "on", "yes", "true"].contains(&value.trim())
        };
        let offline = is_set("HF_HUB_OFFLINE") || is_set("TRANSFORMERS_OFFLINE");
        Ok(Self { cache: Cache::new(cache), endpoint, token, offline })
    }
}

/// What a person who logged in has kept.
fn token_of_file(path: &Path) -> Option<String> {
    let text = String::from_utf8(files::read(path, MOST_TOKEN).ok()?).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// Refuses what no header can hold, without saying what it is.
fn checked(token: &str) -> Result<Token, HubError> {
    match token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Token(token.to_owned())),
        false => Err(HubError::Setting(
            "The token in HF_TOKEN, or in the file that a login has kept, has characters that no token has."
                .into(),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, HubError> {
        let value =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::of(value, Some("/home/me".into()))
    }

    #[test]
    fn the_variables_of_transformers_are_heeded() {
        let plain = with(&[]).unwrap();
        assert_eq!(plain.cache.path(), Path::new("/home/me/.cache/huggingface/hub"));
        assert!(plain.token.is_none() && !plain.offline && plain.endpoint.starts_with("https://"));
        assert_eq!(with(&[("XDG_CACHE_HOME", "/x")]).unwrap().cache.path(), Path::new("/x/huggingface/hub"));
        assert_eq!(
            with(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")]).unwrap().cache.path(),
            Path::new("/h/hub")
        );
        assert_eq!(with(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]).unwrap().cache.path(), Path::new("/c"));
        for (value, offline) in [("1", true), ("TRUE", true), ("yes", true), ("0", false), ("", false)] {
            assert_eq!(with(&[("HF_HUB_OFFLINE", value)]).unwrap().offline, offline, "{value}");
        }
        assert_eq!(with(&[("HF_ENDPOINT", "http://a:1/")]).unwrap().endpoint, "http://a:1");
        assert!(with(&[("HF_ENDPOINT", "ftp://a")]).is_err());
        assert!(Settings::of(|_| None, None).unwrap_err().to_string().contains("HF_HOME"));
    }

    #[test]
    fn a_token_is_found_and_never_shown() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        std::fs::write(home.path().join("token"), "hf_kept\n").unwrap();
        let kept = with(&[("HF_HOME", path)]).unwrap();
        assert_eq!(kept.token.as_ref().unwrap().header(), "Bearer hf_kept");
        let given = with(&[("HF_HOME", path), ("HF_TOKEN", "hf_given")]).unwrap();
        assert_eq!(given.token.as_ref().unwrap().header(), "Bearer hf_given");
        assert!(!format!("{given:?}").contains("hf_given"), "{given:?}");
        let said = with(&[("HF_TOKEN", "hf_sec\nret")]).unwrap_err().to_string();
        assert!(said.contains("HF_TOKEN") && !said.contains("hf_sec"), "{said}");
    }
}
