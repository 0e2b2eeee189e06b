//! Runs many cells on many threads; no result depends on the order.

use crate::curve::{Cell, Curve, Failure};
use crate::machine::order::sort_indices;
use crate::machine::{memory, threads::with_others};
use crate::{Error, error::user_code};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The position of a cell in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The value on the grid's axis, such as `n` or `p`.
    pub axis_value: usize,
    /// The repeat, from 0.
    pub repeat: usize,
}

/// A result for each place; `None` for places that a stopped run did not visit.
pub type Visited<T> = Vec<(Place, Option<T>)>;

/// Adds the results of a [`Grid`] to a curve, in the order of the places.
///
/// Cells go to [`Curve::cells`], and errors to [`Curve::failures`] with the `(n, p)` that `sizes` returns for their
/// place. If any place was not visited, the curve is not [complete](Curve::complete).
///
/// # Examples
/// ```
/// use double_descent::Error;
/// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Provenance};
/// use double_descent::features::{Coordinates, FeatureMap};
/// use double_descent::svd::Svd;
/// use double_descent::sweep::{Grid, Place, add_cells};
/// use ndarray::array;
///
/// // The rank of the first p of three features; the fourth does not exist.
/// let inputs = array![[1.0, 2.0, 3.0], [2.0, 4.0, 7.0]];
/// let cell = |&Place { axis_value: p, repeat }: &Place| -> Result<[Cell; 1], Error> {
///     let svd = Svd::new(&Coordinates::new(3).design(&inputs, p)?)?;
///     Ok([Cell::new(repeat, 2, p, 0).with_rank(svd.rank())])
/// };
/// let grid = Grid { axis: vec![1, 2, 3, 4], repeats: 1, threads: None, batch: 1 };
/// let visited = grid.run(&(), |places| places.iter().map(cell).collect())?;
///
/// let arm = ArmLabel::new("coordinates", None);
/// let mut curve = Curve::new(Axis::Features, vec![arm], Provenance::default());
/// add_cells(&mut curve, visited, |place| (2, place.axis_value));
/// assert_eq!(curve.cells.iter().map(|cell| cell.rank).collect::<Vec<_>>(), [1, 1, 2]);
/// assert!(matches!(curve.failures[0].error, Error::Shape { expected: 3, found: 4, .. }));
/// assert!(curve.complete && curve.failures[0].p == 4);
/// # Ok::<(), Error>(())
/// ```
pub fn add_cells<C: IntoIterator<Item = Cell>>(
    curve: &mut Curve,
    visited: impl IntoIterator<Item = (Place, Option<Result<C, Error>>)>,
    sizes: impl Fn(Place) -> (usize, usize),
) {
    for (place, result) in visited {
        match result {
            Some(Ok(cells)) => curve.cells.extend(cells),
            Some(Err(error)) => {
                let (n, p) = sizes(place);
                curve.failures.push(Failure::new(place.repeat, n, p, error));
            }
            None => curve.complete = false,
        }
    }
}

/// An observer of a sweep's progress, who may stop it. Called from many threads, but never concurrently.
///
/// Implemented for closures, and for `()`, which observes nothing.
///
/// # Examples
/// ```
/// use double_descent::{dataset::Dataset, sweep::Sweep};
/// use std::ops::ControlFlow;
///
/// let impatient = |done: usize, _total: usize| {
///     if done > 40 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// };
/// let curve = Sweep::new(Dataset::diabetes(), 1..=40, 50, 0).run_with(&impatient)?;
/// assert!(!curve.complete && !curve.cells.is_empty());
/// # Ok::<(), double_descent::Error>(())
/// ```
pub trait Observer: Sync {
    /// `done` of `total` cells are finished; `Break` stops the sweep after the cells in progress.
    fn progress(&self, done: usize, total: usize) -> ControlFlow<()>;
}

impl Observer for () {
    fn progress(&self, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: Fn(usize, usize) -> ControlFlow<()> + Sync> Observer for F {
    fn progress(&self, done: usize, total: usize) -> ControlFlow<()> {
        self(done, total)
    }
}

/// A grid of cells, axis values × repeats, and how to run it: the engine behind [`Sweep`](super::Sweep) and behind
/// studies of your own.
///
/// # Examples
/// ```
/// use double_descent::rng::stream;
/// use double_descent::sweep::Grid;
/// use rand::RngExt;
///
/// let grid = Grid { axis: vec![1, 2, 3], repeats: 4, threads: Some(2), batch: 1 };
/// let draws = grid.run(&(), |places| {
///     places.iter().map(|at| Ok(stream(0, at.axis_value, at.repeat).random::<f64>())).collect()
/// })?;
/// assert_eq!(draws.len(), 12);
/// assert_eq!((draws[0].0.repeat, draws[3].0.repeat), (0, 1)); // by repeat, then axis value
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The values of the axis.
    pub axis: Vec<usize>,
    /// The number of repeats of each axis value.
    pub repeats: usize,
    /// How many threads; `None`: as many as the machine has. At most eight are started per thread of the machine; a
    /// machine with fewer than 8 threads counts as one with 8.
    pub threads: Option<usize>,
    /// The largest number of repeats of one axis value that are handed to `work` at once.
    pub batch: usize,
}

impl Grid {
    /// Calls `work` with batches of places of one axis value; it returns one result for each place.
    ///
    /// Results come back ordered by repeat, then by axis value as given; `None` for places not visited because the
    /// observer stopped the run (or `work` returned too few results).
    ///
    /// A panic in `work` becomes an [`Error::UserCode`] at its place, with the panic's message: the batch's places are
    /// handed over again, one by one. A panic in the observer stops the run, and the first place not visited reports
    /// it.
    ///
    /// # Errors
    /// [`Error::Empty`] without axis values, [`Error::Domain`] for no repeats or a batch or thread count of 0,
    /// [`Error::Memory`] if the places do not fit into memory, [`Error::Resource`] if the system cannot start the
    /// threads.
    pub fn run<T: Send>(
        &self,
        observer: &dyn Observer,
        work: impl Fn(&[Place]) -> Vec<Result<T, Error>> + Sync,
    ) -> Result<Visited<Result<T, Error>>, Error> {
        self.run_from(0, observer, &work)
    }

    /// [`Grid::run`] over repeats numbered from `first`.
    pub(super) fn run_from<T: Send>(
        &self,
        first: usize,
        observer: &dyn Observer,
        work: &Work<'_, T>,
    ) -> Result<Visited<Result<T, Error>>, Error> {
        self.check()?;
        memory::reserve("the cells of a grid", memory::sum([self.bytes::<T>(), self.of_threads()]))?;
        let jobs = self.jobs(first);
        let results: Vec<_> = jobs.iter().map(|_| Mutex::new(Vec::new())).collect();
        let blind = self.on_threads(&jobs, observer, &|index| {
            let found = caught(work, &jobs[index].places);
            *results[index].lock().unwrap_or_else(PoisonError::into_inner) = found;
        })?;
        let results =
            results.into_iter().map(|found| found.into_inner().unwrap_or_else(PoisonError::into_inner));
        let mut visited = self.in_order(first, &jobs, results);
        let missed = visited.iter_mut().find(|(_, result)| result.is_none());
        if let (Some(error), Some((_, result))) = (blind, missed) {
            *result = Some(Err(error));
        }
        Ok(visited)
    }

    /// Runs all jobs by index, until the observer stops; returns the error of an observer that panicked. Nothing here
    /// depends on the type of the results, so the threading code is compiled once.
    fn on_threads(
        &self,
        jobs: &[Job],
        observer: &dyn Observer,
        work: &(dyn Fn(usize) + Sync),
    ) -> Result<Option<Error>, Error> {
        let total = self.axis.len().saturating_mul(self.repeats);
        let (done, stop, watching) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(()));
        let blind = OnceLock::new();
        let run = |index: usize| {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let others = self.threads == Some(1) || jobs.len() >= rayon::current_num_threads();
            with_others(others, || work(index));
            let _guard = watching.lock();
            let places = jobs[index].places.len();
            let done = done.fetch_add(places, Ordering::Relaxed) + places;
            let part = || "the observer".into();
            // No work is split inside the observer: a thread waiting for pieces would take up other cells, which report
            // too.
            match with_others(true, || user_code::call(part, || observer.progress(done, total))) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => stop.store(true, Ordering::Relaxed),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    let _ = blind.set(error);
                }
            }
        };
        let all = || (0..jobs.len()).into_par_iter().for_each(run);
        match self.threads {
            None => all(),
            Some(1) => (0..jobs.len()).for_each(run),
            // Threads without a batch take parts of the others' problems.
            Some(threads) => Pool::of(threads)?.run(all),
        }
        Ok(blind.into_inner())
    }

    /// Bytes for its places, and one result for each.
    pub(super) fn bytes<T>(&self) -> usize {
        let total = self.axis.len().saturating_mul(self.repeats);
        let batches = self.axis.len().saturating_mul(self.repeats.div_ceil(self.batch.max(1)));
        memory::sum([
            memory::list::<(Place, Option<T>)>(total),
            memory::list::<(Place, T)>(total),
            memory::list::<(Job, Mutex<Vec<T>>)>(batches),
        ])
    }

    /// How many cells are in progress at once.
    pub(super) fn workers(&self) -> usize {
        let machine = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let threads = self.threads.unwrap_or_else(machine);
        let batches = self.axis.len().saturating_mul(self.repeats.div_ceil(self.batch.max(1)));
        threads.min(batches).min(most_threads()).max(1)
    }

    /// Address space, not memory, taken by the threads that the grid starts itself.
    fn of_threads(&self) -> usize {
        self.threads
            .filter(|&threads| threads > 1)
            .map_or(0, |threads| memory::of_threads(threads.min(most_threads())))
    }

    fn check(&self) -> Result<(), Error> {
        if self.axis.is_empty() {
            return Err(Error::Empty { what: "the axis" });
        }
        let counts = [
            ("the number of repeats", self.repeats),
            ("the batch size", self.batch),
            ("the number of threads", self.threads.unwrap_or(1)),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((what, _)) => Err(Error::Domain { what, value: 0.0, must_be: "at least 1" }),
            None => Ok(()),
        }
    }

    /// Batches, largest axis values first: those take longest, and should not be left for the end.
    fn jobs(&self, first_repeat: usize) -> Vec<Job> {
        let mut order: Vec<usize> = (0..self.axis.len()).collect();
        sort_indices(&mut order, &|a, b| self.axis[b].cmp(&self.axis[a]));
        let mut jobs = Vec::new();
        for axis_index in order {
            for first in (0..self.repeats).step_by(self.batch) {
                let repeats = first..self.repeats.min(first + self.batch);
                let axis_value = self.axis[axis_index];
                let place = |repeat| Place { axis_value, repeat: first_repeat + repeat };
                let places = repeats.map(place).collect();
                jobs.push(Job { axis_index, places });
            }
        }
        jobs
    }

    fn in_order<T>(
        &self,
        first: usize,
        jobs: &[Job],
        results: impl IntoIterator<Item = Vec<T>>,
    ) -> Visited<T> {
        let mut ordered: Visited<T> = (first..first + self.repeats)
            .flat_map(|repeat| self.axis.iter().map(move |&axis_value| Place { axis_value, repeat }))
            .map(|place| (place, None))
            .collect();
        for (job, results) in jobs.iter().zip(results) {
            for (place, result) in job.places.iter().zip(results) {
                ordered[(place.repeat - first) * self.axis.len() + job.axis_index].1 = Some(result);
            }
        }
        ordered
    }
}

/// The threads shared by several grids that run one after another.
pub(super) enum Pool {
    /// The caller's thread alone.
    Here,
    /// As many as the machine has.
    Machine,
    Own(rayon::ThreadPool),
}

impl Pool {
    /// Starts `threads` threads, up to the largest number that is useful.
    pub(super) fn of(threads: usize) -> Result<Self, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.min(most_threads())).build();
        pool.map(Self::Own).map_err(|e| Error::Resource { reason: format!("{threads} threads: {e}") })
    }

    /// Runs `work` on one of the threads. A [`Grid`] inside it with `threads: None` uses these threads.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Here => work(),
            Self::Machine => rayon::scope(|_| work()),
            Self::Own(pool) => pool.install(work),
        }
    }
}

/// Computes the results of a batch.
type Work<'a, T> = dyn Fn(&[Place]) -> Vec<Result<T, Error>> + Sync + 'a;

/// The results of `work` for a batch; after a panic, `work` is called again for each place alone.
fn caught<T>(work: &Work<'_, T>, places: &[Place]) -> Vec<Result<T, Error>> {
    let attempt = |places: &[Place]| {
        let part = || {
            let Place { axis_value, repeat } = places[0];
            format!("the work at {axis_value} on the axis, repeat {repeat}")
        };
        user_code::call(part, || work(places))
    };
    let alone = |place: &Place| {
        let missing = || Error::UserCode {
            part: format!("the work at {} on the axis, repeat {}", place.axis_value, place.repeat),
            reason: "it returned no result for its place".into(),
        };
        attempt(std::slice::from_ref(place))
            .and_then(|mut results| results.pop().unwrap_or_else(|| Err(missing())))
    };
    match attempt(places) {
        Ok(results) => results,
        Err(error) if places.len() == 1 => vec![Err(error)],
        Err(_) => places.iter().map(alone).collect(),
    }
}

/// Returns the curve, unless it is complete and every cell failed: then the first failure's error.
pub(super) fn unless_all_failed(curve: Curve) -> Result<Curve, Error> {
    match curve.failures.first() {
        Some(failure) if curve.cells.is_empty() && curve.complete => Err(failure.error.clone()),
        _ => Ok(curve),
    }
}

/// The largest useful number of threads: more would have no processor to run on. No result depends on it.
fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).max(8).saturating_mul(8)
}

struct Job {
    axis_index: usize,
    places: Vec<Place>,
}
