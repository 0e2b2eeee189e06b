//! Lengths of inputs and the angles between them, accurate to rounding.

use super::pairs::{squares, squares_of_sums};
use crate::{Error, machine::memory};
use ndarray::{Array2, ArrayRef2, Axis, Zip};
use std::f64::consts::PI;

/// The bound below which functions of angles are summed as series, because their closed forms cancel.
const SMALL: f64 = 1.0;

/// The lengths of two inputs and the angle between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Angle {
    /// `‖x‖` and `‖x'‖`.
    pub(super) lengths: [f64; 2],
    /// `θ`, from 0 to `π`.
    pub(super) theta: f64,
    /// `π − θ`, accurate even as it tends to 0.
    pub(super) rest: f64,
    /// `cos θ`.
    pub(super) cos: f64,
    /// `sin θ`.
    pub(super) sin: f64,
}

impl Angle {
    /// The angle from `‖x + x'‖²` and `‖x − x'‖²` of the unit vectors.
    fn new(lengths: [f64; 2], plus: f64, minus: f64) -> Self {
        let (p, m) = (plus.sqrt(), minus.sqrt());
        // For unit vectors plus + minus = 4, up to rounding.
        let four = plus + minus;
        Self {
            lengths,
            theta: 2.0 * m.atan2(p),
            rest: 2.0 * p.atan2(m),
            cos: (p - m) * (p + m) / four,
            sin: 2.0 * p * m / four,
        }
    }

    /// Returns whether one of the two inputs is the origin, which has no direction.
    pub(super) fn is_without_direction(&self) -> bool {
        self.lengths.contains(&0.0)
    }

    /// Returns `‖x‖ ‖x'‖`.
    pub(super) fn size(&self) -> f64 {
        self.lengths[0] * self.lengths[1]
    }
}

/// Returns a function of the angle for every pair of rows of `a` (`m × d`) and `b` (`n × d`).
///
/// If one of the two is the origin, the angle is `π/2`.
pub(super) fn of_pairs(
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
    entry: impl Fn(Angle) -> f64,
) -> Result<Array2<f64>, Error> {
    // The directions, their copies in `squares`, and two matrices.
    let inputs = memory::table(a.nrows().saturating_add(b.nrows()), a.ncols());
    let gram = memory::table(a.nrows(), b.nrows());
    memory::reserve("a Gram matrix", memory::sum([inputs, inputs, gram, gram]))?;
    let ((a, left), (b, right)) = (directions(a), directions(b));
    let mut gram = squares_of_sums(&a, &b)?;
    let minus = squares(&a, &b, 1.0)?;
    Zip::indexed(&mut gram).and(&minus).for_each(|(i, j), gram, &minus| {
        let lengths = [left[i], right[j]];
        let (plus, minus) = if lengths.contains(&0.0) { (2.0, 2.0) } else { (*gram, minus) };
        *gram = entry(Angle::new(lengths, plus, minus));
    });
    Ok(gram)
}

/// Returns the rows scaled to length 1, and their original lengths.
fn directions(rows: &ArrayRef2<f64>) -> (Array2<f64>, Vec<f64>) {
    let mut rows = rows.to_owned();
    let lengths = rows.axis_iter_mut(Axis(0)).map(|mut row| {
        let largest = row.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        // Scale first: the squares of 1e200 and 1e−200 over- and underflow.
        row.mapv_inplace(|v| v / largest);
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.mapv_inplace(|v| v / length);
        length * largest
    });
    let lengths = lengths.collect();
    (rows, lengths)
}

/// Returns `κ₀ = (π − θ) / π`.
pub(super) fn kappa_0(angle: &Angle) -> f64 {
    angle.rest / PI
}

/// Returns `κ₁ = (sin θ + (π − θ) cos θ) / π`.
pub(super) fn kappa_1(angle: &Angle) -> f64 {
    sine_less_arc(angle.rest) / PI
}

/// Returns `κ₂ = (3 sin θ cos θ + (π − θ)(1 + 2 cos² θ)) / 3π`.
pub(super) fn kappa_2(angle: &Angle) -> f64 {
    let t = 2.0 * angle.rest;
    let sum = if t < SMALL {
        // Σ_{k ≥ 2} (−1)ᵏ (k − 1) t^{2k+1} / (2k + 1)!
        let mut power = -t.powi(3) / 6.0;
        let mut sum = 0.0;
        for k in 2..=10 {
            let k = f64::from(k);
            power *= -t * t / (2.0 * k * (2.0 * k + 1.0));
            sum += (k - 1.0) * power;
        }
        sum
    } else {
        3.0 * angle.sin * angle.cos + angle.rest * (1.0 + 2.0 * angle.cos * angle.cos)
    };
    sum / (3.0 * PI)
}

/// Returns the angle at the next layer, `cos θ' = κ₁(θ)`, computed from `1 − κ₁ = 2 sin²(θ/2) − (sin θ − θ cos θ) / π`.
pub(super) fn next(angle: &Angle) -> Angle {
    let half = (0.5 * angle.theta).sin();
    // (1 − κ₁) / 2, at most ½.
    let square = half * half - sine_less_arc(angle.theta) / (2.0 * PI);
    let sine = square.clamp(0.0, 0.5).sqrt();
    let theta = 2.0 * sine.asin();
    Angle { theta, rest: PI - theta, cos: kappa_1(angle), sin: theta.sin(), ..*angle }
}

/// Returns `sin t − t cos t` for `0 ≤ t ≤ π`.
fn sine_less_arc(t: f64) -> f64 {
    if t >= SMALL {
        return t.sin() - t * t.cos();
    }
    // Σ_{k ≥ 1} (−1)^{k+1} 2k t^{2k+1} / (2k + 1)!
    let mut power = -t;
    let mut sum = 0.0;
    for k in 1..=10 {
        let k = f64::from(k);
        power *= -t * t / (2.0 * k * (2.0 * k + 1.0));
        sum += 2.0 * k * power;
    }
    sum
}
