//! Puzzles as a parquet file in TinyZero's schema (`examples/data_preprocess/countdown.py` of
//! <https://github.com/Jiayi-Pan/TinyZero>), which both engines read as it is.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

/// Rows that are encoded at a time.
const GROUP: usize = 20_000;

/// Its columns, in this order.
const SCHEMA: &str = "
    message schema {
        REQUIRED INT64 target;
        REQUIRED group nums (LIST) { REPEATED group list { REQUIRED INT64 element; } }
        REQUIRED BYTE_ARRAY data_source (STRING);
        REQUIRED group prompt (LIST) {
            REPEATED group list {
                REQUIRED group element {
                    REQUIRED BYTE_ARRAY role (STRING);
                    REQUIRED BYTE_ARRAY content (STRING);
                }
            }
        }
        REQUIRED BYTE_ARRAY ability (STRING);
        REQUIRED group reward_model {
            REQUIRED BYTE_ARRAY style (STRING);
            REQUIRED group ground_truth {
                REQUIRED INT64 target;
                REQUIRED group numbers (LIST) { REPEATED group list { REQUIRED INT64 element; } }
            }
        }
        REQUIRED group extra_info {
            REQUIRED BYTE_ARRAY split (STRING);
            REQUIRED INT64 index;
        }
    }";

/// One puzzle.
pub(super) struct Row {
    pub(super) numbers: Vec<i64>,
    pub(super) target: i64,
    /// What a person says to the model, or the whole prompt where the model is asked without a chat template.
    pub(super) content: String,
}

/// Writes the puzzles of a task.
///
/// # Errors
/// If they cannot be written.
pub(super) fn write(
    rows: &[Row],
    task: &str,
    split: &str,
    output: impl Write + Send,
) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(output, schema, Arc::new(properties))?;
    for (i, rows) in rows.chunks(GROUP).enumerate() {
        let mut group = writer.next_row_group()?;
        let targets: Vec<i64> = rows.iter().map(|row| row.target).collect();
        let indices: Vec<i64> = (i * GROUP..).take(rows.len()).map(|index| index as i64).collect();
        let contents: Vec<ByteArray> = rows.iter().map(|row| row.content.as_str().into()).collect();
        let ones = vec![1; rows.len()];
        let same = |text: &str| vec![ByteArray::from(text); rows.len()];
        column::<Int64Type>(&mut group, &targets, None)?;
        numbers(&mut group, rows)?;
        column::<ByteArrayType>(&mut group, &same(task), None)?;
        // A conversation of one message.
        column::<ByteArrayType>(&mut group, &same("user"), Some((&ones, &vec![0; rows.len()])))?;
        column::<ByteArrayType>(&mut group, &contents, Some((&ones, &vec![0; rows.len()])))?;
        column::<ByteArrayType>(&mut group, &same("math"), None)?;
        column::<ByteArrayType>(&mut group, &same("rule"), None)?;
        column::<Int64Type>(&mut group, &targets, None)?;
        numbers(&mut group, rows)?;
        column::<ByteArrayType>(&mut group, &same(split), None)?;
        column::<Int64Type>(&mut group, &indices, None)?;
        group.close()?;
    }
    writer.close().map(drop)
}

/// A list of numbers for each row. The first of a list begins a row, and every puzzle has one.
fn numbers<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row],
) -> Result<(), ParquetError> {
    let values: Vec<i64> = rows.iter().flat_map(|row| row.numbers.iter().copied()).collect();
    let repeated: Vec<i16> =
        rows.iter().flat_map(|row| (0..row.numbers.len()).map(|i| i16::from(i > 0))).collect();
    column::<Int64Type>(group, &values, Some((&vec![1; values.len()], &repeated)))
}

/// The next column: its values, and their definition and repetition levels if it is in a list.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    levels: Option<(&Vec<i16>, &Vec<i16>)>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    let (defined, repeated) = levels.unzip();
    column.typed::<T>().write_batch(values, defined.map(Vec::as_slice), repeated.map(Vec::as_slice))?;
    column.close()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{List, ListAccessor, RowAccessor},
    };

    use super::*;

    fn numbers_in(list: &List) -> Vec<i64> {
        (0..list.len()).map(|i| list.get_long(i).unwrap()).collect()
    }

    #[test]
    fn every_row_comes_back_in_tinyzeros_schema() {
        // More than one group of rows, and lists of different length.
        let rows: Vec<Row> = (0..GROUP as i64 + 3)
            .map(|i| Row {
                numbers: (i..i + 3 + i % 2).collect(),
                target: -i,
                content: format!("puzzle {i} \u{2192} \"x\"\n"),
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        write(&rows, "countdown", "train", File::create(&path).unwrap()).unwrap();
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let mut read = reader.get_row_iter(None).unwrap();
        for (i, row) in rows.iter().enumerate() {
            let found = read.next().unwrap().unwrap();
            let names: Vec<&str> = found.get_column_iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(
                names,
                ["target", "nums", "data_source", "prompt", "ability", "reward_model", "extra_info"]
            );
            assert_eq!(found.get_long(0).unwrap(), row.target);
            assert_eq!(numbers_in(found.get_list(1).unwrap()), row.numbers);
            assert_eq!(found.get_string(2).unwrap(), "countdown");
            let messages = found.get_list(3).unwrap();
            assert_eq!(messages.len(), 1);
            let message = messages.get_group(0).unwrap();
            assert_eq!(
                (message.get_string(0).unwrap().as_str(), message.get_string(1).unwrap()),
                ("user", &row.content)
            );
            let truth = found.get_group(5).unwrap().get_group(1).unwrap();
            assert_eq!(truth.get_long(0).unwrap(), row.target);
            assert_eq!(numbers_in(truth.get_list(1).unwrap()), row.numbers);
            let extra = found.get_group(6).unwrap();
            assert_eq!(
                (extra.get_string(0).unwrap().as_str(), extra.get_long(1).unwrap()),
                ("train", i as i64)
            );
        }
        assert!(read.next().is_none());
    }
}
