//! Complexity measures, evidence and posterior as metrics of a sweep, against what the library computes for each fit on
//! its own.

use crate::common::matrices::normal;
use double_descent::Error;
use double_descent::bayes::{Evidence, Model, Posterior};
use double_descent::complexity::{FisherRao, LinearModel, Search, Smoother, rademacher_bound, tail};
use double_descent::curve::{ArmLabel, Axis as Along, Cell, Curve, Failure, Metric, Provenance};
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, RandomFourier};
use double_descent::filter::{GradientFlow, Loss, Ridge, SpectralFilter};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Draw, Intercept, Maps, Parameter, Source, Splits, Sweep, TestOn};
use ndarray::{Array1, Array2, Axis, s};
use std::sync::Arc;

const METRICS: [Metric; 12] = [
    Metric::TrainMse,
    Metric::EffectiveParameters,
    Metric::EffectiveParametersTrain,
    Metric::StableRank,
    Metric::ParticipationRatio,
    Metric::RademacherBound,
    Metric::FisherRaoNorm,
    Metric::LogEvidence,
    Metric::LogOccamFactor,
    Metric::PosteriorVariance,
    Metric::TailStableRank,
    Metric::TailParticipationRatio,
];

/// Number of leading eigenvalues that the tail ranks leave out.
const TAIL: usize = 2;

const LAMBDA: f64 = 0.7;

/// The penalty of an arm.
fn penalty(arm: &Arm) -> f64 {
    arm.estimator.penalty().unwrap()
}

fn arms() -> Vec<Arm> {
    let flow = GradientFlow::new(0.4, Loss::HalfSum).unwrap();
    vec![Arm::min_norm(), Arm::ridge(LAMBDA).unwrap(), Arm::new("flow", Some(0.4), Arc::new(flow))]
}

/// Returns an orthonormal basis of all vectors of mean 0, by rows (Helmert's).
fn contrasts(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n - 1, n), |(i, j)| {
        let length = ((i + 1) as f64 * (i + 2) as f64).sqrt();
        match j {
            _ if j <= i => length.recip(),
            _ if j == i + 1 => -((i + 1) as f64) / length,
            _ => 0.0,
        }
    })
}

fn close(found: Option<f64>, right: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what} is absent"));
    assert!((found - right).abs() <= 1e-9 * (1.0 + right.abs()), "{what}: {found}, not {right}");
}

/// Checks all metrics of one cell, given its training and test rows.
fn check(cell: &Cell, arm: &Arm, free: bool, (x, y, tests): (&Array2<f64>, &Array2<f64>, &Array2<f64>)) {
    let (n, k) = (x.nrows() as f64, y.ncols() as f64);
    let what =
        |metric: Metric| format!("{} at n = {}, p = {} of {}", metric.name(), cell.n, cell.p, arm.name);
    let of = |metric, right| close(cell.metric(metric), right, &what(metric));
    let mean = |table: &Array2<f64>| {
        if free { table.mean_axis(Axis(0)).unwrap() } else { Array1::zeros(table.ncols()) }
    };
    let (x, y, tests) = (x - &mean(x), y - &mean(y), tests - &mean(x));
    let (svd, constant) = (Svd::new(&x).unwrap(), f64::from(u8::from(free)));
    let smoother = Smoother::new(&svd, &*arm.estimator).unwrap();
    let beta = svd.solve(&y, &*arm.estimator).unwrap();
    let norm = beta.iter().map(|b| b * b).sum::<f64>().sqrt();
    of(Metric::EffectiveParameters, smoother.effective_parameters(&tests).unwrap() + constant);
    of(Metric::EffectiveParametersTrain, smoother.squared_degrees_of_freedom() + constant);
    let [small, big] = tail(svd.spectrum()).unwrap().effective_ranks(0).unwrap();
    of(Metric::StableRank, small);
    of(Metric::ParticipationRatio, big);
    if svd.rank() > TAIL {
        let [small, big] = tail(svd.spectrum()).unwrap().effective_ranks(TAIL).unwrap();
        of(Metric::TailStableRank, small);
        of(Metric::TailParticipationRatio, big);
    } else {
        assert_eq!((cell.tail_stable_rank(), cell.tail_participation_ratio()), (None, None));
    }
    of(Metric::RademacherBound, k.sqrt() * rademacher_bound(svd.spectrum(), norm).unwrap());
    let predictions = tests.dot(&beta);
    of(Metric::FisherRaoNorm, FisherRao::new(&predictions, &predictions).unwrap().model);
    let bayesian = [Metric::LogEvidence, Metric::LogOccamFactor, Metric::PosteriorVariance];
    if arm.name != "ridge" {
        assert!(bayesian.iter().all(|&metric| cell.metric(metric).is_none()));
        return;
    }
    // Targets minus their mean span n − 1 dimensions.
    let (rows, targets) = if free {
        let basis = contrasts(cell.n);
        (basis.dot(&x), basis.dot(&y))
    } else {
        (x.clone(), y.clone())
    };
    let svd = Svd::new(&rows).unwrap();
    let left = (&targets - &rows.dot(&beta)).iter().map(|e| e * e).sum::<f64>();
    let lambda = penalty(arm);
    let noise = (left + lambda * norm * norm) / (rows.nrows() as f64 * k);
    let evidence = Evidence::new(&svd, &rows, &targets).unwrap();
    let at = |noise: f64| Model::new(noise / lambda, noise).unwrap();
    let log = |noise: f64| evidence.log(&at(noise)).unwrap().total;
    of(Metric::LogEvidence, log(noise));
    assert!(log(noise * 1.01) < log(noise) && log(noise * 0.99) < log(noise), "no maximum at {noise}");
    let laplace = evidence.laplace(&at(noise)).unwrap().unwrap();
    of(Metric::LogOccamFactor, laplace.prior + laplace.occam);
    let variance = Posterior::new(&svd, &targets, at(noise)).unwrap().predict(&tests).unwrap().variance;
    of(Metric::PosteriorVariance, variance.mean().unwrap() + constant * noise / n);
}

/// Tested on the other rows of a table (both as a difference of sums and directly) and on a separate table, with
/// several outputs and features, with and without a free intercept.
#[test]
fn metrics_are_what_the_library_says_of_each_fit() {
    let table =
        |rows, seed| Dataset::new("drawn", normal(rows, 9, seed) + 0.5, normal(rows, 2, seed + 1)).unwrap();
    let (one, train, test) = (table(50, 1), table(30, 3), table(40, 5));
    let splits = Splits::Drawn { repeats: 2, seed: 4 };
    for free in [false, true] {
        for source in
            [Source::Table(one.clone()), Source::TrainTest { train: train.clone(), test: test.clone() }]
        {
            let sweep = Sweep {
                samples: vec![4, 9, 10, 20, 29],
                features: vec![3, 9],
                arms: arms(),
                metrics: METRICS.to_vec(),
                tail: TAIL,
                intercept: if free { Intercept::Free } else { Intercept::None },
                ..Sweep::of(source.clone(), splits.clone())
            };
            let data = source.train().unwrap();
            let orders = splits.orders(data.len(), 29).unwrap();
            let curve = sweep.surface().unwrap();
            assert_eq!(curve.cells().cells.len(), 2 * 5 * 2 * 3);
            for cell in &curve.cells().cells {
                let rows = &orders[cell.repeat][..cell.n];
                let part = |table: &Array2<f64>, rows: &[usize]| {
                    table.select(Axis(0), rows).slice(s![.., ..cell.p]).to_owned()
                };
                let tests = if let Some(test) = source.test() {
                    test.features().slice(s![.., ..cell.p]).to_owned()
                } else {
                    let others: Vec<usize> = (0..50).filter(|row| !rows.contains(row)).collect();
                    part(data.features(), &others)
                };
                let y = data.targets().select(Axis(0), rows);
                check(cell, &sweep.arms[cell.arm], free, (&part(data.features(), rows), &y, &tests));
            }
        }
    }
}

/// Penalties from almost none to almost total shrinkage, with fewer rows than features and with more.
#[test]
fn the_evidence_of_any_penalty() {
    let table = |rows, seed| Dataset::new("drawn", normal(rows, 9, seed), normal(rows, 1, seed + 1)).unwrap();
    let (train, test) = (table(20, 11), table(15, 13));
    let sweep = Sweep {
        samples: vec![5, 20],
        arms: (-12..=12).step_by(4).map(|i| Arm::ridge(10.0_f64.powi(i)).unwrap()).collect(),
        metrics: METRICS.to_vec(),
        tail: TAIL,
        ..Sweep::of(
            Source::TrainTest { train: train.clone(), test: test.clone() },
            Splits::Recorded(vec![(0..20).collect()]),
        )
    };
    for cell in sweep.run().unwrap().cells {
        let part = |table: &Array2<f64>| table.slice(s![..cell.n, ..]).to_owned();
        let (x, y) = (part(train.features()), part(train.targets()));
        check(&cell, &sweep.arms[cell.arm], false, (&x, &y, test.features()));
    }
}

/// Over a population, a mean over test rows is an expectation: the rows of a root of its covariance, as many as it has,
/// stand in for the population.
#[test]
fn metrics_over_a_population() {
    let root = normal(6, 6, 8);
    let covariance = root.t().dot(&root);
    let given = covariance.clone();
    let source = Source::drawn("normal", move |repeat| {
        let inputs = normal(12, 6, 20 + repeat as u64);
        let targets = inputs.dot(&Array2::ones((6, 1))) + normal(12, 1, 40 + repeat as u64);
        let test =
            TestOn::Population { covariance: given.clone(), teacher: Array2::ones((6, 1)), deviation: 1.0 };
        Ok(Draw { inputs, targets, test })
    });
    let sweep = Sweep {
        samples: vec![3, 6, 12],
        arms: arms(),
        metrics: METRICS.to_vec(),
        tail: TAIL,
        ..Sweep::of(source.clone(), Splits::Drawn { repeats: 2, seed: 0 })
    };
    let Source::Drawn(drawn) = &source else { panic!("not drawn") };
    let tests = root * 6.0_f64.sqrt();
    let population = Compressed::population(&covariance, &Array2::zeros((6, 1))).unwrap();
    for cell in sweep.run().unwrap().cells {
        let Draw { inputs, targets, .. } = drawn.of(cell.repeat).unwrap();
        let (x, y) = (inputs.slice(s![..cell.n, ..]).to_owned(), targets.slice(s![..cell.n, ..]).to_owned());
        check(&cell, &sweep.arms[cell.arm], false, (&x, &y, &tests));
        let svd = Svd::new(&x).unwrap();
        let smoother = Smoother::new(&svd, &*sweep.arms[cell.arm].estimator).unwrap();
        let expected = smoother.effective_parameters_over(&population).unwrap();
        close(cell.effective_parameters(), expected, "effective parameters");
    }
}

/// The effective model complexity of each cell equals that of its estimator, measured on its own. It depends on the
/// features and the time and on nothing else of a cell.
#[test]
fn the_model_complexity_of_cells() {
    let data = Dataset::diabetes();
    let (x, y) = (data.features(), data.targets());
    let flow = |time: f64| Ok(Arc::new(GradientFlow::new(time, Loss::HalfSum)?) as Arc<dyn SpectralFilter>);
    let sweep = Sweep {
        features: vec![4, 10],
        parameter: Some(Parameter::time(Loss::HalfSum, [1e2, 1e4, 1e12])),
        ..Sweep::over_penalties(data.clone(), 12, [], 2, 0)
    };
    let mut curve = sweep.surface().unwrap().cells().clone();
    assert!(curve.cells.len() == 12 && curve.cells.iter().all(|cell| cell.model_complexity().is_none()));
    let map = Arc::new(Coordinates::new(10));
    let search = Search { largest: Some(14), ..Search::new(500.0, 3, 5) };
    search.add_to(&mut curve, map.clone(), |cell| flow(cell.value().unwrap()), x, y).unwrap();
    let mut found = Vec::new();
    for cell in &curve.cells {
        let alone = LinearModel::new(map.clone(), cell.p, flow(cell.value().unwrap()).unwrap());
        // A filter measured on its own examines every n too.
        let filter = flow(cell.value().unwrap()).unwrap();
        let right = search.run_filters(&alone, &[&*filter], x, y).unwrap()[0].value;
        assert_eq!(cell.model_complexity(), Some(right as f64), "p = {}, t = {:?}", cell.p, cell.value());
        found.push((cell.repeat, cell.p, right));
    }
    // Without stopping, a fit reaches as many samples as it has features, and no fit of these noise-free targets
    // exceeds that.
    let last = |p| found.iter().filter(|(_, of, _)| *of == p).map(|(_, _, value)| *value).max();
    assert!(last(4) < last(10), "{found:?}");
    // Arms instead of times; then an estimator that depends on the cell.
    let arms = Sweep {
        samples: vec![9, 12],
        arms: arms(),
        metrics: vec![Metric::TestMse],
        ..Sweep::new(data.clone(), [9], 1, 0)
    };
    let mut curve = arms.run().unwrap();
    let of = |cell: &Cell| Ok(arms.arms[cell.arm].estimator.clone());
    search.add_to(&mut curve, map.clone(), of, x, y).unwrap();
    assert_eq!(curve.cells.iter().filter(|cell| cell.model_complexity().is_some()).count(), 6);
    let panics = search.add_to(&mut curve, map.clone(), |_| panic!("no estimator"), x, y);
    assert!(matches!(panics, Err(Error::UserCode { .. })), "{panics:?}");
    let refuses = search.add_to(&mut curve, map, |_| Ok(Arc::new(Ridge::new(f64::NAN)?)), x, y);
    assert!(matches!(refuses, Err(Error::Domain { .. })), "{refuses:?}");
}

/// The test error peaks over p where the effective parameters turn back. Up to the threshold they rise with p; from
/// there they fall, so the second descent passes again over values of the first. Diabetes patients on random Fourier
/// features, medians over 21 training sets.
#[test]
fn effective_parameters_fold_the_curve() {
    let data = Dataset::diabetes().standardised().unwrap();
    let sizes = vec![5, 10, 20, 30, 40, 45, 50, 55, 60, 80, 120, 200, 300];
    let sweep = Sweep {
        maps: Maps::drawn(|repeat| RandomFourier::gaussian(10, 300, 0.05, repeat as u64)),
        samples: vec![50],
        features: sizes.clone(),
        metrics: vec![Metric::TestMse, Metric::DegreesOfFreedom, Metric::EffectiveParameters],
        ..Sweep::of(Source::Table(data), Splits::Drawn { repeats: 21, seed: 1 })
    };
    let curve = sweep.run().unwrap();
    let medians = |metric| -> Vec<f64> {
        curve.summaries(metric, None).unwrap().iter().map(|summary| summary.median).collect()
    };
    let (errors, parameters) = (medians(Metric::TestMse), medians(Metric::EffectiveParameters));
    let threshold = sizes.iter().position(|p| *p == 50).unwrap();
    assert!(parameters[..=threshold].windows(2).all(|pair| pair[0] < pair[1]), "{parameters:?}");
    assert!(parameters[threshold..].windows(2).all(|pair| pair[0] > pair[1]), "{parameters:?}");
    let highest =
        |values: &[f64]| (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
    assert_eq!((highest(&errors), highest(&parameters)), (threshold, threshold));
    // 300 features count for less than 45 do, and for more than 5.
    assert!(parameters[12] < parameters[5] && parameters[12] > parameters[0], "{parameters:?}");
    // Degrees of freedom saturate at n.
    let degrees = medians(Metric::DegreesOfFreedom);
    for (p, degrees) in sizes.iter().zip(degrees) {
        assert!((degrees - 50.0_f64.min(*p as f64)).abs() < 1e-9, "{p}: {degrees}");
    }
    #[cfg(feature = "plot")]
    {
        use double_descent::plot::{FigureOptions, study};
        let axes = (Metric::EffectiveParameters, Metric::TestMse);
        let figure = study::over_metric(&curve, 0, axes, &FigureOptions::default()).unwrap();
        let [up, back] = &figure.panels[0].groups[0].series[..] else { panic!("not two branches") };
        assert_eq!([&up.x[..], &back.x[1..]].concat(), parameters);
        assert_eq!([&up.y[..], &back.y[1..]].concat(), errors);
        assert_eq!((up.label.as_str(), back.label.as_str()), ("p ≤ n", "p ≥ n"));
        assert!(figure.caption.contains("along p") && figure.caption.contains("21"), "{}", figure.caption);
        let missing = study::over_metric(&curve, 0, (Metric::StableRank, axes.1), &FigureOptions::default());
        assert!(matches!(missing, Err(Error::Unsupported { .. })));
        let missing = study::over_metric(&curve, 1, axes, &FigureOptions::default());
        assert!(matches!(missing, Err(Error::TooLarge { most: 0, found: 1, .. })));
    }
}

/// Minimum norm peaks at p = n. Ridge with the penalty that maximises the evidence on the training rows does not, and
/// its error is close to that of the best penalty. Weak features of 160 inputs, medians over 20 training sets.
#[test]
fn the_evidence_chooses_no_peak() {
    let (n, d) = (40, 160);
    let source = Source::drawn("normal", move |repeat| {
        let inputs = normal(n, d, 60 + repeat as u64);
        let teacher = Array2::from_shape_fn((d, 1), |(j, _)| 0.4 / ((j + 1) as f64).sqrt());
        let targets = inputs.dot(&teacher) + normal(n, 1, 90 + repeat as u64) * 0.5;
        let test = TestOn::Population { covariance: Array2::eye(d), teacher, deviation: 0.5 };
        Ok(Draw { inputs, targets, test })
    });
    let penalties = (-2..=10).map(|i| Arm::ridge(3.0_f64.powi(i)).unwrap());
    let sweep = Sweep {
        samples: vec![n],
        features: vec![5, 20, 32, 40, 50, 80, 160],
        arms: std::iter::once(Arm::min_norm()).chain(penalties).collect(),
        metrics: vec![Metric::TestMse, Metric::LogEvidence, Metric::PosteriorVariance],
        ..Sweep::of(source, Splits::Drawn { repeats: 20, seed: 0 })
    };
    let curve = sweep.run().unwrap();
    let medians = |curve: &Curve, metric| -> Vec<f64> {
        let summaries = curve.summaries(metric, None).unwrap();
        summaries.iter().filter(|s| s.arm == 0).map(|s| s.median).collect()
    };
    let least = medians(&curve, Metric::TestMse);
    let chosen = curve.most_of("ridge", Metric::LogEvidence).unwrap();
    let (bayes, spread) = (medians(&chosen, Metric::TestMse), medians(&chosen, Metric::PosteriorVariance));
    let best = medians(&curve.least_of("ridge", Metric::TestMse).unwrap(), Metric::TestMse);
    assert!(least[3] > 10.0 * least[0] && least[3] > 10.0 * least[6], "{least:?}");
    for (errors, what) in
        [(&bayes, "mean"), (&bayes.iter().zip(&spread).map(|(a, b)| a + b).collect(), "draw")]
    {
        assert!(errors[3] < 1.1 * errors[2].max(errors[4]), "{what}: {errors:?}");
        assert!(errors[3] < 0.1 * least[3], "{what}: {errors:?}");
    }
    assert!(bayes.iter().zip(&best).all(|(bayes, best)| *bayes < 1.25 * best), "{bayes:?} {best:?}");
    // The evidence itself changes smoothly through the threshold: by less than a nat per sample.
    let evidence = medians(&chosen, Metric::LogEvidence);
    assert!(evidence.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.3 * n as f64), "{evidence:?}");
}

/// A setting is chosen in each cell: the one with the largest or the smallest value of a metric, the first of ties;
/// without the metric, none.
#[test]
fn a_family_is_chosen_from_cell_by_cell() {
    let mut arms = [1.0, 2.0, 3.0].map(|setting| ArmLabel::new("a", Some(setting))).to_vec();
    arms.push(ArmLabel::new("other", None));
    let mut curve = Curve::new(Along::Features, arms, Provenance::default());
    let cell = |p, arm, value: Option<f64>| {
        Cell::new(0, 4, p, arm).with(Metric::LogEvidence, value).with(Metric::TestMse, 10.0 * arm as f64)
    };
    curve.cells = vec![
        cell(2, 0, Some(-1.0)),
        cell(2, 1, Some(5.0)),
        cell(2, 2, Some(5.0)),
        cell(3, 0, None),
        cell(3, 1, Some(f64::NAN)),
        cell(3, 2, Some(-7.0)),
        cell(4, 0, None),
    ];
    let chosen = |curve: Result<Curve, Error>| -> Vec<(usize, Option<f64>, Option<f64>)> {
        let curve = curve.unwrap();
        assert_eq!(curve.arms.len(), 1);
        curve.cells.iter().map(|cell| (cell.p, cell.value(), cell.test_mse)).collect()
    };
    let failure = |arm| Failure::new(0, 4, 3, Error::Empty { what: "nothing" }).of_arm(arm);
    curve.failures = vec![failure(1), Failure::new(0, 4, 5, Error::Empty { what: "nothing" }), failure(3)];
    let most = curve.most_of("a", Metric::LogEvidence);
    // The one arm is number 0, and failures of other families are left out.
    let failures = most.as_ref().unwrap().failures.iter().map(|failure| failure.arm).collect::<Vec<_>>();
    assert_eq!(failures, [Some(0), None]);
    assert_eq!(chosen(most), [(2, Some(2.0), Some(10.0)), (3, Some(3.0), Some(20.0))]);
    let least = curve.least_of("a", Metric::LogEvidence);
    assert_eq!(chosen(least), [(2, Some(1.0), Some(0.0)), (3, Some(3.0), Some(20.0))]);
    assert!(matches!(curve.most_of("b", Metric::TestMse), Err(Error::UnknownName { .. })));
    assert!(matches!(curve.most_of("a", Metric::TrainMse), Err(Error::Unsupported { .. })));
    // On an axis of values, the axis values are kept.
    curve.axis = Along::Penalty;
    for cell in &mut curve.cells {
        *cell = cell.at(0.5);
    }
    assert_eq!(chosen(curve.least_of("a", Metric::TestMse))[0], (2, Some(0.5), Some(0.0)));
}

/// Far from 0, the part of a test row outside the training rows is lost in rounding: no posterior variance then, where
/// it would be that part.
#[test]
fn a_posterior_variance_lost_in_rounding_is_absent() {
    let of = |offset: f64| {
        let data = Dataset::new("far", normal(20, 4, 1) + offset, normal(20, 1, 2)).unwrap();
        let mut sweep = Sweep::new(data, [2, 8], 3, 0);
        (sweep.arms, sweep.metrics) = (vec![Arm::ridge(0.3).unwrap()], vec![Metric::PosteriorVariance]);
        let curve = sweep.run().unwrap();
        assert!(curve.failures.is_empty());
        let is_there = |n: usize| {
            let mut cells = curve.cells.iter().filter(|cell| cell.n == n);
            cells.all(|cell| cell.metric(Metric::PosteriorVariance).is_some())
        };
        (is_there(2), is_there(8))
    };
    assert_eq!(of(0.0), (true, true));
    assert_eq!(of(f64::from(1 << 24)), (false, true));
}
