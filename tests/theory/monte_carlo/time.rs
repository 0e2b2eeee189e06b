//! Two groups of features, fast and slow: the sum of U-shaped curves, its turning points, and the plateau between the
//! two time scales. Errors given each design are exact expectations over the noise.

use super::{Exact, Limits, Mean, mean, normal, three};
use double_descent::filter::{GradientDescent, GradientFlow, Loss, Schedule, SpectralFilter};
use double_descent::risk::{Covariance, GivenDesign, Population};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::gradient_flow::{self, FeatureGroup, Turn};
use ndarray::{Array1, Array2};

/// Fast features, and slow ones that matter as much: the minima of their curves are a factor 200 apart in time.
const GROUPS: [FeatureGroup; 2] = [
    FeatureGroup { count: 4.0, variance: 1.0, energy: 0.25 },
    FeatureGroup { count: 4.0, variance: 0.005, energy: 25.0 },
];
/// The noise divided by the number of samples, at which overfitting all features costs as much as ignoring
/// the slow ones.
const LOUD: f64 = 0.125;

fn each(of: fn(&FeatureGroup) -> f64) -> Array1<f64> {
    Array1::from_shape_fn(8, |i| of(&GROUPS[i / 4]))
}

/// Draws designs of `n` rows, with everything needed for the expected errors of fits on them.
fn designs(n: usize, count: usize) -> Vec<GivenDesign> {
    let variances = each(|group| group.variance);
    let teacher = Array2::from_diag(&each(|group| group.energy.sqrt()));
    let covariance = Covariance::diagonal(&variances).unwrap();
    let population = Population::new(covariance, teacher, LOUD * n as f64).unwrap();
    let design = |repeat| {
        let x = normal(&mut stream(91, n, repeat), n, 8) * &variances.mapv(f64::sqrt);
        population.given(&Svd::new(&x).unwrap()).unwrap()
    };
    (0..count).map(design).collect()
}

/// The excess of a fit. The teacher has one column per feature: the bias is the sum over the columns, and the noise
/// counts once.
fn excess(design: &GivenDesign, filter: &dyn SpectralFilter) -> f64 {
    let risk = design.of(filter).unwrap();
    8.0 * risk.bias_squared + risk.variance
}

const SIZES: [usize; 3] = [80, 160, 320];

/// The excess of flow and of descent at early and late times: with 8 features the deviation is of order 1/n.
#[test]
fn sums_of_u_shapes() {
    let designs = three(|i| designs(SIZES[i], [400, 200, 100][i]));
    let mut limits = Limits::default();
    let mut compare = |name: String, filter: &dyn SpectralFilter, of: &dyn Fn(f64) -> f64| {
        let found = three(|i| mean(designs[i].iter().map(|design| excess(design, filter))));
        limits.add(name, found, SIZES.map(|n| of(n as f64)));
    };
    for time in [0.3, 3.0, 20.0, 400.0, 5e4] {
        let of = |n: f64| gradient_flow::excess(&GROUPS, n, LOUD * n, time).unwrap();
        compare(format!("flow, t = {time}"), &GradientFlow::new(time, Loss::HalfMean).unwrap(), &of);
    }
    for steps in [3, 40, 4000] {
        let descent = GradientDescent::new(Schedule::Constant(0.1), steps, Loss::HalfMean).unwrap();
        let count = u32::try_from(steps).unwrap();
        let of = |n: f64| gradient_flow::excess_of_descent(&GROUPS, n, LOUD * n, 0.1, count).unwrap();
        compare(format!("{steps} steps of descent"), &descent, &of);
    }
    limits.finish();
}

/// The extremum of the designs' mean curve near a turn of the theory, from the parabola through the best of 41 times
/// and its neighbours.
fn turn(designs: &[GivenDesign], about: &Turn) -> [f64; 2] {
    let times: Vec<f64> = (-20..=20).map(|i| about.time * (0.05 * f64::from(i)).exp()).collect();
    let at = |&time: &f64| {
        let filter = GradientFlow::new(time, Loss::HalfMean).unwrap();
        designs.iter().map(|design| excess(design, &filter)).sum::<f64>() / designs.len() as f64
    };
    let curve: Vec<f64> = times.iter().map(at).collect();
    let sign = if about.is_minimum { 1.0 } else { -1.0 };
    let best = (1..40).min_by(|&a, &b| (sign * curve[a]).total_cmp(&(sign * curve[b]))).unwrap();
    assert!(best > 1 && best < 39, "the curve turns within a factor e of the theory");
    let [before, here, after] = [curve[best - 1], curve[best], curve[best + 1]];
    let shift = 0.5 * (before - after) / (before - 2.0 * here + after);
    [times[best] * (0.05 * shift).exp(), here - 0.25 * (before - after) * shift]
}

/// Minimum, maximum and minimum again: their times and heights in the mean of a batch of designs; error bars from ten
/// batches.
#[test]
fn turns_of_the_second_descent() {
    let turns = gradient_flow::turns(&GROUPS, 1.0, LOUD).unwrap();
    assert_eq!(turns.iter().map(|turn| turn.is_minimum).collect::<Vec<_>>(), [true, false, true]);
    let designs = three(|i| designs(SIZES[i], [400, 200, 100][i]));
    let (mut times, mut heights) = (Limits::default(), Limits::default());
    for (which, expected) in turns.iter().enumerate() {
        let found = three(|i| {
            let batches = designs[i].chunks(designs[i].len() / 10);
            batches.map(|batch| turn(batch, expected)).collect::<Vec<_>>()
        });
        let over = |part: usize| three(|i| mean(found[i].iter().map(|turn| turn[part])));
        times.add(format!("time of turn {which}"), over(0), [expected.time; 3]);
        heights.add(format!("excess at turn {which}"), over(1), [expected.excess; 3]);
    }
    heights.finish();
    times.finish_under(0.2);
}

/// Features of variance 1 are learned and those of variance 1e-10 are not: exact for Gaussian features, at every size.
#[test]
fn the_plateau_between_two_scales() {
    const SLOW: usize = 5;
    let mut table = Exact::default();
    for (n, fast, slow, noise) in [(40, 10, 1.5, 0.5), (40, 28, 0.3, 2.0), (16, 3, 4.0, 0.0)] {
        let variances = Array1::from_shape_fn(fast + SLOW, |i| if i < fast { 1.0 } else { 1e-10 });
        let teacher = Array2::from_shape_fn((fast + SLOW, 1), |(i, _)| {
            if i < fast { 0.7 } else { f64::sqrt(1e10 * slow / SLOW as f64) }
        });
        let population = Population::new(Covariance::diagonal(&variances).unwrap(), teacher, noise).unwrap();
        // Fast features have eigenvalues above 1e-3: e^(−100) of them is left, and all but 1e-5 of the slow ones.
        let flow = GradientFlow::new(1e5, Loss::HalfMean).unwrap();
        let run = |repeat| {
            let x = normal(&mut stream(92, n + fast, repeat), n, fast + SLOW) * &variances.mapv(f64::sqrt);
            population.given(&Svd::new(&x).unwrap()).unwrap().of(&flow).unwrap().excess()
        };
        let found: Mean = mean((0..3000).map(run));
        let expected = gradient_flow::plateau(n, fast, slow, noise).unwrap();
        table.add(format!("{fast} fast features at n = {n}"), found, expected);
    }
    table.finish();
}
