//! Copies of row-major tables in column-major order.

use super::large_pages;
use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, ShapeBuilder};

/// Rows and columns of a tile: each cache line is read once and written once.
const TILE: usize = 8;

/// Fills a column-major table from a row-major one, applying `entry`. Other memory orders work, more slowly.
pub(crate) fn fill_columns(
    mut to: ArrayViewMut2<'_, f64>,
    from: ArrayView2<'_, f64>,
    entry: impl Fn(f64) -> f64,
) {
    let rows: Option<Vec<&[f64]>> = from.rows().into_iter().map(|row| row.to_slice()).collect();
    let columns: Option<Vec<_>> = to.columns_mut().into_iter().map(ArrayViewMut1::into_slice).collect();
    let Some((rows, mut columns)) = rows.zip(columns) else {
        return to.zip_mut_with(&from, |to, &v| *to = entry(v));
    };
    for (c, columns) in columns.chunks_mut(TILE).enumerate() {
        let (c, width) = (c * TILE, columns.len());
        for (r, rows) in rows.chunks(TILE).enumerate() {
            let mut tile = [[0.0; TILE]; TILE];
            for (tile, row) in tile.iter_mut().zip(rows) {
                tile[..width].copy_from_slice(&row[c..c + width]);
            }
            for (j, column) in columns.iter_mut().enumerate() {
                let to = &mut column[r * TILE..][..rows.len()];
                to.iter_mut().zip(&tile).for_each(|(to, row)| *to = entry(row[j]));
            }
        }
    }
}

/// Returns a column-major copy on large pages.
pub(crate) fn by_columns(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut columns = large_pages::zeros(x.raw_dim().f());
    fill_columns(columns.view_mut(), x, |v| v);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    #[test]
    fn copies_of_any_order_in_memory_are_equal() {
        let x = Array2::from_shape_fn((37, 41), |(i, j)| (100 * i + j) as f64);
        let by_column = by_columns(x.view());
        assert_eq!(by_column, x);
        assert!(by_column.t().is_standard_layout());
        assert_eq!(by_columns(by_column.view()), x);
        let every_other = s![..;-2, 1..;3];
        assert_eq!(by_columns(x.slice(every_other)), x.slice(every_other));
    }
}
