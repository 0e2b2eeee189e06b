//! The kernel of one infinitely wide layer.

use super::angle::{Angle, kappa_0, kappa_1, of_pairs};
use super::{Kernel, check, check_positive, fits};
use crate::features::{Activation, RandomNetwork};
use crate::{Error, machine::memory};
use ndarray::{Array2, ArrayRef2, Axis, concatenate};
use std::f64::consts::{FRAC_2_PI, PI, SQRT_2};

/// The kernel of one infinitely wide layer of random neurons, in closed form:
///
/// ```text
/// k(x, x') = E a(w·x + b) a(w·x' + b),      w ~ N(0, s² I),  b ~ N(0, t²)
/// ```
/// With `u = s (x, t/s)`, `u'` defined likewise, and `θ` the angle between them:
///
/// | activation | `k` | |
/// |---|---|---|
/// | `ReLU` | `‖u‖ ‖u'‖ (sin θ + (π − θ) cos θ) / 2π` | half of [`ArcCosine::One`](super::ArcCosine) |
/// | step | `(π − θ) / 2π` | half of [`ArcCosine::Zero`](super::ArcCosine) |
/// | sign | `1 − 2θ/π` | |
/// | erf | `(2/π) asin(2 u·u' / √((1 + 2‖u‖²)(1 + 2‖u'‖²)))` | the arcsine kernel |
/// | absolute value | `‖u‖ ‖u'‖ (2/π) (sin θ + (π/2 − θ) cos θ)` | |
/// | identity | `u·u'` | the linear kernel |
///
/// Steps and signs are 0 at `u = 0`. The error is at most `10 ε √(k(x, x) k(x', x'))` for inputs with at most ten
/// dimensions (tested against 60 digits).
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, FeatureMap, RandomNetwork};
/// use double_descent::kernel::{Kernel, WideLayer};
/// use ndarray::array;
///
/// let x = array![[1.0, 0.5], [-0.5, 1.0]];
/// let network = RandomNetwork::seeded(Activation::Erf, &[2, 20_000], 0)?;
/// let features = network.design(&x, 20_000)?;
/// let k = WideLayer::of(&network)?.gram(&x, &x)?;
/// assert!((&features.dot(&features.t()) / 20_000.0 - k).iter().all(|off| off.abs() < 0.01));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Williams, *Computing with infinite networks*, NIPS 1997 (erf); Cho and Saul, NIPS 2009 (`ReLU`, step); Louart,
/// Liao and Couillet, *A random matrix approach to neural networks*, 2018, table 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WideLayer {
    activation: Activation,
    weight_deviation: f64,
    bias_deviation: f64,
}

impl WideLayer {
    /// The kernel of an activation, with weights of standard deviation `weight_deviation` (`s`) and biases of standard
    /// deviation `bias_deviation` (`t`; 0 for no biases).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an activation without a closed form; [`Error::Domain`] unless `s` is finite and
    /// positive, and `t` is finite and not negative.
    pub fn new(activation: Activation, weight_deviation: f64, bias_deviation: f64) -> Result<Self, Error> {
        check_positive("the deviation of the weights", weight_deviation)?;
        if !(bias_deviation >= 0.0 && bias_deviation.is_finite()) {
            let what = "the deviation of the biases";
            return Err(Error::Domain { what, value: bias_deviation, must_be: "finite and ≥ 0" });
        }
        if entry(activation).is_none() {
            return Err(without_closed_form(activation.name()));
        }
        Ok(Self { activation, weight_deviation, bias_deviation })
    }

    /// The limit of `φ(x)·φ(x') / p` for a one-layer network, as its number of neurons `p` grows.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for more than one layer, or a nonlinearity that is not a named [`Activation`]; those of
    /// [`WideLayer::new`].
    pub fn of(network: &RandomNetwork) -> Result<Self, Error> {
        let Some((activation, weight_deviation, bias_deviation)) = network.one_layer() else {
            return Err(without_closed_form(&network.describe_layers()));
        };
        Self::new(activation, weight_deviation, bias_deviation)
    }

    /// Returns the scaled inputs `u`, with the bias as an extra coordinate.
    fn scaled(&self, inputs: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let needed = memory::table(inputs.nrows(), inputs.ncols().saturating_add(1)).saturating_mul(2);
        memory::reserve("inputs with a bias", needed)?;
        let scaled = inputs.mapv(|v| v * self.weight_deviation);
        Error::check_finite("inputs", scaled.view())
            .map_err(|_| Error::Overflow { what: "an input times the deviation of the weights" })?;
        if self.bias_deviation == 0.0 {
            return Ok(scaled);
        }
        let bias = Array2::from_elem((inputs.nrows(), 1), self.bias_deviation);
        concatenate(Axis(1), &[scaled.view(), bias.view()])
            .map_err(|e| Error::Resource { reason: e.to_string() })
    }
}

impl Kernel for WideLayer {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        check(a, b)?;
        let entry = entry(self.activation).ok_or_else(|| without_closed_form(self.activation.name()))?;
        fits(of_pairs(&self.scaled(a)?, &self.scaled(b)?, |angle| entry(&angle))?)
    }

    fn describe(&self) -> String {
        let bias = if self.bias_deviation == 0.0 {
            String::new()
        } else {
            format!(", biases of standard deviation {}", self.bias_deviation)
        };
        let (name, weights) = (self.activation.name(), self.weight_deviation);
        format!("kernel of infinitely many {name} neurons, weights of standard deviation {weights}{bias}")
    }
}

/// Returns the closed form of `E a(u·g) a(u'·g)`, `g ~ N(0, I)`, if there is one.
fn entry(activation: Activation) -> Option<fn(&Angle) -> f64> {
    match activation {
        Activation::Relu => Some(|angle| 0.5 * angle.size() * kappa_1(angle)),
        Activation::Step => {
            Some(|angle| if angle.is_without_direction() { 0.0 } else { 0.5 * kappa_0(angle) })
        }
        Activation::Sign => {
            Some(|angle| if angle.is_without_direction() { 0.0 } else { (angle.rest - angle.theta) / PI })
        }
        Activation::Erf => Some(arcsine),
        Activation::Abs => Some(|angle| {
            let above = 0.5 * (angle.rest - angle.theta);
            angle.size() * FRAC_2_PI * (angle.sin + above * angle.cos)
        }),
        Activation::Identity => Some(|angle| angle.size() * angle.cos),
        _ => None,
    }
}

/// Returns the arcsine kernel, with numerator and root divided by `2 ‖u‖ ‖u'‖` to avoid overflow and cancellation.
fn arcsine(angle: &Angle) -> f64 {
    let [x, y] = angle.lengths.map(|length| (SQRT_2 * length).recip());
    let root = (x * y).hypot(x.hypot(y)).hypot(angle.sin);
    FRAC_2_PI * angle.cos.atan2(root)
}

fn without_closed_form(what: &str) -> Error {
    let reason = format!(
        "the kernel of {what} has no closed form here: take one layer of ReLU, step, sign, erf, absolute value or \
         identity, or the features' own Gram matrix"
    );
    Error::Unsupported { reason }
}
