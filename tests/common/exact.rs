//! Fits in 512-bit arithmetic.
//!
//! They solve the normal equations. These square the condition number, but with 512 bits a κ of 1e15 still leaves more
//! than 120 digits.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use ndarray::{Array2, ArrayView2, Axis};

pub type Number = FBig<HalfEven, 2>;

const BITS: usize = 512;

fn number(v: f64) -> Number {
    Number::try_from(v).expect("finite").with_precision(BITS).value()
}

/// Parses a decimal such as `-6.860120914`, of up to 15 digits and up to 22 decimal places, exactly before the final
/// division.
pub fn decimal(text: &str) -> Number {
    let (digits, places) = match text.split_once('.') {
        Some((whole, rest)) => (format!("{whole}{rest}"), rest.len()),
        None => (text.to_owned(), 0),
    };
    // Both operands are whole numbers that an f64 holds exactly.
    let power = (0..places).fold(1.0, |power, _| 10.0 * power);
    number(digits.parse().expect("a decimal")) / number(power)
}

fn sum(terms: impl Iterator<Item = Number>) -> Number {
    terms.fold(number(0.0), |sum, term| sum + term)
}

/// Converts every entry, exactly.
pub fn matrix(x: ArrayView2<'_, f64>) -> Array2<Number> {
    Array2::from_shape_fn(x.dim(), |at| number(x[at]))
}

fn product(a: ArrayView2<'_, Number>, b: ArrayView2<'_, Number>) -> Array2<Number> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        sum(a.row(i).iter().zip(b.column(j)).map(|(a, b)| a * b))
    })
}

/// Returns `X Xᵀ`, each product of two rows computed once.
fn gram(x: ArrayView2<'_, Number>) -> Array2<Number> {
    let mut gram = Array2::from_elem((x.nrows(), x.nrows()), number(0.0));
    for i in 0..x.nrows() {
        for j in 0..=i {
            let entry = sum(x.row(i).iter().zip(x.row(j)).map(|(a, b)| a * b));
            gram[[j, i]].clone_from(&entry);
            gram[[i, j]] = entry;
        }
    }
    gram
}

/// Solves for `K⁻¹ B` with positive definite `K`, by its Cholesky factor.
fn solve(k: &Array2<Number>, mut b: Array2<Number>) -> Array2<Number> {
    let n = k.nrows();
    let mut l = Array2::from_elem((n, n), number(0.0));
    for i in 0..n {
        for j in 0..=i {
            let rest = &k[[i, j]] - sum((0..j).map(|h| &l[[i, h]] * &l[[j, h]]));
            l[[i, j]] = if i == j { rest.sqrt() } else { rest / &l[[j, j]] };
        }
    }
    for mut b in b.columns_mut() {
        for i in 0..n {
            b[i] = (&b[i] - sum((0..i).map(|h| &l[[i, h]] * &b[h]))) / &l[[i, i]];
        }
        for i in (0..n).rev() {
            b[i] = (&b[i] - sum((i + 1..n).map(|h| &l[[h, i]] * &b[h]))) / &l[[i, i]];
        }
    }
    b
}

/// Returns `√(mean of squares)`, rounded once.
fn root_mean_square(x: &Array2<Number>) -> f64 {
    let mean = sum(x.iter().map(|v| v * v)) / number(x.len() as f64);
    mean.sqrt().to_f64().value()
}

/// A least squares fit of one output on features of full column rank; each number is rounded once.
pub struct LeastSquares {
    pub beta: Vec<f64>,
    /// The standard deviation of each coefficient, `√(s² [(XᵀX)⁻¹]ⱼⱼ)` with `s² = ‖y − Xβ‖² / (n − p)`.
    pub deviations: Vec<f64>,
    /// `‖y − Xβ‖²`.
    pub squares: f64,
}

impl LeastSquares {
    pub fn new(x: &Array2<Number>, y: &Array2<Number>) -> Self {
        let (n, p) = x.dim();
        let gram = gram(x.t());
        let beta = solve(&gram, product(x.t(), y.view()));
        let identity = Array2::from_shape_fn((p, p), |(i, j)| number(f64::from(u8::from(i == j))));
        let inverse = solve(&gram, identity);
        let fitted = product(x.view(), beta.view());
        let squares = sum(y.iter().zip(&fitted).map(|(y, f)| (y - f) * (y - f)));
        let variance = &squares / number((n - p) as f64);
        Self {
            beta: beta.iter().map(|b| b.to_f64().value()).collect(),
            deviations: (0..p).map(|j| (&variance * &inverse[[j, j]]).sqrt().to_f64().value()).collect(),
            squares: squares.to_f64().value(),
        }
    }
}

/// The minimum-norm fit of `y` on an `x` of full rank, and its errors; each number is rounded once.
pub struct Exact {
    pub beta: Array2<f64>,
    /// `‖β̂‖_F`.
    pub norm: f64,
    /// Root mean square training error.
    pub train: f64,
    /// Root mean square error on the test rows.
    pub test: f64,
    /// Root mean square of the predictions at the test rows.
    pub predicted: f64,
}

impl Exact {
    pub fn new(
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        tx: ArrayView2<'_, f64>,
        ty: ArrayView2<'_, f64>,
    ) -> Self {
        let (x, y, tx, ty) = (matrix(x), matrix(y), matrix(tx), matrix(ty));
        let beta = if x.nrows() <= x.ncols() {
            product(x.t(), solve(&gram(x.view()), y.clone()).view())
        } else {
            solve(&gram(x.t()), product(x.t(), y.view()))
        };
        let predictions = product(tx.view(), beta.view());
        let less =
            |a: Array2<Number>, b: &Array2<Number>| Array2::from_shape_fn(a.dim(), |at| &a[at] - &b[at]);
        Self {
            norm: sum(beta.iter().map(|b| b * b)).sqrt().to_f64().value(),
            train: root_mean_square(&less(product(x.view(), beta.view()), &y)),
            predicted: root_mean_square(&predictions),
            test: root_mean_square(&less(predictions, &ty)),
            beta: beta.map(|b| b.to_f64().value()),
        }
    }
}

/// The ridge fit of `y` on `x` with penalty `lambda`, and its errors; each number is rounded once. `x` need not have
/// full rank.
pub struct ExactRidge {
    /// `‖β̂‖_F`.
    pub norm: f64,
    pub train_mse: f64,
    pub test_mse: f64,
    /// The predictions at the test rows minus their targets.
    pub errors: Array2<f64>,
}

impl ExactRidge {
    pub fn new(
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        tx: ArrayView2<'_, f64>,
        ty: ArrayView2<'_, f64>,
        lambda: f64,
    ) -> Self {
        let (x, y, tx, ty) = (matrix(x), matrix(y), matrix(tx), matrix(ty));
        let beta = ridge_solution(&x, &y, lambda);
        let less =
            |a: Array2<Number>, b: &Array2<Number>| Array2::from_shape_fn(a.dim(), |at| &a[at] - &b[at]);
        let mean_square =
            |x: &Array2<Number>| (sum(x.iter().map(|v| v * v)) / number(x.len() as f64)).to_f64().value();
        let errors = less(product(tx.view(), beta.view()), &ty);
        Self {
            norm: sum(beta.iter().map(|b| b * b)).sqrt().to_f64().value(),
            train_mse: mean_square(&less(product(x.view(), beta.view()), &y)),
            test_mse: mean_square(&errors),
            errors: errors.map(|e| e.to_f64().value()),
        }
    }

    /// Returns the excess risk `tr((β̂ − β*)ᵀ Σ (β̂ − β*)) / k`.
    pub fn excess(
        x: ArrayView2<'_, f64>,
        y: ArrayView2<'_, f64>,
        covariance: ArrayView2<'_, f64>,
        teacher: ArrayView2<'_, f64>,
        lambda: f64,
    ) -> f64 {
        let (x, y, covariance, teacher) = (matrix(x), matrix(y), matrix(covariance), matrix(teacher));
        let beta = ridge_solution(&x, &y, lambda);
        let off = Array2::from_shape_fn(beta.dim(), |at| &beta[at] - &teacher[at]);
        let weighted = product(covariance.view(), off.view());
        let mean = sum(off.iter().zip(&weighted).map(|(a, b)| a * b)) / number(y.ncols() as f64);
        mean.to_f64().value()
    }
}

/// Returns the error at each row of the minimum-norm fit to all other rows, which have full rank (`n × k`), each
/// rounded once.
pub fn left_out_errors(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut errors = Array2::zeros(y.dim());
    for (i, mut errors) in errors.rows_mut().into_iter().enumerate() {
        let others: Vec<usize> = (0..x.nrows()).filter(|&row| row != i).collect();
        let [xs, ys] = [x, y].map(|table| matrix(table.select(Axis(0), &others).view()));
        let beta = if xs.nrows() <= xs.ncols() {
            product(xs.t(), solve(&gram(xs.view()), ys).view())
        } else {
            solve(&gram(xs.t()), product(xs.t(), ys.view()))
        };
        let row = ndarray::s![i..=i, ..];
        let fitted = product(matrix(x.slice(row)).view(), beta.view());
        for ((error, y), fitted) in errors.iter_mut().zip(y.row(i)).zip(&fitted) {
            *error = (number(*y) - fitted).to_f64().value();
        }
    }
    errors
}

/// Returns `(XᵀX + λ)⁻¹ Xᵀ Y`.
fn ridge_solution(x: &Array2<Number>, y: &Array2<Number>, lambda: f64) -> Array2<Number> {
    let mut gram = gram(x.t());
    for j in 0..gram.nrows() {
        gram[[j, j]] = &gram[[j, j]] + number(lambda);
    }
    solve(&gram, product(x.t(), y.view()))
}

/// The fits of `y` on `x` by ridge, both centred first if there is an intercept.
pub struct ExactPath {
    y: Array2<Number>,
    /// `XXᵀ`.
    gram: Array2<Number>,
    intercept: bool,
}

/// One point of a ridge path. Everything is computed from `R = (XXᵀ + λ)⁻¹` and rounded once.
pub struct ExactPathPoint {
    pub train_mse: f64,
    pub norm: f64,
    pub degrees_of_freedom: f64,
    pub loo_mse: f64,
    pub gcv: f64,
}

impl ExactPath {
    pub fn new(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, intercept: bool) -> Self {
        let n = number(x.nrows() as f64);
        let centred = |of: ArrayView2<'_, f64>| {
            let mut of = matrix(of);
            for mut column in of.columns_mut().into_iter().filter(|_| intercept) {
                let mean = sum(column.iter().cloned()) / &n;
                column.map_inplace(|v| *v = &*v - &mean);
            }
            of
        };
        Self { y: centred(y), gram: gram(centred(x).view()), intercept }
    }

    pub fn at(&self, lambda: f64) -> ExactPathPoint {
        let Self { y, gram, intercept } = self;
        let (n, k, lambda) = (number(y.nrows() as f64), number(y.ncols() as f64), number(lambda));
        let mut shifted = gram.clone();
        shifted.diag_mut().map_inplace(|v| *v = &*v + &lambda);
        let inverse = solve(&shifted, matrix(Array2::eye(y.nrows()).view()));
        let dual = product(inverse.view(), y.view());
        let square = |of: &Array2<Number>| sum(of.iter().map(|v| v * v));
        // Removes the constant vector, which centring projected out of the rows.
        let constant = if *intercept { number(1.0) / (&n * &lambda) } else { number(0.0) };
        let open: Vec<Number> = inverse.diag().iter().map(|v| v - &constant).collect();
        let left_out = Array2::from_shape_fn(y.dim(), |at| &dual[at] / &open[at.0]);
        let energy = sum(dual.iter().zip(&product(gram.view(), dual.view())).map(|(a, b)| a * b));
        let trace = sum(open.into_iter());
        let left = square(&dual);
        let round = |value: Number| value.to_f64().value();
        ExactPathPoint {
            train_mse: round(&lambda * &lambda * &left / (&n * &k)),
            norm: round(energy.sqrt()),
            degrees_of_freedom: round(&n - &lambda * &trace),
            loo_mse: round(square(&left_out) / (&n * &k)),
            gcv: round(&n * &left / (&trace * &trace * &k)),
        }
    }
}
