//! Metrics as a parquet file: a row for each step, a column for each metric. What was not measured is null.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};

use super::names;
use crate::record::{Measured, Step};

/// The values of a column, and for each step whether there is one.
enum Column {
    Whole(Vec<i64>),
    Real(Vec<f64>),
    Text(Vec<ByteArray>),
}

/// Writes all steps.
///
/// # Errors
/// If they cannot be written.
pub(super) fn write(steps: &[Step], output: impl Write + Send) -> Result<(), ParquetError> {
    let names = names(steps);
    let columns: Vec<(Column, Vec<i16>)> = names.iter().map(|name| column(steps, name)).collect();
    let mut fields = vec![field("step", Physical::INT64, Repetition::REQUIRED)?];
    for (name, (values, _)) in names.iter().zip(&columns) {
        let physical = match values {
            Column::Whole(_) => Physical::INT64,
            Column::Real(_) => Physical::DOUBLE,
            Column::Text(_) => Physical::BYTE_ARRAY,
        };
        fields.push(field(name, physical, Repetition::OPTIONAL)?);
    }
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let numbers: Vec<i64> = steps.iter().map(|step| step.step.cast_signed()).collect();
    put::<Int64Type>(&mut group, &numbers, None)?;
    for (values, known) in &columns {
        match values {
            Column::Whole(values) => put::<Int64Type>(&mut group, values, Some(known))?,
            Column::Real(values) => put::<DoubleType>(&mut group, values, Some(known))?,
            Column::Text(values) => put::<ByteArrayType>(&mut group, values, Some(known))?,
        }
    }
    group.close()?;
    writer.close().map(drop)
}

fn field(name: &str, physical: Physical, repetition: Repetition) -> Result<Arc<Type>, ParquetError> {
    let text = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
    builder.with_logical_type(text).build().map(Arc::new)
}

/// Counts as long as all are counts, numbers as long as all are numbers, else text: a column has one type.
fn column(steps: &[Step], name: &str) -> (Column, Vec<i16>) {
    let values: Vec<Option<&Measured>> = steps.iter().map(|step| step.named(name).filter(is_known)).collect();
    let known = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values = || values.iter().copied().flatten();
    let column = if let Some(counts) = values().map(count).collect() {
        Column::Whole(counts)
    } else if values().all(|value| value.number().is_finite()) {
        Column::Real(values().map(Measured::number).collect())
    } else {
        Column::Text(values().map(|value| ByteArray::from(value.to_text().as_str())).collect())
    };
    (column, known)
}

/// A number that is not finite stands for none, as in `metrics.jsonl`.
fn is_known(value: &&Measured) -> bool {
    match value {
        Measured::Nothing => false,
        Measured::Whole(_) => true,
        Measured::Real(value) => value.is_finite(),
        Measured::Other(value) => !value.is_null(),
    }
}

fn count(value: &Measured) -> Option<i64> {
    match value {
        Measured::Whole(count) => i64::try_from(*count).ok(),
        Measured::Other(value) => value.as_i64(),
        Measured::Nothing | Measured::Real(_) => None,
    }
}

/// The next column: its values, and which steps have one.
fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    known: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    column.typed::<T>().write_batch(values, known, None)?;
    column.close()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };
    use serde_json::json;

    use super::*;
    use crate::metrics::registry;

    #[test]
    fn every_metric_comes_back_with_its_gaps_and_its_type() {
        let mut first = Step::new(1).with(&registry::ACCURACY, 0.5).with(&registry::REWARD, f64::NAN);
        first.put("note", json!("a \u{2192} b").into(), |_| false);
        first.put("count", json!(3).into(), |_| false);
        let mut second = Step::new(2).with(&registry::REWARD, 0.25);
        second.put("note", json!(4.5).into(), |_| false);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.parquet");
        write(&[first, second], File::create(&path).unwrap()).unwrap();

        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let rows: Vec<Vec<(String, Field)>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| {
                row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect()
            })
            .collect();
        let of = |row: usize, name: &str| {
            rows[row].iter().find(|(found, _)| found == name).map(|(_, field)| field.clone()).unwrap()
        };
        assert_eq!(rows.len(), 2);
        assert_eq!((of(0, "step"), of(1, "step")), (Field::Long(1), Field::Long(2)));
        assert_eq!((of(0, "accuracy"), of(1, "accuracy")), (Field::Double(0.5), Field::Null));
        assert_eq!((of(0, "reward"), of(1, "reward")), (Field::Null, Field::Double(0.25)));
        assert_eq!((of(0, "count"), of(1, "count")), (Field::Long(3), Field::Null));
        assert_eq!(of(0, "note"), Field::Str("a \u{2192} b".into()));
        assert_eq!(of(1, "note"), Field::Str("4.5".into()));
    }

    #[test]
    fn a_run_without_steps_is_a_file_without_rows() {
        let mut written = Vec::new();
        write(&[], &mut written).unwrap();
        assert_eq!(&written[..4], b"PAR1");
    }
}
