//! Curves from rows that are read only once.

use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::Axis;
use double_descent::dataset::npy::{self, NpyWriter};
use double_descent::dataset::{Copied, GaussianRows, NpyRows, RowStream};
use double_descent::nested::{Engine, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::rng::normal;
use double_descent::sweep::{Designs, NoiseTerms, Stream};
use double_descent::theory::noise::lower_bound;
use ndarray::{Array2, array, s};
use std::ops::ControlFlow;

fn rows() -> GaussianRows {
    GaussianRows::new(120, 6, 0.5, 3)
}

fn all(rows: &mut dyn RowStream) -> Array2<f64> {
    rows.next_block(1000).unwrap().unwrap()
}

/// The cells equal the points of the engine called directly on all rows, for any block size.
#[test]
fn a_stream_is_the_nested_curve_of_its_rows() {
    let table = all(&mut rows());
    let (tests, train) = (table.slice(s![..20, ..]), table.slice(s![20.., ..]));
    let test = Compressed::new(&tests.slice(s![.., ..6]), &tests.slice(s![.., 6..])).unwrap();
    let mut fit = Rows::new(6, 1, Test::Rows(&test)).unwrap();
    let points = fit.extend(&train.slice(s![.., ..6]), &train.slice(s![.., 6..])).unwrap();
    let kept = [1, 5, 6, 7, 40, 100, 5000];
    for block in [1, 7, 100, 1000] {
        let stream = Stream { test_rows: 20, block, ..Stream::new("rows", 1, kept) };
        let curve = stream.run(&mut rows(), &()).unwrap();
        assert!(curve.complete && (curve.axis, curve.provenance.engine) == (Axis::Samples, Engine::Nested));
        assert_eq!(curve.values(), [1.0, 5.0, 6.0, 7.0, 40.0, 100.0]);
        for cell in &curve.cells {
            let point = &points[cell.n - 1];
            assert_eq!((cell.p, cell.rank), (6, point.rank));
            // Other block sizes add in another order; κ of these rows is below 100 away from n = p.
            let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() <= 1e-10 * (1.0 + b);
            assert!(close(cell.train_mse, point.train_mse) && close(cell.coefficient_norm, point.norm));
            assert!(close(cell.test_mse, point.test_mse.unwrap()));
        }
    }
    // Without test rows, every row is a training row.
    let curve = Stream::new("rows", 1, [120]).run(&mut rows(), &()).unwrap();
    assert_eq!((curve.cells[0].n, curve.cells[0].test_mse), (120, None));
}

#[test]
fn what_makes_no_curve_is_refused_and_a_stopped_stream_says_so() {
    let stream = Stream { test_rows: 20, block: 30, ..Stream::new("rows", 1, 1..=120) };
    for bad in [
        Stream { outputs: 0, ..stream.clone() },
        Stream { outputs: 7, ..stream.clone() },
        Stream { block: 0, ..stream.clone() },
        Stream { test_rows: 120, ..stream.clone() },
        Stream { test_rows: usize::MAX, ..stream.clone() },
    ] {
        assert!(matches!(bad.run(&mut rows(), &()), Err(Error::Domain { .. })), "{bad:?}");
    }
    let impatient = |done: usize, total: usize| {
        assert!(done <= total && total == 100);
        if done >= 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let curve = stream.run(&mut rows(), &impatient).unwrap();
    assert!(!curve.complete && curve.cells.len() == 60);
}

#[test]
fn rows_are_copied_into_a_file_as_they_pass() {
    let folder = Folder::new("stream");
    let path = folder.0.join("rows.npy");
    let mut copied = Copied::new(rows(), &path).unwrap();
    let stream = Stream { test_rows: 20, block: 33, ..Stream::new("rows", 1, 1..=100) };
    let drawn = stream.run(&mut copied, &()).unwrap();
    assert_eq!(npy::read(&path).unwrap(), all(&mut rows()));
    let read = stream.run(&mut NpyRows::open(&path).unwrap(), &()).unwrap();
    assert_eq!(read.cells, drawn.cells);
    // An incomplete file is never visible, and an existing file stays.
    let mut file = NpyWriter::create(&path, (3, 2)).unwrap();
    file.write(&array![[1.0, 2.0]]).unwrap();
    assert!(matches!(file.write(&array![[1.0]]), Err(Error::Shape { expected: 2, found: 1, .. })));
    assert!(matches!(file.write(&Array2::zeros((3, 2))), Err(Error::Shape { expected: 2, found: 3, .. })));
    drop(file);
    assert_eq!(npy::read(&path).unwrap().dim(), (120, 7));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
    assert!(matches!(NpyWriter::create(&path, (0, 2)), Err(Error::Empty { .. })));
    assert!(matches!(NpyWriter::create(folder.0.join("no/rows.npy"), (1, 2)), Err(Error::Io { .. })));
}

/// For Gaussian features the mean is known: `p/(n − p − 1)` for `n > p + 1`. The summary's own standard error gives the
/// tolerance.
#[test]
fn noise_terms_are_those_of_their_law() {
    let terms = |designs| NoiseTerms {
        designs,
        seed: 4,
        features: 6,
        samples: 6,
        largest_samples: 24,
        largest_features: 24,
    };
    let gaussian = terms(Designs::gaussian());
    let (over_n, over_p) = gaussian.run(400, None, &()).unwrap();
    assert_eq!((over_n.len(), over_p.len(), over_n[0].repeats), (24, 24, 400));
    for row in over_n.iter().chain(&over_p) {
        let (n, p) = (row.n as f64, row.p as f64);
        let (short, long) = (n.min(p), n.max(p));
        // Within three of the threshold the variance is infinite.
        if long - short > 3.5 {
            let z = (row.mean - short / (long - short - 1.0)) / row.standard_error;
            // With 40 such rows, one table in 4,000 has a row above 4.5 by chance.
            assert!(z.abs() < 4.5, "{row:?}: {z}");
        }
        assert!(row.mean + 5.0 * row.standard_error >= lower_bound(row.n, row.p));
    }
    // Repeats are computed in chunks of eight, on any number of threads. A run with fewer repeats uses the first ones.
    assert_eq!(gaussian.run(400, Some(1), &()).unwrap().0, over_n);
    let (first, second) = (gaussian.compute(0).unwrap(), gaussian.compute(1).unwrap());
    assert_eq!(first.len(), 8 * 48);
    assert_eq!(gaussian.summarise([&first, &second], 11).unwrap(), gaussian.run(11, None, &()).unwrap());
    let short = gaussian.summarise([&first[1..].to_vec()], 8);
    assert!(matches!(short, Err(Error::Shape { expected: 384, found: 383, .. })), "{short:?}");
    let absurd = NoiseTerms { largest_samples: usize::MAX, ..gaussian.clone() };
    assert_eq!(absurd.points().nth(99), Some((100, 6)));
    assert!(matches!(absurd.summarise([], 8), Err(Error::Memory { .. })));
    // Each p has its own sphere. For p = 1, features are ±1 and the term is 1/n.
    let (_, over_p) = terms(Designs::sphere()).run(8, None, &()).unwrap();
    assert!((over_p[0].mean - 1.0 / 6.0).abs() < 1e-14 && over_p[0].standard_error < 1e-14);
    // A distribution that cannot be drawn gives an error.
    let broken = terms(Designs::of_maps(2, 10, |_, _| {
        Err::<double_descent::features::Coordinates, _>(Error::Empty { what: "the map" })
    }));
    assert!(matches!(broken.run(8, None, &()), Err(Error::Empty { what: "the map" })));
    let moody = terms(Designs::of_maps(2, 10, |_, _| -> Result<double_descent::features::Coordinates, _> {
        panic!("not today")
    }));
    assert!(matches!(moody.run(8, None, &()), Err(Error::UserCode { .. })));
    assert!(over_p.iter().all(|row| row.quantiles[2] > 0.0));
}

/// What a stream of the caller's does at its 61st row.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Ends,
    Fails,
    Panics,
    NoRows,
    TooNarrow,
    TooHigh,
    Nan,
}

/// The rows of [`rows`], up to a fault.
struct Faulty {
    rows: GaussianRows,
    given: usize,
    from: usize,
    fault: Fault,
}

impl Faulty {
    fn new(from: usize, fault: Fault) -> Self {
        Self { rows: rows(), given: 0, from, fault }
    }
}

impl RowStream for Faulty {
    fn rows(&self) -> usize {
        120
    }

    fn columns(&self) -> usize {
        7
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        if self.given < self.from {
            self.given += rows;
            return self.rows.next_block(rows);
        }
        match self.fault {
            Fault::Ends => Ok(None),
            Fault::Fails => Err(Error::user("the cable")),
            Fault::Panics => panic!("no more"),
            Fault::NoRows => Ok(Some(Array2::zeros((0, 7)))),
            Fault::TooNarrow => Ok(Some(Array2::zeros((rows, 6)))),
            Fault::TooHigh => Ok(Some(Array2::zeros((rows + 1, 7)))),
            Fault::Nan => Ok(Some(Array2::from_elem((rows, 7), f64::NAN))),
        }
    }
}

/// Whether an error is the right one.
type Is = fn(&Error) -> bool;

/// What was computed before the fault is kept; the error is that of the failure, or of the run if there are no cells.
#[test]
fn a_stream_that_breaks_off_keeps_its_cells() {
    let stream = Stream { test_rows: 20, block: 20, ..Stream::new("rows", 1, [5, 40, 70]) };
    let whole = stream.run(&mut rows(), &()).unwrap();
    let shape: Is = |error| matches!(error, Error::Shape { .. });
    let faults: [(Fault, Is); 7] = [
        (Fault::Ends, |error| matches!(error, Error::Shape { expected: 100, found: 0 | 40, .. })),
        (Fault::Fails, |error| matches!(error, Error::User { .. })),
        (Fault::Panics, |error| error.to_string() == "the stream of rows: it panicked: no more"),
        (Fault::NoRows, |error| matches!(error, Error::UserCode { .. })),
        (Fault::TooNarrow, shape),
        (Fault::TooHigh, shape),
        (Fault::Nan, |error| matches!(error, Error::NonFinite { .. })),
    ];
    for (fault, is_its) in faults {
        let curve = stream.run(&mut Faulty::new(60, fault), &()).unwrap();
        assert!(!curve.complete && curve.cells[..] == whole.cells[..2], "{fault:?}");
        let [failure] = &curve.failures[..] else { panic!("{fault:?}: {:?}", curve.failures) };
        assert_eq!((failure.n, failure.p), (41, 6));
        assert!(is_its(&failure.error), "{fault:?}: {}", failure.error);
        // Before the first cell, and before the test rows.
        let error = stream.run(&mut Faulty::new(20, fault), &()).unwrap_err();
        assert!(is_its(&error), "{fault:?}: {error}");
        let error = stream.run(&mut Faulty::new(0, fault), &()).unwrap_err();
        assert!(matches!(fault, Fault::Ends) || is_its(&error), "{fault:?}: {error}");
        assert!(!matches!(fault, Fault::Ends) || shape(&error), "{error}");
    }
    // An observer that panics stops the run as well.
    let curve = stream.run(&mut rows(), &|done: usize, _: usize| -> ControlFlow<()> {
        assert!(done < 60, "seen enough");
        ControlFlow::Continue(())
    });
    let curve = curve.unwrap();
    assert!(!curve.complete && curve.cells[..] == whole.cells[..2]);
    assert_eq!(curve.failures[0].error.to_string(), "the observer: it panicked: seen enough");
    // A copy of the rows is guarded as well, and leaves no file.
    let folder = Folder::new("broken-stream");
    let mut copied = Copied::new(Faulty::new(60, Fault::Panics), folder.0.join("rows.npy")).unwrap();
    assert!(copied.next_block(60).is_ok());
    assert!(matches!(copied.next_block(60), Err(Error::UserCode { .. })));
    drop(copied);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

/// A stream that panics when it is asked for its size.
struct Shapeless;

impl RowStream for Shapeless {
    fn rows(&self) -> usize {
        panic!("not counted")
    }

    fn columns(&self) -> usize {
        7
    }

    fn next_block(&mut self, _: usize) -> Result<Option<Array2<f64>>, Error> {
        Ok(None)
    }
}

#[test]
fn a_stream_that_panics_at_its_size_is_an_error() {
    let error = Stream::new("rows", 1, [5]).run(&mut Shapeless, &()).unwrap_err();
    assert_eq!(error.to_string(), "the stream of rows: it panicked: not counted");
    let folder = Folder::new("shapeless-stream");
    let copied = Copied::new(Shapeless, folder.0.join("rows.npy"));
    assert!(matches!(copied.map(|_| ()), Err(Error::UserCode { .. })));
}

#[test]
fn noise_terms_without_samples_say_so() {
    let terms = NoiseTerms {
        designs: Designs::gaussian(),
        seed: 0,
        features: 3,
        samples: 0,
        largest_samples: 4,
        largest_features: 4,
    };
    let error = terms.run(8, None, &()).unwrap_err();
    assert_eq!(error, Error::Empty { what: "the samples" });
}

/// What cannot be drawn is an error of the first block, or of the table.
#[test]
fn random_rows_that_do_not_exist_are_errors() {
    for noise in [f64::NAN, f64::INFINITY, -1.0] {
        let block = GaussianRows::new(2, 1, noise, 0).next_block(2);
        assert!(matches!(block, Err(Error::Domain { .. })), "{noise}: {block:?}");
    }
    let mut wide = GaussianRows::new(2, usize::MAX, 1.0, 0);
    assert_eq!((wide.rows(), wide.columns()), (2, usize::MAX));
    assert!(matches!(wide.next_block(2), Err(Error::Memory { .. })));
    assert!(matches!(normal(0, (usize::MAX, 2), 0), Err(Error::Memory { .. })));
    // Every stream starts with its direction: the features of one seed do not depend on the noise.
    let features = |noise| all(&mut GaussianRows::new(5, 3, noise, 1)).slice(s![.., ..3]).to_owned();
    assert_eq!(features(0.0), features(2.0));
}
