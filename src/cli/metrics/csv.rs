//! Metrics as comma-separated values.

use std::io::{self, Write};

use crate::{
    metrics::registry,
    record::{Measured, Step},
    system::output::printable_within_line,
};

/// One line a step, a column for each metric that any step has: those of the registry in its order, then the others.
pub(super) fn write(steps: &[Step], out: &mut impl Write) -> io::Result<()> {
    let columns = columns(steps);
    let heading = ["step".to_owned()].into_iter().chain(columns.iter().map(|name| field(name)));
    line(out, heading)?;
    for step in steps {
        let cells = columns.iter().map(|name| step.named(name).map_or_else(String::new, cell));
        line(out, [step.step.to_string()].into_iter().chain(cells))?;
    }
    out.flush()
}

/// The names that any step has.
fn columns(steps: &[Step]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in steps {
        for (name, _) in step.iter() {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    let place = |name: &String| registry::ALL.iter().position(|metric| metric.name == name);
    names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
    names
}

fn line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    writeln!(out, "{}", cells.collect::<Vec<_>>().join(","))
}

fn cell(value: &Measured) -> String {
    match value {
        Measured::Nothing => String::new(),
        Measured::Whole(count) => count.to_string(),
        Measured::Real(value) if value.is_finite() => value.to_string(),
        Measured::Real(_) => String::new(),
        Measured::Other(value) => match value.as_str() {
            Some(text) => field(text),
            None => field(&value.to_string()),
        },
    }
}

/// Quoted where a comma or a quotation mark would be misread; control characters are escaped.
fn field(text: &str) -> String {
    let text = printable_within_line(text);
    match text.contains([',', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_those_of_all_steps_and_gaps_are_empty() {
        let first = Step::new(1).with(&registry::ACCURACY, 0.5).with(&registry::REWARD, f64::NAN);
        let mut second = Step::new(2).with(&registry::REWARD, 0.25);
        second.put("their, \"name\"\u{1b}", json!(["a"]).into(), |_| false);
        let mut written = Vec::new();
        write(&[first, second], &mut written).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "step,reward,accuracy,\"their, \"\"name\"\"\\u001b\"\n1,,0.5,\n2,0.25,,\"[\"\"a\"\"]\"\n"
        );
    }
}
