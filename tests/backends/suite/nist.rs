//! NIST's Statistical Reference Datasets for linear regression (`tests/nist`).

use crate::common::backends::{routes, svd};
use crate::common::exact::{LeastSquares, Number, decimal};
use crate::common::fits::C;
use crate::common::ratios::larger;
use double_descent::filter::MinNorm;
use double_descent::svd::{Backend, Cutoff, Svd};
use ndarray::{Array1, Array2};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Each data set with the powers of its predictor; `longley` has six predictors and a constant.
const SETS: [(&str, std::ops::RangeInclusive<usize>); 11] = [
    ("norris", 0..=1),
    ("pontius", 0..=2),
    ("noint1", 1..=1),
    ("noint2", 1..=1),
    ("filip", 0..=10),
    ("longley", 0..=1),
    ("wampler1", 0..=5),
    ("wampler2", 0..=5),
    ("wampler3", 0..=5),
    ("wampler4", 0..=5),
    ("wampler5", 0..=5),
];

/// Certified values have 15 digits, so the last is off by at most half a unit.
const CERTIFIED: f64 = 5e-15;

/// A data set with its certified values.
struct Set {
    name: &'static str,
    x: Array2<Number>,
    y: Array2<Number>,
    beta: Array1<f64>,
    deviations: Vec<f64>,
    squares: f64,
}

impl Set {
    fn all() -> Vec<Self> {
        SETS.into_iter().map(|(name, powers)| Self::read(name, powers)).collect()
    }

    fn read(name: &'static str, powers: std::ops::RangeInclusive<usize>) -> Self {
        let rows = records(&folder().join(format!("{name}.csv")));
        let p = if rows[0].len() > 2 { rows[0].len() } else { powers.clone().count() };
        let x = Array2::from_shape_fn((rows.len(), p), |(i, j)| match rows[0].len() {
            2 => (0..powers.start() + j).fold(decimal("1"), |power, _| power * decimal(&rows[i][1])),
            _ if j == 0 => decimal("1"),
            _ => decimal(&rows[i][j]),
        });
        let y = Array2::from_shape_fn((rows.len(), 1), |(i, _)| decimal(&rows[i][0]));
        let mut certified = records(&folder().join("certified.csv"));
        certified.retain(|row| row[0] == name);
        let squares = certified.pop().unwrap();
        assert_eq!((squares[1].as_str(), certified.len()), ("squares", p), "{name}");
        let column = |j: usize| certified.iter().map(move |row| row[j].parse::<f64>().unwrap());
        Self {
            name,
            x,
            y,
            beta: column(2).collect(),
            deviations: column(3).collect(),
            squares: squares[2].parse().unwrap(),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nist")
}

fn records(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    reader.records().map(|row| row.unwrap().iter().map(Into::into).collect()).collect()
}

/// Checks that no digit was copied wrong.
#[test]
fn exact_arithmetic_finds_every_certified_digit() {
    for set in Set::all() {
        let exact = LeastSquares::new(&set.x, &set.y);
        let found = exact.beta.iter().chain(&exact.deviations).chain([&exact.squares]);
        let certified = set.beta.iter().chain(&set.deviations).chain([&set.squares]);
        for (found, certified) in found.zip(certified) {
            // Where the certified value is 0, only the rounding error of 512-bit arithmetic is left.
            let bound = if *certified == 0.0 { 1e-100 } else { CERTIFIED * certified.abs() };
            assert!((found - certified).abs() <= bound, "{}: {found:e} for {certified:e}", set.name);
        }
    }
}

/// Cutoff for Filip. Its ten powers have κ = 1.8e15, so the default cutoff, 82 ε, treats the last singular value as
/// zero; this one does not.
const FILIP: Cutoff = Cutoff::Relative(f64::EPSILON);

/// Fits with the columns as given, and with each divided by a power of two near its length.
///
/// Theorem 20.1 of Higham (*Accuracy and Stability of Numerical Algorithms*, 2nd ed.) bounds the error: a backward
/// error of η moves the solution by `η κ (2 + (κ + 1) ‖r‖ / (‖X‖ ‖β‖))` relative to its length. Here η = 10 ε, as in
/// every test against exact arithmetic. Filip with its columns as given has η κ > 1, where the theorem says nothing, so
/// its digits are printed but not checked.
#[test]
fn certified_digits_are_found() {
    let sets = Set::all();
    let mut report = format!(
        "\nNIST StRD: certified digits of the worst coefficient, columns as given / scaled\n{:<20}",
        ""
    );
    for set in &sets {
        write!(report, "{:>13}", set.name).unwrap();
    }
    let mut condition = String::new();
    for backend in routes() {
        write!(report, "\n{:<20}", backend.name()).unwrap();
        condition.clear();
        for set in &sets {
            let x = set.x.map(|v| v.to_f64().value());
            let y = set.y.map(|v| v.to_f64().value());
            let scales: Array1<f64> =
                x.columns().into_iter().map(|c| 2f64.powi(c.dot(&c).sqrt().log2().round() as i32)).collect();
            let as_given = Array1::ones(x.ncols());
            let [given, scaled] = [as_given, scales].map(|scales| digits(&backend, set, &x, &y, &scales));
            write!(report, "{:>13}", format!("{:.1} / {:.1}", given.0, scaled.0)).unwrap();
            write!(condition, "{:>13}", format!("{:.1} / {:.1}", given.1.log10(), scaled.1.log10())).unwrap();
        }
    }
    println!("{report}\n{:<20}{condition}\n", "log₁₀ κ");
}

/// Fits with each column divided by its scale and checks the error against the theorem. Returns the fewest correct
/// decimal digits over all coefficients, and the condition number.
fn digits(
    backend: &dyn Backend,
    set: &Set,
    x: &Array2<f64>,
    y: &Array2<f64>,
    scales: &Array1<f64>,
) -> (f64, f64) {
    let scaled = x / scales;
    let cutoff = if set.name == "filip" { FILIP } else { Cutoff::default() };
    let found = svd(backend, &scaled).with_cutoff(cutoff).unwrap();
    assert_eq!(found.rank(), x.ncols(), "{} {}", backend.name(), set.name);
    let beta = found.solve(y, &MinNorm::with_cutoff(cutoff).unwrap()).unwrap().column(0).to_owned();
    let certified = &set.beta * scales;
    let off = (&beta - &certified).mapv(f64::abs);
    let kappa = found.condition_number();
    let length = certified.dot(&certified).sqrt();
    let unit = C * f64::EPSILON * kappa;
    let share = set.squares.sqrt() / (found.singular_values()[0] * length);
    let bound = unit * (2.0 + (kappa + 1.0) * share) + CERTIFIED;
    let error = off.dot(&off).sqrt() / length;
    assert!(unit > 1.0 || error <= bound, "{} {}: {error:e}, bound {bound:e}", backend.name(), set.name);
    let worst = off.iter().zip(&certified).map(|(off, value)| off / value.abs()).fold(0.0, larger);
    ((-worst.log10()).min(15.0), kappa)
}

/// What a user sees with the default cutoff: the reported rank shows that the fit left something out.
#[test]
fn the_default_cutoff_reports_filip_as_rank_deficient() {
    let set = Set::read("filip", 0..=10);
    let x = set.x.map(|v| v.to_f64().value());
    for backend in routes() {
        let found: Svd = svd(&backend, &x);
        assert_eq!(found.rank(), 10, "{}", backend.name());
        assert!(found.condition_number() > 1e15 && found.condition_number() < 1e16);
    }
}
