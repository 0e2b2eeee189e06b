//! Closed-form analogues of the figures of Nakkiran et al. 2019: random features in place of networks, gradient flow in
//! place of epochs, ridge in place of weight decay.

use double_descent::Error;
use double_descent::curve::{Axis as Along, Curve, Metric, Surface};
use double_descent::dataset::Dataset;
use double_descent::ensemble::Ensemble;
use double_descent::features::{Activation, FeatureMap, RandomNetwork};
use double_descent::filter::{GradientFlow, Loss, MinNorm};
use double_descent::plot::{
    Abscissa, Figure, FigureOptions, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series, study,
};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Maps, Sweep};
use ndarray::{Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// The dimension of the inputs; below, the numbers of training and test rows.
const INPUTS: usize = 20;
const POOL: usize = 400;
const TEST: usize = 500;
/// The number of training rows of the model-wise figures.
const ROWS: usize = 80;
const REPEATS: usize = 10;

/// Numbers of features, denser around the threshold.
fn widths() -> Vec<usize> {
    let dense = (60..=100).step_by(4);
    [5, 8, 12, 18, 25, 35, 45, 52]
        .into_iter()
        .chain(dense)
        .chain([110, 125, 150, 200, 300, 450, 640])
        .collect()
}

/// Those numbers of features and some more, ascending.
fn widths_and(more: &[usize]) -> Vec<usize> {
    let mut all = [&widths()[..], more].concat();
    all.sort_unstable();
    all
}

/// Training times, from far too short to nearly converged.
fn times() -> Vec<f64> {
    (-8..=16).map(|i| 10.0_f64.powf(f64::from(i) / 4.0)).collect()
}

/// Training and test tables: a random network with one hidden layer as the truth, and noise on the training targets.
fn tables(noise: f64) -> Result<(Dataset, Dataset), Error> {
    let normal = |rows: usize, columns: usize, place: usize| {
        let mut rng = stream(1, 7, place);
        Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
    };
    let (hidden, output) = (normal(INPUTS, 50, 0), normal(50, 1, 1));
    let table = |rows: usize, noise: f64, place: usize| {
        let inputs = normal(rows, INPUTS, place);
        let truth =
            (inputs.dot(&hidden) / (INPUTS as f64).sqrt()).mapv(f64::tanh).dot(&output) / 50.0_f64.sqrt();
        let targets = truth + noise * normal(rows, 1, place + 1);
        Dataset::new(format!("outputs of a random network with label noise {noise}"), inputs, targets)
    };
    Ok((table(POOL, noise, 2)?, table(TEST, 0.0, 4)?))
}

fn maps() -> Maps {
    Maps::drawn(|repeat| RandomNetwork::seeded(Activation::Relu, &[INPUTS, 1000], repeat as u64))
}

fn model_wise(noise: f64, rows: usize, arms: Vec<Arm>) -> Result<Curve, Error> {
    let sweep = Sweep::over_features(tables(noise)?, maps(), rows, widths(), REPEATS, 0);
    Sweep { arms, ..sweep }.run()
}

fn flow(time: f64) -> Result<Arm, Error> {
    Ok(Arm::new("stopped_at_t", Some(time), Arc::new(GradientFlow::new(time, Loss::HalfMean)?)))
}

fn over_the_axis() -> FigureOptions {
    FigureOptions { abscissa: Abscissa::Axis, ..FigureOptions::default() }
}

/// Returns every figure with its file name.
pub fn figures() -> Result<Vec<(&'static str, Figure)>, Error> {
    let arms = times().into_iter().map(flow).collect::<Result<Vec<_>, _>>()?;
    let trained = model_wise(0.5, ROWS, arms)?;
    let (train, test) = tables(0.5)?;
    let plane = Sweep {
        samples: vec![20, 25, 40, 80, 160, 320],
        features: widths_and(&[40, 160]),
        ..Sweep::plane(train, test, maps(), REPEATS, 0)
    };
    let plane = plane.surface()?;
    Ok(vec![
        ("deep_size", size(&trained)),
        ("deep_size_and_time", size_and_time(&trained)?),
        ("deep_noise", noise()?),
        ("deep_time", time(&trained)?),
        ("deep_samples", samples(&plane)?),
        ("deep_penalty", penalty()?),
        ("deep_ensembles", ensembles()?),
    ])
}

/// Figure 1: errors over the model size, at the end of training and before it.
fn size(trained: &Curve) -> Figure {
    let last = trained.arms.len() - 1;
    let whole = study::arm_errors(trained, last, &over_the_axis());
    let shown: Vec<usize> = (0..trained.arms.len()).step_by(4).collect();
    let stopped = study::compare(trained, &shown, &over_the_axis());
    let mut panels = whole.panels;
    panels.extend(stopped.panels.into_iter().take(1));
    let titles = ["Training and test error at the end of training", "Test error, stopped at time t"];
    let mut figure = Figure::new(format!(
        "ReLU random features of {INPUTS} inputs on {ROWS} rows with label noise 0.5, fitted by gradient flow from 0 on half of \
         the mean square; medians over {REPEATS} draws of rows and features."
    ));
    for (panel, title) in panels.into_iter().zip(titles) {
        figure = figure.with_panel(panel.with_title(title));
    }
    figure
}

/// Figure 2: the plane of model size and training time.
fn size_and_time(trained: &Curve) -> Result<Figure, Error> {
    let map = |metric: Metric, title: &str| -> Result<Panel, Error> {
        let summaries = trained.summaries(metric, None)?;
        let widths = trained.axis_values();
        let row = |arm: usize| -> Vec<f64> {
            let at = |p: &usize| {
                summaries.iter().find(|s| s.arm == arm && s.p == *p).map_or(f64::NAN, |s| s.median)
            };
            widths.iter().map(at).collect()
        };
        let heat = HeatMap {
            x: widths.iter().map(|p| *p as f64).collect(),
            y: times(),
            values: (0..trained.arms.len()).map(row).collect(),
            scale: Scale::Log10,
            // Anything smaller counts as zero.
            range: (metric == Metric::TrainMse).then_some((1e-8, 1.0)),
            label: format!("{title} (median)"),
        };
        let panel = Panel::new(PanelAxis::log10("Features p"), PanelAxis::log10("Training time t"));
        Ok(panel.with_title(title).with_heat_map(heat).with_marker(ROWS as f64, "p = n"))
    };
    let figure = Figure::new(
        "The same fits over size and time. The ridge of the test error stands at p\u{a0}≈\u{a0}n, from t\u{a0}≈\u{a0}100 on. The \
         edge beyond which the training error vanishes is curved, and comes close to p\u{a0}=\u{a0}n only late in training.",
    );
    Ok(figure
        .with_panel(map(Metric::TestMse, "Test error")?)
        .with_panel(map(Metric::TrainMse, "Training error")?))
}

/// Figures 4 to 8: label noise raises the peak.
fn noise() -> Result<Figure, Error> {
    let curve = |noise: f64| model_wise(noise, ROWS, vec![Arm::min_norm()]);
    let curves = [curve(0.0)?, curve(0.3)?, curve(1.0)?].map(|mut curve| {
        curve.provenance.data = "outputs of a random network with label noise 0, 0.3 and 1".into();
        curve
    });
    let names = ["no label noise", "noise 0.3", "noise 1"];
    let lines: Vec<_> = names.into_iter().zip(&curves).map(|(name, curve)| (name, curve, 0)).collect();
    Ok(study::overlay(&lines, Metric::TestMse, &over_the_axis()))
}

/// Figures 9 and 10: errors over training time, for three sizes; in two panels, since training errors fall by many
/// powers of ten.
fn time(trained: &Curve) -> Result<Figure, Error> {
    let over = |metric| {
        let family = ("stopped_at_t", "Training time t");
        study::over_settings(trained, family, &[25, 80, 640], &[metric], &over_the_axis()).drawn()
    };
    let (test, train) = (over(Metric::TestMse)?, over(Metric::TrainMse)?);
    let (_, how) = train.caption.split_once(". ").unwrap_or_default();
    let what = "Test and training error over the time t at which gradient flow is stopped";
    let figure = Figure::new(format!("{what}. {how}"));
    let panels = test.panels.into_iter().chain(train.panels).zip(["Test error", "Training error"]);
    Ok(panels.fold(figure, |figure, (panel, title)| figure.with_panel(panel.with_title(title))))
}

/// Figures 3, 11 and 12: more rows move the peak, and increase the error at some sizes.
fn samples(plane: &Surface) -> Result<Figure, Error> {
    let options = over_the_axis();
    let over_p = study::over_features(plane, &[40, 80, 160], 0, Metric::TestMse, &options).drawn()?;
    let over_n = study::over_samples(plane, &[25, 80, 640], 0, Metric::TestMse, &options).drawn()?;
    let (features, rows) = (plane.features(), plane.samples());
    let (last_p, last_n) = (features[features.len() - 1], rows[rows.len() - 1]);
    let from = &plane.cells().provenance;
    let (_, how) = over_p.caption.split_once(". Lines").unwrap_or_default();
    let said = format!(
        "Test error. Data: {} ({POOL} rows; {}). (a) Over p from {} to {last_p} ({} values). (b) Over n from {} to {last_n} \
         ({} values). Lines{how}",
        from.data,
        from.preparation,
        features[0],
        features.len(),
        rows[0],
        rows.len(),
    );
    let panels = over_p.panels.into_iter().chain(over_n.panels).zip(["Over the size", "Over the rows"]);
    let figure = Figure::new(said);
    Ok(panels.fold(figure, |figure, (panel, title)| figure.with_panel(panel.with_title(title))))
}

/// Figures 19 to 22: with the best penalty there is no peak.
fn penalty() -> Result<Figure, Error> {
    let arms = [1e-3, 1e-1, 1.0, 10.0, 100.0].into_iter().map(Arm::ridge);
    let arms = [Ok(Arm::min_norm())].into_iter().chain(arms).collect::<Result<Vec<_>, _>>()?;
    let curve = model_wise(0.5, ROWS, arms)?;
    Ok(study::every_arm(&curve, &over_the_axis()))
}

/// Figures 28 and 29: averages of K members, each with its own features.
fn ensembles() -> Result<Figure, Error> {
    const MEMBERS: u64 = 20;
    let (train, test) = tables(0.5)?;
    let (x, y) = (train.features().slice(s![..ROWS, ..]), train.targets().slice(s![..ROWS, ..]));
    let sizes = [1, 2, 5, 20];
    let mut lines = vec![Vec::new(); sizes.len()];
    for p in widths() {
        let member = |seed: u64| {
            let map = RandomNetwork::seeded(Activation::Relu, &[INPUTS, 1000], seed)?;
            let beta = Svd::new(&map.design(&x, p)?)?.solve(&y, &MinNorm::default())?;
            Ok(map.design(test.features(), p)?.dot(&beta))
        };
        let predictions = (0..MEMBERS).map(member).collect::<Result<Vec<_>, Error>>()?;
        let ensemble = Ensemble::new(&predictions, test.targets())?;
        for (line, &size) in lines.iter_mut().zip(&sizes) {
            line.push(ensemble.error(size)?);
        }
    }
    let x: Vec<f64> = widths().iter().map(|&p| p as f64).collect();
    let mut group = Group::new("Test error", Hue::Vermillion);
    for (line, size) in lines.into_iter().zip(sizes) {
        group = group.with_series(Series::new(format!("K = {size}"), x.clone(), line));
    }
    let panel = Panel::new(PanelAxis::log10(Along::Features.label()), PanelAxis::log10("Mean squared error"));
    let caption = format!(
        "Averages of K minimum-norm fits of the same {ROWS} rows (label noise 0.5), each on ReLU features of its own: means over \
         all choices of K of {MEMBERS} members."
    );
    Ok(Figure::new(caption).with_panel(panel.with_group(group).with_marker(ROWS as f64, "p = n")))
}
