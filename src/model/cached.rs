//! Models in the cache of the hub, without the hub: `models--OWNER--MODEL/snapshots/COMMIT`.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

use crate::system::files;

/// Longest content of a file that holds a commit.
pub(crate) const MOST_REF: u64 = 256;

/// Where hubs' clients keep what is theirs, and their models, as the environment says. `None` without a home folder.
pub(crate) fn folders(
    variable: impl Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
) -> Option<(PathBuf, PathBuf)> {
    let path = |name: &str| variable(name).filter(|value| !value.trim().is_empty()).map(PathBuf::from);
    let cached = |base: PathBuf| base.join("huggingface");
    let of_user = || home.filter(|home| !home.as_os_str().is_empty()).map(|home| cached(home.join(".cache")));
    let home = path("HF_HOME").or_else(|| path("XDG_CACHE_HOME").map(cached)).or_else(of_user)?;
    let models = path("HF_HUB_CACHE").unwrap_or_else(|| home.join("hub"));
    // The rest of the program names files by these paths, from whatever folder.
    Some((home, std::path::absolute(&models).unwrap_or(models)))
}

/// Whether it can be a part of a name, and of a path in the cache: it begins with a letter or a digit, so it leads nowhere
/// else.
pub(crate) fn is_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    part.len() <= 255 && part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed)
}

/// The folder of `OWNER/MODEL` in the cache, at the newest commit that the cache has of a branch; `None` if it is not there.
pub(crate) fn find(name: &str, revision: &str) -> Option<PathBuf> {
    find_in(&folders(|name| env::var(name).ok(), env::home_dir())?.1, name, revision)
}

fn find_in(cache: &Path, name: &str, revision: &str) -> Option<PathBuf> {
    let (owner, model) = name.split_once('/')?;
    if ![owner, model, revision].into_iter().all(is_part) {
        return None;
    }
    let folder = cache.join(format!("models--{owner}--{model}"));
    let kept = files::read(&folder.join("refs").join(revision), MOST_REF);
    let commit =
        kept.map_or_else(|_| revision.into(), |bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let snapshot = folder.join("snapshots").join(Some(commit).filter(|commit| is_part(commit))?);
    snapshot.join("config.json").is_file().then_some(snapshot)
}

/// The model's name and commit, as `OWNER/MODEL@COMMIT`, with `:FILE` for a file in it; `None` for any other path.
pub(crate) fn name_of(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => Some(""),
        })
        .collect::<Option<_>>()?;
    let at = parts.iter().rposition(|part| *part == "snapshots")?;
    let model = parts.get(at.checked_sub(1)?)?.strip_prefix("models--")?;
    let name = model.replacen("--", "/", 1);
    match parts.get(at + 1..)? {
        [commit] => Some(format!("{name}@{commit}")),
        [commit, file] => Some(format!("{name}@{commit}:{file}")),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_in_the_cache_by_its_name() {
        let home = tempfile::tempdir().unwrap();
        let model = home.path().join("models--org--some-model");
        let snapshot = model.join("snapshots/abc");
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::create_dir_all(model.join("refs")).unwrap();
        std::fs::write(model.join("refs/main"), "abc\n").unwrap();
        let find = |name: &str, revision: &str| find_in(home.path(), name, revision);
        assert_eq!(find("org/some-model", "main"), None, "it has no files");
        std::fs::write(snapshot.join("config.json"), "{}").unwrap();
        assert_eq!(find("org/some-model", "main"), Some(snapshot.clone()));
        assert_eq!(find("org/some-model", "abc"), Some(snapshot));
        for (name, revision) in
            [("org/other", "main"), ("../org/some-model", "main"), ("org/some-model", "../x")]
        {
            assert_eq!(find(name, revision), None);
        }
        std::fs::write(model.join("refs/main"), "../../x").unwrap();
        assert_eq!(find("org/some-model", "main"), None);
    }

    #[test]
    fn a_place_in_the_cache_says_which_model_it_is() {
        let of = |path: &str| name_of(Path::new(path));
        let folder = "/home/me/.cache/huggingface/hub/models--org--some-model/snapshots/abc";
        assert_eq!(of(folder).as_deref(), Some("org/some-model@abc"));
        assert_eq!(of(&format!("{folder}/m.gguf")).as_deref(), Some("org/some-model@abc:m.gguf"));
        for other in
            ["/a/model", "snapshots/abc", "/a/models--x--y/blobs/abc", "/a/models--x--y/snapshots", ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
