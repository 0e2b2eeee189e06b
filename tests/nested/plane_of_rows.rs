//! A plane over rows that arrive in blocks, against the same rows as a table.

use super::plane::{min_norm, worst};
use crate::common::features::{KINDS, features, normal};
use crate::common::files::{dictionary, npy};
use crate::common::fits::C;
use double_descent::Error;
use double_descent::dataset::NpyRows;
use double_descent::filter::Ridge;
use double_descent::nested::{Plane, PlaneFit, Request};
use ndarray::{Array2, s};

/// Features and targets of a block of rows.
type Rows = (Array2<f64>, Array2<f64>);

/// The rows of a table, at most `most` at a time.
fn rows_of<'a>(
    x: &'a Array2<f64>,
    y: &'a Array2<f64>,
    most: usize,
) -> impl FnMut(usize) -> Result<Option<Rows>, Error> + 'a {
    let mut read = 0;
    move |wanted| {
        let count = wanted.min(most).min(x.nrows() - read);
        let part = |table: &Array2<f64>| table.slice(s![read..read + count, ..]).to_owned();
        let block = (count > 0).then(|| (part(x), part(y)));
        read += count;
        Ok(block)
    }
}

fn fits(plane: &Plane, x: &Array2<f64>, y: &Array2<f64>, most: usize) -> Vec<PlaneFit> {
    plane.fits_of_rows(rows_of(x, y, most), &[min_norm(0..y.ncols())]).unwrap()
}

/// Below, at and past the threshold, including lists on only one side of it.
#[test]
fn every_cell_is_that_of_its_svd() {
    let lists: [(&[usize], &[usize]); 3] = [
        (&[1, 2, 7, 20, 21, 40, 90], &[1, 3, 20, 21, 40, 66, 95]),
        (&[60, 90], &[5, 60]),
        (&[5, 9], &[10, 40]),
    ];
    for kind in KINDS {
        let (x, y) = (features(kind, 90, 95), normal(3, 90, 2));
        for (samples, columns) in lists {
            let plane = Plane::new(samples, columns).unwrap();
            let found = fits(&plane, &x, &y, 1000);
            assert_eq!(found.len(), samples.len() * columns.len());
            let c = worst(&found, &x, &y, &[min_norm(0..2)]);
            assert!(c < C, "{kind}: c = {c}");
        }
    }
}

/// More rows than are requested at once; ridge and the smallest singular value, besides minimum norm.
#[test]
fn the_size_of_the_source_s_blocks_changes_no_bit() {
    let (x, y) = (features("gaussian", 1300, 40), normal(4, 1300, 1));
    let plane = Plane::new(&[20, 600, 1300], &[7, 25, 40]).unwrap().with_smallest_singular_value();
    let expected = fits(&plane, &x, &y, 512);
    for most in [1, 7, 100, 10_000] {
        assert!(fits(&plane, &x, &y, most) == expected, "{most}");
    }
    let ridge = Ridge::new(0.3).unwrap();
    let requests = [min_norm(0..1), Request { estimator: &ridge, outputs: 0..1 }];
    let both = plane.fits_of_rows(rows_of(&x, &y, 99), &requests).unwrap();
    assert!(worst(&both, &x, &y, &requests) < C);
    let in_memory = plane.fits(&x, &y, &requests).unwrap();
    for (fit, known) in both.iter().zip(&in_memory) {
        assert_eq!((fit.n, fit.p, fit.rank), (known.n, known.p, known.rank));
        // Each value is exact for a matrix perturbed by C (n + p) ε σ₁, and σ₁ < √n + √p + 6 for Gaussian entries.
        let (a, b) = (fit.smallest_singular_value.unwrap(), known.smallest_singular_value.unwrap());
        let (n, p) = (fit.n as f64, fit.p as f64);
        let bound = 2.0 * C * (n + p) * f64::EPSILON * (n.sqrt() + p.sqrt() + 6.0);
        assert!((a - b).abs() < bound, "{a} and {b}");
    }
}

#[test]
fn rows_of_a_file() {
    let (x, y) = (features("gaussian", 700, 12), normal(5, 700, 1));
    let path = std::env::temp_dir().join(format!("double-descent-plane-{}.npy", std::process::id()));
    let row = |(row, target): (ndarray::ArrayView1<'_, f64>, &f64)| {
        row.iter().chain([target]).flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()
    };
    let data: Vec<u8> = x.rows().into_iter().zip(&y).flat_map(row).collect();
    std::fs::write(&path, npy(1, &dictionary("<f8", "False", "(700, 13)"), &data)).unwrap();
    let mut file = NpyRows::open(&path).unwrap();
    let plane = Plane::new(&[5, 50, 700], &[3, 12]).unwrap();
    let next = |rows: usize| {
        let block = file.next_block(rows)?;
        Ok(block.map(|rows| (rows.slice(s![.., ..12]).to_owned(), rows.slice(s![.., 12..]).to_owned())))
    };
    let found = plane.fits_of_rows(next, &[min_norm(0..1)]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(found == fits(&plane, &x, &y, 512));
}

#[test]
fn what_a_source_may_do_wrong() {
    let (x, y) = (features("gaussian", 90, 10), normal(3, 90, 1));
    let plane = Plane::new(&[90], &[10]).unwrap();
    let requests = [min_norm(0..1)];
    let refused = |x: &Array2<f64>, y: &Array2<f64>, most: usize| {
        plane.fits_of_rows(rows_of(x, y, most), &requests).unwrap_err()
    };
    let part = |rows: usize, columns: usize| x.slice(s![..rows, ..columns]).to_owned();
    let early = Error::Shape { what: "rows of the features", expected: 90, found: 89 };
    assert_eq!(refused(&part(89, 10), &y.slice(s![..89, ..]).to_owned(), 30), early);
    assert!(matches!(refused(&part(90, 9), &y, 90), Error::Shape { expected: 10, found: 9, .. }));
    assert!(matches!(refused(&x, &Array2::zeros((90, 0)), 90), Error::Shape { expected: 1, found: 0, .. }));
    let mut broken = x.clone();
    broken[[77, 3]] = f64::NAN;
    assert!(matches!(refused(&broken, &y, 10), Error::NonFinite { row: 77, column: 3, .. }));
    for wild in [1e100, 1e-100] {
        assert!(matches!(refused(&(&x * wild), &y, 90), Error::Unsupported { .. }));
        assert!(matches!(refused(&x, &(&y * wild), 90), Error::Unsupported { .. }));
    }
    assert!(fits(&plane, &Array2::zeros((90, 10)), &y, 90)[0].rank == 0);
    let panics = |_: usize| -> Result<Option<Rows>, Error> { panic!("no disk") };
    let error = plane.fits_of_rows(panics, &requests).unwrap_err();
    assert!(matches!(&error, Error::UserCode { reason, .. } if reason.contains("no disk")), "{error}");
    let more = |wanted: usize| Ok(Some((Array2::zeros((wanted + 1, 10)), Array2::zeros((wanted + 1, 1)))));
    assert!(matches!(plane.fits_of_rows(more, &requests), Err(Error::Shape { expected: 90, found: 91, .. })));
    assert!(matches!(plane.fits_of_rows(rows_of(&x, &y, 9), &[]), Err(Error::Empty { .. })));
    let own = Error::Unsupported { reason: "not today".into() };
    assert_eq!(plane.fits_of_rows(|_| Err(own.clone()), &requests), Err(own.clone()));
}
