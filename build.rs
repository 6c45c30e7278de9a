//! Tells the program which revision it is built from, where that is known: a run's `config.toml` records it.

use std::process::Command;

fn main() {
    // The log of HEAD changes with every commit and checkout; without it (a source archive) nothing is watched.
    println!("cargo::rerun-if-changed=build.rs");
    if std::path::Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    let revision = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Ok(found) = revision
        && found.status.success()
    {
        println!("cargo::rustc-env=AHA_GIT_REVISION={}", String::from_utf8_lossy(&found.stdout).trim());
    }
}
