//! Deflation: which singular values of two halves stay unchanged when the row between them is added back.

use super::columns::Columns;
use super::secular::Secular;

/// Least weight of the pole 0, relative to the largest entry, so that all the powers of it that are needed are finite.
const LEAST: f64 = 1e-40;

/// Components of shorter vectors lose digits.
const SHORT: f64 = f64::MIN_POSITIVE / (f64::EPSILON * f64::EPSILON);

/// The rows of a column that may be non-zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    Upper,
    Both,
    Lower,
}

impl Rows {
    fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

/// The columns of a merge: those that the secular equation changes and those that stay.
#[derive(Debug, Default)]
pub(super) struct Deflation {
    /// Columns in the order of the poles.
    pub(super) changed: Vec<(usize, Rows)>,
    /// Columns that stay, with their singular values.
    pub(super) kept: Vec<(usize, f64)>,
    /// Factor by which the least root, which is proportional to the weight of the pole 0, is too large because that
    /// weight is at least [`LEAST`].
    pub(super) excess: f64,
    order: Vec<usize>,
}

/// The matrix that is zero except for its first row `z` and its diagonal `d`, with `d[middle] = 0` the first pole.
pub(super) struct Arrow<'a> {
    pub(super) d: &'a [f64],
    pub(super) z: &'a mut [f64],
    pub(super) middle: usize,
    /// The largest entry of the whole bidiagonal matrix.
    pub(super) size: f64,
}

impl Deflation {
    /// Removes entries with weight zero, value zero, or a value equal to another's, up to rounding errors of the whole
    /// matrix: the last two by rotations, which are also applied to the columns of `u` and `v`.
    pub(super) fn find(
        &mut self,
        arrow: Arrow<'_>,
        u: &mut Columns<'_>,
        v: &mut Columns<'_>,
        secular: &mut Secular,
    ) {
        let Arrow { d, z, middle, size } = arrow;
        // LAPACK's `dlasd2` uses eight of these, which is too much for the smallest matrices.
        let tolerance = f64::EPSILON * size;
        self.order.clear();
        self.order.extend((0..d.len()).filter(|&j| j != middle));
        self.order.sort_unstable_by(|&i, &j| d[i].total_cmp(&d[j]));
        self.changed.clear();
        self.kept.clear();
        secular.clear();
        // The weight of the pole 0 absorbs those of all zero values before it is final.
        self.changed.push((middle, Rows::Both));
        secular.push(0.0, 0.0);
        let mut pending: Option<(usize, f64, Rows)> = None;
        for place in 0..self.order.len() {
            let j = self.order[place];
            let (value, rows) = (d[j], if j < middle { Rows::Upper } else { Rows::Lower });
            if z[j].abs() <= tolerance {
                self.kept.push((j, value));
            } else if value <= tolerance {
                let (cos, sin, length) = rotation(z[middle], z[j]);
                v.rotate(middle, j, cos, sin);
                z[middle] = length;
                self.kept.push((j, cos.abs() * value));
            } else {
                pending = Some(match pending {
                    Some((last, before, of_last)) if value - before <= tolerance => {
                        let (cos, sin, length) = rotation(z[j], z[last]);
                        u.rotate(j, last, cos, sin);
                        v.rotate(j, last, cos, sin);
                        z[j] = length;
                        let gap = value - before;
                        self.kept.push((last, before + sin * sin * gap));
                        (j, before + cos * cos * gap, rows.with(of_last))
                    }
                    other => {
                        self.push(other, z, secular);
                        (j, value, rows)
                    }
                });
            }
        }
        self.push(pending, z, secular);
        secular.z[0] = z[middle].max(LEAST * size);
        self.excess = secular.z[0] / z[middle];
    }

    fn push(&mut self, pending: Option<(usize, f64, Rows)>, z: &[f64], secular: &mut Secular) {
        if let Some((column, value, rows)) = pending {
            self.changed.push((column, rows));
            secular.push(value, z[column]);
        }
    }
}

/// Returns `cos`, `sin` and `length` with `cos a + sin b = length`, `cos b − sin a = 0`; numbers with too few digits
/// for that are treated as zero.
pub(super) fn rotation(a: f64, b: f64) -> (f64, f64, f64) {
    let length = a.hypot(b);
    if length < SHORT { (1.0, 0.0, 0.0) } else { (a / length, b / length, length) }
}
