//! Exact second moments of the features.

use super::{Form, PairOrder, RandomFourier};
use crate::Error;
use crate::machine::memory::zeros;
use ndarray::Array2;

impl RandomFourier {
    /// The exact second moments `Σ = E φ(x) φ(x)ᵀ` (`p × p`, not centred) of all features for standard normal inputs.
    /// With each column written as `a cos(w·x + β)`, where `β = −π/2` gives a sine,
    /// ```text
    /// Σ_jk = a²/2 [e^{−‖w_j − w_k‖²/2} cos(β_j − β_k) + e^{−‖w_j + w_k‖²/2} cos(β_j + β_k)]
    /// ```
    ///
    /// # Errors
    /// [`Error::Memory`] if the matrix does not fit into memory; [`Error::Overflow`] if an entry overflows `f64`, as
    /// the square of a very large amplitude does.
    pub fn gaussian_covariance(&self) -> Result<Array2<f64>, Error> {
        let p = self.outputs();
        let mut sigma = zeros("the covariance", p, p)?;
        for j in 0..p {
            for k in 0..=j {
                sigma[[j, k]] = self.moment(j, k);
                sigma[[k, j]] = sigma[[j, k]];
            }
        }
        Error::check_finite("the covariance", sigma.view())
            .map_err(|_| Error::Overflow { what: "a moment of the random Fourier features" })?;
        Ok(sigma)
    }

    fn moment(&self, j: usize, k: usize) -> f64 {
        let (frequencies, (j, cos_j, sin_j), (k, cos_k, sin_k)) =
            (self.frequencies(), self.column(j), self.column(k));
        let pairs = || frequencies.row(j).into_iter().zip(frequencies.row(k));
        let apart: f64 = pairs().map(|(u, v)| (u - v) * (u - v)).sum();
        let together: f64 = pairs().map(|(u, v)| (u + v) * (u + v)).sum();
        let (even, odd) = (cos_j * cos_k, sin_j * sin_k);
        let sum = (-0.5 * apart).exp() * (even + odd) + (-0.5 * together).exp() * (even - odd);
        0.5 * self.amplitude * self.amplitude * sum
    }

    /// The frequency of a column, with the cosine and sine of its `β`.
    fn column(&self, column: usize) -> (usize, f64, f64) {
        let count = self.frequencies.count();
        let pair = |frequency, is_sine| if is_sine { (frequency, 0.0, -1.0) } else { (frequency, 1.0, 0.0) };
        match self.form {
            Form::Cosines => {
                let (sin, cos) = self.phases()[column].sin_cos();
                (column, cos, sin)
            }
            Form::Pairs(PairOrder::Interleaved) => pair(column / 2, column % 2 == 1),
            Form::Pairs(PairOrder::Blocks) => pair(column % count, column >= count),
        }
    }
}
