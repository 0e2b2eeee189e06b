//! The results of a sweep, for writing tables of cells without building a curve.

use super::engine::Repeats;
use super::run::Ready;
use super::table_parts::Part;
use super::tables::{CellParts, TablesOf};
use super::{Observer, Sweep, Tables};
use crate::Error;
use crate::curve::{Bootstrap, Cell, Curve, Metric};
use std::fmt;
use std::path::Path;

/// The cells of a sweep, in a third of the memory that a [`Curve`](crate::curve::Curve) takes; returned by
/// [`Sweep::measure`].
pub struct Measurements<'a> {
    ready: Ready<'a>,
    found: Repeats,
}

impl Sweep {
    /// [`Sweep::run_with`] for tables alone: measures all cells without building a curve.
    ///
    /// # Errors
    /// Those of [`Sweep::run`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{curve::Metric, dataset::Dataset, sweep::Sweep};
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-measured-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0);
    /// let (cells, summary) = (dir.join("cells.csv"), dir.join("summary.csv"));
    /// let tables = sweep.measure(&())?.save_tables(&cells, &summary, &[Metric::TestMse], None)?;
    /// assert_eq!(tables.summaries[0], sweep.run()?.summaries(Metric::TestMse, None)?);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn measure(&self, observer: &dyn Observer) -> Result<Measurements<'_>, Error> {
        let ready = self.begin()?;
        let tables = ready.tables()?;
        let found = ready.measure(tables.as_ref(), 0..ready.count(), self.threads, observer)?;
        drop(tables);
        // If every cell failed, return the first cell's error.
        let places = || found.iter().flat_map(|(_, places)| places);
        let is_empty = places().flatten().all(|measured| measured.lines.is_empty());
        let reason = places().flatten().find_map(|measured| measured.failures.first());
        match reason {
            Some((_, error)) if is_empty && places().all(Option::is_some) => Err(error.clone()),
            _ => Ok(Measurements { ready, found }),
        }
    }
}

impl Measurements<'_> {
    /// Writes exactly the tables that [`Curve::save_cells`](crate::curve::Curve::save_cells) and
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries) would write, without ever holding the whole
    /// curve.
    ///
    /// # Errors
    /// Those of [`Curve::save_cells`](crate::curve::Curve::save_cells) and of
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries); [`Error::Memory`]; [`Error::Resource`] if the
    /// system cannot start threads.
    pub fn save_tables(
        self,
        cells: impl AsRef<Path>,
        summary: impl AsRef<Path>,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<Tables, Error> {
        let (cells, summary) = (cells.as_ref(), summary.as_ref());
        let Self { ready, found } = self;
        let outline = ready.outline();
        let (axis, extent) = (ready.axis_values(outline.axis), ready.extent(&found));
        let threads = ready.threads();
        let parts = MeasuredParts { parts: Part::all(found), ready };
        let tables = TablesOf { outline, axis, extent, threads, metrics, bootstrap, cells, summary };
        tables.save(&parts)
    }
}

/// The measured cells, in parts.
struct MeasuredParts<'a> {
    ready: Ready<'a>,
    parts: Vec<Part>,
}

impl CellParts for MeasuredParts<'_> {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn before(&self, part: usize) -> usize {
        self.parts[part].before()
    }

    fn unfold(&self, part: usize, rest: &mut Curve, mut each: impl FnMut(&Cell, bool)) -> Result<(), Error> {
        for (repeat, places) in self.parts[part].take() {
            for measured in places {
                self.ready.unfold(rest, repeat, measured, &mut each);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Measurements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurements").field("repeats", &self.found.len()).finish_non_exhaustive()
    }
}
