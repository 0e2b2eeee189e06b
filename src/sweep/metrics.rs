//! The metrics of one fit.

use crate::Error;
use crate::curve::Metric;
use crate::machine::spread::norm;

/// Means over rows, and over outputs once all outputs are added.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    pub(super) train: f64,
    pub(super) test: f64,
    pub(super) opposite: f64,
    pub(super) bias_squared: f64,
    pub(super) mean_squared_bias: f64,
    /// Over all outputs together.
    pub(super) norm: f64,
    pub(super) error_rate: Option<f64>,
    pub(super) train_error_rate: Option<f64>,
    pub(super) of_fit: OfFit,
}

impl Metrics {
    pub(super) fn add(&mut self, other: &Self, outputs: usize) {
        let k = outputs as f64;
        self.train += other.train / k;
        self.test += other.test / k;
        self.opposite += other.opposite / k;
        self.bias_squared += other.bias_squared / k;
        self.mean_squared_bias += other.mean_squared_bias / k;
        self.norm = if self.norm == 0.0 { other.norm } else { norm(&[self.norm, other.norm]) };
    }

    pub(super) fn finite(self) -> Result<Self, Error> {
        // None of them is negative, so infinities cannot cancel.
        let all =
            self.train + self.test + self.opposite + self.bias_squared + self.mean_squared_bias + self.norm;
        if all.is_finite() {
            return Ok(self);
        }
        let named = [
            ("the training error", self.train),
            ("the test error", self.test + self.opposite),
            ("the bias", self.bias_squared + self.mean_squared_bias),
            ("the norm of the coefficients", self.norm),
        ];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some((what, _)) => Err(Error::Overflow { what }),
            None => Ok(self),
        }
    }
}

/// The requested metrics from the singular values, the training rows and the lengths of the test rows.
pub(super) type OfFit = Box<[(Metric, f64)]>;
