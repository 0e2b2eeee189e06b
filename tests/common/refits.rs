//! The nested engines with everything that can be requested of them, on any table, against an SVD fit at every point.
//! Shared with the fuzz target.
//!
//! A solution by SVD has an error of about `ε (κ ‖β̂‖ + κ² ‖r‖ / σ₁)`, where `r` is the residual (Golub and Van Loan,
//! section 5.3), and the engines promise no more. All bounds here are `C` times such terms. Points with a singular
//! value near the cutoff, or at which `κ ε` leaves no correct digit, have no reference and are skipped.

use double_descent::Error;
use double_descent::filter::{MinNorm, Ridge, SpectralFilter};
use double_descent::nested::{Columns, LeftOut, Plane, Point, Request, Rows, Test};
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayView2, Axis, s};

/// Constant of the bounds: errors add up over rows and columns, and both sides have some.
const C: f64 = 40.0;

fn norm(x: &Array2<f64>) -> f64 {
    x.iter().fold(0.0, |length: f64, v| length.hypot(*v))
}

/// A reference fit, its residuals, and the error bound of its coefficients.
struct Reference {
    beta: Array2<f64>,
    rest: Array2<f64>,
    condition: f64,
    off: f64,
}

impl Reference {
    /// Computes the reference; `None` if no digit of it is certain.
    fn new(svd: &Svd, x: &ArrayView2<'_, f64>, y: &ArrayView2<'_, f64>, lambda: Option<f64>) -> Option<Self> {
        let sigma = svd.singular_values();
        let largest = sigma.iter().copied().fold(0.0, f64::max);
        let filter: Box<dyn SpectralFilter>;
        let smallest;
        if let Some(lambda) = lambda {
            filter = Box::new(Ridge::new(lambda).unwrap());
            smallest = sigma.iter().copied().fold(largest, f64::min).hypot(lambda.sqrt());
        } else if sigma.iter().any(|s| (1e-2..1e3).contains(&(s / svd.cutoff()))) {
            return None;
        } else {
            filter = Box::new(MinNorm::default());
            smallest = svd.smallest_nonzero().unwrap_or(0.0);
        }
        let largest = largest.hypot(lambda.unwrap_or(0.0).sqrt());
        let condition = if smallest > 0.0 { largest / smallest } else { 1.0 };
        if condition * f64::EPSILON > 1e-6 {
            return None;
        }
        let beta = svd.solve(y, filter.as_ref()).ok()?;
        let rest = y - &x.dot(&beta);
        let steep = if largest > 0.0 { condition * condition * norm(&rest) / largest } else { 0.0 };
        let off = f64::EPSILON * (condition * norm(&beta) + steep);
        Some(Self { beta, rest, condition, off })
    }
}

fn close(what: &str, point: &Point, found: f64, expected: f64, off: f64) {
    assert!((found - expected).abs() <= off, "{what}: {found:e} for {expected:e} ± {off:e}, {point:?}");
}

/// Checks `‖X β̂ − Y‖ / √(n k)`. Its error is that of the coefficients, as far as `X` shows it, plus rounding.
fn check_fit(point: &Point, svd: &Svd, reference: &Reference, y: &ArrayView2<'_, f64>) {
    let scale = (y.len() as f64).sqrt();
    let reach = norm(&y.to_owned()) + svd.singular_values().first().unwrap_or(&0.0) * norm(&reference.beta);
    close("norm", point, point.norm, norm(&reference.beta), C * reference.off);
    let off = C * f64::EPSILON * (reach + reference.condition * norm(&y.to_owned())) / scale;
    close("train", point, point.train_mse.sqrt(), norm(&reference.rest) / scale, off);
}

/// Checks the minimum-norm fit with all requested quantities. Returns whether there was a reference.
fn check_point(point: &Point, x: &ArrayView2<'_, f64>, y: &ArrayView2<'_, f64>) -> bool {
    let svd = Svd::new(x).unwrap();
    let Some(reference) = Reference::new(&svd, x, y, None) else { return false };
    assert_eq!(point.rank, svd.rank(), "{point:?}, {}", svd.singular_values());
    check_fit(point, &svd, &reference, y);
    let off = C * f64::EPSILON * reference.condition;
    let noise: f64 = svd.singular_values().iter().take(svd.rank()).map(|s| s.powi(-2)).sum();
    close("noise", point, point.noise.unwrap(), noise, 2.0 * off * noise);
    match svd.smallest_nonzero() {
        Some(smallest) => {
            let found = point.smallest_singular_value.unwrap();
            close("smallest", point, found, smallest, (1e-11 + off) * smallest);
        }
        None => assert_eq!(point.smallest_singular_value, None),
    }
    check_left_out(point, x, y, reference.condition);
    true
}

fn check_left_out(point: &Point, x: &ArrayView2<'_, f64>, y: &ArrayView2<'_, f64>, condition: f64) {
    let Some(found) = point.loo_mse else {
        assert!(matches!(point.loo_by, LeftOut::TooMany(rows) if rows > 4), "{point:?}");
        return;
    };
    let (n, p) = x.dim();
    let mut errors = Array2::zeros(y.dim());
    let (mut off, mut worst) = (0.0f64, condition);
    for i in 0..n {
        let mut beta = Array2::zeros((p, y.ncols()));
        if n > 1 {
            let others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            let [xs, ys] = [x, y].map(|table| table.select(Axis(0), &others));
            let svd = Svd::new(&xs).unwrap();
            let Some(reference) = Reference::new(&svd, &xs.view(), &ys.view(), None) else { return };
            off = off.hypot(norm(&x.slice(s![i..=i, ..]).to_owned()) * reference.off);
            worst = worst.max(reference.condition);
            beta = reference.beta;
        }
        errors.row_mut(i).assign(&(&y.row(i) - &x.row(i).dot(&beta)));
    }
    let (exact, reach) = (norm(&errors), norm(&y.to_owned()));
    // Leave-one-out errors without refits keep eight digits of themselves and ten of the targets.
    let off = C * (off + f64::EPSILON * worst * (exact + reach)) + 1e-8 * exact + 1e-10 * reach;
    let scale = (y.len() as f64).sqrt();
    close("left out", point, found.sqrt(), exact / scale, off / scale);
}

fn check_ridge(point: &Point, x: &ArrayView2<'_, f64>, y: &ArrayView2<'_, f64>, lambda: f64) -> bool {
    let svd = Svd::new(x).unwrap();
    let Some(reference) = Reference::new(&svd, x, y, Some(lambda)) else { return false };
    check_fit(point, &svd, &reference, y);
    true
}

/// Checks every point of both engines, with and without ridge, and every cell of a plane. Returns how many points had a
/// reference. The only error allowed is that of a number that does not fit.
pub fn check(x: &Array2<f64>, y: &Array2<f64>, lambda: f64) -> usize {
    let ((n, p), k) = (x.dim(), y.ncols());
    let covariance = Array2::eye(p);
    let curves = [
        Rows::new(p, k, Test::None)
            .and_then(|fit| fit.with_noise_covariance(&covariance))
            .and_then(|fit| fit.with_smallest_singular_value().with_leave_one_out())
            .and_then(|mut fit| fit.extend(x, y)),
        Columns::new(y, Test::None)
            .and_then(|fit| fit.with_noise_covariance(&covariance))
            .and_then(|fit| fit.with_smallest_singular_value().with_leave_one_out())
            .and_then(|mut fit| fit.extend(x)),
    ];
    let mut checked = 0;
    for point in curves.into_iter().filter_map(told).flatten() {
        let (x, y) = (x.slice(s![..point.n, ..point.p]), y.slice(s![..point.n, ..]));
        checked += usize::from(check_point(&point, &x, &y));
    }
    let curves = [
        Rows::new(p, k, Test::None)
            .and_then(|fit| fit.with_ridge(lambda))
            .and_then(|mut fit| fit.extend(x, y)),
        Columns::new(y, Test::None).and_then(|fit| fit.with_ridge(lambda)).and_then(|mut fit| fit.extend(x)),
    ];
    for point in curves.into_iter().filter_map(told).flatten() {
        let (x, y) = (x.slice(s![..point.n, ..point.p]), y.slice(s![..point.n, ..]));
        checked += usize::from(check_ridge(&point, &x, &y, lambda));
    }
    let sizes = |to: usize| (1..=to).step_by(3).collect::<Vec<_>>();
    let plane = Plane::new(&sizes(n), &sizes(p)).unwrap().with_smallest_singular_value();
    let requests = [Request { estimator: &MinNorm::default(), outputs: 0..k }];
    for fit in told(plane.fits(x, y, &requests)).unwrap_or_default() {
        let (x, y) = (x.slice(s![..fit.n, ..fit.p]), y.slice(s![..fit.n, ..]));
        let svd = Svd::new(&x).unwrap();
        let Some(reference) = Reference::new(&svd, &x, &y, None) else { continue };
        let at = (fit.n, fit.p, fit.engine);
        assert_eq!(fit.rank, svd.rank(), "{at:?}, {}", svd.singular_values());
        let off = norm(&(&fit.coefficients[0] - &reference.beta));
        assert!(off <= C * reference.off, "{at:?}: {off:e} for {:e}", reference.off);
        let (found, smallest) = (fit.smallest_singular_value.unwrap(), svd.smallest_nonzero().unwrap_or(0.0));
        let off = (found - smallest).abs();
        assert!(off <= (1e-11 + C * f64::EPSILON * reference.condition) * smallest, "{at:?}: {found:e}");
        checked += 1;
    }
    checked
}

fn told<T>(found: Result<T, Error>) -> Option<T> {
    match found {
        Ok(value) => Some(value),
        Err(Error::Overflow { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}
