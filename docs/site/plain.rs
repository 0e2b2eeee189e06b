//! The two reference curves: the classical U, and double descent with its regions named.

use double_descent::Error;
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis, Series};
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

/// Exact test errors over p, including the noise of the test rows; infinite near the threshold.
fn curve(sizes: impl Iterator<Item = usize>) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let mut out = (Vec::new(), Vec::new());
    for p in sizes {
        let (seen, unseen) = split(p);
        out.0.push(p as f64);
        out.1.push(gaussian::weak_features(SAMPLES, p, seen, unseen, NOISE)?);
    }
    Ok(out)
}

pub fn figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let line = |(x, y): (Vec<f64>, Vec<f64>)| Series::new("", x, y);
    let panel = |title: &str| {
        Panel::new(
            PanelAxis::log10("Parameters p"),
            PanelAxis::log10("Expected test error").with_range(0.15, 100.0),
        )
        .with_title(title)
    };
    let (classical, modern) = (line(curve(1..=SAMPLES - 2)?), line(curve(SAMPLES + 2..=FEATURES)?));
    let (best, _) = classical
        .y
        .iter()
        .enumerate()
        .fold((0, f64::INFINITY), |best, (i, &y)| if y < best.1 { (i, y) } else { best });
    let optimum = classical.x[best];
    let caption = format!(
        "Exact expected test error of minimum-norm least squares on the first p of {FEATURES} Gaussian features whose weights \
         fall off, n = {SAMPLES} (Belkin, Hsu and Xu 2020): infinite for |n − p| ≤ 1."
    );
    let u_curve = panel("What the textbooks draw")
        .with_group(Group::new("Under-parameterised, p < n", Hue::Blue).with_series(classical.clone()))
        .with_marker(optimum, "classical optimum");
    let both = panel("And what lies beyond")
        .with_group(Group::new("Classical regime, p < n", Hue::Blue).with_series(classical))
        .with_group(Group::new("Interpolating regime, p > n", Hue::Vermillion).with_series(modern))
        .with_marker(optimum, "classical optimum")
        .with_marker(SAMPLES as f64, "interpolation threshold");
    Ok(vec![
        ("u_curve", Figure::new(caption.clone()).with_panel(u_curve)),
        ("regimes", Figure::new(caption).with_panel(both)),
    ])
}
