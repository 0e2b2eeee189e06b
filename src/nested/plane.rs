//! The whole n × p plane from two factorisations.

use super::Engine;
use super::fit::{condition_bound, is_clear};
use super::parts::{Part, part};
use super::scale::{largest_exponent, scaled};
use super::smallest::Smallest;
use super::triangle::{Triangle, conditions};
use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::filter::{MinNorm, SpectralFilter, known_penalty, penalty};
use crate::machine::memory::{self, sum, table};
use crate::svd::{Backend, Cutoff, Faer, StreamedQr, Svd};
use ndarray::{Array2, ArrayRef2, ArrayView2, Axis, CowArray, Ix2, concatenate, s};
use std::ops::Range;

/// Fits on the first `n` rows and the first `p` columns of one table, for every `n` and `p` of two lists.
///
/// ```text
/// p ≤ n   X[..n, ..p] = Q R_p         β̂ = R_p⁻¹ c_p        one QR that takes rows in: R_p is its leading triangle
/// p > n   X[..n, ..p] = L_n Q_nᵀ      β̂ = Q_n L_n⁻¹ Y_n    one LQ that takes columns in: L_n is its leading triangle
/// ```
///
/// Each of the two costs what one factorisation of the largest matrix costs, `4/3 N³` flops for `N × N`; a cell is
/// then a triangular solve and, for `p > n`, the product with `Q_n`, `4 n p k` flops for `k` outputs. Cell by cell,
/// 20 × 20 factorisations would cost 150 times as much. Every step is orthogonal: a fit is as accurate as its own
/// condition number κ and what it leaves over allow ([`nested`](super), Accuracy). Where κ is over `1 / (8 max(n, p) ε)`, and for estimators
/// other than the minimum norm, the cell has an SVD of its triangle, whose singular values are those of the
/// cell's matrix.
///
/// # Examples
/// ```
/// use double_descent::filter::MinNorm;
/// use double_descent::nested::{Plane, Request};
/// use ndarray::array;
///
/// let x = array![[1.0, 1.0, 0.0], [1.0, -1.0, 1.0]];
/// let y = array![[2.0], [0.0]];
/// let plane = Plane::new(&[1, 2], &[1, 2, 3])?;
/// let fits = plane.fits(&x, &y, &[Request { estimator: &MinNorm::default(), outputs: 0..1 }])?;
/// assert_eq!(fits.len(), 6);
/// let two_by_two = fits.iter().find(|fit| (fit.n, fit.p) == (2, 2)).unwrap();
/// assert!((two_by_two.coefficients[0][[0, 0]] - 1.0).abs() < 1e-14); // 1 + 1 = 2, 1 − 1 = 0
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    samples: Vec<usize>,
    features: Vec<usize>,
    smallest: bool,
}

/// Scaled features beyond this have no room left for their squares.
const LARGEST: f64 = 1e120;

/// What is out of range where blocks of features differ by more than that.
const APART: &str = "a feature, in units of those before it";

/// Powers of two up to which features stay in the units of the caller.
const ORDINARY: i32 = 100;

/// What every cell of a [`Plane`] is asked for: an estimator of some of the targets.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The estimator.
    pub estimator: &'a dyn SpectralFilter,
    /// Which columns of the targets.
    pub outputs: Range<usize>,
}

/// One cell of a [`Plane`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneFit {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Numerical rank.
    pub rank: usize,
    /// `β̂` (`p ×` outputs), one for each request.
    pub coefficients: Vec<Array2<f64>>,
    /// Mean of the squared training errors over rows and outputs, one for each request.
    pub train_mse: Vec<f64>,
    /// The smallest singular value over the rank cutoff, where it was asked for; 0 at rank 0.
    pub smallest_singular_value: Option<f64>,
    /// [`Engine::Svd`] where the minimum norm had to be found by an SVD.
    pub engine: Engine,
}

/// A table in units of its own.
struct Table<'a> {
    /// The leading columns.
    x: ArrayView2<'a, f64>,
    /// What makes those that follow.
    rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
    /// Entries are in units of `2^x_exponent`.
    x_exponent: i32,
    /// Scaled.
    y: Array2<f64>,
    y_exponents: Vec<i32>,
}

/// A cell in the coordinates of its triangle.
struct Solved {
    /// One for each request, in the units of the caller.
    solutions: Vec<Array2<f64>>,
    train_mse: Vec<f64>,
    rank: usize,
    smallest: Option<f64>,
    engine: Engine,
}

impl Plane {
    /// All pairs of `samples` and `features`, in any order.
    ///
    /// # Errors
    /// [`Error::Empty`] if a list is, [`Error::Domain`] for an entry that is 0 or there twice.
    pub fn new(samples: &[usize], features: &[usize]) -> Result<Self, Error> {
        let sorted = |what: &'static str, entry: &'static str, list: &[usize]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            if list.is_empty() {
                return Err(Error::Empty { what });
            }
            if list[0] == 0 {
                return Err(Error::Domain { what: entry, value: 0.0, must_be: "at least 1" });
            }
            match list.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(pair) => {
                    let must_be = "listed once: its cells would count twice in every summary";
                    Err(Error::Domain { what: entry, value: pair[0] as f64, must_be })
                }
                None => Ok(list),
            }
        };
        Ok(Self {
            samples: sorted("the list of sample counts n", "a sample count n", samples)?,
            features: sorted("the list of feature counts p", "a feature count p", features)?,
            smallest: false,
        })
    }

    /// Two halves of its cells, by `p` where there is more than one, else by `n`; `None` for a single cell.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        match (self.samples.len() / 2, self.features.len() / 2) {
            (0, 0) => None,
            (half, 0) => Some(self.parted(Part::Samples(half))),
            (_, half) => Some(self.parted(Part::Features(half))),
        }
    }

    fn parted(&self, at: Part) -> [Self; 2] {
        let part = |samples: &[usize], features: &[usize]| Self {
            samples: samples.to_vec(),
            features: features.to_vec(),
            smallest: self.smallest,
        };
        let (n, p) = (&self.samples[..], &self.features[..]);
        match at {
            Part::Samples(at) => [part(&n[..at], p), part(&n[at..], p)],
            Part::Features(at) => [part(n, &p[..at]), part(n, &p[at..])],
        }
    }

    /// All `(n, p)`, ascending.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.samples.iter().flat_map(|&n| self.features.iter().map(move |&p| (n, p)))
    }

    /// Asks for the smallest singular value of every cell: some tens of solves with its triangle.
    #[must_use]
    pub fn with_smallest_singular_value(mut self) -> Self {
        self.smallest = true;
        self
    }

    /// The fits to features `x` (`N × P`) and targets `y` (`N × k`), by `n`, then `p`, ascending. Memory is O(N P)
    /// and the coefficients.
    ///
    /// # Errors
    /// [`Error::Shape`] if the table is smaller than the lists ask for or a request names an output that is not
    /// there, [`Error::Empty`], [`Error::NonFinite`], [`Error::Overflow`], [`Error::Backend`].
    pub fn fits(
        &self,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (most_samples, most_features) = self.largest();
        if x.nrows() < most_samples {
            Error::check_len("rows of the features", most_samples, x.nrows())?;
        }
        if x.ncols() < most_features {
            Error::check_len("columns of the features", most_features, x.ncols())?;
        }
        Error::check_len("rows of the targets", x.nrows(), y.nrows())?;
        Error::check_finite("the features", x.view())?;
        self.measure(x.view(), None, y, requests)
    }

    /// The fits to the features of a map on `inputs` (`N × d`): those beyond the largest `n` are made in blocks, go
    /// straight into the factorisation and are forgotten.
    ///
    /// # Errors
    /// Those of [`Plane::fits`], and of the map.
    pub fn fits_of_map(
        &self,
        map: &dyn FeatureMap,
        inputs: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (most_samples, _) = self.largest();
        if inputs.nrows() < most_samples {
            Error::check_len("rows of the inputs", most_samples, inputs.nrows())?;
        }
        Error::check_len("rows of the targets", inputs.nrows(), y.nrows())?;
        // The narrowest design that all cells with p ≤ n need, and the first block of the others.
        let square = self.features.iter().copied().take_while(|&p| p <= most_samples).last();
        let kept = square.or(self.features.first().copied()).unwrap_or(0);
        self.reserve(y.ncols(), true, requests)?;
        let x = checked::design(map, inputs, kept)?;
        match self.measure(x.view(), Some((map, inputs)), y, requests) {
            // The blocks have no common unit: the cells may have some of their own.
            Err(Error::Overflow { what: APART }) => self.fits_of_design(map, inputs, y, requests),
            fits => fits,
        }
    }

    /// The fits to the features of a map, all of them made first.
    fn fits_of_design(
        &self,
        map: &dyn FeatureMap,
        inputs: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let (n, p) = self.largest();
        memory::reserve("the features of a plane", table(n, p))?;
        let x = checked::design(map, &inputs.slice(s![..n, ..]), p)?;
        self.measure(x.view(), None, &y.slice(s![..n, ..]), requests)
    }

    fn reserve(&self, outputs: usize, from_map: bool, requests: &[Request<'_>]) -> Result<(), Error> {
        let fitted = requests.iter().map(|request| request.outputs.len()).fold(0, usize::saturating_add);
        let by_svd = requests.iter().any(|request| !is_min_norm(request.estimator));
        memory::reserve("the fits of a plane", self.bytes(outputs, fitted, from_map, by_svd))
    }

    fn measure<'a>(
        &self,
        x: ArrayView2<'a, f64>,
        rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
        y: &ArrayRef2<f64>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        if requests.is_empty() || y.ncols() == 0 {
            return Err(Error::Empty { what: "the list of what is to be fitted" });
        }
        for request in requests {
            penalty(request.estimator)?;
            if request.outputs.is_empty() {
                return Err(Error::Empty { what: "the outputs of a request" });
            }
            if request.outputs.end > y.ncols() {
                Error::check_len("columns of the targets", request.outputs.end, y.ncols())?;
            }
        }
        Error::check_finite("the targets", y.view())?;
        self.reserve(y.ncols(), rest.is_some(), requests)?;
        // What no cell has must not decide on units.
        let (n, p) = self.largest();
        let (x, y) = (x.slice_move(s![..n, ..p.min(x.ncols())]), y.slice(s![..n, ..]));
        if let Some(at) = part((&self.samples, &self.features), x, y) {
            if let Some((map, inputs)) = rest {
                return self.fits_of_design(map, inputs, &y, requests);
            }
            let [first, second] = self.parted(at);
            let mut fits = first.measure(x, None, &y, requests)?;
            fits.extend(second.measure(x, None, &y, requests)?);
            fits.sort_by_key(|fit| (fit.n, fit.p));
            return Ok(fits);
        }
        let table = Table::new(x, rest, &y);
        let (mut fits, memory) = self.tall(&table, requests)?;
        fits.extend(self.wide(&table, requests, memory)?);
        fits.sort_by_key(|fit| (fit.n, fit.p));
        Ok(fits)
    }

    /// Bytes at the peak, inputs excepted, for `outputs` targets of which the requests fit `fitted` in all; the features
    /// come from a map, and every cell has an SVD, where that is said.
    pub(crate) fn bytes(&self, outputs: usize, fitted: usize, from_map: bool, by_svd: bool) -> usize {
        let (n, p) = self.largest();
        let steps = |list: &[usize], most: usize| {
            let from = [0].into_iter().chain(list.iter().copied());
            list.iter()
                .zip(from)
                .take_while(|(to, _)| **to <= most)
                .map(|(to, from)| to - from)
                .max()
                .unwrap_or(0)
        };
        let columns = self.features.iter().copied().rfind(|&p| p <= n).unwrap_or(0);
        let rows = self.samples.iter().copied().rfind(|&n| n < p).unwrap_or(0);
        let square = n.min(p);
        // What the map makes at once, and what is left of it.
        let kept = if columns > 0 { columns } else { self.features.first().copied().unwrap_or(0) };
        let next = if from_map { table(n, steps(&self.features, p)).saturating_mul(2) } else { 0 };
        let design = if from_map { table(n, kept) } else { 0 };
        let tall = [
            table(columns, columns.saturating_add(outputs)),
            table(steps(&self.samples, n), columns.saturating_add(outputs)).saturating_mul(2),
            table(self.features.iter().copied().fold(0, usize::saturating_add), outputs).saturating_mul(3),
        ];
        let reflections = table(p, rows);
        let wide = [
            table(columns.max(rows), columns.max(rows)),
            reflections,
            table(steps(&self.features, p), rows),
            next,
            table(p, self.samples.len().saturating_mul(fitted)).saturating_mul(2),
        ];
        let wide = if rows > 0 { sum(wide) } else { 0 };
        // Of one cell, where its condition is in doubt.
        let triangle = table(square, square);
        let svd = if by_svd {
            sum([table(square, square).saturating_mul(4), Faer.bytes((square, square))])
        } else {
            0
        };
        let coefficients = self.features.iter().map(|&p| table(p, fitted)).fold(0, usize::saturating_add);
        let coefficients = coefficients.saturating_mul(self.samples.len());
        sum([design, table(n, outputs), coefficients, sum(tall).max(wide), triangle, svd])
    }

    /// The largest `n` and the largest `p`.
    pub(crate) fn largest(&self) -> (usize, usize) {
        let last = |list: &[usize]| list.last().copied().unwrap_or(0);
        (last(&self.samples), last(&self.features))
    }

    /// The cells with `p ≤ n`, and memory that they no longer need.
    fn tall(&self, table: &Table<'_>, requests: &[Request<'_>]) -> Result<(Vec<PlaneFit>, Vec<f64>), Error> {
        let (most_samples, _) = self.largest();
        let Some(&columns) = self.features.iter().rfind(|&&p| p <= most_samples) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let outputs = table.y.ncols();
        let mut qr = StreamedQr::new(most_samples, columns, outputs);
        let mut fits = Vec::new();
        for &n in &self.samples {
            let x = table.features(qr.rows()..n, 0..columns)?;
            let from = qr.rows();
            qr.append(x.view(), table.y.slice(s![from..n, ..]));
            let cells: Vec<usize> = self.features.iter().copied().take_while(|&p| p <= n).collect();
            let leading = Leading::new(&qr, cells.last().copied().unwrap_or(0));
            let c = |k: usize| qr.carried(k);
            let targets = |p: usize| Array2::from_shape_fn((p, outputs), |(i, k)| c(k)[i]);
            let targets: Vec<_> = cells.into_iter().map(targets).collect();
            let solutions = qr.solve(&targets);
            for (targets, solution) in targets.iter().zip(solutions) {
                let p = targets.nrows();
                // What of the targets the first p columns do not explain.
                let squares: Vec<f64> = (0..outputs)
                    .map(|k| qr.outside(k) + c(k)[p..].iter().map(|v| v * v).sum::<f64>())
                    .collect();
                let cell = Cell { table, n, p, leading: &leading, smallest: self.smallest };
                let solved = cell.solve(targets, &squares, requests, solution)?;
                fits.push(PlaneFit {
                    n,
                    p,
                    rank: solved.rank,
                    coefficients: solved.solutions,
                    train_mse: solved.train_mse,
                    smallest_singular_value: solved.smallest,
                    engine: solved.engine,
                });
            }
        }
        Ok((fits, qr.into_memory()))
    }

    /// The cells with `p > n`.
    fn wide(
        &self,
        table: &Table<'_>,
        requests: &[Request<'_>],
        memory: Vec<f64>,
    ) -> Result<Vec<PlaneFit>, Error> {
        let (_, most_features) = self.largest();
        let Some(&rows) = self.samples.iter().rfind(|&&n| n < most_features) else { return Ok(Vec::new()) };
        let outputs = table.y.ncols();
        let mut lq = StreamedQr::keeping(memory, most_features, rows);
        let none = Array2::zeros((0, 0));
        let mut fits = Vec::new();
        for &p in &self.features {
            lq.append(table.features(0..rows, lq.rows()..p)?.t(), none.view());
            let cells: Vec<usize> = self.samples.iter().copied().take_while(|&n| n < p).collect();
            let leading = Leading::new(&lq, cells.last().copied().unwrap_or(0));
            // Forward substitution: the solution of a smaller cell is the beginning of that of the largest.
            let largest = cells.last().copied().unwrap_or(0);
            let solutions = lq.solve_transposed(table.y.slice(s![..largest, ..]));
            let mut all = Vec::with_capacity(cells.len());
            let mut groups = Vec::with_capacity(cells.len());
            for n in cells {
                let targets = table.y.slice(s![..n, ..]).to_owned();
                let solution = solutions.slice(s![..n, ..]).to_owned();
                let cell = Cell { table, n, p, leading: &leading, smallest: self.smallest };
                let solved = cell.solve(&targets, &vec![0.0; outputs], requests, solution)?;
                let views: Vec<_> = solved.solutions.iter().map(|z| z.view()).collect();
                groups.push(concatenate(Axis(1), &views).map_err(|_| Error::Empty { what: "the requests" })?);
                all.push((n, solved));
            }
            for ((n, solved), beta) in all.into_iter().zip(lq.apply(p, &groups)) {
                let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
                Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
                let mut first = 0;
                let of_request = |z: &Array2<f64>| {
                    let columns = first..first + z.ncols();
                    first = columns.end;
                    beta.slice(s![.., columns]).to_owned()
                };
                let coefficients = match &solved.solutions[..] {
                    [_] => vec![beta],
                    several => several.iter().map(of_request).collect(),
                };
                fits.push(PlaneFit {
                    n,
                    p,
                    rank: solved.rank,
                    coefficients,
                    train_mse: solved.train_mse,
                    smallest_singular_value: solved.smallest,
                    engine: solved.engine,
                });
            }
        }
        Ok(fits)
    }
}

/// The triangle that all cells of one row or column of the plane are leading parts of.
struct Leading<'a> {
    /// `Lᵀ = R`.
    qr: &'a StreamedQr,
    conditions: Vec<f64>,
}

impl<'a> Leading<'a> {
    fn new(qr: &'a StreamedQr, largest: usize) -> Self {
        Self { qr, conditions: conditions((0..largest).map(|j| qr.column(j))) }
    }

    /// `L`, up to a size.
    fn part(&self, size: usize) -> Triangle {
        Triangle::from_rows((0..size).map(|j| self.qr.column(j).to_vec()).collect())
    }

    /// Whether the part of an `n × p` cell is far enough from rank-deficient: at once where the rough estimate
    /// leaves no doubt.
    fn is_clear(&self, size: usize, (n, p): (usize, usize)) -> bool {
        self.conditions[size - 1] < condition_bound(n, p) / NO_DOUBT || is_clear(&mut self.part(size), n, p)
    }
}

/// How far a rough estimate of a condition number may be off.
const NO_DOUBT: f64 = 1e4;

impl<'a> Table<'a> {
    fn new(
        x: ArrayView2<'a, f64>,
        rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
        y: &ArrayRef2<f64>,
    ) -> Self {
        let mut y = y.to_owned();
        let units = y.columns_mut().into_iter().map(|mut column| {
            let e = largest_exponent(column.iter()).unwrap_or(0);
            column.mapv_inplace(|v| scaled(v, -e));
            e
        });
        let y_exponents = units.collect();
        // Their squares are in range as they are: a copy in other units would be for nothing.
        let x_exponent = largest_exponent(x.iter()).filter(|e| e.abs() > ORDINARY).unwrap_or(0);
        Self { x, rest, x_exponent, y, y_exponents }
    }

    /// Some rows and columns of the features, scaled.
    fn features(&self, rows: Range<usize>, columns: Range<usize>) -> Result<CowArray<'a, f64, Ix2>, Error> {
        let e = self.x_exponent;
        let in_units = |block: CowArray<'a, f64, Ix2>| {
            if e == 0 { block } else { CowArray::from(block.mapv(|v| scaled(v, -e))) }
        };
        let Some((map, inputs)) = self.rest.filter(|_| columns.end > self.x.ncols()) else {
            return Ok(in_units(CowArray::from(self.x.slice_move(s![rows, columns]))));
        };
        let block = in_units(CowArray::from(checked::columns(map, &inputs.slice(s![rows, ..]), columns)?));
        // It may be larger than what the unit was taken from.
        if block.iter().all(|v| v.abs() < LARGEST) {
            return Ok(block);
        }
        Err(Error::Overflow { what: APART })
    }
}

/// An `n × p` cell: `Lᵀ β = c` is to be solved for `p ≤ n`, else `L z = y`; `L` has the singular values of its matrix.
struct Cell<'a, 'b> {
    table: &'a Table<'b>,
    n: usize,
    p: usize,
    leading: &'a Leading<'a>,
    smallest: bool,
}

impl Cell<'_, '_> {
    /// `solution` is that of the scaled targets and the triangle as it is; `squares` are what of the scaled targets no solution explains.
    fn solve(
        &self,
        targets: &Array2<f64>,
        squares: &[f64],
        requests: &[Request<'_>],
        mut solution: Array2<f64>,
    ) -> Result<Solved, Error> {
        let (n, p, e) = (self.n, self.p, self.table.x_exponent);
        let is_clear = self.leading.is_clear(self.size(), (n, p));
        let by_triangle = |request: &Request<'_>| is_clear && is_min_norm(request.estimator);
        for (mut column, y) in solution.columns_mut().into_iter().zip(&self.table.y_exponents) {
            column.mapv_inplace(|v| scaled(v, y - e));
        }
        let svd = if requests.iter().all(by_triangle) { None } else { Some(self.svd()?) };
        let (rank, smallest) = match &svd {
            Some(svd) => (svd.rank(), self.smallest.then(|| svd.smallest_nonzero().unwrap_or(0.0))),
            None if self.smallest => {
                let found = Smallest::default().of(&self.leading.part(self.size()))?;
                (self.size(), Some(scaled(found.unwrap_or(0.0), e)))
            }
            None => (self.size(), None),
        };
        let (mut solutions, mut train_mse) = (Vec::new(), Vec::new());
        for request in requests {
            let outputs = s![.., request.outputs.clone()];
            let mut lost = vec![0.0; targets.ncols()];
            let solution = match &svd {
                _ if by_triangle(request)
                    && requests.len() == 1
                    && request.outputs.len() == solution.ncols() =>
                {
                    std::mem::take(&mut solution) // without a copy
                }
                _ if by_triangle(request) => solution.slice(outputs).to_owned(),
                Some(svd) => {
                    let mut wanted = targets.slice(outputs).to_owned();
                    let units = &self.table.y_exponents[request.outputs.clone()];
                    for (mut column, y) in wanted.columns_mut().into_iter().zip(units) {
                        column.mapv_inplace(|v| scaled(v, *y));
                    }
                    // The triangle is square: what is left of the targets lies along its modes.
                    let (solution, off) = if is_min_norm(request.estimator) {
                        svd.fit(&wanted, &MinNorm::with_cutoff(self.cutoff(svd))?)?
                    } else {
                        svd.fit(&wanted, request.estimator)?
                    };
                    for (lost, column) in lost[request.outputs.clone()].iter_mut().zip(off.columns()) {
                        *lost = column.dot(&column);
                    }
                    solution
                }
                None => Array2::zeros((self.size(), request.outputs.len())),
            };
            let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
            Error::check_finite("coefficients", solution.view()).map_err(overflow)?;
            let count = (n * request.outputs.len()) as f64;
            let sum: f64 = request
                .outputs
                .clone()
                .map(|k| scaled(squares[k] / count, 2 * self.table.y_exponents[k]) + lost[k] / count)
                .sum();
            if !sum.is_finite() {
                return Err(Error::Overflow { what: "the training error" });
            }
            train_mse.push(sum);
            solutions.push(solution);
        }
        let needed_svd = !is_clear && requests.iter().any(|request| is_min_norm(request.estimator));
        let engine = if needed_svd { Engine::Svd } else { Engine::Nested };
        Ok(Solved { solutions, train_mse, rank, smallest, engine })
    }

    /// Rows of its triangle.
    fn size(&self) -> usize {
        self.n.min(self.p)
    }

    /// The matrix that is solved, in the units of the caller.
    fn matrix(&self) -> Result<Array2<f64>, Error> {
        let lower = self.leading.part(self.size()).to_array().mapv(|v| scaled(v, self.table.x_exponent));
        Error::check_finite("the triangle", lower.view())
            .map_err(|_| Error::Overflow { what: "a singular value" })?;
        Ok(if self.p <= self.n { lower.reversed_axes() } else { lower })
    }

    fn svd(&self) -> Result<Svd, Error> {
        let svd = Svd::new(&self.matrix()?)?;
        let cutoff = self.cutoff(&svd);
        svd.with_cutoff(cutoff)
    }

    /// That of the `n × p` matrix, not of its triangle.
    fn cutoff(&self, svd: &Svd) -> Cutoff {
        let largest = svd.singular_values().first().copied().unwrap_or(0.0);
        Cutoff::Absolute(self.n.max(self.p) as f64 * f64::EPSILON * largest)
    }
}

fn is_min_norm(estimator: &dyn SpectralFilter) -> bool {
    known_penalty(estimator) == Some(0.0)
}
