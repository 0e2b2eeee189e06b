//! HTML of the values that end a notebook cell: short, escaped, and with the values' numbers in it.

use double_descent::complexity::{LinearModel, Search};
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance, ShapeTest, Surface};
use double_descent::dataset::Dataset;
use double_descent::diagnosis::diagnose;
use double_descent::factors::Factors;
use double_descent::features::Coordinates;
use double_descent::filter::MinNorm;
use double_descent::notebook::{LARGEST, ToHtml};
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Parameter, Sweep};
use double_descent::teacher::Teacher;
use ndarray::{Array2, s};
use roxmltree::Document;
use std::sync::Arc;

/// Checks that the HTML parses as XML and stays under the limit, and returns its text.
fn text(value: &impl ToHtml, most: usize) -> String {
    let html = value.to_html();
    assert!(html.len() <= most, "{} bytes, at most {most} expected", html.len());
    let whole = format!("<div>{html}</div>");
    let document = Document::parse(&whole).expect("well-formed");
    document.descendants().filter_map(|node| node.text()).collect()
}

fn study() -> Curve {
    Sweep::new(Dataset::diabetes(), 1..=39, 12, 0).run().expect("a study")
}

#[test]
fn a_curve_shows_all_arms_and_a_table() {
    let curve = study();
    assert!(curve.arms.len() > 10);
    let shown = text(&curve, LARGEST);
    for part in ["unablated", "no small singular values", "test features projected", "no residuals"] {
        assert!(shown.contains(part), "no `{part}`");
    }
    assert!(shown.contains("over n = 1 to 39 (39 values)"), "{shown}");
    assert!(shown.contains("at n = 10"));
    let html = curve.to_html();
    assert_eq!(html.matches("<svg").count(), usize::from(cfg!(feature = "svg")));
    // A heading, seven rows, a row for those left out, and two more rows.
    assert_eq!(html.matches("<tr>").count(), 11);
}

#[test]
fn tables_say_what_a_reader_looks_for() {
    let data = Dataset::diabetes();
    let rows: Vec<usize> = (0..10).collect();
    let (x, y) = (data.features().slice(s![..10, ..]), data.targets().slice(s![..10, ..]));
    let svd = Svd::new(&x).expect("an SVD");
    let shown = text(&svd, 3000);
    assert!(shown.contains("SVD of 10 × 10: rank 10"), "{shown}");

    let teacher = Teacher::ideal(&data).and_then(|teacher| teacher.select(&rows)).expect("a teacher");
    let factors = Factors::new(&svd, &MinNorm::default(), &teacher, data.features()).expect("factors");
    let shown = text(&factors, 3000);
    assert!(shown.contains("442 test rows over 10 modes") && shown.contains("gain g(σ)"), "{shown}");

    let shown = text(&data, 6000);
    assert!(
        shown.contains("442 rows, 10 features, 1 target") && shown.contains("… 433 more rows …"),
        "{shown}"
    );

    let report = study().shape(0, Metric::TestMse, &ShapeTest::new(1)).expect("a report");
    assert!(text(&report, 4000).contains("resamples agree"));

    let model = LinearModel::new(Arc::new(Coordinates::new(10)), 10, Arc::new(MinNorm::default()));
    let search = Search { largest: Some(40), ..Search::new(0.0, 5, 0) };
    let found = search.run(&model, data.features(), data.targets()).expect("a complexity");
    assert!(text(&found, 3000).contains("complexity: 10 samples"));

    let diagnosis = diagnose(&x, &y).expect("a diagnosis");
    assert!(text(&diagnosis, 8000).contains("at the interpolation threshold"));

    let summaries = study().summaries(Metric::TestMse, None).expect("summaries");
    assert!(summaries.len() > 100 && text(&summaries, 4000).contains("more rows"));
    assert!(text(&summaries[0], 1000).contains("over 12 repeats"));
    assert!(text(&factors.contributions(0), 3000).contains("residuals u·E"));
}

#[test]
fn lists_draw_what_is_in_them() {
    let lists = vec![Dataset::diabetes(); 2];
    assert!(text(&lists, 12_000).starts_with("2 data sets"));
    assert_eq!(lists.to_html().matches("442 rows, 10 features").count(), 2);
    let curve = study();
    assert!(text(&vec![curve.clone(), curve.clone()], LARGEST).contains("2 curves"));
    assert!(text(&vec![curve.clone(); 40], LARGEST).contains("more …"));
    let shown = text(&curve.cells, 4000);
    assert!(shown.contains("cells") && shown.contains("test mse") && shown.contains("more rows"), "{shown}");
    let points: Vec<_> = (0..2).filter_map(|arm| curve.highest(arm, Metric::TestMse)).collect();
    assert!(text(&points, 1000).contains("2 points"));
    #[cfg(feature = "svg")]
    {
        use double_descent::plot::{FigureOptions, study};
        let figures = vec![study::arm_errors(&curve, 0, &FigureOptions::default()); 2];
        assert_eq!(figures.to_html().matches("<svg").count(), 2);
    }
}

/// A penalty may be equal to n or p.
#[test]
fn points_say_where_they_are_on_the_axis() {
    let mut curve = Curve::new(Axis::Penalty, vec![ArmLabel::new("ridge", None)], Provenance::default());
    curve.cells = [1.0, 10.0].map(|at| Cell::new(0, 10, 4, 0).with(Metric::TestMse, at).at(at)).into();
    let shown = text(&curve.highest(0, Metric::TestMse), 1000);
    assert!(shown.contains("n = 10, p = 4, axis value 10: median 10"), "{shown}");
}

#[test]
fn options_and_results_draw_what_is_in_them() {
    let curve = study();
    assert!(text(&curve.highest(0, Metric::TestMse), 1000).contains("n = 10, p = 10"));
    assert!(text(&curve.highest(999, Metric::TestMse), 1000).contains("None"));
    assert!(text(&Svd::new(&Array2::from_elem((2, 2), f64::NAN)), 1000).contains("the matrix: NaN at row 0"));
}

/// Names come from files and may contain markup.
#[test]
fn markup_in_names_is_text() {
    let name = "<script>alert(1)</script>&\"'";
    let data = Dataset::new(name, Array2::ones((2, 1)), Array2::ones((2, 1))).expect("a table");
    let html = data.to_html();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    let cell = |n: usize| Cell::new(0, n, 2, 0).with(Metric::TestMse, 1.0 / n as f64);
    let from = Provenance::new(name, name);
    let mut curve = Curve::new(Axis::Samples, vec![ArmLabel::new(name, None)], from);
    curve.cells = (1..5).map(cell).collect();
    let html = curve.to_html();
    assert!(!html.contains("<script"));
    assert!(text(&curve, LARGEST).contains("<script>alert(1)</script>"));
}

#[cfg(feature = "svg")]
#[test]
fn long_curves_and_large_surfaces_stay_small() {
    use double_descent::plot::{FigureOptions, study};
    let arms: Vec<ArmLabel> = (0..30).map(|i| ArmLabel::new("ridge", Some(f64::from(i)))).collect();
    let mut curve = Curve::new(Axis::Samples, arms, Provenance::default());
    let error = |n: usize, arm: usize| if n == 777 { 1e6 } else { 1.0 + (n * arm % 17) as f64 };
    curve.cells = (1..=1000)
        .flat_map(|n| (0..30).map(move |arm| Cell::new(0, n, 500, arm).with(Metric::TestMse, error(n, arm))))
        .collect();
    text(&curve, LARGEST);

    let mut cells = Curve::new(Axis::Features, vec![ArmLabel::new("unablated", None)], Provenance::default());
    let high = |n: usize, p: usize| if n == p { 100.0 } else { 1.0 };
    cells.cells = (1..=100)
        .flat_map(|n| (1..=120).map(move |p| Cell::new(0, n, p, 0).with(Metric::TestMse, high(n, p))))
        .collect();
    let surface = Surface::new(cells).expect("a surface");
    text(&surface, LARGEST);
    let figure = study::surface(&surface, 0, Metric::TestMse, &FigureOptions::default());
    assert!(figure.to_svg().len() > 5 * figure.to_html().len());
}

/// The axes are a penalty and label noise, instead of n and p.
#[test]
fn surfaces_over_other_axes_say_which() {
    let penalties = [1e-3, 0.1, 10.0].map(Arm::ridge);
    let sweep = Sweep {
        arms: penalties.into_iter().collect::<Result<_, _>>().expect("penalties"),
        metrics: vec![Metric::TestMse],
        parameter: Some(Parameter::label_noise([0.0, 0.5, 1.0, 2.0], 1)),
        ..Sweep::new(Dataset::diabetes(), [10], 12, 0)
    };
    let curve = sweep.run().expect("a curve");
    let surface = Surface::of_family(&curve, "ridge", Axis::Penalty).expect("a surface");
    let shown = text(&surface, LARGEST);
    assert!(shown.contains("over λ = 0.001 to 10 (3 values) and label noise = 0 to 2 (4 values)"), "{shown}");
    // The highest error is at the weakest penalty and the noisiest labels. The family takes one line.
    assert!(shown.contains(": 1 arm, 12 repeats"), "{shown}");
    assert!(shown.contains("at λ = 0.001, label noise = 2") && !shown.contains("ridge 0.1"), "{shown}");
    let shown = text(&curve, LARGEST);
    assert!(shown.contains("at label noise = "), "{shown}");
}

#[cfg(feature = "svg")]
#[test]
fn figures_turn_dark_with_the_page_unless_they_are() {
    use double_descent::plot::{FigureOptions, Theme, study};
    let light = study::unablated(&study_of_one(), &FigureOptions::default());
    assert!(light.to_html().contains("hue-rotate"));
    assert!(!light.clone().with_theme(Theme::Dark).to_html().contains("hue-rotate"));
    // A figure whose arm is missing says so, and cannot be saved.
    let none = study::adversarial_test(&study_of_one(), &FigureOptions::default());
    assert!(text(&none, 4000).contains("adversarial_test") && none.check().is_err());
}

#[cfg(feature = "svg")]
fn study_of_one() -> Curve {
    let mut sweep = Sweep::new(Dataset::diabetes(), 5..=15, 5, 0);
    sweep.arms.truncate(1);
    sweep.run().expect("a study")
}
