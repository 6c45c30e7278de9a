//! Models by their names on the hub, from a hub on loopback.

mod server;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{headless, lab, only_run, refusal, succeeds, text};
use server::{COMMIT, Hub, Manners};

/// The embedded model as a hub has one, with files that no loader needs.
fn ours(root: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let folder = root.path().join("exported");
    succeeds(lab(&["export", "embedded"]).arg(&folder));
    let mut files: BTreeMap<String, Vec<u8>> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    for unneeded in ["README.md", "pytorch_model.bin", "onnx/model.onnx"] {
        files.insert(unneeded.into(), b"not needed".to_vec());
    }
    files
}

/// The same command as somebody with an empty home, for whom this is the hub.
fn asking<'a>(command: &'a mut Command, home: &Path, port: u16) -> &'a mut Command {
    for variable in [
        "HF_HUB_CACHE",
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(variable);
    }
    command.env("HF_HOME", home).env("HF_ENDPOINT", format!("http://127.0.0.1:{port}/"))
}

/// Export is the cheapest command that loads a whole model.
fn export(name: &str, to: &Path) -> Command {
    let mut command = lab(&["export", name]);
    command.arg(to);
    command
}

fn cached(home: &Path) -> PathBuf {
    home.join("hub/models--org--model")
}

/// The part of a file that has come.
fn parts(home: &Path) -> Vec<u64> {
    let blobs = fs::read_dir(cached(home).join("blobs")).unwrap().map(|entry| entry.unwrap());
    let is_part = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".incomplete");
    blobs.filter(is_part).map(|entry| entry.metadata().unwrap().len()).collect()
}

#[test]
fn a_model_is_fetched_once_and_its_run_names_it() {
    let root = TempDir::new().unwrap();
    let (home, runs) = (root.path().join("home"), root.path().join("runs"));
    let files = ours(&root);
    let hub = Hub::start(files.clone());
    let said =
        text(&succeeds(asking(headless(&runs, 1).args(["--base", "org/model"]), &home, hub.port)).stderr);
    assert!(said.contains("Fetching org/model at commit 0123456789ab: "), "{said}");
    assert!(said.contains(" MB, into "), "{said}");
    let asked: Vec<String> = hub.seen().into_iter().map(|seen| seen.path).collect();
    assert!(
        !asked.iter().any(|path| ["README", "pytorch", "onnx"].iter().any(|not| path.contains(not))),
        "{asked:?}"
    );
    let snapshot = cached(&home).join("snapshots").join(COMMIT);
    assert_eq!(fs::read_to_string(cached(&home).join("refs/main")).unwrap(), COMMIT);
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        assert_eq!(fs::read(snapshot.join(name)).unwrap(), files[name], "{name}");
        #[cfg(unix)]
        assert!(fs::read_link(snapshot.join(name)).unwrap().starts_with("../../blobs"), "{name}");
    }
    let run = only_run(&runs);
    let config = fs::read_to_string(run.path().join("config.toml")).unwrap();
    assert!(config.contains(&format!("base = \"org/model@{COMMIT}\"")), "{config}");

    // Again: the hub is asked whether there is a newer one, and for nothing else.
    succeeds(asking(&mut export("org/model", &root.path().join("a")), &home, hub.port));
    assert_eq!(hub.seen().len(), 1);
    succeeds(asking(&mut export(&format!("org/model@{COMMIT}"), &root.path().join("b")), &home, hub.port));
    assert_eq!(hub.seen().len(), 0, "a commit never changes");
    // Without a hub, what is here is used; and a run goes on.
    let none = hub.port_of_nobody();
    let said = text(&succeeds(asking(&mut export("org/model", &root.path().join("c")), &home, none)).stderr);
    assert!(said.contains("cannot be reached") && said.contains("it may not be the newest"), "{said}");
    let mut offline = export("org/model", &root.path().join("d"));
    let said = succeeds(asking(&mut offline, &home, none).env("HF_HUB_OFFLINE", "1"));
    assert_eq!(text(&said.stderr), "");
    let mut resume = lab(&["run", "--headless", "--steps", "2", "--resume"]);
    succeeds(asking(resume.arg(run.path()), &home, none).env("HF_HUB_OFFLINE", "1"));
}

#[test]
fn an_adapter_finds_its_base_in_the_cache_again() {
    let root = TempDir::new().unwrap();
    let (home, runs) = (root.path().join("home"), root.path().join("runs"));
    let hub = Hub::start(ours(&root));
    let mut begins = headless(&runs, 1);
    begins.args(["--base", "org/model", "--set", "lora_rank=2"]);
    succeeds(asking(&mut begins, &home, hub.port));
    let mut resume = lab(&["run", "--headless", "--steps", "2", "--resume"]);
    let none = hub.port_of_nobody();
    succeeds(asking(resume.arg(only_run(&runs).path()), &home, none).env("HF_HUB_OFFLINE", "1"));
}

#[test]
fn what_transformers_has_fetched_is_not_fetched_again() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let files = ours(&root);
    let (blobs, snapshot) = (cached(&home).join("blobs"), cached(&home).join("snapshots").join(COMMIT));
    let refs = cached(&home).join("refs");
    for folder in [&blobs, &snapshot, &refs] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(refs.join("main"), COMMIT).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let blob = blobs.join(format!("blob-of-{name}"));
        fs::write(&blob, &files[name]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(format!("../../blobs/blob-of-{name}"), snapshot.join(name)).unwrap();
        #[cfg(not(unix))]
        fs::rename(&blob, snapshot.join(name)).unwrap();
    }
    let mut offline = export("org/model", &root.path().join("a"));
    succeeds(asking(&mut offline, &home, 1).env("HF_HUB_OFFLINE", "1"));
    fs::remove_file(snapshot.join("model.safetensors")).unwrap();
    let mut partly = export("org/model", &root.path().join("b"));
    let said = refusal(asking(&mut partly, &home, 1).env("HF_HUB_OFFLINE", "1"));
    assert!(said.contains("only partly in the cache"), "{said}");
    let mut absent = export("org/other", &root.path().join("b"));
    let said = refusal(asking(&mut absent, &home, 1).env("HF_HUB_OFFLINE", "1"));
    assert!(said.contains("org/other is not in the cache") && said.contains("HF_HUB_OFFLINE"), "{said}");
    // Only what is missing is fetched.
    let hub = Hub::start(files);
    succeeds(asking(&mut export("org/model", &root.path().join("c")), &home, hub.port));
    let fetched: Vec<String> =
        hub.seen().into_iter().filter(|seen| seen.path.contains("/resolve/")).map(|seen| seen.path).collect();
    assert!(fetched.iter().any(|path| path.ends_with("/model.safetensors")), "{fetched:?}");
    assert!(!fetched.iter().any(|path| path.ends_with("/config.json")), "{fetched:?}");
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let hub = Hub::start(ours(&root));
    let ranges = |hub: &Hub| -> Vec<u64> {
        let weights = hub.seen().into_iter().filter(|seen| seen.path.ends_with("/model.safetensors"));
        let from = |range: Option<String>| {
            range.map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap())
        };
        weights.map(|seen| from(seen.range)).collect()
    };
    // A server that is gone each time: what came stays.
    hub.behaves(Manners { cuts: Some((0, 100)), ..Manners::default() });
    let said = text(
        &asking(&mut export("org/model", &root.path().join("a")), &home, hub.port).output().unwrap().stderr,
    );
    assert!(said.contains("of model.safetensors had come. They are kept"), "{said}");
    hub.seen();
    // It is cut twice, and goes on by itself.
    hub.behaves(Manners { cuts: Some((100_000, 2)), ..Manners::default() });
    succeeds(asking(&mut export("org/model", &root.path().join("b")), &home, hub.port));
    assert_eq!(ranges(&hub), [0, 100_000, 200_000]);
    assert!(parts(&home).is_empty());

    // Another command goes on too; a server without ranges sends the whole again.
    let weights = fs::read(root.path().join("exported/model.safetensors")).unwrap();
    let blob = server::sha256(&weights);
    for knows_no_ranges in [false, true] {
        let home = root.path().join(format!("home-{knows_no_ranges}"));
        fs::create_dir_all(cached(&home).join("blobs")).unwrap();
        fs::write(cached(&home).join(format!("blobs/{blob}.incomplete")), &weights[..100_000]).unwrap();
        hub.behaves(Manners { knows_no_ranges, ..Manners::default() });
        let to = root.path().join(format!("c-{knows_no_ranges}"));
        let said = text(&succeeds(asking(&mut export("org/model", &to), &home, hub.port)).stderr);
        assert!(said.contains("100.0 kB of it here already"), "{said}");
        assert_eq!(ranges(&hub), [100_000]);
        assert_eq!(fs::read(cached(&home).join("blobs").join(&blob)).unwrap(), weights);
    }
}

#[test]
fn what_is_not_what_was_listed_is_thrown_away() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let hub = Hub::start(ours(&root));
    let said = |hub: &Hub| {
        let mut command = export("org/model", &root.path().join("a"));
        text(&asking(&mut command, &home, hub.port).output().unwrap().stderr)
    };
    hub.behaves(Manners { lies: true, ..Manners::default() });
    let refused = said(&hub);
    assert!(
        refused.contains("model.safetensors did not come as the hub says it is (its SHA-256"),
        "{refused}"
    );
    assert!(parts(&home).is_empty(), "it would be kept for ever");
    hub.behaves(Manners { listed_size: Some(77), ..Manners::default() });
    let refused = said(&hub);
    assert!(refused.contains("77 bytes were listed"), "{refused}");
    // More than any disk has: nothing is fetched.
    hub.behaves(Manners { listed_size: Some(1 << 60), ..Manners::default() });
    hub.seen();
    let refused = said(&hub);
    assert!(!cfg!(unix) || refused.contains("GB more on the disk of"), "{refused}");
    assert!(!cfg!(unix) || hub.seen().len() == 1);
}

#[test]
fn a_token_goes_to_the_hub_and_nowhere_else() {
    const TOKEN: &str = "hf_a_secret_of_mine";
    let root = TempDir::new().unwrap();
    let (home, runs) = (root.path().join("home"), root.path().join("runs"));
    let hub = Hub::start(ours(&root));
    hub.behaves(Manners { token: Some(TOKEN.into()), redirects: true, ..Manners::default() });
    let base = |token: Option<&str>| {
        let mut command = headless(&runs, 1);
        command.args(["--base", "org/model"]);
        asking(&mut command, &home, hub.port);
        command.env("RUST_LOG", "trace").envs(token.map(|token| ("HF_TOKEN", token)));
        command
    };
    let said = refusal(&mut base(None));
    assert!(said.contains("gated or private") && said.contains("set HF_TOKEN"), "{said}");
    let said = refusal(&mut base(Some("hf_another")));
    assert!(said.contains("to the owner of the token") && !said.contains("hf_another"), "{said}");
    hub.seen();
    let done = succeeds(&mut base(Some(TOKEN)));
    for seen in hub.seen() {
        let elsewhere = seen.host.starts_with("localhost");
        assert_eq!(elsewhere, seen.path.starts_with("/elsewhere/"), "{seen:?}");
        assert_eq!(seen.authorization.is_none(), elsewhere, "{seen:?}");
    }
    assert!(!text(&done.stderr).contains(TOKEN) && !text(&done.stdout).contains(TOKEN));
    let mut folders = vec![runs.clone(), home.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => {
                    let bytes = fs::read(&entry).unwrap();
                    assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{entry:?}");
                    files += 1;
                }
            }
        }
    }
    assert!(files > 8, "{files}");
}

#[test]
fn what_cannot_be_had_is_told_in_a_sentence() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let hub = Hub::start(BTreeMap::from([("pytorch_model.bin".to_owned(), b"old".to_vec())]));
    let to = root.path().join("a");
    let refused = |name: &str, port: u16, expected: &str| {
        let said = refusal(asking(&mut export(name, &to), &home, port));
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    };
    refused("org/nothing", hub.port, "There is no org/nothing on the hub");
    refused("org/model@v9", hub.port, "There is no revision v9 of org/model on the hub");
    refused("org/model", hub.port, "only the older pytorch_model.bin");
    refused("org/model:m.gguf", hub.port, "it has no m.gguf; it has no GGUF file");
    refused("org/model", hub.port_of_nobody(), "cannot be reached");
    hub.behaves(Manners { status: Some(503), ..Manners::default() });
    refused("org/model", hub.port, "with 503. Try again later");
    // A path that is no name, and one that could be: nothing is asked of the first.
    hub.seen();
    let said = refusal(asking(headless(root.path(), 1).args(["--base", "./no/such"]), &home, hub.port));
    assert!(said.contains("There is no such folder"), "{said}");
    assert!(hub.seen().is_empty());
}

#[test]
fn shards_and_single_files_are_fetched_and_nothing_twice() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let mut files: BTreeMap<String, Vec<u8>> = fs::read_dir("tests/fixtures/tiny-qwen2-sharded")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.insert("tokenizer.json".into(), ours(&root)["tokenizer.json"].clone());
    files.insert("consolidated.safetensors".into(), b"the same again".to_vec());
    files.insert("tiny.gguf".into(), fs::read("tests/fixtures/gguf/llama.gguf").unwrap());
    let hub = Hub::start(files);
    hub.behaves(Manners { lists_names_only: true, redirects: true, ..Manners::default() });
    // What a run would need is known without the weights.
    let told = succeeds(asking(&mut lab(&["doctor", "--json", "--base", "org/model"]), &home, hub.port));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(told["needs"]["prompt_tokens"].as_u64() > Some(4), "{told}");
    assert!(!hub.seen().iter().any(|seen| seen.path.contains(".safetensors")));
    succeeds(asking(&mut export("org/model", &root.path().join("a")), &home, hub.port));
    assert!(root.path().join("a/model.safetensors").is_file());
    let asked = hub.seen();
    for shard in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        assert!(asked.iter().any(|seen| seen.path.ends_with(shard)), "{asked:?}");
    }
    assert!(
        !asked.iter().any(|seen| seen.path.contains("consolidated") || seen.path.contains("gguf")),
        "{asked:?}"
    );
    succeeds(asking(&mut export("org/model:tiny.gguf", &root.path().join("b")), &home, hub.port));
    assert!(root.path().join("b/model.safetensors").is_file());
}

#[test]
fn a_folder_of_that_name_comes_first_and_that_is_said() {
    let root = TempDir::new().unwrap();
    let home = root.path().join("home");
    let hub = Hub::start(ours(&root));
    fs::create_dir(root.path().join("org")).unwrap();
    fs::rename(root.path().join("exported"), root.path().join("org/model")).unwrap();
    let mut command = headless(&root.path().join("runs"), 1);
    command.args(["--base", "org/model"]).current_dir(root.path());
    let said = text(&succeeds(asking(&mut command, &home, hub.port)).stderr);
    assert!(said.contains("org/model is here, as a path, and is used"), "{said}");
    let mut command = export("org/model", &root.path().join("a"));
    let said = text(&succeeds(asking(command.current_dir(root.path()), &home, hub.port)).stderr);
    assert!(said.contains("org/model is here, as a path, and is used"), "{said}");
    assert!(hub.seen().is_empty());
}
