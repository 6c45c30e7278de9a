//! Tells the program's modules by which rules they read completions. Nothing here depends on which rules those are.

fn main() {
    println!("cargo::rustc-env=AHA_READING_RULES=fuzzed");
}
