//! `aha-lab config`: the configuration that a run would have, and where each value came from.

use std::io::Write;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Failure,
    settings::{SettingArgs, usual_files},
    table::{NOTHING, Table},
};
use crate::config::{Config, Layers, Origin};

/// Show the configuration that a run would have, and where each value came from
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
From weak to strong: defaults; aha-lab.toml in the user's configuration folder; aha-lab.toml in this folder; --config;
environment variables AHA_LAB_<KEY>; the other arguments. A task, a level or a preset sets other keys too, over all
that is weaker.

Examples:
  aha-lab config
  aha-lab config --level tinyzero --set preset=dapo --changed
  AHA_LAB_TEMPERATURE=0.8 aha-lab config --json | jq .keys.temperature")]
pub struct ConfigArgs {
    #[command(flatten)]
    given: SettingArgs,
    /// Show only what is not at its default
    #[arg(long)]
    pub changed: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Prints the configuration and returns the exit code.
///
/// # Errors
/// A place that cannot be used, or output that cannot be written.
pub fn run(args: &ConfigArgs, mut stdout: impl Write) -> Result<i32, Failure> {
    let layers = args.given.layers(None)?;
    let shown = || Config::keys().filter(|key| !args.changed || layers.origin(key.name).is_some());
    if args.json {
        let mut keys = Map::new();
        for key in shown() {
            keys.insert(key.name.to_owned(), as_json(&layers, key.name)?);
        }
        writeln!(stdout, "{}", json!({ "keys": keys, "files": files() }))?;
        return Ok(0);
    }
    let mut table = Table::new(["key", "value", "from"]);
    for key in shown() {
        let from = layers.origin(key.name).map_or_else(|| NOTHING.to_owned(), in_words);
        table.row([key.name.to_owned(), layers.config.get(key.name)?, from]);
    }
    table.print(&mut stdout)?;
    Ok(0)
}

fn in_words(origin: &Origin) -> String {
    match origin.through.as_slice() {
        [] => origin.place.to_string(),
        keys => format!("{} in {}", keys.join(", "), origin.place),
    }
}

fn as_json(layers: &Layers, key: &str) -> Result<Value, Failure> {
    let origin = layers.origin(key);
    Ok(json!({
        "value": layers.config.get(key)?,
        "from": origin.map_or("default", |origin| origin.place.kind()),
        "where": origin.map(|origin| origin.place.to_string()),
        "through": origin.map(|origin| &origin.through),
    }))
}

/// The files that are read without being named, and whether they are there.
fn files() -> Vec<Value> {
    usual_files().iter().map(|path| json!({ "path": path, "exists": path.exists() })).collect()
}
