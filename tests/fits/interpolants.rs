//! Interpolants from a starting point: the nearest, the limit of gradient descent, random ones and warm starts;
//! and their risk.

use crate::common::exact::Exact;
use crate::common::laws::{ar1, test_laws};
use crate::common::matrices::{integer_low_rank, integers, norm, normal, with_spectrum};
use crate::common::monte_carlo::{Mean, Z};
use double_descent::Error;
use double_descent::filter::MinNorm;
use double_descent::interpolants::{expected_excess, nearest, random, warm_start_curve};
use double_descent::nested::{Test, feature_curve};
use double_descent::risk::{Compressed, Covariance, InterpolantRisk, Population};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, array, concatenate, s};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Penrose's conditions: the residual is orthogonal to every column (a least squares solution), and the step from the
/// start lies in the row space (the nearest one). Together they determine a unique solution.
#[test]
fn the_nearest_solution_satisfies_its_two_conditions() {
    let matrices = [
        normal(7, 20, 1),
        normal(20, 7, 2),
        normal(12, 12, 3),
        integer_low_rank(9, 14, 4, 4),
        integer_low_rank(14, 9, 4, 5),
        Array2::zeros((3, 5)),
        with_spectrum(6, 15, &[1e4, 1e3, 1.0, 0.5, 1e-2, 1e-3], 6),
    ];
    for x in matrices {
        let (n, p) = x.dim();
        let (y, start) = (normal(n, 2, 7), normal(p, 2, 8));
        let svd = Svd::new(&x).unwrap();
        let beta = nearest(&svd, &y, &start).unwrap();
        let scale = norm(x.view()) * f64::EPSILON * n.max(p) as f64;
        let step = &beta - &start;
        let residual = &y - &x.dot(&beta);
        let orthogonal = norm(x.t().dot(&residual).view());
        let size = norm(x.view()) * norm(beta.view()) + norm(y.view());
        assert!(orthogonal <= 4.0 * scale * size, "{n} × {p}: Xᵀ residual {orthogonal:e}");
        let condition = svd.smallest_nonzero().map_or(1.0, |last| svd.singular_values()[0] / last);
        let outside = norm(svd.project_null_space(&step.t()).unwrap().view());
        let rounding = n.max(p) as f64 * f64::EPSILON * condition * (norm(beta.view()) + norm(start.view()));
        assert!(outside <= rounding, "{n} × {p}: {outside:e} of the step is outside the row space");
        // It is closer than other solutions.
        if svd.rank() < p {
            let other = random(&svd, &y, 1.0, &mut stream(9, n, p)).unwrap();
            assert!(norm(step.view()) < norm((&other - &start).view()), "{n} × {p}");
        }
        let least = nearest(&svd, &y, &Array2::zeros((p, 2))).unwrap();
        assert!(norm((&least - &svd.solve(&y, &MinNorm::default()).unwrap()).view()) <= rounding);
    }
}

/// With integer data `Y − X β₀` has no rounding errors, so its 512-bit fit is exact.
#[test]
fn the_nearest_solution_agrees_with_512_bit_arithmetic() {
    let mut rng = stream(3, 0, 0);
    for (n, p) in [(5, 12), (12, 5), (8, 9), (1, 4)] {
        let x = integers(n, p, 9, &mut rng);
        let (y, start) = (integers(n, 2, 99, &mut rng), integers(p, 2, 99, &mut rng));
        let svd = Svd::new(&x).unwrap();
        assert_eq!(svd.rank(), n.min(p));
        let rest = &y - &x.dot(&start);
        let exact = &start + &Exact::new(x.view(), rest.view(), x.view(), rest.view()).beta;
        let beta = nearest(&svd, &y, &start).unwrap();
        let off = norm((&beta - &exact).view());
        let size = norm(beta.view()) + norm(start.view());
        let bound = 10.0 * svd.condition_number() * f64::EPSILON * size;
        assert!(off <= bound, "{n} × {p}: off by {off:e}, bound {bound:e}");
    }
}

#[test]
fn gradient_descent_ends_at_the_nearest_solution() {
    for (n, p) in [(4, 9), (9, 4)] {
        let sigma: Vec<f64> = (0..4).map(|i| 1.0 - 0.2 * f64::from(i)).collect();
        let x = with_spectrum(n, p, &sigma, 11);
        let (y, start) = (normal(n, 1, 12), normal(p, 1, 13));
        let mut beta = start.clone();
        // The slowest mode shrinks by 1 − 0.4² per step, and 0.84³⁰⁰ = 2e-23.
        for _ in 0..300 {
            let gradient = x.t().dot(&(x.dot(&beta) - &y));
            beta = beta - gradient;
        }
        let closed = nearest(&Svd::new(&x).unwrap(), &y, &start).unwrap();
        let off = norm((&beta - &closed).view());
        assert!(off < 1e-13 * norm(closed.view()), "{n} × {p}: {off:e}");
    }
}

/// The closed form against the mean over 4000 draws, within five standard errors; every draw interpolates.
#[test]
fn the_expected_error_of_random_interpolants_is_the_mean_over_starts() {
    let (n, p, deviation, draws) = (12, 30, 1.7, 4000);
    let x = normal(n, p, 21);
    let y = normal(n, 1, 22);
    let (tx, ty) = (normal(200, p, 23) * 0.8, normal(200, 1, 24));
    let table = Compressed::new(&tx, &ty).unwrap();
    let svd = Svd::new(&x).unwrap();
    let least = table.mean_squared_error(&svd.solve(&y, &MinNorm::default()).unwrap()).unwrap()[0];
    let expected = least + expected_excess(&svd, deviation, &table).unwrap();
    let mut rng = stream(25, 0, 0);
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..draws {
        let beta = random(&svd, &y, deviation, &mut rng).unwrap();
        assert!(norm((x.dot(&beta) - &y).view()) < 1e-12);
        let error = table.mean_squared_error(&beta).unwrap()[0];
        sum += error;
        squares += error * error;
    }
    let count = f64::from(draws);
    let mean = sum / count;
    let standard_error = ((squares / count - mean * mean) / count).sqrt();
    assert!((mean - expected).abs() < 5.0 * standard_error, "{mean} ± {standard_error} for {expected}");
    assert!(expected > least + 20.0 * standard_error);
    // The trace computed differently: G (I − X⁺X) entry by entry.
    let moments = tx.t().dot(&tx) / 200.0;
    let inside = svd.pseudoinverse().unwrap().dot(&x);
    let trace: f64 = (0..p).map(|i| moments[[i, i]] - moments.row(i).dot(&inside.column(i))).sum();
    let closed = expected_excess(&svd, 1.0, &table).unwrap();
    assert!((closed - trace / p as f64).abs() < 1e-12 * closed, "{closed} for {}", trace / p as f64);
}

#[test]
fn at_full_column_rank_the_start_does_not_matter() {
    let (x, y) = (normal(15, 6, 31), normal(15, 2, 32));
    let svd = Svd::new(&x).unwrap();
    let least = svd.solve(&y, &MinNorm::default()).unwrap();
    assert_eq!(nearest(&svd, &y, &(normal(6, 2, 33) * 1e9)).unwrap(), least);
    assert_eq!(random(&svd, &y, 1e9, &mut stream(0, 0, 0)).unwrap(), least);
    let table = Compressed::new(&x, &y).unwrap();
    assert_eq!(expected_excess(&svd, 1e9, &table).unwrap(), 0.0);
}

/// Up to the threshold, a warm start gives the minimum-norm curve; beyond it nothing changes.
#[test]
fn a_warm_start_stops_at_the_threshold() {
    let (n, p) = (20, 60);
    let x = normal(n, p, 41);
    let y = normal(n, 2, 42);
    let table = Compressed::new(&normal(300, p, 43), &normal(300, 2, 44)).unwrap();
    let sizes: Vec<usize> = (1..=p).collect();
    let warm = warm_start_curve(&x, &y, &sizes, Some(&table)).unwrap();
    let cold = feature_curve(&x, &y, Test::Rows(&table)).unwrap();
    let relative = |a: f64, b: f64| (a - b).abs() / b;
    for (warm, cold) in warm.iter().zip(&cold) {
        assert_eq!((warm.n, warm.p, warm.rank), (cold.n, cold.p, cold.rank));
        if warm.p <= n {
            assert!(relative(warm.test_mse.unwrap(), cold.test_mse.unwrap()) < 1e-9, "p = {}", warm.p);
            assert!(relative(warm.norm, cold.norm) < 1e-9);
        }
    }
    let at = &warm[n - 1];
    for later in &warm[n..] {
        assert!(relative(later.test_mse.unwrap(), at.test_mse.unwrap()) < 1e-9, "p = {}", later.p);
        assert!(relative(later.norm, at.norm) < 1e-9 && later.train_mse < 1e-18);
    }
    let last = cold.last().unwrap();
    assert!(last.test_mse.unwrap() < 0.5 * at.test_mse.unwrap() && last.norm < 0.5 * at.norm);
    // A step across the threshold starts from the columns of a fit that does not yet interpolate.
    let jump = warm_start_curve(&x, &y, &[10, 40], None).unwrap();
    let small = Svd::new(&x.slice(s![.., ..10])).unwrap().solve(&y, &MinNorm::default()).unwrap();
    let start = concatenate![ndarray::Axis(0), small, Array2::zeros((30, 2))];
    let by_hand = nearest(&Svd::new(&x.slice(s![.., ..40])).unwrap(), &y, &start).unwrap();
    assert!(relative(jump[1].norm, norm(by_hand.view())) < 1e-12);
    assert!(jump[1].norm > 1.01 * cold[39].norm);
}

#[test]
fn all_interpolants() {
    for (n, p) in [(5, 12), (11, 12), (12, 5)] {
        let x = normal(n, p, 3);
        let (svd, beta, noise) = (Svd::new(&x).unwrap(), normal(p, 1, 4), 0.6);
        for law in test_laws(p) {
            let population = Population::new(law, beta.clone(), noise).unwrap();
            let all = InterpolantRisk::new(&population, &svd).unwrap();
            let min_norm = population.given(&svd).unwrap().of(&MinNorm::default()).unwrap();
            assert!((all.min_norm() / min_norm.excess() - 1.0).abs() < 1e-12);
            assert!(all.least() <= all.min_norm() * (1.0 + 1e-12));
            assert_eq!(all.random(0.0).unwrap(), all.min_norm());
            if n >= p {
                assert_eq!((all.least(), all.random(2.0).unwrap()), (all.min_norm(), all.min_norm()));
            }
            // The mean over noise and starting points.
            let (mut rng, mut mean) = (stream(21, n, p), Mean::new());
            for _ in 0..2000 {
                let y = x.dot(&beta).mapv(|y| y + noise.sqrt() * rng.sample::<f64, _>(StandardNormal));
                let fit = random(&svd, &y, 1.5, &mut rng).unwrap();
                mean.add(population.excess(&fit).unwrap());
            }
            assert!(mean.z(all.random(1.5).unwrap()) < Z, "{n} × {p}");
        }
    }
}

/// Compared with `v tr (X Σ⁻¹ Xᵀ)⁻¹` if Σ is invertible, and with its limit otherwise.
#[test]
fn the_least_interpolant() {
    let (n, p) = (4, 9);
    let x = normal(n, p, 31);
    let svd = Svd::new(&x).unwrap();
    let risk = |sigma: &Array2<f64>| {
        let population = Population::new(Covariance::full(sigma).unwrap(), normal(p, 1, 2), 0.5).unwrap();
        InterpolantRisk::new(&population, &svd).unwrap()
    };
    let by_inverse = |sigma: &Array2<f64>| {
        let inverse = Svd::new(sigma).unwrap().pseudoinverse().unwrap();
        let whitened = x.dot(&inverse).dot(&x.t());
        0.5 * Svd::new(&whitened).unwrap().pseudoinverse().unwrap().diag().sum()
    };
    let rotated = with_spectrum(p, p, &[9.0, 5.0, 4.0, 2.0, 1.0, 0.5, 0.3, 0.1, 0.01], 5);
    for sigma in [ar1(p, 0.6), rotated.t().dot(&rotated)] {
        let (found, right) = (risk(&sigma).least(), by_inverse(&sigma));
        assert!((found / right - 1.0).abs() < 1e-10, "{found}, not {right}");
    }
    // Two directions in which no test row varies are free; with five, all noise can be fitted there.
    let projector = |rank: usize| {
        let mut values = vec![0.0; p];
        values[..rank].fill(1.0);
        Array2::from_diag(&Array1::from(values))
    };
    let nearly = |rank| projector(rank) + Array2::<f64>::eye(p) * 1e-9;
    let (found, right) = (risk(&projector(p - 2)).least(), by_inverse(&nearly(p - 2)));
    assert!((found / right - 1.0).abs() < 1e-6, "{found}, not {right}");
    assert!(risk(&projector(p - 5)).least() < 1e-24);
    // For one draw of the noise, no interpolant found by a search beats the formula's best.
    let sigma = ar1(p, 0.6);
    let population = Population::new(Covariance::full(&sigma).unwrap(), normal(p, 1, 2), 0.5).unwrap();
    let inverse = Svd::new(&sigma).unwrap().pseudoinverse().unwrap();
    let gram = Svd::new(&x.dot(&inverse).dot(&x.t())).unwrap().pseudoinverse().unwrap();
    let mut mean = Mean::new();
    let mut rng = stream(77, 0, 0);
    for _ in 0..2000 {
        let e =
            Array2::from_shape_simple_fn((n, 1), || 0.5_f64.sqrt() * rng.sample::<f64, _>(StandardNormal));
        let beta = population.teacher() + &inverse.dot(&x.t()).dot(&gram.dot(&e));
        let fitted = x.dot(&beta) - (x.dot(population.teacher()) + &e);
        assert!(norm(fitted.view()) < 1e-10, "it interpolates");
        mean.add(population.excess(&beta).unwrap());
    }
    assert!(mean.z(risk(&sigma).least()) < Z);
}

#[test]
fn input_that_is_wrong_or_extreme() {
    let (x, y) = (normal(3, 5, 51), normal(3, 1, 52));
    let svd = Svd::new(&x).unwrap();
    let shape = |what, expected, found| Some(Error::Shape { what, expected, found });
    assert_eq!(nearest(&svd, &y, &normal(4, 1, 0)).err(), shape("rows of the start", 5, 4));
    assert_eq!(nearest(&svd, &y, &normal(5, 2, 0)).err(), shape("columns of the start", 1, 2));
    assert_eq!(nearest(&svd, &normal(2, 1, 0), &normal(5, 1, 0)).err(), shape("rows of y", 3, 2));
    let mut bad = normal(5, 1, 53);
    bad[[2, 0]] = f64::NAN;
    let error = nearest(&svd, &y, &bad).unwrap_err();
    assert!(matches!(error, Error::NonFinite { what: "the start", row: 2, column: 0, .. }));
    for deviation in [-1.0, f64::NAN, f64::INFINITY] {
        let table = Compressed::new(&x, &y).unwrap();
        assert!(matches!(random(&svd, &y, deviation, &mut stream(0, 0, 0)), Err(Error::Domain { .. })));
        assert!(matches!(expected_excess(&svd, deviation, &table), Err(Error::Domain { .. })));
    }
    let narrow = Compressed::new(&normal(4, 3, 54), &normal(4, 1, 55)).unwrap();
    assert!(matches!(expected_excess(&svd, 1.0, &narrow), Err(Error::Shape { .. })));
    assert!(matches!(warm_start_curve(&x, &y, &[2], Some(&narrow)), Err(Error::Shape { .. })));
    assert!(matches!(warm_start_curve(&x, &y, &[], None), Err(Error::Empty { .. })));
    for sizes in [&[0][..], &[2, 2], &[3, 2], &[6]] {
        assert!(matches!(warm_start_curve(&x, &y, sizes, None), Err(Error::Domain { .. })), "{sizes:?}");
    }
    // Scales whose squares overflow or underflow.
    let tiny = array![[1e-200, 1e-200]];
    let beta = nearest(&Svd::new(&tiny).unwrap(), &array![[4e-200]], &array![[1.0], [-1.0]]).unwrap();
    assert!((beta[[0, 0]] - 3.0).abs() < 1e-13 && (beta[[1, 0]] - 1.0).abs() < 1e-13);
    let huge =
        nearest(&Svd::new(&array![[1.0, 1.0]]).unwrap(), &array![[0.0]], &array![[1.7e308], [1.7e308]]);
    assert!(matches!(huge, Err(Error::Overflow { .. })) || huge.unwrap().iter().all(|v| v.is_finite()));
}

#[test]
fn norms_of_warm_starts_at_the_ends_of_the_range() {
    let x = array![[1.0, 1.0], [1.0, -1.0]];
    for unit in [1.0, 1e-200, 1e150] {
        let curve = warm_start_curve(&x, &(array![[7.0], [1.0]] * unit), &[2], None).unwrap();
        // β = (4, 3), by a factorisation of condition number 1 in two dimensions.
        assert!((curve[0].norm / unit - 5.0).abs() < 1e-14, "{unit:e}: {:e}", curve[0].norm);
    }
}
