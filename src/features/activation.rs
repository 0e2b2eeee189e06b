//! Activation functions of random networks.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::elementary::{erf, exp, exp_m1, ln_1p, normal_tail};
use crate::machine::instructions::arch;

/// A named function `a` that a layer applies to each of its pre-activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Activation {
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
    /// `x Φ(x)`, Φ the normal distribution function (Hendrycks and Gimpel, 2016).
    Gelu,
    /// `ln(1 + eˣ)`.
    Softplus,
    /// `max(x, 0)`.
    Relu,
    /// `λ x` for `x > 0`, `λ α (eˣ − 1)` otherwise, λ = 1.0507…, α = 1.6732…: mean 0 and variance 1 for standard
    /// normal `x` (Klambauer et al., 2017).
    Selu,
    /// `x` for `x > 0`, `eˣ − 1` otherwise (Clevert et al., 2016).
    Elu,
    /// `erf x = (2/√π) ∫₀ˣ e^{−t²} dt`.
    Erf,
    /// 1 for `x > 0`, −1 for `x < 0`, 0 at 0.
    Sign,
    /// 1 for `x > 0`, 0 otherwise.
    Step,
    /// `|x|`.
    Abs,
    /// `x`: a linear network.
    Identity,
}

const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

impl Activation {
    /// All activations.
    pub const ALL: &[Self] = &[
        Self::Sigmoid,
        Self::Tanh,
        Self::Gelu,
        Self::Softplus,
        Self::Relu,
        Self::Selu,
        Self::Elu,
        Self::Erf,
        Self::Sign,
        Self::Step,
        Self::Abs,
        Self::Identity,
    ];

    /// The name used in tables and captions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Gelu => "GELU",
            Self::Softplus => "softplus",
            Self::Relu => "ReLU",
            Self::Selu => "SELU",
            Self::Elu => "ELU",
            Self::Erf => "erf",
            Self::Sign => "sign",
            Self::Step => "step",
            Self::Abs => "absolute value",
            Self::Identity => "identity",
        }
    }

    /// Whether it is analytic and not a polynomial: features of a network then have full rank, almost surely.
    #[must_use]
    pub fn is_analytic(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Tanh | Self::Gelu | Self::Softplus | Self::Erf)
    }

    /// Applies the activation to each value in place, many at a time.
    ///
    /// The bits are the same for every instruction set. The relative error is at most 4 ε (ε = 2.2e-16, tested against
    /// 80 digits). For GELU at negative values it is at most 8 ε, and below −37.5 its value is 0 to 1e-300.
    pub fn apply(self, values: &mut [f64]) {
        match self {
            Self::Sigmoid => map(values, sigmoid),
            Self::Tanh => map(values, tanh),
            Self::Gelu => map(values, gelu),
            Self::Softplus => map(values, softplus),
            Self::Relu => map(values, relu),
            Self::Selu => map(values, selu),
            Self::Elu => map(values, elu),
            Self::Erf => map(values, erf),
            Self::Sign => map(values, sign),
            Self::Step => map(values, step),
            Self::Abs => map(values, f64::abs),
            Self::Identity => {}
        }
    }

    /// The derivative at `x`: from the left at a kink (`x = 0`), and 0 at the jumps of sign and step.
    #[must_use]
    pub fn slope(self, x: f64) -> f64 {
        let mut value = [x];
        self.apply(&mut value);
        let [value] = value;
        match self {
            // Products and exponentials, which do not cancel in the tails.
            Self::Sigmoid => value * sigmoid(-x),
            Self::Tanh => 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x),
            Self::Gelu => {
                let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
                x * density + if x == 0.0 { 0.5 } else { value / x }
            }
            Self::Softplus => 1.0 / (1.0 + (-x).exp()),
            Self::Relu => f64::from(x > 0.0),
            Self::Selu if x > 0.0 => SELU_SCALE,
            Self::Selu => SELU_SCALE * SELU_ALPHA * x.exp(),
            Self::Elu | Self::Abs if x > 0.0 => 1.0,
            Self::Elu => x.exp(),
            Self::Erf => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
            Self::Sign | Self::Step => 0.0,
            Self::Abs => -1.0,
            Self::Identity => 1.0,
        }
    }

    /// The standard deviation `sd(a(z))` of its value at a standard normal variable `z`.
    #[must_use]
    pub fn deviation(self) -> f64 {
        match self {
            Self::Sigmoid => 0.208_276_344_931_662_75,
            Self::Tanh => 0.627_928_730_349_106_7,
            Self::Gelu => 0.587_914_969_212_683_8,
            Self::Softplus => 0.521_070_534_381_439_4,
            Self::Relu => 0.583_819_370_103_548_9,
            Self::Selu | Self::Sign | Self::Identity => 1.0,
            Self::Elu => 0.786_879_001_735_426_5,
            Self::Erf => 0.681_585_691_162_556_6,
            Self::Step => 0.5,
            Self::Abs => 0.602_810_274_989_087,
        }
    }
}

/// Values computed together: they share the loads of the coefficients, and their chains of operations run in parallel.
const GROUP: usize = 32;

fn map(values: &mut [f64], f: impl Fn(f64) -> f64) {
    arch().dispatch(Map(values, f));
}

/// Applies a function to all values. Compiled once per instruction set; the best version that the machine supports
/// runs.
struct Map<'a, F>(&'a mut [f64], F);

impl<F: Fn(f64) -> f64> pulp::WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // Not `for_each`: its closure may not be inlined, and is then compiled for the baseline instruction set.
        let mut groups = self.0.chunks_exact_mut(GROUP);
        for group in &mut groups {
            let mut values = [0.0; GROUP];
            values.copy_from_slice(group);
            for value in &mut values {
                *value = (self.1)(*value);
            }
            group.copy_from_slice(&values);
        }
        for value in groups.into_remainder() {
            *value = (self.1)(*value);
        }
    }
}

#[inline(always)]
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn tanh(x: f64) -> f64 {
    // 1 − 2e-20 rounds to 1.
    let less_one = exp_m1((2.0 * x.abs()).clamp(0.0, 46.0));
    (less_one / (less_one + 2.0)).copysign(x)
}

#[inline(always)]
fn gelu(x: f64) -> f64 {
    let above = if x > 0.0 { x } else { 0.0 };
    above - x.abs() * normal_tail(x.abs())
}

#[inline(always)]
fn softplus(x: f64) -> f64 {
    let above = if x > 0.0 { x } else { 0.0 };
    above + ln_1p(exp(-x.abs()))
}

#[inline(always)]
fn relu(x: f64) -> f64 {
    // NaN stays NaN, as a sign of an overflow.
    if x <= 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn sign(x: f64) -> f64 {
    let below = if x < 0.0 { -1.0 } else { x };
    if x > 0.0 { 1.0 } else { below }
}

#[inline(always)]
fn step(x: f64) -> f64 {
    let below = if x <= 0.0 { 0.0 } else { x };
    if x > 0.0 { 1.0 } else { below }
}

#[inline(always)]
fn selu(x: f64) -> f64 {
    let below = SELU_SCALE * SELU_ALPHA * exp_m1(x);
    if x > 0.0 { SELU_SCALE * x } else { below }
}

#[inline(always)]
fn elu(x: f64) -> f64 {
    let below = exp_m1(x);
    if x > 0.0 { x } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x`, then the activations in the order of `ALL`, from 80 digits, by `tests/reference/activations.py`.
    #[allow(clippy::excessive_precision, clippy::unreadable_literal, clippy::approx_constant)]
    const VALUES: [[f64; 8]; 19] = [
        [-700.0, 9.85967654375977e-305, -1.0, 0.0, 9.85967654375977e-305, 0.0, -1.7580993408473768, -1.0],
        [-40.0, 4.248354255291589e-18, -1.0, 0.0, 4.248354255291589e-18, 0.0, -1.7580993408473768, -1.0],
        [
            -20.0,
            2.0611536181902037e-09,
            -1.0,
            -5.507248237212468e-88,
            2.061153620314381e-09,
            0.0,
            -1.758099337223664,
            -0.9999999979388464,
        ],
        [
            -8.25,
            0.0002611903190957194,
            -0.9999998634879418,
            -6.533774209580044e-16,
            0.000261224435227779,
            0.0,
            -1.7576400223499942,
            -0.9997387414426984,
        ],
        [
            -3.0,
            0.04742587317756678,
            -0.9950547536867305,
            -0.0040496940948902835,
            0.04858735157374206,
            0.0,
            -1.670568728767112,
            -0.950212931632136,
        ],
        [
            -1.2,
            0.23147521650098238,
            -0.8336546070121552,
            -0.13808360426604993,
            0.2632824673380312,
            0.0,
            -1.2285699954174891,
            -0.6988057880877979,
        ],
        [
            -0.5,
            0.37754066879814546,
            -0.46211715726000974,
            -0.15426876936299344,
            0.4740769841801067,
            0.0,
            -0.6917581878028713,
            -0.3934693402873666,
        ],
        [
            -0.01,
            0.497500020833125,
            -0.00999966667999946,
            -0.004960106436853684,
            0.6881596805078624,
            0.0,
            -0.01749338072690946,
            -0.009950166250831947,
        ],
        [
            -1e-09,
            0.49999999975,
            -1e-09,
            -4.999999996010577e-10,
            0.6931471800599454,
            0.0,
            -1.7580993399683274e-09,
            -9.999999995e-10,
        ],
        [0.0, 0.5, 0.0, 0.0, 0.6931471805599453, 0.0, 0.0, 0.0],
        [
            1e-12,
            0.50000000000025,
            1e-12,
            5.000000000003989e-13,
            0.6931471805604453,
            1e-12,
            1.0507009873554804e-12,
            1e-12,
        ],
        [
            0.003,
            0.5007499994375005,
            0.0029999910000324,
            0.0015035904751378995,
            0.6946483055595234,
            0.003,
            0.0031521029620664416,
            0.003,
        ],
        [
            0.2,
            0.549833997312478,
            0.197375320224904,
            0.11585194188782061,
            0.7981388693815918,
            0.2,
            0.2101401974710961,
            0.2,
        ],
        [
            0.7,
            0.668187772168166,
            0.6043677771171635,
            0.5306254434438489,
            1.103186048885458,
            0.7,
            0.7354906911488363,
            0.7,
        ],
        [
            1.9,
            0.8698915256370021,
            0.9562374581277391,
            1.8454385363495964,
            2.0393867582829603,
            1.9,
            1.996331875975413,
            1.9,
        ],
        [
            4.5,
            0.9890130573694068,
            0.9997532108480275,
            4.4999847104709385,
            4.511047744848594,
            4.5,
            4.728154443099662,
            4.5,
        ],
        [
            11.0,
            0.9999832985781519,
            0.9999999994421064,
            11.0,
            11.000016701561318,
            11.0,
            11.557710860910285,
            11.0,
        ],
        [37.5, 1.0, 1.0, 37.5, 37.5, 37.5, 39.40128702583052, 37.5],
        [600.0, 1.0, 1.0, 600.0, 600.0, 600.0, 630.4205924132883, 600.0],
    ];

    #[test]
    fn values_agree_with_many_digits() {
        let mut worst = [0.0_f64; 7];
        for row in VALUES {
            for ((activation, expected), worst) in
                Activation::ALL.iter().copied().zip(&row[1..]).zip(&mut worst)
            {
                let mut values = [row[0]; 11];
                activation.apply(&mut values);
                assert!(values.iter().all(|v| *v == values[0]), "{activation:?}: lanes differ");
                let off = (values[0] - expected).abs() / expected.abs().max(1e-300);
                let bound = if activation == Activation::Gelu && row[0] < 0.0 { 8.0 } else { 4.0 };
                if expected.abs() > 1e-290 {
                    assert!(off <= bound * f64::EPSILON, "{activation:?} at {}: {off:e}", row[0]);
                    *worst = worst.max(off / f64::EPSILON);
                } else {
                    assert!(values[0].abs() < 1e-290, "{activation:?} at {}: {}", row[0], values[0]);
                }
            }
        }
        println!("largest errors in ε: {worst:?}");
    }

    /// `x`, then `erf x`, from 80 digits, by `tests/reference/activations.py`.
    #[allow(clippy::excessive_precision, clippy::unreadable_literal, clippy::approx_constant)]
    const ERF: [[f64; 2]; 20] = [
        [0.0, 0.0],
        [1e-300, 1.1283791670955126e-300],
        [1e-12, 1.1283791670955126e-12],
        [0.003, 0.0033851273459014537],
        [0.1, 0.1124629160182849],
        [0.2, 0.22270258921047847],
        [0.45, 0.47548171978692366],
        [0.6, 0.6038560908479259],
        [0.74, 0.7046780778547458],
        [0.7499999, 0.7111555693604035],
        [0.75, 0.7111556336535151],
        [0.76, 0.7175367528055908],
        [0.8, 0.7421009647076605],
        [0.9, 0.7969082124228322],
        [1.1, 0.8802050695740817],
        [1.5, 0.9661051464753108],
        [2.2, 0.9981371537020182],
        [3.3, 0.9999969422902035],
        [5.0, 0.9999999999984626],
        [40.0, 1.0],
    ];

    #[test]
    fn erf_agrees_with_many_digits() {
        let mut worst = 0.0_f64;
        for [x, expected] in ERF {
            let mut values = [0.0; 40];
            values[..20].fill(x);
            values[20..].fill(-x);
            Activation::Erf.apply(&mut values);
            assert!(
                values[..20].iter().all(|v| *v == values[0]) && values[20..].iter().all(|v| *v == -values[0])
            );
            let off = (values[0] - expected).abs() / expected.abs().max(f64::MIN_POSITIVE) / f64::EPSILON;
            assert!(off <= 4.0, "erf {x}: {} for {expected}, {off} ε", values[0]);
            worst = worst.max(off);
        }
        println!("largest error {worst:.2} ε");
        // Across the switch between the two formulas, and on to where erf is 1.
        let grid: Vec<f64> = (0..200_000).map(|i| f64::from(i) * 4e-5).collect();
        let mut values = grid.clone();
        Activation::Erf.apply(&mut values);
        assert!(values.windows(2).all(|pair| pair[1] >= pair[0] - f64::EPSILON));
        assert!(values.iter().all(|v| *v <= 1.0));
    }

    #[test]
    fn piecewise_constants_and_the_rest() {
        let of = |activation: Activation, x: f64| {
            let mut value = [x];
            activation.apply(&mut value);
            value[0]
        };
        let cases = [(-2.5, [-1.0, 0.0, 2.5, -2.5]), (0.0, [0.0; 4]), (1e-300, [1.0, 1.0, 1e-300, 1e-300])];
        for (x, expected) in cases {
            let found = [Activation::Sign, Activation::Step, Activation::Abs, Activation::Identity];
            assert_eq!(found.map(|activation| of(activation, x)), expected, "{x}");
        }
        assert!(Activation::ALL.iter().all(|&activation| of(activation, f64::NAN).is_nan()));
    }

    #[test]
    fn values_agree_with_the_standard_library() {
        for i in -4000..=4000 {
            let x = f64::from(i) * 0.004_321;
            let expected = [
                (Activation::Sigmoid, 1.0 / (1.0 + (-x).exp())),
                (Activation::Tanh, x.tanh()),
                (Activation::Softplus, x.max(0.0) + (-x.abs()).exp().ln_1p()),
                (Activation::Elu, if x > 0.0 { x } else { x.exp_m1() }),
            ];
            for (activation, expected) in expected {
                let mut value = [x];
                activation.apply(&mut value);
                let off = (value[0] - expected).abs();
                assert!(off <= 6.0 * f64::EPSILON * expected.abs(), "{activation:?} at {x}: {off:e}");
            }
        }
    }

    /// GELU's tail, everywhere: against a series of positive terms up to 3, and a continued fraction beyond.
    #[test]
    fn the_normal_tail_agrees_with_its_series() {
        for i in 1..=3600 {
            let x = f64::from(i) * 0.01;
            let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let expected = if x < 3.0 {
                let (mut term, mut sum) = (x, x);
                for k in 1..60 {
                    term *= x * x / f64::from(2 * k + 1);
                    sum += term;
                }
                0.5 - density * sum
            } else {
                density / (1..=300).rev().fold(x, |below, k| x + f64::from(k) / below)
            };
            // The subtraction from ½ cancels digits, and the exponential multiplies the relative error of x²/2 by x²/2.
            let bound = (4.0 + 0.5 / expected.min(0.5) * f64::from(x < 3.0) * 4.0 + x * x) * f64::EPSILON;
            let found = normal_tail(x);
            assert!((found / expected - 1.0).abs() <= bound, "{x}: {found:e}, {expected:e}");
            let mut pair = [x, -x];
            Activation::Gelu.apply(&mut pair);
            assert!((pair[0] - pair[1] - x).abs() <= f64::EPSILON * x);
        }
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        let h = 1e-5;
        for &activation in Activation::ALL {
            for x in [-3.0, -1.1, -0.3, 0.2, 0.9, 2.5] {
                let mut pair = [x - h, x + h];
                activation.apply(&mut pair);
                let slope = (pair[1] - pair[0]) / (2.0 * h);
                assert!((slope - activation.slope(x)).abs() < 1e-9, "{activation:?} at {x}");
            }
        }
    }

    /// In the tails, where the slope is `e^{−|x|}` for sigmoid, `4 e^{−2|x|}` for tanh and `eˣ` for ELU, up to terms of
    /// relative size `2 e^{−|x|}`. 8 ε: two values of 4 ε each, and the rounding of this exponential.
    #[test]
    fn slopes_do_not_cancel_in_the_tails() {
        for x in [37.0_f64, 300.0] {
            let expected = [
                (Activation::Sigmoid, x, (-x).exp()),
                (Activation::Sigmoid, -x, (-x).exp()),
                (Activation::Tanh, x, 4.0 * (-2.0 * x).exp()),
                (Activation::Tanh, -x, 4.0 * (-2.0 * x).exp()),
                (Activation::Elu, -x, (-x).exp()),
                (Activation::Selu, -x, SELU_SCALE * SELU_ALPHA * (-x).exp()),
            ];
            for (activation, x, slope) in expected {
                let found = activation.slope(x);
                assert!(
                    (found / slope - 1.0).abs() <= 9.0 * f64::EPSILON,
                    "{activation:?} at {x}: {found:e}"
                );
            }
        }
        assert_eq!([Activation::Sigmoid.slope(0.0), Activation::Tanh.slope(0.0)], [0.25, 1.0]);
        for x in [f64::INFINITY, f64::NEG_INFINITY] {
            let slopes = [Activation::Sigmoid.slope(x), Activation::Tanh.slope(x)];
            assert!(slopes.iter().all(|slope| (0.0..1e-300).contains(slope)), "{slopes:?}"); // as far as values go
        }
    }

    #[test]
    fn deviations_by_simpsons_rule() {
        const STEPS: u32 = 4000;
        for &activation in Activation::ALL {
            let (mut weights, mut first, mut second) = (0.0, 0.0, 0.0);
            // Separately on both sides of 0, where some activations have a kink.
            for side in [-1.0, 1.0] {
                for i in 0..=STEPS {
                    // At a jump the limits from both sides, not the value between them.
                    let x = side * (12.0 * f64::from(i) / f64::from(STEPS)).max(f64::MIN_POSITIVE);
                    let simpson = f64::from(if i % STEPS == 0 { 1 } else { 2 + i % 2 * 2 });
                    let weight = simpson * (-0.5 * x * x).exp();
                    let mut value = [x];
                    activation.apply(&mut value);
                    weights += weight;
                    first += weight * value[0];
                    second += weight * value[0] * value[0];
                }
            }
            let deviation = (second / weights - (first / weights).powi(2)).sqrt();
            assert!(
                (deviation / activation.deviation() - 1.0).abs() < 1e-10,
                "{activation:?}: {deviation:.17}"
            );
        }
    }
}
