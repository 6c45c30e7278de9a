//! Tells the program which revision it is built from, where that is known, and by which rules it reads completions: a
//! run's `config.toml` records both.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Whatever decides what is found in a completion.
const RULES: [&str; 2] = ["src/reasoning", "src/task"];

fn main() {
    // The log of HEAD changes with every commit and checkout; without it (a source archive) nothing is watched.
    println!("cargo::rerun-if-changed=build.rs");
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    let revision = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Ok(found) = revision
        && found.status.success()
    {
        println!("cargo::rustc-env=AHA_GIT_REVISION={}", String::from_utf8_lossy(&found.stdout).trim());
    }
    println!("cargo::rustc-env=AHA_READING_RULES={:016x}", rules());
}

/// A hash (FNV-1a, 64 bits) of the source of the rules, the same wherever it is built.
fn rules() -> u64 {
    let mut files = Vec::new();
    for folder in RULES {
        println!("cargo::rerun-if-changed={folder}");
        // A folder that cannot be listed cannot be compiled either.
        let _ = collect(Path::new(folder), &mut files);
    }
    files.sort();
    let contents = files.iter().filter_map(|file| fs::read(file).ok());
    contents.flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
