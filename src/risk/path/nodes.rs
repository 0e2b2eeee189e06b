//! Ridge fits with many penalties as combinations of those with a few.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};

/// The largest relative error of a combination for any mode: half a rounding error.
const EXACT: f64 = f64::EPSILON / 2.0;
/// How much a combination may amplify the rounding errors of the nodes.
const MOST_GAIN: f64 = 16.0;
/// The largest relative error that the coefficients of a penalty may have at the ends of the spectrum.
const ROUNDING: f64 = 64.0 * f64::EPSILON;
/// The largest number of nodes that is worthwhile.
const MOST: usize = 64;
/// The smallest number of modes or penalties for which nodes are worthwhile.
const WORTH: usize = 64;
/// Penalties, in units of the largest squared singular value, for which products of many factors stay in range.
const BEARABLE: std::ops::Range<f64> = 1e-40..1e40;

/// Penalties `λ_j` (nodes) and squared singular values `x_j` (poles) of a rational interpolation in the penalty,
///
/// ```text
/// 1/(x + λ) ≈ Σ_j ℓ_j(λ)/(x + λ_j)        ℓ_j(λ) = L_j(λ)/L_j(λ_j),   L_j(λ) = w(λ)/(λ − λ_j),   w(λ) = ∏_i (λ − λ_i)/(λ + x_i)
/// ```
///
/// which is exact at the nodes and at the poles. Its relative error is known exactly, and is the product of a part that
/// depends on `x` and one that depends on `λ`,
///
/// ```text
/// 1 − (x + λ) Σ_j ℓ_j(λ)/(x + λ_j) = ∏_j (x − x_j)/(x + λ_j) · ∏_j (λ − λ_j)/(λ + x_j)
/// ```
///
/// (the remainder of elimination in a Cauchy matrix). So each next node is the penalty, and each next pole the squared
/// singular value, at which its part is largest (Bagby, *On interpolation by rational functions*, Duke Math. J. 1969),
/// until the product of the two largest is under rounding. All are in units of the largest squared singular value.
pub(super) struct Nodes {
    unit: f64,
    penalties: Vec<f64>,
    poles: Vec<f64>,
    /// `1/L_j(λ_j)`.
    weights: Vec<f64>,
    /// The ends of the spectrum.
    ends: [f64; 2],
}

impl Nodes {
    /// Chooses nodes for singular values (descending, all > 0) and penalties; `None` if they would save too little.
    pub(super) fn new(sigma: &[f64], lambdas: &[f64]) -> Result<Option<Self>, Error> {
        let (Some(&first), Some(&last)) = (sigma.first(), sigma.last()) else { return Ok(None) };
        let (rank, count) = (sigma.len(), lambdas.len());
        if rank < WORTH || count < WORTH {
            return Ok(None);
        }
        reserve("the nodes of a path of ridge fits", sum([table(rank, 2), table(count, 2)]))?;
        let unit = first;
        let relative = |lambda: f64| lambda / unit / unit;
        let penalties: Vec<f64> =
            lambdas.iter().map(|&lambda| relative(lambda)).filter(|mu| BEARABLE.contains(mu)).collect();
        let squares: Vec<f64> = sigma.iter().map(|s| (s / unit) * (s / unit)).collect();
        // Half the cost of all fits without nodes.
        let most = MOST.min(rank.saturating_mul(count) / (2 * (rank + count)));
        let (mut nodes, mut poles) = (Vec::new(), Vec::new());
        let (mut of_penalties, mut of_squares) = (vec![1.0; penalties.len()], vec![1.0; rank]);
        let mut error = 1.0;
        while error > EXACT {
            let (Some(at), Some(mode)) = (largest(&of_penalties), largest(&of_squares)) else { break };
            if nodes.len() == most {
                return Ok(None);
            }
            let (node, pole) = (penalties[at], squares[mode]);
            error *= shrink(&mut of_penalties, &penalties, node, pole);
            error *= shrink(&mut of_squares, &squares, pole, node);
            nodes.push(node);
            poles.push(pole);
        }
        if nodes.is_empty() {
            return Ok(None);
        }
        let weight = |j: usize| -> f64 {
            let node = nodes[j];
            let factors = nodes.iter().zip(&poles).enumerate();
            factors
                .map(|(i, (other, pole))| if i == j { node + pole } else { (node + pole) / (node - other) })
                .product()
        };
        let weights = (0..nodes.len()).map(weight).collect();
        let ends = [1.0, (last / unit) * (last / unit)];
        Ok(Some(Self { unit, penalties: nodes, poles, weights, ends }))
    }

    /// The number of nodes.
    pub(super) fn count(&self) -> usize {
        self.penalties.len()
    }

    /// The penalties `λ_j`.
    pub(super) fn penalties(&self) -> impl Iterator<Item = f64> {
        self.penalties.iter().map(|node| node * self.unit * self.unit)
    }

    /// Whether products of many factors stay in range for a penalty.
    pub(super) fn is_bearable(&self, lambda: f64) -> bool {
        BEARABLE.contains(&self.relative(lambda))
    }

    /// A penalty in units of the largest squared singular value.
    fn relative(&self, lambda: f64) -> f64 {
        lambda / self.unit / self.unit
    }

    /// Computes `1/(x + λ_j)`, a row of all modes for each node, in units of the largest squared singular value.
    pub(super) fn kernel(&self, sigma: &[f64]) -> Vec<f64> {
        let squares = || sigma.iter().map(|s| (s / self.unit) * (s / self.unit));
        self.penalties.iter().flat_map(|node| squares().map(move |x| (x + node).recip())).collect()
    }

    /// Appends `λ ℓ_j(λ)` in these units. Returns `false`, with unspecified values, if rounding errors would be too
    /// large.
    pub(super) fn coefficients(&self, lambda: f64, to: &mut Vec<f64>) -> bool {
        let mu = self.relative(lambda);
        if !BEARABLE.contains(&mu) {
            return false;
        }
        let from = to.len();
        let exact = self.penalties.iter().position(|node| *node == mu);
        let all: f64 = match exact {
            Some(_) => 0.0,
            None => {
                self.penalties.iter().zip(&self.poles).map(|(node, pole)| (mu - node) / (mu + pole)).product()
            }
        };
        to.extend(self.penalties.iter().zip(&self.weights).enumerate().map(
            |(j, (node, weight))| match exact {
                Some(own) => f64::from(u8::from(own == j)),
                None => all * weight / (mu - node),
            },
        ));
        let found = &mut to[from..];
        let (mut gain, mut sums) = (0.0, [0.0; 2]);
        for (value, node) in found.iter().zip(&self.penalties) {
            let shares = self.ends.map(|x| (x + mu) / (x + node));
            // Modes between the ends have a value in between.
            gain += value.abs() * shares[0].max(shares[1]);
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += value * share);
        }
        for value in found {
            *value *= mu;
        }
        // False for NaN.
        gain <= MOST_GAIN && sums.iter().all(|sum| (sum - 1.0).abs() <= ROUNDING)
    }
}

/// The index of the largest value.
fn largest(values: &[f64]) -> Option<usize> {
    (0..values.len()).max_by(|&i, &j| values[i].total_cmp(&values[j]))
}

/// Multiplies each part by `|value − own|/(value + other)`. Returns the largest result, by which all are divided.
fn shrink(parts: &mut [f64], values: &[f64], own: f64, other: f64) -> f64 {
    let mut most = 0.0f64;
    for (part, value) in parts.iter_mut().zip(values) {
        *part *= (value - own).abs() / (value + other);
        most = most.max(*part);
    }
    if most > 0.0 {
        for part in parts {
            *part /= most;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn powers(from: f64, to: f64, count: usize) -> Vec<f64> {
        (0..count).map(|i| 10f64.powf(from + (to - from) * i as f64 / (count - 1) as f64)).collect()
    }

    /// `λ/(σ² + λ)` of every mode from a few penalties, up to the rounding errors allowed: `MOST_GAIN` times a few for
    /// the terms of the nodes, and those of the coefficients.
    #[test]
    fn a_few_penalties_stand_for_all() {
        let bound = ROUNDING + 4.0 * MOST_GAIN * f64::EPSILON;
        for (sigma, lambdas, most) in [
            (powers(1.0, 0.5, 500), powers(-3.0, 5.0, 1000), 25),
            (powers(1.0, -1.0, 300), powers(-3.0, 5.0, 1000), 60),
            (powers(0.0, 0.0, 100), powers(-9.0, 9.0, 200), 5),
            (powers(-60.0, -60.5, 500), powers(-120.0, -118.0, 1000), 25),
        ] {
            let mut sigma = sigma;
            sigma.sort_by(|a, b| b.total_cmp(a));
            let nodes = Nodes::new(&sigma, &lambdas).unwrap().expect("nodes");
            assert!(nodes.count() <= most, "{} nodes", nodes.count());
            let kernel = nodes.kernel(&sigma);
            let mut combined = 0;
            for &lambda in &lambdas {
                let mut coefficients = Vec::new();
                if !nodes.coefficients(lambda, &mut coefficients) {
                    continue;
                }
                combined += 1;
                for (mode, s) in sigma.iter().enumerate() {
                    let terms = coefficients.iter().zip(kernel.chunks_exact(sigma.len()));
                    let found: f64 = terms.map(|(c, row)| c * row[mode]).sum();
                    let right = lambda / (s * s + lambda);
                    assert!(
                        (found / right - 1.0).abs() <= bound,
                        "{s:e}, {lambda:e}: {:e}",
                        found / right - 1.0
                    );
                }
            }
            // For a wide spectrum, some penalties would amplify the nodes' rounding errors too much.
            assert!(combined >= lambdas.len() * 4 / 5, "{combined} of {}", lambdas.len());
        }
    }

    /// There are no nodes if too many would be needed or nothing would be gained, and penalties out of range are
    /// refused.
    #[test]
    fn too_many_nodes_are_none() {
        let wide = powers(0.0, -14.0, 500);
        assert!(Nodes::new(&wide, &powers(-30.0, 2.0, 1000)).unwrap().is_none());
        assert!(Nodes::new(&wide[..10], &powers(-3.0, 2.0, 1000)).unwrap().is_none());
        assert!(Nodes::new(&wide, &[1.0, 2.0]).unwrap().is_none());
        assert!(Nodes::new(&[], &[1.0]).unwrap().is_none());
        assert!(Nodes::new(&wide, &[0.0; 100]).unwrap().is_none());
        let nodes = Nodes::new(&powers(1.0, 0.5, 500), &powers(-3.0, 5.0, 1000)).unwrap().unwrap();
        for lambda in [0.0, -1.0, 1e-300, 1e300] {
            assert!(!nodes.coefficients(lambda, &mut Vec::new()), "{lambda:e}");
        }
    }
}
