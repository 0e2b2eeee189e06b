//! What every backend promises besides accurate factorisations (see `suite`): any memory order, one triangle, batches
//! bitwise equal to single calls, and a rank that follows its cutoff. Also tests how broken promises are caught.

use crate::common::backends::{backends, svd};
use crate::common::matrices::*;
use double_descent::Error;
use double_descent::risk::Compressed;
use double_descent::svd::{Backend, Cutoff, DivideAndConquer, RawSvd, Route, Svd};
use ndarray::{Array1, Array2, ArrayView2, Axis, array, s};

#[test]
fn any_order_of_memory() {
    for backend in backends() {
        let backend = &*backend;
        // Sizes on both sides of Jacobi's limit of 32.
        let shapes = [(12, 5), (8, 8), (5, 12), (32, 40), (33, 33), (40, 31), (150, 140), (60, 170)];
        for (seed, &(n, p)) in (0..).zip(&shapes) {
            let x = normal(n, p, seed);
            assert_thin_svd(&x, &svd(backend, &x), &format!("{} {n} × {p}", backend.name()));
            // Column-major, then with both axes reversed: other memory orders.
            let mut other = x.t().as_standard_layout().into_owned().reversed_axes();
            assert_thin_svd(&other, &svd(backend, &other), "column-major");
            other.invert_axis(Axis(0));
            other.invert_axis(Axis(1));
            assert_thin_svd(&other, &svd(backend, &other), "reversed");
        }
    }
}

/// `RᵀR = XᵀX` determines `R` up to the signs of its rows.
#[test]
fn the_triangle() {
    for backend in backends() {
        let backend = &*backend;
        for (n, p) in [(30, 7), (7, 7), (4, 9), (200, 40), (1, 3), (3, 1)] {
            let x = normal(n, p, 11) / 8.0;
            let r = backend.triangle(x.view()).unwrap();
            assert_eq!(r.dim(), (n.min(p), p));
            assert!(r.indexed_iter().all(|((i, j), &v)| i <= j || v == 0.0));
            let off = norm((r.t().dot(&r) - x.t().dot(&x)).view());
            assert!(off <= 2.0 * unit(&x) * norm(x.view()).powi(2), "{n} × {p}: {off:e}");
        }
    }
}

#[test]
fn many_is_one_by_one() {
    for backend in backends() {
        let backend = &*backend;
        let equal: Vec<_> = (0..21).map(|seed| normal(9, 4, seed)).collect();
        let wide: Vec<_> = (0..9).map(|seed| normal(4, 11, seed)).collect();
        // Matrices that take different amounts of work, some of which need the second route.
        let mut hard = equal.clone();
        hard[1] = Array2::zeros((9, 4));
        hard[3] = Array2::ones((9, 4));
        hard[4] = &equal[4] * &array![1.0, 1e-9, 1e-200, 1e3];
        hard[9] = Array2::from_shape_fn((9, 4), |(i, j)| if i == j { 1.0 } else { 0.0 });
        hard[12] = &equal[12] * 1e-310;
        let mut mixed = equal.clone();
        mixed[2] = normal(5, 5, 1);
        mixed[11] = normal(40, 50, 1);
        for list in [&equal, &wide, &hard, &mixed] {
            for (from, to) in [(0, list.len()), (0, 1), (1, 8), (2, 9), (0, 9), (3, list.len() - 1)] {
                same_bits(&list[from..to], backend);
            }
            let reversed: Vec<_> = list.iter().rev().cloned().collect();
            same_bits(&reversed, backend);
        }
        let mut bad = equal;
        bad[0][[3, 1]] = f64::NAN;
        bad[7][[8, 2]] = f64::INFINITY;
        bad[8] = Array2::zeros((0, 4));
        bad[20].fill(f64::MAX);
        same_bits(&bad, backend);
        let errors: Vec<_> = Svd::many(&views(&bad), backend).into_iter().map(Result::err).collect();
        assert!(matches!(errors[0], Some(Error::NonFinite { row: 3, column: 1, .. })));
        assert!(matches!(errors[7], Some(Error::NonFinite { row: 8, column: 2, .. })));
        assert!(matches!(errors[8], Some(Error::Empty { .. })));
        assert!(matches!(errors[20], Some(Error::Overflow { .. })));
        assert_eq!(errors.iter().flatten().count(), 4);
        assert!(Svd::many(&[], backend).is_empty());
    }
}

fn views(xs: &[Array2<f64>]) -> Vec<ArrayView2<'_, f64>> {
    xs.iter().map(|x| x.view()).collect()
}

fn same_bits(xs: &[Array2<f64>], backend: &dyn Backend) {
    let bits = |x: &Array2<f64>| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let together = Svd::many(&views(xs), backend);
    assert_eq!(together.len(), xs.len());
    for (place, (x, many)) in xs.iter().zip(together).enumerate() {
        match (many, Svd::with_backend(x, backend)) {
            (Ok(many), Ok(alone)) => {
                assert_eq!(bits(many.u()), bits(alone.u()), "{} {place}", backend.name());
                assert_eq!(bits(many.vt()), bits(alone.vt()), "{} {place}", backend.name());
                assert_eq!(many.singular_values(), alone.singular_values());
                assert_eq!((many.rank(), many.cutoff()), (alone.rank(), alone.cutoff()));
            }
            // NaN is not equal to itself, so compare the messages.
            (Err(many), Err(alone)) => assert_eq!(many.to_string(), alone.to_string()),
            (many, alone) => panic!("{place}: {many:?} together, {alone:?} alone"),
        }
    }
}

#[test]
fn a_singular_value_at_the_cutoff_does_not_count() {
    let x = Array2::from_diag(&Array1::from(vec![4.0, 2.0, 1.0, 0.0]));
    for backend in backends() {
        let found = svd(&*backend, &x);
        assert_eq!(found.singular_values().to_vec(), [4.0, 2.0, 1.0, 0.0]);
        assert_eq!((found.rank(), found.cutoff()), (3, 4.0 * f64::EPSILON * 4.0));
        let rank = |cutoff| found.clone().with_cutoff(cutoff).unwrap().rank();
        assert_eq!(rank(Cutoff::Absolute(1.0)), 2);
        assert_eq!(rank(Cutoff::Absolute(1f64.next_down())), 3);
        assert_eq!(rank(Cutoff::Absolute(0.0)), 3);
        assert_eq!(rank(Cutoff::Relative(0.5)), 1);
        assert_eq!(rank(Cutoff::Relative(0.25)), 2);
        assert_eq!(rank(Cutoff::Relative(1.0)), 0);
        // The projections and the pseudoinverse follow the cutoff.
        let cut = found.clone().with_cutoff(Cutoff::Absolute(1.0)).unwrap();
        let diagonal = |x: Array2<f64>| x.diag().to_vec();
        assert_eq!(diagonal(cut.pseudoinverse().unwrap()), [0.25, 0.5, 0.0, 0.0]);
        assert_eq!(diagonal(cut.project_row_space(&Array2::eye(4)).unwrap()), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(cut.smallest_nonzero(), Some(2.0));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let error = found.clone().with_cutoff(Cutoff::Relative(bad)).unwrap_err();
            assert!(matches!(error, Error::Domain { .. }), "{error}");
        }
    }
}

#[test]
fn rows_of_another_length_cannot_be_projected() {
    let found = Svd::new(&normal(4, 3, 1)).unwrap();
    for error in [found.project_row_space(&normal(2, 4, 1)), found.project_null_space(&normal(2, 2, 1))] {
        assert!(matches!(error, Err(Error::Shape { expected: 3, .. })));
    }
}

/// A backend with the wrong batches and triangles.
#[derive(Debug)]
struct Careless(Turn);

type Turn = fn(Array2<f64>) -> Result<Array2<f64>, String>;

impl Backend for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        DivideAndConquer.factorise(x, route)
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let mut results = DivideAndConquer.factorise_many(xs);
        results.truncate(2);
        results
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        (self.0)(DivideAndConquer.triangle(x)?)
    }
}

#[test]
fn fewer_results_than_matrices_are_errors_for_the_rest() {
    let xs: Vec<_> = (0..5).map(|seed| normal(4, 3, seed)).collect();
    let results = Svd::many(&views(&xs), &Careless(Ok));
    assert_eq!(results.len(), 5);
    assert!(results[..2].iter().all(Result::is_ok));
    for result in &results[2..] {
        let error = result.as_ref().unwrap_err();
        assert!(matches!(error, Error::Backend { name: "careless", .. }), "{error}");
        assert!(error.to_string().contains("fewer factorisations"), "{error}");
    }
}

#[test]
fn a_wrong_triangle_is_an_error() {
    let (x, y) = (normal(20, 3, 1), normal(20, 1, 2));
    assert!(Compressed::with_backend(&x, &y, &Careless(Ok)).is_ok());
    let lies: [Turn; 6] = [
        |_| Err("no".into()),
        |r| Ok(r * f64::NAN),
        |r| Ok(r * (1.0 + 1e-8)),
        |r| Ok(r.slice(s![1.., ..]).to_owned()),
        |r| Ok(r.slice(s![.., 1..]).to_owned()),
        |_| Ok(Array2::zeros((0, 0))),
    ];
    for lie in lies {
        let error = Compressed::with_backend(&x, &y, &Careless(lie)).unwrap_err();
        assert!(matches!(error, Error::Backend { name: "careless", .. }), "{error}");
    }
}
