//! Filters in continuous time, against stiff integration of their equations and the iterations that they approximate.

use super::time_filters::{LOSSES, distance, residual};
use crate::common::matrices::{normal, with_spectrum};
use double_descent::Error;
use double_descent::filter::{
    DecayedFlow, GradientDescent, GradientFlow, HeavyBall, HeavyBallFlow, Loss, NesterovFlow, PrincipalFlow,
    RegularisedFlow, Ridge, Schedule, SpectralFilter, Spectrum, StochasticFlow,
};
use double_descent::svd::Svd;
use ndarray::Array2;

/// One step of the Radau IIA method of order 5 (Hairer and Wanner, *Solving Ordinary Differential Equations* II, table
/// IV.5.6) for `b' = q − A b`. Its three stages form one linear system, solved by elimination.
fn radau(a: &Array2<f64>, q: &Array2<f64>, b: &Array2<f64>, h: f64) -> Array2<f64> {
    let root = 6f64.sqrt();
    let table = [
        [(88.0 - 7.0 * root) / 360.0, (296.0 - 169.0 * root) / 1800.0, (-2.0 + 3.0 * root) / 225.0],
        [(296.0 + 169.0 * root) / 1800.0, (88.0 + 7.0 * root) / 360.0, (-2.0 - 3.0 * root) / 225.0],
        [(16.0 - root) / 36.0, (16.0 + root) / 36.0, 1.0 / 9.0],
    ];
    let (p, slope) = (a.nrows(), q - a.dot(b));
    // (I + h T ⊗ A) K = slope, where each block of the right-hand side is the slope.
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

/// Rates from 1 to 1e-6: an explicit method would need over a million steps. Step sizes grow by 1 %, so each step has
/// an error of about (0.01 μt)⁶/7200 for a mode near its own time scale, 1e-12 in total.
#[test]
fn flows_agree_with_a_stiff_integration() {
    let x = with_spectrum(9, 4, &[1.0, 0.1, 0.01, 1e-3], 21);
    let y = normal(9, 1, 22);
    let svd = Svd::new(&x).unwrap();
    for (decay, step) in [(0.0, 0.0), (1e-3, 0.0), (0.0, 0.8)] {
        let hessian = x.t().dot(&x);
        // Gradients of L, of L + ½λ‖β‖², and of L + (h/4)‖∇L‖².
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

/// The implicit trapezoidal rule with extrapolation. For a linear system its steps `(I + hA/2)⁻¹(I − hA/2)` have an
/// error of order `h²`, and three step sizes cancel `h²` and `h⁴`.
#[test]
fn the_flow_solves_its_equation() {
    let (x, y) = (normal(9, 4, 3), normal(9, 1, 4));
    let svd = Svd::new(&x).unwrap();
    for loss in LOSSES {
        let c = loss.curvature(9);
        let time = 0.7 / c;
        let integrate = |steps: usize| {
            let h = time / steps as f64;
            // (I + h c XᵀX/2) β⁺ = β + h c Xᵀ(y − Xβ/2) is a ridge problem, solved by an SVD.
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

/// One step of descent against the two flows: the error is of order h³ for the regularised one, h² for the plain one.
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

/// Momentum in continuous time: early, where 1 − q is of order ε or less, against the leading term of its series; later
/// against small steps of the iteration, with an error of the order of the step size.
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

/// Descent on batches. The mean over all orders of an epoch differs from the stochastic flow by `O(h³)`, and from the
/// plain and the regularised flow by `O(h²)`. Averaged over all ways to partition the rows, the tables for given
/// batches have the Gram matrix and the gradient of the table for drawn batches.
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
        // Batches of one row, and one batch of all rows, which gives the regularised flow.
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
