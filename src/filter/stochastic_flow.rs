//! The flow that stochastic gradient descent follows on average.

use super::loss::Loss;
use super::{GradientFlow, checked};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array2, ArrayRef2, Axis, s};

/// The flow that stochastic gradient descent follows on average, to second order in the step `h`: gradient flow on
///
/// ```text
/// L + h/(4m) Σᵢ ‖∇Lᵢ‖²  =  L + (h/4) ‖∇L‖² + h/(4m) Σᵢ ‖∇Lᵢ − ∇L‖²
/// ```
///
/// over the `m` batches of an epoch, visited in random order without replacement. Batch `i` (`Xᵢ`, `yᵢ`) has the loss
/// `Lᵢ = (m c/2) ‖Xᵢβ − yᵢ‖²`, and the [`Loss`] `L = (c/2) ‖Xβ − y‖²` is the mean of the `Lᵢ` (Smith, Dherin, Barrett
/// and De, *On the origin of implicit regularization in stochastic gradient descent*, ICLR 2021). The second term is
/// the one of [`RegularisedFlow`](super::RegularisedFlow). The third, the mini-batch term, is the variance of the
/// gradient between batches: it drives towards minima that all batches share, and vanishes where the fit interpolates.
///
/// This flow is not a filter on the singular values of `X`, because batches weigh its directions unequally. But the
/// modified loss is a sum of squares, so the flow is plain gradient flow on a design and targets with extra rows:
///
/// ```text
/// given batches      rows  √c X  and  √(h m/2) c XᵢᵀXᵢ            targets likewise, from y
/// drawn of size b    rows  √(c(1 + ½hκcn‖xⱼ‖²)) xⱼ  and  √(h(1 − κ)/2) c XᵀX,     κ = (n − b)/(b(n − 1))
/// ```
///
/// The second line is the mean over all ways to split the rows into batches of `b`. If the targets cannot be fitted
/// exactly, the flow's limit is not the least-squares solution, though close to it.
///
/// # Examples
/// ```
/// use double_descent::filter::{Loss, StochasticFlow};
/// use double_descent::svd::Svd;
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]], array![[1.0], [2.0], [3.0]]);
/// let flow = StochasticFlow::new(0.1, Loss::Mean)?;
/// let (rows, targets) = flow.drawn(&x, &y, 1)?;
/// let beta = Svd::new(&rows)?.solve(&targets, &flow.until(30.0 * 0.1)?)?; // ten epochs of three steps
/// assert_eq!(beta.dim(), (2, 1));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticFlow {
    step: f64,
    loss: Loss,
}

impl StochasticFlow {
    /// The flow of stochastic gradient descent on `loss` with step size `step` (`h`).
    ///
    /// # Errors
    /// [`Error::Domain`] unless the step is finite and at least 0.
    pub fn new(step: f64, loss: Loss) -> Result<Self, Error> {
        Ok(Self { step: checked("a step size", step)?, loss })
    }

    /// Returns the filter for the augmented design: the flow until `time`, where each step on a batch takes time `h`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `time` is finite and at least 0.
    pub fn until(&self, time: f64) -> Result<GradientFlow, Error> {
        GradientFlow::new(time, Loss::HalfSum)
    }

    /// Returns the augmented design and targets for batches of `batch` rows drawn at random from `x` (`n × p`) and `y`
    /// (`n × k`): `(n + p) × p` and `(n + p) × k`, or `n × p` and `n × k` for batches of one row (and `n > 1`). If
    /// `batch` is `n` or more, all rows form one batch.
    ///
    /// # Errors
    /// [`Error::Domain`] for batches of no rows; [`Error::Empty`] if `x` or `y` has no entries; [`Error::NonFinite`] if
    /// one holds NaN or an infinity; [`Error::Shape`] if their numbers of rows differ; [`Error::Overflow`] if an entry
    /// of the result does not fit into `f64`; [`Error::Memory`].
    pub fn drawn(
        &self,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        batch: usize,
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        if batch == 0 {
            return Err(Error::Domain { what: "the rows of a batch", value: 0.0, must_be: "at least 1" });
        }
        let (n, p) = x.dim();
        let kappa = match n.checked_sub(batch) {
            Some(rest @ 1..) => rest as f64 / (batch as f64 * (n - 1) as f64),
            _ => 0.0,
        };
        let below = if kappa < 1.0 { p } else { 0 };
        let mut longer = Longer::new(x, y, below)?;
        let c = self.loss.curvature(n);
        // Rows with a large norm have large gradients.
        let weight = 0.5 * self.step * kappa * c * n as f64;
        for (i, row) in x.rows().into_iter().enumerate() {
            let factor = (c * (1.0 + weight * row.dot(&row))).sqrt();
            longer.put(i, &(&row * factor).insert_axis(Axis(0)), &(&y.row(i) * factor).insert_axis(Axis(0)));
        }
        if below > 0 {
            let factor = (0.5 * self.step * (1.0 - kappa)).sqrt() * c;
            longer.put(n, &(x.t().dot(x) * factor), &(x.t().dot(y) * factor));
        }
        longer.checked()
    }

    /// Returns the augmented design (`(n + m p) × p`) and targets (`(n + m p) × k`) for `m` given batches, each a list
    /// of row indices. Every row must be in exactly one batch; empty batches do not count.
    ///
    /// # Errors
    /// [`Error::Domain`] for a row that does not exist or is listed twice; [`Error::Shape`] if a row is in no batch;
    /// otherwise as [`StochasticFlow::drawn`].
    pub fn given(
        &self,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        batches: &[Vec<usize>],
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        let (n, p) = x.dim();
        let mut is_listed = vec![false; n];
        for &row in batches.iter().flatten() {
            let Some(listed @ false) = is_listed.get_mut(row) else {
                let must_be = "a row of x, and listed once";
                return Err(Error::Domain { what: "a row of a batch", value: row as f64, must_be });
            };
            *listed = true;
        }
        let listed = is_listed.iter().filter(|listed| **listed).count();
        Error::check_len("rows in the batches", n, listed)?;
        let batches: Vec<_> = batches.iter().filter(|batch| !batch.is_empty()).collect();
        let mut longer = Longer::new(x, y, batches.len().saturating_mul(p))?;
        let c = self.loss.curvature(n);
        longer.put(0, &(x * c.sqrt()), &(y * c.sqrt()));
        let factor = (0.5 * self.step * batches.len() as f64).sqrt() * c;
        for (i, batch) in batches.into_iter().enumerate() {
            let (rows, targets) = (x.select(Axis(0), batch), y.select(Axis(0), batch));
            longer.put(n + i * p, &(rows.t().dot(&rows) * factor), &(rows.t().dot(&targets) * factor));
        }
        longer.checked()
    }
}

/// The augmented design and targets under construction.
struct Longer {
    features: Array2<f64>,
    targets: Array2<f64>,
}

impl Longer {
    /// Allocates zeros, with `below` rows below the rows of `x`.
    fn new(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, below: usize) -> Result<Self, Error> {
        for (what, matrix) in [("the features", x), ("the targets", y)] {
            if matrix.is_empty() {
                return Err(Error::Empty { what });
            }
            Error::check_finite(what, matrix.view())?;
        }
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        let rows = x.nrows().saturating_add(below);
        let (p, k) = (x.ncols(), y.ncols());
        let work = [table(rows, p), table(rows, k), table(x.nrows(), p), table(p, p).saturating_mul(2)];
        reserve("the augmented design of a stochastic flow", sum(work))?;
        Ok(Self { features: Array2::zeros((rows, p)), targets: Array2::zeros((rows, k)) })
    }

    fn put(&mut self, row: usize, features: &Array2<f64>, targets: &Array2<f64>) {
        self.features.slice_mut(s![row..row + features.nrows(), ..]).assign(features);
        self.targets.slice_mut(s![row..row + targets.nrows(), ..]).assign(targets);
    }

    fn checked(self) -> Result<(Array2<f64>, Array2<f64>), Error> {
        for table in [&self.features, &self.targets] {
            let overflow =
                |_| Error::Overflow { what: "an entry of the augmented design of a stochastic flow" };
            Error::check_finite("the table", table.view()).map_err(overflow)?;
        }
        Ok((self.features, self.targets))
    }
}
