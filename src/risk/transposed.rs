//! The features of a compressed table, laid out for fast products.

use crate::machine::rooms::zeros;
use crate::svd::{row_major_product, small_product, small_stride};
use ndarray::{Array1, Array2, ArrayView1};

/// Up to this many entries a product costs less than the setup of a general one.
const SMALL: usize = 1024;

/// Features `A` (`q × p`), prepared once for products with the modes of many training sets.
#[derive(Clone, Debug)]
pub(crate) enum Transposed {
    /// The diagonal of a diagonal table, which independent features have.
    Diagonal(Array1<f64>),
    /// `Aᵀ`, with the row stride that [`small_product`] needs.
    Small(Vec<f64>),
    /// Nothing stored: the general product reads the features as they are.
    Large,
}

impl Transposed {
    pub(crate) fn new(features: &Array2<f64>) -> Self {
        let is_diagonal =
            |(i, row): (usize, ArrayView1<'_, f64>)| row.iter().enumerate().all(|(j, &v)| v == 0.0 || i == j);
        if features.rows().into_iter().enumerate().all(is_diagonal) {
            return Self::Diagonal(features.diag().to_owned());
        }
        if features.len() > SMALL {
            return Self::Large;
        }
        let stride = small_stride(features.nrows());
        let mut columns = vec![0.0; features.ncols() * stride];
        for (i, row) in features.rows().into_iter().enumerate() {
            for (entry, v) in columns[i..].iter_mut().step_by(stride).zip(row) {
                *entry = *v;
            }
        }
        Self::Small(columns)
    }

    /// Computes `Vᵀ Aᵀ` (`r × q`) for the rows of `vt` (`r × p`) and the features that this was made from. A diagonal
    /// needs no product, and gives the same bits.
    pub(crate) fn images(&self, features: &Array2<f64>, vt: &Array2<f64>) -> Array2<f64> {
        let (height, width) = features.dim();
        match (self, vt.as_slice()) {
            (Self::Diagonal(diagonal), _) => {
                let mut images = zeros((vt.nrows(), height));
                for ((mut image, column), scale) in
                    images.columns_mut().into_iter().zip(vt.columns()).zip(diagonal)
                {
                    image.zip_mut_with(&column, |image, v| *image = v * scale);
                }
                images
            }
            (Self::Small(columns), Some(rows)) => {
                let mut images = zeros((vt.nrows(), height));
                small_product(rows, columns, images.as_slice_mut().unwrap_or_default(), (width, height));
                images
            }
            _ => row_major_product(vt.view(), features.t()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of table gives the product, to the rounding of a sum of `p` terms.
    #[test]
    fn images_are_products() {
        let entry = |(i, j): (usize, usize)| ((i * 7 + j * 3) as f64).sin();
        let diagonal = Array2::from_diag(&Array1::from_shape_fn(5, |i| entry((i, i))));
        let kinds = [diagonal, Array2::from_shape_fn((9, 5), entry), Array2::from_shape_fn((300, 5), entry)];
        let names = ["Diagonal", "Small", "Large"];
        let vt = Array2::from_shape_fn((4, 5), |(i, j)| ((i + 2 * j) as f64).cos());
        for (features, name) in kinds.iter().zip(names) {
            let transposed = Transposed::new(features);
            assert!(format!("{transposed:?}").starts_with(name));
            let found = transposed.images(features, &vt);
            assert_eq!(found.dim(), (4, features.nrows()));
            for ((i, j), found) in found.indexed_iter() {
                let expected: f64 = (0..5).map(|k| vt[[i, k]] * features[[j, k]]).sum();
                assert!((found - expected).abs() <= 5.0 * 5.0 * f64::EPSILON, "{name} {i} {j}");
            }
        }
    }
}
