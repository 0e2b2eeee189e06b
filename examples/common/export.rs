//! Tables in other formats, if the program was built with them.

#[cfg(not(feature = "parquet"))]
use super::flags::{Flag, Flags};
#[cfg(feature = "parquet")]
use super::{flags::flags, say};
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::sweep::Sweep;
use std::path::{Path, PathBuf};

#[cfg(feature = "parquet")]
flags! {
    /// Flags for additional table formats.
    pub struct ExportArgs {
        /// Also write the cells in Parquet format, to cells.parquet next to cells.csv
        parquet: bool = false, "";
    }
}

#[cfg(feature = "parquet")]
impl ExportArgs {
    pub fn save(&self, curve: &Curve, folder: &Path, prefix: &str) -> Result<(), Error> {
        if self.parquet {
            curve.save_cells_parquet(folder.join(format!("{prefix}cells.parquet")))?;
        }
        Ok(())
    }

    /// As [`save`](Self::save), for the records of shards, without loading all cells at once.
    pub fn merge(&self, sweep: &Sweep, records: &[PathBuf], folder: &Path) -> Result<(), Error> {
        if self.parquet {
            let path = folder.join("cells.parquet");
            let cells = sweep.merge_parquet(records, &path)?;
            say!("written: {}: {cells} cells", path.display());
        }
        Ok(())
    }
}

/// Without the feature there is nothing else to write.
#[cfg(not(feature = "parquet"))]
#[derive(Debug, Default)]
pub struct ExportArgs {}

#[cfg(not(feature = "parquet"))]
impl Flags for ExportArgs {
    const ABOUT: &'static [&'static str] = &[];

    fn declare<'a>(&'a mut self, _: &mut Vec<Flag<'a>>) {}
}

#[cfg(not(feature = "parquet"))]
#[allow(clippy::unnecessary_wraps, clippy::unused_self)] // as the other one
impl ExportArgs {
    pub fn save(&self, _: &Curve, _: &Path, _: &str) -> Result<(), Error> {
        Ok(())
    }

    pub fn merge(&self, _: &Sweep, _: &[PathBuf], _: &Path) -> Result<(), Error> {
        Ok(())
    }
}
