//! The corpus of the fuzz targets, and every input that ever broke one, in the ordinary tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

use aha_lab as lab;

#[path = "../fuzz/src/strangers.rs"]
mod strangers;

fn over_the_corpus(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no corpus");
    for file in files {
        eprintln!("{}", file.display());
        let bytes = fs::read(&file).unwrap();
        run(&bytes);
        // Cut off anywhere, and with any one bit changed here and there.
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            run(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            run(&changed);
        }
    }
}

#[test]
fn model_folders() {
    over_the_corpus("model", strangers::model);
}

#[test]
fn gguf_files() {
    over_the_corpus("gguf", strangers::gguf);
}

#[test]
fn tokenizers() {
    over_the_corpus("tokenizer", strangers::tokenizer);
}

#[test]
fn templates() {
    over_the_corpus("template", strangers::template);
}

#[test]
fn settings_and_checkpoints() {
    over_the_corpus("settings", strangers::settings);
    over_the_corpus("checkpoint", strangers::checkpoint);
}

#[test]
fn notes_and_sweeps() {
    over_the_corpus("notes", strangers::notes);
}

#[test]
fn messages_of_the_socket() {
    over_the_corpus("messages", strangers::messages);
}

#[test]
fn measurements_of_a_frontier() {
    over_the_corpus("frontier", strangers::frontier);
}

#[test]
fn files_of_other_engines() {
    over_the_corpus("parquet", strangers::parquet);
    over_the_corpus("events", strangers::events);
}
