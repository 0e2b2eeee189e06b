//! The experiments: what is drawn, what is fitted, and which closed forms are known.

use crate::common::flags::Failure;
use crate::common::shards::{self, Place, ShardArgs};
use crate::common::{around_threshold, report_failures, report_splits};
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::features::{Activation, RandomNetwork};
use double_descent::plot::Hue;
use double_descent::risk::{Component, Decomposition, VarianceSource};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Crossed, Draw, ErrorSplit, Maps, Source, Splits, Sweep, TestOn};
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::gaussian;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::cell::Cell;
use std::path::PathBuf;

/// Ridge penalty, per feature for the covariate shift and per sample for the network.
pub const PENALTY: f64 = 0.05;
/// Number of test rows for the network.
pub const TEST_ROWS: usize = 300;

const S: VarianceSource = VarianceSource::Sampling;
const N: VarianceSource = VarianceSource::LabelNoise;
const I: VarianceSource = VarianceSource::Initialisation;

pub struct Plan {
    pub samples: usize,
    pub network_samples: usize,
    pub sets: usize,
    pub draws: usize,
    pub seeds: usize,
    pub designs: usize,
    pub noise: f64,
    pub seed: u64,
    pub threads: Option<usize>,
    /// Folder for the results of all studies.
    pub out: PathBuf,
    pub shards: ShardArgs,
    /// The number of splits and cells that failed so far.
    pub failed: Cell<usize>,
}

/// One experiment with one estimator.
pub struct Measured {
    pub name: &'static str,
    pub title: String,
    /// Whether `n` varies, rather than `p`.
    pub over_samples: bool,
    /// The position of `n = p`.
    pub threshold: usize,
    pub lines: Vec<Line>,
}

/// One part of the error along the axis.
pub struct Line {
    pub part: &'static str,
    pub hue: Hue,
    pub points: Vec<Point>,
    /// The closed form, at more points than were measured.
    pub theory: Vec<(f64, f64)>,
}

/// The Monte Carlo estimate and the closed form at one size.
pub struct Point {
    pub n: usize,
    pub p: usize,
    pub found: Component,
    pub known: f64,
    pub known_error: f64,
    /// Whether the estimates have finite variance here; those of minimum norm do not next to the threshold.
    pub has_variance: bool,
}

impl Point {
    /// Returns `p/n` and the difference of the two in standard errors; `None` if no error is known, or it is
    /// no more than rounding.
    pub fn z(&self) -> Option<(f64, f64)> {
        let error = self.found.standard_error?.hypot(self.known_error);
        let is_known = self.has_variance && self.known.is_finite() && error > 1e-12 * self.known.abs();
        is_known.then_some((self.p as f64 / self.n as f64, (self.found.value - self.known) / error))
    }
}

/// A part of the error: its name, its colour, and how it is computed from a grid of fits.
type Part = (&'static str, Hue, fn(&Decomposition) -> Component);

fn variance(parts: &Decomposition, sources: &[VarianceSource]) -> Component {
    parts.variance(sources).unwrap_or(Component { value: 0.0, standard_error: None })
}

impl Plan {
    /// Folder for the results.
    pub fn folder(&self) -> PathBuf {
        self.out.join("bias_variance")
    }

    /// Returns the error splits of a study, and reports those that failed; `None` if this run computes one shard or
    /// reports on them.
    fn splits(&self, name: &str, study: &Crossed) -> Result<Option<Vec<ErrorSplit>>, Failure> {
        let place = Place { out: &self.out, folder: &self.folder(), name: Some(name) };
        let found = shards::splits(&self.shards, place, name, study)?;
        Ok(found.map(|found| {
            self.failed.update(|failed| failed + report_splits(&found));
            found.splits
        }))
    }

    /// `N(0, I)` rows of `d` inputs, a noiseless teacher with equal coefficients and length 1, and a population of the
    /// given covariance as the test set.
    fn normal_rows(&self, place: usize, (n, d): (usize, usize), covariance: Array2<f64>) -> Source {
        let seed = self.seed;
        Source::drawn("independent standard normal inputs", move |set| {
            let mut rng = stream(seed, place, set);
            let inputs = Array2::from_shape_simple_fn((n, d), || rng.sample::<f64, _>(StandardNormal));
            let teacher = Array2::from_elem((d, 1), (d as f64).sqrt().recip());
            let targets = inputs.dot(&teacher);
            let test = TestOn::Population { covariance: covariance.clone(), teacher, deviation: 0.0 };
            Ok(Draw { inputs, targets, test })
        })
    }

    fn crossed(&self, source: Source) -> Crossed {
        let splits = Splits::Drawn { repeats: self.sets, seed: self.seed };
        Crossed {
            noise: self.noise,
            draws: self.draws,
            noise_seed: self.seed,
            threads: self.threads,
            ..Crossed::of(source, splits)
        }
    }

    /// Minimum-norm fits to the first `p` of `8n` independent inputs; the closed form is exact at every size.
    pub fn weak_features(&self) -> Result<Vec<Measured>, Failure> {
        const PARTS: [Part; 4] = [
            ("bias²", Hue::Grey, Decomposition::bias_squared),
            ("training inputs", Hue::Blue, |parts| variance(parts, &[S])),
            ("inputs × label noise", Hue::Vermillion, |parts| variance(parts, &[S, N])),
            ("sum", Hue::Purple, Decomposition::excess),
        ];
        let (n, d) = (self.samples, 8 * self.samples);
        let study = Crossed {
            samples: vec![n],
            features: around_threshold(n),
            ..self.crossed(self.normal_rows(1, (n, d), Array2::eye(d)))
        };
        let Some(splits) = self.splits("weak_features", &study)? else { return Ok(Vec::new()) };
        let noise = self.noise * self.noise;
        let known = |p: usize| -> Result<[f64; 4], Error> {
            let seen = p as f64 / d as f64;
            let split = gaussian::split(n, p, seen, 1.0 - seen, noise)?;
            Ok([split.bias_squared, split.inputs, split.inputs_and_noise, split.total()])
        };
        let dense: Vec<usize> = (study.features[0]..=d).collect();
        Ok(vec![Measured {
            name: "weak_features",
            title: format!("Weak features, n = {n}"),
            over_samples: false,
            threshold: n,
            lines: lines(&PARTS, splits.iter(), (&dense, false), |_, p| known(p))?,
        }])
    }

    /// As many features as the teacher has, over `n`, tested on rows with another covariance. The closed forms are
    /// conditional on each design, for minimum norm and ridge.
    pub fn covariate_shift(&self) -> Result<Vec<Measured>, Failure> {
        const PARTS: [Part; 2] = [
            ("squared bias given the inputs", Hue::Blue, |parts| parts.without(N)),
            ("variance given the inputs", Hue::Vermillion, |parts| parts.total_effect(N)),
        ];
        let p = self.samples;
        let sizes: Vec<usize> = around_threshold(p).into_iter().filter(|n| *n <= 4 * p).collect();
        let most = sizes.iter().copied().max().unwrap_or(1);
        let shifted = Array2::from_shape_fn((p, p), |(i, j)| 0.8_f64.powf(i.abs_diff(j) as f64));
        let arms = vec![Arm::min_norm(), Arm::ridge(PENALTY * p as f64)?];
        let study = Crossed {
            samples: sizes.clone(),
            arms: arms.clone(),
            ..self.crossed(self.normal_rows(2, (most, p), shifted.clone()))
        };
        let splits = self.splits("covariate_shift", &study)?;
        let designs = Splits::Drawn { repeats: self.designs, seed: self.seed };
        let sweep = Sweep {
            samples: sizes,
            arms: arms.clone(),
            metrics: vec![Metric::MeanSquaredBias, Metric::ExpectedNoise],
            threads: self.threads,
            ..Sweep::of(self.normal_rows(3, (most, p), shifted), designs)
        };
        let place = Place { out: &self.out, folder: &self.folder(), name: Some("designs") };
        let curve = shards::curve(&self.shards, place, "designs", &sweep)?;
        let (Some(splits), Some(curve)) = (splits, curve) else { return Ok(Vec::new()) };
        self.failed.update(|failed| failed + report_failures(&curve));
        let bias = curve.summaries(Metric::MeanSquaredBias, None)?;
        let noise = curve.summaries(Metric::ExpectedNoise, None)?;
        let (level, titles) = (self.noise * self.noise, ["Minimum norm", "Ridge"]);
        let of_arm = |(arm, title): (usize, &&str)| {
            let of = |summaries: &[double_descent::curve::Summary], n: usize, scale: f64| {
                let found = summaries.iter().find(|s| s.arm == arm && s.n == n);
                let error = |s: &double_descent::curve::Summary| {
                    s.standard_deviation.unwrap_or(f64::NAN) / (s.count as f64).sqrt()
                };
                found.map_or((f64::NAN, f64::NAN), |s| (scale * s.mean, scale * error(s)))
            };
            let known = |n: usize, _: usize| Ok::<_, Error>([of(&bias, n, 1.0).0, of(&noise, n, level).0]);
            let own = splits.iter().filter(|split| split.arm == arm);
            let mut lines = lines(&PARTS, own, (&[], arm == 1), known)?;
            for (line, (summaries, scale)) in lines.iter_mut().zip([(&bias, 1.0), (&noise, level)]) {
                for point in &mut line.points {
                    point.known_error = of(summaries, point.n, scale).1;
                }
                line.theory = line.points.iter().map(|point| (point.n as f64, point.known)).collect();
            }
            Ok(Measured {
                name: ["covariate_shift_min_norm", "covariate_shift_ridge"][arm],
                title: format!("{title}, p = {p}, covariate shift"),
                over_samples: true,
                threshold: p,
                lines,
            })
        };
        Ok(titles.iter().enumerate().map(of_arm).collect::<Result<_, Error>>()?)
    }

    /// One layer of random features tanh(w·x), inputs on the sphere of radius √d: the symmetric decomposition, compared
    /// with its limit.
    pub fn network(&self) -> Result<Vec<Measured>, Failure> {
        const PARTS: [Part; 6] = [
            ("bias²", Hue::Grey, Decomposition::bias_squared),
            ("inputs", Hue::Blue, |parts| variance(parts, &[S])),
            ("features", Hue::Green, |parts| variance(parts, &[I])),
            ("inputs × features", Hue::Purple, |parts| variance(parts, &[S, I])),
            ("inputs × label noise", Hue::Vermillion, |parts| variance(parts, &[S, N])),
            ("inputs × features × noise", Hue::Black, |parts| variance(parts, &[S, I, N])),
        ];
        let (n, d, seed) = (self.network_samples, self.network_samples / 3, self.seed);
        let source = Source::drawn("inputs uniform on a sphere", move |set| {
            let sphere = |place, set, rows| {
                let mut rng = stream(seed, place, set);
                let mut x = Array2::from_shape_simple_fn((rows, d), || rng.sample::<f64, _>(StandardNormal));
                for mut row in x.rows_mut() {
                    row *= (d as f64 / row.dot(&row)).sqrt();
                }
                x
            };
            let (inputs, tests) = (sphere(4, set, n), sphere(5, 0, TEST_ROWS));
            let teacher = Array2::from_elem((d, 1), (d as f64).sqrt().recip());
            let test = TestOn::Rows { targets: tests.dot(&teacher), inputs: tests };
            Ok(Draw { targets: inputs.dot(&teacher), inputs, test })
        });
        let features: Vec<usize> = around_threshold(n).into_iter().filter(|p| *p <= 4 * n).collect();
        let widest = features.iter().copied().max().unwrap_or(1);
        let ridge = PENALTY * n as f64;
        let study = Crossed {
            maps: Maps::drawn(move |draw| {
                let seed = seed.wrapping_mul(1_000_003).wrapping_add(draw as u64);
                RandomNetwork::seeded(Activation::Tanh, &[d, widest], seed)
            }),
            seeds: self.seeds,
            samples: vec![n],
            features,
            arms: vec![Arm::min_norm(), Arm::ridge(ridge)?],
            ..self.crossed(source)
        };
        let Some(splits) = self.splits("network", &study)? else { return Ok(Vec::new()) };
        let (activation, noise) = (HermiteCoefficients::tanh(), self.noise * self.noise);
        let dense: Vec<usize> = (study.features[0]..=widest).collect();
        let of_arm = |(arm, penalty): (usize, &f64)| {
            let known = |n: usize, p: usize| -> Result<[f64; 6], Error> {
                let ratios = [p as f64 / d as f64, n as f64 / d as f64];
                let lambda = penalty * d as f64 / (n as f64 * p as f64);
                let split = activation.random_features(ratios, lambda, [1.0, 0.0], noise)?.split;
                let parts = [split.bias, split.data, split.features, split.data_features];
                Ok([parts[0], parts[1], parts[2], parts[3], split.data_noise, split.all])
            };
            let own = splits.iter().filter(|split| split.arm == arm);
            let title = if *penalty > 0.0 { "ridge" } else { "minimum norm" };
            Ok(Measured {
                name: ["network_min_norm", "network_ridge"][arm],
                title: format!("Random features, {title}"),
                over_samples: false,
                threshold: n,
                lines: lines(&PARTS, own, (&dense, *penalty > 0.0), known)?,
            })
        };
        Ok([0.0, ridge].iter().enumerate().map(of_arm).collect::<Result<_, Error>>()?)
    }
}

/// Returns each part along the splits, with `known(n, p)` as the closed forms of all parts, evaluated there and at
/// other numbers of features.
fn lines<'a, const K: usize>(
    parts: &[Part; K],
    splits: impl Iterator<Item = &'a ErrorSplit>,
    (dense, is_ridge): (&[usize], bool),
    known: impl Fn(usize, usize) -> Result<[f64; K], Error>,
) -> Result<Vec<Line>, Error> {
    let line = |&(part, hue, _): &Part| Line { part, hue, points: Vec::new(), theory: Vec::new() };
    let mut lines: Vec<Line> = parts.iter().map(line).collect();
    let mut last = 0;
    for split in splits {
        let values = known(split.n, split.p)?;
        last = split.n;
        for ((line, known), (.., read)) in lines.iter_mut().zip(values).zip(parts) {
            let found = read(&split.parts);
            let has_variance = is_ridge || split.n.abs_diff(split.p) > 3;
            line.points.push(Point { n: split.n, p: split.p, found, known, known_error: 0.0, has_variance });
        }
    }
    for &p in dense {
        for (line, known) in lines.iter_mut().zip(known(last, p)?) {
            line.theory.push((p as f64, known));
        }
    }
    Ok(lines)
}
