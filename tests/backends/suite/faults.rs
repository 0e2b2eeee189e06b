//! Backends that return wrong results, and how the check of every factorisation reports them.

use crate::common::backends::{backends, svd};
use crate::common::matrices::*;
use crate::common::ratios::svd_ratios;
use double_descent::Error;
use double_descent::dataset::Dataset;
use double_descent::rng::stream;
use double_descent::svd::{Backend, DivideAndConquer, RawSvd, Route, Svd};
use double_descent::sweep::Sweep;
use ndarray::{Array2, ArrayView2, s};
use rand::{Rng, RngExt};
use std::sync::Arc;

/// A fault put into a factorisation.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    /// The backend returns an error instead.
    Refuse,
    By(fn(&mut RawSvd)),
    /// At a place drawn from this seed.
    Random(Slip, u64),
}

/// A backend whose results are spoiled: all of them, or those of matrices with a given number of rows; by both routes,
/// or by the first only.
#[derive(Debug)]
struct Liar {
    honest: Arc<dyn Backend>,
    spoil: Spoil,
    second_too: bool,
    rows: Option<usize>,
}

impl Backend for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        let mut raw = self.honest.factorise(x, route)?;
        let lies = self.rows.is_none_or(|rows| rows == x.nrows());
        if lies && (route == Route::First || self.second_too) {
            match self.spoil {
                Spoil::Refuse => return Err("no convergence".into()),
                Spoil::By(spoil) => spoil(&mut raw),
                Spoil::Random(slip, seed) => slip.happen(&mut raw, &mut stream(seed, x.nrows(), x.ncols())),
            }
        }
        Ok(raw)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        self.honest.triangle(x)
    }
}

/// Faults in the factorisation of a 7 × 5 matrix of rank 4, with the text that the error must contain.
const LIES: [(&str, Spoil, &str); 16] = [
    ("refuses", Spoil::Refuse, "no convergence"),
    ("σ₁ is NaN", Spoil::By(|raw| raw.sigma[0] = f64::NAN), "negative, NaN"),
    ("σ₃ is NaN", Spoil::By(|raw| raw.sigma[2] = f64::NAN), "negative, NaN"),
    ("σ₁ is infinite", Spoil::By(|raw| raw.sigma[0] = f64::INFINITY), "NaN, infinite"),
    (
        "a negative σ whose product is right",
        Spoil::By(|raw| {
            raw.sigma[3] *= -1.0;
            raw.vt.row_mut(3).mapv_inplace(|v| -v);
        }),
        "negative, NaN",
    ),
    (
        "unsorted, but right",
        Spoil::By(|raw| {
            raw.sigma.swap(0, 1);
            swap_columns(&mut raw.u, 0, 1);
            (0..raw.vt.ncols()).for_each(|j| raw.vt.swap([0, j], [1, j]));
        }),
        "out of order",
    ),
    ("σ₂ is off by 1e-8", Spoil::By(|raw| raw.sigma[1] *= 1.0 + 1e-8), "Σσ²"),
    ("all σ are zero", Spoil::By(|raw| raw.sigma.fill(0.0)), "Σσ²"),
    ("two modes are swapped", Spoil::By(|raw| swap_columns(&mut raw.u, 0, 1)), "X z"),
    ("a mode has the wrong sign", Spoil::By(|raw| raw.u.column_mut(2).mapv_inplace(|v| -v)), "X z"),
    ("U holds NaN where σ = 0", Spoil::By(|raw| raw.u[[3, 4]] = f64::NAN), "X z"),
    (
        "U is not orthogonal where σ = 0",
        Spoil::By(|raw| {
            let first = raw.u.column(0).to_owned();
            raw.u.column_mut(4).assign(&first);
        }),
        "Uᵀ U",
    ),
    ("V is zero where σ = 0", Spoil::By(|raw| raw.vt.row_mut(4).fill(0.0)), "Vᵀ V"),
    ("a mode is missing", Spoil::By(|raw| raw.sigma = raw.sigma.slice(s![..4]).to_owned()), "wrong shape"),
    ("U is transposed", Spoil::By(|raw| raw.u = raw.u.t().to_owned()), "wrong shape"),
    ("V is empty", Spoil::By(|raw| raw.vt = Array2::zeros((0, 0))), "wrong shape"),
];

fn swap_columns(u: &mut Array2<f64>, a: usize, b: usize) {
    (0..u.nrows()).for_each(|i| u.swap([i, a], [i, b]));
}

#[test]
fn a_wrong_first_route_is_replaced_by_the_second() {
    let x = integer_low_rank(7, 5, 4, 1);
    for (honest, (lie, spoil, _)) in backends().into_iter().flat_map(|b| LIES.map(|lie| (b.clone(), lie))) {
        let liar = Liar { honest, spoil, second_too: false, rows: None };
        assert_thin_svd(&x, &svd(&liar, &x), lie);
        for one in Svd::many(&[x.view(), x.view()], &liar) {
            assert_thin_svd(&x, &one.unwrap(), lie);
        }
    }
}

#[test]
fn two_wrong_routes_are_an_error_that_names_backend_and_check() {
    let x = integer_low_rank(7, 5, 4, 1);
    for (honest, (lie, spoil, says)) in backends().into_iter().flat_map(|b| LIES.map(|lie| (b.clone(), lie)))
    {
        let liar = Liar { honest, spoil, second_too: true, rows: None };
        let alone = Svd::with_backend(&x, &liar).unwrap_err();
        assert!(matches!(alone, Error::Backend { name: "liar", .. }), "{lie}: {alone}");
        let text = alone.to_string();
        // The message reports both routes.
        assert_eq!(text.matches(says).count(), 2, "{lie}: {text}");
        assert!(text.contains("`liar`") && text.contains("second route"), "{lie}: {text}");
        assert_eq!(Svd::many(&[x.view()], &liar)[0].as_ref().unwrap_err(), &alone);
    }
}

/// The check allows 30 units, and LAPACK's own tests three to five times what this suite allows; so the suite's ratios
/// must reveal smaller faults.
#[test]
fn the_ratios_of_the_suite_see_what_the_check_lets_pass() {
    const UNIT: f64 = 40.0 * f64::EPSILON;
    let x = normal(40, 40, 1);
    let spoils: [fn(&mut RawSvd); 3] = [
        |raw| raw.sigma *= 1.0 + 20.0 * UNIT,
        |raw| raw.u *= 1.0 + 10.0 * UNIT,
        |raw| raw.vt *= 1.0 + 10.0 * UNIT,
    ];
    for (place, spoil) in spoils.into_iter().enumerate() {
        let liar = Liar {
            honest: Arc::new(DivideAndConquer),
            spoil: Spoil::By(spoil),
            second_too: true,
            rows: None,
        };
        let ratio = svd_ratios(&x, &svd(&liar, &x))[place];
        // The size of the fault, plus the few units of a sound routine.
        assert!((15.0..25.0).contains(&ratio), "{place}: {ratio}");
    }
}

/// What a broken routine or device might do, at a random place.
#[derive(Clone, Copy, Debug)]
enum Slip {
    /// Every singular value has a relative error of 1e-6.
    Values,
    /// One singular value is off by 1e-6 σ₁.
    OneValue,
    /// One column of `U` is tilted by 1e-6 towards another.
    NotOrthogonal,
    /// `V` contains one NaN.
    NotANumber,
    /// Two columns of `U` are swapped.
    SwappedPair,
    /// One entry of `U` is off by 1e-6.
    OneEntry,
}

impl Slip {
    const ALL: [Self; 6] = [
        Self::Values,
        Self::OneValue,
        Self::NotOrthogonal,
        Self::NotANumber,
        Self::SwappedPair,
        Self::OneEntry,
    ];

    fn happen(self, raw: &mut RawSvd, rng: &mut impl Rng) {
        let modes = raw.sigma.len();
        let (mode, step) = (rng.random_range(0..modes), rng.random_range(1..modes));
        let other = (mode + step) % modes;
        let (row, column) = (rng.random_range(0..raw.u.nrows()), rng.random_range(0..raw.vt.ncols()));
        match self {
            Self::Values => raw.sigma *= 1.0 + 1e-6,
            Self::OneValue => raw.sigma[mode] += 1e-6 * raw.sigma[0],
            Self::NotOrthogonal => {
                let towards = raw.u.column(other).to_owned();
                raw.u.column_mut(mode).scaled_add(1e-6, &towards);
            }
            Self::NotANumber => raw.vt[[mode, column]] = f64::NAN,
            Self::SwappedPair => swap_columns(&mut raw.u, mode, other),
            Self::OneEntry => raw.u[[row, mode]] += 1e-6,
        }
    }
}

#[test]
fn slips_of_1e_6_anywhere_are_seen_every_time() {
    let mut count = 0;
    for (n, p) in [(6, 4), (10, 10), (100, 100), (150, 60), (40, 200)] {
        for seed in 0..10 {
            let x = normal(n, p, seed);
            for (honest, slip) in backends().into_iter().flat_map(|b| Slip::ALL.map(|slip| (b.clone(), slip)))
            {
                let liar = Liar { honest, spoil: Spoil::Random(slip, seed), second_too: true, rows: None };
                let outcome = Svd::with_backend(&x, &liar);
                let seen = matches!(outcome, Err(Error::Backend { name: "liar", .. }));
                assert!(seen, "{slip:?} of {}, {n} × {p}, seed {seed}", liar.honest.name());
                count += 1;
            }
        }
    }
    println!("{count} of {count} slips were seen");
}

#[test]
fn a_sweep_reports_the_cells_that_failed_and_keeps_all_others() {
    let (sizes, bad, repeats) = (5..=9, 7, 4);
    let slips = Slip::ALL.map(|slip| Spoil::Random(slip, 1));
    for (honest, spoil) in backends().into_iter().flat_map(|b| slips.map(|spoil| (b.clone(), spoil))) {
        let sweep =
            Sweep { backend: honest.clone(), ..Sweep::new(Dataset::diabetes(), sizes.clone(), repeats, 3) };
        let whole = sweep.run().unwrap();
        assert!(whole.failures.is_empty());
        let liar = Liar { honest, spoil, second_too: true, rows: Some(bad) };
        let curve = Sweep { backend: Arc::new(liar), ..sweep }.run().unwrap();
        assert!(curve.complete);
        let failed: Vec<_> = curve.failures.iter().map(|failure| (failure.repeat, failure.n)).collect();
        assert_eq!(failed, (0..repeats).map(|repeat| (repeat, bad)).collect::<Vec<_>>(), "{spoil:?}");
        for failure in &curve.failures {
            assert!(matches!(failure.error, Error::Backend { name: "liar", .. }), "{}", failure.error);
        }
        let others: Vec<_> = whole.cells.into_iter().filter(|cell| cell.n != bad).collect();
        assert_eq!(curve.cells, others, "{spoil:?}");
    }
}
