//! Aligned columns of text.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::system::output::printable_within_line;

/// Rows of cells; the first row is the heading.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new<S: AsRef<str>>(headings: impl IntoIterator<Item = S>) -> Self {
        let mut table = Self::default();
        table.row(headings);
        table
    }

    /// Adds a row. Cells may hold a stranger's text.
    pub(super) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| printable_within_line(cell.as_ref())).collect());
    }

    /// Prints it, two cells between the columns. Columns of numbers are aligned to the right.
    ///
    /// # Errors
    /// The output's error.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<usize> =
            (0..columns).map(|column| cells(column).map(|cell| cell.width()).max().unwrap_or(0)).collect();
        let right: Vec<bool> =
            (0..columns).map(|column| cells(column).skip(1).all(|cell| is_number(cell))).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
                let gap = " ".repeat(width - cell.width());
                match right {
                    true => line.extend([&gap, cell.as_str(), "  "]),
                    false => line.extend([cell.as_str(), &gap, "  "]),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn is_number(cell: &str) -> bool {
    cell.is_empty() || cell == NOTHING || cell.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
}

/// Stands for what is not known.
pub(super) const NOTHING: &str = "-";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let mut table = Table::new(["name", "steps"]);
        table.row(["a\u{1b}", "7"]);
        table.row(["günther", "120"]);
        let mut printed = Vec::new();
        table.print(&mut printed).unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), "name     steps\na\\u001b      7\ngünther    120\n");
    }
}
