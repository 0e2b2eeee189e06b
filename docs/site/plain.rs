//! The two reference curves: the classical U, and double descent with its regions named.

use double_descent::Error;
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use double_descent::theory::gaussian;

/// The number of samples. Below: the noise variance, and the number of features, which matter less and less.
const SAMPLES: usize = 40;
const NOISE: f64 = 0.2;
const FEATURES: usize = 400;

/// `Σ β²` of the first `p` features and of the others, for `β_j² ∝ 1/j²`.
fn split(p: usize) -> (f64, f64) {
    let energy = |range: std::ops::RangeInclusive<usize>| range.map(|j| 1.0 / (j * j) as f64).sum::<f64>();
    (energy(1..=p), energy(p + 1..=FEATURES))
}

/// Exact excess errors over p and their two parts, bias² and variance; infinite near the threshold.
fn curve(sizes: impl Iterator<Item = usize>) -> Result<[Series; 3], Error> {
    let (mut x, mut y) = (Vec::new(), [const { Vec::new() }; 3]);
    for p in sizes {
        let (seen, unseen) = split(p);
        let of = gaussian::split(SAMPLES, p, seen, unseen, NOISE)?;
        x.push(p as f64);
        for (line, value) in y.iter_mut().zip([of.total(), of.bias_squared, of.inputs + of.inputs_and_noise])
        {
            line.push(value);
        }
    }
    Ok(y.map(|y| Series::new("", x.clone(), y)))
}

pub fn figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let panel = |title: &str, low: f64| {
        Panel::new(
            PanelAxis::log10("Parameters p"),
            PanelAxis::log10("Expected excess error").with_range(low, 20.0),
        )
        .with_title(title)
    };
    let [classical, bias, variance] = curve(1..=SAMPLES - 2)?;
    let [modern, ..] = curve(SAMPLES + 2..=FEATURES)?;
    let (best, _) = classical
        .y
        .iter()
        .enumerate()
        .fold((0, f64::INFINITY), |best, (i, &y)| if y < best.1 { (i, y) } else { best });
    let optimum = classical.x[best];
    let caption = format!(
        "Exact expected excess test error (beyond the label noise, of variance {NOISE}) of minimum-norm least squares on the first p of {FEATURES} Gaussian features whose weights \
         fall off, n = {SAMPLES} (Belkin, Hsu and Xu 2020): infinite for |n − p| ≤ 1."
    );
    let u_curve = panel("What the textbooks draw", 0.01)
        .with_group(Group::new("Bias² + variance", Hue::Blue).with_series(classical.clone()))
        .with_group(Group::new("Bias²", Hue::Green).with_series(bias.with_dash(Dash::Dashed)))
        .with_group(Group::new("Variance", Hue::Vermillion).with_series(variance.with_dash(Dash::Dotted)))
        .with_marker(optimum, "classical optimum");
    let both = panel("And what lies beyond", 0.15)
        .with_group(Group::new("Classical regime, p < n", Hue::Blue).with_series(classical))
        .with_group(Group::new("Interpolating regime, p > n", Hue::Vermillion).with_series(modern))
        .with_marker(optimum, "classical optimum")
        .with_marker(SAMPLES as f64, "interpolation threshold");
    Ok(vec![
        ("u_curve", Figure::new(caption.clone()).with_panel(u_curve)),
        ("regimes", Figure::new(caption).with_panel(both)),
    ])
}
