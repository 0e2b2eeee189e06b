//! Figures of real curves, of parts of curves, and of malformed curves.

use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance, Surface};
use double_descent::dataset::Dataset;
use double_descent::features::Coordinates;
use double_descent::filter::Ridge;
use double_descent::plot::study::{
    ablations, adversaries, arm_errors, compare, each_arm, every_arm, over_features, over_metric,
    over_samples, over_settings, overlay, panels, surface, test_features_projected, three_factors,
};
use double_descent::plot::{
    Abscissa, Dash, Figure, FigureOptions, Group, Hue, Overlay, Panel, PanelAxis, Series, Statistic,
};
use double_descent::sweep::{Arm, Maps, Sweep};
use double_descent::theory::constant;
use double_descent::theory::line::{Sizes, TheoryLine};
use roxmltree::Document;
use std::sync::Arc;

fn sweep(sizes: impl IntoIterator<Item = usize>, repeats: usize) -> Curve {
    let mut sweep = Sweep::new(Dataset::diabetes(), sizes, repeats, 3);
    sweep.arms.extend(Arm::adversarial_study().into_iter().skip(1));
    sweep.run().expect("a sweep of diabetes")
}

fn all(curve: &Curve, options: &FigureOptions) -> Vec<(&'static str, Figure)> {
    let mut figures = ablations(curve, options);
    figures.extend(adversaries(curve, options));
    let arm = arm_errors(curve, 0, options);
    figures.extend(arm.undrawn.is_none().then_some(("arm", arm)));
    figures
}

fn every_option() -> Vec<FigureOptions> {
    let mean = |draws| Statistic::Mean(Bootstrap { draws, seed: 1 });
    let statistics = [Statistic::Median, mean(20), mean(0)];
    let theory = Overlay::new(TheoryLine::gaussian_noise(Sizes::Samples { p: 10 }));
    let of = |statistic| {
        [Abscissa::Ratio, Abscissa::Axis].map(|abscissa| FigureOptions {
            statistic,
            abscissa,
            theories: vec![theory.clone()],
        })
    };
    statistics.into_iter().flat_map(of).collect()
}

fn parsed(figure: &Figure) -> Vec<String> {
    let svg = figure.to_svg();
    let document = Document::parse(&svg).expect("valid XML");
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    nodes.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn the_figures_of_both_studies() {
    let figures = all(&sweep(5..=20, 6), &FigureOptions::default());
    let names: Vec<&str> = figures.iter().map(|(name, _)| *name).collect();
    let expected = [
        "unablated",
        "no_small_singular_values",
        "test_features_projected",
        "no_residuals",
        "three_factors",
        "adversarial_test",
        "adversarial_train",
        "arm",
    ];
    assert_eq!(names, expected);
    for (name, figure) in &figures {
        assert!(parsed(figure).iter().any(|text| text == "p/n = 1"), "{name}: the threshold is marked");
        let parts = [
            "diabetes",
            "442 rows",
            "no intercept, features as given",
            "n\u{a0}=\u{a0}5–20",
            "p\u{a0}=\u{a0}10",
            "medians",
            "quartiles",
            "6 nested random splits, seed 3",
            "minimum norm, σ\u{a0}>\u{a0}max(n,\u{a0}p)\u{a0}ε\u{a0}σ₁",
        ];
        for part in parts {
            assert!(figure.caption.contains(part), "{name}: no `{part}` in `{}`", figure.caption);
        }
    }
}

#[test]
fn options_change_the_axis_and_the_lines() {
    let curve = sweep(5..=20, 6);
    let statistic = Statistic::Mean(Bootstrap { draws: 20, seed: 9 });
    let figure = arm_errors(
        &curve,
        0,
        &FigureOptions { statistic, abscissa: Abscissa::Axis, ..FigureOptions::default() },
    );
    let texts = parsed(&figure);
    assert!(
        texts.iter().any(|text| text == "n = p") && texts.iter().any(|text| text == "Training samples n")
    );
    assert!((figure.panels[0].markers[0].x - 10.0).abs() < 1e-12);
    assert!(figure.caption.contains("means") && figure.caption.contains("20 resamples, seed 9"));
}

#[test]
fn rounding_noise_does_not_rule_the_axis() {
    let curve = sweep(5..=20, 6);
    let figures = ablations(&curve, &FigureOptions::default());
    let (_, figure) = figures.iter().find(|(name, _)| *name == "no_residuals").expect("its figure");
    let (bottom, top) = figure.panels[0].y.range.expect("a range");
    assert!(bottom > 1e-3 && top < 1e9, "{bottom:e} to {top:e}");
    assert!(figure.caption.contains("cut off"));
    assert!(parsed(figure).iter().any(|text| text == "Training error (zero)"));
}

/// The lower panels of the adversaries show medians, whatever the upper ones show.
#[test]
fn the_caption_of_adversaries_says_which_lines_are_medians() {
    let bootstrap = double_descent::curve::Bootstrap { draws: 20, seed: 0 };
    let options = FigureOptions { statistic: Statistic::Mean(bootstrap), ..FigureOptions::default() };
    for (name, figure) in adversaries(&sweep(8..=12, 6), &options) {
        for said in
            ["Below, lines are medians over the repeats of the error divided by", "Above, lines are means"]
        {
            assert!(figure.caption.contains(said), "{name}: {}", figure.caption);
        }
    }
}

/// The caption explains the settings that are drawn and no others, and titles name all errors that are zero.
#[test]
fn three_factors_without_the_threshold_or_without_fewer_modes() {
    let caption = |figure: &Figure| figure.caption.split(". Data").next().unwrap_or_default().to_owned();
    let figure = three_factors(&sweep(2..=8, 6), &FigureOptions::default());
    assert_eq!(figure.panels.len(), 2);
    assert_eq!(
        caption(&figure),
        "One of the three factors of double descent switched off. There is no panel for the cutoff c or the number of \
         modes k: settings are chosen at n = p, which is not on the curve"
    );
    let data = Dataset::diabetes().select(["bmi"]).expect("a column");
    let curve = Sweep::new(data, 1..=8, 6, 3).run().expect("a sweep of one feature");
    let figure = three_factors(&curve, &FigureOptions::default());
    assert_eq!(figure.panels.len(), 3);
    let said = caption(&figure);
    assert!(
        said.starts_with("Two of the three factors of double descent switched off; c is the mildest"),
        "{said}"
    );
    assert!(said.ends_with("There is no panel for the number of modes k: no setting is below p"), "{said}");
    assert_eq!(figure.panels[2].title, "No residuals (training error and test error zero)");
}

/// Settings that keep every mode switch nothing off: they are not chosen, their lines are the same, and the line of the
/// unablated fit, which they equal, is on top.
#[test]
fn numbers_of_modes_that_keep_all() {
    let options = FigureOptions::default();
    let curve = sweep(5..=15, 6);
    let said = three_factors(&curve, &options).caption;
    assert!(said.contains("c and k are the mildest") && said.contains("only k < p are considered"), "{said}");
    let of = |curve: &Curve| test_features_projected(curve, &options).caption;
    assert!(!of(&curve).contains("are the same"), "{}", of(&curve));
    let few = of(&sweep(5..=8, 6));
    assert!(few.contains("there are at most 8, so the lines of k ≥ 8 are the same"), "{few}");
    let curve = Sweep::new(Dataset::diabetes(), 5..=15, 6, 3).run().expect("a sweep of diabetes");
    for panel in every_arm(&curve, &options).panels {
        assert_eq!(panel.groups.last().map(|group| &*group.heading), Some("unablated"));
    }
}

/// A frame that the caller chose may cut off bands as well; on a linear axis, also below.
#[test]
fn bands_that_a_chosen_frame_cuts_off_are_said() {
    let line = Series::new("", vec![1.0, 2.0], vec![3.0, 4.0]).with_band(vec![-9.0, 3.0], vec![4.0, 9.0]);
    let said = |y: PanelAxis| {
        let panel = Panel::new(PanelAxis::linear("n"), y);
        let figure = Figure::new("A line.")
            .with_panel(panel.with_group(Group::new("Line", Hue::Blue).with_series(line.clone())));
        figure.caption_text()
    };
    assert_eq!(said(PanelAxis::linear("y")), "A line.");
    assert_eq!(said(PanelAxis::linear("y").with_range(-10.0, 10.0)), "A line.");
    let above = "A line. Bands that reach above a frame are cut off.";
    assert_eq!(said(PanelAxis::log10("y").with_range(1.0, 5.0)), above);
    assert_eq!(said(PanelAxis::linear("y").with_range(-10.0, 5.0)), above);
    assert_eq!(
        said(PanelAxis::linear("y").with_range(0.0, 5.0)),
        "A line. Bands that leave a frame are cut off."
    );
}

/// Bands do not determine the axis range. If one leaves the frame at the top, the caption says so.
#[test]
fn bands_that_end_at_the_frame_are_said() {
    let caption = |worst: f64| {
        let mut curve =
            Curve::new(Axis::Samples, vec![ArmLabel::new("unablated", None)], Provenance::default());
        let cell = |repeat: usize, n: usize| {
            let error = if (repeat, n) == (2, 5) { worst } else { 10.0 + (repeat * n) as f64 };
            Cell::new(repeat, n, 5, 0).with(Metric::TrainMse, 1.0).with(Metric::TestMse, error)
        };
        curve.cells = (0..3).flat_map(|repeat| (1..=9).map(move |n| cell(repeat, n))).collect();
        arm_errors(&curve, 0, &FigureOptions::default()).caption
    };
    let note = "Bands that reach above a frame are cut off.";
    assert!(caption(1e9).contains(note) && !caption(20.0).contains(note), "{}", caption(1e9));
}

/// Errors that are exactly zero, at some sizes and at all.
#[test]
fn zeros_are_no_numbers_on_a_logarithmic_axis() {
    let arms: Vec<ArmLabel> =
        ["unablated", "no_residuals", "adversarial_test"].map(|name| ArmLabel::new(name, None)).into();
    let curve = |error: &dyn Fn(usize, usize) -> f64| {
        let cell = |repeat, n, arm| {
            let tested = error(n, arm);
            let cell = Cell::new(repeat, n, 5, arm).with(Metric::TrainMse, 0.0);
            cell.with(Metric::TestMse, tested).with(Metric::TestMseOpposite, tested)
        };
        let cells = (0..3).flat_map(|r| (1..=9).flat_map(move |n| (0..3).map(move |arm| cell(r, n, arm))));
        let mut curve = Curve::new(Axis::Samples, arms.clone(), Provenance::default());
        curve.cells = cells.collect();
        curve
    };
    let options = FigureOptions::default();
    let some = curve(&|n, _| if n < 5 { 1.0 / n as f64 } else { 0.0 });
    let figure = arm_errors(&some, 0, &options);
    // Nine zeros of the training error, five of the test error; none is rounding noise.
    assert!(figure.caption.contains("14 zeros are not drawn"), "{}", figure.caption);
    assert!(!figure.caption.contains("cut off by the frame"));
    let test = figure.panels[0].groups.iter().find(|group| group.heading == "Test error").expect("its group");
    assert_eq!(test.series[0].y[3..], [0.25, 0.0, 0.0, 0.0, 0.0, 0.0], "the data as they are");
    let noise = curve(&|n, _| if n < 5 { 1.0 / n as f64 } else { 1e-30 });
    let figure = arm_errors(&noise, 0, &options);
    assert!(
        figure.caption.contains("5 values under 10⁻¹²") && figure.caption.contains("9 zeros"),
        "{}",
        figure.caption
    );
    let test = figure.panels[0].groups.iter().find(|group| group.heading == "Test error").expect("its group");
    assert_eq!(test.series[0].y[8], 1e-30);
    // If all errors are zero there is no figure; it used to be drawn at 10⁻³⁰⁰.
    let none = curve(&|_, _| 0.0);
    assert!(all(&none, &options).is_empty());
    for (_, figure) in all(&some, &options) {
        assert!(!parsed(&figure).iter().any(|text| text.contains("10⁻³⁰⁰")));
    }
}

#[test]
fn parts_of_studies_give_what_they_can() {
    for (sizes, repeats) in [(vec![10], 1), (vec![10], 4), (vec![3, 30], 1), (vec![40], 2)] {
        let mut curve = sweep(sizes, repeats);
        for options in every_option() {
            let figures = all(&curve, &options);
            assert_eq!(figures.len(), 8);
            assert!(figures.iter().all(|(_, figure)| !parsed(figure).is_empty()));
        }
        curve.complete = false;
        let figure = arm_errors(&curve, 0, &FigureOptions::default());
        assert!(figure.caption.contains("stopped"));
    }
    let mut sweep = Sweep::new(Dataset::diabetes(), 8..=12, 2, 0);
    sweep.arms = vec![Arm::no_residuals()];
    let curve = sweep.run().expect("a sweep");
    let names: Vec<&str> = all(&curve, &FigureOptions::default()).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["no_residuals", "arm"]);
}

#[test]
fn a_bootstrap_that_does_not_fit_in_memory_is_said() {
    let curve = sweep(8..=12, 4);
    let statistic = Statistic::Mean(Bootstrap { draws: usize::MAX, seed: 0 });
    let options = FigureOptions { statistic, ..FigureOptions::default() };
    let arms = [("one", &curve, 0)];
    let errors = (Metric::TrainMse, Metric::TestMse);
    let mut figures = all(&curve, &options);
    assert_eq!(figures.len(), 7, "both studies");
    figures.extend([
        ("arm", arm_errors(&curve, 0, &options)),
        ("arms", compare(&curve, &[0, 1], &options)),
        ("every arm", every_arm(&curve, &options)),
        ("an arm each", each_arm(&curve, &[0, 1], &options)),
        ("panels", panels(&curve, &[&[Metric::TestMse]], &options)),
        ("overlay", overlay(&arms, Metric::TestMse, &options)),
        ("fold", over_metric(&curve, 0, errors, &options).unwrap_or_else(Figure::not_drawn)),
    ]);
    for (name, figure) in figures {
        let error = figure.undrawn;
        // With few arms alone, bands are drawn.
        let is_bare = name == "every arm";
        assert_eq!(matches!(error, Some(Error::Memory { .. })), !is_bare, "{name}: {error:?}");
    }
}

#[test]
fn hostile_curves_do_not_panic() {
    let values = [0.0, -1.0, 1e-320, 1.0, f64::MAX, f64::INFINITY, f64::NAN];
    let names = [
        "unablated",
        "no_small_singular_values",
        "test_features_projected",
        "no_residuals",
        "adversarial_test",
    ];
    for (i, &value) in values.iter().enumerate() {
        for (n, p) in [(0, 0), (0, 5), (5, 0), (1, 1), (7, 3)] {
            let arms = names.iter().map(|name| ArmLabel::new(*name, Some(value)));
            let unablated = ArmLabel::new("unablated", None);
            let cell = |arm, repeat| {
                let metrics = [
                    Metric::TrainMse,
                    Metric::TestMseOpposite,
                    Metric::BiasSquared,
                    Metric::SmallestSingularValue,
                ];
                let cell = Cell::new(repeat, n + repeat, p, arm).with(Metric::TestMse, value);
                let other = values[(i + repeat * n) % values.len()];
                metrics.into_iter().fold(cell, |cell, metric| cell.with(metric, other))
            };
            let axis = if i % 2 == 0 { Axis::Samples } else { Axis::Features };
            let mut curve = Curve::new(axis, arms.chain([unablated]).collect(), Provenance::default());
            curve.cells = (0..7).flat_map(|arm| [cell(arm, 0), cell(arm, 1), cell(arm, 1)]).collect();
            for options in every_option() {
                assert!(all(&curve, &options).iter().all(|(_, figure)| !parsed(figure).is_empty()));
                let mut empty = curve.clone();
                empty.cells.clear();
                assert!(all(&empty, &options).is_empty());
            }
        }
    }
}

/// Labels and values of the theories in a panel.
fn theories(figure: &Figure, panel: usize) -> Vec<(String, Vec<f64>)> {
    let groups = figure.panels[panel].groups.iter().filter(|group| group.hue == Hue::Black);
    groups.flat_map(|group| &group.series).map(|series| (series.label.clone(), series.y.clone())).collect()
}

#[test]
fn theories_run_through_the_panels_of_their_metric_and_arm() {
    let curve = sweep(5..=20, 6);
    let line = TheoryLine::over_sizes("Exact", "Source 2020", Sizes::Samples { p: 10 }, |n, p| {
        Ok(3000.0 * (1.0 + double_descent::theory::noise::gaussian(n, p)))
    });
    let options = FigureOptions::default().with_theory(Overlay::new(line).of_arm("unablated", None));
    let figure = arm_errors(&curve, 0, &options);
    let shown = theories(&figure, 0);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].0, "Exact (Source 2020)");
    // The abscissa is p/n, for n = 5 … 20 and p = 10. There are gaps where the theory is infinite, and values
    // elsewhere.
    assert_eq!(shown[0].1.iter().filter(|y| y.is_nan()).count(), 3);
    assert_eq!(shown[0].1[0], 3000.0 * (1.0 + 5.0 / 4.0));
    let series = &figure.panels[0].groups.last().expect("theory").series[0];
    assert_eq!((series.x[0], series.x[15]), (2.0, 0.5));
    let text = figure.caption.replace('\u{a0}', " ");
    assert!(text.contains("Theory: Exact (Source 2020), infinite at n = 9–11"), "{text}");
    assert!(parsed(&figure).concat().contains("Exact"), "the legend names it");
    // The theory appears only where the unablated arm is shown on its own: in one panel of three, and in one of four.
    let figures = ablations(&curve, &options);
    let count = |name: &str| {
        let (_, figure) = figures.iter().find(|(of, _)| *of == name).expect("its figure");
        (0..figure.panels.len()).map(|panel| theories(figure, panel).len()).collect::<Vec<_>>()
    };
    assert_eq!(count("unablated"), [1, 0, 0]);
    assert_eq!(count("three_factors"), [1, 0, 0, 0]);
    assert_eq!([count("no_residuals"), count("test_features_projected")], [[0], [0]]);
    assert_eq!(count("no_small_singular_values"), [0, 0]);
    let compared = compare(&curve, &[1, 2], &options);
    assert!((0..2).all(|panel| theories(&compared, panel).is_empty()));
    let train = TheoryLine::new("Train", "", |_| Ok(100.0));
    let options = FigureOptions::default().with_theory(Overlay::new(train).of_metric(Metric::TrainMse));
    let compared = compare(&curve, &[1, 2], &options);
    assert_eq!([theories(&compared, 0).len(), theories(&compared, 1).len()], [0, 1]);
}

#[test]
fn a_theory_does_not_rule_the_axis_and_its_failure_is_said() {
    let curve = sweep(5..=20, 6);
    let range = |options: &FigureOptions| {
        let figure = arm_errors(&curve, 0, options);
        (figure.panels[0].y.range.expect("a range"), figure.caption)
    };
    let (plain, _) = range(&FigureOptions::default());
    let far = TheoryLine::new("Far", "", |n| Ok(10.0_f64.powf(3.0 * n)));
    let (with, caption) = range(&FigureOptions::default().with_theory(Overlay::new(far)));
    // The theory reaches 10⁶⁰ but extends the range by less than a decade.
    assert!(with.1 < 10.0 * plain.1 && with.0 > plain.0 / 10.0, "{plain:?} {with:?}");
    assert!(caption.contains("cut off by the frame"), "{caption}");
    let broken = TheoryLine::new("Broken", "", |_| panic!("no number"));
    let options = FigureOptions::default().with_theory(Overlay::new(broken));
    let (with, caption) = range(&options);
    assert_eq!(with, plain);
    assert!(caption.contains("Broken, not drawn") && caption.contains("no number"), "{caption}");
}

/// The baseline is in every panel of its metric, with one name, and over another metric it runs along the curve.
#[test]
fn a_baseline_runs_through_all_panels_of_its_metric() {
    let curve = sweep(5..=20, 6);
    let variance = constant::variance(Dataset::diabetes().targets()).expect("a variance");
    let line = TheoryLine::constant_prediction(Sizes::Samples { p: 10 }, variance);
    let options = FigureOptions::default().with_theory(Overlay::baseline(line));
    let baselines = |figure: &Figure| -> Vec<Vec<f64>> {
        let groups = figure.panels.iter().flat_map(|panel| &panel.groups);
        let groups = groups.filter(|group| group.heading == "Constant prediction");
        groups.flat_map(|group| &group.series).filter(|s| s.dash == Dash::Thin).map(|s| s.y.clone()).collect()
    };
    let expected: Vec<f64> = (5..=20).map(|n| variance * (1.0 + 1.0 / f64::from(n))).collect();
    let counts = [
        ("unablated", 1),
        ("no_small_singular_values", 1),
        ("test_features_projected", 1),
        ("no_residuals", 1),
        ("three_factors", 4),
    ];
    for ((name, figure), (expected_name, count)) in ablations(&curve, &options).iter().zip(counts) {
        assert_eq!(*name, expected_name);
        assert_eq!(baselines(figure), vec![expected.clone(); count], "{name}");
        assert!(
            figure.caption.contains(". Constant prediction: mean over random splits"),
            "{}",
            figure.caption
        );
        assert!(parsed(figure).concat().contains("Constant prediction"), "{name}");
    }
    // A hundredth of the least test error: it is in the frame nevertheless.
    let far = TheoryLine::constant_prediction(Sizes::Samples { p: 10 }, 200.0);
    let figure = arm_errors(&curve, 0, &FigureOptions::default().with_theory(Overlay::baseline(far)));
    assert!(
        figure.panels[0].y.range.is_some_and(|(low, high)| low < 200.0 && high > 1e5),
        "{:?}",
        figure.panels[0].y
    );
    let metrics = (Metric::SmallestSingularValue, Metric::TestMse);
    let folded = over_metric(&curve, 0, metrics, &options).expect("a figure");
    assert_eq!(baselines(&folded), [expected]);
    assert!(folded.caption.contains("Constant prediction: mean"), "{}", folded.caption);
}

/// A plane of the diabetes data over these sizes.
fn plane(samples: &[usize], features: &[usize]) -> Surface {
    let data = Dataset::diabetes();
    let maps = Maps::same(Coordinates::new(10));
    let mut sweep = Sweep::plane(data.clone(), data, maps, 4, 2);
    (sweep.samples, sweep.features) = (samples.to_vec(), features.to_vec());
    sweep.surface().expect("a plane")
}

#[test]
fn a_surface_is_a_heat_map_with_units() {
    let plane = plane(&[4, 6, 8, 30], &[2, 4, 6, 8, 10]);
    let mean =
        FigureOptions { statistic: Statistic::Mean(Bootstrap { draws: 5, seed: 0 }), ..Default::default() };
    let [median, mean] = [FigureOptions::default(), mean].map(|options| {
        let figure = surface(&plane, 0, Metric::TestMse, &options);
        assert!(parsed(&figure).concat().contains("squared units of the targets"));
        figure.panels[0].heat.clone().expect("cells")
    });
    assert_eq!((median.x.len(), median.y.len(), median.values.len()), (5, 4, 4));
    let expected = plane.medians(0, Metric::TestMse).expect("medians");
    assert_eq!(median.values[2][3], expected[[2, 3]]);
    let cells = plane.cells().cells.iter().filter(|cell| (cell.n, cell.p) == (8, 8));
    let (sum, count) = cells.fold((0.0, 0.0), |(s, c), cell| (s + cell.test_mse.expect("an error"), c + 1.0));
    assert!((mean.values[2][3] / (sum / count) - 1.0).abs() < 1e-14);
    assert!(mean.label.contains("mean") && median.label.contains("median"));
    // The training error of interpolating fits is zero: these cells are grey, and the figure says so.
    let train = surface(&plane, 0, Metric::TrainMse, &FigureOptions::default());
    assert!(parsed(&train).concat().contains("grey"), "{}", train.caption);
    let no_arm = surface(&plane, 3, Metric::TestMse, &FigureOptions::default());
    assert!(matches!(no_arm.check(), Err(Error::TooLarge { found: 3, .. })));
    let absent = surface(&plane, 0, Metric::BiasSquared, &FigureOptions::default());
    assert!(matches!(absent.check(), Err(Error::Unsupported { .. })));
}

#[test]
fn slices_of_a_plane_share_a_legend_and_keep_their_thresholds() {
    let plane = plane(&[4, 8, 30], &[2, 4, 6, 8, 10]);
    let axis = FigureOptions { abscissa: Abscissa::Axis, ..Default::default() };
    let figure = over_features(&plane, &[4, 8], 0, Metric::TestMse, &axis);
    let labels: Vec<&str> = figure.panels[0].groups[0].series.iter().map(|series| &*series.label).collect();
    assert_eq!(labels, ["n\u{a0}=\u{a0}4", "n\u{a0}=\u{a0}8"]);
    let at: Vec<f64> = figure.panels[0].markers.iter().map(|marker| marker.x).collect();
    assert_eq!(at, [4.0, 8.0]);
    let ratio = over_samples(&plane, &[2, 10], 0, Metric::TestMse, &FigureOptions::default());
    assert_eq!(ratio.panels[0].markers.len(), 1, "p/n = 1 is one place");
    // Over p/n, a theory must say which of the curves it belongs to.
    let line = || Overlay::new(TheoryLine::new("Flat", "", |_| Ok(4000.0)));
    let unsaid = FigureOptions::default().with_theory(line());
    let whose = over_samples(&plane, &[2, 10], 0, Metric::TestMse, &unsaid);
    assert!(matches!(whose.check(), Err(Error::Unsupported { .. })));
    let said = FigureOptions::default().with_theory(line().at(10));
    let figure = over_samples(&plane, &[2, 10], 0, Metric::TestMse, &said);
    assert_eq!(theories(&figure, 0).len(), 1);
    let x = &figure.panels[0].groups[1].series[0].x;
    assert_eq!(x.first(), Some(&2.5), "10 features to 4 samples");
    let errors = [
        over_features(&plane, &[5], 0, Metric::TestMse, &axis),
        over_features(&plane, &[], 0, Metric::TestMse, &axis),
        over_features(&plane, &[4], 1, Metric::TestMse, &axis),
        over_features(&plane, &[4], 0, Metric::BiasSquared, &axis),
    ];
    assert!(errors.iter().all(|figure| figure.check().is_err()));
    let (a, b) = (plane.over_features(4).expect("a slice"), plane.over_samples(4).expect("a slice"));
    let mixed = overlay(&[("a", &a, 0), ("b", &b, 0)], Metric::TestMse, &axis);
    assert!(matches!(mixed.check(), Err(Error::Unsupported { .. })));
}

#[test]
fn settings_are_an_axis() {
    let mut sweep = Sweep::new(Dataset::diabetes(), [8, 10, 15], 5, 1);
    let ridge =
        |penalty: f64| Arm::new("ridge", Some(penalty), Arc::new(Ridge::new(penalty).expect("a penalty")));
    sweep.arms = [1e-2, 1e-4, 1.0].into_iter().map(ridge).chain([Arm::unablated()]).collect();
    let curve = sweep.run().expect("a sweep");
    let options =
        FigureOptions::default().with_theory(Overlay::new(TheoryLine::new("λ", "", |at| Ok(3000.0 + at))));
    let draw = |family: &str, at: &[usize], metrics: &[Metric]| {
        over_settings(&curve, (family, "Penalty λ"), at, metrics, &options)
    };
    let figure = draw("ridge", &[10, 15], &[Metric::TestMse, Metric::TrainMse]);
    let panel = &figure.panels[0];
    assert_eq!(panel.x.scale, double_descent::plot::Scale::Log10);
    assert_eq!(panel.groups[0].series[0].x, [1e-4, 1e-2, 1.0], "ascending");
    let middle = curve.summaries(Metric::TestMse, None).expect("summaries");
    let middle = middle.iter().find(|s| s.arm == 0 && s.n == 10).expect("a cell").median;
    assert_eq!(panel.groups[0].series[0].y[1], middle);
    assert_eq!(panel.groups.len(), 3);
    assert_eq!((panel.groups[2].series[0].x[0], panel.groups[2].series[0].y[0]), (1e-4, 3000.0 + 1e-4));
    assert!(
        figure.caption.starts_with("Test error and training error over penalty λ. "),
        "{}",
        figure.caption
    );
    assert!(matches!(draw("lasso", &[], &[Metric::TestMse]).check(), Err(Error::UnknownName { .. })));
    assert!(matches!(draw("unablated", &[], &[Metric::TestMse]).check(), Err(Error::Unsupported { .. })));
    assert!(matches!(draw("ridge", &[9], &[Metric::TestMse]).check(), Err(Error::Domain { .. })));
    assert!(matches!(draw("ridge", &[], &[]).check(), Err(Error::Empty { .. })));
    let apart = draw("ridge", &[], &[Metric::TestMse, Metric::CoefficientNorm]);
    assert!(matches!(apart.check(), Err(Error::Unsupported { .. })));
}

/// Grey and black lines differ in their dashes alone, so no two of them in a legend may look alike.
#[test]
fn references_limits_and_theories_have_dashes_of_their_own() {
    let curve = sweep(5..=20, 4);
    let line = || TheoryLine::gaussian_noise(Sizes::Samples { p: 10 });
    let train = Overlay::new(TheoryLine::new("Training", "", Ok)).of_metric(Metric::TrainMse);
    let options = FigureOptions::default().with_theory(Overlay::new(line())).with_theory(train);
    let arm = ArmLabel::new("infinite_width", None);
    let mut limit = Curve::new(Axis::Samples, vec![arm], curve.provenance.clone());
    limit.cells.extend(curve.cells.iter().filter(|cell| cell.arm == 0));
    let mut figures = ablations(&curve, &options);
    figures.push(("limit", panels(&limit, &[&[Metric::TestMse]], &options)));
    let mut seen = 0;
    for (name, figure) in figures {
        for panel in &figure.panels {
            let plain = panel.groups.iter().filter(|group| matches!(group.hue, Hue::Grey | Hue::Black));
            let mut dashes: Vec<_> =
                plain.flat_map(|group| &group.series).map(|series| format!("{:?}", series.dash)).collect();
            seen += usize::from(dashes.len() > 1);
            dashes.sort();
            let all = dashes.len();
            dashes.dedup();
            assert_eq!(dashes.len(), all, "{name}: {dashes:?}");
        }
    }
    assert!(seen > 5, "{seen} panels");
}

/// A theory of an arm that does not exist is not drawn, and the caption says so.
#[test]
fn theories_of_nothing_are_said() {
    let curve = sweep(5..=20, 4);
    let line = || TheoryLine::gaussian_noise(Sizes::Samples { p: 10 });
    let caption =
        |overlay: Overlay| arm_errors(&curve, 0, &FigureOptions::default().with_theory(overlay)).caption;
    let missed = caption(Overlay::new(line()).of_arm("unblated", Some(0.5)));
    let says =
        "it belongs to the arm `unblated` 0.5, but the arms are `unablated`, `no_small_singular_values`";
    assert!(missed.contains("Theory not drawn: ") && missed.contains(says), "{missed}");
    assert!(!caption(Overlay::new(line()).of_arm("unablated", None)).contains("not drawn"));
    // A theory of another arm than the one shown, or of other curves, is no fault.
    assert!(!caption(Overlay::new(line()).of_arm("no_residuals", None)).contains("not drawn"));
    assert!(!caption(Overlay::new(line()).along(Axis::Features)).contains("not drawn"));
    assert!(!caption(Overlay::new(line()).at(11)).contains("not drawn"));
    let options = FigureOptions::default().with_theory(Overlay::new(line()).at(11));
    let both = overlay(&[("a", &curve, 0), ("b", &curve, 0)], Metric::TestMse, &options);
    assert!(both.caption.contains("it belongs to the curve at 11, which is not drawn"), "{}", both.caption);
}
