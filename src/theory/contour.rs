//! The contour around the limiting spectrum of `XᵀX/n`, and `κ` along it.
//!
//! In units of the largest eigenvalue of the population. `κ` is continued from the real axis by
//! `z = −κ ((n − d) + Σ m κ/(ℓ+κ)) / n`, `d` the rank, where nothing cancels but `n − d`; far above the threshold in the form
//! `z = −κ (n − Σ m ℓ/(ℓ+κ)) / n`.

use super::complex::Complex;
use super::gauss_legendre;
use super::spectrum::PopulationSpectrum;
use crate::Error;

/// Half of a contour that is symmetric about the real axis.
pub(super) struct Contour {
    /// From left to right below the real axis.
    pub(super) nodes: Vec<Node>,
    /// Whether 0 lies inside. Where it does not and the rank is above `n`, it is an eigenvalue of its own.
    pub(super) holds_zero: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) z: Complex,
    /// That of the rule, times `dz/(2πi)`.
    pub(super) weight: Complex,
    pub(super) kappa: Complex,
    /// `−dz/dκ`.
    pub(super) slope: Complex,
    /// `Σ m ℓ/(ℓ + κ) / n`.
    pub(super) share: Complex,
}

/// The eigenvalues of a population, the largest being 1, beside `n` samples.
pub(super) struct Bulk {
    pairs: Vec<(f64, f64)>,
    n: f64,
    /// `n − d`.
    spare: f64,
    /// `κ` at `z = 0`.
    kappa: f64,
}

/// Sums over the spectrum at one `κ`, with `s = ℓ/(ℓ + κ)`.
struct ComplexSums {
    /// `n − Σ m s`.
    free: Complex,
    /// `n − Σ m s²`.
    slope: Complex,
    /// `Σ m s`.
    share: Complex,
}

impl Bulk {
    /// `None` for a population of zeros.
    pub(super) fn new(spectrum: &PopulationSpectrum, n: f64) -> Result<Option<(Self, f64)>, Error> {
        let Some([unit, lowest]) = spectrum.extremes() else { return Ok(None) };
        if lowest / unit < 1e-200 {
            let must_be = "at least 1e-200 of the largest, or 0";
            return Err(Error::Domain { what: "smallest eigenvalue", value: lowest, must_be });
        }
        let pairs: Vec<_> = spectrum.merged().map(|(value, count)| (value / unit, count)).collect();
        let kappa = spectrum.kappa(0.0, n, [0.0; 2], |_| (0.0, 0.0), None) / unit;
        Ok(Some((Self { pairs, n, spare: n - spectrum.rank(), kappa }, unit)))
    }

    /// The upper edge of the spectrum of `XᵀX/n`.
    pub(super) fn top(&self) -> f64 {
        let count: f64 = self.pairs.iter().map(|pair| pair.1).sum();
        // κ = −1 − v, where z stops falling: Σ m ℓ²/(ℓ + κ)² = n.
        let spread = |v: f64| self.pairs.iter().map(|(l, m)| m * (l / ((1.0 - l) + v)).powi(2)).sum::<f64>();
        let bounds =
            [(self.pairs[0].1 / self.n).sqrt() * (1.0 - 1e-12), (count / self.n).sqrt() * (1.0 + 1e-12)];
        let v = root(bounds, |v| spread(v) > self.n);
        let sum: f64 = self.pairs.iter().map(|(l, m)| m * (l / ((1.0 - l) + v))).sum();
        (1.0 + v) * (1.0 + sum / self.n)
    }

    /// `z` at a real `κ` of the branch that ends at the lower edge: below 0 for `n > d`, above for `n < d`.
    fn real(&self, kappa: f64) -> f64 {
        let sum =
            |of: &dyn Fn(f64) -> f64| self.pairs.iter().map(|(l, m)| m * (of(*l) / (l + kappa))).sum::<f64>();
        let free = if self.is_wide() { self.n - sum(&|l| l) } else { self.spare + sum(&|_| kappa) };
        -kappa * (free / self.n)
    }

    /// Whether there are so many more directions than samples that `n − Σ m ℓ/(ℓ+κ)` cancels less than
    /// `(n − d) + Σ m κ/(ℓ+κ)`, its equal.
    fn is_wide(&self) -> bool {
        self.spare < -self.n
    }

    /// The lower edge of the spectrum without zeros, and `κ` there; `None` at `n = d`.
    fn bottom(&self) -> Option<(f64, f64)> {
        let lowest = self.pairs.last()?.0;
        let count = self.n - self.spare;
        // Where dz/dκ = 0: Σ m κ (κ + 2ℓ)/(ℓ + κ)² = d − n.
        let sum = |kappa: f64| {
            self.pairs.iter().map(|(l, m)| m * (kappa * (kappa + 2.0 * l) / (l + kappa).powi(2))).sum::<f64>()
        };
        let kappa = if self.is_wide() {
            let squares =
                |kappa: f64| self.pairs.iter().map(|(l, m)| m * (l / (l + kappa)).powi(2)).sum::<f64>();
            root([0.1 * lowest, self.kappa], |kappa| squares(kappa) > self.n)
        } else if self.spare > 0.0 {
            let low = (0.5 * lowest).min(self.spare / (8.0 * count) * lowest);
            -root([low, lowest], |u| self.spare + sum(-u) > 0.0)
        } else if self.spare < 0.0 {
            let low = -self.spare / (4.0 * count) * lowest;
            root([low, self.kappa], |kappa| sum(kappa) + self.spare < 0.0)
        } else {
            return None;
        };
        Some((self.real(kappa), kappa))
    }

    /// A contour at the distance `near` from the ends of the spectrum, if not closer because another end is.
    pub(super) fn contour(&self, near: f64, top: f64, beyond: f64) -> Result<Contour, Error> {
        let (left, distance, kappa) = match self.bottom() {
            Some((edge, end)) if edge >= near => {
                // Beyond a thousandth of the edge the time is so long that all is settled there.
                let distance = near.clamp(edge / 2000.0, 0.5 * edge);
                let left = edge - distance;
                let kappa = if self.spare > 0.0 {
                    -root([left * (1.0 - 1e-12), -end], |u| self.real(-u) < left)
                } else {
                    root([end, self.kappa], |kappa| self.real(kappa) > left)
                };
                (left, distance, kappa)
            }
            _ => {
                let high = 2.0 * (near + self.pairs.iter().map(|(l, m)| l * m).sum::<f64>() / self.n);
                (-near, near, root([near * (1.0 - 1e-12), high], |kappa| self.real(kappa) > -near))
            }
        };
        let right = top + beyond;
        let start = (Complex::from(left), Complex::from(kappa));
        let nodes = self.follow(start, &rhombus(left, right, distance, beyond))?;
        Ok(Contour { nodes, holds_zero: left < 0.0 })
    }

    fn follow(&self, start: (Complex, Complex), path: &[(Complex, Complex)]) -> Result<Vec<Node>, Error> {
        let (mut z, mut kappa) = start;
        let mut nodes = Vec::with_capacity(path.len());
        for &(next, weight) in path {
            let mut done = 0.0;
            let mut step = 1.0;
            // Mostly in one step; in shorter ones where Newton's method lands on another branch.
            while done < 1.0 {
                let to = if done + step >= 1.0 { next } else { z + (next - z).scale(step / (1.0 - done)) };
                if let Some(found) = self.newton(to, z, kappa) {
                    (z, kappa) = (to, found);
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
            let (slope, share) = (sums.slope.scale(self.n.recip()), sums.share.scale(self.n.recip()));
            nodes.push(Node { z, weight, kappa, slope, share });
        }
        Ok(nodes)
    }

    fn sums(&self, kappa: Complex) -> ComplexSums {
        let mut sums = [Complex::default(); 4];
        for &(value, count) in &self.pairs {
            let inverse = Complex::from(1.0) / (kappa + Complex::from(value));
            let (s, c) = (inverse.scale(value), kappa * inverse);
            for (sum, term) in sums.iter_mut().zip([s, s * s, c, c * c]) {
                *sum = *sum + term.scale(count);
            }
        }
        let [s, ss, c, cc] = sums;
        let (n, spare) = (Complex::from(self.n), Complex::from(self.spare));
        let (free, slope) =
            if self.is_wide() { (n - s, n - ss) } else { (spare + c, spare + c.scale(2.0) - cc) };
        ComplexSums { free, slope, share: s }
    }

    /// `κ` at `to`, from that at `z` nearby.
    fn newton(&self, to: Complex, z: Complex, start: Complex) -> Option<Complex> {
        let mut kappa = start;
        for round in 0..40 {
            let sums = self.sums(kappa);
            let step = (kappa * sums.free + to.scale(self.n)) / sums.slope;
            kappa = kappa - step;
            if !kappa.is_finite() || (round == 0 && to != z && kappa.im <= 0.0) {
                return None;
            }
            if step.abs() <= 1e-13 * kappa.abs() {
                // Below the real axis of z the fixed point has one solution above that of κ.
                return (kappa.im > 0.0).then_some(kappa);
            }
        }
        None
    }
}

/// Where `holds` turns false between `low` and `high`, both positive, by bisection of the logarithm.
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

/// The lower half of a rhombus with the corners `left` and `right` on the real axis and sides 30° from it, on panels that
/// halve towards both: nodes and weights. It lies inside the circle through those corners, where a step of descent enlarges
/// nothing; at its other corners a step divides by √3 at least, so that high powers are small where panels are long.
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
            // The rule's nodes descend.
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
