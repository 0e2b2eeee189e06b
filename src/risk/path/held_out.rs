//! Test rows in the coordinates of the modes.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::risk::centred::Means;
use crate::svd::product;
use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// Test features projected onto the right singular vectors: the error of a fit `V z` is `P z − B`.
#[derive(Clone, Debug)]
pub(crate) struct Projected {
    /// `P = A V`, row-major, `q × r`.
    pub(crate) features: Array2<f64>,
    /// `B`, `q × k`.
    pub(crate) targets: Array2<f64>,
    /// The number that sums of squares are divided by.
    pub(crate) rows: f64,
    /// What targets outside the kept modes add to predictions, times the penalty (`q × k`), and the penalty from which
    /// they do. `None` if test features lie in the span of the modes.
    pub(crate) outside: Option<(Array2<f64>, f64)>,
}

impl Projected {
    /// Projects onto the rows of `vt` (`r × p`), with the intercept of a centred training set.
    pub(crate) fn new(
        test: &Compressed,
        vt: ArrayView2<'_, f64>,
        means: Option<&Means>,
    ) -> Result<Self, Error> {
        let (height, p) = test.features.dim();
        Error::check_len("columns of the test features", vt.ncols(), p)?;
        let k = test.targets.ncols();
        reserve("projected test rows", sum([table(height + 1, p), table(height + 1, vt.nrows() + k)]))?;
        let rows = test.rows() as f64;
        let Some(Means { features: means, targets: target_means }) = means else {
            let features = projected(&test.features, vt);
            return Ok(Self { features, targets: test.targets.clone(), rows, outside: None });
        };
        let means = means.view().insert_axis(Axis(0));
        let target_means = target_means.view().insert_axis(Axis(0));
        let (features, targets) = if test.is_population() {
            // Inputs have mean 0, so the intercept contributes an error of its own.
            let below =
                |a: &Array2<f64>, row: ArrayView2<'_, f64>| concatenate(Axis(0), &[a.view(), (-&row).view()]);
            let shape = |e: ndarray::ShapeError| Error::Unsupported { reason: e.to_string() };
            (
                below(&test.features, means.view()).map_err(shape)?,
                below(&test.targets, target_means.view()).map_err(shape)?,
            )
        } else {
            let ones = test.ones.view().insert_axis(Axis(1));
            (&test.features - &ones.dot(&means), &test.targets - &ones.dot(&target_means))
        };
        Ok(Self { features: projected(&features, vt), targets, rows, outside: None })
    }
}

/// Computes `A V` from `vt`, `Vᵀ`; row-major.
fn projected(a: &Array2<f64>, vt: ArrayView2<'_, f64>) -> Array2<f64> {
    product(vt, a.t()).reversed_axes()
}
