//! Leave-one-out errors of ridge fits.

use super::Modes;
use super::nodes::Nodes;
use crate::Error;
use crate::filter::Response;
use crate::machine::memory::{reserve, table};
use crate::svd::times_transposed;
use ndarray::{Array2, ArrayView1};

/// Divides residual factors by the largest, for a fit that reaches all directions of the rows: only their ratios count.
/// If all are 0 the fit interpolates, and they become those of the limit of ridge, `(σ_r/σ)²`.
pub(super) fn make_relative(residuals: &mut [f64], sigma: &[f64]) {
    // The largest absolute value, from eight partial maxima that run in parallel.
    let (chunks, rest) = residuals.as_chunks::<8>();
    let mut sizes = [0.0; 8];
    for chunk in chunks {
        sizes.iter_mut().zip(chunk).for_each(|(most, rho)| *most = f64::max(*most, rho.abs()));
    }
    let size = rest.iter().map(|rho| rho.abs()).chain(sizes).fold(0.0, f64::max);
    let largest = residuals.iter().find(|rho| rho.abs() == size).map_or(0.0, |rho| *rho);
    if largest == 0.0 {
        let last = sigma.last().copied().unwrap_or(0.0);
        residuals.iter_mut().zip(sigma).for_each(|(rho, s)| *rho = (last / s).powi(2));
    } else {
        for rho in residuals {
            *rho /= largest;
        }
    }
}

/// Leave-one-out errors of the ridge fits to one training set.
pub(super) struct RidgeLeftOut<'a> {
    modes: &'a Modes,
    /// `U` squared, entry by entry.
    squares: Vec<f64>,
    /// Whether each row alone spans a direction; needed if a penalty is not positive.
    alone: Vec<bool>,
    nodes: Option<AtNodes>,
}

/// The sums whose ratios are the leave-one-out errors, at a few penalties.
struct AtNodes {
    nodes: Nodes,
    /// `Σ_r U_ir²/(σ_r² + λ_j)`, `n × m`.
    closed: Vec<f64>,
    /// `Σ_r U_ir c_r/(σ_r² + λ_j)`, `n × m` for each output.
    errors: Vec<Vec<f64>>,
}

impl<'a> RidgeLeftOut<'a> {
    pub(super) fn new(modes: &'a Modes) -> Self {
        let squares = modes.u.iter().map(|u| u * u).collect();
        let alone = if modes.beyond() > 0 { modes.alone() } else { vec![true; modes.rows()] };
        Self { modes, squares, alone, nodes: None }
    }

    /// Prepares the sums at a few penalties, if there are many: `n r m + n m K` multiplications for `K` penalties and
    /// `m` nodes instead of `n r K`.
    pub(super) fn at_nodes(mut self, lambdas: &[f64]) -> Result<Self, Error> {
        let modes = self.modes;
        let (n, rank, k) = (modes.rows(), modes.rank(), modes.outputs());
        let Some(nodes) = Nodes::new(&modes.sigma[..rank], lambdas)? else { return Ok(self) };
        let count = nodes.count();
        reserve("the nodes of a path of ridge fits", table(n.saturating_add(2 * rank), count * (1 + k)))?;
        let kernel = nodes.kernel(&modes.sigma[..rank]);
        let mut closed = vec![0.0; n * count];
        times_transposed(&self.squares, &kernel, &mut closed, (n, count, rank));
        let u = modes.u.as_slice().unwrap_or(&[]);
        let of_output = |along: ArrayView1<'_, f64>| {
            let rows = kernel.chunks_exact(rank);
            let weights: Vec<f64> = rows.flat_map(|row| row.iter().zip(along).map(|(w, c)| w * c)).collect();
            let mut errors = vec![0.0; n * count];
            times_transposed(u, &weights, &mut errors, (n, count, rank));
            errors
        };
        let errors = modes.along.columns().into_iter().map(of_output).collect();
        self.nodes = Some(AtNodes { nodes, closed, errors });
        Ok(self)
    }

    /// Computes the mean squared errors, one for each fit; `None` if an error does not exist.
    pub(super) fn mean_squares(&self, lambdas: &[f64], responses: &[Response]) -> Vec<Option<f64>> {
        let (k, count) = (self.modes.outputs(), lambdas.len());
        let entries = (self.modes.rows() * k) as f64;
        let mut sums = vec![0.0; count * k];
        for row in self.all(lambdas, responses).chunks_exact(count * k) {
            sums.iter_mut().zip(row).for_each(|(sum, error)| *sum += error * error);
        }
        let mean = |sums: &[f64]| sums.iter().sum::<f64>() / entries;
        // An error that does not exist is NaN.
        sums.chunks_exact(k).map(mean).map(|mean| Some(mean).filter(|mean| !mean.is_nan())).collect()
    }

    /// The errors of one fit, `n × k`; `None` if one does not exist.
    pub(super) fn errors(&self, lambda: f64, response: &Response) -> Option<Array2<f64>> {
        let errors = self.all(&[lambda], std::slice::from_ref(response));
        let errors = Array2::from_shape_vec(self.modes.outside.dim(), errors).ok()?;
        errors.iter().all(|error| !error.is_nan()).then_some(errors)
    }

    /// The errors of each row, fit and output, in this order; NaN for one that does not exist.
    fn all(&self, lambdas: &[f64], responses: &[Response]) -> Vec<f64> {
        let modes = self.modes;
        let (k, count) = (modes.outputs(), lambdas.len());
        let (closed, mut errors) = self.combined(lambdas).unwrap_or_else(|| self.direct(responses));
        let rows = errors.chunks_exact_mut(count * k).zip(closed.chunks_exact(count));
        for ((row, closed), (open, outside)) in rows.zip(modes.open.iter().zip(modes.outside.rows())) {
            let bottom = |closed: &f64| {
                let bottom = closed + open;
                if bottom > 0.0 { bottom } else { f64::NAN }
            };
            if k == 1 {
                // Several fits at once.
                let outside = outside[0];
                let each = row.iter_mut().zip(closed);
                each.for_each(|(error, closed)| *error = (*error + outside) / bottom(closed));
                continue;
            }
            for (errors, closed) in row.chunks_exact_mut(k).zip(closed) {
                let bottom = bottom(closed);
                let each = errors.iter_mut().zip(outside);
                each.for_each(|(error, outside)| *error = (*error + outside) / bottom);
            }
        }
        if modes.beyond() > 0 {
            self.put_limits(lambdas, responses, &mut errors);
        }
        errors
    }

    /// Computes `Σ_r U_ir² ρ_r`, for each row all fits, and `Σ_r U_ir c_r ρ_r`, for each row all fits and outputs.
    fn direct(&self, responses: &[Response]) -> (Vec<f64>, Vec<f64>) {
        let modes = self.modes;
        let (n, rank, k, count) = (modes.rows(), modes.rank(), modes.outputs(), responses.len());
        let mut weights = Vec::with_capacity(count * rank);
        let mut along = Vec::with_capacity(count * k * rank);
        for response in responses {
            let first = weights.len();
            weights.extend_from_slice(&response.residuals[..rank]);
            let weights = &mut weights[first..];
            if modes.beyond() == 0 {
                make_relative(weights, &modes.sigma[..rank]);
            }
            for output in modes.along.columns() {
                along.extend(weights.iter().zip(output).map(|(w, c)| w * c));
            }
        }
        let (mut closed, mut errors) = (vec![0.0; n * count], vec![0.0; n * count * k]);
        if rank > 0 {
            times_transposed(&self.squares, &weights, &mut closed, (n, count, rank));
            let u = modes.u.as_slice().unwrap_or(&[]);
            times_transposed(u, &along, &mut errors, (n, count * k, rank));
        }
        (closed, errors)
    }

    /// Like [`Self::direct`], from the nodes; `None` if a penalty is too far from them.
    fn combined(&self, lambdas: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
        let AtNodes { nodes, closed, errors } = self.nodes.as_ref()?;
        let (n, k, count, inner) = (self.modes.rows(), self.modes.outputs(), lambdas.len(), nodes.count());
        let mut coefficients = Vec::with_capacity(count * inner);
        if !lambdas.iter().all(|&lambda| nodes.coefficients(lambda, &mut coefficients)) {
            return None;
        }
        let product = |of: &[f64]| {
            let mut all = vec![0.0; n * count];
            times_transposed(of, &coefficients, &mut all, (n, count, inner));
            all
        };
        let bottoms = product(closed);
        if let [errors] = &errors[..] {
            return Some((bottoms, product(errors)));
        }
        let mut tops = vec![0.0; n * count * k];
        for (output, errors) in errors.iter().enumerate() {
            let places = tops[output..].iter_mut().step_by(k);
            places.zip(product(errors)).for_each(|(to, value)| *to = value);
        }
        Some((bottoms, tops))
    }

    /// Gives rows that alone span a direction the errors in the limit of interpolation, if no penalty holds them.
    fn put_limits(&self, lambdas: &[f64], responses: &[Response], errors: &mut [f64]) {
        let (modes, k) = (self.modes, self.modes.outputs());
        let rank = modes.rank();
        for (fit, (&lambda, response)) in lambdas.iter().zip(responses).enumerate() {
            if lambda > 0.0 || !self.alone.contains(&true) {
                continue;
            }
            let mut weights = response.residuals[..rank].to_vec();
            make_relative(&mut weights, &modes.sigma[..rank]);
            for row in (0..modes.rows()).filter(|&row| self.alone[row]) {
                let u = modes.u.row(row);
                let bottom: f64 = u.iter().zip(&weights).map(|(u, w)| u * u * w).sum();
                for (output, along) in modes.along.columns().into_iter().enumerate() {
                    let top: f64 = u.iter().zip(&weights).zip(along).map(|((u, w), c)| u * w * c).sum();
                    let error = if bottom > 0.0 { top / bottom } else { f64::NAN };
                    errors[(row * lambdas.len() + fit) * k + output] = error;
                }
            }
        }
    }
}
