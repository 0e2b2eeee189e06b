//! The heat map of the plane and two slices.

use super::Rows;
use crate::common::RunArgs;
use crate::common::figures::{describe, line};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary, Surface};
use double_descent::plot::{Dash, Figure, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series};
use ndarray::Array2;

/// Mean training error that counts as interpolation.
const EPSILON: f64 = 1e-6;

/// The plane, a slice over p at a middle n, a slice over n at a middle p.
pub fn plane(args: &RunArgs, surface: &Surface, about: &str) -> Result<Figure, Error> {
    let (samples, features) = (surface.samples(), surface.features());
    let medians = surface.medians(0, Metric::TestMse)?;
    let (n, p) = (samples[(samples.len() - 1) / 2], features[(features.len() - 1) / 2]);
    let heat = heat_map(&features, floats(&samples), &medians);
    let ends = [features[0].max(samples[0]), features[features.len() - 1].min(samples[samples.len() - 1])];
    let diagonal = floats(&ends);
    let (at, complexity): (Vec<f64>, Vec<f64>) = surface
        .effective_complexity(0, EPSILON)
        .into_iter()
        .filter_map(|(p, n)| Some((p as f64, n? as f64)))
        .unzip();
    let map = Panel::new(
        PanelAxis::linear("Number of features p"),
        PanelAxis::linear("Number of training images n"),
    )
    .with_title("Test error over the plane")
    .with_heat_map(heat)
    .with_group(
        Group::new("p = n", Hue::Vermillion)
            .with_series(Series::new("", diagonal.clone(), diagonal).with_dash(Dash::Dashed)),
    )
    .with_group(
        Group::new("Effective model complexity", Hue::Purple)
            .with_series(Series::new("", at, complexity).with_dash(Dash::None)),
    );
    let over_p = surface.over_features(n).map(|curve| slice(args, &curve, |s| s.p as f64)).transpose()?;
    let over_n = surface.over_samples(p).map(|curve| slice(args, &curve, |s| s.n as f64)).transpose()?;
    let panel = |label: &str, title: String, groups: Option<Vec<Group>>, at: usize, marker: String| {
        let panel = Panel::new(PanelAxis::linear(label), PanelAxis::log10("Mean squared error"))
            .with_title(title)
            .with_marker(at as f64, marker);
        groups.into_iter().flatten().fold(panel, Panel::with_group)
    };
    let caption = format!(
        "Minimum-norm least squares on one-hot classes: {about}. (a) Medians over {} repeats ({}); dots: the largest n with a mean \
         training error under 10⁻⁶. (b), (c) Slices \
         through the plane. {}.",
        surface.cells().repeats(),
        surface.cells().provenance.sampling,
        describe(args, surface.cells().repeats()),
    );
    Ok(Figure::new(caption)
        .with_panel(map)
        .with_panel(panel("Number of features p", format!("n = {n}"), over_p, n, "p = n".into()))
        .with_panel(panel("Number of training images n", format!("p = {p}"), over_n, p, "n = p".into()))
        .with_columns(3)
        .with_width(1240.0)
        .with_aspect(1.0)
        .with_title("Double descent of random Fourier features over samples and features"))
}

/// The plane of p and a setting, and slices through it.
pub fn settings(surface: &Surface, rows: Rows, levels: &[f64], about: &str) -> Figure {
    let (n, features) = (surface.samples()[0], surface.features());
    let medians = surface.medians_of_arms(n, Metric::TestMse);
    let heat = heat_map(&features, levels.to_vec(), &medians);
    let (vertical, name) = match rows {
        Rows::Ridge => (PanelAxis::log10("Ridge penalty λ"), "λ"),
        _ => (PanelAxis::linear("Share of wrong training labels"), "share"),
    };
    let map = Panel::new(PanelAxis::linear("Number of features p"), vertical)
        .with_title("Test error over the plane")
        .with_heat_map(heat)
        .with_marker(n as f64, "p = n");
    let mut shown: Vec<usize> = (0..4).map(|i| i * (levels.len() - 1) / 3).collect();
    shown.dedup();
    let group = shown.iter().fold(Group::new("Test error (median)", Hue::Vermillion), |group, &row| {
        let label = format!("{name} = {}", crate::common::short(levels[row]));
        group.with_series(Series::new(label, floats(&features), medians.row(row).to_vec()))
    });
    let slices =
        Panel::new(PanelAxis::linear("Number of features p"), PanelAxis::log10("Mean squared error"))
            .with_title("Slices")
            .with_marker(n as f64, "p = n")
            .with_group(group);
    let repeats = surface.cells().repeats();
    let caption = format!(
        "Least squares on one-hot classes at n\u{a0}=\u{a0}{n}: {about}. Test labels are as they are. Medians over {repeats} \
         repeats ({}).",
        surface.cells().provenance.sampling,
    );
    Figure::new(caption)
        .with_panel(map)
        .with_panel(slices)
        .with_columns(2)
        .with_width(1100.0)
        .with_aspect(0.9)
}

fn slice(args: &RunArgs, curve: &Curve, abscissa: impl Fn(&Summary) -> f64) -> Result<Vec<Group>, Error> {
    let summaries = curve.summaries(Metric::TestMse, args.bootstrap())?;
    let series = line(args, "", summaries.iter(), abscissa, |_| 1.0);
    Ok(vec![Group::new("Test error", Hue::Vermillion).with_series(series)])
}

fn floats(list: &[usize]) -> Vec<f64> {
    list.iter().map(|&v| v as f64).collect()
}

/// Test errors, a row for each of `y`.
fn heat_map(features: &[usize], y: Vec<f64>, medians: &Array2<f64>) -> HeatMap {
    HeatMap {
        x: floats(features),
        y,
        values: medians.rows().into_iter().map(|row| row.to_vec()).collect(),
        scale: Scale::Log10,
        range: None,
        label: "Test error (median)".into(),
    }
}
