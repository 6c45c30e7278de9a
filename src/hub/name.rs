//! Names of models on the hub.

use std::fmt;

use crate::model::cached::is_part;

/// `owner/model`, and perhaps a revision and a file: `owner/model@revision:FILE.gguf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `owner/model`.
    pub repository: String,
    /// A branch, a tag or a commit; `None` for the newest.
    pub revision: Option<String>,
    /// A GGUF file of it.
    pub file: Option<String>,
}

impl Name {
    /// Reads a name; `None` for anything that cannot be one, such as most paths.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, file) = match text.split_once(':') {
            Some((text, file)) => (text, Some(file)),
            None => (text, None),
        };
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let (owner, model) = repository.split_once('/')?;
        let is_gguf = |file: &str| file.to_ascii_lowercase().ends_with(".gguf");
        let fits = [owner, model].into_iter().all(is_part)
            && !is_gguf(model)
            && revision.is_none_or(|revision| revision.split('/').all(is_part))
            && file.is_none_or(|file| is_part(file) && is_gguf(file));
        fits.then(|| Self {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
            file: file.map(str::to_owned),
        })
    }

    /// The revision that is asked for.
    pub(super) fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// Whether it names a commit, which never changes.
    pub(super) fn is_commit(&self) -> bool {
        self.revision().len() == 40 && self.revision().bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(revision) = &self.revision {
            write!(f, "@{revision}")?;
        }
        self.file.as_ref().map_or(Ok(()), |file| write!(f, ":{file}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        for text in [
            "Qwen/Qwen2.5-0.5B",
            "HuggingFaceTB/SmolLM2-135M@main",
            "a/b@refs/pr/1",
            "a/b@0123456789abcdef0123456789abcdef01234567",
            "a/b:model-q4_0.gguf",
            "a/b@v1.0:model.GGUF",
        ] {
            assert_eq!(Name::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "./a/b",
            "/a/b",
            "a",
            "a/b/c",
            "../a",
            "a/",
            "/",
            "a b/c",
            "a/b@",
            "a/b@../c",
            "a/b@x/../y",
            "a/b@x//y",
            "a/b:c.safetensors",
            "models/b.gguf",
            "a/b:../c.gguf",
            "a/b:.gguf",
            "C:\\a\\b",
            "C:/a/b",
            "a/b@-x",
            "a\\b/c",
            "é/b",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_whole_commit_never_changes() {
        assert!(Name::parse("a/b@0123456789abcdef0123456789abcdef01234567").unwrap().is_commit());
        assert!(!Name::parse("a/b@0123456").unwrap().is_commit());
        assert!(!Name::parse("a/b").unwrap().is_commit());
    }
}
