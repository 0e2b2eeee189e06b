//! Positions and labels of ticks.

use super::label;
use super::model::Scale;
use super::view::View;

/// A labelled tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Position in the view's own units (the logarithm on a logarithmic axis).
    pub(super) at: f64,
    pub(super) label: String,
}

/// The ticks of one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ticks {
    pub(super) major: Vec<Tick>,
    /// Unlabelled ticks between the major ones.
    pub(super) minor: Vec<f64>,
}

/// Tolerance, in steps, for a tick that a rounding error put just outside the view.
const NUDGE: f64 = 1e-9;

/// A logarithmic axis with fewer decades than this is labelled 1-2-5.
const FEW_DECADES: f64 = 1.5;

const STRIDES: [i32; 10] = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200];

/// Returns the ticks of `view` along an axis of `length` pixels: as many as leave their labels, each `extent` long, at
/// least `gap` apart.
pub(super) fn fit(view: &View, length: f64, most: usize, gap: f64, extent: impl Fn(&str) -> f64) -> Ticks {
    let clear = |a: &Tick, b: &Tick| {
        let apart = (view.fraction(b.at) - view.fraction(a.at)) * length;
        apart >= f64::midpoint(extent(&a.label), extent(&b.label)) + gap
    };
    for limit in (2..=most.max(2)).rev() {
        let ticks = ticks(view, limit);
        if ticks.major.windows(2).all(|pair| clear(&pair[0], &pair[1])) {
            return ticks;
        }
    }
    let mut ticks = ticks(view, 2);
    let mut kept: Vec<Tick> = Vec::new();
    for tick in ticks.major {
        if kept.last().is_none_or(|last| clear(last, &tick)) {
            kept.push(tick);
        }
    }
    ticks.major = kept;
    ticks
}

/// Returns about `most` major ticks at round values.
fn ticks(view: &View, most: usize) -> Ticks {
    match view.scale {
        Scale::Linear => linear(view.lo, view.hi, most),
        Scale::Log10 => logarithmic(view.lo, view.hi, most),
        Scale::Root => roots(view.lo, view.hi, most),
    }
}

/// Ticks of a fourth-root axis: 0 and the highest powers of ten, or round values if those give fewer than two ticks.
fn roots(lo: f64, hi: f64, most: usize) -> Ticks {
    let value = |own: f64| own.powi(4).min(1e300).copysign(own);
    let zero = (lo - NUDGE..=hi + NUDGE).contains(&0.0);
    if hi > 0.0 {
        let last = (4.0 * hi.log10() + NUDGE).floor() as i32;
        let least = if lo > 0.0 { 4.0 * lo.log10() - NUDGE } else { f64::NEG_INFINITY };
        let decades = (0..).map(|i| last - i).take(most.saturating_sub(usize::from(zero)).max(1));
        let mut shown: Vec<i32> = decades.take_while(|&k| f64::from(k) >= least).collect();
        shown.reverse();
        if shown.len() + usize::from(zero) >= 2 {
            let plain = shown.iter().all(|k| (-2..=3).contains(k));
            let origin = zero.then(|| Tick { at: 0.0, label: "0".into() });
            let tick = |&k: &i32| Tick { at: 10_f64.powf(f64::from(k) / 4.0), label: label_of(1, k, plain) };
            let minor = shown.iter().flat_map(|&k| (2..=9).map(move |m| position((m, k)) / 4.0));
            let minor = minor.map(|log| 10_f64.powf(log)).filter(|at| *at <= hi);
            return Ticks {
                minor: minor.collect(),
                major: origin.into_iter().chain(shown.iter().map(tick)).collect(),
            };
        }
    }
    let mut ticks = linear(value(lo), value(hi), most);
    for tick in &mut ticks.major {
        tick.at = tick.at.abs().sqrt().sqrt().copysign(tick.at);
    }
    ticks
}

fn linear(lo: f64, hi: f64, most: usize) -> Ticks {
    let (values, place) = round_values(lo, hi, most);
    let labels = label::linear(&values, place);
    let major = values.into_iter().zip(labels).map(|(at, label)| Tick { at, label }).collect();
    Ticks { major, minor: Vec::new() }
}

/// Returns multiples of 1, 2 or 5 times a power of ten, and its exponent.
fn round_values(lo: f64, hi: f64, most: usize) -> (Vec<f64>, i32) {
    let raw = (hi - lo) / most as f64;
    let exponent = label::exponent_of(raw);
    let scaled = raw / 10_f64.powi(exponent);
    let (digit, place) = match scaled {
        s if s <= 1.0 + NUDGE => (1.0, exponent),
        s if s <= 2.0 + NUDGE => (2.0, exponent),
        s if s <= 5.0 + NUDGE => (5.0, exponent),
        _ => (1.0, exponent + 1),
    };
    let step = digit * 10_f64.powi(place);
    let (first, last) = ((lo / step - NUDGE).ceil(), (hi / step + NUDGE).floor());
    let values = (0..=2 * most)
        .map(|i| first + i as f64)
        .take_while(|&i| i <= last)
        .map(|i| i * step)
        .filter(|v| v.is_finite());
    (values.collect(), place)
}

fn logarithmic(lo: f64, hi: f64, most: usize) -> Ticks {
    let decades = (lo - NUDGE).ceil() as i32..=(hi + NUDGE).floor() as i32;
    if hi - lo < FEW_DECADES || decades.clone().count() < 3 {
        return within_decades(lo, hi, most);
    }
    let count = |stride: i32| decades.clone().filter(|k| k % stride == 0).count();
    let stride = STRIDES.into_iter().find(|&s| (2..=most).contains(&count(s)));
    let shown: Vec<i32> = match stride {
        Some(stride) => decades.clone().filter(|k| k % stride == 0).collect(),
        None => vec![*decades.start(), *decades.end()],
    };
    let plain = shown.iter().all(|k| (-2..=3).contains(k));
    let tick = |&k: &i32| Tick { at: f64::from(k), label: label_of(1, k, plain) };
    let minor = match stride {
        Some(1) if hi - lo <= 10.0 => multiples(&[2, 3, 4, 5, 6, 7, 8, 9], lo, hi),
        Some(2..) if hi - lo <= 26.0 => multiples(&[1], lo, hi),
        _ => Vec::new(),
    };
    Ticks { major: shown.iter().map(tick).collect(), minor: minor.into_iter().map(position).collect() }
}

/// Ticks of a short logarithmic axis: 1-2-5, or fewer per decade, or round values at equal differences.
fn within_decades(lo: f64, hi: f64, most: usize) -> Ticks {
    let sets: [&[u8]; 3] = [&[1, 2, 5], &[1, 3], &[1]];
    let fewest = [3, 2, 2];
    for (digits, fewest) in sets.into_iter().zip(fewest) {
        let shown = multiples(digits, lo, hi);
        if (fewest..=most.max(fewest)).contains(&shown.len()) {
            let plain = shown.iter().all(|&(_, k)| (-3..5).contains(&k));
            let tick = |&(m, k): &(u8, i32)| Tick { at: position((m, k)), label: label_of(m, k, plain) };
            let minor = multiples(&[1, 2, 3, 4, 5, 6, 7, 8, 9], lo, hi);
            return Ticks {
                major: shown.iter().map(tick).collect(),
                minor: minor.into_iter().map(position).collect(),
            };
        }
    }
    let mut ticks = linear(10_f64.powf(lo), 10_f64.powf(hi), most);
    ticks.major.retain(|tick| tick.at > 0.0);
    for tick in &mut ticks.major {
        tick.at = tick.at.log10();
    }
    ticks
}

fn label_of(digit: u8, exponent: i32, plain: bool) -> String {
    label::multiple(digit, exponent, plain)
}

/// Every `digit · 10ᵏ` in the view, ascending.
fn multiples(digits: &[u8], lo: f64, hi: f64) -> Vec<(u8, i32)> {
    (lo.floor() as i32..=hi.ceil() as i32)
        .flat_map(|k| digits.iter().map(move |&m| (m, k)))
        .filter(|pair| (lo - NUDGE..=hi + NUDGE).contains(&position(*pair)))
        .collect()
}

fn position((digit, exponent): (u8, i32)) -> f64 {
    f64::from(digit).log10() + f64::from(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, lo: f64, hi: f64, most: usize) -> Vec<String> {
        let view = View { scale, lo, hi };
        ticks(&view, most).major.into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(Scale::Linear, 0.0, 1000.0, 5), ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(labels(Scale::Linear, -1.05, 1.05, 5), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn decades_are_plain_when_near_one() {
        assert_eq!(labels(Scale::Log10, -2.1, 2.2, 8), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels(Scale::Log10, -4.0, 0.0, 8), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert_eq!(labels(Scale::Log10, -30.0, 10.0, 6), ["10⁻³⁰", "10⁻²⁰", "10⁻¹⁰", "10⁰", "10¹⁰"]);
    }

    #[test]
    fn fourth_roots_have_decades_and_zero() {
        assert_eq!(labels(Scale::Root, -0.01, 0.57, 5), ["0", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
        assert_eq!(labels(Scale::Root, 0.0, 1.0, 4), ["0", "0.01", "0.1", "1"]);
        assert_eq!(labels(Scale::Root, 1.0, 1.1, 5), ["1.0", "1.1", "1.2", "1.3", "1.4"]);
    }

    #[test]
    fn short_log_axes_are_labelled_within_decades() {
        assert_eq!(labels(Scale::Log10, -0.1, 1.1, 8), ["1", "2", "5", "10"]);
        assert_eq!(labels(Scale::Log10, 0.0, 0.1, 5), ["1.0", "1.1", "1.2"]);
    }

    #[test]
    fn labels_never_overlap_and_always_exist() {
        let extremes = [-300.0, -20.0, -1.0, 0.0, 0.001, 0.5, 2.0, 60.0, 300.0];
        for scale in [Scale::Linear, Scale::Log10, Scale::Root] {
            for (i, &lo) in extremes.iter().enumerate() {
                for &hi in &extremes[i + 1..] {
                    let view = View { scale, lo, hi };
                    let extent = |s: &str| s.chars().count() as f64 * 7.0;
                    let got = fit(&view, 300.0, 7, 6.0, extent);
                    assert!(!got.major.is_empty(), "{scale:?} {lo} {hi}");
                    for pair in got.major.windows(2) {
                        let apart = (view.fraction(pair[1].at) - view.fraction(pair[0].at)) * 300.0;
                        let need = f64::midpoint(extent(&pair[0].label), extent(&pair[1].label));
                        assert!(apart >= need, "{scale:?} {lo} {hi}: {got:?}");
                    }
                }
            }
        }
    }
}
