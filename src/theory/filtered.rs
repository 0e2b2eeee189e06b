//! Spectral filters on features with any covariance, in the limit of many samples and features.
//!
//! Gradient flow and descent are among them. A filter is given by its residual factor `g(z)`: the fraction of the
//! target that it leaves unfitted along an eigenvector of `XᵀX/n` with eigenvalue `z`; `g(0) = 1`. Resolvents of
//! `Σ̂ = XᵀX/n` have the deterministic equivalents
//! ```text
//! (Σ̂ + a)⁻¹ ≃ (κ_a/a) (Σ + κ_a)⁻¹
//! (Σ̂ + a)⁻¹ Σ (Σ̂ + b)⁻¹ ≃ (κ_a κ_b/ab) (Σ + κ_a)⁻¹ Σ (Σ + κ_b)⁻¹ / (1 − tr Σ² (Σ + κ_a)⁻¹ (Σ + κ_b)⁻¹ / n)
//! ```
//! with `κ_a = a + (κ_a/n) Σ m ℓ/(ℓ + κ_a)` continued to complex `a = −z`, so that Cauchy's formula gives
//! ```text
//! bias     = ∮∮ g(z) g(w) (κ_z κ_w/zw) (S_z − S_w)/(z − w) dz dw/(2πi)²,   S = Σ b ℓ/(ℓ + κ)
//! variance = σ² ∮ ((1 − g(z))/z)² (κ_z/n) Σ m ℓ/(ℓ + κ_z) dz/2πi
//! ```
//! on contours around the spectrum. The denominator equals `(a − b)/(κ_a − κ_b)`. Partial fractions then avoid a sum
//! over the spectrum for each pair of contour points.
//!
//! # Accuracy
//! The filters here give bias and variance to 1e-9, gradient flow at any time and gradient descent for up to 3·10⁵ steps
//! (for more, an error may say that a fixed point was not found; the flow is then equal to 1e-6), with up to about 10¹⁴⁰ features per sample, on both
//! sides of the threshold and at it. A user-defined filter must be of moderate size on the contour; the result is about
//! as precise as its values there. The formula itself is a limit: finite sizes deviate by `O(1/n)`, at late times near
//! the threshold by `O(1/|n − d|)`.
//!
//! # References
//! Velikanov, Panov and Yarotsky, *Generalization error of spectral algorithms*, arXiv:2403.11696; Bodin and Macris,
//! arXiv:2110.11805; the contour and the reduction to single sums were derived for this crate.

use std::fmt::Debug;

use super::check;
use super::complex::Complex;
use super::contour::{Bulk, Node};
use super::gaussian::Excess;
use super::ridge::SpectralPopulation;
use crate::{Error, error::user_code};

/// The fraction of the target that an estimator leaves unfitted, as a function of the eigenvalue of `XᵀX/n`.
///
/// [`Flow`], [`Descent`] and [`IteratedRidge`] implement it. [`SpectralPopulation::filtered`] takes any.
pub trait ResidualFactor: Debug + Send + Sync {
    /// Returns `g(z)`, with `g(0) = 1` and `g(z̄)` the conjugate of `g(z)`.
    ///
    /// It must be analytic inside the rhombus whose long diagonal runs from `−1/rate` to slightly beyond the largest
    /// eigenvalue, and of moderate size on its boundary.
    fn residual(&self, z: Complex) -> Complex;

    /// Returns `1 − g(z)`. The default subtracts, which loses digits if `g(z)` is close to 1.
    fn shrinkage(&self, z: Complex) -> Complex {
        Complex::from(1.0) - self.residual(z)
    }

    /// Returns the training time, in units of 1/eigenvalue: near 0, `g` changes over the distance `1/rate`. For ridge,
    /// `1/λ`.
    fn rate(&self) -> f64;

    /// Returns the rate at the largest eigenvalue, beyond which high powers grow as well; 0 if `g` does not change
    /// there.
    fn rate_at_top(&self) -> f64 {
        0.0
    }

    /// Checks that the estimator exists if `top` is the largest eigenvalue.
    ///
    /// # Errors
    /// The filter's own error, such as [`Error::StepTooLarge`].
    fn check(&self, top: f64) -> Result<(), Error> {
        let _ = top;
        Ok(())
    }
}

/// Gradient flow on `‖Xb − y‖²/(2n)` from 0, stopped at time `t`: `g = exp(−tz)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    time: f64,
}

impl Flow {
    /// The flow stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] for a time that is negative or not finite.
    pub fn new(time: f64) -> Result<Self, Error> {
        Ok(Self { time: check::non_negative("time", time)? })
    }
}

impl ResidualFactor for Flow {
    fn residual(&self, z: Complex) -> Complex {
        z.scale(-self.time).exp()
    }

    fn shrinkage(&self, z: Complex) -> Complex {
        -z.scale(-self.time).exp_m1()
    }

    fn rate(&self) -> f64 {
        self.time
    }
}

/// Gradient descent on `‖Xb − y‖²/(2n)` from 0: `g = (1 − ηz)ᵏ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    step: f64,
    steps: u32,
}

impl Descent {
    /// Gradient descent with `steps` steps of size `step` (`η`).
    ///
    /// # Errors
    /// [`Error::Domain`] for a step size that is not positive and finite.
    pub fn new(step: f64, steps: u32) -> Result<Self, Error> {
        Ok(Self { step: check::positive("step size", step)?, steps })
    }
}

impl ResidualFactor for Descent {
    fn residual(&self, z: Complex) -> Complex {
        (Complex::from(1.0) - z.scale(self.step)).power(self.steps)
    }

    fn shrinkage(&self, z: Complex) -> Complex {
        let change = z.scale(-self.step);
        // ln(1 + w): |1 + w|² = 1 + (2 Re w + |w|²).
        let size = 0.5 * (2.0 * change.re + change.re * change.re + change.im * change.im).ln_1p();
        let log = Complex::new(size, change.im.atan2(1.0 + change.re));
        -log.scale(f64::from(self.steps)).exp_m1()
    }

    fn rate(&self) -> f64 {
        self.step * f64::from(self.steps)
    }

    fn rate_at_top(&self) -> f64 {
        self.rate()
    }

    fn check(&self, top: f64) -> Result<(), Error> {
        let limit = 2.0 / top;
        if self.step >= limit {
            return Err(Error::StepTooLarge { step: self.step, limit });
        }
        Ok(())
    }
}

/// Ridge fitted `k` times, each time on the residuals: `g = (λ/(z + λ))ᵏ`.
///
/// The penalty `λ ‖b‖²` is added to the mean of squares. `k = 1` is [`SpectralPopulation::at`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IteratedRidge {
    lambda: f64,
    times: u32,
}

impl IteratedRidge {
    /// Iterated ridge with `times` fits and penalty `lambda`.
    ///
    /// # Errors
    /// [`Error::Domain`] for a penalty that is not positive and finite.
    pub fn new(lambda: f64, times: u32) -> Result<Self, Error> {
        Ok(Self { lambda: check::positive("lambda", lambda)?, times })
    }
}

impl ResidualFactor for IteratedRidge {
    fn residual(&self, z: Complex) -> Complex {
        (Complex::from(self.lambda) / (z + Complex::from(self.lambda))).power(self.times)
    }

    fn shrinkage(&self, z: Complex) -> Complex {
        // Σ_{j<k} qʲ (1 − q) for q the factor of one fit.
        let sum = z + Complex::from(self.lambda);
        let (one, factor) = (z / sum, Complex::from(self.lambda) / sum);
        if factor.abs() > 0.5 && one.abs() < 0.1 {
            let change = -one;
            let size = 0.5 * (2.0 * change.re + change.re * change.re + change.im * change.im).ln_1p();
            let log = Complex::new(size, change.im.atan2(1.0 + change.re));
            return -log.scale(f64::from(self.times)).exp_m1();
        }
        Complex::from(1.0) - factor.power(self.times)
    }

    fn rate(&self) -> f64 {
        // Twice the rate, to stay away from the pole at −λ.
        2.0 * f64::from(self.times.max(1)) / self.lambda
    }
}

impl SpectralPopulation {
    /// Returns the bias and variance of the excess of the estimator with this residual factor, for `n` samples.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, for a rate that is negative or not finite, for so few
    /// samples that the largest eigenvalue of `XᵀX/n` is above 10¹⁴⁰ times that of the population, or for non-zero
    /// eigenvalues over more than 200 orders of magnitude; [`Error::UserCode`] for a factor that panics or is not
    /// finite; [`Error::Unsupported`] if the fixed point is lost to rounding; and the errors of
    /// [`ResidualFactor::check`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::theory::filtered::Flow;
    /// use double_descent::theory::ridge::SpectralPopulation;
    /// use double_descent::theory::spectrum::PopulationSpectrum;
    ///
    /// // Fast and slow features: the excess falls, rises and falls again in time.
    /// let spectrum = PopulationSpectrum::with_multiplicities(&[1.0, 0.001], &[50.0, 50.0])?;
    /// let population = SpectralPopulation::new(spectrum, &[0.5, 1000.0], 1.0)?;
    /// let excess = |time| Ok::<_, double_descent::Error>(population.filtered(150.0, &Flow::new(time)?)?.total());
    /// assert!(excess(0.6)? < excess(0.0)? && excess(18.0)? > excess(0.6)? && excess(2000.0)? < excess(0.6)?);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Velikanov, Panov and Yarotsky, arXiv:2403.11696.
    pub fn filtered(&self, n: f64, filter: &dyn ResidualFactor) -> Result<Excess, Error> {
        check::positive("samples", n)?;
        let part = || user_code::name("residual factor", || format!("{filter:?}"));
        let call = |what: &dyn Fn() -> f64| user_code::call(part, what);
        let (rate, rate_at_top) = (call(&|| filter.rate())?, call(&|| filter.rate_at_top())?);
        check::non_negative("rate of a filter", rate)?;
        check::non_negative("rate of a filter", rate_at_top)?;
        let none = Excess { bias: self.signal.total(), variance: 0.0 };
        let Some((bulk, unit)) = Bulk::new(&self.spectrum, n)? else { return Ok(none) };
        let top = bulk.top();
        // Outside this range, 1/κ² on the contour overflows or loses precision.
        if !(1e-290..=1e140).contains(&top) {
            let must_be = "larger relative to the features: the largest eigenvalue of XᵀX/n is out of range";
            return Err(Error::Domain { what: "samples", value: n, must_be });
        }
        user_code::call(part, || filter.check(top * unit))??;
        if rate == 0.0 {
            return Ok(none);
        }
        let near = |rate: f64, share: f64| (1.0 / (rate * unit)).clamp(1e-300, share * top);
        let beyond = near(rate_at_top, 0.3).max(1e-9 * top);
        let contour = bulk.contour(near(rate, 0.1), beyond)?;
        let factor = |node: &Node| {
            let z = node.z.scale(unit);
            (filter.residual(z), filter.shrinkage(z))
        };
        let factors = user_code::call(part, || contour.nodes.iter().map(factor).collect::<Vec<_>>())?;
        if let Some(i) = factors.iter().position(|(g, h)| !(g.is_finite() && h.is_finite())) {
            let at = contour.nodes[i].z.scale(unit);
            let reason = format!("it is not finite at {} + {} i", at.re, at.im);
            return Err(Error::UserCode { part: part(), reason });
        }
        let mut variance = 0.0;
        for (node, (_, shrinkage)) in contour.nodes.iter().zip(&factors) {
            let gain = *shrinkage / node.z;
            // `seen` is Σ m ℓ/(ℓ+κ) κ/n minus a constant, whose integral is 0 because (1 − g)/z has no pole.
            variance += 2.0 * (node.weight * gain * gain * node.seen).re;
        }
        let target = self.scales(unit);
        let points = points(&target, &contour.nodes, &factors);
        let mut bias = double_integral(&target, &points);
        if !contour.holds_zero && self.spectrum.rank() > n {
            let limit = self.at(n, 0.0)?;
            let kappa = Complex::from(limit.kappa / unit);
            let at_zero = target.iter().map(|scale| scale.sums(kappa)).collect::<Vec<_>>();
            let cross: f64 = points
                .iter()
                .map(|point| {
                    let rise = difference(&target, (point.kappa, &point.sums), (kappa, &at_zero));
                    2.0 * (point.value * (rise / point.z)).re
                })
                .sum();
            bias += limit.bias + 2.0 * (limit.kappa / unit) * cross;
        }
        Ok(Excess { bias: bias.max(0.0), variance: self.noise * variance.max(0.0) })
    }

    /// Groups the target by the magnitude of its eigenvalues, in units of the largest.
    fn scales(&self, unit: f64) -> Vec<Scale> {
        let mut scales: Vec<Scale> = Vec::new();
        for (value, energy) in self.spectrum.targets(&self.signal).filter(|target| target.1 > 0.0) {
            let value = value / unit;
            match scales.last_mut() {
                // The eigenvalues are in descending order.
                Some(scale) if value > 1e-4 * scale.largest => scale.targets.push((value, energy)),
                _ => scales.push(Scale { largest: value, targets: vec![(value, energy)] }),
            }
        }
        scales
    }
}

/// The part of the target on eigenvalues within four orders of magnitude.
///
/// If `κ` is far below an eigenvalue, `S_z − S_w` cancels and a late bias loses digits. There `−Σ bℓ κ/(ℓ (ℓ + κ))`
/// replaces `Σ bℓ/(ℓ + κ)`; the two differ by a constant.
struct Scale {
    largest: f64,
    targets: Vec<(f64, f64)>,
}

impl Scale {
    /// Returns both forms of this group's part of `S`, for large and for small `κ`.
    fn sums(&self, kappa: Complex) -> [Complex; 2] {
        let (mut large, mut small) = (Complex::default(), Complex::default());
        for &(value, energy) in &self.targets {
            let inverse = Complex::from(1.0) / (kappa + Complex::from(value));
            large = large + inverse.scale(energy);
            small = small - (kappa * inverse).scale(energy / value);
        }
        [large, small]
    }
}

/// Returns `S_z − S_w`, each given by its `κ` and its sums.
fn difference(
    target: &[Scale],
    (a, of_a): (Complex, &[[Complex; 2]]),
    (b, of_b): (Complex, &[[Complex; 2]]),
) -> Complex {
    let size = a.abs().max(b.abs());
    let mut sum = Complex::default();
    for (scale, (a, b)) in target.iter().zip(of_a.iter().zip(of_b)) {
        let form = usize::from(size < scale.largest);
        sum = sum + (a[form] - b[form]);
    }
    sum
}

fn points(target: &[Scale], nodes: &[Node], factors: &[(Complex, Complex)]) -> Vec<Point> {
    let mut points = Vec::with_capacity(nodes.len());
    for (node, (residual, _)) in nodes.iter().zip(factors) {
        let value = node.weight * *residual * (node.kappa / node.z);
        if value == Complex::default() {
            continue;
        }
        let mut slope = Complex::default();
        for &(value, energy) in target.iter().flat_map(|scale| &scale.targets) {
            let inverse = Complex::from(1.0) / (node.kappa + Complex::from(value));
            slope = slope + (inverse * inverse).scale(energy);
        }
        let sums: Vec<_> = target.iter().map(|scale| scale.sums(node.kappa)).collect();
        let mirrored = sums.iter().map(|forms| forms.map(Complex::conjugate)).collect();
        points.push(Point {
            z: node.z,
            place: node.place,
            kappa: node.kappa,
            value,
            sums,
            mirrored,
            slope: slope / node.slope,
        });
    }
    points
}

/// One contour point of the double integral.
struct Point {
    z: Complex,
    /// `z` minus a constant.
    place: Complex,
    kappa: Complex,
    /// The product of the weight, the residual factor and `κ/z`.
    value: Complex,
    /// `S` by scale, here and at the complex conjugate point.
    sums: Vec<[Complex; 2]>,
    mirrored: Vec<[Complex; 2]>,
    /// `dS/dz`.
    slope: Complex,
}

/// Returns the double sum over the whole contour, from the points of its lower half.
fn double_integral(target: &[Scale], points: &[Point]) -> f64 {
    let mut sum = 0.0;
    for (i, a) in points.iter().enumerate() {
        let mirrored = |b: &Point| {
            let rise = difference(target, (a.kappa, &a.sums), (b.kappa, &b.mirrored));
            b.value.conjugate() * (rise / (a.place - b.place.conjugate()))
        };
        // Half of the terms of a point with itself and with its conjugate, plus the pairs with earlier points.
        let mut inner = (a.value * a.slope + mirrored(a)).scale(0.5);
        for b in &points[..i] {
            let rise = difference(target, (a.kappa, &a.sums), (b.kappa, &b.sums));
            inner = inner + b.value * (rise / (a.place - b.place)) + mirrored(b);
        }
        sum += (a.value * inner).re;
    }
    // A factor 2 for the order of each pair, and 2 for the upper half.
    4.0 * sum
}
