//! Many cells on many threads, in an order that no result depends on.

use crate::curve::{Cell, Curve, Failure};
use crate::machine::{memory, threads::with_others};
use crate::{Error, error::user_code};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where a cell stands in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The value on the axis: `n` or `p`.
    pub axis_value: usize,
    /// The repeat, from 0.
    pub repeat: usize,
}

/// A result for each place; `None` for those that a stopped run did not visit.
pub type Visited<T> = Vec<(Place, Option<T>)>;

/// Puts what a [`Grid`] computed into a curve, in the order of the places: cells go to [`Curve::cells`], an error to
/// [`Curve::failures`], under the `(n, p)` that `sizes` gives for its place; with a place that was not visited the curve
/// is not [complete](Curve::complete).
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
/// // The rank of the first p of three features, of which there is no fourth.
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

/// Somebody who watches a sweep, and may stop it. Called from many threads, never twice at once.
///
/// Implemented for closures, and for `()`, who sees nothing.
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
    /// `done` of `total` cells are ready; `Break` stops the sweep after the cells under way.
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

/// A grid of cells, axis values × repeats, and how to run it: the engine under [`Sweep`](super::Sweep)
/// and under studies of your own.
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
    /// Repeats of each.
    pub repeats: usize,
    /// How many threads; `None`: as many as the machine has. No more than eight for each of the machine's (of 8, where
    /// it has fewer) are made.
    pub threads: Option<usize>,
    /// At most how many repeats of one axis value are handed over at once.
    pub batch: usize,
}

impl Grid {
    /// Calls `work` with batches of places of one axis value; it returns one result for each. Results
    /// come back ordered by repeat, then by axis value as given; `None` for those not visited because
    /// the observer stopped the run (or `work` returned too few).
    ///
    /// A panic in `work` is an [`Error::UserCode`] at its place, with the panic's message: the other places of its
    /// batch are handed over again, one by one. A panic of the observer stops the run, and the first place that was not
    /// visited has the error.
    ///
    /// # Errors
    /// [`Error::Empty`] without axis values, [`Error::Domain`] for no repeats or a batch or thread
    /// count of 0, [`Error::Memory`] for more places than memory, [`Error::Resource`] if the system gives no threads.
    pub fn run<T: Send>(
        &self,
        observer: &dyn Observer,
        work: impl Fn(&[Place]) -> Vec<Result<T, Error>> + Sync,
    ) -> Result<Visited<Result<T, Error>>, Error> {
        self.run_from(0, observer, &work)
    }

    /// [`Grid::run`] over repeats that count from `first`.
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

    /// Does all jobs, each by its index, or those before the observer stops; the error of an observer that panicked. Nothing
    /// here depends on the type of the results, so that the code of the threads is compiled once.
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
            // Nothing that it calls is split: a thread that waits for pieces takes up other cells, which report too.
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
            // More threads than batches would have nothing to do.
            Some(threads) => Pool::of(threads.min(jobs.len()))?.run(all),
        }
        Ok(blind.into_inner())
    }

    /// Bytes of its places, and of a result for each.
    pub(super) fn bytes<T>(&self) -> usize {
        let total = self.axis.len().saturating_mul(self.repeats);
        let batches = self.axis.len().saturating_mul(self.repeats.div_ceil(self.batch.max(1)));
        memory::sum([
            memory::list::<(Place, Option<T>)>(total),
            memory::list::<(Place, T)>(total),
            memory::list::<(Job, Mutex<Vec<T>>)>(batches),
        ])
    }

    /// How many cells are under way at once.
    pub(super) fn workers(&self) -> usize {
        let machine = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let threads = self.threads.unwrap_or_else(machine);
        let batches = self.axis.len().saturating_mul(self.repeats.div_ceil(self.batch.max(1)));
        threads.min(batches).min(most_threads()).max(1)
    }

    /// Address space, not memory, that threads of its own take.
    fn of_threads(&self) -> usize {
        if self.threads.is_some_and(|threads| threads > 1) { memory::of_threads(self.workers()) } else { 0 }
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

    /// Batches, the largest axis values first: they take longest, and should not be left for the end.
    fn jobs(&self, first_repeat: usize) -> Vec<Job> {
        let mut order: Vec<usize> = (0..self.axis.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(self.axis[index]));
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

/// The threads of several grids that follow each other.
pub(super) enum Pool {
    /// The caller's alone.
    Here,
    /// As many as the machine has.
    Machine,
    Own(rayon::ThreadPool),
}

impl Pool {
    /// So many threads, or as many as there is any use for.
    pub(super) fn of(threads: usize) -> Result<Self, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.min(most_threads())).build();
        pool.map(Self::Own).map_err(|e| Error::Resource { reason: format!("{threads} threads: {e}") })
    }

    /// Does some work on one of them; a [`Grid`] in it that asks for as many as the machine has gets these.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Here => work(),
            Self::Machine => rayon::scope(|_| work()),
            Self::Own(pool) => pool.install(work),
        }
    }
}

/// What gives the results of a batch.
type Work<'a, T> = dyn Fn(&[Place]) -> Vec<Result<T, Error>> + Sync + 'a;

/// What `work` makes of a batch; after a panic, of each of its places alone.
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

/// A curve of which anything is left: where every cell failed, the first one's reason.
pub(super) fn unless_all_failed(curve: Curve) -> Result<Curve, Error> {
    match curve.failures.first() {
        Some(failure) if curve.cells.is_empty() && curve.complete => Err(failure.error.clone()),
        _ => Ok(curve),
    }
}

/// Threads beyond this have nothing to run on: no result depends on their number.
fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).max(8).saturating_mul(8)
}

struct Job {
    axis_index: usize,
    places: Vec<Place>,
}
