//! Columns of a stranger's parquet file. What the file says of its own sizes is looked at before anything is unpacked,
//! and the library that reads it is fenced: a panic in it is a sentence.

mod pages;

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use parquet::{
    basic::Type as Physical,
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
};

use crate::system::{
    files,
    quoting::{quoted, quoting},
};

/// The largest file that is read. TRL writes some hundred completions into one, a few hundred kilobytes.
const MOST_BYTES: u64 = 256 << 20;
/// Most rows of a file, and most columns.
const MOST_ROWS: usize = 1 << 18;
const MOST_COLUMNS: usize = 4096;
/// Most bytes of text that the rows of a column hold together: equal texts are stored once, and unpacked for each row.
const MOST_TEXT: usize = 256 << 20;

/// A parquet file, and what is in its footer.
pub struct Table {
    reader: SerializedFileReader<Bytes>,
    rows: usize,
}

/// A column that is not inside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Numbers with a fraction.
    Reals,
    /// Whole numbers, and yes or no.
    Wholes,
    /// Texts.
    Texts,
    /// Lists and structures, and what is in none of the other kinds.
    Nested,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it; empty where the file does not tell.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// The values of a column with their levels: how deep they are nested, and where a row begins.
struct Levels<T> {
    values: Vec<T>,
    /// What is there of each value; `most` of a whole one.
    definition: Vec<i16>,
    most: i16,
    /// 0 where a row begins; empty in a column that is not nested.
    repetition: Vec<i16>,
}

impl Table {
    /// Reads a file and its footer.
    ///
    /// # Errors
    /// What is wrong with it, without its name: too large, half written, or no parquet file.
    pub fn read(file: &File) -> Result<Self, String> {
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        if length > MOST_BYTES {
            return Err(format!("it has {length} bytes; the limit is {MOST_BYTES}"));
        }
        Self::of(files::read_most(file, MOST_BYTES).map_err(|error| error.to_string())?)
    }

    /// The same, of bytes.
    pub fn of(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes = Bytes::from(bytes);
        if !(bytes.len() >= 12 && bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1")) {
            return Err("it is no whole parquet file".into());
        }
        pages::check_footer(&bytes)?;
        let reader = fenced(|| SerializedFileReader::new(bytes.clone()))?;
        let metadata = reader.metadata();
        let rows = metadata.row_groups().iter().try_fold(0_usize, |sum, group| {
            usize::try_from(group.num_rows()).ok().and_then(|rows| sum.checked_add(rows))
        });
        let Some(rows) = rows.filter(|rows| *rows <= MOST_ROWS) else {
            return Err(format!("it has more than {MOST_ROWS} rows, the limit"));
        };
        if metadata.file_metadata().schema_descr().num_columns() > MOST_COLUMNS {
            return Err(format!("it has more than {MOST_COLUMNS} columns, the limit"));
        }
        Ok(Self { reader, rows }).and_then(|table| {
            fenced(|| Ok(pages::check(table.reader.metadata(), &bytes)))??;
            Ok(table)
        })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its columns, in order.
    pub fn columns(&self) -> Vec<Column> {
        let fields = self.reader.metadata().file_metadata().schema().get_fields();
        let of = |field: &parquet::schema::types::TypePtr| Column {
            name: field.name().to_owned(),
            holds: match field.is_primitive().then(|| field.get_physical_type()) {
                Some(Physical::FLOAT | Physical::DOUBLE) => Holds::Reals,
                Some(Physical::BOOLEAN | Physical::INT32 | Physical::INT64) => Holds::Wholes,
                Some(Physical::BYTE_ARRAY) => Holds::Texts,
                _ => Holds::Nested,
            },
        };
        fields.iter().map(of).collect()
    }

    /// A column of numbers, one for each row; `None` is nothing.
    ///
    /// # Errors
    /// What is wrong with the column.
    pub fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, String> {
        let leaf = self.leaf(&[name])?;
        let levels = self.read_leaf(leaf, |reader, rows| {
            Ok(match reader {
                ColumnReader::BoolColumnReader(r) => take(r, rows)?.map(|yes| f64::from(u8::from(yes))),
                ColumnReader::Int32ColumnReader(r) => take(r, rows)?.map(f64::from),
                ColumnReader::Int64ColumnReader(r) => take(r, rows)?.map(|whole| whole as f64),
                ColumnReader::FloatColumnReader(r) => take(r, rows)?.map(f64::from),
                ColumnReader::DoubleColumnReader(r) => take(r, rows)?,
                _ => return Err(ParquetError::General("its values are no numbers".into())),
            })
        })?;
        self.whole(name, levels.each())
    }

    /// A column of texts, one for each row; `None` is nothing.
    ///
    /// # Errors
    /// What is wrong with the column.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>, String> {
        let levels = self.read_texts(self.leaf(&[name])?)?;
        self.whole(name, levels.each())
    }

    /// A column of conversations, one for each row.
    ///
    /// # Errors
    /// What is wrong with the column, or that there is no such thing in it.
    pub fn messages(&self, name: &str) -> Result<Vec<Vec<Message>>, String> {
        let inside = |ends: &str| self.leaf_inside(name, ends);
        let contents = inside("content").or_else(|| inside("text"));
        let contents = contents.ok_or_else(|| format!("nothing in {} has a `content`", quoted(name)))?;
        let contents = self.read_texts(contents)?.rows();
        let roles = inside("role").map(|leaf| Ok::<_, String>(self.read_texts(leaf)?.rows())).transpose()?;
        let roles = roles.filter(|roles| roles.len() == contents.len());
        let rows = contents.into_iter().enumerate().map(|(row, contents)| {
            let roles = roles.as_ref().map(|roles| &roles[row]).filter(|roles| roles.len() == contents.len());
            let role = |at: usize| roles.map_or_else(String::new, |roles| roles[at].clone());
            contents
                .into_iter()
                .enumerate()
                .map(|(at, content)| Message { role: role(at), content })
                .collect::<Vec<_>>()
        });
        let rows: Vec<_> = rows.collect();
        if rows.len() == self.rows {
            return Ok(rows);
        }
        Err(format!("the column {} does not have {} rows", quoted(name), self.rows))
    }

    fn whole<T>(&self, name: &str, values: Vec<Option<T>>) -> Result<Vec<Option<T>>, String> {
        if values.len() == self.rows {
            return Ok(values);
        }
        Err(format!("the column {} has {} values in {} rows", quoted(name), values.len(), self.rows))
    }

    /// The place of a column that has this path.
    fn leaf(&self, path: &[&str]) -> Result<usize, String> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let found = schema.columns().iter().position(|column| column.path().parts() == path);
        let flat = found.filter(|leaf| schema.column(*leaf).max_rep_level() == 0);
        flat.ok_or_else(|| format!("it has no plain column {}", quoted(&path.join("."))))
    }

    /// The first column inside this one whose path ends so.
    fn leaf_inside(&self, name: &str, ends: &str) -> Option<usize> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        schema.columns().iter().position(|column| {
            let parts = column.path().parts();
            parts.len() > 1
                && parts[0] == name
                && parts.last().is_some_and(|last| last == ends)
                && column.physical_type() == Physical::BYTE_ARRAY
        })
    }

    fn read_texts(&self, leaf: usize) -> Result<Levels<String>, String> {
        let mut room = MOST_TEXT;
        self.read_leaf(leaf, |reader, rows| {
            let ColumnReader::ByteArrayColumnReader(reader) = reader else {
                return Err(ParquetError::General("its values are no texts".into()));
            };
            let levels = take(reader, rows)?;
            let long: usize = levels.values.iter().map(|text| text.len()).sum();
            room = room.checked_sub(long).ok_or_else(|| {
                ParquetError::General(format!("its texts have more than {MOST_TEXT} bytes"))
            })?;
            Ok(levels.map(|text| String::from_utf8_lossy(text.data()).into_owned()))
        })
    }

    /// Reads a column of all row groups.
    fn read_leaf<T>(
        &self,
        leaf: usize,
        mut read: impl FnMut(ColumnReader, usize) -> Result<Levels<T>, ParquetError>,
    ) -> Result<Levels<T>, String> {
        fenced(|| {
            let most = self.reader.metadata().file_metadata().schema_descr().column(leaf).max_def_level();
            let mut all = Levels { values: vec![], definition: vec![], most, repetition: vec![] };
            for group in 0..self.reader.num_row_groups() {
                let group = self.reader.get_row_group(group)?;
                let rows = usize::try_from(group.metadata().num_rows())?;
                let found = read(group.get_column_reader(leaf)?, rows)?;
                all.values.extend(found.values);
                all.definition.extend(found.definition);
                all.repetition.extend(found.repetition);
            }
            Ok(all)
        })
    }
}

/// Reads so many rows of a column.
fn take<D: DataType>(mut reader: ColumnReaderImpl<D>, rows: usize) -> Result<Levels<D::T>, ParquetError> {
    let mut levels = Levels { values: vec![], definition: vec![], most: 0, repetition: vec![] };
    reader.read_records(
        rows,
        Some(&mut levels.definition),
        Some(&mut levels.repetition),
        &mut levels.values,
    )?;
    Ok(levels)
}

impl<T> Levels<T> {
    fn map<U>(self, change: impl FnMut(T) -> U) -> Levels<U> {
        let Self { values, definition, most, repetition } = self;
        Levels { values: values.into_iter().map(change).collect(), definition, most, repetition }
    }

    /// The values of a plain column; `None` is nothing.
    fn each(self) -> Vec<Option<T>> {
        if self.most == 0 {
            return self.values.into_iter().map(Some).collect();
        }
        let mut values = self.values.into_iter();
        self.definition.iter().map(|level| if *level == self.most { values.next() } else { None }).collect()
    }

    /// The values of a nested column, row by row.
    fn rows(self) -> Vec<Vec<T>> {
        let mut values = self.values.into_iter();
        let mut rows: Vec<Vec<T>> = Vec::new();
        let levels = self.definition.len().max(self.repetition.len());
        for at in 0..levels {
            if self.repetition.get(at).is_none_or(|level| *level == 0) {
                rows.push(Vec::new());
            }
            if self.definition.get(at).is_none_or(|level| *level == self.most)
                && let (Some(row), Some(value)) = (rows.last_mut(), values.next())
            {
                row.push(value);
            }
        }
        rows
    }
}

/// Calls the library that reads a stranger's file.
fn fenced<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| quoting(&error).trim_end_matches('.').to_owned()),
        Err(_) => Err("its columns cannot be read: the parser panicked".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    fn table(path: &str) -> Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
        Table::read(&files::open(&path).unwrap()).unwrap()
    }

    #[test]
    fn columns_of_a_file_of_trl_are_read_by_their_kinds() {
        let table = table("trl-files/completions/completions_00001.parquet");
        let columns = table.columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let expected =
            ["step", "prompt", "completion", "countdown", "checked", "characters", "mentions", "advantage"];
        assert_eq!(names, expected);
        let prompts = table.texts("prompt").unwrap();
        assert_eq!((prompts.len(), table.rows()), (12, 12));
        assert!(prompts.iter().all(|prompt| prompt.as_deref().unwrap().starts_with("use ")));
        assert_eq!(table.numbers("step").unwrap(), [Some(1.0); 12]);
        assert!(table.numbers("countdown").unwrap().iter().all(Option::is_some));
        assert!(table.numbers("prompt").unwrap_err().contains("no numbers"));
        assert!(table.texts("step").unwrap_err().contains("no texts"));
        assert!(table.numbers("absent").unwrap_err().contains("absent"));
        assert!(table.messages("prompt").is_err());
    }

    #[test]
    fn conversations_keep_their_speakers_and_nothing_is_nothing() {
        let table = table("trl-files-chat/completions/completions_00001.parquet");
        let prompts = table.messages("prompt").unwrap();
        assert_eq!(prompts.len(), table.rows());
        assert!(prompts.iter().all(|row| row.len() == 1 && row[0].role == "user"), "{prompts:?}");
        let completions = table.messages("completion").unwrap();
        assert!(completions.iter().all(|row| row[0].role == "assistant" && !row[0].content.is_empty()));
        assert!(table.numbers("checked").unwrap().contains(&None));
    }

    #[test]
    fn what_is_no_parquet_file_is_said() {
        for bytes in [&b""[..], b"PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1aaaaaaaaaaaa\xff\xff\xff\x7fPAR1"] {
            assert!(Table::of(bytes.to_vec()).is_err());
        }
    }
}
