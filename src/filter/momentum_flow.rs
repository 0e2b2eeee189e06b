//! Continuous-time limits of descent with momentum: second-order differential equations.

use super::loss::{self, Loss};
use super::{SpectralFilter, Spectrum, checked};
use crate::Error;

/// The heavy ball in continuous time, `β̈ + a β̇ + ∇L(β) = 0` from rest at 0, stopped at time `t`.
///
/// Residual factor `e^{−at/2} (cosh ωt + a/(2ω) sinh ωt)` with `ω = √(a²/4 − μ)` and `μ = c σ²` the eigenvalues of the
/// Hessian of the [`Loss`] `L`. If `μ > a²/4` it holds a cosine and a sine, of `√(μ − a²/4) t`.
/// [`HeavyBall`](super::HeavyBall) with step `η` and momentum `1 − a√η` approximates it at `t = k√η`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeavyBallFlow {
    time: f64,
    friction: f64,
    loss: Loss,
}

impl HeavyBallFlow {
    /// The flow with friction `friction` (`a`), stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless both are finite and at least 0.
    pub fn new(time: f64, friction: f64, loss: Loss) -> Result<Self, Error> {
        let time = checked("the time of a heavy ball", time)?;
        Ok(Self { time, friction: checked("the friction of a heavy ball", friction)?, loss })
    }

    /// Returns the residual factor `q`, and `1 − q`.
    fn state(&self, mu: f64) -> (f64, f64) {
        let (t, half) = (self.time, 0.5 * self.friction);
        let gap = half.mul_add(half, -mu);
        let reach = if gap.is_finite() {
            gap.abs().sqrt()
        } else {
            // The square of the friction overflows; its root does not.
            let root = mu.sqrt();
            (half - root).max(0.0).sqrt() * (half + root).sqrt()
        };
        if gap > 0.0 && reach * t > 1.0 {
            // Two exponentials. The slow rate `half − reach` is computed without a difference:
            //   q = (fast e^{−slow t} − slow e^{−fast t})/(2 reach), fast = slow + 2 reach.
            let (slow, fast) = (mu / (half + reach), half + reach);
            let left = (fast * (-slow * t).exp() - slow * (-fast * t).exp()) / (2.0 * reach);
            let apart = -(-slow * t).exp() * (-2.0 * reach * t).exp_m1() / (2.0 * reach);
            return (left, -(-slow * t).exp_m1() - slow * apart);
        }
        let turn = reach * t;
        let (even, odd) = if gap > 0.0 { (turn.cosh(), turn.sinh()) } else { (turn.cos(), turn.sin()) };
        let odd = if turn == 0.0 { 1.0 } else { odd / turn };
        let left = (-half * t).exp() * (even + half * t * odd);
        (left, if mu * t * t < SMALL { self.early(mu) } else { 1.0 - left })
    }

    /// Returns `1 − q` as a power series in `t`, for small `μ t²` and `a t` up to about 2, where the difference
    /// cancels.
    ///
    /// From `q̈ + a q̇ + μ q = 0`, `q = Σ qᵢ tⁱ` with `(i + 2)(i + 1) q_{i+2} = −a (i + 1) q_{i+1} − μ qᵢ`.
    fn early(&self, mu: f64) -> f64 {
        let (t, a) = (self.time, self.friction);
        // `before` and `last` are consecutive terms qᵢ tⁱ.
        let (mut before, mut last, mut moved) = (1.0, 0.0, 0.0);
        for i in 0..60_u32 {
            let (one, two) = (f64::from(i + 1), f64::from(i + 2));
            let next = (-a * t * one * last - mu * t * t * before) / (two * one);
            moved -= next;
            (before, last) = (last, next);
            if i > 0 && before.abs() + last.abs() <= 0.01 * f64::EPSILON * moved.abs() {
                break;
            }
        }
        moved
    }
}

/// The bound on `μ t²` below which `1 − q` is computed by its series.
const SMALL: f64 = 0.25;

impl SpectralFilter for HeavyBallFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| self.state(mu).1);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.state(mu).0);
    }

    fn describe(&self) -> String {
        let (loss, a, t) = (self.loss.formula(), self.friction, self.time);
        format!("heavy ball in continuous time on {loss}, friction {a:e}, t = {t:e}")
    }
}

/// Nesterov's accelerated gradient in continuous time, `β̈ + (3/t) β̇ + ∇L(β) = 0` from rest at 0, stopped at time `t`.
///
/// Residual factor `2 J₁(t√μ)/(t√μ)`, with `J₁` the Bessel function and `μ = c σ²` the eigenvalues of the Hessian of
/// the [`Loss`] `L`. As it oscillates, its error of about 1e-15 is absolute. [`Nesterov`](super::Nesterov) with step
/// `η` approaches it at `t = k√η`, with an error that falls like `1/k` (Su, Boyd and Candès, *A differential equation
/// for modeling Nesterov's accelerated gradient method*, JMLR 2016).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NesterovFlow {
    time: f64,
    loss: Loss,
}

impl NesterovFlow {
    /// The flow stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `time` is finite and at least 0.
    pub fn new(time: f64, loss: Loss) -> Result<Self, Error> {
        Ok(Self { time: checked("the time of an accelerated flow", time)?, loss })
    }

    /// Returns the residual factor `q`, and `1 − q`.
    fn state(&self, mu: f64) -> (f64, f64) {
        let x = self.time * mu.sqrt();
        if x > 1.0 {
            let left = 2.0 * libm::j1(x) / x;
            return (left, 1.0 - left);
        }
        // 2 J₁(x)/x = Σ (−x²/4)ʲ / (j! (j + 1)!).
        let quarter = 0.25 * x * x;
        let (mut term, mut moved) = (1.0, 0.0);
        for j in 1..30_u32 {
            term *= -quarter / f64::from(j * (j + 1));
            moved -= term;
            if term.abs() <= 0.01 * f64::EPSILON * moved.abs() {
                break;
            }
        }
        (1.0 - moved, moved)
    }
}

impl SpectralFilter for NesterovFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| self.state(mu).1);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.state(mu).0);
    }

    fn describe(&self) -> String {
        format!("Nesterov's descent in continuous time on {}, t = {:e}", self.loss.formula(), self.time)
    }
}
