//! The ratios of LAPACK's test programs, and tables of the largest ones.
//!
//! A ratio is an error divided by what rounding explains: about 1 for a sound routine. Matrices are first scaled by a
//! power of two to entries of order 1. This scaling is exact, and no product here can then overflow or underflow.

use super::matrices::product;
use double_descent::svd::{Backend, Svd};
use ndarray::{Array2, ArrayView2};
use std::fmt::Write;

/// `DLAMCH('Precision')`, 2⁻⁵².
pub const ULP: f64 = f64::EPSILON;
/// `DLAMCH('Epsilon')`, 2⁻⁵³.
pub const EPS: f64 = f64::EPSILON / 2.0;
/// `DLAMCH('Safe minimum')`, 2⁻¹⁰²².
pub const UNFL: f64 = f64::MIN_POSITIVE;

/// Returns the larger of two numbers, or NaN if either is NaN, unlike `f64::max`.
pub fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

/// Returns the largest absolute value of an entry.
pub fn largest(x: ArrayView2<'_, f64>) -> f64 {
    x.iter().map(|v| v.abs()).fold(0.0, larger)
}

/// Returns the 1-norm: the largest column sum of absolute values.
pub fn one_norm(x: ArrayView2<'_, f64>) -> f64 {
    x.columns().into_iter().map(|column| column.iter().map(|v| v.abs()).sum()).fold(0.0, larger)
}

/// Returns the power of two that scales a matrix's largest entry, if over 2⁻¹⁰²², into [1, 2); 1 for a zero matrix.
pub fn to_order_one(x: ArrayView2<'_, f64>) -> f64 {
    let power = f64::from_bits(largest(x).to_bits() & f64::INFINITY.to_bits()); // clears the mantissa
    if power > 0.0 { power.recip() } else { 1.0 }
}

/// Names of the four ratios of [`svd_ratios`].
pub const SVD_RATIOS: [&str; 4] = ["A − UΣVᵀ", "I − UᵀU", "I − VᵀV", "order of σ"];

/// Returns ratios 1 to 4 of DDRVBD, in 1-norms, for a thin SVD of `A` (`m × n`): `|A − UΣVᵀ| / (|A| n ULP)` (as the
/// code of DBDT01 has it; its comment says max(m, n), which is more lenient), `|I − UᵀU| / (m ULP)`, `|I − VᵀV| / (n
/// ULP)`, and 0 if `Σ` is non-negative and descending, else 1/ULP.
pub fn svd_ratios(x: &Array2<f64>, svd: &Svd) -> [f64; 4] {
    let n = x.ncols();
    let scale = to_order_one(x.view());
    let (a, sigma) = (x * scale, svd.singular_values() * scale);
    let (u, vt) = (svd.u(), svd.vt());
    let (residual, size) = (one_norm((product(u, &sigma, vt) - &a).view()), one_norm(a.view()));
    let reconstruction = match (residual == 0.0, size == 0.0) {
        (true, _) => 0.0,
        (_, true) => 1.0 / ULP,
        _ => residual / (size * n as f64 * ULP),
    };
    let orthogonality = |q: ArrayView2<'_, f64>| {
        one_norm((q.t().dot(&q) - Array2::<f64>::eye(q.ncols())).view()) / (q.nrows() as f64 * ULP)
    };
    let descending =
        sigma.iter().all(|&s| s >= 0.0) && sigma.iter().zip(sigma.iter().skip(1)).all(|(a, b)| a >= b);
    let order = if descending { 0.0 } else { 1.0 / ULP };
    [reconstruction, orthogonality(u.view()), orthogonality(vt.t()), order]
}

/// The largest value of each ratio over the matrices of one backend, and the matrix that attains it.
pub struct Worst {
    backend: &'static str,
    largest: Vec<(f64, String)>,
    matrices: usize,
}

impl Worst {
    pub fn new(backend: &dyn Backend) -> Self {
        Self { backend: backend.name(), largest: Vec::new(), matrices: 0 }
    }

    /// Adds the ratios of one matrix, which `place` identifies.
    pub fn add(&mut self, ratios: &[f64], place: impl Fn() -> String) {
        self.matrices += 1;
        self.largest.resize(ratios.len(), (0.0, String::new()));
        for ((largest, at), &ratio) in self.largest.iter_mut().zip(ratios) {
            if ratio.is_nan() || ratio > *largest {
                (*largest, *at) = (ratio, place());
            }
        }
    }
}

/// A table of the largest ratios, one row per backend.
pub struct Table {
    text: String,
    names: Vec<&'static str>,
    threshold: f64,
    over: Vec<String>,
}

impl Table {
    pub fn new(title: &str, names: &[&'static str], threshold: f64) -> Self {
        let mut text = format!("\n{title}\n{:<20}{:>9}", "", "matrices");
        for name in names {
            write!(text, "{name:>14}").unwrap();
        }
        text += "   2nd route taken\n";
        Self { text, names: names.to_vec(), threshold, over: Vec::new() }
    }

    /// Adds a row; `mended` matrices needed the second route.
    pub fn row(&mut self, worst: &Worst, mended: usize) {
        write!(self.text, "{:<20}{:>9}", worst.backend, worst.matrices).unwrap();
        for (name, (ratio, at)) in self.names.iter().zip(&worst.largest) {
            write!(self.text, "{ratio:>14.2}").unwrap();
            if ratio.is_nan() || *ratio >= self.threshold {
                self.over.push(format!("{}: {name} is {ratio:.2} for {at}", worst.backend));
            }
        }
        writeln!(self.text, "{mended:>18}").unwrap();
    }

    /// Prints the table; panics if any ratio reaches the threshold.
    pub fn finish(self) {
        println!("{}", self.text);
        assert!(self.over.is_empty(), "{}\nfrom {} up: {:#?}", self.text, self.threshold, self.over);
    }
}
