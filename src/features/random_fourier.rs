//! Cosines of random frequencies and phases.

use super::{FeatureMap, checked_zeros};
use crate::Error;
use ndarray::{Array2, ArrayRef2};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Random Fourier features: `φ_k(x) = √2 cos(w_k·x + b_k)`, `w_k ~ N(0, g² I_d)`, `b_k` uniform on `[0, 2π)`.
///
/// `φ(x)·φ(x') / p` tends to the Gaussian kernel `exp(−g² ‖x − x'‖² / 2)` as `p` grows. Frequencies and phases are
/// drawn feature by feature: the first `p` do not depend on how many follow.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, RandomFourier};
/// use double_descent::rng::stream;
/// use ndarray::array;
///
/// let map = RandomFourier::new(2, 5000, 0.5, &mut stream(0, 0, 0))?;
/// let z = map.design(&array![[1.0, 0.0], [0.0, 0.5]], 5000)?;
/// let kernel = z.row(0).dot(&z.row(1)) / 5000.0;
/// assert!((kernel - (-0.125_f64 * 1.25).exp()).abs() < 0.05);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007.
#[derive(Clone, Debug)]
pub struct RandomFourier {
    /// `P × d`.
    frequencies: Array2<f64>,
    phases: Vec<f64>,
    gain: f64,
}

impl RandomFourier {
    /// Draws `features` (`P`, the largest `p`) frequencies of `inputs` (`d`) dimensions with standard deviation
    /// `gain` (`g`).
    ///
    /// # Errors
    /// [`Error::Empty`] for no inputs or features, [`Error::Domain`] unless the gain is finite and > 0,
    /// [`Error::Resource`] if the frequencies do not fit into memory.
    pub fn new(inputs: usize, features: usize, gain: f64, rng: &mut impl Rng) -> Result<Self, Error> {
        if inputs == 0 || features == 0 {
            return Err(Error::Empty { what: "the list of frequencies" });
        }
        if !(gain > 0.0 && gain.is_finite()) {
            return Err(Error::Domain { what: "the gain", value: gain, must_be: "finite and > 0" });
        }
        let mut frequencies = super::zeros("the frequencies", features, inputs)?;
        let mut phases = Vec::with_capacity(features);
        for mut w in frequencies.rows_mut() {
            w.iter_mut().for_each(|w| *w = gain * rng.sample::<f64, _>(StandardNormal));
            phases.push(2.0 * std::f64::consts::PI * rng.random::<f64>());
        }
        Ok(Self { frequencies, phases, gain })
    }

    /// The second moments of all features at standard normal inputs, exactly:
    /// ```text
    /// Σ_jk = e^{−‖w_j − w_k‖²/2} cos(b_j − b_k) + e^{−‖w_j + w_k‖²/2} cos(b_j + b_k)
    /// ```
    #[must_use]
    pub fn gaussian_covariance(&self) -> Array2<f64> {
        let p = self.phases.len();
        let entry = |j: usize, k: usize| {
            let (u, v) = (self.frequencies.row(j), self.frequencies.row(k));
            let pairs = || u.iter().zip(v);
            let apart: f64 = pairs().map(|(u, v)| (u - v) * (u - v)).sum();
            let together: f64 = pairs().map(|(u, v)| (u + v) * (u + v)).sum();
            let (b, c) = (self.phases[j], self.phases[k]);
            (-0.5 * apart).exp() * (b - c).cos() + (-0.5 * together).exp() * (b + c).cos()
        };
        let mut sigma = Array2::zeros((p, p));
        for j in 0..p {
            for k in 0..=j {
                sigma[[j, k]] = entry(j, k);
                sigma[[k, j]] = sigma[[j, k]];
            }
        }
        sigma
    }
}

impl FeatureMap for RandomFourier {
    fn input_dimension(&self) -> usize {
        self.frequencies.ncols()
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for more features than were drawn.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        if p > self.phases.len() {
            return Err(Error::Shape { what: "features", expected: self.phases.len(), found: p });
        }
        let mut design = checked_zeros(self, inputs, p)?;
        for (x, mut row) in inputs.rows().into_iter().zip(design.rows_mut()) {
            for (k, feature) in row.iter_mut().enumerate() {
                // One sum after the other: the bits of a feature depend on nothing else.
                let sum: f64 = self.frequencies.row(k).iter().zip(x).map(|(w, x)| w * x).sum();
                *feature = std::f64::consts::SQRT_2 * (sum + self.phases[k]).cos();
            }
        }
        match Error::check_finite("the features", design.view()) {
            Ok(()) => Ok(design),
            Err(_) => Err(Error::Overflow { what: "the phase of a Fourier feature" }),
        }
    }

    fn describe(&self) -> String {
        format!("random Fourier features of {} inputs, gain {}", self.input_dimension(), self.gain)
    }
}
