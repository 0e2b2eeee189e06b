//! Factorisations and the factors of an error.

use super::ToHtml;
use super::table::{Table, number};
use crate::factors::Factors;
use crate::svd::Svd;
use ndarray::ArrayRef2;

impl ToHtml for Svd {
    fn headline(&self) -> String {
        let (n, p) = self.shape();
        let (rank, cutoff, condition) = (self.rank(), self.cutoff(), self.condition_number());
        format!(
            "SVD of {n} × {p}: rank {rank} (σ > {}), condition number {}",
            number(cutoff),
            number(condition)
        )
    }

    fn body(&self) -> String {
        let sigma = self.singular_values();
        let largest = sigma.first().copied().unwrap_or(f64::NAN);
        let row = |r: usize| {
            let counts = if r < self.rank() { "yes" } else { "no" };
            [(r + 1).to_string(), number(sigma[r]), number(sigma[r] / largest), counts.into()]
        };
        Table::new(["r", "σᵣ", "σᵣ / σ₁", "counted in the rank"], sigma.len(), row).html()
    }
}

impl ToHtml for Factors {
    fn headline(&self) -> String {
        let (rows, modes) = self.test_projection.dim();
        let [variance, bias, error] = [self.variance_part(), self.bias_part(), self.error()]
            .map(|part| number(root_mean_square(&part)));
        format!(
            "The error at {rows} test rows over {modes} modes: root mean square {error}; variance part {variance}, bias \
             part {bias}"
        )
    }

    fn body(&self) -> String {
        self.contributions(0).body()
    }
}

fn root_mean_square(table: &ArrayRef2<f64>) -> f64 {
    (table.iter().map(|value| value * value).sum::<f64>() / table.len() as f64).sqrt()
}
