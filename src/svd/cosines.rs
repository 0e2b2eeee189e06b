//! What a device may do besides factorising: compute cosine features in place, and measure fits on them there.

use crate::Error;
use ndarray::ArrayView2;

/// The inputs, targets and frequencies for fits on the cosine features `a cos(w_k·x + b_k)`, `k = 1, …, P`.
#[derive(Clone, Copy, Debug)]
pub struct CosineTables<'a> {
    /// Frequencies `W`, `P × d`.
    pub frequencies: ArrayView2<'a, f64>,
    /// Phases `b`, `P`.
    pub phases: &'a [f64],
    /// The amplitude `a`, finite and > 0.
    pub amplitude: f64,
    /// Training inputs, `n × d`.
    pub x: ArrayView2<'a, f64>,
    /// Training targets, `n × k`.
    pub y: ArrayView2<'a, f64>,
    /// Test inputs, `m × d`.
    pub x_test: ArrayView2<'a, f64>,
    /// Test targets, `m × k`.
    pub y_test: ArrayView2<'a, f64>,
    /// How many fits are measured at once; this determines the memory.
    pub fits: usize,
}

impl CosineTables<'_> {
    /// Checks that the tables fit together.
    ///
    /// # Errors
    /// [`Error::Empty`] for a table without entries; [`Error::NonFinite`] for NaN or an infinity in a table or phase;
    /// [`Error::Shape`] if two tables do not match; [`Error::Domain`] unless the amplitude is finite and > 0.
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

/// A device that computes cosine features itself. They never leave it: it returns singular values, and a few numbers
/// per fit.
///
/// It factorises one matrix at a time, as asked; only [`sweep`](crate::sweep) knows which fits make a curve, and what a
/// cell is.
pub trait CosineDevice: Sync {
    /// Sends the tables and computes all features of all rows.
    ///
    /// # Errors
    /// Those of [`CosineTables::check`]; [`Error::DeviceMemory`], before anything is sent, if the features and the fits
    /// on all of them do not fit into memory; [`Error::Overflow`] if a phase `w_k·x + b_k` does not fit into `f64`;
    /// [`Error::Device`] if the device fails.
    fn begin<'a>(&'a self, tables: &CosineTables<'_>) -> Result<Box<dyn CosineFits + 'a>, Error>;
}

/// Tables and features on a device, made by [`CosineDevice::begin`].
pub trait CosineFits {
    /// Factorises the training rows' first `p` features, keeps the result, and returns all `min(n, p)` singular values,
    /// descending.
    ///
    /// The factorisation is checked like every other: to `30 max(n, p) ε`, as described in [`svd`](crate::svd).
    ///
    /// # Errors
    /// [`Error::Shape`] for more features than there are, [`Error::Empty`] for none; [`Error::Backend`] if no
    /// factorisation passes its check; [`Error::Overflow`] if a singular value does not fit into `f64`;
    /// [`Error::DeviceMemory`] if the work does not fit into the device's memory; [`Error::Device`] if the device
    /// fails.
    fn factorise(&mut self, p: usize) -> Result<Vec<f64>, Error>;

    /// Measures the fits `β̂ = V diag(g) Uᵀ Y` of the last factorisation, for several lists of gains `g` with one gain
    /// per singular value. Returns one measure per list, in order. A number that does not fit into `f64` is infinite or
    /// NaN.
    ///
    /// # Errors
    /// [`Error::Shape`] for a list of the wrong length, [`Error::Empty`] before any factorisation;
    /// [`Error::DeviceMemory`] and [`Error::Device`], as [`factorise`](Self::factorise).
    fn measure(&self, gains: &[Vec<f64>]) -> Result<Vec<CosineFit>, Error>;
}

/// Measures of one fit `β̂` on the features `Z`, for each of the `k` outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineFit {
    /// `‖β̂‖`.
    pub norms: Vec<f64>,
    /// `‖Z β̂ − y‖²/n`.
    pub train_mse: Vec<f64>,
    /// `‖Z_test β̂ − y_test‖²/m`.
    pub test_mse: Vec<f64>,
}
