//! Original rows or columns, kept for weak ridge on features of very different sizes.
//!
//! Along a curve every vector is split by orthogonal projection, which is accurate to `ε` of its length. A smaller part
//! counts as rounding, and usually is. The exception is coordinates that differ so much in size that the small ones lie
//! below that bound altogether: features of 1e8 and of 1e-8. The minimum norm cuts such directions off anyway. Ridge
//! keeps each one that is not small compared to `√λ`. So while λ is that small, the vectors are kept, and points that
//! miss a direction, or whose triangle is close to singular, use an SVD of the whole matrix.

use super::excess;
use super::fit::{Fit, Noise, is_clear, negligible};
use super::graded::{self, Graded, transposed};
use super::held_out::HeldOut;
use super::penalty::Penalty;
use super::scale::{Unit, largest_exponent, scaled};
use crate::Error;
use crate::filter::{Response, Ridge, Spectrum};
use crate::risk::Compressed;
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// Coordinates that differ by less than this power of two count as equal in size.
const ONE_SIZE: i32 = 13;

/// Vectors and, if they are rows, their targets.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    lambda: f64,
    vectors: Vec<Vec<f64>>,
    /// Targets that go with the vectors; empty for columns.
    targets: Vec<Vec<f64>>,
    /// The exponent of the largest entry of each coordinate.
    exponents: Vec<Option<i32>>,
    /// Whether the triangle permanently misses a direction.
    is_missing: bool,
    /// Whether the last point was computed here.
    pub(super) has_last: bool,
}

/// What decides where a point is computed.
pub(super) struct Curve {
    pub(super) shape: (usize, usize),
    /// The norm of the longest vector.
    pub(super) longest: f64,
    /// Rows of the triangle.
    pub(super) rank: usize,
    /// Whether the last vector was found in the span of those before it.
    pub(super) was_inside: bool,
    /// Whether all directions are spanned.
    pub(super) is_complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// From the triangle.
    Nested,
    /// From the triangle, and so are all later points.
    Forget,
    /// From the vectors.
    Svd,
}

/// A fit by SVD, in the units of the curve.
pub(super) struct Direct {
    /// `z` holds `β̂` itself.
    pub(super) fit: Fit,
    pub(super) predictions: Vec<Vec<f64>>,
    pub(super) squares: Vec<f64>,
    /// The test error on a population.
    pub(super) excess: Option<f64>,
}

/// The units in which a curve wants its fit, and what it requests.
pub(super) struct Wanted<'a, 'b> {
    pub(super) held_out: &'a HeldOut<'b>,
    pub(super) features: Unit,
    pub(super) targets: &'a [Unit],
    pub(super) noise: Option<&'a Noise>,
    pub(super) smallest: bool,
}

impl Kept {
    pub(super) fn new(lambda: f64) -> Self {
        Self {
            lambda,
            vectors: Vec::new(),
            targets: Vec::new(),
            exponents: Vec::new(),
            is_missing: false,
            has_last: false,
        }
    }

    pub(super) fn push<'a>(&mut self, x: impl IntoIterator<Item = &'a f64>, y: Option<Vec<f64>>) {
        let x: Vec<f64> = x.into_iter().copied().collect();
        self.exponents.resize(x.len(), None);
        for (largest, x) in self.exponents.iter_mut().zip(&x) {
            *largest = (*largest).max(largest_exponent([x]));
        }
        self.vectors.push(x);
        self.targets.extend(y);
    }

    /// Decides how to compute a point, and whether a later one can need the vectors.
    pub(super) fn judge(&mut self, penalty: &mut Penalty, curve: &Curve) -> Verdict {
        self.has_last = false;
        if !self.is_missing {
            let (n, p) = curve.shape;
            let is_covered = penalty.covers(negligible(n, p) * curve.longest);
            let is_harmless = is_covered || !self.is_graded();
            let is_long = self.vectors.len() > 4 * self.exponents.len() + 64;
            if is_harmless && is_long {
                return Verdict::Forget; // sizes have settled
            }
            if is_harmless && !curve.is_complete {
                return Verdict::Nested;
            }
            if curve.was_inside && !curve.is_complete {
                self.is_missing = self.graded().basis.len() > curve.rank;
            }
            if !self.is_missing && (is_covered || is_clear(&mut penalty.triangle, n, p)) {
                return if curve.is_complete { Verdict::Forget } else { Verdict::Nested };
            }
            if !self.is_missing && is_harmless {
                return Verdict::Nested;
            }
        }
        self.has_last = true;
        Verdict::Svd
    }

    /// Whether coordinates are of very different sizes.
    fn is_graded(&self) -> bool {
        let sizes = || self.exponents.iter().flatten();
        sizes().max().zip(sizes().min()).is_some_and(|(most, least)| most - least > ONE_SIZE)
    }

    fn graded(&self) -> Graded {
        let matrix = self.matrix();
        Graded::new(matrix.view(), negligible(matrix.nrows(), matrix.ncols()))
    }

    /// Returns the vectors as rows.
    fn matrix(&self) -> Array2<f64> {
        let shape = (self.vectors.len(), self.exponents.len());
        Array2::from_shape_fn(shape, |(i, j)| self.vectors[i][j])
    }

    /// Fits rows with targets.
    pub(super) fn fit_rows(&mut self, wanted: &Wanted<'_, '_>) -> Result<Direct, Error> {
        let outputs = wanted.targets.len();
        let targets =
            |kept: &Self| Array2::from_shape_fn((kept.targets.len(), outputs), |(i, k)| kept.targets[i][k]);
        if self.vectors.len() > 2 * (self.exponents.len() + outputs) + 64 {
            let table = Compressed::new(&self.matrix(), &targets(self))?;
            let rows = |table: &Array2<f64>| table.rows().into_iter().map(|row| row.to_vec()).collect();
            (self.vectors, self.targets) = (rows(&table.features), rows(&table.targets));
        }
        let svd = self.graded().svd(self.exponents.len())?;
        self.fit(&svd, self.matrix().view(), targets(self).view(), wanted)
    }

    /// Fits columns, to targets in the caller's units.
    pub(super) fn fit_columns(
        &self,
        y: ArrayView2<'_, f64>,
        wanted: &Wanted<'_, '_>,
    ) -> Result<Direct, Error> {
        let svd = transposed(&self.graded().svd(self.exponents.len())?);
        self.fit(&svd, self.matrix().t(), y, wanted)
    }

    fn fit(
        &self,
        svd: &Svd,
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        wanted: &Wanted<'_, '_>,
    ) -> Result<Direct, Error> {
        let filter = Ridge::new(self.lambda)?;
        let spectrum = Spectrum::accurate(svd.spectrum().singular_values());
        let Response { gains, residuals } = Response::new(&filter, spectrum)?;
        let of_targets = graded::fits(svd, &x, &gains);
        let along = svd.u().t().dot(&y);
        let beta = of_targets.dot(&along);
        let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
        Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
        let left = along * &Array1::from(residuals).insert_axis(Axis(1));
        let outside = svd.outside(&x, &y);
        let mut direct = Direct {
            fit: Fit { rank: svd.rank(), ..Fit::default() },
            predictions: Vec::new(),
            squares: Vec::new(),
            excess: None,
        };
        if let Some(population) = wanted.held_out.population() {
            let response = Response::new(&filter, spectrum)?;
            direct.excess = excess::by_svd(svd, response, (x, y), population);
        }
        let width = wanted.held_out.features().unwrap_or(beta.nrows());
        for (k, unit) in wanted.targets.iter().enumerate() {
            let e = unit.exponent() - wanted.features.exponent();
            let z: Vec<f64> = beta.column(k).iter().map(|&b| scaled(b, -e)).collect();
            let mut padded = z.clone();
            padded.resize(width, 0.0);
            direct.predictions.push(wanted.held_out.image(&padded));
            let square = |v: &f64| scaled(*v, -unit.exponent()).powi(2);
            let squares = left.column(k).iter().map(square).sum::<f64>();
            direct.squares.push(squares + outside.column(k).iter().map(square).sum::<f64>());
            direct.fit.z.push(z);
        }
        if let Some(noise) = wanted.noise {
            let images = noise.root.slice(s![.., ..x.ncols()]).dot(&of_targets);
            let unit = wanted.features.exponent();
            direct.fit.noise = Some(images.iter().map(|&v| scaled(v, unit).powi(2)).sum());
        }
        if wanted.smallest {
            let unit = -wanted.features.exponent();
            direct.fit.smallest = svd.smallest_nonzero().map(|s| scaled(s, unit));
        }
        Ok(direct)
    }
}
