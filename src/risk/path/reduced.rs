//! Paths of many ridge penalties without singular vectors.

use super::PathPoint;
use super::evaluate::ORDINARY;
use super::nodes::Nodes;
use super::shifted::{Factor, Sums, diagonals, squared_ratios, sums};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::svd::{WellConditioned, exponent, product};
use ndarray::Array2;

/// Points that represent the spectrum when nodes are chosen: some twenty from one pole to the next, so that between
/// points an error is larger by at most a hundredth.
const PLACES: usize = 512;
/// The largest number of penalties that may become additional nodes because the others do not represent them.
const MOST_ALONE: usize = 16;
/// Squared norms of fits whose terms neither overflow nor underflow, with targets of an [`ORDINARY`] exponent.
const SQUARES: std::ops::Range<f64> = 1e-280..1e280;

/// `K = XXᵀ = Q T Qᵀ` of a well-conditioned matrix with more columns than rows, and the targets. Leave-one-out errors
/// of ridge need the diagonal of `(K + λ)⁻¹`, at a few penalties from which all others follow. It is computed by the
/// recurrence of the Cholesky factor of `T + λ`, n² steps each, instead of from the singular vectors.
#[derive(Clone, Debug)]
pub(super) struct Reduced {
    pub(super) form: WellConditioned,
    /// Centred if there is an intercept.
    pub(super) targets: Array2<f64>,
    pub(super) intercepts: usize,
}

/// The sums whose ratios are the leave-one-out errors.
struct AtNodes {
    /// `[(K + λ)⁻¹]ᵢᵢ`, `n × m`.
    closed: Vec<f64>,
    /// `[(K + λ)⁻¹ y]ᵢ`, `n × m` for each output.
    errors: Vec<Vec<f64>>,
    /// The coefficients of each penalty in terms of the nodes, one row each.
    coefficients: Vec<f64>,
    count: usize,
}

impl Reduced {
    /// Computes the fits with these penalties; `None` if there are few of them, or if they, the targets or the fits are
    /// too large or too small.
    pub(super) fn points(
        &self,
        lambdas: &[f64],
        with_left_out: bool,
    ) -> Result<Option<Vec<PathPoint>>, Error> {
        let (n, k) = self.targets.dim();
        let rank = self.form.rank();
        let largest = self.targets.fold(0.0, |most: f64, v| most.max(v.abs()));
        if exponent(largest).abs() >= ORDINARY {
            return Ok(None);
        }
        let [low, high] = self.form.ends().map(f64::sqrt);
        let ratio = (low / high).powf(((PLACES - 1) as f64).recip());
        let places: Vec<f64> = std::iter::successors(Some(high), |s| Some(s * ratio)).take(PLACES).collect();
        let Some(nodes) = Nodes::new(&places, lambdas)? else { return Ok(None) };
        let all = nodes.count() + MOST_ALONE;
        let work = [table(3 * n, rank), table(all, lambdas.len() + 3 * n * (1 + k)), table(rank, 2 * k)];
        reserve("a path of ridge fits", sum(work))?;
        let Some(basis) = self.form.basis()? else { return Ok(None) };
        let Some(basis_entries) = basis.as_slice_memory_order() else { return Ok(None) };
        let along = product(basis.t(), self.targets.view());
        let along: Vec<Vec<f64>> = along.columns().into_iter().map(|column| column.to_vec()).collect();
        let left_out = if with_left_out {
            let Some(found) = self.at_nodes(&nodes, lambdas, (&basis, basis_entries), &along) else {
                return Ok(None);
            };
            Some(found.mean_squares(k))
        } else {
            None
        };
        let Some(found) = sums(self.form.tridiagonal(), &along, lambdas) else { return Ok(None) };
        if largest > 0.0 && found.iter().any(|of| !SQUARES.contains(&of.energy)) {
            return Ok(None);
        }
        let entries = (n * k) as f64;
        let point = |(i, (&lambda, of)): (usize, (&f64, &Sums))| PathPoint {
            value: lambda,
            train_mse: lambda * lambda * of.squares / entries,
            test_mse: None,
            norm: of.energy.sqrt(),
            degrees_of_freedom: of.fitted + self.intercepts as f64,
            loo_mse: left_out.as_ref().map(|errors| errors[i]).filter(|error| !error.is_nan()),
            gcv: Some(n as f64 * of.squares / (of.trace * of.trace * k as f64)),
        };
        Ok(Some(lambdas.iter().zip(&found).enumerate().map(point).collect()))
    }

    /// Computes the sums at the nodes; `None` if too many penalties are far from all nodes.
    fn at_nodes(
        &self,
        nodes: &Nodes,
        lambdas: &[f64],
        (basis, entries): (&Array2<f64>, &[f64]),
        along: &[Vec<f64>],
    ) -> Option<AtNodes> {
        let inner = nodes.count();
        let mut penalties: Vec<f64> = nodes.penalties().collect();
        let mut found = Vec::with_capacity(lambdas.len() * inner);
        let mut alone = Vec::new();
        for (fit, &lambda) in lambdas.iter().enumerate() {
            let from = found.len();
            if !nodes.coefficients(lambda, &mut found) {
                if !nodes.is_bearable(lambda) || alone.len() == MOST_ALONE {
                    return None;
                }
                found.truncate(from);
                found.resize(from + inner, 0.0);
                alone.push(fit);
                penalties.push(lambda);
            }
        }
        let count = penalties.len();
        let coefficients = if alone.is_empty() {
            found
        } else {
            let mut wider = Vec::with_capacity(lambdas.len() * count);
            for (fit, row) in found.chunks_exact(inner).enumerate() {
                wider.extend_from_slice(row);
                wider.extend(alone.iter().map(|own| f64::from(u8::from(*own == fit))));
            }
            wider
        };
        let matrix = self.form.tridiagonal();
        let factors: Vec<Factor> = penalties.iter().map(|&lambda| Factor::new(matrix, lambda)).collect();
        let closed = diagonals(entries, basis.nrows(), &factors);
        let of_output = |along: &Vec<f64>| {
            let solved: Vec<f64> = factors.iter().flat_map(|factor| factor.solve(along)).collect();
            let solved = Array2::from_shape_vec((count, along.len()), solved).ok()?;
            Some(product(solved.view(), basis.t()).reversed_axes().as_slice()?.to_vec())
        };
        let errors = along.iter().map(of_output).collect::<Option<_>>()?;
        Some(AtNodes { closed, errors, coefficients, count })
    }
}

impl AtNodes {
    /// The mean squared leave-one-out error for each penalty.
    fn mean_squares(&self, outputs: usize) -> Vec<f64> {
        let entries = (self.closed.len() / self.count * outputs) as f64;
        let mut means = vec![0.0; self.coefficients.len() / self.count];
        for errors in &self.errors {
            let squares = squared_ratios(errors, &self.closed, &self.coefficients, self.count);
            means.iter_mut().zip(squares).for_each(|(mean, square)| *mean += square / entries);
        }
        means
    }
}
