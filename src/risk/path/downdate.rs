//! The eigenvalues of `D − w wᵀ`, a diagonal Gram matrix without one row, and what a fit without that row predicts
//! there.
//!
//! With `D = diag(d₁ > … > d_r > 0)` and `w_k = √d_k ω_k` the eigenvalues are the roots of
//!
//! ```text
//! F(λ) = 1 − Σ w_k²/(d_k − λ) = (1 − ‖ω‖²) − λ Σ ω_k²/(d_k − λ),      d_{j+1} < λ_j < d_j,   0 ≤ λ_r < d_r
//! ```
//!
//! and the eigenvectors are `(D − λ)⁻¹ w`. The second form, with a `1 − ‖ω‖²` that is given separately, finds the last
//! root however small it is. Each root is stored as its distance from the nearer pole. `w` is then recomputed from the
//! roots, for which it is exact (Gu and Eisenstat, *A stable and efficient algorithm for the rank-one modification of
//! the symmetric eigenproblem*, SIAM J. Matrix Anal. Appl. 1994). Sums over all eigenvectors are therefore as accurate
//! as if these were orthogonal to the last digit.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

/// A step this small relative to the distance from the pole is the last.
const FINE: f64 = 1e-9;
/// Far more steps than a root takes, which is about five; only pure bisection would need them.
const MOST_STEPS: usize = 200;

/// The modes without one row.
#[derive(Debug, Default)]
pub(super) struct Downdated {
    /// `λ_j`, descending.
    pub(super) values: Vec<f64>,
    /// `(w·v_j)(v_jᵀ b)` for each output, `b = √D c − w y`. Weighted by `f(λ_j)`, they add up to the prediction of the
    /// fit `V f(Λ) Vᵀ b` at the row.
    pub(super) shares: Vec<Vec<f64>>,
}

/// The row that is left out: `ω`, `1 − ‖ω‖²`, and its targets `y`.
pub(super) struct Row<'a> {
    pub(super) omega: &'a [f64],
    pub(super) open: f64,
    pub(super) targets: &'a [f64],
}

/// A root as a pole (the origin for the last root, if that is nearer) and the distance from it.
struct SecularRoot {
    pole: f64,
    shift: f64,
}

impl Downdated {
    /// Leaves out a row, given the poles `d` and all rows' targets along the modes, `c`, one vector for each output. No
    /// `ω` may be 0.
    pub(super) fn new(d: &[f64], row: &Row<'_>, c: &[Vec<f64>]) -> Self {
        // The bits are the same for every instruction set.
        crate::machine::instructions::arch().dispatch(Find { d, row, c })
    }

    #[inline(always)]
    fn found(d: &[f64], row: &Row<'_>, c: &[Vec<f64>]) -> Self {
        let count = d.len();
        let squares: Vec<f64> = row.omega.iter().map(|omega| omega * omega).collect();
        let weights: Vec<f64> = d.iter().zip(&squares).map(|(d, square)| d * square).collect();
        let equation = Equation { d, squares: &squares, weights: &weights, open: row.open };
        let mut roots = Vec::with_capacity(count);
        for j in 0..count {
            roots.push(equation.root(j));
        }
        // d_k − λ_j, a row for each root; and w², from all of them.
        let mut apart = vec![0.0; count * count];
        let mut w = vec![1.0; count];
        for (j, root) in roots.iter().enumerate() {
            let apart = &mut apart[j * count..][..count];
            for (apart, pole) in apart.iter_mut().zip(d) {
                *apart = (pole - root.pole) - root.shift;
            }
            let own = w[j] * apart[j];
            for ((w, apart), pole) in w.iter_mut().zip(apart).zip(d) {
                *w *= *apart / (pole - d[j]);
            }
            w[j] = own; // this entry was divided by 0
        }
        w.iter_mut().zip(row.omega).for_each(|(w, omega)| *w = w.max(0.0).sqrt().copysign(*omega));
        let b: Vec<Vec<f64>> = (c.iter().zip(row.targets))
            .map(|(c, y)| d.iter().zip(&w).zip(c).map(|((d, w), c)| d.sqrt() * c - w * y).collect())
            .collect();
        let mut parts = vec![0.0; count];
        let mut shares = Vec::with_capacity(count);
        for j in 0..count {
            let apart = &apart[j * count..][..count];
            for ((part, w), apart) in parts.iter_mut().zip(&w).zip(apart) {
                *part = w / apart;
            }
            let square = dot(&parts, &parts);
            shares.push(b.iter().map(|b| dot(&parts, b) / square).collect());
        }
        Self { values: roots.iter().map(|root| root.pole + root.shift).collect(), shares }
    }
}

struct Find<'a> {
    d: &'a [f64],
    row: &'a Row<'a>,
    c: &'a [Vec<f64>],
}

impl pulp::WithSimd for Find<'_> {
    type Output = Downdated;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Downdated {
        Downdated::found(self.d, self.row, self.c)
    }
}

/// The inner product, in eight partial sums, which run in parallel.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Computes `Σ term/(d − λ)` and `Σ weight/(d − λ)²`, each in eight partial sums.
#[inline(always)]
fn sums(d: &[f64], terms: &[f64], weights: &[f64], root: &SecularRoot) -> (f64, f64) {
    let (mut values, mut slopes) = ([0.0; 8], [0.0; 8]);
    let ((d, d_rest), (terms, terms_rest), (weights, weights_rest)) =
        (d.as_chunks::<8>(), terms.as_chunks::<8>(), weights.as_chunks::<8>());
    for ((d, term), weight) in d.iter().zip(terms).zip(weights) {
        add(d, term, weight, root, &mut values, &mut slopes);
    }
    add(d_rest, terms_rest, weights_rest, root, &mut values, &mut slopes);
    (values.iter().sum::<f64>(), slopes.iter().sum::<f64>())
}

/// Adds a term to each partial sum.
#[inline(always)]
fn add(
    d: &[f64],
    terms: &[f64],
    weights: &[f64],
    root: &SecularRoot,
    values: &mut [f64; 8],
    slopes: &mut [f64; 8],
) {
    let sums = values.iter_mut().zip(slopes);
    for (((d, term), weight), (value, slope)) in d.iter().zip(terms).zip(weights).zip(sums) {
        let inverse = ((d - root.pole) - root.shift).recip();
        *value += term * inverse;
        *slope += weight * inverse * inverse;
    }
}

struct Equation<'a> {
    d: &'a [f64],
    /// `ω²` and `w²`.
    squares: &'a [f64],
    weights: &'a [f64],
    /// `1 − ‖ω‖²`.
    open: f64,
}

/// `F` at a point, and the derivatives of two parts of it: of the poles from `d_j` up, and of the poles below.
struct Value {
    f: f64,
    above: f64,
    below: f64,
    /// The sum of the absolute values of all terms.
    size: f64,
}

impl Equation<'_> {
    #[inline(always)]
    fn at(&self, j: usize, root: &SecularRoot) -> Value {
        let is_last = j + 1 == self.d.len();
        let (open, terms, scale) = if is_last {
            (self.open, self.squares, root.pole + root.shift)
        } else {
            (1.0, self.weights, 1.0)
        };
        let (d, weights) = (self.d.split_at(j + 1), self.weights.split_at(j + 1));
        let terms = terms.split_at(j + 1);
        // On either side of the root, all terms have one sign.
        let above = sums(d.0, terms.0, weights.0, root);
        let below = sums(d.1, terms.1, weights.1, root);
        Value {
            f: open - scale * (above.0 + below.0),
            above: -above.1,
            below: -below.1,
            size: open + scale * (above.0.abs() + below.0.abs()),
        }
    }

    /// Finds the root just below `d_j`.
    #[inline(always)]
    fn root(&self, j: usize) -> SecularRoot {
        let (d, weights) = (self.d, self.weights);
        let is_last = j + 1 == d.len();
        if is_last && self.open <= 0.0 {
            return SecularRoot { pole: 0.0, shift: 0.0 };
        }
        let under = if is_last { 0.0 } else { d[j + 1] };
        let half = 0.5 * (d[j] - under);
        let middle = self.at(j, &SecularRoot { pole: d[j], shift: -half });
        // F falls from the pole below to the one above.
        let is_upper = middle.f > 0.0;
        let (pole, mut low, mut high) = if is_upper { (d[j], -half, 0.0) } else { (under, 0.0, half) };
        // The first guess: all other poles contribute what they do in the middle.
        let first = if is_upper {
            -weights[j] / (middle.f + weights[j] / half)
        } else if is_last {
            let slope: f64 = self.squares.iter().zip(d).map(|(square, d)| square / d).sum();
            self.open / slope
        } else {
            -weights[j + 1] / (middle.f - weights[j + 1] / half)
        };
        let mut root = SecularRoot { pole, shift: first };
        for _ in 0..MOST_STEPS {
            if !(root.shift > low && root.shift < high) {
                root.shift = between(low, high);
                if !(root.shift > low && root.shift < high) {
                    break;
                }
            }
            let value = self.at(j, &root);
            if value.f.abs() <= 4.0 * f64::EPSILON * value.size {
                break;
            }
            if value.f > 0.0 {
                low = root.shift;
            } else {
                high = root.shift;
            }
            let to_upper = (d[j] - root.pole) - root.shift;
            let step = if is_last {
                // The model is one pole and a constant.
                let slope = value.above;
                to_upper + slope * to_upper * to_upper / (value.f - slope * to_upper)
            } else {
                let to_lower = (d[j + 1] - root.pole) - root.shift;
                two_poles(&value, to_upper, to_lower)
            };
            let next = root.shift + step;
            if step.abs() <= FINE * next.abs() {
                // Convergence is quadratic: the next step would be under rounding, as this one may be.
                if next > low && next < high {
                    root.shift = next;
                }
                break;
            }
            root.shift = next;
        }
        root
    }
}

/// The step to the root of a model, a constant and two poles, that has the same value and both slopes.
fn two_poles(value: &Value, to_upper: f64, to_lower: f64) -> f64 {
    let c = value.f - value.above * to_upper - value.below * to_lower;
    let b = to_upper * to_lower * value.f;
    let a = (to_upper + to_lower) * value.f - to_upper * to_lower * (value.above + value.below);
    let root = (a * a - 4.0 * b * c).max(0.0).sqrt();
    if a <= 0.0 { 2.0 * b / (a - root) } else { (a + root) / (2.0 * c) }
}

/// A point between two shifts of one sign, or with one end at the pole: by powers, because roots may be very close to
/// it.
fn between(low: f64, high: f64) -> f64 {
    if low == 0.0 {
        1e-3 * high
    } else if high == 0.0 {
        1e-3 * low
    } else {
        let geometric = (low.abs().sqrt() * high.abs().sqrt()).copysign(low);
        if geometric > low && geometric < high { geometric } else { f64::midpoint(low, high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the trace and the determinant: `Σ λ = Σ d − ‖w‖²`, `∏ λ = ∏ d (1 − ‖ω‖²)`; with close poles and with
    /// weights from 1 to 1e-15.
    #[test]
    fn traces_and_determinants() {
        let cases: [(&[f64], &[f64], f64); 5] = [
            (&[1.0, 0.5, 0.1], &[0.3, 0.4, 0.5], 0.5),
            (&[1.0], &[0.6], 0.64),
            (&[1.0, 0.999_999_99, 1e-6], &[0.1, 1e-9, 0.7], 1.0 - 0.01 - 1e-18 - 0.49),
            (&[1.0, 1e-4, 1e-8, 1e-12], &[1e-15, 0.5, 0.5, 0.7], 1.0 - 0.99),
            (&[1.0, 0.25], &[0.6, 0.8], 0.0),
        ];
        for (d, omega, open) in cases {
            let row = Row { omega, open, targets: &[] };
            let found = Downdated::new(d, &row, &[]).values;
            let w2: Vec<f64> = d.iter().zip(omega).map(|(d, o)| d * o * o).collect();
            let trace: f64 = d.iter().sum::<f64>() - w2.iter().sum::<f64>();
            assert!((found.iter().sum::<f64>() - trace).abs() < 1e-15 * d.len() as f64, "{d:?}");
            let ratio: f64 = found.iter().zip(d).map(|(l, d)| l / d).product();
            // The given 1 − ‖ω‖² is itself a rounded difference.
            assert!((ratio - open).abs() < 1e-15 + 1e-13 * open, "{d:?}: {ratio} {open}");
            assert!(found.windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }
}
