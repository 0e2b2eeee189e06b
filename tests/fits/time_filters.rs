//! Filters that run in time or steps: their formulas, the iterations they stand for, and their limits. `flows` tests
//! those in continuous time.

use crate::common::matrices::normal;
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, Chebyshev, DecayedFlow, FeatureSteps, GradientDescent, GradientFlow, HeavyBall,
    HeavyBallFlow, IteratedTikhonov, Length, Loss, Nesterov, NesterovFlow, PrincipalFlow, RegularisedFlow,
    Ridge, Schedule, SpectralFilter, Spectrum,
};
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayRef2};
use std::cell::RefCell;

pub const LOSSES: [Loss; 4] = [Loss::HalfSum, Loss::HalfMean, Loss::Mean, Loss::Sum];

pub fn residual(filter: &dyn SpectralFilter, mu: f64) -> f64 {
    let sigma = [mu.sqrt()];
    let spectrum = Spectrum::new(1, 1, &sigma);
    let gains = filter.gains(spectrum).to_vec();
    let mut left = [0.0];
    filter.write_residuals(spectrum, &gains, &mut left);
    left[0]
}

/// Residual factors agree with values of their formulas that were computed with 25 digits.
#[test]
fn residual_factors_are_those_of_the_formulas() {
    const H: Loss = Loss::HalfSum;
    let constant = Schedule::Constant;
    let cases: Vec<(Box<dyn SpectralFilter>, f64, f64)> = vec![
        (Box::new(GradientFlow::new(10.0, H).unwrap()), 0.01, 0.904_837_418_035_959_5),
        (Box::new(GradientFlow::new(1.0, H).unwrap()), 1.0, 0.367_879_441_171_442_33),
        (Box::new(GradientDescent::new(constant(0.3), 7, H).unwrap()), 0.5, 0.320_577_088_281_249_9),
        (Box::new(GradientDescent::new(constant(0.5), 20, H).unwrap()), 1.7, 3.325_256_730_079_661e-17),
        (Box::new(RegularisedFlow::new(10.0, 0.1, H).unwrap()), 0.01, 0.904_792_177_296_085_7),
        (Box::new(RegularisedFlow::new(0.5, 0.2, H).unwrap()), 4.0, 0.060_810_062_625_217_97),
        (Box::new(DecayedFlow::new(10.0, 0.3, H).unwrap()), 0.01, 0.969_195_135_561_082_5),
        (Box::new(DecayedFlow::new(1.0, 2.0, H).unwrap()), 1.0, 0.683_262_356_122_621_3),
        (Box::new(HeavyBall::new(0.3, 0.5, 7, H).unwrap()), 0.5, 0.016_773_369_531_250_14),
        (Box::new(HeavyBall::new(0.5, 0.8, 20, H).unwrap()), 1.7, -0.023_613_404_557_095_63),
        (Box::new(Nesterov::new(0.1, 100, H).unwrap()), 0.01, 0.152_479_173_707_129_32),
        (Box::new(Nesterov::new(0.2, 50, H).unwrap()), 4.0, -5.262_536_079_974_330_4e-21),
        (
            Box::new(Nesterov::new(0.5, 20, H).unwrap().with_momentum(0.8).unwrap()),
            1.7,
            -1.227_621_806_984_250_8e-10,
        ),
        (Box::new(AveragedDescent::new(0.3, 7, H).unwrap()), 0.5, 0.647_069_439_732_142_8),
        (Box::new(AveragedDescent::new(0.5, 20, H).unwrap()), 1.7, 0.058_823_529_411_764_705),
    ];
    for (filter, mu, right) in cases {
        let found = residual(&*filter, mu);
        // Squaring √μ has an error of ε, which k steps multiply.
        let bound = 1e-11 * right.abs()
            + if filter.describe().contains("Nesterov") { 1e-9 * right.abs() } else { 0.0 };
        assert!((found - right).abs() <= bound, "{}: {found:e}, not {right:e}", filter.describe());
        assert_eq!(residual(&*filter, 0.0), 1.0, "{}: a null mode stays where it is", filter.describe());
    }
}

/// Runs `steps` of `update(β, β before, gradient at)` from 0.
fn iterate(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    loss: Loss,
    steps: usize,
    update: impl Fn(usize, &Array2<f64>, &Array2<f64>, &dyn Fn(&Array2<f64>) -> Array2<f64>) -> Array2<f64>,
) -> Array2<f64> {
    let c = loss.curvature(x.nrows());
    let gradient = |beta: &Array2<f64>| x.t().dot(&(x.dot(beta) - y)) * c;
    let mut before = Array2::zeros((x.ncols(), y.ncols()));
    let mut beta = before.clone();
    for k in 0..steps {
        let next = update(k, &beta, &before, &gradient);
        before = std::mem::replace(&mut beta, next);
    }
    beta
}

/// Relative distance, in the norm of the larger matrix.
pub fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let norm = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
    norm(&(a - b)) / norm(a).max(norm(b))
}

/// Compared with 1,500 explicit steps, whose own error is about `steps · ε`, 4e-13.
#[test]
fn steps_are_those_of_the_explicit_iteration() {
    const STEPS: usize = 1500;
    for (n, p) in [(12, 5), (5, 12), (8, 8)] {
        let (x, y) = (normal(n, p, 1), normal(n, 2, 2));
        let svd = Svd::new(&x).unwrap();
        let s1 = svd.singular_values()[0];
        for loss in LOSSES {
            let largest = 1.0 / (loss.curvature(n) * s1 * s1);
            let check = |filter: &dyn SpectralFilter, explicit: &Array2<f64>| {
                let far = distance(&svd.solve(&y, filter).unwrap(), explicit);
                assert!(far < 1e-10, "{n} × {p}, {}: {far:e}", filter.describe());
            };
            let schedules = [
                Schedule::Constant(1.9 * largest),
                Schedule::InverseSqrt { first: largest, period: 1 },
                Schedule::InverseSqrt { first: largest, period: 64 },
                Schedule::Drops { first: largest, factor: 0.1, at: vec![100, 700] },
                Schedule::WarmUp { last: 1.5 * largest, steps: 200 },
                Schedule::Listed(vec![largest, 0.5 * largest, 0.25 * largest]),
            ];
            for schedule in schedules {
                let explicit = iterate(&x, &y, loss, STEPS, |k, beta, _, gradient| {
                    beta - gradient(beta) * schedule.at(k)
                });
                check(&GradientDescent::new(schedule, STEPS, loss).unwrap(), &explicit);
            }
            let explicit = iterate(&x, &y, loss, STEPS, |_, beta, before, gradient| {
                beta - gradient(beta) * largest + (beta - before) * 0.9
            });
            check(&HeavyBall::new(largest, 0.9, STEPS, loss).unwrap(), &explicit);
            for momentum in [None, Some(0.8)] {
                let explicit = iterate(&x, &y, loss, STEPS, |k, beta, before, gradient| {
                    let m = momentum.unwrap_or(k as f64 / (k as f64 + 3.0));
                    let ahead = beta + (beta - before) * m;
                    &ahead - gradient(&ahead) * largest
                });
                let filter = Nesterov::new(largest, STEPS, loss).unwrap();
                let filter = momentum.map_or(filter, |m| filter.with_momentum(m).unwrap());
                check(&filter, &explicit);
            }
            let sum = RefCell::new(Array2::zeros((p, 2)));
            iterate(&x, &y, loss, STEPS, |_, beta, _, gradient| {
                *sum.borrow_mut() += beta;
                beta - gradient(beta) * largest
            });
            check(&AveragedDescent::new(largest, STEPS, loss).unwrap(), &(sum.into_inner() / STEPS as f64));
        }
    }
}

/// Gains and residual factors keep all digits when almost nothing, or almost everything, has been fitted.
#[test]
fn nothing_cancels_early_or_late() {
    let one = |filter: &dyn SpectralFilter, sigma: f64| {
        let spectrum = [sigma];
        let spectrum = Spectrum::new(1, 1, &spectrum);
        let gains = filter.gains(spectrum).to_vec();
        let mut left = [0.0];
        filter.write_residuals(spectrum, &gains, &mut left);
        (gains[0], left[0])
    };
    let close = |found: f64, right: f64| (found / right - 1.0).abs() < 1e-13;
    for time in [1e-12, 1.0, 1e12] {
        // Early: gain t σ (1 − tσ²/2), with tσ² = 1e-14.
        let sigma = 1e-7 / f64::sqrt(time);
        let flow = GradientFlow::new(time, Loss::HalfSum).unwrap();
        assert!(close(one(&flow, sigma).0, time * sigma), "t = {time:e}");
        // Late: e^{−100}.
        let sigma = 10.0 / f64::sqrt(time);
        assert!((one(&flow, sigma).1 / (-100.0_f64).exp() - 1.0).abs() < 1e-12);
    }
    let h = 1e-3;
    let descent = GradientDescent::new(Schedule::Constant(h), 5, Loss::HalfSum).unwrap();
    let ball = HeavyBall::new(h, 0.5, 5, Loss::HalfSum).unwrap();
    let average = AveragedDescent::new(h, 5, Loss::HalfSum).unwrap();
    let sigma = 1e-9;
    assert!(close(one(&descent, sigma).0, 5.0 * h * sigma));
    // Sums of (1 − mʲ)/(1 − m) for j = 1 … 5.
    assert!(close(one(&ball, sigma).0, (1.0 + 1.5 + 1.75 + 1.875 + 1.9375) * h * sigma));
    assert!(close(one(&average, sigma).0, 2.0 * h * sigma), "the mean of 0, 1, … 4 steps");
}

#[test]
fn steps_over_the_limit_and_numbers_outside_their_domain_are_errors() {
    let x = ndarray::array![[2.0, 0.0], [0.0, 1.0]];
    let (svd, y) = (Svd::new(&x).unwrap(), ndarray::array![[1.0], [1.0]]);
    let descent = |h: f64, loss| GradientDescent::new(Schedule::Constant(h), 10, loss).unwrap();
    assert!(svd.solve(&y, &descent(0.499, Loss::HalfSum)).is_ok());
    for (filter, limit) in [
        (Box::new(descent(0.5, Loss::HalfSum)) as Box<dyn SpectralFilter>, 0.5),
        (Box::new(descent(1.0, Loss::HalfMean)), 1.0),
        (Box::new(descent(0.25, Loss::Sum)), 0.25),
        (Box::new(HeavyBall::new(0.75, 0.5, 9, Loss::HalfSum).unwrap()), 0.75),
        (Box::new(Nesterov::new(0.34, 9, Loss::HalfSum).unwrap()), 1.0 / 3.0),
        (Box::new(Nesterov::new(0.38, 9, Loss::HalfSum).unwrap().with_momentum(0.5).unwrap()), 0.375),
        (Box::new(AveragedDescent::new(0.5, 9, Loss::HalfSum).unwrap()), 0.5),
    ] {
        match svd.solve(&y, &*filter) {
            Err(Error::StepTooLarge { limit: found, .. }) => {
                assert!((found / limit - 1.0).abs() < 1e-12, "{}: {found}", filter.describe());
            }
            other => panic!("{}: {other:?}", filter.describe()),
        }
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(GradientFlow::new(bad, Loss::Mean), Err(Error::Domain { .. })));
        assert!(matches!(DecayedFlow::new(1.0, bad, Loss::Mean), Err(Error::Domain { .. })));
        assert!(matches!(RegularisedFlow::new(1.0, bad, Loss::Mean), Err(Error::Domain { .. })));
        assert!(matches!(HeavyBall::new(bad, 0.5, 1, Loss::Mean), Err(Error::Domain { .. })));
        assert!(matches!(HeavyBall::new(0.1, bad, 1, Loss::Mean), Err(Error::Domain { .. })));
        for schedule in [
            Schedule::Constant(bad),
            Schedule::Listed(vec![0.1, bad]),
            Schedule::Drops { first: 0.1, factor: bad, at: vec![] },
            Schedule::WarmUp { last: bad, steps: 3 },
        ] {
            assert!(matches!(GradientDescent::new(schedule, 5, Loss::Mean), Err(Error::Domain { .. })));
        }
    }
    for schedule in [
        Schedule::Listed(vec![]),
        Schedule::WarmUp { last: 1.0, steps: 0 },
        Schedule::InverseSqrt { first: 1.0, period: 0 },
    ] {
        assert!(matches!(GradientDescent::new(schedule, 5, Loss::Mean), Err(Error::Empty { .. })));
    }
    assert!(matches!(AveragedDescent::new(0.1, 0, Loss::Mean), Err(Error::Domain { .. })));
}

/// Any number of steps gives an answer or an error at once.
#[test]
fn any_number_of_steps() {
    const H: Loss = Loss::HalfSum;
    let many = usize::MAX;
    for schedule in [
        Schedule::Constant(0.1),
        Schedule::Drops { first: 0.1, factor: 0.5, at: vec![7, many, 3, 3] },
        Schedule::WarmUp { last: 0.1, steps: 1000 },
        Schedule::Listed(vec![0.1, 0.2]),
        Schedule::InverseSqrt { first: 0.1, period: many / 1000 },
    ] {
        let descent = GradientDescent::new(schedule.clone(), many, H).unwrap();
        assert_eq!(residual(&descent, 1.0), 0.0, "{schedule:?}");
    }
    for schedule in
        [Schedule::InverseSqrt { first: 0.1, period: 1 }, Schedule::WarmUp { last: 0.1, steps: many }]
    {
        assert!(matches!(GradientDescent::new(schedule, many, H), Err(Error::Resource { .. })));
    }
    assert!(matches!(HeavyBall::new(0.1, 0.5, many, H), Err(Error::Resource { .. })));
    assert!(matches!(Nesterov::new(0.1, many, H), Err(Error::Resource { .. })));
    assert!((residual(&AveragedDescent::new(0.1, many, H).unwrap(), 1.0) * many as f64 - 10.0).abs() < 1e-9);
    // Zero steps leave everything unfitted, even with a step size that would fit a mode in one step.
    for schedule in
        [Schedule::Constant(1.0), Schedule::Listed(vec![1.0]), Schedule::WarmUp { last: 1.0, steps: 2 }]
    {
        assert_eq!(residual(&GradientDescent::new(schedule, 0, H).unwrap(), 1.0), 1.0);
    }
}

/// Every recorded value of a filter of each kind, to its recorded accuracy.
#[test]
fn recorded_residual_factors() {
    const H: Loss = Loss::HalfSum;
    type Make = fn(&dyn Fn(&str) -> f64) -> Box<dyn SpectralFilter>;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn count(v: f64) -> usize {
        v as usize
    }
    let kinds: [(&str, f64, Make); 14] = [
        ("filter.principal_flow", 1e-11, |of| Box::new(PrincipalFlow::new(of("t"), of("h"), H).unwrap())),
        ("filter.nesterov_ode", 1e-10, |of| Box::new(NesterovFlow::new(of("t"), H).unwrap())),
        ("filter.heavy_ball_ode", 1e-10, |of| Box::new(HeavyBallFlow::new(of("t"), of("a"), H).unwrap())),
        ("filter.flow", 1e-11, |of| Box::new(GradientFlow::new(of("t"), H).unwrap())),
        ("filter.gd", 1e-11, |of| {
            Box::new(GradientDescent::new(Schedule::Constant(of("h")), count(of("k")), H).unwrap())
        }),
        ("filter.igr_flow", 1e-11, |of| Box::new(RegularisedFlow::new(of("t"), of("h"), H).unwrap())),
        ("filter.flow_ridge", 1e-11, |of| Box::new(DecayedFlow::new(of("t"), of("lam"), H).unwrap())),
        ("filter.ridge", 1e-11, |of| Box::new(Ridge::new(of("lam")).unwrap())),
        ("filter.iterated_tikhonov", 1e-11, |of| {
            Box::new(IteratedTikhonov::new(of("lam"), count(of("k"))).unwrap())
        }),
        ("filter.heavy_ball", 1e-9, |of| {
            Box::new(HeavyBall::new(of("eta"), of("m"), count(of("k")), H).unwrap())
        }),
        ("filter.nesterov", 1e-9, |of| Box::new(Nesterov::new(of("eta"), count(of("k")), H).unwrap())),
        ("filter.nesterov_const", 1e-9, |of| {
            let nesterov = Nesterov::new(of("eta"), count(of("k")), H).unwrap();
            Box::new(nesterov.with_momentum(of("m")).unwrap())
        }),
        ("filter.chebyshev", 1e-9, |of| {
            Box::new(Chebyshev::new(of("lo"), of("hi"), count(of("k")), H).unwrap())
        }),
        ("filter.avg_gd", 1e-11, |of| Box::new(AveragedDescent::new(of("h"), count(of("k")), H).unwrap())),
    ];
    for (id, relative, make) in kinds {
        let Some(cases) = recorded(id) else { return };
        for case in cases {
            let of = |name: &str| value(&case, "inputs", name);
            let (found, right) = (residual(&*make(&of), of("mu")), value(&case, "outputs", "value"));
            assert!(
                (found - right).abs() <= relative * right.abs() + 1e-14,
                "{id}: {found:e}, not {right:e}"
            );
        }
    }
    // One step of descent against the flow that it approximates, after the time of one step.
    for case in recorded("filter.igr_one_step_error").unwrap() {
        let of = |name: &str| value(&case, "inputs", name);
        let (mu, h) = (of("mu"), of("h"));
        let step = GradientDescent::new(Schedule::Constant(h), 1, H).unwrap();
        let found = residual(&RegularisedFlow::new(h, h, H).unwrap(), mu) - residual(&step, mu);
        let right = value(&case, "outputs", "value");
        assert!((found - right).abs() <= 1e-6 * right.abs() + 1e-16, "{found:e}, not {right:e}");
    }
    for case in recorded("filter.heavy_ball_modified_rate").unwrap() {
        let of = |name: &str| value(&case, "inputs", name);
        let flow = RegularisedFlow::of_heavy_ball(1, of("h"), of("m"), H).unwrap();
        let rate = -residual(&flow, of("mu")).ln();
        assert!((rate / value(&case, "outputs", "value") - 1.0).abs() < 1e-11);
    }
}

/// Epochs are converted to steps by the number of rows, at every size.
#[test]
fn epochs_follow_the_number_of_rows() {
    let schedule = Schedule::InverseSqrt { first: 0.01, period: 3 };
    for n in [5, 8, 9, 40] {
        let (x, y) = (normal(n, 6, 1), normal(n, 1, 2));
        let svd = Svd::new(&x).unwrap();
        let steps = 30 * n.div_ceil(4);
        let epochs = Length::Epochs { count: 30, batch: 4 };
        assert_eq!(epochs.steps(n), steps);
        let pairs: [(Box<dyn SpectralFilter>, Box<dyn SpectralFilter>); 4] = [
            (
                Box::new(GradientDescent::new(schedule.clone(), epochs, Loss::Mean).unwrap()),
                Box::new(GradientDescent::new(schedule.clone(), steps, Loss::Mean).unwrap()),
            ),
            (
                Box::new(HeavyBall::new(0.01, 0.5, epochs, Loss::Mean).unwrap()),
                Box::new(HeavyBall::new(0.01, 0.5, steps, Loss::Mean).unwrap()),
            ),
            (
                Box::new(Nesterov::new(0.01, epochs, Loss::Mean).unwrap()),
                Box::new(Nesterov::new(0.01, steps, Loss::Mean).unwrap()),
            ),
            (
                Box::new(AveragedDescent::new(0.01, epochs, Loss::Mean).unwrap()),
                Box::new(AveragedDescent::new(0.01, steps, Loss::Mean).unwrap()),
            ),
        ];
        for (by_epochs, by_steps) in pairs {
            assert_eq!(svd.solve(&y, &*by_epochs).unwrap(), svd.solve(&y, &*by_steps).unwrap());
        }
    }
    let many = Length::Epochs { count: usize::MAX, batch: 1 };
    let svd = Svd::new(&normal(5, 3, 1)).unwrap();
    let y = normal(5, 1, 2);
    let ball = HeavyBall::new(0.01, 0.5, many, Loss::Mean).unwrap();
    assert!(matches!(svd.solve(&y, &ball), Err(Error::Resource { .. })));
    let changing =
        GradientDescent::new(Schedule::InverseSqrt { first: 0.01, period: 1 }, many, Loss::Mean).unwrap();
    assert!(matches!(svd.solve(&y, &changing), Err(Error::Resource { .. })));
    let none = Length::Epochs { count: 3, batch: 0 };
    assert!(matches!(GradientDescent::new(schedule, none, Loss::Mean), Err(Error::Domain { .. })));
}

/// One step size per feature, 1,500 steps, from 0 and from another start. Step size 0 leaves its feature at the start.
#[test]
fn steps_of_each_feature() {
    for (n, p) in [(12, 5), (5, 12)] {
        let (x, y, start) = (normal(n, p, 1), normal(n, 2, 2), normal(p, 2, 3));
        let sizes: Vec<f64> = (0..p).map(|j| if j == 2 { 0.0 } else { 1e-3 * (1 + j) as f64 }).collect();
        let steps = FeatureSteps::new(&sizes).unwrap();
        let svd = Svd::new(&steps.design(&x).unwrap()).unwrap();
        let filter = GradientDescent::new(Schedule::Constant(1.0), 1500, Loss::HalfSum).unwrap();
        for start in [Array2::zeros((p, 2)), start] {
            let mut beta = start.clone();
            for _ in 0..1500 {
                let gradient = x.t().dot(&(x.dot(&beta) - &y));
                for (j, mut row) in beta.rows_mut().into_iter().enumerate() {
                    row.scaled_add(-sizes[j], &gradient.row(j));
                }
            }
            let fit = svd.solve(&(&y - &x.dot(&start)), &filter).unwrap();
            let found = steps.coefficients(&fit).unwrap() + &start;
            assert!(distance(&found, &beta) < 1e-10, "{n} × {p}: {:e}", distance(&found, &beta));
            assert_eq!(found.row(2), start.row(2));
        }
    }
    assert!(matches!(FeatureSteps::new(&[]), Err(Error::Empty { .. })));
    assert!(matches!(FeatureSteps::new(&[1.0, -1.0]), Err(Error::Domain { .. })));
    let steps = FeatureSteps::new(&[1.0, 1.0]).unwrap();
    assert!(matches!(steps.design(&normal(3, 3, 1)), Err(Error::Shape { .. })));
}

/// Steps of size 0 change nothing, however many there are; and sizes that round to equal ones are not visited for ever.
#[test]
fn schedules_of_size_0_end() {
    let zero = [
        Schedule::WarmUp { last: 0.0, steps: usize::MAX },
        Schedule::InverseSqrt { first: 0.0, period: 1 },
        Schedule::Constant(0.0),
    ];
    for schedule in zero {
        let descent = GradientDescent::new(schedule, usize::MAX, Loss::HalfSum).unwrap();
        assert_eq!(residual(&descent, 3.0), 1.0);
    }
    for first in [5e-324, 1.0] {
        let schedule = |steps| {
            GradientDescent::new(Schedule::InverseSqrt { first, period: 1 }, steps, Loss::HalfSum).map(drop)
        };
        assert_eq!(schedule(1 << 20), Ok(()));
        assert!(matches!(schedule(1_000_000_000_000), Err(Error::Resource { .. })));
    }
}

/// Where `c σ²` overflows, a time or step of 0 still leaves everything as it was, and weight decay no more than ridge
/// does.
#[test]
fn time_0_is_the_start_for_the_largest_singular_values() {
    const H: Loss = Loss::HalfSum;
    let spectrum = Spectrum::new(2, 2, &[1e160, 1e-3]);
    let still: [Box<dyn SpectralFilter>; 8] = [
        Box::new(GradientFlow::new(0.0, H).unwrap()),
        Box::new(DecayedFlow::new(0.0, 1.0, H).unwrap()),
        Box::new(RegularisedFlow::new(0.0, 10.0, H).unwrap()),
        Box::new(PrincipalFlow::new(0.0, 0.0, H).unwrap()),
        Box::new(HeavyBallFlow::new(0.0, 1.0, H).unwrap()),
        Box::new(NesterovFlow::new(0.0, H).unwrap()),
        Box::new(GradientDescent::new(Schedule::Constant(0.0), 10, H).unwrap()),
        Box::new(AveragedDescent::new(0.0, 10, H).unwrap()),
    ];
    for filter in still {
        assert_eq!(filter.check(spectrum), Ok(()), "{}", filter.describe());
        let gains = filter.gains(spectrum).to_vec();
        let mut left = [f64::NAN; 2];
        filter.write_residuals(spectrum, &gains, &mut left);
        assert_eq!((&gains[..], left), (&[0.0, 0.0][..], [1.0, 1.0]), "{}", filter.describe());
    }
    let decayed = DecayedFlow::new(1.0, 1.0, H).unwrap();
    assert_eq!(decayed.gains(spectrum)[0], 1e-160);
    let descent = GradientDescent::new(Schedule::Constant(1e-200), 10, H).unwrap();
    assert!(matches!(descent.check(spectrum), Err(Error::StepTooLarge { .. })));
}

/// For a friction `a ≫ √μ` the residual factor is `e^{−μt/a}` up to relative `μ/a²`, also where `a²` overflows.
#[test]
fn a_friction_whose_square_overflows_is_slow() {
    for (a, t, left, moved) in [(1e160, 1.0, 1.0, 1e-160), (1e160, 1e160, (-1f64).exp(), -(-1f64).exp_m1())] {
        let flow = HeavyBallFlow::new(t, a, Loss::HalfSum).unwrap();
        let gain = flow.gains(Spectrum::new(1, 1, &[1.0]))[0];
        assert!((residual(&flow, 1.0) / left - 1.0).abs() < 1e-15, "{a:e}, {t:e}");
        assert!((gain / moved - 1.0).abs() < 1e-15, "{a:e}, {t:e}: {gain:e}");
    }
}
