//! A graphics driver that crashes when it is asked costs a line of the report, and the GPU; never the program.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{TINY, lab, only_run, succeeds, text};

/// A library that ends whatever process asks the drivers, as a driver does that frees something twice.
const CRASHES: &str = r#"
#include <stdlib.h>
#include <string.h>
__attribute__((constructor)) static void begin(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "list-adapters") == 0) abort();
}
"#;

/// `None` where there is no compiler.
fn driver(root: &TempDir) -> Option<PathBuf> {
    let (source, library) = (root.path().join("driver.c"), root.path().join("driver.so"));
    std::fs::write(&source, CRASHES).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output();
    built.is_ok_and(|built| built.status.success()).then_some(library)
}

#[test]
fn a_crash_in_a_graphics_driver_is_a_line_and_the_cpu_elsewhere() {
    let root = TempDir::new().unwrap();
    let Some(driver) = driver(&root) else {
        eprintln!("not tested: this machine has no C compiler");
        return;
    };
    let told = text(&succeeds(lab(&["doctor"]).current_dir(root.path()).env("LD_PRELOAD", &driver)).stdout);
    let warned = |line: &str| {
        line.starts_with("warning: The GPU adapters could not be listed: the graphics driver crashed")
    };
    assert!(told.lines().any(|line| warned(line) && line.ends_with("(signal: 6 (SIGABRT)).")), "{told}");
    assert!(told.contains("adapters    not known") && told.contains("So the CPU is used."), "{told}");
    let told =
        succeeds(lab(&["doctor", "--json"]).current_dir(root.path()).env("LD_PRELOAD", &driver)).stdout;
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!((&told["adapters_known"], &told["backend"]["name"]), (&false.into(), &"cpu".into()));

    let runs = root.path().join("runs");
    let mut run = lab(&["run", "--headless", "--steps", "1", "--runs"]);
    run.arg(&runs).args(TINY.iter().flat_map(|pair| ["--set", pair])).args(["--set", "backend=auto"]);
    succeeds(run.env("LD_PRELOAD", &driver));
    let backend = only_run(&runs).config().unwrap().provenance.unwrap().backend;
    assert!(backend.starts_with("cpu"), "{backend}");
    let mut run = lab(&["run", "--headless", "--steps", "1", "--set", "backend=wgpu", "--runs"]);
    let said = super::refusal(run.arg(root.path().join("others")).env("LD_PRELOAD", &driver));
    assert!(said.contains("the graphics driver crashed"), "{said}");
    // No file of the crash is left behind.
    assert!(!root.path().join("core").exists());
}
