//! Columns that the reflections of a factorisation are applied to, many beside each other.

use super::panel::{PANEL, reflect_group, together};
use super::product::panels;
use super::reflect::Reflections;
use crate::machine::memory::{list, sum, table};
use crate::machine::threads::share_in;
use faer::{Mat, MatMut};

/// Columns that reflections of whole rows of `R` are applied to at once.
const FIXED: usize = 64;
/// Multiplications up to which faer takes a product for a small one and adds in another order.
const SMALL: usize = 1 << 12;
/// Reflections under which columns go one by one: too many would have to be filled up.
const FEW: usize = 8;

/// A column `[z; 0]` that is to become `Q [z; 0]`.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    /// The rows that `Q` has: the number after one of the blocks of rows that were taken in.
    pub(crate) rows: usize,
    /// The entries of `z`, which belongs to as many columns of `A`.
    pub(crate) rank: usize,
    /// Of at least as many rows as `Q` has.
    pub(crate) column: &'a mut [f64],
}

impl Image<'_> {
    /// Bytes that it takes to apply steps of at most `rows` rows to so many columns.
    pub(crate) fn bytes(count: usize, rows: usize) -> usize {
        let moved = together(rows).saturating_add(fewest(FEW, 1));
        sum([list::<Self>(count), list::<&Self>(count), table(rows, moved), table(3 * PANEL, moved)])
    }
}

/// The reflections that took in a block of rows: first those that took it into the rows of `R` that were there, and then those
/// that made new rows of it.
#[derive(Debug)]
pub(super) struct Step {
    /// Rows before it.
    pub(super) from: usize,
    /// `w` reflections `I − v vᵀ/τ` of row `i` of `R` and the block: `v` is 1 in the one and column `i` of this in the others.
    pub(super) tails: Mat<f64>,
    /// The first column of each panel, and its `S`, upper triangular with `1/τ` on the diagonal: the product of its
    /// reflections is `I − V S Vᵀ`, as in R. Schreiber and C. Van Loan, *A Storage-Efficient WY Representation for Products of
    /// Householder Transformations*, SIAM J. Sci. Stat. Comput. 10 (1989).
    pub(super) factors: Vec<(usize, Mat<f64>)>,
    pub(super) added: Option<Reflections>,
}

/// What columns are moved to.
#[derive(Debug, Default)]
struct Room {
    top: Vec<f64>,
    bottom: Vec<f64>,
    products: Vec<f64>,
}

/// Applies steps, the last first. The bits of a column do not depend on those beside it.
pub(super) fn apply(steps: &[Step], mut images: Vec<Image<'_>>) {
    images.sort_by_key(|image| image.rank);
    let mut room = Room::default();
    for step in steps.iter().rev() {
        let mut of_step: Vec<_> = images.iter_mut().filter(|image| image.rows > step.from).collect();
        let groups = of_step.chunks_mut(together(step.tails.nrows()));
        share_in(groups, &mut room, |images, room| step.apply(images, room));
    }
}

impl Step {
    /// Applies it to columns by ascending rank, so many as stay in the cache.
    fn apply(&self, images: &mut [&mut Image<'_>], room: &mut Room) {
        let (count, w) = (self.tails.nrows(), |(_, factor): &(usize, Mat<f64>)| factor.ncols());
        let spare = self.factors.iter().map(|panel| fewest(w(panel), count)).max().unwrap_or(0).max(FIXED);
        let width = images.len() + spare;
        let Room { top, bottom, products } = room;
        bottom.clear();
        bottom.resize(count * width, 0.0);
        for (to, image) in bottom.chunks_exact_mut(count).zip(&*images) {
            to.copy_from_slice(&image.column[self.from..][..count]);
        }
        let mut block = MatMut::from_column_major_slice_mut(bottom, count, width);
        // Reflections of columns beyond its rank leave a column as it is.
        let first_of = |images: &[&mut Image<'_>], from| images.partition_point(|image| image.rank <= from);
        if let Some(reflections) = &self.added {
            for first in (first_of(images, self.from)..images.len()).step_by(FIXED) {
                reflections.apply(block.as_mut().subcols_mut(first, FIXED));
            }
        }
        for panel in self.factors.iter().rev() {
            let (row, w) = (panel.0, w(panel));
            let first = first_of(images, row);
            let images = &mut images[first..];
            if images.is_empty() {
                continue;
            }
            let width = images.len().max(fewest(w, count));
            top.clear();
            top.resize(w * width, 0.0);
            for (to, image) in top.chunks_exact_mut(w).zip(&*images) {
                to.copy_from_slice(&image.column[row..][..w]);
            }
            let (tails, factor) = (self.tails.as_ref().subcols(row, w), panel.1.as_ref());
            let each = if w < FEW { 1 } else { width };
            let tops = panels(MatMut::from_column_major_slice_mut(top, w, width), each);
            let bottoms = panels(block.as_mut().subcols_mut(first, width), each);
            for ((_, top), (_, bottom)) in tops.into_iter().zip(bottoms) {
                reflect_group(tails, factor, (top, bottom), false, products);
            }
            for (from, image) in top.chunks_exact(w).zip(images) {
                image.column[row..][..w].copy_from_slice(from);
            }
        }
        for (from, image) in bottom.chunks_exact(count).zip(images) {
            image.column[self.from..][..count].copy_from_slice(from);
        }
    }
}

/// The fewest columns that `w` reflections of `count` rows are applied to, so that no product is a small one: filled up with
/// zeros.
fn fewest(w: usize, count: usize) -> usize {
    if w < FEW { 1 } else { SMALL / (w * count).min((w / 2) * (w / 2)) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::svd::StreamedQr;
    use ndarray::{Array2, s};
    use rand::RngExt;

    /// Blocks of rows that make rows of `R`, and panels of 32, 20, 13 and 1 columns.
    #[test]
    fn columns_have_the_same_bits_alone_and_give_the_rows_back() {
        const BLOCKS: [usize; 5] = [20, 13, 40, 5, 90];
        const COLUMNS: usize = 45;
        let (rows, mut rng) = (BLOCKS.iter().sum(), stream(1, 2, 3));
        let a = Array2::from_shape_simple_fn((rows, COLUMNS), || 2.0 * rng.random::<f64>() - 1.0);
        let mut qr = StreamedQr::keeping(Vec::new(), rows, COLUMNS);
        for block in BLOCKS {
            let from = qr.rows();
            qr.append(a.slice(s![from..from + block, ..]), Array2::zeros((0, 0)).view());
        }
        let unit = |j: usize| {
            let mut column = vec![0.0; rows];
            column[j] = 1.0;
            column
        };
        let mut q: Vec<_> = (0..COLUMNS).map(unit).collect();
        let images = q.iter_mut().enumerate();
        qr.apply(images.map(|(j, column)| Image { rows, rank: j + 1, column }).collect());
        for (j, column) in q.iter().enumerate() {
            let mut alone = unit(j);
            qr.apply(vec![Image { rows, rank: j + 1, column: &mut alone }]);
            assert!(alone == *column, "column {j}");
        }
        for j in 0..COLUMNS {
            for i in 0..rows {
                let back: f64 = qr.column(j).iter().zip(&q).map(|(r, q)| r * q[i]).sum();
                // Entries under 1, columns under 13 long, and some tens of reflections of each.
                assert!((back - a[[i, j]]).abs() < 100.0 * 13.0 * f64::EPSILON, "{i}, {j}");
            }
        }
    }
}
