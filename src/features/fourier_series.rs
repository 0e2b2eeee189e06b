//! The Fourier series: functions on the circle.

use super::{FeatureMap, checked_zeros, finite};
use crate::Error;
use ndarray::{Array2, ArrayRef2};
use std::ops::Range;

/// The Fourier series of functions of period `2π`: `x ↦ (1, cos x, sin x, cos 2x, sin 2x, …)`, in this order and with
/// these weights. Inputs are `n × 1`. For another period, scale the inputs.
///
/// The basis is orthogonal under the uniform weight, with squared norms 1, ½, ½, …. The minimum-norm fit is that of the
/// Dirichlet kernel, `Σ φ_k(x) φ_k(x')`.
///
/// # Accuracy
/// The absolute error is at most 2 ε for all frequencies and inputs with `k |x| ≤ 1.8e308` (tested against 400 digits).
/// The rounding error of `k x` is corrected: `cos(kx) = cos(h + l)` with `h + l = k x` exactly.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, FourierSeries};
/// use ndarray::array;
///
/// let features = FourierSeries.design(&array![[0.0], [0.5]], 5)?;
/// assert_eq!(features.row(0).to_vec(), [1.0, 1.0, 0.0, 1.0, 0.0]);
/// assert!((features[[1, 4]] - 1.0_f64.sin()).abs() < 1e-15); // sin 2x
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FourierSeries;

impl FeatureMap for FourierSeries {
    /// Always 1.
    fn input_dimension(&self) -> usize {
        1
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        let mut design = checked_zeros(self, inputs, columns.len())?;
        for (&x, mut row) in inputs.iter().zip(design.rows_mut()) {
            for (feature, column) in row.iter_mut().zip(columns.clone()) {
                *feature = wave(column, x);
            }
        }
        finite(design, "a frequency times an input of a Fourier series")
    }

    fn describe(&self) -> String {
        "the Fourier series 1, cos x, sin x, cos 2x, …".into()
    }
}

/// The value at `x` of one column of 1, cos x, sin x, cos 2x, …
fn wave(column: usize, x: f64) -> f64 {
    let k = column.div_ceil(2) as f64;
    let high = k * x;
    // From `libm`, which gives the same bits on every platform.
    let ((sin, cos), (sin_low, cos_low)) = (libm::sincos(high), libm::sincos(k.mul_add(x, -high)));
    if column % 2 == 1 || column == 0 { cos * cos_low - sin * sin_low } else { sin * cos_low + cos * sin_low }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    /// `x`, then `cos kx` and `sin kx` for `k` = 1, 7, 1000 and 99,991, rounded from 400 digits (mpmath 1.3.0).
    #[rustfmt::skip]
    #[allow(clippy::unreadable_literal, clippy::approx_constant)]
    const VALUES: [[f64; 9]; 14] = [
        [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
        [1e-300, 1.0, 1e-300, 1.0, 7e-300, 1.0, 1e-297, 1.0, 9.999100000000001e-296],
        [0.1, 0.9950041652780258, 0.09983341664682815, 0.7648421872844884, 0.6442176872376911, 0.8623188722876868, -0.506365641109754, -0.831265243038064, 0.5558759715232061],
        [0.5, 0.8775825618903728, 0.479425538604203, -0.9364566872907963, -0.35078322768961984, -0.883849273431478, -0.46777180532247614, 0.9811423481503339, 0.19328655583368728],
        [1.0, 0.5403023058681398, 0.8414709848078965, 0.7539022543433046, 0.6569865987187891, 0.5623790762907029, 0.8268795405320025, 0.9252806146679018, 0.37928325051310907],
        [-2.0, -0.4161468365471424, -0.9092974268256817, 0.1367372182078336, -0.9906073556948704, -0.36745954910083134, -0.930039504416137, 0.7122884317604203, -0.7018868783360187],
        [3.141592653589793, -1.0, 1.2246467991473532e-16, -1.0, 8.572527594031472e-16, 1.0, -1.2246467991473532e-13, -1.0, 1.22453658093543e-11],
        [-3.0, -0.9899924966004454, -0.1411200080598672, -0.5477292602242684, -0.8366556385360561, -0.9756821998857504, -0.21918997428281808, 0.3928527412523332, -0.9196013939150632],
        [6.283185307179586, 1.0, -2.4492935982947064e-16, 1.0, -1.7145055188062944e-15, 1.0, -2.4492935982947065e-13, 1.0, -2.44907316187086e-11],
        [100.7, 0.9857475546295646, 0.16823126505448824, 0.3779219258562054, 0.9258374684344638, 0.8191216842962566, -0.5736197924720378, 0.9761758572835214, 0.21698086472493822],
        [-12345.678, 0.7101193587160628, 0.7040813137533816, 0.6856609259813996, -0.7279210771658763, -0.42850133892704845, 0.9035411460125802, 0.9022132848859578, -0.4312901443057673],
        [1000000000000000.0, -0.5131937377869703, 0.8582727931702359, -0.5897262867360245, 0.807603186430403, 0.11837199021871073, -0.9929693207404051, 0.6681481433481805, -0.7440282646112171],
        [1e+22, 0.523214785395139, -0.8522008497671888, 0.6539091469063801, -0.7565730814615136, -0.6672990942648234, -0.7447898487448298, 0.502596026444573, -0.8645213902513494],
        [1e+300, -0.5753861119575491, -0.8178819121159085, -0.9127396123617924, -0.40854179715868116, -0.8935568822054342, 0.44894999528155, -0.19925813825546335, -0.9799470364968541],
    ];

    #[test]
    fn values_of_high_frequency() {
        let mut worst = 0.0_f64;
        for row in VALUES {
            for (place, k) in [1, 7, 1000, 99_991].into_iter().enumerate() {
                let pair = FourierSeries.columns(&array![[row[0]]], 2 * k - 1..2 * k + 1).unwrap();
                for (found, expected) in pair.iter().zip(&row[1 + 2 * place..]) {
                    let off = (found - expected).abs() / f64::EPSILON;
                    assert!(off <= 2.0, "k = {k} at {}: {found} for {expected}", row[0]);
                    worst = worst.max(off);
                }
            }
        }
        println!("largest error {worst:.2} ε");
    }

    #[test]
    fn the_series_is_nested_and_orthogonal() {
        const N: usize = 64;
        let inputs = Array2::from_shape_fn((N, 1), |(i, _)| i as f64 * std::f64::consts::TAU / N as f64);
        let all = FourierSeries.design(&inputs, 40).unwrap();
        assert_eq!(FourierSeries.design(&inputs, 7).unwrap(), all.slice(s![.., ..7]));
        assert_eq!(FourierSeries.columns(&inputs, 9..12).unwrap(), all.slice(s![.., 9..12]));
        let gram = all.t().dot(&all) / N as f64;
        for ((j, k), product) in gram.indexed_iter() {
            let expected = if j != k {
                0.0
            } else if j == 0 {
                1.0
            } else {
                0.5
            };
            assert!((product - expected).abs() < 1e-14, "{j}, {k}: {product}");
        }
    }

    #[test]
    fn what_is_refused() {
        let refused = |inputs: &Array2<f64>, p| FourierSeries.design(inputs, p).unwrap_err();
        assert!(matches!(refused(&array![[0.1, 0.2]], 3), Error::Shape { expected: 1, found: 2, .. }));
        assert!(matches!(refused(&array![[f64::NAN]], 3), Error::NonFinite { .. }));
        assert!(matches!(refused(&array![[1e308]], 100), Error::Overflow { .. }));
        assert!(matches!(refused(&array![[0.1]], 0), Error::Empty { .. }));
        assert!(FourierSeries.design(&array![[1e308]], 3).is_ok());
    }
}
