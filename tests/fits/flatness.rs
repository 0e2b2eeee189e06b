//! Curvature, gradient noise, loss slices and sharpness against dense matrices and recorded values.

use crate::common::matrices::{normal, with_spectrum};
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss, MinNorm, Ridge, SpectralFilter};
use double_descent::flatness::{
    Curvature, ExpectedGradientNoise, GradientNoise, Slice, TwoLayer, population_trace,
};
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis, array, concatenate, s};
use serde_json::Value;

const SHAPES: [(usize, usize); 4] = [(12, 5), (5, 12), (7, 7), (4, 1)];
const LOSSES: [Loss; 4] = [Loss::HalfSum, Loss::HalfMean, Loss::Mean, Loss::Sum];

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found:e}, not {expected:e} to {tolerance:e}");
}

fn list(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// `c/2 ‖Xβ − y‖²`.
fn loss_at(x: &Array2<f64>, y: &Array2<f64>, beta: &ArrayRef2<f64>, loss: Loss) -> f64 {
    0.5 * loss.curvature(x.nrows()) * (x.dot(beta) - y).iter().map(|e| e * e).sum::<f64>()
}

/// `mean gᵢgᵢᵀ − ḡḡᵀ` by its definition (`p × p`).
fn covariance(x: &Array2<f64>, y: &Array2<f64>, beta: &Array2<f64>) -> Array2<f64> {
    let gradients = x * &(x.dot(beta) - y);
    let mean = gradients.mean_axis(Axis(0)).unwrap();
    let centred = &gradients - &mean;
    centred.t().dot(&centred) / x.nrows() as f64
}

#[test]
fn curvature_against_the_dense_matrix() {
    for (n, p) in SHAPES {
        let (x, d) = (normal(n, p, 1), normal(p, 2, 2));
        let svd = Svd::new(&x).unwrap();
        for loss in LOSSES {
            let hessian = Curvature::hessian(&svd, loss).unwrap();
            let dense = x.t().dot(&x) * loss.curvature(n);
            close(hessian.trace(), dense.diag().sum(), 1e-12);
            close(hessian.frobenius_norm(), dense.iter().map(|v| v * v).sum::<f64>().sqrt(), 1e-12);
            assert!((hessian.times(&d).unwrap() - dense.dot(&d)).iter().all(|e| e.abs() < 1e-11));
            close(hessian.along(&d).unwrap(), (&d * &dense.dot(&d)).sum(), 1e-11);
            assert_eq!(hessian.flat_directions(), p.saturating_sub(n));
            let spectrum = Svd::new(&dense).unwrap();
            let logs = spectrum.singular_values().iter().take(n.min(p)).map(|mu| mu.ln());
            close(hessian.log_pseudo_determinant(), logs.sum(), 1e-10);
            close(hessian.largest(), spectrum.singular_values()[0], 1e-12);
        }
        let fisher = Curvature::fisher(&svd, 0.25).unwrap();
        let whole = Curvature::hessian(&svd, Loss::HalfSum).unwrap();
        close(fisher.trace(), 4.0 * whole.trace(), 1e-11);
        // Rescaled features: the function is the same, and so is the relative sharpness.
        let beta = normal(p, 1, 3);
        let scaled = Svd::new(&(&x * 8.0)).unwrap();
        let scaled = Curvature::hessian(&scaled, Loss::HalfSum).unwrap().relative(&(&beta / 8.0)).unwrap();
        for (a, b) in whole.relative(&beta).unwrap().iter().zip(scaled) {
            close(*a, b, 1e-12 * b);
        }
    }
}

/// The volume by hand in one and two dimensions, and in three by 200,000 draws, within 5 standard errors.
#[test]
fn the_volume_of_a_minimum() {
    let ellipse = Svd::new(&array![[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]).unwrap();
    let volume = Curvature::hessian(&ellipse, Loss::HalfSum).unwrap().log_volume(0.5).unwrap().exp();
    close(volume, std::f64::consts::PI * 0.5 * 2.0, 1e-13); // semi-axes 1/2 and 2
    let line = Svd::new(&array![[3.0]]).unwrap();
    let length = Curvature::hessian(&line, Loss::HalfSum).unwrap().log_volume(2.0).unwrap().exp();
    close(length, 2.0 * 2.0 / 3.0, 1e-14);
    let x = with_spectrum(3, 3, &[1.0, 0.8, 0.6], 4);
    let (y, svd, height) = (Array2::zeros((3, 1)), Svd::new(&x).unwrap(), 0.5);
    let volume = Curvature::hessian(&svd, Loss::HalfSum).unwrap().log_volume(height).unwrap().exp();
    // Normal draws weighted by 1/density: the mean weight of those inside is the volume.
    let draws = normal(3, 200_000, 5);
    let weight = |beta: ndarray::ArrayView1<'_, f64>| {
        let beta = beta.to_owned().insert_axis(Axis(1));
        let inside = loss_at(&x, &y, &beta, Loss::HalfSum) <= height;
        let square: f64 = beta.iter().map(|b| b * b).sum();
        if inside { (0.5 * square).exp() * (2.0 * std::f64::consts::PI).powf(1.5) } else { 0.0 }
    };
    let weights: Array1<f64> = draws.columns().into_iter().map(weight).collect();
    let error = weights.std(1.0) / (weights.len() as f64).sqrt();
    close(weights.mean().unwrap(), volume, 5.0 * error);
    assert!(error < 0.02 * volume);
}

#[test]
fn recorded_gradient_noise() {
    let Some(cases) = recorded("sgd_noise.along_flow") else { return };
    for case in cases {
        let (x, input) = (matrix(&case["inputs"]["X"]), |name| value(&case, "inputs", name));
        let [beta, start] =
            ["beta", "beta0"].map(|name| Svd::column(&Array1::from(list(&case["inputs"][name]))));
        let flow = GradientFlow::new(input("t"), Loss::HalfMean).unwrap();
        let svd = Svd::new(&x).unwrap();
        let start = Some(&start).map(|start| &**start);
        let found = ExpectedGradientNoise::new(&svd, &flow, &beta, start, input("s2")).unwrap();
        for (found, name) in [
            (found.trace, "trace_C"),
            (found.mean_square, "mean_sq_grad"),
            (found.squared_mean, "grad_norm_sq"),
            (found.train_mse, "expected_train_mse"),
        ] {
            let expected = value(&case, "outputs", name);
            close(found, expected, 1e-9 * expected.abs() + 1e-13); // the recorded tolerance
        }
    }
}

#[test]
fn recorded_population_noise() {
    let Some(cases) = recorded("sgd_noise.population") else { return };
    for case in cases {
        let (eigenvalues, delta) = (list(&case["inputs"]["lam"]), list(&case["inputs"]["delta"]));
        let found = population_trace(&eigenvalues, &delta, value(&case, "inputs", "s2")).unwrap();
        let expected = value(&case, "outputs", "trace_C");
        close(found, expected, 1e-13 * expected);
    }
}

/// At any fit, from 0 and from another start: trace, matrix, angle and quadratic forms against `p × p` matrices.
#[test]
fn gradient_noise_against_dense_matrices() {
    let filters: [Box<dyn SpectralFilter>; 3] = [
        Box::new(Ridge::new(0.7).unwrap()),
        Box::new(GradientFlow::new(0.8, Loss::HalfMean).unwrap()),
        Box::new(GradientFlow::new(0.0, Loss::HalfMean).unwrap()),
    ];
    for (n, p) in SHAPES {
        let (x, y, start, d) = (normal(n, p, 1), normal(n, 1, 2), normal(p, 1, 3), normal(p, 2, 4));
        let svd = Svd::new(&x).unwrap();
        let hessian = Curvature::hessian(&svd, Loss::HalfMean).unwrap();
        let dense_hessian = x.t().dot(&x) / n as f64;
        for filter in &filters {
            for start in [None, Some(&start)] {
                let from = start.map_or_else(|| Array2::zeros((p, 1)), Clone::clone);
                let beta = &from + &svd.solve(&(&y - &x.dot(&from)), filter.as_ref()).unwrap();
                let dense = covariance(&x, &y, &beta);
                let noise =
                    GradientNoise::on_path(&svd, &x, &y, filter.as_ref(), start.map(|start| &**start))
                        .unwrap();
                let scale = 1.0 + dense.diag().sum();
                close(noise.trace(), dense.diag().sum(), 1e-12 * scale);
                let modes = noise.in_modes().unwrap();
                let whole = svd.vt().t().dot(&modes).dot(svd.vt());
                assert!((&whole - &dense).iter().all(|e| e.abs() < 1e-12 * scale));
                close(noise.along(&d).unwrap(), (&d * &dense.dot(&d)).sum(), 1e-11 * scale);
                let gradient = x.t().dot(&(x.dot(&beta) - &y)) / n as f64;
                close(noise.squared_mean(), gradient.iter().map(|g| g * g).sum(), 1e-12 * scale);
                let length = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
                let cosine = (&dense * &dense_hessian).sum() / length(&dense) / length(&dense_hessian);
                close(noise.cosine(&hessian).unwrap().unwrap(), cosine, 1e-12);
                let fisher = Curvature::fisher(&svd, 0.3).unwrap();
                close(noise.cosine(&fisher).unwrap().unwrap(), cosine, 1e-12);
            }
        }
        if n <= p {
            let noise = GradientNoise::on_path(&svd, &x, &y, &MinNorm::default(), None).unwrap();
            assert_eq!((noise.trace(), noise.cosine(&hessian).unwrap()), (0.0, None));
        }
    }
}

/// The expectation against 2,000 draws of the label noise: three z-scores within 4.
#[test]
fn expected_gradient_noise_against_draws() {
    for (n, p) in [(12, 5), (6, 11), (8, 8)] {
        let (x, beta) = (normal(n, p, 1), normal(p, 1, 2));
        let svd = Svd::new(&x).unwrap();
        let flow = GradientFlow::new(2.0, Loss::HalfMean).unwrap();
        let expected = ExpectedGradientNoise::new(&svd, &flow, &beta, None, 0.5).unwrap();
        let trace = |i: u64| {
            let y = x.dot(&beta) + normal(n, 1, 5000 + i) * 0.5_f64.sqrt();
            GradientNoise::on_path(&svd, &x, &y, &flow, None).unwrap().trace()
        };
        let traces: Array1<f64> = (0..2000).map(trace).collect();
        let z = (traces.mean().unwrap() - expected.trace) / traces.std(1.0) * 2000.0_f64.sqrt();
        assert!(z.abs() < 4.0, "{n} × {p}: z = {z}");
    }
}

/// A design whose excess risk descends twice in time (fast features with little signal, slow ones with much). `tr C`
/// and the training error fall all the way and `tr F` is constant, so none of them shows the two descents.
#[test]
fn what_falls_along_training_and_what_does_not() {
    let (n, p) = (150, 100);
    let scales = Array1::from_shape_fn(p, |j| if j < 50 { 1.0 } else { 1e-3_f64.sqrt() });
    let beta = Array2::from_shape_fn((p, 1), |(j, _)| if j < 50 { 0.1 } else { 20.0_f64.sqrt() });
    let x = normal(n, p, 1) * &scales;
    let svd = Svd::new(&x).unwrap();
    let (mut traces, mut trains, mut risks) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..60 {
        let t = 0.01 * 10.0_f64.powf(f64::from(i) * 0.13);
        let flow = GradientFlow::new(t, Loss::HalfMean).unwrap();
        let noise = ExpectedGradientNoise::new(&svd, &flow, &beta, None, 1.0).unwrap();
        traces.push(noise.trace);
        trains.push(noise.train_mse);
        // Excess risk given X: squared bias and variance in the original features.
        let fit = svd.solve(&x.dot(&beta), &flow).unwrap();
        let bias: f64 =
            (&fit - &beta).iter().zip(&scales).map(|(d, s): (&f64, &f64)| (d * s) * (d * s)).sum();
        let operator = svd.vt().t().to_owned() * &flow.gains(svd.spectrum());
        let variance: f64 = (operator * scales.view().insert_axis(Axis(1))).iter().map(|v| v * v).sum();
        risks.push(bias + variance);
    }
    for falls in [&traces, &trains] {
        assert!(falls.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)), "{falls:?}");
    }
    let turns = risks.windows(3).filter(|r| (r[1] - r[0]) * (r[2] - r[1]) < 0.0).count();
    assert_eq!(turns, 3, "{risks:?}"); // down, up, down, up
    assert!(traces[59] < 0.3 * traces[0]);
}

/// If all rows have the same length, `tr C` never rises along the flow; with very different lengths it can.
#[test]
fn gradient_noise_rises_by_rows_of_different_lengths_alone() {
    let traces = |x: &Array2<f64>, seed: u64| -> Vec<f64> {
        let (svd, y) = (Svd::new(x).unwrap(), normal(x.nrows(), 1, seed));
        let at = |i: i32| {
            let flow = GradientFlow::new(1e-3 * 1.3_f64.powi(i), Loss::HalfMean).unwrap();
            GradientNoise::on_path(&svd, x, &y, &flow, None).unwrap().trace()
        };
        (0..50).map(at).collect()
    };
    let mut rises = 0;
    for seed in 0..100 {
        for (n, p) in [(6, 3), (4, 7)] {
            let x = normal(n, p, seed);
            let lengths = x.map_axis(Axis(1), |row| row.dot(&row).sqrt()).insert_axis(Axis(1));
            let even = traces(&(&x / &lengths), seed + 1);
            assert!(even.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)), "{even:?}");
            let uneven = traces(&(&x * &normal(n, 1, seed + 2).mapv(|v| (1.5 * v).exp())), seed + 1);
            rises += usize::from(uneven.windows(2).any(|pair| pair[1] > pair[0] * (1.0 + 1e-3)));
        }
    }
    assert!(rises > 0);
}

/// Rows of `p` normal features at n = p/2, p, 2p. All three traces are of order p; the smallest eigenvalue and the log
/// pseudo-determinant are smallest at n = p.
#[test]
fn the_threshold_is_in_the_smallest_eigenvalue() {
    let p = 60;
    let whole = normal(120, p, 3);
    let at = |n: usize| {
        let svd = Svd::new(&whole.slice(s![..n, ..])).unwrap();
        let hessian = Curvature::hessian(&svd, Loss::HalfMean).unwrap();
        let mean_log = hessian.log_pseudo_determinant() / hessian.rank() as f64;
        (hessian.trace() / p as f64, hessian.smallest_nonzero().unwrap(), mean_log)
    };
    let [below, on, above] = [30, 60, 120].map(at);
    for (trace, ..) in [below, on, above] {
        close(trace, 1.0, 0.1); // standard deviation √(2/(np)) < 0.04
    }
    assert!(on.1 < 0.02 * below.1 && on.1 < 0.02 * above.1);
    assert!(on.2 < below.2 - 0.5 && on.2 < above.2 - 0.5);
}

#[test]
fn slices_are_the_loss() {
    for (n, p) in SHAPES {
        let (x, y, beta) = (normal(n, p, 1), normal(n, 2, 2), normal(p, 2, 3));
        let (first, second) = (normal(p, 2, 4), normal(p, 2, 5));
        for loss in LOSSES {
            let slice = Slice::new(&x, &y, &beta, [&first, &second], loss).unwrap();
            for (s, t) in [(0.0, 0.0), (1.0, 0.0), (-0.5, 2.0), (30.0, -40.0)] {
                let moved = &beta + &(&first * s) + &(&second * t);
                let expected = loss_at(&x, &y, &moved, loss);
                close(slice.at(s, t), expected, 1e-12 * (1.0 + expected));
            }
        }
        let fit = Svd::new(&x).unwrap().solve(&y, &MinNorm::default()).unwrap();
        let slice = Slice::new(&x, &y, &fit, [&first, &second], Loss::HalfSum).unwrap();
        assert!(slice.slopes.iter().all(|g| g.abs() < 1e-12));
        let brought = Slice::to_length_of(&beta, &first).unwrap();
        let norm = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
        close(norm(&brought), norm(&beta), 1e-13);
    }
}

/// Compares trace and largest eigenvalue, at three scales, with a Hessian in `(w, a)` from central differences of the
/// loss of `f(x) = a w·x`. Up to rounding, these are exact to third order, with a small fourth-order error.
#[test]
fn two_layers_of_other_sharpness() {
    for (n, p) in SHAPES {
        let (x, y) = (normal(n, p, 1), normal(n, 1, 2));
        let svd = Svd::new(&x).unwrap();
        for beta in [svd.solve(&y, &MinNorm::default()).unwrap(), normal(p, 1, 6)] {
            let network = TwoLayer::new(&svd, &y, &beta, Loss::HalfMean).unwrap();
            for scale in [0.25, 1.0, 3.0] {
                let at = concatenate![Axis(0), beta.column(0).to_owned() * scale, array![1.0 / scale]];
                let loss = |at: &Array1<f64>| {
                    let beta = (&at.slice(s![..p]) * at[p]).insert_axis(Axis(1));
                    loss_at(&x, &y, &beta, Loss::HalfMean)
                };
                close(loss(&at), loss_at(&x, &y, &beta, Loss::HalfMean), 1e-12);
                let step = 1e-3;
                let mut hessian = Array2::zeros((p + 1, p + 1));
                for i in 0..=p {
                    for j in 0..=p {
                        let moved = |a: f64, b: f64| {
                            let mut at = at.clone();
                            at[i] += a * step;
                            at[j] += b * step;
                            loss(&at)
                        };
                        let difference =
                            moved(1.0, 1.0) - moved(1.0, -1.0) - moved(-1.0, 1.0) + moved(-1.0, -1.0);
                        hessian[[i, j]] = difference / (4.0 * step * step);
                    }
                }
                let trace = network.trace(scale).unwrap();
                // Rounding error ε L/h², and h² H from the fourth derivative.
                let off = 1e-5 * (1.0 + trace);
                close(trace, hessian.diag().sum(), off * (p + 1) as f64);
                // The Hessian's largest eigenvalue is the largest singular value of the Hessian plus a shift that makes
                // it positive, minus the shift.
                let shift = 2.0 * hessian.iter().map(|v| v * v).sum::<f64>().sqrt();
                let shifted = &hessian + &(Array2::<f64>::eye(p + 1) * shift);
                let largest = Svd::new(&shifted).unwrap().singular_values()[0] - shift;
                close(network.largest_eigenvalue(scale).unwrap(), largest, off * (p + 1) as f64);
                assert!(trace >= network.normalised_sharpness() * (1.0 - 1e-14));
            }
            // A small scale makes the fit arbitrarily sharp.
            assert!(
                network.largest_eigenvalue(1e-4).unwrap() > 1e7 * network.normalised_sharpness().min(1.0)
            );
            let scale = network.balanced_scale().unwrap();
            close(network.trace(scale).unwrap() / network.normalised_sharpness(), 1.0, 1e-13);
        }
    }
}

#[test]
fn bad_input() {
    let (x, y) = (normal(4, 3, 1), normal(4, 1, 2));
    let (svd, beta) = (Svd::new(&x).unwrap(), normal(3, 1, 3));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Curvature::fisher(&svd, bad), Err(Error::Domain { .. })));
        let hessian = Curvature::hessian(&svd, Loss::HalfSum).unwrap();
        assert!(matches!(hessian.log_volume(bad), Err(Error::Domain { .. })));
        let network = TwoLayer::new(&svd, &y, &beta, Loss::HalfSum).unwrap();
        assert!(matches!(network.trace(bad), Err(Error::Domain { .. })));
        assert!(matches!(network.largest_eigenvalue(bad), Err(Error::Domain { .. })));
    }
    let flow = GradientFlow::new(1.0, Loss::HalfMean).unwrap();
    let noise = |y: &Array2<f64>| GradientNoise::on_path(&svd, &x, y, &flow, None).map(drop);
    assert!(matches!(noise(&normal(3, 1, 0)), Err(Error::Shape { .. })));
    assert!(matches!(noise(&normal(4, 2, 0)), Err(Error::Unsupported { .. })));
    assert!(matches!(noise(&(&y * f64::NAN)), Err(Error::NonFinite { .. })));
    let negative = ExpectedGradientNoise::new(&svd, &flow, &beta, None, -0.1);
    assert!(matches!(negative, Err(Error::Domain { .. })));
    assert!(matches!(population_trace(&[1.0, -1.0], &[0.0, 0.0], 0.0), Err(Error::Domain { .. })));
    assert!(matches!(population_trace(&[1.0], &[0.0, 0.0], 0.0), Err(Error::Shape { .. })));
    let slice = Slice::new(&x, &y, &beta, [&beta, &normal(2, 1, 0)], Loss::Mean);
    assert!(matches!(slice, Err(Error::Shape { .. })));
    assert!(matches!(Slice::to_length_of(&beta, &Array2::zeros((3, 1))), Err(Error::Domain { .. })));
    let huge = Svd::new(&(&x * 1e200)).unwrap();
    assert!(matches!(Curvature::hessian(&huge, Loss::Mean), Err(Error::Overflow { .. })));
}

/// Both quadratic forms overflow with the same error.
#[test]
fn quadratic_forms_that_overflow_are_errors() {
    let svd = Svd::new(&array![[1.0, 0.0], [0.0, 1.0]]).unwrap();
    let noise = GradientNoise::new(&svd, &array![[1.0], [-1.0]]).unwrap();
    let curvature = Curvature::hessian(&svd, Loss::HalfSum).unwrap();
    let far = Array2::from_elem((2, 1), 1e200);
    assert!(matches!(noise.along(&far), Err(Error::Overflow { .. })));
    assert!(matches!(curvature.along(&far), Err(Error::Overflow { .. })));
}
