//! Noise terms of many matrices in one pass, against the pseudoinverse of each.

use double_descent::Error;
use double_descent::nested::noise::{Root, Term, feature_terms, sample_terms};
use double_descent::nested::{Engine, Rows, Test};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::noise;
use ndarray::{Array2, ArrayView2, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;

fn gaussian(n: usize, p: usize, seed: usize) -> Array2<f64> {
    let mut rng = stream(11, n * 1000 + p, seed);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// Random features of several kinds, by name.
fn features(kind: &str, n: usize, p: usize, seed: usize) -> Array2<f64> {
    let images = || gaussian(n, 6, seed).dot(&gaussian(6, p, seed + 100));
    match kind {
        "gaussian" => gaussian(n, p, seed),
        "relu" => images().mapv(|v| v.max(0.0)),
        "fourier" => images().mapv(|v| (0.4 * v).cos()),
        // Condition numbers of 1e9 and more: columns decay by nine orders of magnitude, then are mixed.
        "graded" => {
            let decay = |j: usize| 10f64.powf(-9.0 * j as f64 / (p - 1) as f64);
            let scales = Array2::from_shape_fn((1, p), |(_, j)| decay(j));
            (gaussian(n, p, seed) * scales).dot(&gaussian(p, p, 7))
        }
        // Columns that are zero, dependent or repeated, and repeated rows.
        _ => {
            let mut x = gaussian(n, p, seed);
            x.column_mut(1).fill(0.0);
            let sum = &x.column(0) + &x.column(2);
            x.column_mut(3).assign(&sum);
            let row = x.row(1).to_owned();
            x.row_mut(4).assign(&row);
            x
        }
    }
}

fn covariance(p: usize) -> Array2<f64> {
    let x = gaussian(3 * p, p, 5) + 0.5;
    x.t().dot(&x) / (3 * p) as f64
}

/// Checks a term against the pseudoinverse. Both are backward stable: exact for a matrix perturbed by a few `max(n, p)
/// ε ‖X‖`, which changes `X⁺` by κ times as much.
fn check(what: &str, term: Term, x: &ArrayView2<'_, f64>, root: Option<&Array2<f64>>) {
    let svd = Svd::new(x).unwrap();
    let inverse = svd.pseudoinverse().unwrap();
    let image = root.map_or_else(|| inverse.clone(), |root| root.dot(&inverse));
    let expected = image.iter().map(|v| v * v).sum::<f64>();
    assert_eq!(term.rank, svd.rank(), "{what}");
    if svd.rank() == 0 {
        assert_eq!(term.noise, 0.0, "{what}");
        return;
    }
    let norm = |x: &Array2<f64>| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let alignment = root.map_or(1.0, |root| norm(root) * norm(&inverse) / norm(&image));
    let condition = svd.singular_values()[0] / svd.singular_values()[svd.rank() - 1];
    let bound = 4.0 * x.nrows().max(x.ncols()) as f64 * f64::EPSILON * condition * alignment;
    let off = (term.noise / expected - 1.0).abs();
    assert!(off <= bound, "{what}: {} is off {expected} by {off:e}, bound {bound:e}", term.noise);
}

const KINDS: [&str; 5] = ["gaussian", "relu", "fourier", "graded", "deficient"];

#[test]
fn every_point_agrees_with_the_pseudoinverse() {
    for (n, p) in [(25, 9), (9, 25), (12, 12), (6, 5), (40, 33)] {
        let sigma = covariance(p);
        let root = Root::from_covariance(&sigma).unwrap();
        let factor = Svd::new(&sigma).unwrap();
        let factor = factor.vt() * &factor.singular_values().mapv(f64::sqrt).insert_axis(ndarray::Axis(1));
        for kind in KINDS {
            let xs: Vec<_> = (0..3).map(|seed| features(kind, n, p, seed)).collect();
            let views: Vec<_> = xs.iter().map(|x| x.view()).collect();
            for (root, factor) in [(&Root::identity(), None), (&root, Some(&factor))] {
                let rows = sample_terms(&views, &[root]).unwrap();
                let columns = feature_terms(&views, &[root]).unwrap();
                for (seed, x) in xs.iter().enumerate() {
                    assert_eq!((rows[seed].len(), columns[seed].len()), (n, p));
                    for (i, &term) in rows[seed].iter().enumerate() {
                        check(&format!("{kind}, row {i} of {n} × {p}"), term, &x.slice(s![..=i, ..]), factor);
                    }
                    for (j, &term) in columns[seed].iter().enumerate() {
                        let factor = factor.map(|_| leading(&sigma, j + 1));
                        let what = format!("{kind}, column {j} of {n} × {p}");
                        check(&what, term, &x.slice(s![.., ..=j]), factor.as_ref());
                    }
                }
            }
        }
    }
}

/// A root of the leading block of `sigma`.
fn leading(sigma: &Array2<f64>, p: usize) -> Array2<f64> {
    let svd = Svd::new(&sigma.slice(s![..p, ..p])).unwrap();
    svd.vt() * &svd.singular_values().mapv(f64::sqrt).insert_axis(ndarray::Axis(1))
}

#[test]
fn a_matrix_does_not_depend_on_its_neighbours() {
    for (n, p) in [(20, 6), (6, 20)] {
        let roots: Vec<Root> =
            (0..11).map(|seed| Root::from_features(&gaussian(2 * p, p, 50 + seed)).unwrap()).collect();
        let roots: Vec<&Root> = roots.iter().collect();
        let xs: Vec<_> = (0..11).map(|seed| features(KINDS[seed % 5], n, p, seed)).collect();
        let views: Vec<_> = xs.iter().map(|x| x.view()).collect();
        for terms in [sample_terms, feature_terms] {
            let together = terms(&views, &roots).unwrap();
            for (index, curve) in together.iter().enumerate() {
                let alone = terms(&views[index..=index], &roots[index..=index]).unwrap();
                assert!(alone[0] == *curve, "{index}, {n} × {p}");
            }
        }
    }
}

#[test]
fn well_conditioned_points_stay_with_the_triangle() {
    let x = gaussian(40, 12, 0);
    for curves in
        [sample_terms(&[x.view()], &[&Root::identity()]), feature_terms(&[x.t()], &[&Root::identity()])]
    {
        assert!(curves.unwrap()[0].iter().all(|term| term.engine == Engine::Nested));
    }
    let x = features("deficient", 40, 12, 0);
    let curve = &sample_terms(&[x.view()], &[&Root::identity()]).unwrap()[0];
    assert!(curve[12..].iter().all(|term| term.engine == Engine::Svd && term.rank == 10));
}

#[test]
fn scale_does_not_matter() {
    let (x, sigma) = (gaussian(9, 5, 3), covariance(5));
    let noise = |x: &Array2<f64>, sigma: &Array2<f64>| {
        let root = Root::from_covariance(sigma).unwrap();
        [sample_terms, feature_terms].map(|terms| terms(&[x.view()], &[&root]).unwrap()[0][4].noise)
    };
    let plain = noise(&x, &sigma);
    // Multiplying x by 2^e and Σ by 4^e must not change a bit of the term.
    for e in [-480, 480] {
        let factor = 2f64.powi(e);
        assert_eq!(noise(&(&x * factor), &(&sigma * factor * factor)), plain, "2^{e}");
    }
    let overflow = sample_terms(&[(&x * 1e-200).view()], &[&Root::identity()]);
    assert_eq!(overflow.unwrap_err(), Error::Overflow { what: "the noise term" });
    let tiny = sample_terms(&[array![[5e-324]].view()], &[&Root::from_covariance(&array![[0.0]]).unwrap()]);
    assert_eq!(tiny.unwrap()[0][0].noise, 0.0);
}

/// Later rows, columns and second moments do not affect a point, whatever their size.
#[test]
fn points_are_not_small_beside_what_follows() {
    let identity = Root::identity();
    let close = |found: Term, rank: usize, noise: f64, what: &str| {
        assert_eq!(found.rank, rank, "{what}: {found:?}");
        assert!((found.noise - noise).abs() <= 8.0 * f64::EPSILON * noise, "{what}: {found:?}");
        assert!(found.noise.is_sign_positive(), "{what}: {found:?}");
    };
    for huge in [1e308, 1e200, 1e165, 1e150, 1e100] {
        let what = format!("{huge:e}");
        // ‖X⁺‖² of (2, 0), then of diag(2, 4); then the first direction is below the cutoff and drops out.
        let x = array![[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, huge]];
        let y = gaussian(4, 3, 1);
        for curves in [
            sample_terms(&[y.view(), x.view(), y.view()], &[&identity]),
            feature_terms(&[y.t(), x.t(), y.t()], &[&identity]),
        ] {
            let curves = curves.unwrap();
            let curve = &curves[1];
            let zero = Term { noise: 0.0, rank: 0, engine: Engine::Svd };
            assert!(curve[0] == zero && curve[0].noise.is_sign_positive(), "{curve:?}");
            close(curve[1], 1, 0.25, &what);
            close(curve[2], 2, 0.3125, &what);
            let last = (1.0 / huge) * (1.0 / huge);
            assert_eq!(curve[3].rank, 1, "{what}");
            assert!((curve[3].noise - last).abs() <= 8.0 * f64::EPSILON * last, "{what}: {curve:?}");
            for other in [0, 2] {
                assert!(curves[other].iter().all(|term| term.engine == Engine::Nested));
            }
        }
        // Huge second moments of later features, with and without columns for them. Beyond a ratio of 1e300, the root
        // is only as accurate as ‖Σ‖ allows.
        if huge > 1e140 {
            continue;
        }
        let sigma = Array2::from_diag(&array![9.0 * (1.0 / huge), huge]);
        let root = Root::from_covariance(&sigma).unwrap();
        let expected = 2.25 * (1.0 / huge);
        let curve = &feature_terms(&[array![[2.0, 1.0]].view()], &[&root]).unwrap()[0];
        close(curve[0], 1, expected, &what);
        let curve = &sample_terms(&[array![[2.0]].view()], &[&root]).unwrap()[0];
        close(curve[0], 1, expected, &what);
    }
}

#[test]
fn roots_have_their_covariance() {
    let x = gaussian(30, 8, 1);
    let sigma = x.t().dot(&x) / 30.0;
    let (from_sigma, from_x) = (Root::from_covariance(&sigma).unwrap(), Root::from_features(&x).unwrap());
    let design = gaussian(12, 8, 2);
    let of = |root: &Root| sample_terms(&[design.view()], &[root]).unwrap().remove(0);
    for (a, b) in of(&from_sigma).iter().zip(of(&from_x)) {
        assert!((a.noise / b.noise - 1.0).abs() < 1e-10, "{a:?} {b:?}");
    }
    assert_eq!((Root::identity().dimension(), from_x.dimension()), (None, Some(8)));
    // One feature that is always zero, and one that repeats another.
    let mut x = x;
    x.column_mut(2).fill(0.0);
    let third = x.column(3).to_owned();
    x.column_mut(5).assign(&third);
    let sigma = x.t().dot(&x) / 30.0;
    let svd = Svd::new(&sigma).unwrap();
    let factor = svd.vt() * &svd.singular_values().mapv(f64::sqrt).insert_axis(ndarray::Axis(1));
    let root = Root::from_covariance(&sigma).unwrap();
    for (i, term) in of(&root).into_iter().enumerate() {
        check(&format!("row {i}"), term, &design.slice(s![..=i, ..]), Some(&factor));
    }
}

#[test]
fn wrong_input_is_named() {
    let (x, identity) = (gaussian(4, 3, 0), Root::identity());
    let error = |xs: &[ArrayView2<'_, f64>], roots: &[&Root]| {
        let [a, b] = [sample_terms, feature_terms].map(|terms| terms(xs, roots).unwrap_err());
        assert_eq!(a.to_string(), b.to_string());
        a
    };
    assert!(matches!(error(&[], &[&identity]), Error::Empty { .. }));
    assert!(matches!(error(&[x.slice(s![..0, ..])], &[&identity]), Error::Empty { .. }));
    assert!(matches!(error(&[x.view(), x.t()], &[&identity]), Error::Shape { .. }));
    assert!(matches!(error(&[x.view()], &[]), Error::Shape { expected: 1, found: 0, .. }));
    assert!(matches!(error(&[x.view()], &[&identity; 2]), Error::Shape { .. }));
    let small = Root::from_covariance(&Array2::eye(2)).unwrap();
    assert!(matches!(error(&[x.view()], &[&small]), Error::Shape { expected: 3, found: 2, .. }));
    let mut nan = x.clone();
    nan[[2, 1]] = f64::NAN;
    assert!(matches!(error(&[nan.view()], &[&identity]), Error::NonFinite { row: 2, column: 1, .. }));
    let root = |sigma: &Array2<f64>| Root::from_covariance(sigma).unwrap_err();
    assert!(matches!(root(&array![[1.0, 2.0], [0.0, 1.0]]), Error::Domain { .. }));
    assert!(matches!(root(&array![[1.0, 2.0], [2.0, 1.0]]), Error::Domain { .. }));
    assert!(matches!(root(&array![[-1.0]]), Error::Domain { .. }));
    assert!(matches!(root(&array![[1.0, 2.0]]), Error::Shape { .. }));
    assert!(matches!(root(&Array2::zeros((0, 0))), Error::Empty { .. }));
    assert!(matches!(Root::from_features(&Array2::zeros((0, 3))), Err(Error::Empty { .. })));
}

/// Means over repeats against exact values for Gaussian features, if the variance over designs is finite.
#[test]
fn means_are_those_of_theory() {
    const REPEATS: usize = 400;
    let (fixed, largest) = (6, 24);
    let identity = Root::identity();
    let designs: Vec<_> = (0..REPEATS).map(|seed| gaussian(largest, largest, seed)).collect();
    let rows: Vec<_> = designs.iter().map(|x| x.slice(s![.., ..fixed])).collect();
    let columns: Vec<_> = designs.iter().map(|x| x.slice(s![..fixed, ..])).collect();
    let curves = [sample_terms(&rows, &[&identity]).unwrap(), feature_terms(&columns, &[&identity]).unwrap()];
    for (axis, curves) in curves.iter().enumerate() {
        for i in 1..=largest {
            let (n, p) = if axis == 0 { (i, fixed) } else { (fixed, i) };
            let mean = curves.iter().map(|curve| curve[i - 1].noise).sum::<f64>() / REPEATS as f64;
            let error = (noise::gaussian_variance(n, p) / REPEATS as f64).sqrt();
            if error.is_finite() {
                let off = (mean - noise::gaussian(n, p)).abs();
                assert!(off <= 5.0 * error, "n = {n}, p = {p}: {mean} is off by {off}, error {error}");
            }
            assert!(mean >= noise::lower_bound(n, p), "n = {n}, p = {p}");
        }
    }
}

/// On the sphere of radius `√p`, the mean is known for `p ≥ n + 2`.
#[test]
fn means_on_the_sphere() {
    const REPEATS: usize = 400;
    let p = 12;
    let identity = Root::identity();
    let designs: Vec<_> = (0..REPEATS)
        .map(|seed| {
            let mut x = gaussian(p, p, seed);
            for mut row in x.rows_mut() {
                let factor = (p as f64 / row.dot(&row)).sqrt();
                row *= factor;
            }
            x
        })
        .collect();
    let views: Vec<_> = designs.iter().map(|x| x.view()).collect();
    let curves = sample_terms(&views, &[&identity]).unwrap();
    for n in 1..=7 {
        let values: Vec<f64> = curves.iter().map(|curve| curve[n - 1].noise).collect();
        let mean = values.iter().sum::<f64>() / REPEATS as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (REPEATS - 1) as f64;
        let off = (mean - noise::sphere(n, p).unwrap()).abs();
        assert!(off <= 5.0 * (variance / REPEATS as f64).sqrt() + 1e-14, "n = {n}: {mean}");
        assert!(mean >= noise::lower_bound(n, p) * (1.0 - 1e-14), "n = {n}");
    }
}

/// The engine for a single problem gives the same terms.
#[test]
fn rows_and_columns_of_one_problem_agree() {
    let (x, sigma) = (gaussian(14, 9, 8), covariance(9));
    let root = Root::from_covariance(&sigma).unwrap();
    let terms = sample_terms(&[x.view()], &[&root]).unwrap().remove(0);
    let mut rows = Rows::new(9, 1, Test::None).unwrap().with_noise_covariance(&sigma).unwrap();
    for (row, term) in x.rows().into_iter().zip(terms) {
        let point = rows.push(&row, &array![0.0]).unwrap();
        assert_eq!(point.rank, term.rank);
        let condition = Svd::new(&x.slice(s![..point.n, ..])).unwrap().condition_number();
        assert!((point.noise.unwrap() / term.noise - 1.0).abs() < 1e3 * condition * f64::EPSILON);
    }
}
