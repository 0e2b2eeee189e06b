//! Problems so large that they are split: the same bits on any number of threads.

use crate::common::features::normal;
use crate::plane::min_norm;
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

#[test]
fn a_curve_over_rows() {
    let (x, y) = (normal(1, 900, 400), normal(2, 900, 2));
    let test = Compressed::new(&normal(3, 500, 400), &normal(4, 500, 2)).unwrap();
    agree(|| sample_curve(&x, &y, Test::Rows(&test)).unwrap());
}

#[test]
fn a_curve_over_columns() {
    let (x, y) = (normal(5, 400, 900), normal(6, 400, 1));
    let test = Compressed::new(&normal(7, 950, 900), &normal(8, 950, 1)).unwrap();
    agree(|| feature_curve(&x, &y, Test::Rows(&test)).unwrap());
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
