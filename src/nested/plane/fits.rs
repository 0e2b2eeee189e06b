//! Fits to a table, or to the features of a feature map.

use super::table::{APART, Table};
use super::{Plane, PlaneFit, Request};
use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::filter::penalty;
use crate::machine::memory::{self, table};
use crate::machine::order;
use crate::machine::threads::{both, for_one_problem};
use crate::nested::parts::part;
use crate::svd::StreamedQr;
use ndarray::{ArrayRef2, ArrayView2, s};

impl Plane {
    /// Computes the fits to features `x` (`N × P`) and targets `y` (`N × k`), one per cell, sorted by `n`, then `p`,
    /// ascending. Memory is O(N P) plus the coefficients.
    ///
    /// # Errors
    /// [`Error::Shape`] if the table is smaller than the lists require, if `x` and `y` differ in rows, or if a request
    /// names an output that does not exist; [`Error::Empty`] for no targets, no requests, or a request without outputs;
    /// [`Error::NonFinite`]; [`Error::Overflow`] if a coefficient or a training error does not fit into `f64`; those of
    /// the estimators, [`Error::UserCode`] if one panics or returns invalid gains; [`Error::Memory`],
    /// [`Error::Backend`].
    pub fn fits(
        &self,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (most_samples, most_features) = self.largest();
        if x.nrows() < most_samples {
            Error::check_len("rows of the features", most_samples, x.nrows())?;
        }
        if x.ncols() < most_features {
            Error::check_len("columns of the features", most_features, x.ncols())?;
        }
        Error::check_len("rows of the targets", x.nrows(), y.nrows())?;
        Error::check_finite("the features", x.view())?;
        self.measure(x.view(), None, y, requests)
    }

    /// Computes [`fits`](Self::fits) to the features of a map on `inputs` (`N × d`), and targets `y` (`N × k`).
    /// Features beyond the largest `n` are generated in blocks, go straight into the factorisation and are discarded.
    ///
    /// # Errors
    /// Those of [`Plane::fits`], and of the map.
    pub fn fits_of_map(
        &self,
        map: &dyn FeatureMap,
        inputs: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (most_samples, _) = self.largest();
        if inputs.nrows() < most_samples {
            Error::check_len("rows of the inputs", most_samples, inputs.nrows())?;
        }
        Error::check_len("rows of the targets", inputs.nrows(), y.nrows())?;
        // The narrowest design matrix that serves all cells with p ≤ n, and the first block of the others.
        let square = self.features.iter().copied().take_while(|&p| p <= most_samples).last();
        let kept = square.or(self.features.first().copied()).unwrap_or(0);
        self.reserve(y.ncols(), true, requests)?;
        let x = checked::design(map, inputs, kept)?;
        match self.measure(x.view(), Some((map, inputs)), y, requests) {
            // The blocks have no common unit, but separate groups of cells may have one.
            Err(Error::Overflow { what: APART }) => self.fits_of_design(map, inputs, y, requests),
            fits => fits,
        }
    }

    /// Computes the fits to the features of a map, generating all features first.
    fn fits_of_design(
        &self,
        map: &dyn FeatureMap,
        inputs: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (n, p) = self.largest();
        memory::reserve("the features of a plane", table(n, p))?;
        let x = checked::design(map, &inputs.slice(s![..n, ..]), p)?;
        self.measure(x.view(), None, &y.slice(s![..n, ..]), requests)
    }

    fn measure<'a>(
        &self,
        x: ArrayView2<'a, f64>,
        rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        if y.ncols() == 0 {
            return Err(Error::Empty { what: "the list of what is to be fitted" });
        }
        let outputs = asked_outputs(requests)?;
        if outputs > y.ncols() {
            Error::check_len("columns of the targets", outputs, y.ncols())?;
        }
        Error::check_finite("the targets", y.view())?;
        self.reserve(y.ncols(), rest.is_some(), requests)?;
        // Entries outside all cells must not affect the units.
        let (n, p) = self.largest();
        let (x, y) = (x.slice_move(s![..n, ..p.min(x.ncols())]), y.slice(s![..n, ..]));
        if let Some(at) = part((&self.samples, &self.features), x, y) {
            if let Some((map, inputs)) = rest {
                return self.fits_of_design(map, inputs, &y, requests);
            }
            let [first, second] = self.parted(at);
            let mut fits = first.measure(x, None, &y, requests)?;
            fits.extend(second.measure(x, None, &y, requests)?);
            order::sort(&mut fits, |a, b| (a.n, a.p).cmp(&(b.n, b.p)));
            return Ok(fits);
        }
        let table = Table::new(x, rest, &y);
        let columns = self.tall_columns();
        let feed = |qr: &mut StreamedQr, n: usize| {
            let from = qr.rows();
            qr.append(table.features(from..n, 0..columns)?.view(), table.y.slice(s![from..n, ..]));
            Ok(())
        };
        let tall = || self.tall(&table.units, requests, feed);
        let wide = |memory| self.wide(&table, requests, memory);
        let is_shared = for_one_problem() > 1;
        let (mut fits, others) = if is_shared && self.has_room_for_both(y.ncols(), rest.is_some(), requests) {
            let (tall, wide) = both(true, tall, || wide(Vec::new()));
            (tall?.0, wide?)
        } else {
            let (fits, memory) = tall()?;
            (fits, wide(memory)?)
        };
        fits.extend(others);
        order::sort(&mut fits, |a, b| (a.n, a.p).cmp(&(b.n, b.p)));
        Ok(fits)
    }
}

/// Checks the requests, and returns how many columns of targets they need.
pub(super) fn asked_outputs(requests: &[Request<'_>]) -> Result<usize, Error> {
    for request in requests {
        penalty(request.estimator)?;
        if request.outputs.is_empty() {
            return Err(Error::Empty { what: "the outputs of a request" });
        }
    }
    let last = requests.iter().map(|request| request.outputs.end).max();
    last.ok_or(Error::Empty { what: "the list of what is to be fitted" })
}
