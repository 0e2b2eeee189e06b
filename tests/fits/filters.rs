//! Filters that do not run in time: the ridge family, polynomials, distillation, starting points and transfer.

use crate::common::exact::ExactRidge;
use crate::common::matrices::{norm, normal, with_spectrum};
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, Chebyshev, DecayedFlow, GradientDescent, GradientFlow, HeavyBall, HeavyBallFlow,
    IteratedTikhonov, LeadingModes, Loss, MinNorm, Nesterov, NesterovFlow, PrincipalFlow, RegularisedFlow,
    ResidualPolynomial, Ridge, Schedule, SelfDistillation, SpectralFilter, Spectrum, Truncated, WidthScaled,
};
use double_descent::interpolants::nearest;
use double_descent::risk::{Centred, Training, optimal_mixing};
use double_descent::svd::{Cutoff, Svd};
use ndarray::{Array2, Axis, array, concatenate};
use std::sync::Arc;

fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    norm((a - b).view()) / norm(a.view()).max(norm(b.view()))
}

/// Gain and residual factor at one singular value.
fn response(filter: &dyn SpectralFilter, sigma: f64) -> (f64, f64) {
    let sigma = [sigma];
    let spectrum = Spectrum::new(1, 1, &sigma);
    let gains = filter.gains(spectrum).to_vec();
    let mut left = [f64::NAN];
    filter.write_residuals(spectrum, &gains, &mut left);
    (gains[0], left[0])
}

/// Penalties of either sign against 512-bit arithmetic, down to a thousandth above the limit. The effect of rounding
/// errors in X on the fit grows with `(σ₁² + |λ|)/(σ_r² + λ)`.
#[test]
fn ridge_of_either_sign_agrees_with_512_bits() {
    let (n, p) = (20, 6);
    let x = with_spectrum(n, p, &[3.0, 2.0, 1.5, 1.0, 0.8, 0.5], 1);
    let (y, tx, ty) = (normal(n, 2, 2), normal(9, p, 3), normal(9, 2, 4));
    let svd = Svd::new(&x).unwrap();
    for lambda in [1e3, 1.0, 1e-6, -1e-6, -0.1, -0.2, -0.249, -0.249_75] {
        let exact = ExactRidge::new(x.view(), y.view(), tx.view(), ty.view(), lambda);
        let beta = svd.solve(&y, &Ridge::new(lambda).unwrap()).unwrap();
        let off = norm((tx.dot(&beta) - &ty - &exact.errors).view());
        let moves = (9.0 + lambda.abs()) / (0.25 + lambda);
        let bound = 20.0 * f64::EPSILON * moves * norm(tx.view()) * (norm(beta.view()) + norm(y.view()));
        assert!(off <= bound, "λ = {lambda}: off by {off:e}, bound {bound:e}");
    }
}

/// With more columns than rows, the fit with a negative penalty solves its normal equations in the row space.
#[test]
fn negative_ridge_stays_in_the_row_space() {
    let (n, p) = (5, 12);
    let (x, y) = (normal(n, p, 5), normal(n, 1, 6));
    let svd = Svd::new(&x).unwrap();
    let limit = Ridge::limit(svd.spectrum()).unwrap();
    let last = svd.smallest_nonzero().unwrap();
    assert_eq!(limit, -(last * last));
    for lambda in [0.9 * limit, 0.3 * limit] {
        let beta = svd.solve(&y, &Ridge::new(lambda).unwrap()).unwrap();
        let gradient = x.t().dot(&(x.dot(&beta) - &y)) + &beta * lambda;
        let size = norm(x.view()).powi(2) * norm(beta.view());
        assert!(norm(gradient.view()) < 1e-13 * size, "{:e}", norm(gradient.view()) / size);
        assert!(norm(svd.project_null_space(&beta.t()).unwrap().view()) < 1e-13 * norm(beta.view()));
        assert!(norm(beta.view()) > norm(svd.solve(&y, &MinNorm::default()).unwrap().view()), "enlarged");
    }
    for lambda in [limit, 1.0001 * limit, -1e300] {
        match svd.solve(&y, &Ridge::new(lambda).unwrap()) {
            Err(Error::Unsupported { reason }) => {
                assert!(reason.contains(&format!("{limit:e}")), "{reason} should name {limit:e}");
            }
            other => panic!("λ = {lambda}: {other:?}"),
        }
    }
    // Modes at rounding level do not count for the limit.
    let deficient = Svd::new(&crate::common::matrices::integer_low_rank(8, 6, 3, 7)).unwrap();
    let limit = Ridge::limit(deficient.spectrum()).unwrap();
    assert!(limit < -0.1);
    assert!(deficient.solve(&normal(8, 1, 8), &Ridge::new(0.5 * limit).unwrap()).is_ok());
}

#[test]
fn the_penalty_0_is_the_minimum_norm() {
    for x in [normal(9, 4, 1), normal(4, 9, 2), crate::common::matrices::integer_low_rank(8, 6, 3, 7)] {
        let (svd, y) = (Svd::new(&x).unwrap(), normal(x.nrows(), 2, 3));
        let ridge = svd.solve(&y, &Ridge::new(0.0).unwrap()).unwrap();
        assert_eq!(ridge, svd.solve(&y, &MinNorm::default()).unwrap());
    }
    assert_eq!(Ridge::new(0.0).unwrap().penalty(), Some(0.0));
    assert_eq!((Ridge::new(2.0).unwrap().penalty(), Ridge::new(-2.0).unwrap().penalty()), (Some(2.0), None));
    // Residual factors and gains are consistent for penalties of either sign.
    for lambda in [-3.0, -1e-3, 1e-3, 3.0] {
        let (gain, left) = response(&Ridge::new(lambda).unwrap(), 2.0);
        assert!((left + 2.0 * gain - 1.0).abs() < 1e-15 * left.abs().max(1.0), "λ = {lambda}");
        assert!((left / (lambda / (4.0 + lambda)) - 1.0).abs() < 1e-15);
    }
}

/// The penalty is substituted back into the equation that it solves. The sum has rounding errors of a few ε.
#[test]
fn penalties_from_degrees_of_freedom() {
    let wide: Vec<f64> = (0..12).map(|i| 10f64.powi(-i)).collect();
    for x in [normal(30, 12, 1), normal(12, 30, 2), with_spectrum(20, 12, &wide, 3), normal(7, 7, 4) * 1e150]
    {
        let svd = Svd::new(&x).unwrap();
        let rank = svd.rank() as f64;
        for degrees in [1e-6, 0.5, 3.0, 0.5 * rank, rank - 0.1, rank, rank + 1.0, 10.0 * rank] {
            let ridge = Ridge::with_degrees_of_freedom(&svd, degrees).unwrap();
            // Fewer degrees of freedom than the rank: a positive penalty.
            assert_eq!(ridge.lambda().partial_cmp(&0.0), rank.partial_cmp(&degrees));
            let gains = ridge.gains(svd.spectrum());
            let found: f64 = gains.iter().zip(svd.singular_values()).map(|(g, s)| g * s).sum();
            // Near the limit, a change in λ changes the sum by the same relative size.
            assert!((found / degrees - 1.0).abs() < 1e-11, "{degrees} of {rank}: {found}");
        }
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Ridge::with_degrees_of_freedom(&svd, bad), Err(Error::Domain { .. })));
        }
    }
    let nothing = Svd::new(&Array2::zeros((3, 2))).unwrap();
    assert!(matches!(Ridge::with_degrees_of_freedom(&nothing, 1.0), Err(Error::Unsupported { .. })));
}

#[test]
fn penalties_that_hold_the_training_loss() {
    for x in [normal(30, 12, 1), normal(12, 30, 2), crate::common::matrices::integer_low_rank(12, 9, 4, 3)] {
        let (svd, y) = (Svd::new(&x).unwrap(), normal(x.nrows(), 2, 4));
        let loss = |ridge: &Ridge| {
            let left = x.dot(&svd.solve(&y, ridge).unwrap()) - &y;
            left.mapv(|v| v * v).mean().unwrap()
        };
        let (low, high) = (loss(&Ridge::new(0.0).unwrap()), y.mapv(|v| v * v).mean().unwrap());
        for share in [1e-6, 1e-2, 0.3, 0.9, 0.9999] {
            let wanted = low + share * (high - low);
            let ridge = Ridge::with_training_loss(&svd, &y, wanted).unwrap();
            let found = loss(&ridge);
            assert!(
                (found - wanted).abs() < 1e-11 * wanted,
                "{wanted:e}: λ = {:e} leaves {found:e}",
                ridge.lambda()
            );
        }
        for out_of_reach in [1.01 * high, 0.9 * low] {
            if out_of_reach < 1e-20 {
                continue; // an exact fit exists: every loss down to 0 has a penalty
            }
            match Ridge::with_training_loss(&svd, &y, out_of_reach) {
                Err(Error::Unsupported { reason }) => assert!(reason.contains("between"), "{reason}"),
                other => panic!("{other:?}"),
            }
        }
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Ridge::with_training_loss(&svd, &y, bad), Err(Error::Domain { .. })));
        }
    }
    let interpolates = Svd::new(&normal(5, 9, 1)).unwrap();
    let ridge = Ridge::with_training_loss(&interpolates, &normal(5, 1, 2), 0.0).unwrap();
    assert_eq!(ridge.lambda(), 0.0);
}

/// Compared with ridge on the features and a column of ones that is not penalised, by the normal equations.
#[test]
fn the_intercept_is_not_penalised() {
    let (n, p, lambda) = (15, 4, 0.7);
    let (x, y) = (normal(n, p, 1) + 5.0, normal(n, 2, 2) - 3.0);
    let centred = Centred::new(&x, &y).unwrap();
    let svd = Svd::new(centred.features()).unwrap();
    let beta = svd.solve(centred.targets(), &Ridge::new(lambda).unwrap()).unwrap();
    let rest = centred.predict(&x, &beta).unwrap() - &y;
    let sums = rest.sum_axis(ndarray::Axis(0));
    let gradient = x.t().dot(&rest) + &beta * lambda;
    let size = norm(x.view()) * norm(y.view());
    assert!(sums.iter().all(|v| v.abs() < 1e-13 * size) && norm(gradient.view()) < 1e-13 * size);
    let training = Training::with_intercept(&x, &y).unwrap();
    let (same, intercept) = training.coefficients(&Ridge::new(lambda).unwrap()).unwrap();
    assert!(distance(&same, &beta) < 1e-13);
    let right = centred.intercept(&beta).unwrap();
    assert!(intercept.unwrap().iter().zip(&right).all(|(a, b)| (a - b).abs() < 1e-12));
    let constant = Centred::new(&array![[1e16], [1e16]], &array![[3.0], [5.0]]).unwrap();
    assert_eq!(constant.features(), &array![[0.0], [0.0]]);
    let refused = |beta: f64| constant.intercept(&array![[beta]]).unwrap_err();
    assert!(matches!(refused(1e300), Error::Overflow { what: "the intercept" }));
    assert!(matches!(refused(f64::INFINITY), Error::NonFinite { what: "beta", .. }));
}

/// 1,200 rounds of `β ← β + (XᵀX + λ)⁻¹Xᵀ(y − Xβ)`, one solve per round.
#[test]
fn iterated_tikhonov_is_its_iteration() {
    for (n, p) in [(12, 5), (5, 12)] {
        let (x, y) = (normal(n, p, 1), normal(n, 2, 2));
        let (svd, lambda) = (Svd::new(&x).unwrap(), 400.0);
        let ridge = Ridge::new(lambda).unwrap();
        let mut beta = Array2::zeros((p, 2));
        for round in 1..=1200 {
            beta = &beta + &svd.solve(&(&y - &x.dot(&beta)), &ridge).unwrap();
            if [1, 2, 100, 1200].contains(&round) {
                let filter = IteratedTikhonov::new(lambda, round).unwrap();
                let far = distance(&svd.solve(&y, &filter).unwrap(), &beta);
                assert!(far < 1e-10, "{round} rounds: {far:e}");
            }
        }
    }
    // λ^k/(μ + λ)^k to 25 digits (mpmath).
    let (_, left) = response(&IteratedTikhonov::new(0.01, 2).unwrap(), 0.5_f64.sqrt());
    assert!((left / 3.844_675_124_951_941_7e-4 - 1.0).abs() < 1e-14);
    let (gain, left) = response(&IteratedTikhonov::new(1.0, 1000).unwrap(), 1e-9);
    assert!((gain / 1e-6 - 1.0).abs() < 1e-14 && left == 1.0, "{gain:e}");
}

/// Compared with 1,000 and more rounds of refits, each on the previous predictions or on a mixture with the labels.
#[test]
fn self_distillation_is_its_refits() {
    let (x, y) = (with_spectrum(12, 5, &[3.0, 2.5, 2.0, 1.0, 0.3], 1), normal(12, 2, 2));
    let (svd, lambda) = (Svd::new(&x).unwrap(), 1e-2);
    let ridge = Ridge::new(lambda).unwrap();
    let mut beta = svd.solve(&y, &ridge).unwrap();
    for fits in 2..=1100 {
        beta = svd.solve(&x.dot(&beta), &ridge).unwrap();
        if [2, 3, 50, 1100].contains(&fits) {
            let filter = SelfDistillation::new(lambda, fits).unwrap();
            let far = distance(&svd.solve(&y, &filter).unwrap(), &beta);
            assert!(far < 1e-10, "{fits} fits: {far:e}");
        }
    }
    let mixing = [0.3, -1.0, 1.7];
    let mut beta = svd.solve(&y, &ridge).unwrap();
    for xi in mixing {
        beta = svd.solve(&(&y * (1.0 - xi) + x.dot(&beta) * xi), &ridge).unwrap();
    }
    let filter = SelfDistillation::mixed(lambda, &mixing).unwrap();
    assert!(distance(&svd.solve(&y, &filter).unwrap(), &beta) < 1e-13);
    for sigma in [3.0, 0.1, 1e-3] {
        let (gain, left) = response(&filter, sigma);
        assert!((left + sigma * gain - 1.0).abs() < 1e-14, "σ = {sigma}");
    }
    assert!(matches!(SelfDistillation::new(1.0, 0), Err(Error::Domain { .. })));
    assert!(matches!(SelfDistillation::new(0.0, 2), Err(Error::Domain { .. })));
    assert!(matches!(SelfDistillation::new(1.0, usize::MAX), Err(Error::Resource { .. })));
    assert!(matches!(SelfDistillation::mixed(1.0, &[f64::NAN]), Err(Error::Domain { .. })));
    // 2²⁰ fits are the most, and the first has no mixture.
    let mixtures = vec![0.5; 1 << 20];
    assert!(SelfDistillation::mixed(1.0, &mixtures[1..]).is_ok());
    assert!(matches!(SelfDistillation::mixed(1.0, &mixtures), Err(Error::Resource { .. })));
}

/// Risk of each mixing by dense matrices: a parabola in ξ, whose vertex follows from three values.
#[test]
fn the_best_mixing_is_the_lowest_point_of_the_risk() {
    for (n, p) in [(20, 6), (6, 14)] {
        let x = normal(n, p, 1);
        let (svd, lambda) = (Svd::new(&x).unwrap(), 2.0);
        let teacher = normal(p, 2, 3);
        let root = normal(p, p, 4);
        let covariance = root.t().dot(&root);
        for noise in [0.0, 0.5, 20.0] {
            let fit = svd.solve(&Array2::eye(n), &Ridge::new(lambda).unwrap()).unwrap();
            let risk = |xi: f64| {
                let labels = Array2::eye(n) * (1.0 - xi) + x.dot(&fit) * xi;
                let student = fit.dot(&labels);
                let off = student.dot(&x.dot(&teacher)) - &teacher;
                let bias = (&off * &covariance.dot(&off)).sum();
                bias + 2.0 * noise * (&student * &covariance.dot(&student)).sum()
            };
            let (below, middle, above) = (risk(-1.0), risk(0.0), risk(1.0));
            let vertex = 0.5 * (below - above) / (below - 2.0 * middle + above);
            let xi = optimal_mixing(&svd, lambda, &teacher, &covariance, noise).unwrap().unwrap();
            assert!(
                (xi - vertex).abs() < 1e-9 * (1.0 + vertex.abs()),
                "{n} × {p}, noise {noise}: {xi}, not {vertex}"
            );
            assert!(risk(xi) <= risk(xi + 0.01) && risk(xi) <= risk(xi - 0.01));
        }
    }
    let nothing = Svd::new(&Array2::zeros((3, 2))).unwrap();
    let teacher = normal(2, 1, 1);
    assert_eq!(optimal_mixing(&nothing, 1.0, &teacher, &Array2::eye(2), 1.0).unwrap(), None);
    assert!(matches!(
        optimal_mixing(&nothing, 1.0, &teacher, &Array2::eye(2), -1.0),
        Err(Error::Domain { .. })
    ));
    assert!(matches!(
        optimal_mixing(&nothing, 1.0, &teacher, &Array2::eye(3), 1.0),
        Err(Error::Shape { .. })
    ));
}

/// Compared with 1,500 steps of the semi-iteration as its documentation states it.
#[test]
fn the_chebyshev_semi_iteration() {
    for (n, p) in [(12, 5), (5, 12)] {
        let (x, y) = (normal(n, p, 1), normal(n, 2, 2));
        let svd = Svd::new(&x).unwrap();
        for loss in [Loss::HalfSum, Loss::Mean] {
            let c = loss.curvature(n);
            let largest = c * svd.singular_values()[0].powi(2);
            // One interval that excludes the small eigenvalues, and one that excludes the largest.
            for (lower, upper) in
                [(1e-5 * largest, largest), (0.3 * largest, 0.9 * largest), (largest, largest)]
            {
                let (step, x0) = (2.0 / (upper + lower), (upper + lower) / (upper - lower));
                let (mut before, mut beta) = (Array2::zeros((p, 2)), Array2::zeros((p, 2)));
                let mut omega = 1.0;
                for k in 0..1500 {
                    omega = match k {
                        0 => 1.0,
                        1 => 1.0 / (1.0 - 1.0 / (2.0 * x0 * x0)),
                        _ => 1.0 / (1.0 - omega / (4.0 * x0 * x0)),
                    };
                    let gradient = x.t().dot(&(x.dot(&beta) - &y)) * c;
                    let next = &beta - &(gradient * (omega * step)) + (&beta - &before) * (omega - 1.0);
                    before = std::mem::replace(&mut beta, next);
                    if [0, 1, 2, 60, 1499].contains(&k) {
                        let filter = Chebyshev::new(lower, upper, k + 1, loss).unwrap();
                        let far = distance(&svd.solve(&y, &filter).unwrap(), &beta);
                        assert!(far < 1e-10, "{}: {far:e}", filter.describe());
                    }
                }
            }
        }
    }
    // Recorded to 25 digits.
    let (_, left) = response(&Chebyshev::new(0.005, 1.0, 20, Loss::HalfSum).unwrap(), 0.1);
    assert!((left + 0.111_882_882_361_706_26).abs() < 1e-13, "{left}");
    // Minimax property: T_k is at most 1 in size on the interval, so no residual factor there exceeds 1/T_k(x₀).
    let filter = Chebyshev::new(0.1, 1.0, 12, Loss::HalfSum).unwrap();
    let bound = (12.0 * (1.1_f64 / 0.9).acosh()).cosh().recip();
    for i in 0..=100 {
        let (_, left) = response(&filter, (0.1 + 0.009 * f64::from(i)).sqrt());
        assert!(left.abs() <= bound * (1.0 + 1e-12));
    }
    let svd = Svd::new(&array![[2.0]]).unwrap();
    let far = Chebyshev::new(0.5, 3.0, 9, Loss::HalfSum).unwrap(); // eigenvalue 4 exceeds 3.5
    assert!(matches!(svd.solve(&array![[1.0]], &far), Err(Error::StepTooLarge { .. })));
    for (lower, upper) in [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        assert!(matches!(Chebyshev::new(lower, upper, 3, Loss::HalfSum), Err(Error::Domain { .. })));
    }
    assert!(matches!(Chebyshev::new(1.0, 2.0, usize::MAX, Loss::HalfSum), Err(Error::Resource { .. })));
}

/// `(1 − hμ)^1000` and Chebyshev's polynomial, given by coefficients, against 1,000 steps and against the
/// semi-iteration.
#[test]
fn polynomials_are_the_iterations_they_stand_for() {
    let (x, y) = (with_spectrum(12, 5, &[2.0, 1.5, 1.0, 0.5, 0.1], 1), normal(12, 2, 2));
    let svd = Svd::new(&x).unwrap();
    let (h, k) = (2e-3, 1000_u32);
    // Binomial coefficients times (−h)ʲ. The largest is e^{4khμ} times the residual factor, e¹⁶ at μ = 4.
    let mut coefficients = vec![1.0];
    for j in 0..k {
        coefficients.push(-h * coefficients[j as usize] * f64::from(k - j) / f64::from(j + 1));
    }
    let filter = ResidualPolynomial::new(&coefficients, Loss::HalfSum).unwrap();
    let mut beta = Array2::zeros((5, 2));
    for _ in 0..k {
        beta = &beta - &(x.t().dot(&(x.dot(&beta) - &y)) * h);
    }
    let far = distance(&svd.solve(&y, &filter).unwrap(), &beta);
    assert!(far < 1e-10, "{far:e}");
    // T₃(x)/T₃(x₀) on [1, 3], x = 2 − μ, x₀ = 2: (4x³ − 3x)/26.
    let coefficients = [1.0, -45.0 / 26.0, 24.0 / 26.0, -4.0 / 26.0];
    let cubic = ResidualPolynomial::new(&coefficients, Loss::HalfSum).unwrap();
    let chebyshev = Chebyshev::new(1.0, 3.0, 3, Loss::HalfSum).unwrap();
    let [a, b] = [&cubic as &dyn SpectralFilter, &chebyshev].map(|filter| svd.solve(&y, filter).unwrap());
    assert!(distance(&a, &b) < 1e-14);
    // Residual factors stay accurate next to a root: (1 − μ/2)(1 − μ), with μ = 1 + 2⁻²⁰.
    let roots = ResidualPolynomial::new(&[1.0, -1.5, 0.5], Loss::HalfSum).unwrap();
    let sigma = [1.0 + 2f64.powi(-20)];
    let spectrum = Spectrum::new(1, 1, &sigma);
    let mut left = [0.0];
    roots.write_residuals(spectrum, &[0.0], &mut left);
    let mu = sigma[0] * sigma[0];
    assert_eq!(left[0], (1.0 - 0.5 * mu) * (1.0 - mu));
    assert!(matches!(ResidualPolynomial::new(&[], Loss::Mean), Err(Error::Empty { .. })));
    assert!(matches!(ResidualPolynomial::new(&[2.0], Loss::Mean), Err(Error::Domain { .. })));
    assert!(matches!(ResidualPolynomial::new(&[1.0, f64::NAN], Loss::Mean), Err(Error::Domain { .. })));
}

/// Computes the next iterate from the step number, the last iterate and the one before.
type Step<'a> = dyn Fn(usize, &Array2<f64>, &Array2<f64>) -> Array2<f64> + 'a;

/// 1,500 steps from a starting point; and the limit, which is the solution nearest to it.
#[test]
fn iterations_from_a_start() {
    for (n, p) in [(12, 5), (5, 12)] {
        let (x, y, start) = (normal(n, p, 1), normal(n, 2, 2), normal(p, 2, 3) * 3.0);
        let svd = Svd::new(&x).unwrap();
        let h = 1.0 / svd.singular_values()[0].powi(2);
        let gradient = |beta: &Array2<f64>| x.t().dot(&(x.dot(beta) - &y));
        let run = |step: &Step<'_>| {
            let (mut before, mut beta) = (start.clone(), start.clone());
            for k in 0..1500 {
                let next = step(k, &beta, &before);
                before = std::mem::replace(&mut beta, next);
            }
            beta
        };
        let plain = run(&|_, beta, _| beta - &(gradient(beta) * h));
        let ball = run(&|_, beta, before| beta - &(gradient(beta) * h) + (beta - before) * 0.7);
        let fast = run(&|k, beta, before| {
            let ahead = beta + &((beta - before) * (k as f64 / (k as f64 + 3.0)));
            &ahead - &(gradient(&ahead) * h)
        });
        let cases: [(Box<dyn SpectralFilter>, Array2<f64>); 3] = [
            (Box::new(GradientDescent::new(Schedule::Constant(h), 1500, Loss::HalfSum).unwrap()), plain),
            (Box::new(HeavyBall::new(h, 0.7, 1500, Loss::HalfSum).unwrap()), ball),
            (Box::new(Nesterov::new(h, 1500, Loss::HalfSum).unwrap()), fast),
        ];
        for (filter, explicit) in cases {
            let far = distance(&svd.solve_from(&y, &start, &*filter).unwrap(), &explicit);
            assert!(far < 1e-10, "{n} × {p}, {}: {far:e}", filter.describe());
        }
        let late = svd.solve_from(&y, &start, &GradientFlow::new(1e12, Loss::HalfSum).unwrap()).unwrap();
        let far = distance(&late, &nearest(&svd, &y, &start).unwrap());
        assert!(far < 1e-13, "{n} × {p}: {far:e}");
        let early = svd.solve_from(&y, &start, &GradientFlow::new(0.0, Loss::HalfSum).unwrap()).unwrap();
        assert!(distance(&early, &start) < 1e-14);
        let none = svd.solve_from(&y, &Array2::zeros((p, 2)), &Ridge::new(1.0).unwrap()).unwrap();
        assert!(distance(&none, &svd.solve(&y, &Ridge::new(1.0).unwrap()).unwrap()) < 1e-14);
        assert!(matches!(
            svd.solve_from(&y, &normal(p + 1, 2, 1), &MinNorm::default()),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            svd.solve_from(&y, &(&start * f64::NAN), &MinNorm::default()),
            Err(Error::NonFinite { .. })
        ));
    }
}

/// Ridge around a source solution satisfies its own normal equations. It tends to the source for large penalties and to
/// the nearest solution for small ones.
#[test]
fn transfer_is_ridge_around_the_source() {
    for (n, p) in [(12, 5), (5, 12)] {
        let (x, y, source) = (normal(n, p, 1), normal(n, 2, 2), normal(p, 2, 3));
        let svd = Svd::new(&x).unwrap();
        let transfer = |lambda: f64| svd.solve_from(&y, &source, &Ridge::new(lambda).unwrap()).unwrap();
        let beta = transfer(0.8);
        let gradient = x.t().dot(&(x.dot(&beta) - &y)) + (&beta - &source) * 0.8;
        assert!(norm(gradient.view()) < 1e-12 * norm(x.view()) * norm(y.view()));
        assert!(distance(&transfer(1e18), &source) < 1e-14);
        assert!(distance(&transfer(1e-14), &nearest(&svd, &y, &source).unwrap()) < 1e-11);
    }
}

#[test]
fn parameters_outside_their_domain() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(matches!(Ridge::new(bad), Err(Error::Domain { .. })));
        assert!(matches!(IteratedTikhonov::new(bad, 2), Err(Error::Domain { .. })));
        assert!(matches!(Truncated::new(bad), Err(Error::Domain { .. })));
        assert!(matches!(MinNorm::with_cutoff(Cutoff::Relative(bad)), Err(Error::Domain { .. })));
    }
    assert!(matches!(IteratedTikhonov::new(-1.0, 2), Err(Error::Domain { .. })));
}

fn all_filters() -> Vec<Box<dyn SpectralFilter>> {
    let (step, loss) = (Schedule::Constant(0.1), Loss::HalfSum);
    vec![
        Box::new(MinNorm::default()),
        Box::new(LeadingModes(3)),
        Box::new(Ridge::new(0.0).unwrap()),
        Box::new(Ridge::new(1e-40).unwrap()),
        Box::new(Ridge::new(-0.5).unwrap()),
        Box::new(IteratedTikhonov::new(1e-40, 3).unwrap()),
        Box::new(SelfDistillation::new(1e-40, 3).unwrap()),
        Box::new(GradientFlow::new(1e40, loss).unwrap()),
        Box::new(DecayedFlow::new(1e40, 1e-40, loss).unwrap()),
        Box::new(RegularisedFlow::new(1e40, 0.1, loss).unwrap()),
        Box::new(PrincipalFlow::new(1e40, 0.1, loss).unwrap()),
        Box::new(HeavyBallFlow::new(1e40, 1.0, loss).unwrap()),
        Box::new(NesterovFlow::new(1e40, loss).unwrap()),
        Box::new(GradientDescent::new(step, 50, loss).unwrap()),
        Box::new(AveragedDescent::new(0.1, 50, loss).unwrap()),
        Box::new(HeavyBall::new(0.1, 0.5, 50, loss).unwrap()),
        Box::new(Nesterov::new(0.1, 50, loss).unwrap()),
        Box::new(Chebyshev::new(1e-30, 1.5, 50, loss).unwrap()),
        Box::new(ResidualPolynomial::new(&[1.0, -0.3, -1e20], loss).unwrap()),
        Box::new(WidthScaled::new(Arc::new(GradientFlow::new(1e40, loss).unwrap()), 2.0).unwrap()),
    ]
}

/// Whatever may be rounding error has no gain, however weak the penalty or long the training.
#[test]
fn rounding_errors_have_no_gain() {
    let sigma = [1.1, 1.0, 9e-16, 8e-16, 1e-17, 0.0];
    let spectrum = Spectrum::new(4, 6, &sigma);
    assert_eq!(spectrum.rank(), 2); // 6 ε · 1.1 = 1.5e-15
    for filter in all_filters() {
        let gains = filter.gains(spectrum);
        let mut left = vec![f64::NAN; 6];
        filter.write_residuals(spectrum, gains.as_slice().unwrap(), &mut left);
        assert!(gains.iter().take(2).all(|gain| *gain > 0.0), "{filter:?}: {gains}");
        assert!(gains.iter().skip(2).all(|gain| *gain == 0.0), "{filter:?}: {gains}");
        assert_eq!(left[2..], [1.0; 4], "{filter:?}");
    }
}

/// Equal columns, and equal rows with equal or different targets: the fits of weak penalties and of long flows are the
/// minimum-norm fits.
#[test]
fn dependent_features_and_a_weak_penalty() {
    let (half, y) = (normal(9, 3, 41), normal(9, 1, 42));
    let columns = concatenate![Axis(1), half, half];
    let (rows, agree, differ) =
        (concatenate![Axis(0), half.t(), half.t()], normal(3, 1, 43), normal(6, 1, 44));
    let agree = concatenate![Axis(0), agree, agree];
    for (x, y) in [(&columns, &y), (&rows, &agree), (&rows, &differ)] {
        let svd = Svd::new(x).unwrap();
        assert_eq!(svd.rank(), 3);
        let right = svd.solve(y, &MinNorm::default()).unwrap();
        let kappa = svd.singular_values()[0] / svd.smallest_nonzero().unwrap();
        for filter in
            all_filters().into_iter().skip(2).take(10).filter(|filter| filter.check(svd.spectrum()).is_ok())
        {
            if filter.describe().contains("-5e-1") {
                continue; // a penalty that is not weak
            }
            let found = svd.solve(y, &filter).unwrap();
            let off = distance(&found, &right);
            assert!(off < 20.0 * kappa * f64::EPSILON, "{filter:?}: {off:e}");
        }
    }
}
