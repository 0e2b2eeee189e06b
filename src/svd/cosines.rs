//! What a device may do beside factorising: make cosine features where it is, and measure fits on them there.

use crate::Error;
use ndarray::ArrayView2;

/// The tables of fits on the cosine features `a cos(w_k·x + b_k)`, `k = 1, …, P`.
#[derive(Clone, Copy, Debug)]
pub struct CosineTables<'a> {
    /// Frequencies `W`, `P × d`.
    pub frequencies: ArrayView2<'a, f64>,
    /// Phases `b`, `P`.
    pub phases: &'a [f64],
    /// The amplitude `a`.
    pub amplitude: f64,
    /// Training inputs, `n × d`.
    pub x: ArrayView2<'a, f64>,
    /// Training targets, `n × k`.
    pub y: ArrayView2<'a, f64>,
    /// Test inputs, `m × d`.
    pub x_test: ArrayView2<'a, f64>,
    /// Test targets, `m × k`.
    pub y_test: ArrayView2<'a, f64>,
    /// How many fits are measured at once: what decides on memory.
    pub fits: usize,
}

impl CosineTables<'_> {
    /// Whether the tables fit together.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`]; [`Error::Domain`] of the amplitude.
    pub fn check(&self) -> Result<(), Error> {
        let (n, d) = self.x.dim();
        let named = [
            ("the frequencies", self.frequencies),
            ("the training inputs", self.x),
            ("the training targets", self.y),
            ("the test inputs", self.x_test),
            ("the test targets", self.y_test),
        ];
        for (what, table) in named {
            if table.is_empty() {
                return Err(Error::Empty { what });
            }
            Error::check_finite(what, table)?;
        }
        Error::check_len("phases", self.frequencies.nrows(), self.phases.len())?;
        Error::check_finite(
            "the list of phases",
            ndarray::aview1(self.phases).insert_axis(ndarray::Axis(0)),
        )?;
        Error::check_len("columns of the frequencies", d, self.frequencies.ncols())?;
        Error::check_len("rows of the training targets", n, self.y.nrows())?;
        Error::check_len("columns of the test inputs", d, self.x_test.ncols())?;
        Error::check_len("rows of the test targets", self.x_test.nrows(), self.y_test.nrows())?;
        Error::check_len("columns of the test targets", self.y.ncols(), self.y_test.ncols())?;
        if !(self.amplitude > 0.0 && self.amplitude.is_finite()) {
            let must_be = "finite and > 0";
            return Err(Error::Domain { what: "the amplitude", value: self.amplitude, must_be });
        }
        Ok(())
    }
}

/// A device that makes cosine features itself. They never leave it: what comes back are singular values, and a few
/// numbers of each fit.
///
/// It computes what it is asked for, one matrix at a time; which fits make a curve, and what a cell is, only
/// [`sweep`](crate::sweep) knows.
pub trait CosineDevice: Sync {
    /// Sends the tables and makes all features of all rows.
    ///
    /// # Errors
    /// Those of [`CosineTables::check`]; [`Error::DeviceMemory`], before anything is sent, if the features with the fits
    /// on all of them do not fit; [`Error::Overflow`] of a phase; [`Error::Device`].
    fn begin<'a>(&'a self, tables: &CosineTables<'_>) -> Result<Box<dyn CosineFits + 'a>, Error>;
}

/// Tables and features on a device.
pub trait CosineFits {
    /// Factorises the training rows' first `p` features and keeps that: all `min(n, p)` singular values, descending.
    ///
    /// The factorisation is checked as every other: to `30 max(n, p) ε`, as described in [`svd`](crate::svd).
    ///
    /// # Errors
    /// [`Error::Shape`] for more features than there are, [`Error::Empty`] for none; [`Error::Backend`] where no
    /// factorisation passes its check; [`Error::DeviceMemory`], [`Error::Device`].
    fn factorise(&mut self, p: usize) -> Result<Vec<f64>, Error>;

    /// The fits `β̂ = V diag(g) Uᵀ Y` of the last factorisation, for some lists of gains `g`, one gain for each singular
    /// value. A number that does not fit into `f64` is infinite or NaN.
    ///
    /// # Errors
    /// [`Error::Shape`] for a list of another length, [`Error::Empty`] before any factorisation;
    /// [`Error::DeviceMemory`], [`Error::Device`].
    fn measure(&self, gains: &[Vec<f64>]) -> Result<Vec<CosineFit>, Error>;
}

/// One fit, for each of the `k` outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineFit {
    /// `‖β̂‖`.
    pub norms: Vec<f64>,
    /// `‖Z β̂ − y‖²/n`.
    pub train_mse: Vec<f64>,
    /// `‖Z_test β̂ − y_test‖²/m`.
    pub test_mse: Vec<f64>,
}
