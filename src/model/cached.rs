//! The name of a model in the cache of the hub, from its path alone: `models--OWNER--MODEL/snapshots/COMMIT`.

use std::path::{Component, Path};

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
mod tests {
    use super::*;

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
