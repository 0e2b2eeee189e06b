//! Whole curves in one call, and their memory.

use super::room::Room;
use super::{Columns, Point, Rows, Test};
use crate::Error;
use ndarray::ArrayRef2;

/// Computes the sample-wise curve: the minimum-norm fits to the first `1, 2, …, N` rows of features `x` (`N × p`) and
/// targets `y` (`N × k`), one [`Point`] each, in that order. [`Rows`] does the same for rows that arrive one at a time.
///
/// # Errors
/// [`Error::Empty`] for no rows, features or targets, [`Error::Shape`] if `x` and `y` differ in rows; those of
/// [`Rows::new`] and [`Rows::extend`].
pub fn sample_curve(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, test: Test<'_>) -> Result<Vec<Point>, Error> {
    check(x, y)?;
    let mut engine = Rows::new(x.ncols(), y.ncols(), test)?;
    engine.extend(x, y)
}

/// Computes the model-wise curve: the minimum-norm fits of targets `y` (`n × k`) on the first `1, 2, …, P` columns of
/// features `x` (`n × P`), one [`Point`] each, in that order. The columns of the test table match those of `x`.
/// [`Columns`] does the same for columns that arrive one at a time.
///
/// # Errors
/// [`Error::Empty`] for no rows, features or targets, [`Error::Shape`] if `x` and `y` differ in rows; those of
/// [`Columns::new`] and [`Columns::extend`].
///
/// # Examples
/// ```
/// use double_descent::nested::{Test, feature_curve};
/// use ndarray::array;
///
/// let x = array![[1.0, 0.0, 1.0], [0.0, 2.0, 2.0]];
/// let curve = feature_curve(&x, &array![[3.0], [4.0]], Test::None)?;
/// assert_eq!([curve[0].train_mse, curve[1].train_mse], [8.0, 0.0]); // 4²/2, then interpolation
/// assert!(curve[2].norm < curve[1].norm);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn feature_curve(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, test: Test<'_>) -> Result<Vec<Point>, Error> {
    check(x, y)?;
    Columns::new(y, test)?.extend(x)
}

/// Returns the peak bytes of the fits to the first `1, 2, …, n` rows with `p` features, `outputs` targets and a test
/// table of `height` rows.
pub(crate) fn rows_bytes((n, p): (usize, usize), outputs: usize, height: usize, has_penalty: bool) -> usize {
    let room = Room { dimension: p, carried: height, outputs, has_penalty, left_out: 0 };
    room.extension(0, n.min(p), n)
}

/// Returns the peak bytes of the fits to the first `1, 2, …, p` columns of `n` rows, otherwise as [`rows_bytes`].
pub(crate) fn columns_bytes(
    (n, p): (usize, usize),
    outputs: usize,
    height: usize,
    has_penalty: bool,
) -> usize {
    let room = Room { dimension: n, carried: height, outputs, has_penalty, left_out: 0 };
    room.extension(0, n.min(p), p)
}

fn check(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<(), Error> {
    if x.is_empty() {
        return Err(Error::Empty { what: "the features" });
    }
    Error::check_len("rows of y", x.nrows(), y.nrows())
}
