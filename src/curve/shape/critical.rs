//! A peak, its prominence, and the critical interval about it, with bootstrap limits.

use super::band::Run;
use super::quantile;

/// A peak that the repeats certify, and the critical interval about it.
///
/// With `h` the height of the peak, and `ℓ` the higher of the lowest medians on its two sides (as far as the next
/// peak), the **critical interval** is the longest stretch about the peak on which the curve of medians lies over
/// `ℓ`: where the model does worse than the better-known side of the peak at its best. Where the second descent
/// goes below the first (as it mostly does), that side is the classical one: the interval begins at the classical
/// optimum and ends where larger models (or more samples) first catch up with it, the region in which growth hurts.
/// `ln(h / ℓ)` is the peak's topographic prominence, so that interval and prominence speak of the same level.
///
/// Limits are percentiles over bootstrap resamples of whole repeats, at the confidence of the test, for this peak
/// alone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CriticalInterval {
    /// The axis value of the highest median.
    pub peak: usize,
    /// Limits for it.
    pub peak_limits: (f64, f64),
    /// The median there, `h`.
    pub height: f64,
    /// `ℓ`.
    pub level: f64,
    /// `ln(h / ℓ)`; values under 10⁻¹² of the largest median of the curve count as that.
    pub prominence: f64,
    /// Limits for it.
    pub prominence_limits: (f64, f64),
    /// The lower end of the interval, in units of the axis: where the logarithm of the median, interpolated between
    /// axis values, crosses `ln ℓ`.
    pub from: f64,
    /// Limits for it.
    pub from_limits: (f64, f64),
    /// The upper end.
    pub to: f64,
    /// Limits for it.
    pub to_limits: (f64, f64),
    /// The level at which the peak is significant: the chance, at most, that a band of its kind around a curve
    /// without this peak certifies it, over all points of the axis at once.
    pub p_value: f64,
}

/// Where a peak and its two valleys are looked for, by index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The peak itself.
    pub(super) peak: (usize, usize),
    /// The valleys: as far as the next peaks or the ends of the axis.
    pub(super) span: (usize, usize),
}

impl Window {
    /// One for each rise that a fall follows.
    pub(super) fn all(runs: &[Run], points: usize) -> Vec<Self> {
        let peaks: Vec<(usize, usize)> =
            runs.windows(2).filter(|pair| pair[0].rises).map(|pair| (pair[0].from, pair[1].to)).collect();
        let window = |(index, &peak): (usize, &(usize, usize))| {
            let first = if index == 0 { 0 } else { peak.0 };
            let last = if index + 1 == peaks.len() { points - 1 } else { peak.1 };
            Self { peak, span: (first, last) }
        };
        peaks.iter().enumerate().map(window).collect()
    }

    /// What a curve of medians shows there.
    fn measure(self, axis: &[usize], medians: &[f64]) -> Measured {
        let (from, to) = self.peak;
        let peak = (from..=to).rev().max_by(|&a, &b| medians[a].total_cmp(&medians[b])).unwrap_or(from);
        let lowest = |range: &[f64]| range.iter().copied().fold(f64::INFINITY, f64::min);
        let (first, last) = self.span;
        let level = lowest(&medians[first..=peak]).max(lowest(&medians[peak..=last]));
        // Where the curve comes down to the level, from the peak outwards.
        let end = |outwards: &mut dyn Iterator<Item = usize>| {
            let mut inner = peak;
            for t in outwards {
                if medians[t] <= level {
                    return crossing(axis, medians, (t, inner), level);
                }
                inner = t;
            }
            axis[inner] as f64
        };
        Measured {
            peak,
            height: medians[peak],
            level,
            from: end(&mut (first..peak).rev()),
            to: end(&mut (peak + 1..=last)),
        }
    }

    /// The peak with its limits from resampled curves of medians.
    pub(super) fn interval(
        self,
        axis: &[usize],
        medians: &[f64],
        resampled: &[Vec<f64>],
        tail: f64,
        p_value: f64,
    ) -> CriticalInterval {
        let measured = self.measure(axis, medians);
        let others: Vec<Measured> = resampled.iter().map(|medians| self.measure(axis, medians)).collect();
        let limits = |of: &dyn Fn(&Measured) -> f64| {
            let mut values: Vec<f64> = others.iter().map(of).collect();
            values.sort_unstable_by(f64::total_cmp);
            (quantile(&values, tail), quantile(&values, 1.0 - tail))
        };
        CriticalInterval {
            peak: axis[measured.peak],
            peak_limits: limits(&|m| axis[m.peak] as f64),
            height: measured.height,
            level: measured.level,
            prominence: measured.prominence(),
            prominence_limits: limits(&Measured::prominence),
            from: measured.from,
            from_limits: limits(&|m| m.from),
            to: measured.to,
            to_limits: limits(&|m| m.to),
            p_value,
        }
    }
}

struct Measured {
    peak: usize,
    height: f64,
    level: f64,
    from: f64,
    to: f64,
}

impl Measured {
    fn prominence(&self) -> f64 {
        self.height.ln() - self.level.ln()
    }
}

/// Where the curve crosses a level between the points `outer`, at or under it, and `inner`, over it.
fn crossing(axis: &[usize], medians: &[f64], (outer, inner): (usize, usize), level: f64) -> f64 {
    let (a, b) = (medians[outer].ln(), medians[inner].ln());
    let (x, y) = (axis[outer] as f64, axis[inner] as f64);
    let share = (level.ln() - a) / (b - a);
    if share.is_finite() { x + share.clamp(0.0, 1.0) * (y - x) } else { x }
}
