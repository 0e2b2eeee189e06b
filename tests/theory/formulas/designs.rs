//! Gaussian designs at the threshold, and the best penalty of one design.

use super::{close, within};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::mean_noise;
use double_descent::theory::{circle, gaussian, optimal_ridge};

/// Infinite values are returned as such, and values inside the threshold's window that are finite stay finite.
#[test]
fn gaussian_designs_at_the_threshold() {
    let excess = |n, p, noise| gaussian::excess(n, p, 1.0, noise).unwrap().total();
    for p in 19..=21 {
        assert_eq!(excess(20, p, 0.1), f64::INFINITY);
        assert_eq!(gaussian::effective_parameters(20, p), f64::INFINITY);
    }
    assert_eq!([excess(10, 10, 0.0), excess(9, 10, 0.0)], [0.0, 0.1]);
    assert_eq!(gaussian::excess(0, 7, 3.0, 1.0).unwrap().total(), 3.0);
    assert_eq!(gaussian::excess_variance(13, 10, 1.0, 1.0).unwrap(), f64::INFINITY);
    assert_eq!(gaussian::excess_with_intercept(21, 20, 1.0, 0.1).unwrap(), f64::INFINITY);
    assert_eq!(gaussian::limit(1.0, 2.0, 1.0).unwrap().variance, f64::INFINITY);
    assert_eq!(circle::limit(0.3, 0.3).unwrap(), f64::INFINITY);
    assert_eq!(circle::haar(4, 4, 9).unwrap(), f64::INFINITY);
    // With all rows or all columns, the error is the part that no sample sees.
    assert_eq!([circle::haar(9, 9, 9).unwrap(), circle::limit(1.0, 1.0).unwrap()], [0.0, 0.0]);
    close(circle::haar(3, 9, 9).unwrap(), 1.0 - 3.0 / 9.0);
    // The residuals of n rows span n − p dimensions; a teacher that is not seen at all counts as noise.
    assert_eq!(
        [gaussian::train_error(20, 5, 2.0).unwrap(), gaussian::train_error(5, 20, 2.0).unwrap()],
        [1.5, 0.0]
    );
    // The limit of finite sizes of one ratio, which deviate by O(1/n): n/2 over n/2 − 1 is 1 + 2/(n − 2).
    let limit = gaussian::limit(0.5, 1.0, 0.3).unwrap().total();
    for n in [1000, 1_000_000] {
        let found = gaussian::excess(n, n / 2, 1.0, 0.3).unwrap().total() / limit;
        within(found, 1.0 + 2.0 / (n as f64 - 2.0), 1e-15);
    }
    assert_eq!(mean_noise(&[1.0, 2.0, 6.0]).unwrap(), 3.0);
    let share = 0.3;
    // At p = 2n the noise counts n/(n − 1) times instead of once.
    let limit = gaussian::misspecified_limit(2.0, 1.0, share, 0.1).unwrap().total();
    for n in [10, 1000] {
        let found = gaussian::weak_features(n, 2 * n, share, 1.0 - share, 0.1).unwrap();
        within(found, limit + (0.1 + (1.0 - share)) / (n as f64 - 1.0), 1e-14);
    }
    // Fourier series: the limit, in terms of shares, is the exact value for a random unitary matrix of any size.
    for (n, p) in [(3, 7), (8, 3), (5, 11)] {
        let [samples, features] = [n, p].map(|count| count as f64 / 11.0);
        close(circle::limit(samples, features).unwrap(), circle::haar(n, p, 11).unwrap());
    }
}

/// The best penalty of one design minimises its risk, and other penalties are worse.
#[test]
fn the_best_penalty_of_a_design() {
    let (w, d, norm2, level) = ([9.0, 4.0, 1.0, 0.25], 6, 2.0, 0.5);
    // Bias plus variance at any penalty, averaged over the direction.
    let risk = |lambda: f64| {
        let each = norm2 / d as f64;
        let seen: f64 = w.iter().map(|w| (each * lambda * lambda + level * w) / (w + lambda).powi(2)).sum();
        seen + each * 2.0
    };
    let (lambda, excess) = optimal_ridge::of_design(&w, d, norm2, level).unwrap();
    close(risk(lambda), excess);
    assert!(risk(0.99 * lambda) > excess && risk(1.01 * lambda) > excess);
    // Model-wise: the optimum of the projected problem.
    let found = optimal_ridge::model_wise(60, 45, 1.5, 0.2).unwrap();
    close(found.lambda, 45.0 * found.noise / found.energy);
}

#[test]
fn penalties_that_are_none_and_thresholds_with_unseen_features() {
    assert!(MarchenkoPastur::new(1.0).unwrap().resolvent(0.0).is_err());
    assert_eq!(gaussian::weak_features(20, 19, 0.5, 0.5, 0.1).unwrap(), f64::INFINITY);
}
