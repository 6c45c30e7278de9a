//! What the hub has of a model: the commit, and its files with their sizes and hashes.

use serde_json::Value;
use ureq::{
    Body,
    http::{HeaderMap, Response},
};

use super::{HubError, Name, client::Client};
use crate::model::cached::is_part;

/// Files that a model may have.
const MOST_FILES: usize = 20_000;

/// What the hub has of a model.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) commit: String,
    /// Those in no folder.
    pub(super) files: Vec<Entry>,
}

/// A file as the hub lists it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    size: Option<u64>,
    hash: Option<String>,
}

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) name: String,
    pub(super) size: u64,
    /// The name of its content in the cache: SHA-256 of a large file, git's hash of a small one.
    pub(super) blob: String,
}

impl Remote {
    /// The SHA-256 that it must have, where that is known.
    pub(super) fn sha256(&self) -> Option<&str> {
        let is_one = self.blob.len() == 64 && self.blob.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then_some(self.blob.as_str())
    }
}

impl Listing {
    /// Asks the hub.
    pub(super) fn ask(client: &Client, name: &Name) -> Result<Self, HubError> {
        let revision = name.revision();
        let path =
            format!("api/models/{}/revision/{}?blobs=true", name.repository, revision.replace('/', "%2F"));
        let response = client.get(&path, None).map_err(|error| client.unreachable(error))?;
        if !response.status().is_success() {
            let what =
                name.revision.as_ref().map_or(String::new(), |revision| format!("revision {revision}"));
            return Err(client.refused(name, &what, &response));
        }
        Self::read(&client.whole(response)?).map_err(|reason| client.unusable_answer(reason))
    }

    fn read(answer: &[u8]) -> Result<Self, String> {
        let answer: Value = serde_json::from_slice(answer).map_err(|_| "it is not JSON")?;
        let commit = answer["sha"].as_str().filter(|commit| is_part(commit)).ok_or("it names no commit")?;
        let listed = answer["siblings"].as_array().ok_or("it lists no files")?;
        if listed.len() > MOST_FILES {
            return Err(format!("it lists {} files", listed.len()));
        }
        // A model needs nothing from a folder in its folder.
        let files = listed.iter().filter_map(|file| {
            let name = file["rfilename"].as_str().filter(|name| is_part(name))?;
            let large = &file["lfs"];
            let hash = [&large["sha256"], &large["oid"], &file["blobId"]].into_iter().find_map(Value::as_str);
            let size = large["size"].as_u64().or(file["size"].as_u64());
            Some(Entry { name: name.to_owned(), size, hash: hash.and_then(hash_of) })
        });
        Ok(Self { commit: commit.to_owned(), files: files.collect() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }
}

impl Entry {
    /// The file with its size and hash; a hub that lists names alone is asked for them.
    pub(super) fn complete(&self, client: &Client, name: &Name, commit: &str) -> Result<Remote, HubError> {
        if let (Some(size), Some(blob)) = (self.size, &self.hash) {
            return Ok(Remote { name: self.name.clone(), size, blob: blob.clone() });
        }
        let path = path_of(name, commit, &self.name);
        let answer = client.about(&path).map_err(|error| client.unreachable(error))?;
        let status = answer.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(client.refused(name, &self.name, &answer));
        }
        let unknown =
            |what: &str| client.unusable_answer(format!("it does not say the {what} of {}", self.name));
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let blob =
            header("x-linked-etag").or(header("etag")).and_then(hash_of).ok_or_else(|| unknown("hash"))?;
        let size = match header("x-linked-size").and_then(|size| size.parse().ok()) {
            Some(size) => size,
            None if status.is_redirection() => {
                let there = client.about_followed(&path).map_err(|error| client.unreachable(error))?;
                whole_size(&there).ok_or_else(|| unknown("size"))?
            }
            None => whole_size(&answer).ok_or_else(|| unknown("size"))?,
        };
        Ok(Remote { name: self.name.clone(), size, blob })
    }
}

/// Where a file is on the hub.
pub(super) fn path_of(name: &Name, commit: &str, file: &str) -> String {
    format!("{}/resolve/{commit}/{file}", name.repository)
}

/// A hash as the hub writes it, in quotes perhaps; it becomes the name of a file here.
fn hash_of(text: &str) -> Option<String> {
    let hash = text.trim().trim_start_matches("W/").trim_matches('"');
    is_part(hash).then(|| hash.to_owned())
}

/// The size of the whole file of which an answer has a part, or all.
fn whole_size(answer: &Response<Body>) -> Option<u64> {
    match answer.status().as_u16() {
        206 => Some(range_of(answer.headers())?.1),
        200 => answer.body().content_length(),
        _ => None,
    }
}

/// The first byte of a part, and the size of the whole: `bytes 7-9/10`.
pub(super) fn range_of(headers: &HeaderMap) -> Option<(u64, u64)> {
    let range = headers.get("content-range")?.to_str().ok()?.trim().strip_prefix("bytes ")?;
    let (part, whole) = range.split_once('/')?;
    Some((part.split_once('-')?.0.trim().parse().ok()?, whole.trim().parse().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_leads_elsewhere_is_left_out() {
        let answer = r#"{"sha": "abc123", "siblings": [
            {"rfilename": "config.json", "size": 10, "blobId": "0011"},
            {"rfilename": "model.safetensors", "size": 5, "blobId": "22",
             "lfs": {"sha256": "33", "size": 5, "pointerSize": 1}},
            {"rfilename": "onnx/model.onnx", "size": 5, "blobId": "44"},
            {"rfilename": "../../evil", "size": 5, "blobId": "55"},
            {"rfilename": "bare.json"}, {"rfilename": "odd.json", "size": 1, "blobId": "../../up"}]}"#;
        let Listing { commit, files } = Listing::read(answer.as_bytes()).unwrap();
        let listed: Vec<_> =
            files.iter().map(|file| (file.name.as_str(), file.size, file.hash.as_deref())).collect();
        let expected = [
            ("config.json", Some(10), Some("0011")),
            ("model.safetensors", Some(5), Some("33")),
            ("bare.json", None, None),
            ("odd.json", Some(1), None),
        ];
        assert_eq!((commit.as_str(), listed.as_slice()), ("abc123", &expected[..]));
        for bad in ["", "[]", r#"{"sha": "../x", "siblings": []}"#, r#"{"sha": "a"}"#] {
            assert!(Listing::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_says_where_it_begins_and_how_long_the_whole_is() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", text.parse().unwrap());
            range_of(&headers)
        };
        assert_eq!(of("bytes 7-9/10"), Some((7, 10)));
        for bad in ["bytes */10", "bytes 7-9/*", "7-9/10", ""] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
