//! Leave-one-out errors if one row is far longer than the others, or if rows differ by orders of magnitude, against the
//! fit to the other rows in 512-bit arithmetic.

use crate::common::exact::left_out_errors;
use crate::common::features::normal;
use double_descent::nested::{Columns, LeftOut, Point, Rows, Test};
use ndarray::{Array2, array, s};

/// All points of both engines.
fn curves(x: &Array2<f64>, y: &Array2<f64>) -> [Vec<Point>; 2] {
    let mut rows = Rows::new(x.ncols(), y.ncols(), Test::None).unwrap().with_leave_one_out().unwrap();
    let mut columns = Columns::new(y, Test::None).unwrap().with_leave_one_out().unwrap();
    [rows.extend(x, y).unwrap(), columns.extend(x).unwrap()]
}

/// Relative error of the root mean square at a point; `x` and `y` contain all rows.
fn off(point: &Point, x: &Array2<f64>, y: &Array2<f64>) -> f64 {
    let errors = left_out_errors(x.slice(s![..point.n, ..point.p]), y.slice(s![..point.n, ..]));
    let exact = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
    ((point.loo_mse.unwrap() / exact).sqrt() - 1.0).abs()
}

/// The fit to all rows meets the first target, 3e7, to 8 digits: 1 − h is 5e-16, and the residual to divide by it is
/// lost in the rounding of 3e7.
#[test]
fn a_long_row_leaves_its_digits() {
    let x = array![[1e8], [1.0], [1.0], [1.0], [1.0], [1.0]];
    let y = array![[3e7], [1.0], [-2.0], [0.5], [0.7], [1.3]];
    let [rows, columns] = curves(&x, &y);
    for point in [rows[5], columns[0]] {
        // 3e7 − 0.3 · 1e8, from a fit with five rounded terms: an error of a few ε · 3e7, next to 1.08.
        assert!(off(&point, &x, &y) < 1e-7, "{point:?}");
    }
    assert_eq!(columns[0].loo_by, LeftOut::Refits(1));
}

/// Next to the row of 1e15 all others are at rounding level; without it they are all that is left.
#[test]
fn modes_come_back_over_the_cutoff() {
    let others = [[1.0, 2.0], [1.0, 3.0], [2.0, 1.0]];
    let targets = [5.0, 7.5, 4.0];
    for at in 0..4 {
        for b in [1e15, 1e16, 1e30, 1e60] {
            let mut x = Array2::from_elem((4, 2), b);
            let mut y = Array2::ones((4, 1));
            for (i, (row, target)) in others.iter().zip(targets).enumerate() {
                let i = if i < at { i } else { i + 1 };
                x.row_mut(i).assign(&array![row[0], row[1]]);
                y[[i, 0]] = target;
            }
            let [rows, columns] = curves(&x, &y);
            for point in [rows[3], columns[1]] {
                assert!(matches!(point.loo_by, LeftOut::Refits(_)), "{point:?}");
                // The error at the long row is 3.06 b; all other errors are negligible next to it.
                assert!(off(&point, &x, &y) < 1e-14, "{point:?}");
                assert!(b > 1e15 || (point.loo_mse.unwrap() / 2.336_530_612_244_898e30 - 1.0).abs() < 1e-13);
            }
        }
    }
}

/// Every point of both engines, with rows scaled by `e^{3N}` and `e^{4N}`. Errors are accurate to 8 digits, or to what
/// refits allow: their condition numbers, up to 1e8 here, times ε.
#[test]
fn graded_rows() {
    for (grade, more) in [(3.0, 1), (4.0, 1), (4.0, 0), (4.0, 4)] {
        let (mut worst, mut refits) = ([0.0f64; 2], [0; 2]);
        for seed in 0..200u64 {
            let p = 1 + (seed % 6) as usize;
            let n = p + more;
            let mut x = normal(seed, n, p);
            x *= &normal(seed + 1000, n, 1).mapv(|v| (grade * v).exp());
            let y = normal(seed + 2000, n, 1 + (seed % 2) as usize);
            for (axis, points) in curves(&x, &y).iter().enumerate() {
                for point in points.iter().filter(|point| point.n > 1) {
                    let off = off(point, &x, &y);
                    assert!(off < 1e-7, "seed {seed}, {point:?}: {off:e}");
                    worst[axis] = worst[axis].max(off);
                    refits[axis] += usize::from(point.loo_by != LeftOut::Nested);
                }
            }
        }
        println!("e^{grade}N, n = p + {more}: off by {worst:?}, points with refits {refits:?}");
    }
}

/// Ordinary tables need no refits at any point.
#[test]
fn ordinary_tables_have_no_refits() {
    for (n, p) in [(60, 20), (41, 40), (40, 40), (30, 90)] {
        for (x, y) in [
            (normal(1, n, p), normal(2, n, 2)),
            (normal(1, n, p).mapv(|v| v.max(0.0) + 1.0), normal(2, n, 1)),
        ] {
            for point in curves(&x, &y).iter().flatten() {
                assert_eq!(point.loo_by, LeftOut::Nested, "{point:?}");
            }
        }
    }
}

/// Every direction has one row of length 1 and one at the cutoff. As the latter accumulate, refits become too
/// expensive, and the error is left out. With fewer directions, thousands of refits would still be allowed.
#[test]
fn too_many_refits() {
    let m = 300;
    let x = Array2::from_shape_fn((2 * m, m), |(i, j)| match i % m == j {
        true if i < m => 1.0,
        true => 2.0 * (2 * m) as f64 * f64::EPSILON,
        false => 0.0,
    });
    let y = normal(7, 2 * m, 1);
    let mut fit = Rows::new(m, 1, Test::None).unwrap().with_leave_one_out().unwrap();
    let points = fit.extend(&x, &y).unwrap();
    for (i, point) in points[m..].iter().enumerate() {
        match point.loo_by {
            LeftOut::Refits(rows) => assert!(rows == i + 1 && point.loo_mse.is_some(), "{point:?}"),
            LeftOut::TooMany(rows) => assert!(rows == i + 1 && point.loo_mse.is_none(), "{point:?}"),
            _ => panic!("{point:?}"),
        }
    }
    assert_eq!(points.last().unwrap().loo_by, LeftOut::TooMany(m));
}
