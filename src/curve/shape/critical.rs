//! A peak, its prominence, and the critical interval around it, with limits.

use super::band::{Band, Run};

/// A peak that the repeats certify, and the critical interval around it.
///
/// Let `h` be the height of the peak, and `ℓ` the higher of the lowest medians on its two sides (each as far as the
/// next peak). The **critical interval** is the longest stretch around the peak on which the curve of medians lies
/// above `ℓ`: there the model does worse than the best value on the higher side of the peak. If the second descent goes
/// below the first, as it usually does, that side is the classical one: the interval begins at the classical optimum
/// and ends where larger models (or more samples) first catch up with it. This is the region in which growth hurts.
/// `ln(h / ℓ)` is the peak's topographic prominence, so that interval and prominence refer to the same level. Where the
/// test's band reaches 0 or below, as that of a log evidence does, there are no logarithms: the prominence is absent.
///
/// The limits cover all curves inside the test's band: they hold at its confidence, for all peaks at once, whatever the
/// distribution of the errors. (Bootstrap percentiles are not used: the lowest of noisy medians is biased low, and at a
/// nominal 95 % they covered the true upper end in 80 % of simulated cases.) An interval end at an end of the axis is
/// only a bound: the curve has not come down to the level of the other side there.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CriticalInterval {
    /// The axis value of the highest median.
    pub peak: f64,
    /// Limits for the peak: the first and the last axis value at which a curve inside the band may be highest.
    pub peak_limits: (f64, f64),
    /// The median at the peak, `h`.
    pub height: f64,
    /// The level `ℓ`.
    pub level: f64,
    /// `ln(h / ℓ)`; values below 10⁻¹² of the curve's largest median count as that. `None` unless the whole band from
    /// valley to valley is positive.
    pub prominence: Option<f64>,
    /// Limits for the prominence; `None` as for that.
    pub prominence_limits: Option<(f64, f64)>,
    /// The lower end of the interval, in units of the axis: where the logarithm of the median, interpolated between
    /// axis values, crosses `ln ℓ`. Without logarithms, where the median itself, interpolated, crosses `ℓ`.
    pub from: f64,
    /// Limits for this end, on the axis values.
    pub from_limits: (f64, f64),
    /// The upper end.
    pub to: f64,
    /// Limits for this end, on the axis values.
    pub to_limits: (f64, f64),
    /// The level at which the peak is significant: an upper bound on the chance that a band of this kind certifies the
    /// peak although the curve does not have it, over all points of the axis at once.
    pub p_value: f64,
}

/// Where to look for a peak and its two valleys, by index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The peak itself.
    pub(super) peak: (usize, usize),
    /// The valleys, which reach as far as the next peaks or the ends of the axis.
    pub(super) span: (usize, usize),
}

impl Window {
    /// Returns one window for each rise followed by a fall.
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

    /// Returns the higher of the lowest values on the two sides of a curve's `peak`. A larger curve has a larger level.
    fn level(self, peak: usize, curve: &[f64]) -> f64 {
        let lowest = |range: &[f64]| range.iter().copied().fold(f64::INFINITY, f64::min);
        lowest(&curve[self.span.0..=peak]).max(lowest(&curve[peak..=self.span.1]))
    }

    /// Returns the peak of a curve of medians, with limits from the band that certifies it.
    pub(super) fn interval(
        self,
        axis: &[f64],
        medians: &[f64],
        band: &Band,
        p_value: f64,
    ) -> CriticalInterval {
        let (inside, (first, last)) = (self.peak.0..=self.peak.1, self.span);
        let higher = |a: &usize, b: &usize| medians[*a].total_cmp(&medians[*b]);
        let peak = inside.clone().rev().max_by(higher).unwrap_or(first);
        let level = self.level(peak, medians);
        let (least_level, most_level) = (self.level(peak, &band.lower), self.level(peak, &band.upper));
        let highest = |curve: &[f64]| curve[inside.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let certain_height = highest(&band.lower);
        let mut may_be_highest = inside.clone().filter(|&t| band.upper[t] >= certain_height);
        let first_peak = may_be_highest.next().unwrap_or(peak);
        let last_peak = may_be_highest.next_back().unwrap_or(first_peak);

        let is_positive = band.lower[first..=last].iter().all(|&value| value > 0.0);
        let scaled = |value: f64| if is_positive { value.ln() } else { value };

        let rest = [(first..peak).rev().collect::<Vec<_>>(), (peak + 1..=last).collect()];
        let [from, to] = rest.map(|outwards| {
            // The first place, going outwards from the peak, at which a curve has come down, and the place before it.
            let down = |curve: &[f64], level: f64| {
                let place = outwards.iter().position(|&t| curve[t] <= level);
                let at = |place: usize| outwards.get(place).copied();
                let before = |place: usize| place.checked_sub(1).map_or(Some(peak), at);
                place.map(|place| (outwards[place], before(place).unwrap_or(peak)))
            };
            let end = outwards.last().copied().unwrap_or(peak);
            let crossed = down(medians, level).map_or(axis[end], |(outer, inner)| {
                let [a, b, level] = [medians[outer], medians[inner], level].map(scaled);
                crossing((axis[outer], a), (axis[inner], b), level)
            });
            let soonest = down(&band.lower, most_level).map_or(end, |(_, inner)| inner);
            let latest = down(&band.upper, least_level).map_or(end, |(outer, _)| outer);
            (crossed, axis[soonest.min(latest)], axis[soonest.max(latest)])
        });
        CriticalInterval {
            peak: axis[peak],
            peak_limits: (axis[first_peak], axis[last_peak]),
            height: medians[peak],
            level,
            prominence: is_positive.then(|| medians[peak].ln() - level.ln()),
            prominence_limits: is_positive.then(|| {
                (certain_height.ln() - most_level.ln(), highest(&band.upper).ln() - least_level.ln())
            }),
            from: from.0,
            from_limits: (from.1, from.2),
            to: to.0,
            to_limits: (to.1, to.2),
            p_value,
        }
    }
}

/// Returns where a line crosses a level between its points `(x, a)`, at or below it, and `(y, b)`, above it.
fn crossing((x, a): (f64, f64), (y, b): (f64, f64), level: f64) -> f64 {
    let share = (level - a) / (b - a);
    if share.is_finite() { x + share.clamp(0.0, 1.0) * (y - x) } else { x }
}
