//! Entries at the ends of the range of an f64, zeros, NaN and infinity.

use crate::common::backends::{routes, svd};
use crate::common::matrices::{integers, normal, unit};
use double_descent::Error;
use double_descent::rng::stream;
use double_descent::svd::{Backend, Svd};
use ndarray::{Array2, array};

/// nalgebra 0.35 hangs on these inputs; LAPACK may return NaN without an error.
#[test]
fn nan_and_infinity_are_refused_by_place() {
    let mut cases = vec![
        (array![[1.0, 2.0, 3.0], [4.0, f64::INFINITY, 6.0], [7.0, 8.0, 9.0]], 1, 1),
        (array![[0.0, 0.0], [f64::NAN, f64::NAN]], 1, 0),
    ];
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (n, p) in [(3, 5), (40, 50)] {
            let mut x = normal(n, p, 9);
            x[[2, 3]] = bad;
            cases.push((x, 2, 3));
        }
    }
    for backend in routes() {
        for (x, row, column) in &cases {
            let error = Svd::with_backend(x, &backend).unwrap_err();
            let place =
                matches!(&error, Error::NonFinite { row: r, column: c, .. } if (r, c) == (row, column));
            assert!(place && error.to_string().contains(&format!("row {row}, column {column}")), "{error}");
        }
        for shape in [(0, 3), (3, 0), (0, 0)] {
            let error = Svd::with_backend(&Array2::zeros(shape), &backend).unwrap_err();
            assert!(matches!(error, Error::Empty { .. }), "{shape:?}: {error}");
        }
    }
}

/// The library faer 0.24 gets σ wrong by a third at 1e-200 and does not converge at 1e154.
#[test]
fn entries_of_any_scale() {
    for backend in routes() {
        for (n, p) in [(9, 5), (5, 9), (6, 6), (40, 36)] {
            let x = normal(n, p, 7);
            let base = svd(&backend, &x);
            for scale in [1e-300, 1e-200, 1e-154, 1e154, 1e200, 1e300] {
                let found = svd(&backend, &(&x * scale));
                // Multiplying by a scale that is not a power of two rounds each entry, which adds less than one unit.
                let off = (found.singular_values() / scale - base.singular_values()).mapv(f64::abs);
                let bound = 2.0 * unit(&x) * base.singular_values()[0];
                assert!(off.iter().all(|&v| v <= bound), "{} {scale:e}: {off}", backend.name());
            }
        }
        // Entries of very different sizes: 1e-300 counts as 0 next to 1e300.
        let found = svd(&backend, &array![[1e300, 0.0], [0.0, 1e-300]]);
        assert_eq!((found.singular_values()[0], found.rank()), (1e300, 1));
        assert!(found.singular_values()[1] <= 1e-300);
        for x in
            [array![[f64::MAX, -f64::MAX]], array![[1.7e308], [1.7e308]], Array2::from_elem((40, 40), 1e307)]
        {
            let error = Svd::with_backend(&x, &backend).unwrap_err();
            assert!(matches!(error, Error::Overflow { .. }), "{error}");
            assert!(error.to_string().contains("largest singular value"), "{error}");
        }
        assert_eq!(svd(&backend, &array![[f64::MAX]]).singular_values()[0], f64::MAX);
    }
}

#[test]
fn zeros_and_single_entries_are_exact() {
    for backend in routes() {
        for (n, p) in [(1, 1), (1, 7), (7, 1), (4, 4), (5, 9), (40, 35)] {
            let mut x = Array2::zeros((n, p));
            let found = svd(&backend, &x);
            assert!(found.singular_values().iter().all(|&s| s == 0.0));
            assert_eq!((found.rank(), found.smallest_nonzero(), found.cutoff()), (0, None, 0.0));
            assert_eq!(found.pseudoinverse().unwrap(), Array2::<f64>::zeros((p, n)));
            x[[n - 1, p / 2]] = -3.0;
            assert_eq!(svd(&backend, &x).singular_values()[0], 3.0);
        }
    }
}

#[test]
fn subnormal_entries() {
    let step = f64::from_bits(1); // 5e-324
    for backend in routes() {
        let mut rng = stream(8, 0, 0);
        for largest in [1, 9, 1_000_000] {
            for (n, p) in [(6, 4), (4, 6), (5, 5)] {
                let counts = integers(n, p, largest, &mut rng);
                let x = &counts * step;
                assert!(x.iter().all(|v| v.abs() < f64::MIN_POSITIVE));
                let (found, base) = (svd(&backend, &x), svd(&backend, &counts));
                assert_eq!((found.u(), found.vt()), (base.u(), base.vt()), "the vectors know no scale");
                for (small, &known) in found.singular_values().iter().zip(base.singular_values()) {
                    // Singular values are multiples of the smallest step, rounded once.
                    assert!((small.to_bits() as f64 - known).abs() <= 0.5, "{small:e} for {known} steps");
                }
            }
        }
        let found = svd(&backend, &array![[1e-310, 0.0], [0.0, -3e-315], [0.0, 0.0]]);
        assert_eq!(found.singular_values().to_vec(), [1e-310, 3e-315]);
        assert_eq!(svd(&backend, &array![[-step]]).singular_values()[0], step);
    }
}
