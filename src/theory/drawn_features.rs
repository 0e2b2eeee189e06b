//! Random features of a kernel on given training and test rows: expected errors over draws of the features.
//!
//! `p` features with random weights have `φ(x)·φ(x')/p → k(x, x')`. The formulas use only this covariance of the
//! features, as if they were Gaussian, and only the kernel's values on the data: the spectrum of the population need
//! not be known or estimated. Let `K` be the kernel matrix of the training rows (`n × n`, eigenvalues `w`), `c` the
//! kernel's values between a test row and the training rows, `δ` the ridge (penalty `pδ` added to the sum of squares),
//! and `G = (K + δ̃)⁻¹`. Then
//! ```text
//! δ = δ̃ (1 − Σ w/(w + δ̃) / p)                     the effective ridge δ̃; δ = 0: 0 for p ≥ rank K
//! mean of predictions    c G y                      kernel ridge with δ̃
//! their variance         (k(x, x) − 2 c G c + c G K G c) · y G K G y / (p − Σ (w/(w + δ̃))²)
//! training error         (δ̃ y G y − δ p/(p − Σ (w/(w + δ̃))²) y G K G y) / n
//! ```
//! Without a ridge and for `p > rank K`, mean and variance are exact for Gaussian features at every size, with
//! `p − rank K − 1` in place of the denominator of the variance. Otherwise they deviate by `O(1/p)`. Non-Gaussian
//! features of low-dimensional inputs have a larger variance near the threshold.
//!
//! # References
//! Jacot, Şimşek, Spadaro, Hongler and Gabriel, *Implicit regularization of random feature models*, arXiv:2002.08404,
//! for the mean and the effective ridge. The variance follows from the deterministic equivalents of
//! [`super::filtered`], with features in place of samples, and from the mean of the inverse Wishart distribution;
//! derived and checked for this crate.

use super::check;
use super::line::TheoryLine;
use super::spectrum::PopulationSpectrum;
use crate::Error;
use crate::kernel::{Kernel, decomposed, gram};
use crate::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::svd::{Backend, DivideAndConquer, product, row_major_product};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};
use std::sync::Arc;

/// The kernel on training and test rows, factorised once to give the error of random features at any width and ridge.
///
/// # Examples
/// ```
/// use double_descent::features::StationaryKernel;
/// use double_descent::theory::drawn_features::DrawnFeatures;
/// use ndarray::Array2;
///
/// let wave = |x: &Array2<f64>| x.mapv(|x| (6.0 * x).sin());
/// let x = Array2::from_shape_fn((20, 1), |(i, _)| i as f64 / 20.0);
/// let y = wave(&x) + Array2::from_shape_fn((20, 1), |(i, _)| 0.1 * ((i * i) as f64).cos());
/// let test = Array2::from_shape_fn((50, 1), |(i, _)| 0.9 * i as f64 / 50.0);
/// let kernel = StationaryKernel::Laplacian { gamma: 2.0 };
/// let theory = DrawnFeatures::new(&kernel, (&x, &y), (&test, &wave(&test)))?;
/// // The expected error is infinite next to p = n. For p ≫ n it is the error of the kernel fit.
/// let error = |p: f64| Ok::<_, double_descent::Error>(theory.at(p, 0.0)?.total());
/// assert!(error(21.0)? > error(5.0)? && error(25.0)? > error(200.0)?);
/// let wide = theory.at(1e9, 0.0)?;
/// assert!(wide.spread < 1e-6 * wide.mean);
/// // An ensemble of 5 fits has a smaller error.
/// assert!(theory.at(25.0, 0.0)?.of_members(Some(5))? < error(25.0)?);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DrawnFeatures {
    /// The non-zero eigenvalues `w`.
    spectrum: PopulationSpectrum,
    eigenvalues: Array1<f64>,
    /// `Uᵀ y`, one row per non-zero eigenvalue.
    targets: Array2<f64>,
    /// The mean of `(Uᵀ y)²` over outputs, per eigenvalue.
    energies: Array1<f64>,
    /// The energy of the targets outside the span of these eigenvectors, as a mean over outputs.
    rest: f64,
    /// The mean over test rows of `(c·u)²`.
    seen: Array1<f64>,
    /// The mean over test rows of `k(x, x)`.
    level: f64,
    /// The test rows `c U`, with their targets.
    test: Compressed,
    /// The test error of kernel regression without a ridge.
    ridgeless: f64,
    samples: f64,
}

/// Expected mean squared errors over draws of the features, averaged over outputs, from [`DrawnFeatures::at`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DrawnRisk {
    /// The effective ridge `δ̃`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub ridge: f64,
    /// The test error of the mean prediction over infinitely many fits.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub mean: f64,
    /// The variance of the predictions, which a single fit adds to `mean`; infinite at the threshold without a ridge.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub spread: f64,
    /// The expected training error of a single fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train: f64,
}

impl DrawnRisk {
    /// Returns the expected test error of a single fit.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.mean + self.spread
    }

    /// Returns the expected test error of the mean of `members` fits on independent features; `None` for infinitely
    /// many.
    ///
    /// # Errors
    /// [`Error::Domain`] without members.
    pub fn of_members(&self, members: Option<usize>) -> Result<f64, Error> {
        check::members(members)?;
        Ok(check::of_members(self.total(), self.mean, members))
    }
}

impl DrawnFeatures {
    /// Factorises the kernel matrix, once, in `O(n³ + m n²)`.
    ///
    /// Takes inputs (`n × d`) with targets (`n × q`), and test inputs (`m × d`) with their targets (`m × q`).
    /// Eigenvalues up to `n ε w₁` are rounding errors and count as 0.
    ///
    /// # Errors
    /// The errors of [`Kernel::gram`], [`Svd::new`](crate::svd::Svd::new) and [`Compressed::new`]; [`Error::Domain`] for
    /// a kernel matrix that is not symmetric and positive semidefinite up to rounding; [`Error::Shape`],
    /// [`Error::NonFinite`] and [`Error::Empty`] for invalid inputs and targets; [`Error::Empty`] for a kernel matrix of
    /// zeros; [`Error::UserCode`] for a kernel that panics or gives an invalid matrix; [`Error::Memory`].
    pub fn new(
        kernel: &dyn Kernel,
        (inputs, targets): (&ArrayRef2<f64>, &ArrayRef2<f64>),
        (test_inputs, test_targets): (&ArrayRef2<f64>, &ArrayRef2<f64>),
    ) -> Result<Self, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        Error::check_len("rows of the test targets", test_inputs.nrows(), test_targets.nrows())?;
        Error::check_len("columns of the test targets", targets.ncols(), test_targets.ncols())?;
        if targets.is_empty() || test_targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        let (n, m) = (inputs.nrows(), test_inputs.nrows());
        let needed = [
            table(n, n),
            DivideAndConquer.bytes((n, n)),
            table(m, n).saturating_mul(2),
            table(n, targets.ncols()),
        ];
        reserve("a kernel matrix and its test rows", sum(needed))?;
        let svd = decomposed(kernel, inputs)?;
        let rank = svd.rank();
        if rank == 0 {
            return Err(Error::Empty { what: "spectrum of the kernel matrix without its zeros" });
        }
        let basis = svd.u().slice(s![.., ..rank]);
        let eigenvalues = svd.singular_values().slice(s![..rank]).to_owned();
        let outputs = targets.ncols() as f64;
        let own = product(basis.t(), targets.view());
        let energies = own.mapv(|v| v * v).sum_axis(Axis(1)) / outputs;
        let all = targets.iter().map(|v| v * v).sum::<f64>() / outputs;
        let rest = if rank == n { 0.0 } else { (all - energies.sum()).max(0.0) };
        // Compressed before the product: its rows are then those of a triangle.
        let mut test = Compressed::new(&gram(kernel, test_inputs, inputs)?, test_targets)?;
        test.features = row_major_product(test.features.view(), basis);
        let mut level = 0.0;
        for row in 0..m {
            let one = test_inputs.slice(s![row..=row, ..]);
            level += gram(kernel, &one, &one)?[[0, 0]] / m as f64;
        }
        let mut all = Self {
            spectrum: PopulationSpectrum::new(&eigenvalues.to_vec())?,
            eigenvalues,
            targets: own,
            energies,
            rest,
            seen: test.features.mapv(|v| v * v).sum_axis(Axis(0)) / m as f64,
            level,
            test,
            ridgeless: 0.0,
            samples: n as f64,
        };
        all.ridgeless = all.of_mean(&all.eigenvalues.mapv(f64::recip))?;
        Ok(all)
    }

    /// Returns the test error of the fit with the given values of `1/(w + δ̃)`.
    fn of_mean(&self, inverse: &Array1<f64>) -> Result<f64, Error> {
        let errors = self.test.mean_squared_error(&(&self.targets * &inverse.view().insert_axis(Axis(1))))?;
        Ok(errors.sum() / errors.len() as f64)
    }

    /// Returns the rank of the kernel matrix, where fits without a ridge have their peak.
    ///
    /// It is `n`, unless the kernel does not distinguish some rows.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.eigenvalues.len()
    }

    /// Returns the errors of fits to `p` features with ridge `δ ≥ 0`, in units of the kernel.
    ///
    /// The penalty `pδ` is added to the sum of squares. Without a ridge, infinite at `p = rank K` and `p = rank K + 1`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `p` that is not positive and finite, or a ridge that is negative or not finite;
    /// [`Error::Overflow`] if a test error does not fit into `f64`.
    pub fn at(&self, p: f64, ridge: f64) -> Result<DrawnRisk, Error> {
        check::positive("features", p)?;
        check::non_negative("ridge", ridge)?;
        let rank = self.spectrum.rank();
        let gap = |scale: f64| {
            let x = p * (ridge / scale);
            (x, x)
        };
        let high = (2.0 * ridge.max(self.spectrum.trace() / p)).min(f64::MAX);
        let effective = self.spectrum.kappa([0.0, p, p - rank], [ridge, high], gap, None);
        let inverse = self.eigenvalues.mapv(|w| (w + effective).recip());
        let mean = if effective > 0.0 { self.of_mean(&inverse)? } else { self.ridgeless };
        let squares = (&inverse * &inverse) * &self.eigenvalues;
        // 1/(p − Σ s²), from sums of positive terms.
        let per_feature = if effective > 0.0 {
            (p * (ridge / effective) + squares.sum() * effective).recip()
        } else {
            let free = p - rank - 1.0;
            if free > 0.0 { free.recip() } else { f64::INFINITY }
        };
        let fitted = self.energies.dot(&squares);
        let left = self.level - self.seen.dot(&(&inverse * 2.0 - &squares));
        let spread = left.max(0.0) * fitted;
        let train = if effective > 0.0 {
            let bare = self.energies.dot(&inverse) * effective + self.rest;
            // Fits that interpolate have training error 0, up to rounding.
            (bare - ridge * (p * per_feature) * fitted).max(0.0)
        } else {
            self.rest
        };
        Ok(DrawnRisk {
            ridge: effective,
            mean,
            spread: if spread == 0.0 { 0.0 } else { spread * per_feature },
            train: train / self.samples,
        })
    }

    /// Returns the error over the number of features, as a line of a figure.
    ///
    /// It is the mean over `draws` of training sets, for ensembles of `members` fits (`None` for infinitely many),
    /// minus `noise`, the variance of label noise in the test targets. Without draws, every value is [`Error::Empty`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::StationaryKernel;
    /// use double_descent::theory::drawn_features::DrawnFeatures;
    /// use double_descent::theory::Theory;
    /// use ndarray::array;
    ///
    /// let (x, y) = (array![[0.0], [1.0], [2.0]], array![[1.0], [0.0], [1.0]]);
    /// let theory = DrawnFeatures::new(&StationaryKernel::Laplacian { gamma: 1.0 }, (&x, &y), (&array![[0.5]], &array![[0.4]]))?;
    /// let line = DrawnFeatures::line(vec![theory], Some(1), 0.0, 0.0);
    /// assert!(line.at(3.0)?.is_infinite() && line.at(10.0)? > line.at(1000.0)?);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn line(draws: Vec<Self>, members: Option<usize>, ridge: f64, noise: f64) -> TheoryLine {
        let draws = Arc::new(draws);
        let label = match members {
            Some(1) => "Mean over features".to_owned(),
            Some(count) => format!("Mean over features, K = {count}"),
            None => "Mean over features, K\u{a0}=\u{a0}∞".to_owned(),
        };
        TheoryLine::new(label, "Jacot et al. 2020", move |p| {
            if draws.is_empty() {
                return Err(Error::Empty { what: "the list of draws" });
            }
            let errors = draws.iter().map(|draw| draw.at(p, ridge)?.of_members(members));
            let total = errors.sum::<Result<f64, Error>>()?;
            Ok(total / draws.len() as f64 - noise)
        })
    }
}
