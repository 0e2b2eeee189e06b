//! Complex features, written as real ones.

use super::{Form, RandomFourier};
use crate::Error;
use crate::features::FeatureMap;
use crate::features::trigonometric::Wave;
use crate::machine::memory::zeros;
use ndarray::{Array2, ArrayRef2};

impl RandomFourier {
    /// Rewrites least squares with complex features `a exp(i w_k·x)`, complex coefficients and real targets as a real
    /// problem: `2n × p` features and `2n × k` targets from `inputs` `(n, d)` and `targets` `(n, k)`. The map must be
    /// one of pairs.
    ///
    /// ```text
    /// Σ_k c_k exp(i w_k·x),  c_k = γ_k − i δ_k      row 2i      Re:  a [cos w_k·x_i,  sin w_k·x_i] · [γ, δ] = y_i
    ///                                               row 2i + 1  Im:  a [sin w_k·x_i, −cos w_k·x_i] · [γ, δ] = 0
    /// ```
    /// Squared errors and norms are the same in both problems, so minimum norm, ridge and every other estimator here
    /// solve the complex problem through the real one. A prediction is the real part: the same coefficients times
    /// [`design(inputs, p)`](FeatureMap::design) of this map. In [`PairOrder::Interleaved`](super::PairOrder) `p`
    /// columns are `p/2` complex features.
    ///
    /// The fit interpolates from `p = 2n` on: **the peak is at as many complex features as samples**, `P = n`. The
    /// pairs alone (real parts without the imaginary equations) have their peak at `2P = n`. To get the squared
    /// training error per sample, divide it by `n`, not `2n`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::{FeatureMap, PairOrder, RandomFourier};
    /// use double_descent::{filter::MinNorm, svd::Svd};
    /// use ndarray::array;
    ///
    /// let map = RandomFourier::gaussian(1, 3, 0.5, 0)?.into_pairs(PairOrder::Interleaved);
    /// let (x, y) = (array![[0.1], [0.9], [1.4]], array![[1.0], [-1.0], [2.0]]);
    /// let (features, targets) = map.complex_system(&x, &y, 6)?;
    /// let beta = Svd::new(&features)?.solve(&targets, &MinNorm::default())?;
    /// let off = map.design(&x, 6)?.dot(&beta) - &y; // three complex features pass through three points
    /// assert!(off.iter().all(|e| e.abs() < 1e-9));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a map of cosines, [`Error::Shape`] unless there are as many targets as inputs,
    /// [`Error::NonFinite`] for a target that is NaN or infinite, and the errors of [`FeatureMap::design`].
    ///
    /// # References
    /// Belkin, Hsu, Ma and Mandal, *Reconciling modern machine-learning practice and the classical bias–variance
    /// trade-off*, PNAS 2019, arXiv:1812.11118: `N` complex features, the peak at `N = n`.
    pub fn complex_system(
        &self,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
        p: usize,
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        if self.form == Form::Cosines {
            let reason = "complex features are made of cosines and sines; call `into_pairs` first".into();
            return Err(Error::Unsupported { reason });
        }
        let real = self.design(inputs, p)?;
        Error::check_len("rows of the targets", real.nrows(), targets.nrows())?;
        Error::check_finite("the targets", targets.view())?;
        let parts = self.parts((Wave::Sine, self.amplitude), (Wave::Cosine, -self.amplitude));
        let imaginary = self.table(inputs, 0..p, &parts)?;
        let mut features = zeros("the real form of complex features", 2 * real.nrows(), p)?;
        let mut doubled = zeros("the real form of complex targets", 2 * real.nrows(), targets.ncols())?;
        for (i, target) in targets.rows().into_iter().enumerate() {
            features.row_mut(2 * i).assign(&real.row(i));
            features.row_mut(2 * i + 1).assign(&imaginary.row(i));
            doubled.row_mut(2 * i).assign(&target);
        }
        Ok((features, doubled))
    }
}
