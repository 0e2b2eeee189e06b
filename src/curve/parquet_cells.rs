//! Curves as Parquet: a typed column for each quantity, and nulls for what a cell does not have.

use super::cell_columns::{Column, Extent};
use super::{ArmLabel, Cell, Curve};
use crate::machine::memory::{list, reserve};
use crate::machine::whole_file::WholeFile;
use crate::{Error, error::words::shown};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Cells per row group: 27 MiB of cells, and their encoded pages, are in memory at once.
const GROUP: usize = 1 << 17;

impl Curve {
    /// Writes every cell as a row of a Parquet file, for polars, pandas, `DuckDB` and the like. The columns are those
    /// of [`save_cells`](Self::save_cells) without `rows_left`, which the footer of a Parquet file makes unnecessary.
    /// `repeat`, `n`, `p` and `rank` are 64-bit integers, and `arm` is a string. All others are 64-bit floats, kept to
    /// the bit, and null if a cell has no number. The file's metadata name the axis (`double_descent.axis`), the data,
    /// the sampling and the estimator.
    ///
    /// The file is written whole or not at all: [`whole_file`](crate::whole_file). Pages are compressed with Snappy.
    ///
    /// # Errors
    /// [`Error::Io`]; an existing file is then left unchanged. [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// # let path = std::env::temp_dir().join(format!("double-descent-cells-{}.parquet", std::process::id()));
    /// let curve = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0).run()?;
    /// curve.save_cells_parquet(&path)?; // pandas.read_parquet(path), or SELECT … FROM 'cells.parquet'
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn save_cells_parquet(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let mut extent = Extent::default();
        extent.add(&self.cells);
        let mut rows = CellColumns::begin(path, &extent, self)?;
        self.cells.iter().try_for_each(|cell| rows.push(cell))?;
        rows.finish()
    }
}

/// A Parquet table of cells being written, one row group after another.
pub(crate) struct CellColumns {
    writer: SerializedFileWriter<WholeFile>,
    path: std::path::PathBuf,
    columns: Vec<Column>,
    arms: Vec<(ByteArray, Option<f64>)>,
    /// The cells of the row group that is not full yet.
    cells: Vec<Cell>,
}

impl CellColumns {
    /// Begins a table of cells of this extent, with the arms and the provenance of `outline`.
    pub(crate) fn begin(path: &Path, extent: &Extent, outline: &Curve) -> Result<Self, Error> {
        let columns = extent.columns();
        let held = extent.count.min(GROUP);
        let pages = list::<f64>(held).saturating_mul(columns.len());
        reserve("a row group of cells", list::<Cell>(held).saturating_add(pages.saturating_mul(2)))?;
        let failed = |e: ParquetError| failed(path, &e);
        let fields = columns.iter().map(|&column| field(column).map(Arc::new)).collect::<Result<_, _>>();
        let schema = Type::group_type_builder("cells").with_fields(fields.map_err(failed)?).build();
        let from = &outline.provenance;
        let metadata = [
            ("axis", format!("{:?}", outline.axis)),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("data", from.data.clone()),
            ("sampling", from.sampling.clone()),
            ("estimator", from.estimator.clone()),
        ];
        let metadata = metadata.map(|(name, value)| KeyValue::new(format!("double_descent.{name}"), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(metadata.to_vec()))
            .build();
        let file = WholeFile::create(path)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema.map_err(failed)?), Arc::new(properties));
        let arm = |arm: &ArmLabel| (ByteArray::from(arm.name.as_str()), arm.setting);
        Ok(Self {
            writer: writer.map_err(failed)?,
            path: path.into(),
            columns,
            arms: outline.arms.iter().map(arm).collect(),
            cells: Vec::with_capacity(held),
        })
    }

    pub(crate) fn push(&mut self, cell: &Cell) -> Result<(), Error> {
        self.cells.push(*cell);
        if self.cells.len() == GROUP { self.flush() } else { Ok(()) }
    }

    /// Moves the file into place once all of it is on disk.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        if !self.cells.is_empty() {
            self.flush()?;
        }
        let file = self.writer.into_inner().map_err(|e| failed(&self.path, &e))?;
        file.finish()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut group = self.writer.next_row_group().map_err(|e| failed(&self.path, &e))?;
        let written = self
            .columns
            .iter()
            .try_for_each(|&column| write(&mut group, column, &self.cells, &self.arms))
            .and_then(|()| group.close().map(drop));
        self.cells.clear();
        written.map_err(|e| failed(&self.path, &e))
    }
}

fn failed(path: &Path, error: &ParquetError) -> Error {
    Error::io(path, &io::Error::other(shown(&error.to_string())))
}

fn field(column: Column) -> Result<Type, ParquetError> {
    let (physical, repetition, logical) = match column {
        Column::Repeat | Column::N | Column::P | Column::Rank => {
            (Physical::INT64, Repetition::REQUIRED, None)
        }
        Column::Arm => (Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String)),
        Column::Setting | Column::Of(_) | Column::Value => (Physical::DOUBLE, Repetition::OPTIONAL, None),
    };
    let field = Type::primitive_type_builder(column.name(), physical);
    field.with_repetition(repetition).with_logical_type(logical).build()
}

/// Writes one column of a row group.
fn write<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: Column,
    cells: &[Cell],
    arms: &[(ByteArray, Option<f64>)],
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("fewer columns than the schema has".into()));
    };
    let mut counts = |of: fn(&Cell) -> usize| {
        let count = |cell: &Cell| i64::try_from(of(cell)).map_err(|e| ParquetError::General(e.to_string()));
        let counts = cells.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        writer.typed::<Int64Type>().write_batch(&counts, None, None)
    };
    match column {
        Column::Repeat => counts(|cell| cell.repeat)?,
        Column::N => counts(|cell| cell.n)?,
        Column::P => counts(|cell| cell.p)?,
        Column::Rank => counts(|cell| cell.rank)?,
        Column::Arm => {
            let name =
                |cell: &Cell| arms.get(cell.arm).map_or_else(|| ByteArray::from(""), |arm| arm.0.clone());
            let names: Vec<ByteArray> = cells.iter().map(name).collect();
            writer.typed::<ByteArrayType>().write_batch(&names, None, None)?
        }
        Column::Setting | Column::Of(_) | Column::Value => {
            let number = |cell: &Cell| match column {
                Column::Setting => arms.get(cell.arm).and_then(|arm| arm.1),
                column => column.number(cell),
            };
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(number(cell).is_some())).collect();
            let numbers: Vec<f64> = cells.iter().filter_map(number).collect();
            writer.typed::<DoubleType>().write_batch(&numbers, Some(&levels), None)?
        }
    };
    writer.close()
}
