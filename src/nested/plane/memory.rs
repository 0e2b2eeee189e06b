//! Memory for the fits of a plane.

use super::Plane;
use super::cell::svd_bytes;
use super::lists::RUN;
use super::request::{Request, is_min_norm};
use super::weights::Weights;
use crate::Error;
use crate::machine::memory::{self, sum, table};

/// Returns how many columns of targets are fitted, and whether every cell uses an SVD.
pub(super) fn asked(requests: &[Request<'_>]) -> (usize, bool) {
    let fitted = requests.iter().map(|request| request.outputs.len()).fold(0, usize::saturating_add);
    (fitted, requests.iter().any(|request| !is_min_norm(request.estimator)))
}

/// The bytes that the parts of a plane take.
struct Parts {
    /// Shared by both factorisations.
    shared: usize,
    /// The factorisation that takes rows in, and its cells.
    tall: usize,
    /// The factorisation that takes columns in, and its cells.
    wide: usize,
    /// One cell, if its smallest singular value is requested or it uses an SVD.
    cell: usize,
}

impl Plane {
    /// Returns the bytes for the SVD of the largest cell, with the triangle and its copies. Minimum-norm cells may need
    /// one if their condition is in doubt; its memory is requested when such a cell is reached.
    #[must_use]
    pub fn bytes_of_svd(&self) -> usize {
        let (n, p) = self.largest();
        svd_bytes(n.min(p))
    }

    pub(super) fn reserve(
        &self,
        outputs: usize,
        from_map: bool,
        requests: &[Request<'_>],
    ) -> Result<(), Error> {
        let (fitted, by_svd) = asked(requests);
        memory::reserve("the fits of a plane", self.bytes(outputs, fitted, from_map, by_svd))
    }

    /// Returns the peak bytes, without the inputs, for `outputs` targets, of which the requests fit `fitted` in total.
    /// The flags say whether the features come from a map, and whether every cell uses an SVD.
    pub(crate) fn bytes(&self, outputs: usize, fitted: usize, from_map: bool, by_svd: bool) -> usize {
        let (n, _) = self.largest();
        self.bytes_of(outputs, (fitted, by_svd), from_map, (n, n))
    }

    /// Returns the peak bytes if at most a given number of rows go into the factorisation at once, and the targets of a
    /// given number of rows are held.
    pub(super) fn bytes_of(
        &self,
        outputs: usize,
        (fitted, by_svd): (usize, bool),
        from_map: bool,
        (at_once, held): (usize, usize),
    ) -> usize {
        let Parts { shared, tall, wide, cell } =
            self.parts(outputs, (fitted, by_svd), from_map, (at_once, held));
        sum([shared, tall.max(wide), cell])
    }

    /// Whether there is memory for both factorisations at the same time.
    pub(super) fn has_room_for_both(&self, outputs: usize, from_map: bool, requests: &[Request<'_>]) -> bool {
        let (n, _) = self.largest();
        let Parts { shared, tall, wide, cell } = self.parts(outputs, asked(requests), from_map, (n, n));
        let needed = sum([shared, tall, wide, cell, cell]);
        memory::reserve("both factorisations of a plane", needed).is_ok()
    }

    fn parts(
        &self,
        outputs: usize,
        (fitted, by_svd): (usize, bool),
        from_map: bool,
        (at_once, held): (usize, usize),
    ) -> Parts {
        let (n, p) = self.largest();
        let steps = |list: &[usize], most: usize| {
            let from = [0].into_iter().chain(list.iter().copied());
            list.iter()
                .zip(from)
                .take_while(|(to, _)| **to <= most)
                .map(|(to, from)| to - from)
                .max()
                .unwrap_or(0)
        };
        let (columns, rows) = (self.tall_columns(), self.wide_rows());
        let square = n.min(p);
        // The features that the map generates at once, and the part that is kept.
        let kept = if columns > 0 { columns } else { self.features.first().copied().unwrap_or(0) };
        let design = if from_map { table(n, kept) } else { 0 };
        let tall = [
            table(columns, columns.saturating_add(outputs)),
            table(steps(&self.samples, n).min(at_once), columns.saturating_add(outputs)).saturating_mul(2),
            table(self.features.iter().copied().fold(0, usize::saturating_add), outputs).saturating_mul(3),
        ];
        // The features that the map generates, with a run that begins among the kept ones.
        let features = if from_map { table(rows, p.saturating_sub(kept).saturating_add(RUN)) } else { 0 };
        // Narrow steps are taken on a copy of the triangle.
        let runs = self.runs();
        let copy = if runs.iter().any(|run| run.len() > 1) { table(rows, rows) } else { 0 };
        let weights = Weights::bytes(
            self.samples.iter().copied().filter(|&n| n < p),
            self.features.len().saturating_mul(fitted),
            (runs.len(), steps(&self.features, p)),
        );
        let solved =
            table(self.samples.iter().copied().fold(0, usize::saturating_add), outputs).saturating_mul(3);
        let wide = [
            table(columns.max(rows), columns.max(rows)),
            copy,
            features,
            table(steps(&self.features, p), rows),
            weights,
            solved,
            table(p, fitted),
        ];
        // For one cell.
        let triangle = if self.smallest { table(square, square) } else { 0 };
        let svd = if by_svd { svd_bytes(square) } else { 0 };
        let coefficients = self.features.iter().map(|&p| table(p, fitted)).fold(0, usize::saturating_add);
        let coefficients = coefficients.saturating_mul(self.samples.len());
        Parts {
            shared: sum([design, table(held, outputs), coefficients]),
            tall: sum(tall),
            wide: if rows > 0 { sum(wide) } else { 0 },
            cell: sum([triangle, svd]),
        }
    }
}
