//! The integration contour around the limiting spectrum of `XᵀX/n`, and `κ` along it.
//!
//! Everything is in units of the population's largest eigenvalue. `κ` solves `z = −κ + (κ/n) Σ m ℓ/(ℓ+κ)`. Directions
//! are split into `N` strong ones and weak ones, whose `ℓ` is below every relevant `|κ|`. Weak directions shift the
//! spectrum by `shift = Σ m ℓ/n` and hardly spread it. With `c = κ/(ℓ+κ)`,
//! ```text
//! z − shift = −( κ ((n − N) + Σ_strong m c) + Σ_weak m ℓ²/(ℓ+κ) ) / n
//! ```
//! and the only cancellation is in `n − N`. With `10^k` directions per sample, the whole spectrum lies within a
//! relative distance `10^(−k/2)` of `shift`. So points of the contour are stored by their **place** `z − shift`.

use super::complex::Complex;
use super::gauss_legendre;
use super::spectrum::PopulationSpectrum;
use crate::Error;

/// The lower half of a contour that is symmetric about the real axis.
pub(super) struct Contour {
    /// The nodes below the real axis, from left to right.
    pub(super) nodes: Vec<Node>,
    /// Whether 0 lies inside. If not, and if the rank is above `n`, 0 is a separate eigenvalue.
    pub(super) holds_zero: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) z: Complex,
    /// `z − shift`. Differences of places equal differences of `z`, but with smaller rounding errors.
    pub(super) place: Complex,
    /// The quadrature weight times `dz/(2πi)`.
    pub(super) weight: Complex,
    pub(super) kappa: Complex,
    /// `−dz/dκ`.
    pub(super) slope: Complex,
    /// `(κ/n) Σ m ℓ/(ℓ + κ) − shift`.
    pub(super) seen: Complex,
}

/// The eigenvalues of a population, scaled so that the largest is 1, and the number of samples.
pub(super) struct Bulk {
    /// Eigenvalues with multiplicities, in descending order.
    pairs: Vec<(f64, f64)>,
    n: f64,
    /// The number of strong `pairs`, which come first.
    strong: usize,
    /// `n − N`.
    spare: f64,
    shift: f64,
    /// `κ` at `z = 0`.
    kappa: f64,
    /// The place of the lower edge of the non-zero spectrum, and `κ` there; `None` if the rank is `n`.
    bottom: Option<(f64, f64)>,
}

/// Sums over the spectrum at a given `κ`.
struct ComplexSums {
    /// `(n − N) + Σ_strong m c`.
    free: Complex,
    /// `Σ_weak m ℓ²/(ℓ+κ)`.
    spread: Complex,
    /// `n − Σ m s²`, `s = ℓ/(ℓ + κ)`.
    slope: Complex,
    /// `Σ_strong m s`.
    share: Complex,
}

impl Bulk {
    /// Returns the bulk and the largest eigenvalue, its unit; `None` if all eigenvalues are 0.
    pub(super) fn new(spectrum: &PopulationSpectrum, n: f64) -> Result<Option<(Self, f64)>, Error> {
        let Some([unit, lowest]) = spectrum.extremes() else { return Ok(None) };
        if lowest / unit < 1e-200 {
            let must_be = "at least 1e-200 of the largest, or 0";
            return Err(Error::Domain { what: "smallest eigenvalue", value: lowest, must_be });
        }
        let pairs: Vec<_> = spectrum.merged().map(|(value, count)| (value / unit, count)).collect();
        let kappa = spectrum.kappa([0.0, n, n - spectrum.rank()], [0.0; 2], |_| (0.0, 0.0), None) / unit;
        let mut bulk = Self {
            strong: pairs.len(),
            pairs,
            n,
            spare: n - spectrum.rank(),
            shift: 0.0,
            kappa,
            bottom: None,
        };
        let end = bulk.lower_end();
        if let Some(end) = end.filter(|_| bulk.spare < -n) {
            // At the lower edge Σ m s² = n, so at most 4n directions have s > ½.
            bulk.strong = bulk.pairs.partition_point(|pair| pair.0 > end);
            let (strong, weak) = bulk.pairs.split_at(bulk.strong);
            bulk.shift = weak.iter().map(|(l, m)| l * (m / n)).sum();
            bulk.spare = n - strong.iter().map(|pair| pair.1).sum::<f64>();
        }
        bulk.bottom = end.map(|kappa| (bulk.real(kappa), kappa));
        Ok(Some((bulk, unit)))
    }

    fn parts(&self) -> [&[(f64, f64)]; 2] {
        let (strong, weak) = self.pairs.split_at(self.strong);
        [strong, weak]
    }

    /// Returns the place of the upper edge of the spectrum of `XᵀX/n`.
    fn upper_place(&self) -> f64 {
        let count: f64 = self.pairs.iter().map(|pair| pair.1).sum();
        // At the edge z stops falling: Σ m ℓ²/(ℓ + κ)² = n, with κ = −1 − v.
        let spread = |v: f64| self.pairs.iter().map(|(l, m)| m * (l / ((1.0 - l) + v)).powi(2)).sum::<f64>();
        let bounds =
            [(self.pairs[0].1 / self.n).sqrt() * (1.0 - 1e-12), (count / self.n).sqrt() * (1.0 + 1e-12)];
        let v = root(bounds, |v| spread(v) > self.n);
        let [strong, weak] = self.parts();
        let shares: f64 = strong.iter().map(|(l, m)| m * (l / ((1.0 - l) + v))).sum();
        let spread: f64 = weak.iter().map(|(l, m)| m * l * (l / ((1.0 - l) + v))).sum();
        (1.0 + v) * (1.0 + shares / self.n) + spread / self.n
    }

    /// Returns the upper edge.
    pub(super) fn top(&self) -> f64 {
        self.shift + self.upper_place()
    }

    /// Returns the place of a real `κ` on the branch that ends at the lower edge.
    fn real(&self, kappa: f64) -> f64 {
        let [strong, weak] = self.parts();
        let left: f64 = strong.iter().map(|(l, m)| m * (kappa / (l + kappa))).sum();
        let spread: f64 = weak.iter().map(|(l, m)| m * l * (l / (l + kappa))).sum();
        -(kappa * ((self.spare + left) / self.n) + spread / self.n)
    }

    /// Returns `κ` at the lower edge of the non-zero spectrum; `None` if the rank is `n`.
    ///
    /// To be called before the directions are split.
    fn lower_end(&self) -> Option<f64> {
        let lowest = self.pairs.last()?.0;
        let count = self.n - self.spare;
        // At the edge dz/dκ = 0: Σ m κ (κ + 2ℓ)/(ℓ + κ)² = d − n.
        let sum = |kappa: f64| {
            self.pairs.iter().map(|(l, m)| m * (kappa * (kappa + 2.0 * l) / (l + kappa).powi(2))).sum::<f64>()
        };
        if self.spare < -self.n {
            let squares =
                |kappa: f64| self.pairs.iter().map(|(l, m)| m * (l / (l + kappa)).powi(2)).sum::<f64>();
            Some(root([0.1 * lowest, self.kappa], |kappa| squares(kappa) > self.n))
        } else if self.spare > 0.0 {
            let low = (0.5 * lowest).min(self.spare / (8.0 * count) * lowest);
            Some(-root([low, lowest], |u| self.spare + sum(-u) > 0.0))
        } else if self.spare < 0.0 {
            let low = -self.spare / (4.0 * count) * lowest;
            Some(root([low, self.kappa], |kappa| sum(kappa) + self.spare < 0.0))
        } else {
            None
        }
    }

    /// Returns a contour at distance `near` left and `beyond` right of the spectrum.
    ///
    /// The left distance is smaller if the gap between 0 and the spectrum requires it.
    pub(super) fn contour(&self, near: f64, beyond: f64) -> Result<Contour, Error> {
        let (left, distance, kappa, holds_zero) = match self.bottom {
            Some((place, end)) if self.shift + place >= near => {
                let edge = self.shift + place;
                // If 1/time is far below the edge, the fit has converged at the edge anyway.
                let distance = near.clamp(edge / 2000.0, 0.5 * edge);
                let left = place - distance;
                let kappa = if end < 0.0 {
                    -root([left * (1.0 - 1e-12), -end], |u| self.real(-u) < left)
                } else {
                    root([end, self.kappa], |kappa| self.real(kappa) > left)
                };
                (left, distance, kappa, false)
            }
            _ => {
                let high = 2.0 * (near + self.pairs.iter().map(|(l, m)| l * (m / self.n)).sum::<f64>());
                let left = -near - self.shift;
                (left, near, root([near * (1.0 - 1e-12), high], |kappa| self.real(kappa) > left), true)
            }
        };
        let right = self.upper_place() + beyond;
        let start = (Complex::from(left), Complex::from(kappa));
        let nodes = self.follow(start, &rhombus(left, right, distance, beyond))?;
        Ok(Contour { nodes, holds_zero })
    }

    fn follow(&self, start: (Complex, Complex), path: &[(Complex, Complex)]) -> Result<Vec<Node>, Error> {
        let (mut place, mut kappa) = start;
        let mut nodes = Vec::with_capacity(path.len());
        for &(next, weight) in path {
            let mut done = 0.0;
            let mut step = 1.0;
            // One step usually suffices. If Newton's method lands on another branch, take shorter steps.
            while done < 1.0 {
                let to =
                    if done + step >= 1.0 { next } else { place + (next - place).scale(step / (1.0 - done)) };
                if let Some(found) = self.newton(to, place, kappa) {
                    (place, kappa) = (to, found);
                    done += step;
                } else {
                    step *= 0.5;
                    if step < 1e-4 {
                        let reason = format!("the fixed point was not found at {} + {} i", to.re, to.im);
                        return Err(Error::Unsupported { reason });
                    }
                }
            }
            let sums = self.sums(kappa);
            let over_n = self.n.recip();
            nodes.push(Node {
                z: place + Complex::from(self.shift),
                place,
                weight,
                kappa,
                slope: sums.slope.scale(over_n),
                seen: (kappa * sums.share - sums.spread).scale(over_n),
            });
        }
        Ok(nodes)
    }

    fn sums(&self, kappa: Complex) -> ComplexSums {
        let zero = Complex::default();
        let (mut share, mut left, mut strong_slope) = (zero, zero, zero);
        let [strong, weak] = self.parts();
        for &(value, count) in strong {
            let inverse = Complex::from(1.0) / (kappa + Complex::from(value));
            let (s, c) = (inverse.scale(value), kappa * inverse);
            share = share + s.scale(count);
            left = left + c.scale(count);
            // 1 − s² = c (1 + s).
            strong_slope = strong_slope + (c + c * s).scale(count);
        }
        let (mut spread, mut weak_slope) = (zero, zero);
        for &(value, count) in weak {
            let s = Complex::from(value) / (kappa + Complex::from(value));
            spread = spread + s.scale(count * value);
            weak_slope = weak_slope + (s * s).scale(count);
        }
        let spare = Complex::from(self.spare);
        ComplexSums { free: spare + left, spread, slope: spare + strong_slope - weak_slope, share }
    }

    /// Solves for `κ` at the place `to`, starting from the solution at the nearby `place`.
    fn newton(&self, to: Complex, place: Complex, start: Complex) -> Option<Complex> {
        let mut kappa = start;
        for round in 0..40 {
            let sums = self.sums(kappa);
            let step = (kappa * sums.free + sums.spread + to.scale(self.n)) / sums.slope;
            kappa = kappa - step;
            if !kappa.is_finite() || (round == 0 && to != place && kappa.im <= 0.0) {
                return None;
            }
            if step.abs() <= 1e-13 * kappa.abs() {
                // For Im z < 0 the fixed point has exactly one solution with Im κ > 0.
                return (kappa.im > 0.0).then_some(kappa);
            }
        }
        None
    }
}

/// Returns the point at which `holds` turns false between `low` and `high`, both positive, by bisection in the
/// logarithm.
fn root([mut low, mut high]: [f64; 2], holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = low.sqrt() * high.sqrt();
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Returns nodes and weights on the lower half of a rhombus with corners `left` and `right` on the real axis.
///
/// Its sides are at 30° to the axis, and the panels halve towards both corners. The rhombus lies inside the circle
/// whose diameter joins these corners, where a step of gradient descent does not enlarge the residual factor. At the
/// other two corners a step divides it by at least √3, so high powers are small where the panels are long.
fn rhombus(left: f64, right: f64, near: f64, beyond: f64) -> Vec<(Complex, Complex)> {
    // dz/(2πi).
    let over = |d: Complex| Complex::new(d.im, -d.re).scale(0.5 / std::f64::consts::PI);
    let rule = gauss_legendre::rule();
    let [cosine, sine] = [0.5 * 3f64.sqrt(), 0.5];
    let side = 0.5 * (right - left) / cosine;
    let edge = |corner: f64, direction: Complex, forward: f64, shortest: f64| {
        let mut ends = vec![side];
        let mut end = side;
        while end > shortest {
            end *= 0.5;
            ends.push(end);
        }
        ends.push(0.0);
        ends.reverse();
        let panels = ends.windows(2).flat_map(move |pair| {
            let (middle, half) = (0.5 * (pair[0] + pair[1]), 0.5 * (pair[1] - pair[0]));
            // The nodes of the rule are in descending order.
            rule.into_iter().rev().map(move |(node, weight)| {
                let at = direction.scale(middle + half * node);
                (Complex::from(corner) + at, over(direction.scale(forward * half * weight)))
            })
        });
        panels.collect::<Vec<_>>()
    };
    let mut path = edge(left, Complex::new(cosine, -sine), 1.0, near);
    let mut back = edge(right, Complex::new(-cosine, -sine), -1.0, beyond);
    back.reverse();
    path.append(&mut back);
    path
}
