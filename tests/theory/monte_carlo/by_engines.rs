//! Sample-wise and model-wise curves from the engines that compute every point at once.

use super::{Exact, Limits, Mean, mean, normal, three};
use double_descent::nested::{Columns, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::theory::{gaussian, noise, ridge, structured};
use ndarray::{Array1, Array2};
use rand::rngs::ChaCha8Rng;

/// Sample-wise and model-wise curves of minimum-norm fits, from the engines that compute every point at once.
#[test]
fn exact_curves_of_the_nested_engines() {
    const REPEATS: usize = 400;
    let mut table = Exact::default();
    // Rows: p = 12, the bias of a noiseless teacher, and the noise term given the design.
    let (p, most, r2) = (12, 36, 1.5);
    let teacher = Array2::from_elem((p, 1), (r2 / p as f64).sqrt());
    let sigma = Array2::eye(p);
    let population = Compressed::population(&sigma, &teacher).unwrap();
    let mut points = Vec::new();
    for repeat in 0..REPEATS {
        let x = normal(&mut stream(11, p, repeat), most, p);
        let fit = Rows::new(p, 1, Test::Rows(&population)).unwrap();
        points.push(fit.with_noise_covariance(&sigma).unwrap().extend(&x, &x.dot(&teacher)).unwrap());
    }
    for n in (1..=most).filter(|n| n.abs_diff(p) > 4) {
        let at = |i: usize| &points[i][n - 1];
        let expected = gaussian::excess(n, p, r2, 1.0).unwrap();
        if n < p {
            table.add(
                format!("bias, n = {n}"),
                mean((0..REPEATS).map(|i| at(i).test_mse.unwrap())),
                expected.bias,
            );
        }
        let terms = mean((0..REPEATS).map(|i| at(i).noise.unwrap()));
        table.add(format!("noise term, n = {n}"), terms, noise::gaussian(n, p));
        table.add(
            format!("effective parameters, n = {n}"),
            Mean { value: n as f64 * terms.value, error: n as f64 * terms.error },
            gaussian::effective_parameters(n, p),
        );
        // The variance of the noise term; the error of a sample variance comes from the fourth moment.
        if n.abs_diff(p) > 12 {
            let variance = noise::gaussian_variance(n, p);
            let squares = (0..REPEATS).map(|i| (at(i).noise.unwrap() - expected.variance).powi(2));
            table.add(format!("variance of the noise term, n = {n}"), mean(squares), variance);
        }
    }
    // Columns: n = 20, D = 50 features, label noise.
    let (n, all, noise) = (20, 50, 0.3);
    let teacher = Array2::from_shape_fn((all, 1), |(j, _)| 0.9f64.powi(i32::try_from(j).unwrap()) * 0.5);
    let population = Compressed::population(&Array2::eye(all), &teacher).unwrap();
    let mut points = Vec::new();
    for repeat in 0..REPEATS {
        let mut rng = stream(12, n, repeat);
        let x = normal(&mut rng, n, all);
        let y = x.dot(&teacher) + normal(&mut rng, n, 1) * f64::sqrt(noise);
        points.push(Columns::new(&y, Test::Rows(&population)).unwrap().extend(&x).unwrap());
    }
    let energy = |range: std::ops::Range<usize>| range.map(|j| teacher[[j, 0]].powi(2)).sum::<f64>();
    for p in (1..=all).filter(|p| p.abs_diff(n) > 4) {
        let (seen, unseen) = (energy(0..p), energy(p..all));
        let found = mean(points.iter().map(|points| points[p - 1].test_mse.unwrap()));
        table.add(
            format!("weak features, p = {p}"),
            found,
            gaussian::weak_features(n, p, seen, unseen, noise).unwrap(),
        );
        if p < n {
            let found = mean(points.iter().map(|points| points[p - 1].train_mse));
            table.add(
                format!("train error, p = {p}"),
                found,
                gaussian::train_error(n, p, noise + unseen).unwrap(),
            );
        }
    }
    table.finish();
}

/// Closed forms, sample-wise by the nested engine: at one `n` it gives the bias and the noise term given the design.
#[test]
fn closed_forms_by_the_nested_engine() {
    let sizes = [24usize, 48, 96];
    let repeats = [400, 120, 40];
    let mut limits = Limits::default();
    // Fits p features whose covariance has this root: bias, averaged over the direction, and variance at n = p/2.
    let fit = |root: &Array2<f64>, teacher: &Array2<f64>, rng: &mut ChaCha8Rng, ridge: f64| {
        let p = root.nrows();
        let sigma = root.t().dot(root);
        let population = Compressed::population(&sigma, teacher).unwrap();
        let x = normal(rng, p / 2, p).dot(root);
        let mut engine = Rows::new(p, teacher.ncols(), Test::Rows(&population)).unwrap();
        if ridge > 0.0 {
            engine = engine.with_ridge(ridge).unwrap();
        }
        let points = engine.with_noise_covariance(&sigma).unwrap().extend(&x, &x.dot(teacher)).unwrap();
        let last = points.last().unwrap();
        // Turns the mean over targets into a sum.
        [last.test_mse.unwrap() * teacher.ncols() as f64, last.noise.unwrap()]
    };
    let mut compare = |name: &str, runs: [Vec<[f64; 2]>; 3], expected: [f64; 2]| {
        for part in 0..2 {
            let found = three(|i| mean(runs[i].iter().map(|run| run[part])));
            limits.add(format!("{name}, {}", ["bias", "variance"][part]), found, [expected[part]; 3]);
        }
    };
    // Covariance ρ^|i−j|: x_j = ρ x_{j−1} + √(1 − ρ²) z_j.
    let rho = 0.6f64;
    let runs = three(|i| {
        let p = sizes[i];
        let root = Array2::from_shape_fn((p, p), |(from, to)| match to.checked_sub(from) {
            None => 0.0,
            Some(gap) => rho.powf(gap as f64) * if from == 0 { 1.0 } else { (1.0 - rho * rho).sqrt() },
        });
        let teacher = Array2::eye(p) / (p as f64).sqrt();
        (0..repeats[i]).map(|repeat| fit(&root, &teacher, &mut stream(41, p, repeat), 0.0)).collect()
    });
    let found = structured::autoregressive(2.0, rho, 1.0, 1.0).unwrap();
    compare("autoregression", runs, [found.bias, found.variance]);
    // Isotropic ridge: a penalty of λ n on a loss that is a sum over rows.
    let runs = three(|i| {
        let p = sizes[i];
        let teacher = Array2::eye(p) / (p as f64).sqrt();
        let penalty = 0.3 * (p / 2) as f64;
        let root = Array2::eye(p);
        (0..repeats[i]).map(|repeat| fit(&root, &teacher, &mut stream(42, p, repeat), penalty)).collect()
    });
    let found = ridge::isotropic(2.0, 0.3, 1.0, 1.0).unwrap();
    compare("isotropic ridge", runs, [found.bias, found.variance]);
    // Latent space, ψ = 1/4: in the eigenbasis of the covariance, the teacher is its best linear predictor. The
    // variance is per unit of the noise that the fit sees.
    let (psi, mu) = (0.25, 1.0);
    let runs = three(|i| {
        let p = sizes[i];
        let strong = p / 4;
        let top: f64 = 1.0 + mu / psi;
        let root =
            Array2::from_diag(&Array1::from_iter((0..p).map(|j| if j < strong { top.sqrt() } else { 1.0 })));
        let size = ((mu / psi) / (top * top) / strong as f64).sqrt();
        let teacher = Array2::from_shape_fn((p, strong), |(j, k)| if j == k { size } else { 0.0 });
        (0..repeats[i]).map(|repeat| fit(&root, &teacher, &mut stream(43, p, repeat), 0.0)).collect()
    });
    let found = structured::latent_space(2.0, psi, mu, [1.0, 0.0], 0.0).unwrap();
    compare("latent space", runs, [found.fit.bias, found.fit.variance / found.noise]);
    limits.finish();
}
