//! The floors of the house: which room may use which. `docs/architecture.md` draws them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The rooms, from the top floor to the ground. A room may use the rooms of the floors below its own, and none beside it.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["tui", "socket"],
    &["engine"],
    &["pretrain", "report"],
    &["runs"],
    &["protocol"],
    &["eval"],
    &["config"],
    &["grpo"],
    &["rollout"],
    &["prompt", "hub"],
    &["model"],
    &["device"],
    &["kernels"],
    &["task"],
    &["reasoning"],
    &["metrics"],
    &["record"],
    &["settings"],
    &["system"],
];

/// Arrows that go down and are still forbidden: the engine knows no terminal (it stands below it), and the terminal no
/// tensors.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("tui", &["engine", "grpo", "rollout", "model", "kernels", "device", "pretrain"]),
    ("engine", &["socket"]),
];

/// Rooms that are pure: no threads, no files, no tensors.
const PURE: &[&str] = &["record", "metrics", "reasoning", "task"];

/// What a pure room may not name.
const IMPURE: &[&str] =
    &["burn", "std::fs", "std::thread", "std::process", "std::net", "crossbeam_channel", "ratatui"];

#[test]
fn no_room_uses_one_above_it() {
    let floor: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(height, rooms)| rooms.iter().map(move |room| (*room, height)))
        .collect();
    let mut wrong = Vec::new();
    for (room, file, code) in sources() {
        let Some(&from) = floor.get(room.as_str()) else {
            wrong.push(format!("{file}: the room `{room}` stands on no floor"));
            continue;
        };
        for used in rooms_used(&code) {
            let allowed = match floor.get(used.as_str()) {
                Some(&to) => used == room || to > from,
                None => false,
            };
            let forbidden =
                FORBIDDEN.iter().any(|(upper, lower)| *upper == room && lower.contains(&used.as_str()));
            if !allowed || forbidden {
                wrong.push(format!("{file}: `{room}` may not use `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} forbidden arrows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_neither_files_nor_threads_nor_tensors() {
    let mut wrong = Vec::new();
    for (room, file, code) in sources().filter(|(room, ..)| PURE.contains(&room.as_str())) {
        for name in used_paths(&code) {
            if IMPURE.iter().any(|impure| name == *impure || name.starts_with(&format!("{impure}::"))) {
                wrong.push(format!("{file}: `{room}` is pure and may not use `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn use_trees_are_read_whole() {
    let code =
        "use crate::{\n    engine::{self, control::Control},\n    task,\n};\nlet x = crate::runs::lock();";
    let used: Vec<String> = rooms_used(code).into_iter().collect();
    assert_eq!(used, ["engine", "runs", "task"]);
    assert!(used_paths("use std::{fs, io::Read};").contains(&"std::fs".to_owned()));
}

/// Room, path and code of every source file, without comments and without what is compiled for tests only.
fn sources() -> impl Iterator<Item = (String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 100, "{}", files.len());
    files.into_iter().filter_map(move |file| {
        let inside = file.strip_prefix(&root).unwrap();
        let room = inside.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
        let for_tests = inside.iter().any(|part| part == "tests.rs" || part == "tests");
        if for_tests || ["lib", "main"].contains(&room.as_str()) {
            return None;
        }
        let text = fs::read_to_string(&file).unwrap();
        // Tests stand at the end of a file and may use what they like.
        let code = text.split("\n#[cfg(test)]\n").next()?;
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        Some((room, inside.display().to_string(), code.join("\n")))
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The rooms that a piece of code names behind `crate::`.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let first = |path: String| path.split("::").nth(1).map(str::to_owned);
    used_paths(code).into_iter().filter(|path| path.starts_with("crate::")).filter_map(first).collect()
}

/// Every path in a piece of code that begins with a crate's name, use trees opened.
fn used_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        // A use tree is the last thing before its semicolon.
        if let Some(at) = statement.rfind("use ").filter(|at| statement[at + 4..].contains("::")) {
            let tree: String = statement[at + 4..].split_whitespace().collect::<Vec<_>>().join(" ");
            open_tree("", &tree, &mut paths);
        }
        for (at, _) in statement.match_indices("crate::") {
            let path: String = statement[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect();
            if path.len() > "crate::".len() {
                paths.push(path);
            }
        }
    }
    paths
}

fn open_tree(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(brace) = tree.find('{') else {
        paths.push(format!("{before}{tree}"));
        return;
    };
    let before = format!("{before}{}", &tree[..brace]);
    let inside = tree[brace + 1..].trim_end().trim_end_matches('}');
    let (mut depth, mut from) = (0, 0);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                open_tree(&before, &inside[from..at], paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !inside[from..].trim().is_empty() {
        open_tree(&before, &inside[from..], paths);
    }
}
