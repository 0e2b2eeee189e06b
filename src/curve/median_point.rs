//! A point of a curve of medians.

/// A point of a curve of medians: [`Curve::peak`](super::Curve::peak), [`Curve::highest`](super::Curve::highest),
/// [`Curve::lowest`](super::Curve::lowest).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MedianPoint {
    /// Training samples there.
    pub n: usize,
    /// Features there.
    pub p: usize,
    /// The value of the axis there: `n` or `p`, or a penalty, a time, a setting.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// The median over the repeats there.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub median: f64,
}
