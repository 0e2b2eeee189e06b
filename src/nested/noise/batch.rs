//! Batches of up to eight checked matrices of one shape, with their roots.

use super::lanes::{LANES, Lane, ZERO};
use super::root::Root;
use super::term::Term;
use crate::nested::scale::largest_exponent;
use crate::svd::power_of_two;
use crate::{Error, machine::memory};
use ndarray::{Array2, ArrayView2};

/// Largest exponent, in powers of two, at which roots keep their own units.
const ORDINARY: i32 = 100;

/// Interleaved matrices, in power-of-two units: entries are below 1.
pub(super) struct Batch<'a> {
    pub(super) xs: &'a [ArrayView2<'a, f64>],
    pub(super) shape: (usize, usize),
    pub(super) scale: Lane,
    /// The noise terms are in units of `2^e`.
    pub(super) exponents: [i32; LANES],
    /// How many points of each matrix are not requested.
    pub(super) skipped: [usize; LANES],
    /// One, or one for each matrix.
    roots: &'a [&'a Root],
    /// The factor for the roots: 1 unless their squares would be out of range.
    root_scale: Lane,
    /// Packed columns of the roots, unless all are the identity.
    columns: Vec<Lane>,
}

impl<'a> Batch<'a> {
    /// Checks all matrices, then splits them into batches of eight. The leading `block(n, p)` columns of the roots are
    /// kept.
    pub(super) fn of(
        xs: &'a [ArrayView2<'a, f64>],
        roots: &'a [&'a Root],
        skipped: &[usize],
        block: impl Fn(usize, usize) -> usize,
    ) -> Result<Vec<Self>, Error> {
        let (n, p) = match xs.first().map(ArrayView2::dim) {
            Some((0, _)) => return Err(Error::Empty { what: "the samples" }),
            Some((n, p)) if p > 0 => (n, p),
            _ => return Err(Error::Empty { what: "the features" }),
        };
        for x in xs {
            Error::check_len("rows of a matrix of a batch", n, x.nrows())?;
            Error::check_len("columns of a matrix of a batch", p, x.ncols())?;
            Error::check_finite("the features", x.view())?;
        }
        if roots.len() != 1 {
            Error::check_len("roots of covariances", xs.len(), roots.len())?;
        }
        for dimension in roots.iter().filter_map(|root| root.dimension()) {
            if dimension < p {
                Error::check_len("columns of the covariance", p, dimension)?;
            }
        }
        // Eight lanes of roots for every batch; the reflected matrices, triangle and images of one batch; the terms.
        let lanes = |entries: usize| memory::list::<Lane>(entries);
        let (least, width) = (n.min(p), block(n, p));
        let roots_held = if roots.iter().any(|root| root.dimension().is_some()) {
            lanes(width.saturating_mul(width) / 2).saturating_mul(xs.len().div_ceil(LANES))
        } else {
            0
        };
        let of_batch = lanes(least.saturating_mul(p.max(n).saturating_add(least.saturating_mul(2))));
        let terms = memory::list::<Term>(xs.len().saturating_mul(n.max(p)));
        memory::reserve("noise terms", memory::sum([roots_held, of_batch, terms]))?;
        let of_chunk = |(xs, chunk): (&'a [ArrayView2<'a, f64>], usize)| {
            let roots = if roots.len() == 1 { roots } else { &roots[chunk * LANES..][..xs.len()] };
            let mut batch = Self::new(xs, roots, block(n, p));
            let of_lanes = skipped.iter().skip(chunk * LANES);
            batch.skipped.iter_mut().zip(of_lanes).for_each(|(to, from)| *to = *from);
            batch
        };
        Ok(xs.chunks(LANES).zip(0..).map(of_chunk).collect())
    }

    fn new(xs: &'a [ArrayView2<'a, f64>], roots: &'a [&'a Root], block: usize) -> Self {
        let shape = xs[0].dim();
        let (mut scale, mut root_scale, mut exponents) = (Lane::ONE, Lane::ONE, [0; LANES]);
        for lane in 0..LANES {
            // Scaling leaves subnormal matrices smaller than 1: 2^1023 is the largest power.
            let exponent = xs.get(lane).and_then(largest_exponent).unwrap_or(0).max(-1023);
            let root = roots.get(lane).unwrap_or(&roots[0]);
            scale[lane] = power_of_two((-exponent).max(-1022));
            let used = -(-exponent).max(-1022);
            // The largest root entry of the features in use gives the roots their own unit.
            let unit = root.largest(shape.1).filter(|e| e.abs() > ORDINARY).unwrap_or(0).max(-1000);
            root_scale[lane] = power_of_two(-unit);
            exponents[lane] = 2 * (root.exponent() + unit - used);
        }
        let skipped = [0; LANES];
        let mut batch = Self { xs, shape, scale, exponents, skipped, roots, root_scale, columns: Vec::new() };
        if roots.iter().any(|root| root.dimension().is_some()) {
            let columns = (0..block).flat_map(|column| batch.root_column(column)).collect();
            batch.columns = columns;
        }
        batch
    }

    /// Whether some covariance is not the identity.
    pub(super) fn has_root(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Returns column `j` of the roots, `j + 1` entries. Lanes without a matrix repeat the first.
    pub(super) fn root_column(&self, j: usize) -> Vec<Lane> {
        let mut lanes = vec![ZERO; j + 1];
        for lane in 0..LANES {
            match self.roots.get(lane).unwrap_or(&self.roots[0]).column(j) {
                Some(column) => {
                    let scale = self.root_scale[lane];
                    lanes.iter_mut().zip(column).for_each(|(to, from)| to[lane] = from * scale);
                }
                None => lanes[j][lane] = 1.0,
            }
        }
        lanes
    }

    /// Returns entry `(i, j)` of the roots, `i ≤ j`, in the block.
    #[inline(always)]
    pub(super) fn root(&self, i: usize, j: usize) -> Lane {
        self.columns[j * (j + 1) / 2 + i]
    }

    /// Returns `S q`.
    #[inline(always)]
    pub(super) fn image(&self, q: &[Lane]) -> Vec<Lane> {
        let mut image = vec![ZERO; q.len()];
        for (j, factor) in q.iter().enumerate() {
            for (i, sum) in image[..=j].iter_mut().enumerate() {
                let entry = self.root(i, j);
                for lane in 0..LANES {
                    sum[lane] += entry[lane] * factor[lane];
                }
            }
        }
        image
    }

    /// Returns the leading `p × p` block of one lane's root, as a full matrix; `None` if all roots are the identity.
    pub(super) fn root_of(&self, lane: usize, p: usize) -> Option<Array2<f64>> {
        self.has_root()
            .then(|| Array2::from_shape_fn((p, p), |(i, j)| if i <= j { self.root(i, j)[lane] } else { 0.0 }))
    }
}
