//! Exponentials and related functions without branches: the compiler turns loops over them into SIMD loops.
//!
//! Every step is an addition, a multiplication, a fused multiply-add, a division or a bit operation, so the bits of the
//! result are the same for every instruction set.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

/// 1.5 · 2⁵²: adding a number to it rounds the number to an integer, which the last bits of the sum then hold.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;
const LN_2_HIGH: f64 = std::f64::consts::LN_2;
/// ln 2 minus [`LN_2_HIGH`].
const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;

/// Computes `Σ c_k tᵏ`. Callers cut long sums into pieces, which do not have to wait for each other.
#[inline(always)]
pub(super) fn horner<const N: usize>(t: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for c in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(t, *c);
    }
    sum
}

/// `1/2!, …, 1/7!` and `1/8!, …, 1/13!`.
const FACTORIALS: ([f64; 6], [f64; 6]) = (
    [1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5_040.0],
    [
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ],
);

/// Computes `(2ⁿ, eʳ − 1)` with `x = n ln 2 + r`, `|r| ≤ ½ ln 2`, for `|x| ≤ 708`, by a Taylor polynomial of degree 13
/// whose relative remainder is under 1e-17.
#[inline(always)]
fn reduced(x: f64) -> (f64, f64) {
    let rounded = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2_HIGH, x));
    let square = r * r;
    let series = horner(r, &FACTORIALS.1).mul_add(square * square * square, horner(r, &FACTORIALS.0));
    // The last bits of `rounded` hold n; adding the bias and shifting them to the exponent gives 2ⁿ.
    let power = f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52);
    (power, square.mul_add(series, r))
}

/// Computes `eˣ`, with `x` clamped to ±708.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (power, less_one) = reduced(x.clamp(-708.0, 708.0));
    power.mul_add(less_one, power)
}

/// Computes `eˣ − 1`, with `x` clamped to ±708.
#[inline(always)]
pub(super) fn exp_m1(x: f64) -> f64 {
    let (power, less_one) = reduced(x.clamp(-708.0, 708.0));
    power.mul_add(less_one, power - 1.0)
}

/// `1/3, 1/5, …, 1/33`.
const ODD: ([f64; 8], [f64; 8]) = {
    let mut odd = ([0.0; 8], [0.0; 8]);
    let (mut k, mut denominator) = (0, 3.0);
    while k < 8 {
        odd.0[k] = 1.0 / denominator;
        odd.1[k] = 1.0 / (denominator + 16.0);
        denominator += 2.0;
        k += 1;
    }
    odd
};

/// Computes `ln(1 + x)` for `0 ≤ x ≤ 1` as `2 artanh s`, `s = x / (2 + x) ≤ ⅓`; the relative truncation error of the
/// series is under 2e-17.
#[inline(always)]
pub(super) fn ln_1p(x: f64) -> f64 {
    let s = x / (2.0 + x);
    let square = s * s;
    let fourth = square * square * (square * square);
    let series = horner(square, &ODD.1).mul_add(fourth * fourth, horner(square, &ODD.0));
    2.0 * (s * square).mul_add(series, s)
}

/// `(−1)ᵏ / (k! (2k + 1))`, `k = 1, …, 16`: erf's Taylor series.
const ERF: ([f64; 8], [f64; 8]) = {
    let mut series = ([0.0; 8], [0.0; 8]);
    let (mut k, mut n, mut factor) = (0, 1.0, -1.0);
    while k < 8 {
        series.0[k] = factor / (2.0 * n + 1.0);
        (k, n) = (k + 1, n + 1.0);
        factor /= -n;
    }
    k = 0;
    while k < 8 {
        series.1[k] = factor / (2.0 * n + 1.0);
        (k, n) = (k + 1, n + 1.0);
        factor /= -n;
    }
    series
};

/// Computes `erf x`: by the series, whose remainder is under 1e-20, up to ¾ and as `1 − erfc x` beyond.
#[inline(always)]
pub(super) fn erf(x: f64) -> f64 {
    let size = x.abs();
    let square = x * x;
    let fourth = square * square * (square * square);
    let series = square * horner(square, &ERF.1).mul_add(fourth * fourth, horner(square, &ERF.0));
    let near = std::f64::consts::FRAC_2_SQRT_PI * size;
    let near = near.mul_add(series, near);
    let far = 1.0 - 2.0 * normal_tail(std::f64::consts::SQRT_2 * size);
    (if size < 0.75 { near } else { far }).copysign(x)
}

/// The coefficients of `(1 + 2z) exp(z²) erfc(z)` in `t = (z − 4) / (z + 4)`, from `t⁰` on; relative error under
/// 2e-18 for `0 ≤ z ≤ 28`. Made by `tests/reference/activations.py`.
#[allow(clippy::excessive_precision, clippy::unreadable_literal)]
const ERFC: [[f64; 6]; 4] = [
    [
        1.2329951186255526,
        -0.13962111684056253,
        0.015379652102619592,
        0.0680970542546944,
        -0.1010390660362963,
        0.09373283499828987,
    ],
    [
        -0.06633036581238222,
        0.03716751553842069,
        -0.016197734056120454,
        0.00503196996995787,
        -0.0007577732982571152,
        -0.00019925665324018284,
    ],
    [
        0.00015062171043179722,
        -2.4399348197639573e-05,
        -1.1222116168532307e-05,
        5.709999856793996e-06,
        2.9397461417836035e-07,
        -8.257282478758446e-07,
    ],
    [
        7.44057045577273e-08,
        1.1020218906317932e-07,
        -1.7729323544390282e-08,
        -1.408218291143695e-08,
        1.7712192124857826e-09,
        1.230616140167745e-09,
    ],
];

/// Computes `½ erfc(x / √2)`, the normal distribution's upper tail, for `x ≥ 0`; `x` is clamped to 37.5.
///
/// After M. M. Shepherd and J. G. Laframboise, *Chebyshev approximation of (1 + 2x) exp(x²) erfc x*, Mathematics
/// of Computation 36 (1981).
#[inline(always)]
pub(super) fn normal_tail(x: f64) -> f64 {
    let x = x.clamp(0.0, 37.5);
    let z = x * std::f64::consts::FRAC_1_SQRT_2;
    // exp(−x²/2), corrected for the rounding error of x².
    let square = x * x;
    let lost = x.mul_add(x, -square);
    let gauss = exp(-0.5 * square);
    let gauss = gauss.mul_add(-0.5 * lost, gauss);
    let (sum, slope) = (z + 4.0, z.mul_add(2.0, 1.0));
    let both = 1.0 / (sum * slope);
    let t = (z - 4.0) * (slope * both);
    let t6 = t * t * (t * t) * (t * t);
    let [a, b, c, d] = [horner(t, &ERFC[0]), horner(t, &ERFC[1]), horner(t, &ERFC[2]), horner(t, &ERFC[3])];
    let series = d.mul_add(t6, c).mul_add(t6 * t6, b.mul_add(t6, a));
    0.5 * gauss * series * (sum * both)
}
