//! Splits of the error among the draws that it depends on, from fits to every training set with every draw of noise and
//! of features.

use super::cells::{Grid, Observer, Place};
use super::source::{Drawn, Sizes, TestOn};
use super::{Arm, Maps, Source, Splits, Start, gather, maps};
use crate::Error;
use crate::factors::ablation::Ablation;
use crate::features::FeatureMap;
use crate::filter::Response;
use crate::machine::memory::{list, reserve, sum, table};
use crate::risk::{Compressed, Decomposition};
use crate::rng::{Named, named};
use crate::svd::{self, Backend, DivideAndConquer, Svd, row_major_product};
use ndarray::{Array1, Array2, Array4, ArrayView2, ArrayViewMut3, Axis, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// An experiment on bias and variance, which [splits](Decomposition) the errors among three sources of variance.
///
/// At each size, every training set is fitted with every draw of label noise and every draw of the features.
///
/// | source of variance | its draws |
/// |---|---|
/// | training inputs | repeats of the source and the splits |
/// | label noise | `draws` of normal noise of deviation `noise`, on top of the source's targets |
/// | features | maps `0 … seeds − 1` of [`Crossed::maps`] |
///
/// All fits are tested on the same rows, whose targets stand for the truth: to leave test noise out, give noise-free
/// test targets. For a population the split is of the exact expectation over its inputs, and the truth is
/// `xᵀβ*`, without `ε`.
///
/// # Examples
/// Where the variance of a fit at the interpolation threshold comes from:
/// ```
/// use double_descent::risk::VarianceSource;
/// use double_descent::rng::stream;
/// use double_descent::sweep::{Crossed, Draw, Source, Splits, TestOn};
/// use ndarray::Array2;
/// use rand::RngExt;
/// use rand_distr::StandardNormal;
///
/// let source = Source::drawn("isotropic normal", |repeat| {
///     let mut rng = stream(3, 0, repeat);
///     let inputs = Array2::from_shape_simple_fn((20, 40), || rng.sample::<f64, _>(StandardNormal));
///     let teacher = Array2::from_elem((40, 1), 40_f64.sqrt().recip());
///     let targets = inputs.dot(&teacher);
///     let test = TestOn::Population { covariance: Array2::eye(40), teacher, deviation: 0.0 };
///     Ok(Draw { inputs, targets, test })
/// });
/// let study = Crossed {
///     noise: 0.5,
///     draws: 5,
///     samples: vec![20],
///     features: vec![5, 18, 40],
///     ..Crossed::of(source, Splits::Drawn { repeats: 10, seed: 0 })
/// };
/// let splits = study.run()?.splits;
/// let noisy = |i: usize| splits[i].parts.variance(&[VarianceSource::Sampling, VarianceSource::LabelNoise]).unwrap();
/// assert!(noisy(1).value > noisy(0).value && noisy(1).value > noisy(2).value);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Adlam and Pennington, *Understanding double descent requires a fine-grained bias–variance decomposition*, NIPS 2020;
/// d'Ascoli, Refinetti, Biroli and Krzakala, *Double trouble in double descent*, ICML 2020.
#[derive(Clone, Debug)]
pub struct Crossed {
    /// The source of the training sets and of the test rows. Rows drawn afresh must come with test rows, or a
    /// population, that never change; otherwise give a training and a test table.
    pub source: Source,
    /// Which rows of a table form a training set, and how many training sets there are.
    pub splits: Splits,
    /// Maps from raw inputs to features, one for each seed.
    pub maps: Maps,
    /// The number of draws of the map.
    pub seeds: usize,
    /// The standard deviation of the label noise, in units of the targets.
    pub noise: f64,
    /// The number of draws of the noise.
    pub draws: usize,
    /// The seed of the noise.
    pub noise_seed: u64,
    /// The training set sizes `n`.
    pub samples: Vec<usize>,
    /// The feature counts `p`. Empty: all inputs.
    pub features: Vec<usize>,
    /// The estimators. Every fit starts from 0.
    pub arms: Vec<Arm>,
    /// How many threads; `None`: as many as the machine has. No result depends on it.
    pub threads: Option<usize>,
    /// The linear algebra that computes the SVDs.
    pub backend: Arc<dyn Backend>,
}

/// The result of a crossed study: [`Crossed::run`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ErrorSplits {
    /// A split for each `n`, `p` and arm, in that order, except for those that failed.
    pub splits: Vec<ErrorSplit>,
    /// What could not be computed, in the same order.
    pub failures: Vec<SplitFailure>,
    /// Whether every size was visited; `false` if an observer stopped the study. The panic of an observer, which stops
    /// it too, is a failure of the first size that was not visited.
    pub complete: bool,
}

/// The split of the error at one size, in [`ErrorSplits`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ErrorSplit {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Index into [`Crossed::arms`].
    pub arm: usize,
    /// Bias and variances: means over test rows and outputs.
    pub parts: Decomposition,
}

/// A split that could not be computed, in [`ErrorSplits`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SplitFailure {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// The arm that failed, an index into [`Crossed::arms`]; `None` if there is a split for none of them.
    pub arm: Option<usize>,
    /// The reason.
    pub error: Error,
}

impl ErrorSplits {
    /// The splits of a study that has visited no size yet.
    pub(super) fn none() -> Self {
        Self { splits: Vec::new(), failures: Vec::new(), complete: true }
    }

    /// A size at which all arms failed with the same error.
    fn failed((n, p): (usize, usize), error: Error) -> Self {
        Self { failures: vec![SplitFailure { n, p, arm: None, error }], ..Self::none() }
    }

    /// Appends the splits of the sizes that follow.
    pub(super) fn append(&mut self, more: Self) {
        self.splits.extend(more.splits);
        self.failures.extend(more.failures);
        self.complete &= more.complete;
    }

    /// The first failure's error, if nothing was computed.
    pub(super) fn checked(self) -> Result<Self, Error> {
        match self.failures.first() {
            Some(failure) if self.splits.is_empty() => Err(failure.error.clone()),
            _ => Ok(self),
        }
    }
}

/// Training inputs and targets, with rows in the order in which they join the training set.
type Set = (Array2<f64>, Array2<f64>);

/// State shared by all sizes.
pub(super) struct Ready {
    sets: Vec<Set>,
    tests: Tested,
    noises: Vec<Array2<f64>>,
    maps: Vec<Option<Arc<dyn FeatureMap>>>,
    places: Vec<(usize, usize)>,
}

/// What all fits are tested on.
enum Tested {
    Rows {
        inputs: Array2<f64>,
        targets: Array2<f64>,
    },
    /// Features and targets compressed to fewer rows; for one map, whose features all fits share.
    Table(Compressed),
}

impl Crossed {
    /// A study over nothing yet: minimum-norm fits without label noise, with one draw of the features.
    ///
    /// Set `samples`, and any of `features`, `maps`, `seeds`, `noise` and `draws`.
    #[must_use]
    pub fn of(source: Source, splits: Splits) -> Self {
        Self {
            source,
            splits,
            maps: Maps::none(),
            seeds: 1,
            noise: 0.0,
            draws: 1,
            noise_seed: 0,
            samples: Vec::new(),
            features: Vec::new(),
            arms: vec![Arm::min_norm()],
            threads: None,
            backend: Arc::new(DivideAndConquer),
        }
    }

    /// Computes all fits and returns the splits for each `n`, `p` and arm.
    ///
    /// A size or arm that fails does not affect the others: it is among [`ErrorSplits::failures`].
    ///
    /// # Errors
    /// [`Error::Empty`] without sizes, arms, training sets, draws or seeds; [`Error::TooLarge`] for a size above the
    /// number of rows or features; [`Error::Domain`] for a size of 0, a noise that is negative or not finite, an arm
    /// whose setting is not finite, or a single fit at each size; [`Error::Unsupported`] for a single table (whose test
    /// rows would differ between training sets), test rows that change with the draw, recorded splits of rows that are
    /// drawn, a population with a feature map, several seeds of features that are not drawn, arms that share a label,
    /// or an arm with an ablation, an adversary, its own targets or another start than 0; the errors of the draws, and
    /// of maps that cannot be made; those of [`Splits::orders`] and [`Grid::run`]; [`Error::Memory`]. The first failure,
    /// if nothing could be computed.
    pub fn run(&self) -> Result<ErrorSplits, Error> {
        self.run_with(&())
    }

    /// [`Crossed::run`] with an observer, who may stop it. A stopped study returns the splits computed so far.
    ///
    /// # Errors
    /// Those of [`Crossed::run`].
    pub fn run_with(&self, observer: &dyn Observer) -> Result<ErrorSplits, Error> {
        let ready = self.ready()?;
        let axis = (0..ready.places.len()).collect();
        let grid = Grid { axis, repeats: 1, threads: self.threads, batch: 1 };
        let at = |place: &Place| Ok(self.at_place(place.axis_value, &ready));
        let mut all = ErrorSplits::none();
        for (place, found) in grid.run(observer, |places| places.iter().map(at).collect())? {
            let failed = |error| ErrorSplits::failed(ready.places[place.axis_value], error);
            match found {
                Some(Ok(found)) => all.append(found),
                // The observer panicked, which stops the study here.
                Some(Err(error)) => all.append(ErrorSplits { complete: false, ..failed(error) }),
                None => all.complete = false,
            }
        }
        all.checked()
    }

    /// Draws and checks everything that all sizes share.
    pub(super) fn ready(&self) -> Result<Ready, Error> {
        let sizes = self.sizes()?;
        let features = self.widths(&sizes);
        self.check(&features)?;
        if self.seeds > 1 && !self.maps.is_drawn() {
            let reason = "several seeds, but the features are the same for all: draw the map from its seed, or set \
                          `seeds` to 1";
            return unsupported(reason.into());
        }
        if sizes.population && !self.maps.is_none() {
            let reason = "the risk over a population is exact only if its inputs are the features; with a feature \
                          map, draw test rows";
            return unsupported(reason.into());
        }
        let most = self.samples.iter().copied().max().unwrap_or(0);
        let widest = features.iter().copied().max().unwrap_or(0);
        if most > sizes.rows {
            let limit = "the number of training rows";
            return Err(Error::TooLarge {
                what: "a training set size n",
                found: most,
                most: sizes.rows,
                limit,
            });
        }
        let (most_features, limit) = if self.maps.is_none() {
            (sizes.inputs, "the number of inputs, where no map makes more of them")
        } else {
            (self.maps.most_features(), "the number of features that the map has")
        };
        if widest > most_features {
            let what = "a feature count p";
            return Err(Error::TooLarge { what, found: widest, most: most_features, limit });
        }
        let count = self.splits.repeats();
        reserve(
            "the training sets of a crossed study",
            sum([
                table(most, sizes.inputs.saturating_add(sizes.outputs)).saturating_mul(count),
                table(most, sizes.outputs).saturating_mul(self.draws),
                list::<Option<Arc<dyn FeatureMap>>>(self.seeds),
            ]),
        )?;
        let (sets, tests) = match &self.source {
            Source::Table(_) => {
                let reason = "the test rows of one table differ between training sets; give a training and a test \
                              table";
                return unsupported(reason.into());
            }
            Source::TrainTest { train, test } => {
                let orders = self.splits.orders(train.len(), most)?;
                let part = |table: &Array2<f64>, rows: &[usize]| gather(table.view(), &rows[..most]);
                let set = |rows: &Vec<usize>| (part(train.features(), rows), part(train.targets(), rows));
                let test = (test.features().clone(), test.targets().clone());
                (orders.iter().map(set).collect(), self.tested(test, widest)?)
            }
            Source::Drawn(drawn) => self.drawn(drawn, (count, most), widest)?,
        };
        let noise = |draw| {
            let mut rng = named(self.noise_seed, Named::LabelNoise, draw);
            Array2::from_shape_simple_fn((most, sizes.outputs), || {
                self.noise * rng.sample::<f64, _>(StandardNormal)
            })
        };
        Ok(Ready {
            sets,
            tests,
            noises: (0..self.draws).map(noise).collect(),
            maps: (0..self.seeds).map(|seed| self.maps.of(seed)).collect::<Result<_, _>>()?,
            places: self.places_of(&sizes),
        })
    }

    pub(super) fn sizes(&self) -> Result<Sizes, Error> {
        let most = |list: &[usize]| list.iter().copied().max().unwrap_or(0);
        self.source.sizes((most(&self.samples), most(&self.features)))
    }

    /// The feature counts; all inputs if none are listed.
    fn widths(&self, sizes: &Sizes) -> Vec<usize> {
        if self.features.is_empty() { vec![sizes.inputs] } else { self.features.clone() }
    }

    pub(super) fn places_of(&self, sizes: &Sizes) -> Vec<(usize, usize)> {
        let features = self.widths(sizes);
        self.samples.iter().flat_map(|&n| features.iter().map(move |&p| (n, p))).collect()
    }

    /// Every `(n, p)`, in the order of the splits.
    pub(super) fn places(&self) -> Result<Vec<(usize, usize)>, Error> {
        Ok(self.places_of(&self.sizes()?))
    }

    /// The splits at one place, given by its index.
    pub(super) fn at_place(&self, index: usize, ready: &Ready) -> ErrorSplits {
        let (n, p) = ready.places[index];
        let of_arms = match self.at((n, p), ready) {
            Ok(of_arms) => of_arms,
            Err(error) => return ErrorSplits::failed((n, p), error),
        };
        let mut all = ErrorSplits::none();
        for (arm, parts) in of_arms.into_iter().enumerate() {
            match parts {
                Ok(parts) => all.splits.push(ErrorSplit { n, p, arm, parts }),
                Err(error) => all.failures.push(SplitFailure { n, p, arm: Some(arm), error }),
            }
        }
        all
    }

    fn check(&self, features: &[usize]) -> Result<(), Error> {
        let lists = [
            ("the list of training set sizes", self.samples.is_empty()),
            ("the list of arms", self.arms.is_empty()),
            ("the draws of label noise", self.draws == 0),
            ("the draws of features", self.seeds == 0),
            ("the training sets", self.splits.repeats() == 0),
        ];
        if let Some((what, _)) = lists.into_iter().find(|(_, is_empty)| *is_empty) {
            return Err(Error::Empty { what });
        }
        for (what, list) in [("a training set size n", &self.samples[..]), ("a feature count p", features)] {
            if list.contains(&0) {
                return Err(Error::Domain { what, value: 0.0, must_be: "at least 1" });
            }
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            let must_be = "finite and at least 0";
            let what = "the deviation of the label noise";
            return Err(Error::Domain { what, value: self.noise, must_be });
        }
        if self.splits.repeats().saturating_mul(self.draws).saturating_mul(self.seeds) == 1 {
            let must_be = "at least 2: a variance is read off several";
            return Err(Error::Domain { what: "the number of fits at each size", value: 1.0, must_be });
        }
        Arm::check_labels(&self.arms.iter().map(Arm::label).collect::<Vec<_>>())?;
        let other = |arm: &&Arm| {
            let own = arm.targets.is_some() || arm.test_targets.is_some();
            own || arm.ablation != Ablation::none() || arm.adversary.is_some() || arm.start != Start::Zero
        };
        match self.arms.iter().find(other) {
            Some(arm) => unsupported(format!(
                "the arm `{}` has an ablation, an adversary, its own targets or another start than 0; a crossed \
                 study compares estimators only",
                arm.name
            )),
            None => Ok(()),
        }
    }

    /// Draws every training set, and the one set of test data that all share.
    fn drawn(
        &self,
        drawn: &Drawn,
        (count, most): (usize, usize),
        widest: usize,
    ) -> Result<(Vec<Set>, Tested), Error> {
        if matches!(self.splits, Splits::Recorded(_)) {
            let reason =
                "recorded splits are rows of a table, but rows are drawn afresh for each training set";
            return unsupported(reason.into());
        }
        let mut test: Option<TestOn> = None;
        let mut sets = Vec::with_capacity(count);
        for set in 0..count {
            let draw = drawn.of(set)?;
            Error::check_len("rows that a repeat drew", most, draw.inputs.nrows().min(most))?;
            match &test {
                None => test = Some(draw.test),
                Some(first) if *first == draw.test => {}
                Some(_) => {
                    let reason =
                        format!("training set {set} has other test rows than the first; draw the same");
                    return unsupported(reason);
                }
            }
            sets.push((
                draw.inputs.slice(s![..most, ..]).to_owned(),
                draw.targets.slice(s![..most, ..]).to_owned(),
            ));
        }
        let tests = match test {
            Some(TestOn::Rows { inputs, targets }) => self.tested((inputs, targets), widest)?,
            Some(TestOn::Population { covariance, teacher, .. }) => {
                Tested::Table(Compressed::population(&covariance, &teacher)?)
            }
            None => return Err(Error::Empty { what: "the training sets" }),
        };
        Ok((sets, tests))
    }

    /// The test rows, compressed if all fits have the same features and that leaves fewer rows.
    fn tested(&self, (inputs, targets): Set, widest: usize) -> Result<Tested, Error> {
        let height = sum([widest, targets.ncols(), 1]);
        if self.seeds > 1 || inputs.nrows() <= height {
            return Ok(Tested::Rows { inputs, targets });
        }
        let map = self.maps.of(0)?;
        let features = maps::design(map.as_deref(), &inputs, widest)?;
        Ok(Tested::Table(Compressed::with_backend(&features, &targets, &*self.backend)?))
    }

    /// All fits at one size, for each arm.
    fn at(&self, (n, p): (usize, usize), ready: &Ready) -> Result<Vec<Result<Decomposition, Error>>, Error> {
        // The test features for each seed of the map, and the test targets.
        let (tests, targets, rows) = match &ready.tests {
            Tested::Table(table) => {
                let whole = table.features.ncols() == p;
                let table = if whole { table.clone() } else { table.leading(p)? };
                (vec![table.features.clone()], table.targets.clone(), table.rows())
            }
            Tested::Rows { inputs, targets } => {
                let features = |map: &Option<Arc<dyn FeatureMap>>| maps::design(map.as_deref(), inputs, p);
                let tests = ready.maps.iter().map(features).collect::<Result<Vec<_>, _>>()?;
                (tests, targets.clone(), inputs.nrows())
            }
        };
        let (levels, k) = ((ready.sets.len(), self.draws, self.seeds), targets.ncols());
        let (points, fits) = (targets.len(), levels.0.saturating_mul(levels.1).saturating_mul(levels.2));
        let r = n.min(p);
        let fit = [table(n, p), table(r, targets.nrows()), table(sum([r, targets.nrows()]), k * self.draws)];
        let grids = table(fits, points).saturating_mul(self.arms.len().saturating_add(5));
        reserve("the fits of a crossed study", sum([grids, svd::bytes(&*self.backend, (n, p))?, sum(fit)]))?;
        // The decomposition averages over compressed rows; this factor turns that into a mean over the rows they stand
        // for.
        let unit = (targets.nrows() as f64 / rows as f64).sqrt();
        let empty = || Ok(Array4::zeros((levels.0, levels.1, levels.2, points)));
        let mut grids: Vec<Result<Array4<f64>, Error>> = self.arms.iter().map(|_| empty()).collect();
        for (set, (inputs, own)) in ready.sets.iter().enumerate() {
            let mut y = Array2::zeros((n, k * self.draws));
            for (draw, noise) in ready.noises.iter().enumerate() {
                let noisy = &own.slice(s![..n, ..]) + &noise.slice(s![..n, ..]);
                y.slice_mut(s![.., draw * k..(draw + 1) * k]).assign(&noisy);
            }
            for (seed, map) in ready.maps.iter().enumerate() {
                let x = maps::design(map.as_deref(), &inputs.slice(s![..n, ..]), p)?;
                let svd = Svd::with_backend(&x, &*self.backend)?;
                let along = row_major_product(svd.u().t(), y.view());
                let images = row_major_product(tests[seed.min(tests.len() - 1)].view(), svd.vt().t());
                for (arm, grid) in self.arms.iter().zip(&mut grids) {
                    let Ok(predictions) = grid else { continue };
                    let of_draws = predictions.slice_mut(s![set, .., seed, ..]).insert_axis(Axis(1));
                    if let Err(error) = predict(arm, &svd, (along.view(), images.view()), unit, of_draws) {
                        *grid = Err(error);
                    }
                }
            }
        }
        let truth: Array1<f64> = targets.iter().map(|y| y * unit).collect();
        Ok(grids.into_iter().map(|grid| Decomposition::new(&grid?, &truth)).collect())
    }
}

/// Writes the predictions of one arm, for each draw of noise (the first axis of `to`): `images · diag(f(σ)) · along` in
/// the given unit.
fn predict(
    arm: &Arm,
    svd: &Svd,
    (along, images): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    unit: f64,
    mut to: ArrayViewMut3<'_, f64>,
) -> Result<(), Error> {
    let gains = Array1::from(Response::new(&*arm.estimator, svd.spectrum())?.gains);
    let gained = &along * &gains.insert_axis(Axis(1));
    let predictions = row_major_product(images, gained.view()) * unit;
    let outputs = predictions.ncols() / to.len_of(Axis(0));
    for (draw, mut to) in to.outer_iter_mut().enumerate() {
        let own = predictions.slice(s![.., draw * outputs..(draw + 1) * outputs]);
        to.iter_mut().zip(own).for_each(|(at, value)| *at = *value);
    }
    Ok(())
}

fn unsupported<T>(reason: String) -> Result<T, Error> {
    Err(Error::Unsupported { reason })
}
