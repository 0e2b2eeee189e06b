//! An orthonormal basis that grows by blocks of vectors, stored as a product of reflections.

use super::reflect::Reflections;
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};

/// `Q` (`d × r`), the first columns of `H₁ H₂ ⋯ S` with blocks of reflections `H` and signs `S`. It is orthonormal to
/// working accuracy, however close to dependent the added vectors were.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrowingBasis {
    signs: Vec<f64>,
    blocks: Vec<Reflections>,
}

impl GrowingBasis {
    /// `r`.
    pub(crate) fn len(&self) -> usize {
        self.signs.len()
    }

    /// Adds the rows of `x` until one has a remainder outside the span so far of at most its entry of `least`. Returns
    /// the coordinates of the rows before that one, `Qᵀ xᵀ` with the new vectors in `Q`, column-major. The last
    /// non-zero entry of each column is positive.
    pub(crate) fn grow(&mut self, x: ArrayView2<'_, f64>, least: &[f64]) -> Array2<f64> {
        let ((b, d), r) = (x.dim(), self.len());
        let b = b.min(d - r);
        let mut given = Array2::zeros((d, b).f());
        given.assign(&x.slice(s![..b, ..]).t());
        self.reflect_transposed(0, &mut given);
        let mut coordinates = given.clone();
        let mut reflections = Reflections::reduce(coordinates.slice_mut(s![r.., ..]), b);
        let count = (0..b).take_while(|&j| coordinates[[r + j, j]].abs() > least[j]).count();
        if count < b {
            coordinates = Array2::zeros((d, count).f());
            coordinates.assign(&given.slice(s![.., ..count]));
            reflections = Reflections::reduce(coordinates.slice_mut(s![r.., ..]), count);
        }
        self.signs.extend((0..count).map(|j| coordinates[[r + j, j]].signum()));
        self.turn_signs(0, &mut coordinates);
        for (j, mut column) in coordinates.columns_mut().into_iter().enumerate() {
            column.slice_mut(s![r + j + 1..]).fill(0.0);
        }
        if count > 0 {
            self.blocks.push(reflections);
        }
        coordinates
    }

    /// Returns the columns of `Q` from `from` on, column-major.
    pub(crate) fn vectors(&self, d: usize, from: usize) -> Array2<f64> {
        let r = self.len();
        let mut vectors = Array2::zeros((d, r - from).f());
        for (j, &sign) in self.signs[from..].iter().enumerate() {
            vectors[[from + j, j]] = sign;
        }
        self.reflect(&mut vectors);
        vectors
    }

    /// `B ← [Q Q'] B` for `B` (`d × k`, column-major), where `Q'` is a basis of the orthogonal complement of `Q`.
    pub(crate) fn multiply(&self, b: &mut Array2<f64>) {
        self.turn_signs(0, b);
        self.reflect(b);
    }

    /// `B ← [Q Q']ᵀ B`, with the same `Q'`, for a `B` already multiplied with the first `from` vectors; a block must
    /// start at `from`.
    pub(crate) fn multiply_transposed(&self, from: usize, b: &mut Array2<f64>) {
        self.reflect_transposed(from, b);
        self.turn_signs(from, b);
    }

    /// `B ← S B` from row `from` on.
    fn turn_signs(&self, from: usize, b: &mut Array2<f64>) {
        let rows = b.axis_iter_mut(Axis(0)).zip(&self.signs).skip(from);
        for (mut row, _) in rows.filter(|(_, sign)| **sign < 0.0) {
            row.mapv_inplace(|v| -v);
        }
    }

    /// `B ← H₁ H₂ ⋯ B`.
    fn reflect(&self, b: &mut Array2<f64>) {
        let mut first = self.len();
        for block in self.blocks.iter().rev() {
            first -= block.len();
            block.apply(b.slice_mut(s![first.., ..]));
        }
    }

    /// `B ← ⋯ H₂ H₁ B`, for the blocks after the first `from` vectors.
    fn reflect_transposed(&self, from: usize, b: &mut Array2<f64>) {
        let mut first = 0;
        for block in &self.blocks {
            if first >= from {
                block.apply_transposed(b.slice_mut(s![first.., ..]));
            }
            first += block.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pseudorandom entry.
    fn entry(i: usize, j: usize) -> f64 {
        let mut state = (i as u64 * 7919 + j as u64 * 104_729 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Mixed as in SplitMix64: a multiple alone is a sawtooth in i and j, which soon makes rows dependent.
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((state ^ (state >> 31)) >> 11) as f64 / 2f64.powi(52) - 1.0
    }

    /// `x = Q m` for each vector, `QᵀQ = I`, and a vector in the span of earlier ones ends a block.
    #[test]
    fn vectors_come_back_from_their_coordinates() {
        let d = 60;
        let mut x = Array2::from_shape_fn((50, d), |(i, j)| entry(i, j));
        let copy = &x.row(3) * 2.0;
        x.row_mut(41).assign(&copy);
        let (mut basis, mut q) = (GrowingBasis::default(), Array2::zeros((d, 0)));
        let mut from = 0;
        for size in [7, 1, 24, 18] {
            let block = x.slice(s![from..from + size, ..]);
            let coordinates = basis.grow(block, &vec![1e-13; size]);
            let vectors = basis.vectors(d, from);
            let count = if from == 32 { 9 } else { size };
            assert_eq!((coordinates.ncols(), basis.len()), (count, from + count));
            q = ndarray::concatenate![Axis(1), q, vectors];
            let back = q.dot(&coordinates.slice(s![..from + count, ..]));
            let off = &back.t() - &block.slice(s![..count, ..]);
            // Entries of size 1, in 60 products with rounding error ε each.
            assert!(off.iter().all(|v| v.abs() < 60.0 * f64::EPSILON), "{off}");
            from += count;
        }
        let off = q.t().dot(&q) - Array2::<f64>::eye(41);
        assert!(off.iter().all(|v| v.abs() < 60.0 * f64::EPSILON));
        // The same without forming the vectors: [Q Q']ᵀ B in one step or in two, and back.
        let b = Array2::from_shape_fn((d, 3).f(), |(i, j)| entry(i + 100, j));
        let (mut once, mut twice, mut blocks) = (b.clone(), b.clone(), GrowingBasis::default());
        for (from, to) in [(0, 32), (32, 41)] {
            let _ = blocks.grow(x.slice(s![from..to, ..]), &vec![1e-13; to - from]);
            blocks.multiply_transposed(from, &mut twice);
        }
        blocks.multiply_transposed(0, &mut once);
        assert_eq!(once, twice);
        let along = once.slice(s![..41, ..]).to_owned() - q.t().dot(&b);
        blocks.multiply(&mut once);
        let off = along.iter().chain(&(once - &b)).all(|v| v.abs() < 60.0 * f64::EPSILON);
        assert!(off, "{along}");
    }
}
