//! Filters that run in time or steps, against the iterations and the flows they stand for.

mod common;

use common::matrices::{normal, with_spectrum};
use common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, DecayedFlow, FeatureSteps, GradientDescent, GradientFlow, HeavyBall, HeavyBallFlow,
    Length, Loss, Nesterov, NesterovFlow, PrincipalFlow, RegularisedFlow, Ridge, Schedule, SpectralFilter,
    Spectrum, StochasticFlow,
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

/// One step of Radau's method IIA of order 5 (Hairer and Wanner, *Solving Ordinary Differential Equations* II, table
/// IV.5.6) for `b' = q − A b`: its three stages are one linear system, solved by elimination.
fn radau(a: &Array2<f64>, q: &Array2<f64>, b: &Array2<f64>, h: f64) -> Array2<f64> {
    let root = 6f64.sqrt();
    let table = [
        [(88.0 - 7.0 * root) / 360.0, (296.0 - 169.0 * root) / 1800.0, (-2.0 + 3.0 * root) / 225.0],
        [(296.0 + 169.0 * root) / 1800.0, (88.0 + 7.0 * root) / 360.0, (-2.0 - 3.0 * root) / 225.0],
        [(16.0 - root) / 36.0, (16.0 + root) / 36.0, 1.0 / 9.0],
    ];
    let (p, slope) = (a.nrows(), q - a.dot(b));
    // (I + h T ⊗ A) K = slope, in each block.
    let mut m = Array2::from_shape_fn((3 * p, 3 * p + 1), |(i, j)| {
        if j == 3 * p {
            return slope[[i % p, 0]];
        }
        f64::from(u8::from(i == j)) + h * table[i / p][j / p] * a[[i % p, j % p]]
    });
    for i in 0..3 * p {
        let pivot = (i..3 * p).max_by(|&s, &t| m[[s, i]].abs().total_cmp(&m[[t, i]].abs())).unwrap();
        for j in 0..=3 * p {
            m.swap([i, j], [pivot, j]);
        }
        for s in (0..3 * p).filter(|&s| s != i) {
            let factor = m[[s, i]] / m[[i, i]];
            for j in i..=3 * p {
                m[[s, j]] -= factor * m[[i, j]];
            }
        }
    }
    let stage = |i: usize| m[[i, 3 * p]] / m[[i, i]];
    Array2::from_shape_fn((p, 1), |(i, _)| {
        b[[i, 0]] + h * (0..3).map(|s| table[2][s] * stage(s * p + i)).sum::<f64>()
    })
}

/// Rates from 1 to 1e-6: an explicit method would need a million steps and more. Steps grow by 1 %, so that a mode at
/// its own time errs by about (0.01 μt)⁶/7200 a step, 1e-12 in all.
#[test]
fn flows_agree_with_a_stiff_integration() {
    let x = with_spectrum(9, 4, &[1.0, 0.1, 0.01, 1e-3], 21);
    let y = normal(9, 1, 22);
    let svd = Svd::new(&x).unwrap();
    for (decay, step) in [(0.0, 0.0), (1e-3, 0.0), (0.0, 0.8)] {
        let hessian = x.t().dot(&x);
        // Of L, of L + ½λ‖β‖², of L + (h/4)‖∇L‖².
        let bend = Array2::<f64>::eye(4) + &hessian * (0.5 * step);
        let a = bend.dot(&hessian) + Array2::<f64>::eye(4) * decay;
        let q = bend.dot(&x.t().dot(&y));
        let (mut time, mut beta, mut next) = (0.0, Array2::zeros((4, 1)), 1e-3);
        for wanted in [0.01, 1.0, 30.0, 1e3, 1e6, 1e7] {
            while time < wanted {
                let h = if time + 1.01 * next > wanted { wanted - time } else { next };
                beta = radau(&a, &q, &beta, h);
                time = if h == next { time + h } else { wanted };
                next = (0.01 * time).max(1e-3);
            }
            let filter: Box<dyn SpectralFilter> = if decay > 0.0 {
                Box::new(DecayedFlow::new(wanted, decay, Loss::HalfSum).unwrap())
            } else if step > 0.0 {
                Box::new(RegularisedFlow::new(wanted, step, Loss::HalfSum).unwrap())
            } else {
                Box::new(GradientFlow::new(wanted, Loss::HalfSum).unwrap())
            };
            let far = distance(&svd.solve(&y, &*filter).unwrap(), &beta);
            assert!(far < 1e-10, "{}: {far:e}", filter.describe());
        }
    }
}

/// The implicit trapezoid rule, extrapolated: for a linear system its steps `(I + hA/2)⁻¹(I − hA/2)` are exact to `h²`,
/// and three step sizes cancel `h²` and `h⁴`.
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

/// Every recorded value of a filter of this kind, to the accuracy that is recorded with it.
#[test]
fn recorded_residual_factors() {
    const H: Loss = Loss::HalfSum;
    type Make = fn(&dyn Fn(&str) -> f64) -> Box<dyn SpectralFilter>;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn count(v: f64) -> usize {
        v as usize
    }
    let kinds: [(&str, f64, Make); 7] = [
        ("filter.principal_flow", 1e-11, |of| Box::new(PrincipalFlow::new(of("t"), of("h"), H).unwrap())),
        ("filter.nesterov_ode", 1e-10, |of| Box::new(NesterovFlow::new(of("t"), H).unwrap())),
        ("filter.heavy_ball_ode", 1e-10, |of| Box::new(HeavyBallFlow::new(of("t"), of("a"), H).unwrap())),
        ("filter.flow", 1e-11, |of| Box::new(GradientFlow::new(of("t"), H).unwrap())),
        ("filter.gd", 1e-11, |of| {
            Box::new(GradientDescent::new(Schedule::Constant(of("h")), count(of("k")), H).unwrap())
        }),
        ("filter.igr_flow", 1e-11, |of| Box::new(RegularisedFlow::new(of("t"), of("h"), H).unwrap())),
        ("filter.flow_ridge", 1e-11, |of| Box::new(DecayedFlow::new(of("t"), of("lam"), H).unwrap())),
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
    for case in recorded("filter.heavy_ball_modified_rate").unwrap() {
        let of = |name: &str| value(&case, "inputs", name);
        let flow = RegularisedFlow::of_heavy_ball(1, of("h"), of("m"), H).unwrap();
        let rate = -residual(&flow, of("mu")).ln();
        assert!((rate / value(&case, "outputs", "value") - 1.0).abs() < 1e-11);
    }
}

/// Momentum in continuous time: early, where 1 − q is of the order of ε and less, by the leading term of its series, and
/// against small steps of the iteration, which come as close as the step.
#[test]
fn momentum_in_continuous_time() {
    let gain = |filter: &dyn SpectralFilter, sigma: f64| filter.gains(Spectrum::new(1, 1, &[sigma]))[0];
    for time in [1e-12, 1e-3, 1.0, 1e12] {
        let sigma = 1e-7 / time;
        // 1 − J: μt²/8; with friction a: μ(t/a − (1 − e^{−at})/a²), at a = 0 μt²/2.
        let nesterov = NesterovFlow::new(time, Loss::HalfSum).unwrap();
        assert!((gain(&nesterov, sigma) / (sigma * time * time / 8.0) - 1.0).abs() < 1e-13, "t = {time:e}");
        for at in [0.0, 1e-3, 1.0, 1e3] {
            let ball = HeavyBallFlow::new(time, at / time, Loss::HalfSum).unwrap();
            let share: f64 = if at < 0.1 {
                0.5 - at / 6.0 + at * at / 24.0 - at.powi(3) / 120.0
            } else {
                (at + (-at).exp_m1()) / (at * at)
            };
            let found = gain(&ball, sigma) / (sigma * time * time);
            assert!((found / share - 1.0).abs() < 1e-11, "t = {time:e}, a t = {at}: {found}, not {share}");
        }
    }
    for (mu, friction) in [(1.0, 0.5), (1.0, 2.0), (0.04, 3.0), (0.3, 0.0)] {
        let time = 3.0;
        let flow = residual(&HeavyBallFlow::new(time, friction, Loss::HalfSum).unwrap(), mu);
        let off = [1000_usize, 2000].map(|steps| {
            let root = time / steps as f64;
            let ball = HeavyBall::new(root * root, 1.0 - friction * root - 1e-12, steps, Loss::HalfSum);
            residual(&ball.unwrap(), mu) - flow
        });
        assert!(off[0].abs() < 0.01 && (off[0] / off[1] - 2.0).abs() < 0.1, "{mu} {friction}: {off:?}");
    }
}

#[test]
fn the_principal_flow_passes_through_every_iterate() {
    for k in [1_u32, 7, 2000] {
        for mu in [1e-9, 0.3, 1.9] {
            let (h, steps) = (0.5, k as usize);
            let flow = residual(&PrincipalFlow::new(f64::from(k) * h, h, Loss::HalfSum).unwrap(), mu);
            let descent =
                residual(&GradientDescent::new(Schedule::Constant(h), steps, Loss::HalfSum).unwrap(), mu);
            assert!((flow - descent).abs() <= 1e-13 * descent.abs(), "{k} steps, μ = {mu}");
        }
    }
    let svd = Svd::new(&ndarray::array![[2.0]]).unwrap();
    let beyond = PrincipalFlow::new(1.0, 0.25, Loss::HalfSum).unwrap();
    match svd.solve(&ndarray::array![[1.0]], &beyond) {
        Err(Error::StepTooLarge { limit, .. }) => assert_eq!(limit, 0.25),
        other => panic!("{other:?}"),
    }
}

/// Epochs are steps, as many as the rows of the design make, at every size.
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

/// A step size for each feature, 1,500 steps, from 0 and from a start; one that is 0 leaves its feature there.
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

/// Descent on batches: the mean over all orders of an epoch differs from the flow by `O(h³)`, from plain and from
/// regularised flow by `O(h²)`; over all ways to cut the rows, the tables of the given batches have the Gram matrix and
/// the gradient of the one for drawn batches.
#[test]
fn the_stochastic_flow() {
    let (x, y) = (normal(8, 3, 1), normal(8, 1, 2));
    let batches: Vec<Vec<usize>> = (0..4).map(|i| vec![2 * i, 2 * i + 1]).collect();
    let mut orders = Vec::new();
    for a in 0..4 {
        for b in (0..4).filter(|&b| b != a) {
            for c in (0..4).filter(|&c| c != a && c != b) {
                orders.push([a, b, c, 6 - a - b - c]);
            }
        }
    }
    assert_eq!(orders.len(), 24);
    let loss = Loss::HalfMean;
    let off = |h: f64| {
        let mut mean: Array2<f64> = Array2::zeros((3, 1));
        for order in &orders {
            let mut beta = Array2::zeros((3, 1));
            for &batch in order {
                let [xs, ys] = [&x, &y].map(|m| m.select(ndarray::Axis(0), &batches[batch]));
                beta = &beta - &(xs.t().dot(&(xs.dot(&beta) - &ys)) * (h * loss.curvature(2)));
            }
            mean += &(beta / 24.0);
        }
        let flow = StochasticFlow::new(h, loss).unwrap();
        let (rows, targets) = flow.given(&x, &y, &batches).unwrap();
        let time = 4.0 * h;
        let bent = Svd::new(&rows).unwrap().solve(&targets, &flow.until(time).unwrap()).unwrap();
        let plain = Svd::new(&x).unwrap().solve(&y, &RegularisedFlow::new(time, h, loss).unwrap()).unwrap();
        let norm = |m: Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
        (norm(bent - &mean), norm(plain - &mean))
    };
    for h in [4e-3, 2e-3] {
        let (coarse, fine) = (off(h), off(h / 2.0));
        let (third, second) = (coarse.0 / fine.0, coarse.1 / fine.1);
        assert!((7.0..9.0).contains(&third) && (3.5..4.5).contains(&second), "h = {h}: {third} {second}");
    }
    let (x, y) = (normal(4, 3, 3), normal(4, 2, 4));
    let gram = |(rows, targets): (Array2<f64>, Array2<f64>)| (rows.t().dot(&rows), rows.t().dot(&targets));
    for loss in LOSSES {
        let flow = StochasticFlow::new(0.3, loss).unwrap();
        let cuts = [vec![vec![0, 1], vec![2, 3]], vec![vec![0, 2], vec![1, 3]], vec![vec![0, 3], vec![1, 2]]];
        let (mut left, mut right) = (Array2::zeros((3, 3)), Array2::zeros((3, 2)));
        for cut in cuts {
            let (a, b) = gram(flow.given(&x, &y, &cut).unwrap());
            left += &(a / 3.0);
            right += &(b / 3.0);
        }
        let (a, b) = gram(flow.drawn(&x, &y, 2).unwrap());
        assert!(distance(&a, &left) < 1e-14 && distance(&b, &right) < 1e-14, "{loss:?}");
        // Single rows, and one batch of all: the regularised flow.
        let (a, b) = gram(flow.drawn(&x, &y, 1).unwrap());
        let singles: Vec<Vec<usize>> = (0..4).map(|i| vec![i]).collect();
        let (c, d) = gram(flow.given(&x, &y, &singles).unwrap());
        assert!(distance(&a, &c) < 1e-14 && distance(&b, &d) < 1e-14, "{loss:?}");
        for batch in [4, 9] {
            let (rows, targets) = flow.drawn(&x, &y, batch).unwrap();
            let whole = Svd::new(&rows).unwrap().solve(&targets, &flow.until(2.0).unwrap()).unwrap();
            let bent = RegularisedFlow::new(2.0, 0.3, loss).unwrap();
            let bent = Svd::new(&x).unwrap().solve(&y, &bent).unwrap();
            assert!(distance(&whole, &bent) < 1e-12, "{loss:?}");
        }
    }
    let flow = StochasticFlow::new(0.1, Loss::Mean).unwrap();
    assert!(matches!(flow.drawn(&x, &y, 0), Err(Error::Domain { .. })));
    assert!(matches!(flow.given(&x, &y, &[vec![0, 1, 2, 7]]), Err(Error::Domain { .. })));
    assert!(matches!(flow.given(&x, &y, &[vec![0, 0, 2, 3]]), Err(Error::Domain { .. })));
    assert!(matches!(flow.given(&x, &y, &[vec![0, 2, 3]]), Err(Error::Shape { .. })));
    assert!(matches!(StochasticFlow::new(-0.1, Loss::Mean), Err(Error::Domain { .. })));
}
