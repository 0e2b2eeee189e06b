//! Properties that hold for every matrix, tested on random ones.

use super::random_case::{fit, for_all};
use crate::common::backends::svd;
use crate::common::exact::Exact;
use crate::common::matrices::{norm, normal, orthonormal, unit};
use double_descent::filter::Ridge;
use double_descent::svd::Backend;
use ndarray::{Array2, Axis, concatenate, s};

fn pseudoinverse(backend: &dyn Backend, x: &Array2<f64>) -> Array2<f64> {
    svd(backend, x).pseudoinverse().unwrap()
}

/// `A = X⁺` has an error of η κ relative to `‖A‖ ≤ κ`; `‖X‖` is of order 1.
#[test]
fn the_four_identities_of_moore_and_penrose() {
    for_all(200, |backend, case| {
        let x = case.x();
        let a = pseudoinverse(backend, &x);
        let (xa, ax) = (x.dot(&a), a.dot(&x));
        let bound = 2.0 * unit(&x) * case.kappa();
        assert!(norm((xa.dot(&x) - &x).view()) <= bound * norm(x.view()));
        assert!(norm((ax.dot(&a) - &a).view()) <= bound * norm(a.view()));
        assert!(norm((&xa - &xa.t()).view()) <= bound);
        assert!(norm((&ax - &ax.t()).view()) <= bound);
    });
}

/// Pseudoinverses of two matrices that are η apart differ by at most `2 η κ ‖X⁺‖` (Wedin 1973); here each of the two
/// has its own η.
#[test]
fn the_pseudoinverse_of_the_transpose_is_the_transpose_of_the_pseudoinverse() {
    for_all(200, |backend, case| {
        let x = case.x();
        let a = pseudoinverse(backend, &x);
        let transposed = pseudoinverse(backend, &x.t().to_owned());
        let off = norm((&a - &transposed.t()).view());
        assert!(off <= 4.0 * unit(&x) * case.kappa() * norm(a.view()), "{off:e}");
    });
}

/// By Weyl's inequality, singular values move by no more than the error of the matrix: here, that of forming it and of
/// factorising it.
#[test]
fn singular_values_are_the_known_ones() {
    for_all(300, |backend, case| {
        let x = case.x();
        let found = svd(backend, &x);
        assert_eq!(found.rank(), case.rank);
        let known = case.sigma().into_iter().chain(std::iter::repeat(0.0));
        for (found, known) in found.singular_values().iter().zip(known) {
            assert!((found - known).abs() <= 2.0 * unit(&x), "{found:e} for {known:e}");
        }
        let squares: f64 = found.singular_values().iter().map(|s| s * s).sum();
        let frobenius = norm(x.view());
        assert!((squares.sqrt() - frobenius).abs() <= unit(&x) * frobenius, "Σσ² = {squares}");
    });
}

/// Scaling by a power of two commutes with every rounding, so it changes no bit.
#[test]
fn powers_of_two_change_no_bit() {
    for_all(100, |backend, case| {
        let x = case.x();
        let base = svd(backend, &x);
        // From the scale where entries 1e-24 times the largest keep all their bits to that where σ₁ is barely finite.
        for power in [-940, -513, 1, 512, 1023] {
            let scale = 2f64.powi(power);
            let found = svd(backend, &(&x * scale));
            // Zero singular values are only rounding errors, which may underflow.
            let kept = |sigma: &ndarray::Array1<f64>| sigma.slice(s![..case.rank]).to_owned();
            assert_eq!(kept(found.singular_values()), kept(base.singular_values()) * scale, "2^{power}");
            assert!(found.u() == base.u() && found.vt() == base.vt(), "2^{power}");
            assert_eq!(found.rank(), base.rank());
        }
    });
}

#[test]
fn permuted_rows_and_columns_permute_the_fit() {
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let beta = fit(&svd(backend, &x), &y);
        let rows = shuffled(case.n, case.seed);
        let columns = shuffled(case.p, case.seed);
        let permuted = x.select(Axis(0), &rows).select(Axis(1), &columns);
        let found = fit(&svd(backend, &permuted), &y.select(Axis(0), &rows));
        let off = norm((found - beta.select(Axis(0), &columns)).view());
        assert!(off <= case.spread(&beta), "{off:e}, bound {:e}", case.spread(&beta));
    });
}

/// A random permutation of `0..len`.
fn shuffled(len: usize, seed: u64) -> Vec<usize> {
    let keys = normal(len, 1, seed + 20);
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|&i, &j| keys[[i, 0]].total_cmp(&keys[[j, 0]]));
    order
}

#[test]
fn rotated_features_leave_predictions() {
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let beta = fit(&svd(backend, &x), &y);
        let rotation = orthonormal(case.p, case.p, case.seed + 30);
        let rotated = fit(&svd(backend, &x.dot(&rotation)), &y);
        let test = normal(3, case.p, case.seed + 40);
        let off = norm((test.dot(&rotation).dot(&rotated) - test.dot(&beta)).view());
        // The rotation rounds as well, so it adds an η.
        assert!(off <= 2.0 * norm(test.view()) * case.spread(&beta), "{off:e}");
    });
}

/// `[X, X]/2 (a, b) = X (a + b)/2`; the shortest solution is `a = b = w` with `X w = y`.
#[test]
fn twice_the_same_features_share_the_coefficients() {
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let beta = fit(&svd(backend, &x), &y);
        let twice = concatenate(Axis(1), &[x.view(), x.view()]).unwrap() / 2.0;
        let found = fit(&svd(backend, &twice), &y);
        // The unit of a matrix with twice as many columns.
        let bound = 2.0 * case.spread(&beta);
        for half in [found.slice(s![..case.p, ..]), found.slice(s![case.p.., ..])] {
            assert!(norm((&half - &beta).view()) <= bound);
        }
    });
}

#[test]
fn rows_twice_over_leave_the_fit() {
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let beta = fit(&svd(backend, &x), &y);
        let doubled = concatenate(Axis(0), &[x.view(), x.view()]).unwrap();
        let targets = concatenate(Axis(0), &[y.view(), y.view()]).unwrap();
        let found = fit(&svd(backend, &doubled), &targets);
        assert!(norm((found - &beta).view()) <= 2.0 * case.spread(&beta));
    });
}

/// Compared with `(XᵀX)⁻¹Xᵀy` for n ≥ p and `Xᵀ(XXᵀ)⁻¹y` for n ≤ p, in 512-bit arithmetic.
#[test]
fn fits_are_those_of_the_normal_equations() {
    for_all(40, |backend, case| {
        let case = case.full_rank(10);
        let (x, y) = (case.x(), case.y());
        let exact = Exact::new(x.view(), y.view(), x.view(), y.view());
        let off = norm((fit(&svd(backend, &x), &y) - &exact.beta).view());
        assert!(off <= case.spread(&exact.beta), "{off:e}");
    });
}

/// As λ → 0, `σ/(σ² + λ)` tends to `1/σ`, with a relative error of at most `λ/σ²`.
#[test]
fn ridge_becomes_minimum_norm() {
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let found = svd(backend, &x);
        if !case.is_full_rank() {
            return; // 1/λ times the rounding errors of zero
        }
        let beta = fit(&found, &y);
        let last = found.smallest_nonzero().unwrap();
        let mut before = f64::INFINITY;
        for lambda in [1.0, 1e-3, 1e-6, 1e-9].map(|share| share * last * last) {
            let ridge = found.solve(&y, &Ridge::new(lambda).unwrap()).unwrap();
            let off = norm((ridge - &beta).view());
            // Plus the rounding errors of the two sums; the factorisation is shared.
            let share = lambda / (last * last);
            assert!(
                off <= (share + 100.0 * f64::EPSILON * case.kappa()) * norm(beta.view()),
                "{lambda:e} {off:e}"
            );
            assert!(off < before, "{lambda:e}");
            before = off;
        }
    });
}

/// Gradient descent from 0 with step size `1/σ₁² = 1`. After `k` steps, a share `(1 − 1/κ²)ᵏ` of the error remains. The
/// rounding error of each step decays at the same rate, so `κ²` of them add up.
#[test]
fn gradient_descent_converges_to_the_minimum_norm_fit() {
    for_all(60, |backend, case| {
        let case = case.full_rank(20).well_conditioned();
        let (x, y, kappa) = (case.x(), case.y(), case.kappa());
        let (mut beta, mut left) = (Array2::zeros((case.p, 2)), 1.0);
        while left > 1e-17 {
            beta = &beta + &x.t().dot(&(&y - &x.dot(&beta)));
            left *= 1.0 - 1.0 / (kappa * kappa);
        }
        let found = fit(&svd(backend, &x), &y);
        let bound = case.spread(&found) + kappa * kappa * unit(&x) * (norm(found.view()) + norm(y.view()));
        assert!(norm((&beta - &found).view()) <= bound);
    });
}

#[test]
fn projections_are_idempotent_and_complementary() {
    for_all(100, |backend, case| {
        let x = case.x();
        let found = svd(backend, &x);
        let identity = Array2::eye(x.ncols());
        let rows = found.project_row_space(&identity).unwrap();
        let null = found.project_null_space(&identity).unwrap();
        // Products of two matrices, each orthonormal to one unit.
        let bound = 4.0 * unit(&x);
        let close = |a: &Array2<f64>, b: &Array2<f64>| norm((a - b).view()) <= bound;
        assert!(close(&rows.dot(&rows), &rows) && close(&null.dot(&null), &null));
        assert!(close(&(&rows + &null), &identity));
        assert!(close(&rows.dot(&null), &Array2::zeros(identity.dim())));
        assert!(close(&rows.t().to_owned(), &rows));
        assert!((rows.diag().sum() - found.rank() as f64).abs() <= bound);
        assert!(close(&found.project_row_space(&rows).unwrap(), &rows));
    });
}
