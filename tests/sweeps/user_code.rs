//! User code that panics or returns unusable values: an error names it, and all other results are kept.

use double_descent::complexity::Search;
use double_descent::curve::{Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{
    Activation, Coordinates, DirectSum, FeatureMap, NaturalSpline, Nonlinearity, Pipeline, RandomNetwork,
    Selection, Standardised, WithIntercept,
};
use double_descent::filter::{SpectralFilter, Spectrum};
use double_descent::kernel::{Kernel, KernelRegression};
use double_descent::nested::{Engine, Plane};
use double_descent::sweep::{Arm, Grid, Maps, Place, Sweep};
use double_descent::{Error, rng::stream};
use ndarray::{Array2, ArrayRef2, s};
use rand::RngExt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is wrong with the user code.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Panics,
    Nan,
    RowShort,
    ColumnShort,
    TooWide,
    DescriptionPanics,
}

/// Returns the inputs unchanged, except for one fault from column `from` on.
#[derive(Clone, Debug)]
struct Faulty {
    fault: Fault,
    from: usize,
}

impl FeatureMap for Faulty {
    fn input_dimension(&self) -> usize {
        20
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        let (n, faulty) = (inputs.nrows(), p > self.from);
        let table = |rows: usize, columns: usize| {
            Array2::from_shape_fn((rows, columns), |(i, k)| inputs[[i.min(n - 1), k.min(19)]])
        };
        Ok(match self.fault {
            Fault::Panics if faulty => panic!("column {} is out of reach", self.from),
            Fault::Nan if faulty => {
                let mut table = table(n, p);
                table[[0, self.from]] = f64::NAN;
                table
            }
            Fault::RowShort if faulty => table(n - 1, p),
            Fault::ColumnShort if faulty => table(n, p - 1),
            Fault::TooWide if faulty => table(n, p + 1),
            _ => table(n, p),
        })
    }

    fn describe(&self) -> String {
        assert!(self.fault != Fault::DescriptionPanics, "no words");
        "faulty".into()
    }
}

pub fn table(rows: usize, columns: usize) -> Dataset {
    let mut rng = stream(7, 0, 0);
    let mut draw = |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0));
    Dataset::new("drawn", draw((rows, columns)), draw((rows, 2))).unwrap()
}

fn said(error: &Error) -> String {
    assert!(matches!(error, Error::UserCode { .. }), "{error:?}");
    error.to_string()
}

fn plane(maps: Maps) -> Sweep {
    Sweep {
        samples: vec![3, 6, 9],
        features: vec![2, 4, 8, 12, 13, 16],
        ..Sweep::plane(table(12, 20), table(30, 20), maps, 2, 0)
    }
}

/// A fault in column 12 fails the cells with p > 12 and no others; the remaining cells are those of a sound map.
/// Different scaling of the table and different blocks may round differently. Condition numbers here are under 1e3, so
/// 1e-11 allows thousands of rounding errors.
#[test]
fn a_bad_feature_costs_the_cells_that_use_it() {
    let sound = plane(Maps::same(Coordinates::new(20))).surface().unwrap();
    for fault in [Fault::Panics, Fault::Nan, Fault::RowShort, Fault::ColumnShort, Fault::TooWide] {
        let found = plane(Maps::same(Faulty { fault, from: 12 })).surface().unwrap();
        let (cells, failures) = (&found.cells().cells, &found.cells().failures);
        assert!(found.cells().complete);
        assert_eq!((cells.len(), failures.len()), (2 * 3 * 4, 2 * 3 * 2), "{fault:?}");
        let mut failed: Vec<_> = failures.iter().map(|f| (f.repeat, f.n, f.p)).collect();
        failed.dedup();
        let expected: Vec<_> = (0..2)
            .flat_map(|r| [3, 6, 9].into_iter().flat_map(move |n| [13, 16].map(|p| (r, n, p))))
            .collect();
        assert_eq!(failed, expected, "{fault:?}");
        for failure in failures {
            let text = said(&failure.error);
            assert!(text.starts_with("the map `faulty`: "), "{text}");
            match fault {
                Fault::Panics => assert!(text.contains("it panicked: column 12 is out of reach"), "{text}"),
                Fault::Nan => assert!(text.contains("NaN at row 0, feature 12"), "{text}"),
                _ => assert!(text.contains("it must be"), "{text}"),
            }
        }
        let line = found.to_string();
        assert!(line.contains("12 of 36 fits failed, the first: the map `faulty`"), "{line}");
        let sound = sound.cells().cells.iter().filter(|cell| cell.p <= 12);
        for (cell, sound) in cells.iter().zip(sound) {
            let place = |cell: &Cell| (cell.repeat, cell.n, cell.p, cell.rank);
            assert_eq!(place(cell), place(sound));
            let (found, sound) = (cell.test_mse.unwrap(), sound.test_mse.unwrap());
            assert!((found - sound).abs() <= 1e-11 * sound, "{found} {sound}");
        }
    }
}

#[test]
fn a_plane_of_failures_is_an_error() {
    let nowhere = plane(Maps::same(Faulty { fault: Fault::Nan, from: 0 })).surface().unwrap_err();
    assert!(said(&nowhere).contains("NaN at row 0, feature 0"));
    let undrawn = plane(Maps::drawn(|_| -> Result<Coordinates, Error> { panic!("no map today") })).surface();
    assert!(said(&undrawn.unwrap_err()).contains("no map today"));
    // If a repeat has no map, only that repeat fails.
    let one = Maps::drawn(|repeat| {
        assert!(repeat != 1, "not the second");
        Ok(Coordinates::new(20))
    });
    let found = plane(one).surface().unwrap();
    assert_eq!((found.cells().cells.len(), found.cells().failures.len()), (18, 18));
    assert!(
        found.cells().failures.iter().all(|f| f.repeat == 1 && said(&f.error).contains("not the second"))
    );
}

#[test]
fn a_description_that_panics_costs_nothing() {
    let found = plane(Maps::same(Faulty { fault: Fault::DescriptionPanics, from: 0 })).surface().unwrap();
    assert_eq!(found.cells().cells.len(), 36);
    assert!(found.cells().provenance.preparation.contains("no words"));
}

/// Maps built from a faulty map name the map at fault.
#[test]
fn maps_of_faulty_maps_name_them() {
    let inputs = table(6, 20).features().clone();
    for fault in [Fault::Panics, Fault::Nan, Fault::RowShort, Fault::ColumnShort, Fault::TooWide] {
        let faulty = || Faulty { fault, from: 2 };
        let maps: [Arc<dyn FeatureMap>; 5] = [
            Arc::new(DirectSum::new(faulty(), 4).unwrap()),
            Arc::new(WithIntercept::new(faulty())),
            Arc::new(Pipeline::new(Coordinates::new(20), 20, faulty()).unwrap()),
            Arc::new(Pipeline::new(faulty(), 5, Coordinates::new(5)).unwrap()),
            Arc::new(Selection::new(faulty(), vec![0, 3, 1, 2]).unwrap()),
        ];
        for map in maps {
            let text = said(&map.design(&inputs, 4).unwrap_err());
            assert!(text.starts_with("the map `faulty`: "), "{text}");
        }
        said(&Standardised::fit(faulty(), &inputs, 4).unwrap_err());
        if !matches!(fault, Fault::Panics | Fault::Nan) {
            // The trait's default `columns` rejects such a design too.
            said(&faulty().columns(&inputs, 1..4).unwrap_err());
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct FaultyKernel(Fault);

impl Kernel for FaultyKernel {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let (m, n) = (a.nrows(), b.nrows());
        let shape = match self.0 {
            Fault::Panics => panic!("no inner product"),
            Fault::RowShort => (m - 1, n),
            Fault::ColumnShort => (m, n - 1),
            Fault::TooWide => (m, n + 1),
            _ => (m, n),
        };
        let nan = self.0 == Fault::Nan;
        Ok(Array2::from_shape_fn(
            shape,
            |(i, j)| if nan && (i, j) == (1, 2) { f64::NAN } else { f64::from(i == j) },
        ))
    }
}

#[test]
fn faulty_kernels_are_named() {
    let data = table(5, 2);
    for (fault, words) in [
        (Fault::Panics, "it panicked: no inner product"),
        (Fault::Nan, "NaN for inputs 1 and 2"),
        (Fault::RowShort, "4 × 5 for 5 and 5 inputs"),
        (Fault::ColumnShort, "5 × 4 for 5 and 5 inputs"),
        (Fault::TooWide, "5 × 6 for 5 and 5 inputs"),
    ] {
        let error = KernelRegression::fit(FaultyKernel(fault), data.features(), data.targets()).unwrap_err();
        let text = said(&error);
        assert!(text.starts_with("the kernel `FaultyKernel(") && text.contains(words), "{text}");
    }
    let fit = KernelRegression::fit(FaultyKernel(Fault::DescriptionPanics), data.features(), data.targets())
        .unwrap();
    // The identity kernel: α = Y.
    assert!((fit.dual() - data.targets()).iter().all(|off| off.abs() < 1e-14));
}

/// The minimum norm filter, except that it panics at `n` samples.
#[derive(Debug)]
struct PanicsAt(usize);

impl SpectralFilter for PanicsAt {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        assert!(spectrum.shape().0 != self.0, "not at n = {}", self.0);
        gains.iter_mut().zip(spectrum.singular_values()).for_each(|(gain, s)| *gain = s.recip());
    }
}

/// A filter that panics in some cells fails only there: its other cells and all other arms agree bit by bit.
#[test]
fn a_filter_that_panics_costs_its_arm_its_cells() {
    let sweep = |at| Sweep {
        arms: vec![Arm::new("own", None, Arc::new(PanicsAt(at))), Arm::unablated()],
        ..Sweep::new(table(30, 5), 1..=20, 3, 0)
    };
    let (sound, found) = (sweep(0).run().unwrap(), sweep(7).run().unwrap());
    assert!(found.complete);
    let expected: Vec<_> = sound.cells.iter().filter(|cell| cell.n != 7 || cell.arm != 0).copied().collect();
    assert_eq!(found.cells, expected);
    assert_eq!(found.failures.len(), 3);
    for failure in &found.failures {
        assert_eq!((failure.n, failure.p), (7, 5));
        assert_eq!(said(&failure.error), "the filter `PanicsAt(7)`: it panicked: not at n = 7");
    }
    let all =
        Sweep { samples: vec![7], arms: vec![Arm::new("own", None, Arc::new(PanicsAt(7)))], ..sweep(7) };
    assert!(said(&all.run().unwrap_err()).contains("not at n = 7"));
    let planes = Sweep {
        arms: vec![Arm::new("own", None, Arc::new(PanicsAt(6)))],
        ..plane(Maps::same(Coordinates::new(20)))
    };
    // For p < 6, the triangular factor that stands for the 6 samples has p rows. Wherever the filter panics, other
    // cells are kept.
    let found = planes.surface().unwrap();
    assert_eq!(found.cells().cells.len() + found.cells().failures.len(), 36);
    assert!(!found.cells().cells.is_empty() && !found.cells().failures.is_empty());
    assert!(found.cells().failures.iter().all(|failure| failure.error.to_string().contains("not at n = 6")));
}

#[test]
fn an_observer_that_panics_stops_the_sweep_and_keeps_its_cells() {
    let clumsy = |done: usize, _total: usize| {
        assert!(done < 6, "dropped at {done}");
        ControlFlow::Continue(())
    };
    let sweep =
        Sweep { threads: Some(1), engine: Some(Engine::Svd), ..Sweep::new(table(30, 5), 1..=20, 3, 0) };
    let curve = sweep.run_with(&clumsy).unwrap();
    assert!(!curve.complete);
    assert_eq!(curve.cells.len(), 6 * sweep.arms.len());
    assert_eq!(curve.failures.len(), 1);
    assert_eq!(said(&curve.failures[0].error), "the observer: it panicked: dropped at 6");
    let nested = Sweep {
        threads: Some(1),
        arms: vec![Arm::unablated()],
        metrics: vec![Metric::TestMse],
        ..Sweep::new(table(40, 5), 1..=20, 12, 0)
    };
    let curve = nested.run_with(&clumsy).unwrap();
    assert_eq!((curve.cells.len(), curve.complete), (6 * 20, false));
    assert!(curve.failures.iter().all(|failure| failure.error.to_string().contains("dropped at 6")));
}

#[test]
fn a_grid_keeps_what_does_not_panic() {
    for (threads, batch) in [(Some(1), 1), (Some(2), 4), (None, 3)] {
        let grid = Grid { axis: vec![3, 1, 2], repeats: 5, threads, batch };
        let work = |at: &Place| {
            assert!((at.axis_value, at.repeat) != (2, 3), "that one");
            Ok(10 * at.axis_value + at.repeat)
        };
        let visited = grid.run(&(), |places| places.iter().map(work).collect()).unwrap();
        assert_eq!(visited.len(), 15);
        for (at, result) in visited {
            match result.unwrap() {
                Ok(value) => assert_eq!(value, 10 * at.axis_value + at.repeat),
                Err(error) => {
                    assert_eq!((at.axis_value, at.repeat), (2, 3));
                    assert!(said(&error).contains("that one"));
                }
            }
        }
    }
}

#[test]
fn procedures_and_functions_that_panic_are_errors() {
    let data = table(20, 3);
    let own = |inputs: &ArrayRef2<f64>, _: &ArrayRef2<f64>| -> Result<f64, Error> {
        assert!(inputs.nrows() < 4, "too many");
        Ok(0.0)
    };
    let error = Search::new(1e-9, 2, 0).run(&own, data.features(), data.targets()).unwrap_err();
    assert_eq!(said(&error), "the training procedure: it panicked: too many");

    let error = Nonlinearity::new("sudden", |_| panic!("at once")).unwrap_err();
    assert_eq!(said(&error), "the activation `sudden`: it panicked: at once");
    let network = |function: fn(f64) -> f64| {
        let activation = Nonlinearity::new("far", function).unwrap();
        let network = RandomNetwork::seeded(activation, &[1, 8, 4], 0).unwrap();
        network.design(&ndarray::array![[1e6]], 4).unwrap_err()
    };
    let late = network(|x| {
        assert!(x.abs() < 20.0, "beyond 20");
        x
    });
    assert_eq!(said(&late), "the activation `far`: it panicked: beyond 20");
    let nan = network(|x| if x.abs() < 20.0 { x } else { f64::NAN });
    assert!(said(&nan).starts_with("the activation `far`: with it feature 0 of input 0"));
}

/// Messages say what the caller did wrong.
#[test]
fn texts_name_the_cause() {
    let text = |result: Result<Plane, Error>| result.unwrap_err().to_string();
    let twice = text(Plane::new(&[1], &[3, 290, 290]));
    assert_eq!(
        twice,
        "a feature count p is 290; it must be listed once: its cells would count twice in every summary"
    );
    assert_eq!(text(Plane::new(&[0], &[3])), "a sample count n is 0; it must be at least 1");

    let twins =
        Sweep { arms: vec![Arm::unablated(), Arm::unablated()], ..Sweep::new(table(9, 2), 1..=4, 1, 0) };
    let text = twins.run().unwrap_err().to_string();
    assert!(
        text.contains("two arms are named `unablated` and have no setting") && !text.contains("NaN"),
        "{text}"
    );
    let twins =
        Sweep { arms: vec![Arm::min_norm(), Arm::min_norm()], ..plane(Maps::same(Coordinates::new(20))) };
    assert!(twins.run().unwrap_err().to_string().contains("two arms are named `min_norm`"));
    let mut endless = Arm::min_norm();
    endless.setting = Some(f64::NAN);
    let endless = Sweep { arms: vec![endless], ..plane(Maps::same(Coordinates::new(20))) };
    assert!(matches!(endless.run(), Err(Error::Domain { what: "an arm's setting", .. })));

    let close = NaturalSpline::new(vec![0.0, 1e-320, 1.0]).unwrap_err().to_string();
    assert!(close.contains("between knots") && close.contains("too close together"), "{close}");
    let empty = RandomNetwork::seeded(Activation::Relu, &[3, 0, 4], 0).unwrap_err().to_string();
    assert!(empty.starts_with("a layer of the network"), "{empty}");
    let data = table(4, 2);
    let design = Coordinates::new(2).design(&data.features().slice(s![..2, ..]), 3).unwrap_err().to_string();
    assert!(design.contains('2') && design.contains('3'), "{design}");
}

/// A user's own error type: `?` accepts it in a map, and a failure of the sweep returns it with its own type.
#[derive(Clone, Debug, PartialEq)]
struct NoSensor(usize);

impl std::fmt::Display for NoSensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no sensor {}", self.0)
    }
}

impl std::error::Error for NoSensor {}

impl From<NoSensor> for Error {
    fn from(error: NoSensor) -> Self {
        Self::user(error)
    }
}

#[derive(Debug)]
struct Sensors;

impl FeatureMap for Sensors {
    fn input_dimension(&self) -> usize {
        10
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        let sensor = |k: usize| if k < 6 { Ok(inputs.column(k)) } else { Err(NoSensor(k)) };
        let mut design = Array2::zeros((inputs.nrows(), p));
        for k in 0..p {
            design.column_mut(k).assign(&sensor(k)?);
        }
        Ok(design)
    }
}

#[test]
fn an_error_of_the_users_own_comes_back_by_its_type() {
    let (train, test) = Dataset::diabetes().split(300).unwrap();
    let shared: Arc<dyn FeatureMap> = Arc::new(Sensors);
    let sweep = |features: Vec<usize>| Sweep {
        features,
        samples: vec![8],
        ..Sweep::plane(train.clone(), test.clone(), Maps::same(Arc::clone(&shared)), 1, 0)
    };
    let curve = sweep(vec![3, 7]).run().unwrap();
    assert_eq!(curve.cells.len(), 1);
    let error = &curve.failures[0].error;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    assert!(matches!(source, Some(NoSensor(6))), "{error:?}");
    // `unwrap` prints the `Debug` form: in a notebook it must be the message.
    let all = sweep(vec![7, 8]).run().unwrap_err();
    assert_eq!(format!("{all:?}"), all.to_string());
    assert!(all.to_string().contains("no sensor 6"), "{all}");
}

/// A map that panics when it is asked for the dimension of its inputs.
#[derive(Clone, Debug)]
struct Dimensionless;

impl FeatureMap for Dimensionless {
    fn input_dimension(&self) -> usize {
        panic!("who knows")
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        Ok(Array2::ones((inputs.nrows(), p)))
    }
}

/// A training procedure.
type Own = fn(&ArrayRef2<f64>, &ArrayRef2<f64>) -> Result<f64, Error>;

#[test]
fn maps_inside_others_and_closures_that_panic_are_errors() {
    let x = table(6, 3).features().clone();
    let knows =
        |design: Result<Array2<f64>, Error>| assert!(said(&design.unwrap_err()).contains("who knows"));
    knows(WithIntercept::new(Dimensionless).design(&x, 2));
    knows(Selection::new(Dimensionless, vec![0, 1]).unwrap().design(&x, 2));
    knows(DirectSum::new(Dimensionless, 2).unwrap().design(&x, 2));

    let (data, search) = (table(20, 3), Search::new(1e-9, 2, 0));
    let of = |p: usize| -> Own { panic!("no procedure for {p}") };
    let error = search.first_to_reach(3, 4, of, data.features(), data.targets()).unwrap_err();
    assert_eq!(said(&error), "the training procedure: it panicked: no procedure for 4");
}
