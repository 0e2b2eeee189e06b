//! The lists of cells.

use crate::Error;
use crate::nested::parts::Part;

/// Steps of `p` below this are taken together: reflecting a few columns costs as much as a whole block.
const NARROW: usize = 8;
/// Largest number of columns taken together.
pub(super) const RUN: usize = 32;

/// Fits on the first `n` rows and the first `p` columns of one table, for every `n` and `p` of two lists.
///
/// ```text
/// p ≤ n   X[..n, ..p] = Q R_p         β̂ = R_p⁻¹ c_p             one QR that takes rows in: R_p is its leading triangle
/// p > n   X[..n, ..p] = L_n Q_nᵀ      β̂ = Xᵀ (L_n L_nᵀ)⁻¹ Y_n   one LQ that takes columns in: L_n is its leading triangle
/// ```
///
/// Each of the two costs as much as one factorisation of the largest matrix, `4/3 N³` flops for `N × N`. A cell is then
/// a triangular solve or, for `p > n`, two solves and the product with `Xᵀ`, `2 n p k` flops for `k` outputs; these
/// products are computed for all cells at once, as matrix products. Cell by cell, 20 × 20 factorisations would cost 150
/// times as much. Every factorisation is orthogonal: a fit is as accurate as its own condition number κ and its
/// residual allow ([`nested`](crate::nested), Accuracy). If κ exceeds `1 / (8 max(n, p) ε)`, and for estimators other
/// than the minimum norm, the cell uses an SVD of its triangle, whose singular values are those of the cell's matrix.
///
/// # Examples
/// ```
/// use double_descent::filter::MinNorm;
/// use double_descent::nested::{Plane, Request};
/// use ndarray::array;
///
/// let x = array![[1.0, 1.0, 0.0], [1.0, -1.0, 1.0]];
/// let y = array![[2.0], [0.0]];
/// let plane = Plane::new(&[1, 2], &[1, 2, 3])?;
/// let fits = plane.fits(&x, &y, &[Request { estimator: &MinNorm::default(), outputs: 0..1 }])?;
/// assert_eq!(fits.len(), 6);
/// let two_by_two = fits.iter().find(|fit| (fit.n, fit.p) == (2, 2)).unwrap();
/// assert!((two_by_two.coefficients[0][[0, 0]] - 1.0).abs() < 1e-14); // 1 + 1 = 2, 1 − 1 = 0
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    pub(super) samples: Vec<usize>,
    pub(super) features: Vec<usize>,
    pub(super) smallest: bool,
    /// The `p` whose cells are wanted, ascending; `None` means all.
    wanted: Option<Vec<usize>>,
}

impl Plane {
    /// Creates the plane of all pairs of `samples` and `features`, given in any order.
    ///
    /// # Errors
    /// [`Error::Empty`] if a list is empty, [`Error::Domain`] for an entry that is 0 or occurs twice.
    pub fn new(samples: &[usize], features: &[usize]) -> Result<Self, Error> {
        let sorted = |what: &'static str, entry: &'static str, list: &[usize]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            if list.is_empty() {
                return Err(Error::Empty { what });
            }
            if list[0] == 0 {
                return Err(Error::Domain { what: entry, value: 0.0, must_be: "at least 1" });
            }
            match list.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(pair) => {
                    let must_be = "listed once: its cells would count twice in every summary";
                    Err(Error::Domain { what: entry, value: pair[0] as f64, must_be })
                }
                None => Ok(list),
            }
        };
        Ok(Self {
            samples: sorted("the list of sample counts n", "a sample count n", samples)?,
            features: sorted("the list of feature counts p", "a feature count p", features)?,
            smallest: false,
            wanted: None,
        })
    }

    /// Restricts the plane to the cells of some of its `p`. Their bits are the same as among all cells.
    pub(crate) fn only(mut self, features: &[usize]) -> Self {
        let mut wanted = features.to_vec();
        wanted.sort_unstable();
        self.wanted = (wanted.len() < self.features.len()).then_some(wanted);
        self
    }

    /// Whether cells of `p` features are wanted.
    pub(super) fn wants(&self, p: usize) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.binary_search(&p).is_ok())
    }

    /// Returns the largest wanted `p`.
    pub(super) fn last_wanted(&self) -> usize {
        self.features.iter().copied().rfind(|&p| self.wants(p)).unwrap_or(0)
    }

    /// Splits the cells into two halves, by `p` if there is more than one, else by `n`; `None` for a single cell.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        match (self.samples.len() / 2, self.features.len() / 2) {
            (0, 0) => None,
            (half, 0) => Some(self.parted(Part::Samples(half))),
            (_, half) => Some(self.parted(Part::Features(half))),
        }
    }

    pub(super) fn parted(&self, at: Part) -> [Self; 2] {
        let part = |samples: &[usize], features: &[usize]| Self {
            samples: samples.to_vec(),
            features: features.to_vec(),
            smallest: self.smallest,
            wanted: self.wanted.clone(),
        };
        let (n, p) = (&self.samples[..], &self.features[..]);
        match at {
            Part::Samples(at) => [part(&n[..at], p), part(&n[at..], p)],
            Part::Features(at) => [part(n, &p[..at]), part(n, &p[at..])],
        }
    }

    /// Returns all wanted `(n, p)`, ascending.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let wanted = self.features.iter().copied().filter(|&p| self.wants(p));
        self.samples.iter().flat_map(move |&n| wanted.clone().map(move |p| (n, p)))
    }

    /// Requests the smallest singular value above the rank cutoff of every cell,
    /// [`PlaneFit::smallest_singular_value`](super::PlaneFit::smallest_singular_value): some tens of solves with the
    /// cell's triangle.
    #[must_use]
    pub fn with_smallest_singular_value(mut self) -> Self {
        self.smallest = true;
        self
    }

    /// Returns the feature counts, with narrow steps grouped together.
    pub(super) fn runs(&self) -> Vec<&[usize]> {
        let mut runs = Vec::new();
        let (mut rest, mut from) = (&self.features[..], 0);
        while let Some(&first) = rest.first() {
            let mut before = from;
            let is_narrow = |p: &&usize| {
                let step = **p - std::mem::replace(&mut before, **p);
                step < NARROW && **p - from <= RUN
            };
            let narrow = rest.iter().take_while(is_narrow).count();
            let (run, others) = rest.split_at(narrow.max(1));
            from = run.last().copied().unwrap_or(first);
            runs.push(run);
            rest = others;
        }
        runs
    }

    /// Returns the largest `n` and the largest `p`.
    pub(crate) fn largest(&self) -> (usize, usize) {
        let last = |list: &[usize]| list.last().copied().unwrap_or(0);
        (last(&self.samples), last(&self.features))
    }
}
