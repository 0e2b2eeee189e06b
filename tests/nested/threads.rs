//! Problems large enough to be split over threads: the bits do not depend on the number of threads.

use super::plane::min_norm;
use crate::common::features::normal;
use double_descent::filter::Ridge;
use double_descent::nested::{Plane, Request, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;

fn agree<T: PartialEq + Send>(work: impl Fn() -> T + Sync) {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let one = on(1);
    for threads in [2, 3, 8] {
        assert!(on(threads) == one, "{threads} threads");
    }
}

/// Rows up to the threshold, at it, and in the longest blocks past it; one row is in the span of others. Test rows are
/// already a triangle, become one at the threshold (as many rows as features), or stay unchanged.
#[test]
fn a_curve_over_rows() {
    let (mut x, y) = (normal(1, 1300, 400), normal(2, 1300, 2));
    let first = x.row(0).to_owned();
    x.row_mut(200).assign(&first);
    for rows in [500, 400, 300] {
        let test = Compressed::new(&normal(3, rows, 400), &normal(4, rows, 2)).unwrap();
        agree(|| sample_curve(&x, &y, Test::Rows(&test)).unwrap());
    }
}

#[test]
fn a_curve_over_columns() {
    let (mut x, y) = (normal(5, 400, 900), normal(6, 400, 1));
    let first = x.column(0).to_owned();
    for copies in [0, 1] {
        (200..200 + copies).for_each(|copy| x.column_mut(copy).assign(&first));
        for rows in [950, 400] {
            let test = Compressed::new(&normal(7, rows, 900), &normal(8, rows, 1)).unwrap();
            agree(|| feature_curve(&x, &y, Test::Rows(&test)).unwrap());
        }
    }
}

#[test]
fn a_plane() {
    let (x, y) = (normal(9, 800, 900), normal(10, 800, 3));
    let list: Vec<usize> = (1..=4).map(|i| 200 * i).collect();
    let plane = Plane::new(&list, &[list.clone(), vec![900]].concat()).unwrap();
    let ridge = Ridge::new(0.1).unwrap();
    let requests = [min_norm(0..3), Request { estimator: &ridge, outputs: 0..1 }];
    agree(|| plane.fits(&x, &y, &requests).unwrap());
}
