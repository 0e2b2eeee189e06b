//! A training set in the coordinates of its left singular vectors.

use crate::Error;
use crate::filter::Spectrum;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::leverage;
use crate::svd::product;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// What every fit of a path is computed from. Only modes over the rank cutoff are kept; the others count as outside.
#[derive(Clone, Debug)]
pub(crate) struct Modes {
    /// `U` of the kept modes, `n × r`, row-major.
    pub(crate) u: Array2<f64>,
    /// Singular values: the kept ones, then those under the cutoff.
    pub(crate) sigma: Vec<f64>,
    /// The number of features, `p`.
    pub(crate) width: usize,
    /// `Uᵀ Y`, `r × k`.
    pub(crate) along: Array2<f64>,
    /// The part of the targets outside the span of `U` (and of the intercept), `n × k`.
    pub(crate) outside: Array2<f64>,
    /// `1 − hᵢᵢ` of the fit without penalty.
    pub(crate) open: Vec<f64>,
    /// 1 if the rows are centred, otherwise 0.
    pub(crate) intercepts: usize,
}

impl Modes {
    /// Makes the modes from the left singular vectors `u` (`n × r`), singular values, the cutoff's rank and the
    /// targets, centred if an intercept is fitted. `outside` is the part of the targets outside the span of all columns
    /// of `u`.
    pub(crate) fn new(
        u: ArrayView2<'_, f64>,
        (sigma, rank): (Vec<f64>, usize),
        width: usize,
        targets: ArrayView2<'_, f64>,
        outside: Array2<f64>,
        intercepts: usize,
    ) -> Result<Self, Error> {
        let (n, k) = targets.dim();
        let work = [table(n, rank).saturating_mul(3), table(n, k).saturating_mul(2), table(rank, k)];
        reserve("the modes of a path", sum(work))?;
        let all_along = product(u.t(), targets);
        let dropped = u.slice(s![.., rank..]);
        let mut outside = outside + product(dropped, all_along.slice(s![rank.., ..]));
        let u = u.slice(s![.., ..rank]).as_standard_layout().into_owned();
        let along = all_along.slice(s![..rank, ..]).to_owned();
        let mut open = vec![0.0; n];
        if rank + intercepts < n {
            let mut leverages: Vec<f64> = u.rows().into_iter().map(|row| row.dot(&row)).collect();
            if intercepts > 0 {
                for h in &mut leverages {
                    *h += (n as f64).recip();
                }
                let ones = Array1::from_elem(n, (n as f64).sqrt().recip()).insert_axis(Axis(1));
                let mut factor = u.clone();
                factor
                    .append(Axis(1), ones.view())
                    .map_err(|e| Error::Unsupported { reason: e.to_string() })?;
                open = leverage::open(&leverages, &factor);
            } else {
                open = leverage::open(&leverages, &u);
            }
        }
        // If `1 − hᵢᵢ` is 0 but for rounding, the row alone spans a direction. So does every row if nothing is open.
        let rounding = (n.max(width) as f64 * f64::EPSILON).powi(2);
        for (open, mut outside) in open.iter_mut().zip(outside.rows_mut()) {
            if *open <= rounding {
                *open = 0.0;
                outside.fill(0.0);
            }
        }
        Ok(Self { u, sigma, width, along, outside, open, intercepts })
    }

    pub(crate) fn rows(&self) -> usize {
        self.u.nrows()
    }

    pub(crate) fn rank(&self) -> usize {
        self.u.ncols()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.along.ncols()
    }

    pub(crate) fn spectrum(&self) -> Spectrum<'_> {
        Spectrum::new(self.rows(), self.width, &self.sigma)
    }

    /// The number of directions of the rows that no fit reaches: the sum of `open`.
    pub(crate) fn beyond(&self) -> usize {
        self.rows() - self.rank() - self.intercepts
    }

    /// Whether each row alone spans a direction, up to the rank cutoff of the others: the smallest singular value
    /// without row `i` is about `√(1 − hᵢᵢ)/‖gᵢ‖`, `gᵢ = Uᵢ/σ`.
    pub(crate) fn alone(&self) -> Vec<bool> {
        let Some(&first) = self.sigma.first() else { return vec![false; self.rows()] };
        let bound = self.rows().max(self.width).max(16) as f64 * f64::EPSILON * first;
        let rows = self.u.rows().into_iter().zip(&self.open);
        rows.map(|(row, open)| {
            let gain: f64 = row.iter().zip(&self.sigma).map(|(u, s)| (u / s).powi(2)).sum();
            open.sqrt() <= bound * gain.sqrt()
        })
        .collect()
    }
}
