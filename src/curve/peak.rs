//! Points of a curve of medians: its peak, and where it is highest and lowest.

use super::shape::CONFIDENCE;
use super::{Cell, Curve, MedianPoint, Metric};

impl Curve {
    /// Returns the double descent peak: an interior maximum of the curve of medians with a descent on both sides,
    /// certified by the repeats at 95 % confidence (for the rule see [`ShapeTest`](super::ShapeTest)). Of several
    /// peaks, it is the highest. Its median is taken over the repeats that have the metric along the whole axis.
    ///
    /// `None` if no peak is certified: a curve that falls, rises, or is a U has none, whatever its largest value
    /// ([`Curve::highest`]), and with few repeats a peak may go undetected. [`Curve::shape`] tells which shape it is,
    /// with limits.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// let curve = Sweep::new(Dataset::diabetes(), 1..=39, 50, 0).run()?;
    /// let [unablated, no_residuals] = ["unablated", "no_residuals"].map(|name| curve.arm(name, None).unwrap());
    /// assert_eq!(curve.peak(unablated, Metric::TestMse).unwrap().n, 10); // n = p
    /// assert!(curve.peak(no_residuals, Metric::TestMse).is_none()); // it falls
    /// assert_eq!(curve.highest(no_residuals, Metric::TestMse).unwrap().n, 1);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn peak(&self, arm: usize, metric: Metric) -> Option<MedianPoint> {
        let peaks = self.certified(arm, metric, CONFIDENCE).ok()?.peaks();
        let peak = peaks.into_iter().max_by(|a, b| a.height.total_cmp(&b.height))?;
        let there = |cell: &&Cell| cell.arm == arm && self.axis.value(cell) == Some(peak.peak);
        let cell = self.cells.iter().find(there)?;
        Some(MedianPoint { n: cell.n, p: cell.p, value: peak.peak, median: peak.height })
    }

    /// Returns the point at which an arm's median of a metric is largest: at an end of the axis or inside, by chance or
    /// not. `None` if the arm has no value of the metric. Ties go to the last.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let arm = ArmLabel::new("measured_elsewhere", None);
    /// let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
    /// let cell = |(n, error)| Cell::new(0, n, 2, 0).with(Metric::TestMse, error);
    /// curve.cells.extend([(1, 9.5), (2, 9.0), (3, 0.4)].map(cell));
    /// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().n, 1);
    /// assert_eq!(curve.lowest(0, Metric::TestMse).unwrap().n, 3);
    /// assert!(curve.peak(0, Metric::TestMse).is_none()); // and one repeat certifies nothing
    /// ```
    #[must_use]
    pub fn highest(&self, arm: usize, metric: Metric) -> Option<MedianPoint> {
        let points = self.medians(arm, metric).into_iter().filter(|point| !point.median.is_nan());
        points.max_by(|a, b| a.median.total_cmp(&b.median))
    }

    /// Returns the point at which an arm's median of a metric is smallest: the best result, for an error. `None` if the
    /// arm has no value of the metric. Ties go to the first.
    #[must_use]
    pub fn lowest(&self, arm: usize, metric: Metric) -> Option<MedianPoint> {
        let points = self.medians(arm, metric).into_iter().filter(|point| !point.median.is_nan());
        points.min_by(|a, b| a.median.total_cmp(&b.median))
    }
}
