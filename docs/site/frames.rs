//! Data for the page with sliders: every frame is computed in advance, so that the page needs no server.

use double_descent::Error;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::isotropic;
use double_descent::whole_file;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Penalties relative to the mean square.
const PENALTIES: [f64; 7] = [0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0];
/// Slider positions, from `n/p` = 1/8 to 8; the threshold is one of them.
const PLACES: i32 = 24;
/// The number of features of the measured points; below, the number of draws.
const FEATURES: usize = 100;
const DRAWS: usize = 10;
/// The number of points of a density.
const POINTS: usize = 80;

/// `n/p` at the slider positions.
fn ratios() -> Vec<f64> {
    (-PLACES..=PLACES).map(|i| 8.0_f64.powf(f64::from(i) / f64::from(PLACES))).collect()
}

/// Bias at `‖β‖ = 1` and variance at noise 1 of ridge regression, from the singular values of an `n × p` design of unit
/// variance.
fn measured(n: usize, p: usize, sigma: &[f64], lambda: f64) -> (f64, f64) {
    let rest = p.saturating_sub(n) as f64; // directions that no row constrains
    let penalty = lambda * n as f64;
    let (mut bias, mut variance) = (rest, 0.0);
    for &s in sigma {
        let square = s * s + penalty;
        bias += (penalty / square).powi(2);
        variance += (s / square).powi(2);
    }
    (bias / p as f64, variance)
}

/// Writes `const FRAMES = {…};`.
pub fn write(path: &Path) -> Result<(), Error> {
    let ratios = ratios();
    let mut spectra = Vec::new();
    for (place, ratio) in ratios.iter().enumerate() {
        let n = (ratio * FEATURES as f64).round().max(1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small whole number
        let n = n as usize;
        let draw = |repeat: usize| {
            let mut rng = stream(3, place, repeat);
            let x = Array2::from_shape_simple_fn((n, FEATURES), || rng.sample::<f64, _>(StandardNormal));
            Ok(Svd::new(&x)?.singular_values().to_vec())
        };
        spectra.push((n, (0..DRAWS).map(draw).collect::<Result<Vec<_>, Error>>()?));
    }
    let mut out = String::from("// Written by `cargo run --example site -- frames`.\nconst FRAMES = {\n");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "features: {FEATURES}, draws: {DRAWS},\npenalties: {PENALTIES:?},");
    let _ = writeln!(out, "ratios: {},", list(&ratios));
    out += "risk: [\n";
    for lambda in PENALTIES {
        let (mut bias, mut variance, mut seen_bias, mut seen_variance) = (vec![], vec![], vec![], vec![]);
        for (ratio, (n, draws)) in ratios.iter().zip(&spectra) {
            // In units of ‖β‖² and of the noise variance: the page scales the values.
            let risk = isotropic(ratio.recip(), lambda, 1.0, 1.0)?;
            bias.push(risk.bias);
            variance.push(risk.variance);
            let all: Vec<(f64, f64)> =
                draws.iter().map(|sigma| measured(*n, FEATURES, sigma, lambda)).collect();
            seen_bias.push(median(all.iter().map(|v| v.0).collect()));
            seen_variance.push(median(all.iter().map(|v| v.1).collect()));
        }
        let _ = writeln!(
            out,
            "{{bias: {}, variance: {}, seenBias: {}, seenVariance: {}}},",
            list(&bias),
            list(&variance),
            list(&seen_bias),
            list(&seen_variance)
        );
    }
    out += "],\nspectra: [\n";
    for (ratio, (n, draws)) in ratios.iter().zip(&spectra) {
        let law = MarchenkoPastur::new(ratio.recip())?;
        let [low, high] = law.edges();
        let at: Vec<f64> = (0..=POINTS).map(|i| low + (high - low) * (i as f64 / POINTS as f64)).collect();
        let density: Vec<f64> = at.iter().map(|x| law.density(*x)).collect();
        let squares: Vec<f64> = draws[0].iter().map(|s| s * s / *n as f64).collect();
        let _ = writeln!(
            out,
            "{{n: {n}, low: {}, high: {}, density: {}, eigenvalues: {}}},",
            number(low),
            number(high),
            list(&density),
            list(&squares)
        );
    }
    out += "]};\n";
    whole_file::write(path, |file| file.write_all(out.as_bytes()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Formats a number with four digits; `null` if it is not finite.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3e}") } else { "null".into() }
}

fn list(values: &[f64]) -> String {
    let numbers: Vec<String> = values.iter().map(|value| number(*value)).collect();
    format!("[{}]", numbers.join(","))
}
