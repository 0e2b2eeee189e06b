//! The test error of weak ridge on a population, without the difference of two fits.
//!
//! On a population the test error is `‖S (β̂ − β*)‖²`. If λ is small and the targets are close to those of `β*`, `β̂ −
//! β*` is small too, and cancels. With `E = Y − X β*`, whose entries are computed in doubled precision,
//!
//! ```text
//! β̂ − β* = (Xᵀ X + λ I)⁻¹ (Xᵀ E − λ β*)
//! ```
//!
//! has no such difference. Along rows `E` is carried as additional targets. Along columns it is different at every
//! point, so that only the fit on all columns of the teacher is computed this way, by an SVD of the kept columns.

use super::held_out::HeldOut;
use super::scale::{Unit, scaled};
use super::triangle::{Triangle, axpy, dot, square};
use crate::filter::Response;
use crate::machine::doubled::Doubled;
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef1, ArrayView2, Axis, s};

/// What [`Rows`](super::Rows) carry for each output: `Q β*`, and the teacher, which `S (I − QᵀQ) β*` needs.
#[derive(Clone, Debug)]
pub(super) struct Excess {
    teacher: Array2<f64>,
    inside: Vec<Vec<f64>>,
}

impl Excess {
    pub(super) fn new(teacher: &Array2<f64>) -> Self {
        Self { teacher: teacher.to_owned(), inside: vec![Vec::new(); teacher.ncols()] }
    }

    /// Returns `y − x β*` for each output; `None` if one does not fit into `f64`.
    pub(super) fn targets(&self, x: &ArrayRef1<f64>, y: &ArrayRef1<f64>) -> Option<Vec<f64>> {
        let targets = y.iter().zip(self.teacher.columns()).map(|(&y, beta)| {
            let mut rest = Doubled::from(y);
            rest.subtract_dot(x.view(), beta);
            rest.value()
        });
        let targets: Vec<f64> = targets.collect();
        targets.iter().all(|target| target.is_finite()).then_some(targets)
    }

    /// Adds a new direction.
    pub(super) fn append(&mut self, q: &[f64]) {
        for (inside, beta) in self.inside.iter_mut().zip(self.teacher.columns()) {
            inside.push(ndarray::aview1(q).dot(&beta));
        }
    }

    /// Returns the mean over outputs of `‖S (β̂ − β*)‖²`. `c` are the targets `E` that go with the triangle `R` of the
    /// penalty `pad²`, in separate units; `vectors` is the basis.
    pub(super) fn of(
        &self,
        (triangle, pad): (&Triangle, f64),
        c: &[Vec<f64>],
        (vectors, images): (&[Vec<f64>], &[Vec<f64>]),
        held_out: &HeldOut<'_>,
        (features, targets): (Unit, &[Unit]),
    ) -> f64 {
        let spans = vectors.len() == self.teacher.nrows();
        let mut total = 0.0;
        for (output, (inside, c)) in self.inside.iter().zip(c).enumerate() {
            let e = targets[output].exponent() - features.exponent();
            let padded: Vec<f64> = triangle.backward(inside).iter().map(|&v| pad * scaled(v, -e)).collect();
            let kept = triangle.forward(&padded);
            let deviation: Vec<f64> =
                triangle.forward(c).iter().zip(&kept).map(|(fit, kept)| fit - pad * kept).collect();
            let mut error = super::fit::combine(images, &deviation);
            if !spans {
                let mut outside: Vec<f64> =
                    self.teacher.column(output).iter().map(|&b| scaled(b, -e)).collect();
                for _ in 0..2 {
                    for q in vectors {
                        let along = dot(q, &outside);
                        axpy(&mut outside, -along, q);
                    }
                }
                let image = held_out.image(&outside);
                error.resize(image.len().max(error.len()), 0.0);
                axpy(&mut error, -1.0, &image);
            }
            let unit = held_out.exponent() + e;
            let error: Vec<f64> = error.iter().map(|&v| scaled(v, unit)).collect();
            total += square(&error) / targets.len() as f64;
        }
        total
    }
}

/// Returns this mean from an SVD of the features `x` (`n × p`), for a filter's gains and targets in the caller's units.
/// `None` if it does not fit into `f64`.
pub(super) fn by_svd(
    svd: &Svd,
    response: Response,
    (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    (teacher, root): (&Array2<f64>, &Array2<f64>),
) -> Option<f64> {
    let p = x.ncols();
    let beta = teacher.slice(s![..p, ..]);
    let rest = Array2::from_shape_fn(y.dim(), |(i, k)| {
        let mut rest = Doubled::from(y[[i, k]]);
        rest.subtract_dot(x.row(i), beta.column(k));
        rest.value()
    });
    let column = |values: Vec<f64>| Array1::from(values).insert_axis(Axis(1));
    let known = svd.vt().dot(&beta);
    let along = svd.u().t().dot(&rest) * column(response.gains) - &known * &column(response.residuals);
    let mut deviation = teacher.mapv(|v| -v);
    deviation.slice_mut(s![..p, ..]).assign(&svd.vt().t().dot(&along));
    if svd.vt().nrows() < p {
        let mut part = deviation.slice_mut(s![..p, ..]);
        part -= &(&beta - &svd.vt().t().dot(&known));
    }
    let errors = root.dot(&deviation);
    let mean = errors.mapv(|v| v * v).sum() / y.ncols() as f64;
    mean.is_finite().then_some(mean)
}
