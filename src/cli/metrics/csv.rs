//! Metrics as comma-separated values.

use std::io::{self, Write};

use super::names;
use crate::{
    record::{Measured, Step},
    system::output::printable_within_line,
};

/// One line a step, a column for each metric that any step has: those of the registry in its order, then the others.
pub(super) fn write(steps: &[Step], out: &mut impl Write) -> io::Result<()> {
    let columns = names(steps);
    let heading = ["step".to_owned()].into_iter().chain(columns.iter().map(|name| field(name)));
    line(out, heading)?;
    for step in steps {
        let cells = columns.iter().map(|name| step.named(name).map_or_else(String::new, cell));
        line(out, [step.step.to_string()].into_iter().chain(cells))?;
    }
    out.flush()
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
        Measured::Other(_) => field(&value.to_text()),
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
    use crate::metrics::registry;

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
