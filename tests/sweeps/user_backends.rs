//! Backends of the user: some panic, one stores its results backwards.

use super::user_code::table;
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::filter::MinNorm;
use double_descent::nested::Engine;
use double_descent::risk::{Compressed, Covariance, Population};
use double_descent::svd::{
    Backend, CosineDevice, DivideAndConquer, Jacobi, RawProjection, RawSvd, Route, Svd,
};
use double_descent::sweep::{Arm, Sweep};
use ndarray::{Array1, Array2, ArrayView2, s};
use std::sync::Arc;

/// The Jacobi backend, except that it panics on matrices with this many rows.
#[derive(Debug)]
struct PanicsOn {
    rows: usize,
    also_the_second_way: bool,
}

impl Backend for PanicsOn {
    fn name(&self) -> &'static str {
        "own"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        let panics = x.nrows() == self.rows && (route == Route::First || self.also_the_second_way);
        assert!(!panics, "{} rows", self.rows);
        Jacobi.factorise(x, route)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        Jacobi.triangle(x)
    }
}

#[test]
fn a_backend_that_panics_costs_its_cells() {
    let sweep = |rows, also_the_second_way| Sweep {
        backend: Arc::new(PanicsOn { rows, also_the_second_way }),
        engine: Some(Engine::Svd),
        arms: vec![Arm::unablated()],
        ..Sweep::new(table(30, 5), 1..=20, 3, 0)
    };
    let mended = sweep(9, false).run().unwrap();
    assert!(mended.failures.is_empty() && mended.cells.len() == 60);
    let found = sweep(9, true).run().unwrap();
    assert_eq!((found.cells.len(), found.failures.len()), (57, 3));
    for failure in &found.failures {
        assert_eq!(failure.n, 9);
        assert!(
            matches!(&failure.error, Error::Backend { name: "own", reason } if reason.contains("it panicked: 9 rows"))
        );
    }
    let x = table(9, 4).features().clone();
    assert!(matches!(
        Svd::with_backend(&x, &PanicsOn { rows: 9, also_the_second_way: true }),
        Err(Error::Backend { name: "own", .. })
    ));
}

/// The factorisations of [`DivideAndConquer`] with every array stored backwards or strided; the values are right.
#[derive(Debug)]
struct Backwards;

/// Stores a matrix backwards along both axes.
fn backwards(matrix: &Array2<f64>) -> Array2<f64> {
    let turned: Array2<f64> = matrix.slice(s![..;-1, ..;-1]).as_standard_layout().into_owned();
    let same = turned.slice_move(s![..;-1, ..;-1]);
    assert!(same == *matrix && same.as_slice().is_none() && same.t().as_slice().is_none());
    same
}

impl Backend for Backwards {
    fn name(&self) -> &'static str {
        "backwards"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        let RawSvd { u, sigma, vt } = DivideAndConquer.factorise(x, route)?;
        let ascending: Array1<f64> = sigma.iter().rev().copied().collect();
        Ok(RawSvd { u: backwards(&u), sigma: ascending.slice_move(s![..;-1]), vt: backwards(&vt) })
    }

    fn project_many(
        &self,
        xs: &[Array2<f64>],
        targets: &[Array2<f64>],
    ) -> Vec<Result<RawProjection, String>> {
        let turned = |raw: RawProjection| {
            let ascending: Array1<f64> = raw.sigma.iter().rev().copied().collect();
            RawProjection {
                sigma: ascending.slice_move(s![..;-1]),
                vt: backwards(&raw.vt),
                along: backwards(&raw.along),
                rest: backwards(&raw.rest),
            }
        };
        DivideAndConquer.project_many(xs, targets).into_iter().map(|raw| raw.map(turned)).collect()
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        DivideAndConquer.triangle(x).map(|r| backwards(&r))
    }
}

/// No layout of what a backend returns is wrong.
#[test]
fn a_backend_may_store_its_results_in_any_order() {
    let data = table(30, 8);
    let (x, y) =
        (data.features().slice(s![..6, ..]).to_owned(), data.targets().slice(s![..6, ..]).to_owned());
    let [turned, plain] = [&Backwards as &dyn Backend, &DivideAndConquer].map(|backend| {
        let svd = Svd::with_backend(&x, backend).unwrap();
        let beta = svd.solve(&y, &MinNorm::default()).unwrap();
        let covariance = Covariance::isotropic(8, 1.0).unwrap();
        let population = Population::new(covariance, beta.clone(), 0.1).unwrap();
        let given = population.given(&svd).unwrap().of(&MinNorm::default()).unwrap();
        let compressed = Compressed::with_backend(data.features(), data.targets(), backend).unwrap();
        (
            svd.spectrum().singular_values().to_vec(),
            given,
            compressed.mean_squared_error(&beta).unwrap(),
            beta,
        )
    });
    assert_eq!(turned, plain);
    let sweep = |backend: Arc<dyn Backend>, arms: Vec<Arm>, samples: &[usize]| {
        let metrics = vec![Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::LeaveOneOut];
        let engine = Some(Engine::Svd);
        let sweep =
            Sweep { backend, engine, arms, metrics, ..Sweep::new(table(30, 8), samples.to_vec(), 3, 0) };
        sweep.run().unwrap().cells
    };
    // A ridge has leave-one-out errors of its own; ablations read V.
    for arms in [vec![Arm::min_norm()], vec![Arm::ridge(0.1).unwrap()]] {
        let [turned, plain] = [Arc::new(Backwards) as Arc<dyn Backend>, Arc::new(DivideAndConquer)]
            .map(|backend| sweep(backend, arms.clone(), &[2, 5, 8, 12]));
        assert_eq!(turned, plain);
    }
    let ablated = |backend: Arc<dyn Backend>| {
        Sweep { backend, engine: Some(Engine::Svd), ..Sweep::new(table(30, 8), [5, 12], 3, 0) }
            .run()
            .unwrap()
            .cells
    };
    let [turned, plain] = [ablated(Arc::new(Backwards)), ablated(Arc::new(DivideAndConquer))];
    assert_eq!(turned.len(), plain.len());
    for (turned, plain) in turned.iter().zip(&plain) {
        for metric in [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::BiasSquared] {
            let [found, expected] = [turned, plain].map(|cell| cell.metric(metric));
            // Products of U and V read by rows or by columns add in another order. κ is under 10, and errors are those
            // of targets about 1.
            let off = (found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs();
            assert!(
                found.is_some() == expected.is_some() && off <= 1e-12,
                "{metric:?}: {found:?}, {expected:?}"
            );
        }
    }
}

/// The Jacobi backend, except that what is asked about it panics.
#[derive(Debug)]
struct Shy;

impl Backend for Shy {
    fn name(&self) -> &'static str {
        "shy"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        Jacobi.factorise(x, route)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        Jacobi.triangle(x)
    }

    fn bytes(&self, _: (usize, usize)) -> usize {
        panic!("no figures")
    }

    fn cosines(&self) -> Option<&dyn CosineDevice> {
        panic!("no device")
    }
}

#[test]
fn a_backend_that_panics_when_asked_is_an_error() {
    let is_its = |error: &Error| matches!(error, Error::Backend { name: "shy", reason } if reason.contains("no figures"));
    let x = table(9, 4).features().clone();
    assert!(is_its(&Svd::with_backend(&x, &Shy).unwrap_err()));
    assert!(Svd::many(&[x.view(), x.view()], &Shy).iter().all(|svd| svd.as_ref().is_err_and(is_its)));
    let sweep = |engine| Sweep {
        backend: Arc::new(Shy),
        engine,
        arms: vec![Arm::unablated()],
        metrics: vec![Metric::TestMse],
        ..Sweep::new(table(30, 5), 1..=8, 2, 0)
    };
    assert!(is_its(&sweep(Some(Engine::Svd)).run().unwrap_err()));
    assert!(is_its(&sweep(Some(Engine::Svd)).estimate().unwrap_err()));
    // Nested fits do not ask for the backend's figures, and a device that cannot be asked for is none.
    assert_eq!(sweep(Some(Engine::Nested)).run().unwrap().cells.len(), 16);
}
