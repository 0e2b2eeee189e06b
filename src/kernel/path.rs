//! Kernel ridge regression for many penalties, from one factorisation.

use super::pairs::squares;
use super::{Kernel, check, decomposed, gram};
use crate::Error;
use crate::machine::memory::{list, reserve, sum, table};
use crate::risk::Path;
use crate::risk::path::{Modes, Projected, ridge_points};
use crate::svd::{Backend, DivideAndConquer, row_major_product};
use ndarray::{Array1, Array2, ArrayRef2, s};
use std::sync::Arc;

/// The factorised kernel matrix of a training set, for kernel ridge regression with many penalties.
///
/// After the factorisation, each penalty costs a few matrix products. The eigenvalues in `K = U Λ Uᵀ` replace the
/// squared singular values, so a [`Path`] has all its quantities: degrees of freedom `tr K(K + λI)⁻¹`, leave-one-out,
/// generalised cross-validation, and the norm of `f` in the kernel's space.
///
/// Eigenvalues up to `n ε Λ₁` are rounding errors and count as 0. Penalties up to that size give the ridgeless fit
/// without these directions. For larger ones, the fits are those of
/// [`KernelRegression::fit_ridge`](super::KernelRegression::fit_ridge), up to a relative `n ε Λ₁/λ`.
///
/// # Examples
/// ```
/// use double_descent::features::StationaryKernel;
/// use double_descent::kernel::{KernelTraining, median_distance};
/// use double_descent::risk::Criterion;
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((30, 1), |(i, _)| i as f64 / 30.0);
/// let y = x.mapv(|x| (6.0 * x).sin()) + Array2::from_shape_fn((30, 1), |(i, _)| 0.1 * ((i * i) as f64).cos());
/// let bandwidth = median_distance(&x)?;
/// let kernel = StationaryKernel::Gaussian { gamma: 0.5 / (bandwidth * bandwidth) };
/// let path = KernelTraining::new(kernel, &x, &y)?.penalties(&[1e-9, 1e-6, 1e-3, 1.0, 1e3])?;
/// let best = path.best(Criterion::LeaveOneOut).unwrap();
/// assert!(!best.is_at_end && path.points()[best.index].degrees_of_freedom < 12.0);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KernelTraining {
    kernel: Arc<dyn Kernel>,
    inputs: Array2<f64>,
    modes: Modes,
    /// The largest eigenvalue that counts as 0.
    cutoff: f64,
    test: Option<Projected>,
}

impl KernelTraining {
    /// Factorises the kernel matrix of the inputs (`n × d`) with targets (`n × k`), once, in O(n³).
    ///
    /// # Errors
    /// The errors of [`Kernel::gram`] and [`Svd::new`](crate::svd::Svd::new); [`Error::Domain`] for a kernel matrix that
    /// is not symmetric and positive semidefinite up to rounding; for the targets, [`Error::Shape`] unless they have `n`
    /// rows,
    /// [`Error::Empty`] without entries, and [`Error::NonFinite`] for NaN or an infinity; [`Error::UserCode`] if the
    /// kernel panics, or gives a matrix of the wrong shape or with entries that are not finite; [`Error::Memory`].
    pub fn new(
        kernel: impl Kernel + 'static,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Self, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        let n = inputs.nrows();
        let needed = [table(n, n), DivideAndConquer.bytes((n, n)), table(n, inputs.ncols())];
        reserve("a kernel regression", sum(needed))?;
        let kernel: Arc<dyn Kernel> = Arc::new(kernel);
        let svd = decomposed(&*kernel, inputs)?;
        let cutoff = svd.cutoff();
        let sigma = svd.singular_values().iter().map(|eigenvalue| eigenvalue.sqrt()).collect();
        let nothing = Array2::zeros(targets.dim());
        let modes = Modes::new(svd.u().view(), (sigma, svd.rank()), n, targets.view(), nothing, 0)?;
        Ok(Self { kernel, inputs: inputs.to_owned(), modes, cutoff, test: None })
    }

    /// Adds test inputs (`m × d`) with targets (`m × k`), so that paths include test errors.
    ///
    /// # Errors
    /// The errors of [`Kernel::gram`]; for the targets, [`Error::Shape`] unless they are `m × k`, and
    /// [`Error::NonFinite`] for NaN or an infinity; [`Error::UserCode`], as [`KernelTraining::new`]; [`Error::Memory`].
    pub fn tested_on(mut self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Self, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        Error::check_len("columns of the targets", self.modes.outputs(), targets.ncols())?;
        Error::check_finite("the targets", targets.view())?;
        let (m, n, rank) = (inputs.nrows(), self.inputs.nrows(), self.modes.rank());
        let tables = [table(m, n), table(m, rank), table(m, targets.ncols()).saturating_mul(2)];
        reserve("projected test inputs", sum(tables))?;
        // f(x) = Σ k(x, xᵢ) αᵢ with α = U diag(g/σ) Uᵀ y.
        let sigma = Array1::from(self.modes.sigma[..rank].to_vec());
        let images = gram(&*self.kernel, inputs, &self.inputs)?;
        let features = row_major_product(images.view(), self.modes.u.view()) / sigma;
        // A direction u whose eigenvalue counts as 0 has α = u uᵀy/λ, and k(x, ·) u can be as large as the eigenvalue's
        // root, far over its size.
        let outside = row_major_product(images.view(), self.modes.outside.view());
        let outside = Some((outside, self.cutoff));
        self.test = Some(Projected { features, targets: targets.to_owned(), rows: m as f64, outside });
        Ok(self)
    }

    /// Returns the path of the kernel ridge fits `α = (K + λ I)⁻¹ Y` for the given penalties `λ`, in units of the
    /// kernel; 0 is ridgeless.
    ///
    /// # Errors
    /// [`Error::Empty`] for an empty list; [`Error::Domain`] unless all are finite and at least 0; [`Error::Overflow`]
    /// if a result does not fit into `f64`; [`Error::Memory`].
    pub fn penalties(&self, lambdas: &[f64]) -> Result<Path, Error> {
        if lambdas.is_empty() {
            return Err(Error::Empty { what: "the list of penalties" });
        }
        if let Some(&value) = lambdas.iter().find(|lambda| !(**lambda >= 0.0 && lambda.is_finite())) {
            return Err(Error::Domain { what: "the ridge penalty", value, must_be: "finite and at least 0" });
        }
        ridge_points(&self.modes, lambdas, self.test.as_ref(), true).map(Path::new)
    }

    /// Returns the eigenvalues of `K` over the cutoff `n ε Λ₁`, in descending order.
    #[must_use]
    pub fn eigenvalues(&self) -> Vec<f64> {
        self.modes.sigma[..self.modes.rank()].iter().map(|s| s * s).collect()
    }
}

/// Returns the median `m` of the distances `‖xᵢ − xⱼ‖` over all pairs of inputs (`n × d`), in O(n² d).
///
/// It is the usual first choice of a bandwidth: `γ = 1/(2 m²)` for the Gaussian kernel `e^{−γ‖x − x'‖²}`, `1/m` or a
/// length scale of `m` for others. If the number of pairs is even, it is the lower of the two middle distances.
///
/// # Errors
/// [`Error::Empty`] for fewer than two inputs or no columns; [`Error::NonFinite`] for an input that is NaN or infinite;
/// [`Error::Overflow`] if the median does not fit into `f64`; [`Error::Memory`]; [`Error::Unsupported`] if half of all
/// pairs coincide, so that the median is 0.
///
/// # References
/// Garreau, Jitkrittum and Kanagawa, *Large sample analysis of the median heuristic*, 2017,
/// [arXiv:1707.07269](https://arxiv.org/abs/1707.07269).
///
/// # Examples
/// ```
/// use double_descent::kernel::median_distance;
/// use ndarray::array;
///
/// assert_eq!(median_distance(&array![[0.0], [1.0], [5.0]])?, 4.0); // the median of 1, 4, 5
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn median_distance(inputs: &ArrayRef2<f64>) -> Result<f64, Error> {
    check(inputs, inputs)?;
    let n = inputs.nrows();
    if n < 2 {
        return Err(Error::Empty { what: "the list of pairs of inputs" });
    }
    // Two inputs differ by at most twice the largest difference from the first one, and their squares must not overflow.
    let first = inputs.row(0);
    let differences = inputs.indexed_iter().map(|((_, column), value)| (value - first[column]).abs());
    let largest = differences.fold(0.0, f64::max).min(f64::MAX);
    if largest == 0.0 {
        return Err(coincide());
    }
    let mut scale = if (1e-100..1e100).contains(&largest) { 1.0 } else { (0.25 / largest).min(f64::MAX) };
    let mut median = median_square(inputs, scale)?;
    // Far from the others, one input can make the scale so small that the squares of their differences vanish.
    while median < 1e-280 && scale < f64::MAX {
        scale = (scale * 1e150).min(f64::MAX);
        median = median_square(inputs, scale)?;
    }
    let distance = median.sqrt() / scale;
    if distance == 0.0 {
        return Err(coincide());
    }
    if distance.is_infinite() {
        return Err(Error::Overflow { what: "a distance of two inputs" });
    }
    Ok(distance)
}

/// Returns the median of the squared distances of all pairs, in units of `1/scale²`.
fn median_square(inputs: &ArrayRef2<f64>, scale: f64) -> Result<f64, Error> {
    let n = inputs.nrows();
    let squares = squares(inputs, inputs, scale)?;
    reserve("distances of pairs", list::<f64>(n.saturating_mul(n) / 2))?;
    let mut pairs: Vec<f64> = Vec::with_capacity(n * (n - 1) / 2);
    for (i, row) in squares.rows().into_iter().enumerate() {
        pairs.extend(row.slice(s![i + 1..]));
    }
    let middle = (pairs.len() - 1) / 2;
    Ok(*pairs.select_nth_unstable_by(middle, f64::total_cmp).1)
}

fn coincide() -> Error {
    let reason = "half of all pairs of inputs coincide, and their median distance is 0; drop duplicates";
    Error::Unsupported { reason: reason.into() }
}
