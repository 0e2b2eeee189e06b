//! Filters that run in time or steps, against the iterations and the flows they stand for.

mod common;

use common::matrices::normal;
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, DecayedFlow, GradientDescent, GradientFlow, HeavyBall, Loss, Nesterov, RegularisedFlow,
    Ridge, Schedule, SpectralFilter, Spectrum,
};
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayRef2};

const LOSSES: [Loss; 4] = [Loss::HalfSum, Loss::HalfMean, Loss::Mean, Loss::Sum];

fn residual(filter: &dyn SpectralFilter, mu: f64) -> f64 {
    let sigma = [mu.sqrt()];
    let spectrum = Spectrum::new(1, 1, &sigma);
    let gains = filter.gains(spectrum).to_vec();
    let mut left = [0.0];
    filter.write_residuals(spectrum, &gains, &mut left);
    left[0]
}

/// Cases of the formula sheet, computed there with 25 digits.
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
        // √μ squared again is off by an ε, which k steps multiply.
        let bound = 1e-11 * right.abs()
            + if filter.describe().contains("Nesterov") { 1e-9 * right.abs() } else { 0.0 };
        assert!((found - right).abs() <= bound, "{}: {found:e}, not {right:e}", filter.describe());
        assert_eq!(residual(&*filter, 0.0), 1.0, "{}: a null mode stays where it is", filter.describe());
    }
}

/// `steps` of `update(β, β before, gradient at)`, from 0.
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

/// Relative distance, in the norm of the larger.
fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let norm = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
    norm(&(a - b)) / norm(a).max(norm(b))
}

/// 1,500 steps. The iteration itself is off by `steps · ε` or so, 4e-13.
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
            let mut sum = Array2::zeros((p, 2));
            for steps in 0..60 {
                sum += &iterate(&x, &y, loss, steps, |_, beta, _, gradient| beta - gradient(beta) * largest);
            }
            check(&AveragedDescent::new(largest, 60, loss).unwrap(), &(sum / 60.0));
        }
    }
}

/// Rosenbrock's method of order 2 is far too coarse here; the reference is the implicit trapezoid rule, extrapolated: for
/// a linear system its steps `(I + hA/2)⁻¹(I − hA/2)` are exact to `h²`, and three step sizes cancel `h²` and `h⁴`.
#[test]
fn the_flow_solves_its_equation() {
    let (x, y) = (normal(9, 4, 3), normal(9, 1, 4));
    let svd = Svd::new(&x).unwrap();
    for loss in LOSSES {
        let c = loss.curvature(9);
        let time = 0.7 / c;
        let integrate = |steps: usize| {
            let h = time / steps as f64;
            // (I + h c XᵀX/2) β⁺ = β + h c Xᵀ(y − Xβ/2): a ridge problem, solved by its own SVD.
            let ridge = Ridge::new(2.0 / (h * c)).unwrap();
            let mut beta = Array2::zeros((4, 1));
            for _ in 0..steps {
                // β⁺ = β + d with (2/(hc) + XᵀX) d = 2 Xᵀ(y − Xβ).
                beta = &beta + &(svd.solve(&(&y - &x.dot(&beta)), &ridge).unwrap() * 2.0);
            }
            beta
        };
        let [a, b, d] = [400, 800, 1600].map(integrate);
        let (ab, bd) = ((&b * 4.0 - &a) / 3.0, (&d * 4.0 - &b) / 3.0);
        let reference = (&bd * 16.0 - &ab) / 15.0;
        let far = distance(&svd.solve(&y, &GradientFlow::new(time, loss).unwrap()).unwrap(), &reference);
        assert!(far < 1e-10, "{loss:?}: {far:e}");
    }
}

/// One step of descent against the two flows: the error of the regularised one falls with h³, of the plain one with h².
#[test]
fn the_regularised_flow_agrees_to_third_order() {
    let mu = 1.7;
    let errors = |h: f64| {
        let step = residual(&GradientDescent::new(Schedule::Constant(h), 1, Loss::HalfSum).unwrap(), mu);
        let bent = residual(&RegularisedFlow::new(h, h, Loss::HalfSum).unwrap(), mu);
        let plain = residual(&GradientFlow::new(h, Loss::HalfSum).unwrap(), mu);
        (bent - step, plain - step)
    };
    for h in [0.02, 0.01, 0.005] {
        let (coarse, fine) = (errors(h), errors(h / 2.0));
        let (third, second) = (coarse.0 / fine.0, coarse.1 / fine.1);
        assert!((7.0..9.0).contains(&third), "h = {h}: {third}");
        assert!((3.5..4.5).contains(&second), "h = {h}: {second}");
        assert!((fine.0 / (h / 2.0 * mu).powi(3) - 1.0 / 3.0).abs() < 0.02);
    }
}

/// Gains and residual factors keep all digits where nearly nothing, or nearly everything, has been fitted.
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

/// However many steps there are, an answer or an error comes at once.
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
    // None at all leave everything, also for the step that would fit a mode at once.
    for schedule in
        [Schedule::Constant(1.0), Schedule::Listed(vec![1.0]), Schedule::WarmUp { last: 1.0, steps: 2 }]
    {
        assert_eq!(residual(&GradientDescent::new(schedule, 0, H).unwrap(), 1.0), 1.0);
    }
}
