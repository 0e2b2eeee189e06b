//! Complete figures, from ordinary and hostile input.

use double_descent::Error;
use double_descent::plot::{
    Dash, Figure, Group, HeatMap, Hue, LegendPlace, Marker, Panel, PanelAxis, Scale, Series, Theme,
};
use roxmltree::Document;

fn figure() -> Figure {
    let x: Vec<f64> = (1..30).map(f64::from).collect();
    let risk =
        |noise: f64| -> Vec<f64> { x.iter().map(|p| noise + 10.0 / ((p - 15.5).abs() + 0.1)).collect() };
    let mut group = Group::new("Test error <held out> & \"quoted\"", Hue::Vermillion);
    for (i, label) in ["none", "10⁻³", "10⁻²"].into_iter().enumerate() {
        let y = risk(1.0 + i as f64);
        let (lo, hi) = y.iter().map(|v| (v * 0.8, v * 1.2)).unzip();
        group = group.with_series(Series::new(label, x.clone(), y).with_band(lo, hi));
    }
    let panel = Panel::new(PanelAxis::log10("p"), PanelAxis::log10("error"))
        .with_title("Risk")
        .with_group(group)
        .with_marker(15.0, "n = p");
    Figure::new("A caption with β\u{302} & <tags>.").with_panel(panel)
}

/// Returns the SVG, having checked that it parses, is reproducible and contains no NaN or infinity.
fn check(figure: &Figure) -> String {
    let svg = figure.to_svg();
    let document = Document::parse(&svg).expect("valid XML");
    for node in document.descendants().filter(|n| !n.has_tag_name("text")) {
        for attribute in node.attributes().filter(|a| a.name() != "aria-label") {
            let value = attribute.value();
            assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
        }
    }
    assert_eq!(svg, figure.to_svg(), "the same figure gives the same bytes");
    match figure.check() {
        Ok(()) => assert!(figure.to_pdf().expect("packs").starts_with(b"%PDF-")),
        Err(error) => {
            assert_eq!(figure.to_pdf().expect_err("not drawn").to_string(), error.to_string());
            assert!(svg.contains("Not drawn"), "{error}");
        }
    }
    svg
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).expect("valid XML");
    let nodes = document.descendants().filter(|n| n.has_tag_name("text"));
    nodes.filter_map(|n| n.text().map(str::to_owned)).collect()
}

#[test]
fn texts_survive_escaping() {
    let texts = texts(&check(&figure()));
    assert!(texts.iter().any(|t| t == "A caption with β\u{302} & <tags>."), "{texts:?}");
    assert!(texts.iter().any(|t| t == "n = p"));
    assert!(texts.concat().contains("<held out>"));
    assert!(!texts.iter().any(|t| t.contains("(a)")), "one panel has no letter");
}

#[test]
fn heat_maps_have_a_cell_for_each_value_and_a_bar() {
    let heat = HeatMap {
        x: vec![1.0, 2.0, 4.0],
        y: vec![10.0, 20.0],
        values: vec![vec![1.0, 10.0, 100.0], vec![f64::NAN, 5.0, -1.0]],
        scale: Scale::Log10,
        range: None,
        label: "Test error".into(),
    };
    let panel = |heat| Panel::new(PanelAxis::log10("p"), PanelAxis::linear("n")).with_heat_map(heat);
    let svg = check(&Figure::new("").with_panel(panel(heat.clone())));
    let drawn = Document::parse(&svg).expect("valid XML");
    let rectangles = drawn.descendants().filter(|n| n.has_tag_name("rect"));
    // The page, one clip for the cells and one for the curves, six cells, and the 64 parts of the colour bar.
    assert_eq!(rectangles.count(), 3 + 6 + 64);
    assert_eq!(svg.matches("#d9d9d9").count(), 2, "NaN, and a negative number on a logarithmic scale");
    let texts = texts(&svg);
    for expected in ["Test error", "1", "10", "100"] {
        assert!(texts.iter().any(|text| text == expected), "{texts:?}");
    }
    let broken = [
        HeatMap::default(),
        HeatMap { x: vec![f64::NAN, 1.0], ..heat.clone() },
        HeatMap { x: vec![-1.0, 0.0, 1.0], ..heat.clone() },
        HeatMap { values: vec![vec![f64::INFINITY; 9]; 9], ..heat.clone() },
        HeatMap { range: Some((5.0, 5.0)), ..heat.clone() },
        HeatMap { x: vec![3.0], y: vec![1e300], values: vec![vec![1e-310]], ..heat },
    ];
    for (i, heat) in broken.into_iter().enumerate() {
        let figure = Figure::new("").with_panel(panel(heat));
        let svg = check(&figure);
        // The last two can be drawn, though not well.
        assert_eq!(figure.check().is_ok(), i > 3, "{i}: {:?}", figure.check());
        assert_eq!(svg.contains("Not drawn"), i <= 3);
    }
}

#[test]
fn many_bands_are_thinned() {
    let svg = check(&figure());
    let drawn = svg.matches("fill-opacity=\"0.15\"").count();
    assert_eq!(drawn, 4, "first and last band, and their swatches");
}

#[test]
fn equal_legends_are_shared() {
    let one = figure();
    let two = one.clone().with_panel(one.panels[0].clone());
    let texts = texts(&check(&two));
    assert_eq!(texts.iter().filter(|t| *t == "none").count(), 1);
    assert!(texts.iter().any(|t| t == "(b) Risk"));
    let mut other = two;
    other.panels[1].groups[0].series[0].label = "all".to_owned();
    assert_eq!(self::texts(&check(&other)).iter().filter(|t| *t == "10⁻³").count(), 2);
}

#[test]
fn the_png_has_the_asked_size_and_is_deterministic() {
    let figure = figure().with_width(500.0);
    let png = figure.to_png(1.5).expect("renders");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let width = u32::from_be_bytes([png[16], png[17], png[18], png[19]]);
    assert_eq!(width, 750);
    assert_eq!(png, figure.to_png(1.5).expect("renders"));
}

#[test]
fn impossible_scales_are_errors() {
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert!(
            matches!(figure().to_png(scale), Err(Error::Domain { .. } | Error::Resource { .. })),
            "{scale}"
        );
    }
}

#[test]
fn the_pdf_is_as_large_as_the_svg_and_draws_every_mark() {
    let figure = figure().with_width(480.0);
    let pdf = figure.to_pdf().expect("packs");
    assert_eq!(pdf, figure.to_pdf().expect("packs"), "the same bytes each time");
    let find = |what: &[u8]| pdf.windows(what.len()).position(|bytes| bytes == what);
    assert!(find(b"/MediaBox [0 0 360 ").is_some(), "480 pixels are 360 points");
    let start = find(b"stream\n").expect("a stream") + 7;
    let mut content = String::new();
    std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(&pdf[start..]), &mut content)
        .expect("unpacks");
    let operations = |name: &str| content.lines().filter(|line| line.ends_with(name)).count();
    let svg = figure.to_svg();
    let strokes = svg.matches("stroke-width").count();
    assert_eq!(operations("S"), strokes);
    // The white background and the clip rectangles do not count as filled marks.
    let clips = svg.matches("<clipPath").count();
    let filled = svg.matches("fill=\"#").count() - 1;
    assert_eq!(operations("f"), filled);
    assert_eq!(operations("W"), clips);
    assert_eq!(operations("Q") - clips, svg.matches("fill-opacity").count());
}

#[test]
fn saving_goes_by_the_extension() {
    let folder = std::env::temp_dir().join(format!("plot-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let svg = folder.join("figure.SVG");
    figure().save(&svg).expect("writes");
    assert!(std::fs::read_to_string(&svg).expect("reads").starts_with("<svg"));
    let pdf = folder.join("figure.pdf");
    figure().save(&pdf).expect("writes");
    assert!(std::fs::read(&pdf).expect("reads").starts_with(b"%PDF-"));
    let wrong = figure().save(folder.join("figure.jpg")).expect_err("not a format");
    assert!(wrong.to_string().contains(".svg"), "{wrong}");
    let lost = figure().save(folder.join("no/such/folder.svg")).expect_err("no folder");
    assert!(matches!(lost, Error::Io { .. }));
    std::fs::remove_dir_all(&folder).expect("removes");
}

/// Values chosen to break the arithmetic.
const HOSTILE: [&[f64]; 12] = [
    &[],
    &[1.0],
    &[0.0, 0.0, 0.0],
    &[f64::NAN, f64::NAN],
    &[f64::INFINITY, f64::NEG_INFINITY, 1.0],
    &[f64::MAX, f64::MIN],
    &[1e-300, 1e300],
    &[-1e300, 1e300, 5.0],
    &[5e-324, 1e-320],
    &[1.0, f64::NAN, 2.0, 3.0, -0.0],
    &[1.0, 1.0 + f64::EPSILON],
    &[1e-30, 1e10, 1.0],
];

#[test]
fn hostile_numbers_do_not_panic() {
    for x in HOSTILE {
        for y in HOSTILE {
            for scale in [Scale::Linear, Scale::Log10] {
                let axis = PanelAxis { label: "v".to_owned(), scale, range: None };
                let count = x.len().min(y.len());
                let (x, y) = (x[..count].to_vec(), y[..count].to_vec());
                let series = Series::new("s", x.clone(), y.clone())
                    .with_band(y.iter().rev().copied().collect(), x.clone())
                    .with_points();
                let mut panel = Panel::new(axis.clone(), axis);
                panel.groups = vec![Group::new("g", Hue::Green).with_series(series)];
                panel.markers = x.iter().map(|&x| Marker::new(x, "m")).collect();
                for place in [LegendPlace::Right, LegendPlace::Below, LegendPlace::Inside] {
                    check(&Figure::new("").with_panel(panel.clone()).with_legend(place));
                }
            }
        }
    }
}

#[test]
fn hostile_ranges_do_not_panic() {
    let values = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-300, 1.0, 1.0 + 1e-15, 1e300, f64::MAX];
    for lo in values {
        for hi in values {
            let mut figure = figure();
            figure.panels[0].y.range = Some((lo, hi));
            figure.panels[0].x = PanelAxis::linear("x").with_range(hi, lo);
            check(&figure);
        }
    }
}

#[test]
fn hostile_texts_and_sizes_do_not_panic() {
    let long = "word ".repeat(200) + &"unbreakable".repeat(50);
    let odd = "\u{0}\u{1f}\u{feff}\u{202e}😀<&\"'>]]>\n\t\u{ffff}";
    for text in ["", " ", "\n\n", odd, &long] {
        for width in [f64::NAN, -5.0, 0.0, 1.0, 1e300] {
            let mut figure = figure().with_title(text).with_width(width).with_aspect(width);
            figure.caption = text.to_owned();
            figure.columns = Some(0);
            let panel = &mut figure.panels[0];
            panel.title = text.to_owned();
            panel.x.label = text.to_owned();
            panel.y.label = text.to_owned();
            panel.markers = (0..20).map(|i| Marker::new(f64::from(i), text)).collect();
            panel.groups[0].heading = text.to_owned();
            panel.groups[0].series[0].label = text.to_owned();
            panel.groups[0].series[1].dash = Dash::None;
            figure.panels = vec![figure.panels[0].clone(); 2];
            check(&figure);
            check(&figure.with_width_mm(width).with_legend(LegendPlace::Below).with_theme(Theme::Dark));
        }
    }
    figure().with_title(odd).to_png(0.5).expect("odd characters render");
}

#[test]
fn no_panels_and_no_groups_are_figures_too() {
    check(&Figure::default());
    let empty = Figure::default().with_panel(Panel::default());
    assert!(check(&empty).contains("<line"));
    Figure::default().to_png(1.0).expect("an empty figure renders");
}

#[test]
fn a_gap_breaks_the_line() {
    let series = Series::new("s", vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![1.0, 2.0, f64::NAN, 2.0, 1.0]);
    let panel = Panel::new(PanelAxis::linear("x"), PanelAxis::linear("y"))
        .with_group(Group::new("", Hue::Blue).with_series(series));
    let svg = check(&Figure::new("").with_panel(panel));
    assert_eq!(svg.matches("stroke=\"#0072b2\"").count(), 3, "two stretches and the key");
}

/// A zero has no place on a logarithmic axis: the line breaks, a mark shows where, and a note says so.
#[test]
fn a_zero_on_a_logarithmic_axis_breaks_the_line_and_is_said() {
    let y = vec![4.0, 2.0, 0.0, 0.0, 3.0, -1.0, 5.0];
    let x: Vec<f64> = (1..8).map(f64::from).collect();
    let lower = y.iter().map(|v| v - 2.0).collect();
    let upper = y.iter().map(|v| v + 2.0).collect();
    let series = Series::new("s", x.clone(), y.clone()).with_band(lower, upper);
    let figure = |scale: Scale, caption: &str| {
        let y_axis = PanelAxis { label: "y".into(), scale, range: None };
        let group = Group::new("", Hue::Blue).with_series(series.clone());
        Figure::new(caption).with_panel(Panel::new(PanelAxis::linear("x"), y_axis).with_group(group))
    };
    let svg = check(&figure(Scale::Log10, "A caption"));
    // Triangles next to the gaps: at 2, at 5 (between two gaps) and at 7.
    assert_eq!(svg.matches("fill-opacity=\"1\"").count(), 3);
    // A line from 1 to 2 and the legend key. The samples at 5 and 7 are isolated points.
    assert_eq!(svg.matches("stroke=\"#0072b2\"").count(), 2);
    assert_eq!(svg.matches("<circle").count(), 2);
    // One unbroken band, clipped to the frame, and its swatch in the legend.
    assert_eq!(svg.matches("fill-opacity=\"0.15\"").count(), 2);
    let said = texts(&svg).join(" ");
    let note = "2 zeros and 1 negative value are not drawn: a logarithmic axis cannot show them; triangles mark \
                where lines break off";
    assert!(said.contains(&format!("A caption. {note}.")), "{said}");
    assert!(!said.contains("10⁻³⁰⁰"), "{said}");
    // The note is not repeated if the caption already contains it.
    let twice = texts(&check(&figure(Scale::Log10, &format!("So: {note}.")))).join(" ");
    assert_eq!(twice.matches("2 zeros").count(), 1, "{twice}");
    // A linear axis has a place for every value.
    let linear = check(&figure(Scale::Linear, ""));
    assert!(!linear.contains("fill-opacity=\"1\"") && !linear.contains("zeros"));
    // If all values are zero, only the note remains.
    let mut zero = figure(Scale::Log10, "");
    zero.panels[0].groups[0].series = vec![Series::new("s", x, vec![0.0; 7])];
    let said = texts(&check(&zero)).join(" ");
    assert!(said.contains("7 zeros are not drawn") && !said.contains("10⁻³⁰⁰"), "{said}");
    assert!(!said.contains("triangles"), "{said}");
    let heat = HeatMap {
        x: vec![1.0, 2.0],
        y: vec![1.0],
        values: vec![vec![0.0, 1.0]],
        scale: Scale::Log10,
        ..HeatMap::default()
    };
    let figure = Figure::new("").with_panel(Panel::default().with_heat_map(heat));
    assert!(texts(&check(&figure)).join(" ").contains("1 zero is grey"));
}

#[test]
fn a_panel_of_many_samples_stays_small() {
    let x: Vec<f64> = (0..200_000).map(f64::from).collect();
    let y = vec![1.0; x.len()];
    let panel = Panel::new(PanelAxis::linear("x"), PanelAxis::linear("y"))
        .with_group(Group::new("g", Hue::Blue).with_series(Series::new("", x, y)));
    assert!(check(&Figure::new("").with_panel(panel)).len() < 1_000_000);
}

/// Shapes that do not fit give an error instead of a partial picture.
#[test]
fn shapes_that_do_not_fit_are_errors() {
    let good = Series::new("s", vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0]);
    let figure = |series: Series| {
        let panel = Panel::new(PanelAxis::linear("x"), PanelAxis::linear("y"));
        Figure::new("").with_panel(panel.with_group(Group::new("g", Hue::Blue).with_series(series)))
    };
    assert_eq!(figure(good.clone()).check(), Ok(()));
    let short = Series { y: vec![1.0, 2.0], ..good.clone() };
    let lower = good.clone().with_band(vec![0.0; 2], vec![9.0; 3]);
    let upper = good.with_band(vec![0.0; 3], vec![9.0; 4]);
    for (series, found) in [(short, 2), (lower, 2), (upper, 4)] {
        let figure = figure(series);
        let Err(Error::Shape { expected: 3, found: of, .. }) = figure.check() else { panic!("no error") };
        assert_eq!(of, found);
        assert!(figure.to_png(1.0).is_err() && figure.save("no-such-folder/f.svg").is_err());
        let svg = check(&figure);
        assert_eq!(svg.matches("stroke=\"#0072b2\"").count(), 1, "the key alone");
    }
    let heat = |x: Vec<f64>, values| HeatMap { x, y: vec![1.0, 2.0], values, ..HeatMap::default() };
    let figure = |heat| Figure::new("").with_panel(Panel::default().with_heat_map(heat));
    let row = || vec![1.0, 2.0, 3.0];
    assert_eq!(figure(heat(row(), vec![row(), row()])).check(), Ok(()));
    for heat in [
        heat(vec![3.0, 2.0, 1.0], vec![row(), row()]),
        heat(vec![1.0, 1.0, 2.0], vec![row(), row()]),
        heat(row(), vec![row()]),
        heat(row(), vec![row(), vec![1.0]]),
    ] {
        assert!(figure(heat).check().is_err());
    }
}

/// A legend inside the frame takes a free corner. If curves pass through all corners, it goes below the frame, as
/// `LegendPlace::Below` would put it.
#[test]
fn a_legend_inside_hides_no_curve() {
    let of = |y: Vec<f64>, place: LegendPlace| {
        let x: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
        let panel = Panel::new(PanelAxis::linear("x"), PanelAxis::linear("y"))
            .with_group(Group::new("a curve", Hue::Blue).with_series(Series::new("", x, y)));
        check(&Figure::new("").with_panel(panel).with_legend(place))
    };
    let rising: Vec<f64> = (0..60).map(f64::from).collect();
    let everywhere: Vec<f64> = (0..60).map(|i| f64::from(i % 2)).collect();
    assert_ne!(of(rising.clone(), LegendPlace::Inside), of(rising, LegendPlace::Below));
    assert_eq!(of(everywhere.clone(), LegendPlace::Inside), of(everywhere, LegendPlace::Below));
}

#[test]
fn a_figure_for_print_has_its_size_and_legible_letters() {
    for (mm, place) in [(88.0, LegendPlace::Below), (88.0, LegendPlace::Inside), (180.0, LegendPlace::Right)]
    {
        let one = figure().with_width_mm(mm).with_legend(place).with_caption_apart();
        let three = Figure { panels: vec![one.panels[0].clone(); 3], ..one.clone() };
        for figure in [one, three] {
            let svg = check(&figure);
            let document = Document::parse(&svg).expect("valid XML");
            let root = document.root_element();
            let millimetres = |name: &str| -> f64 {
                let text = root.attribute(name).expect("an extent");
                text.strip_suffix("mm").expect("millimetres").parse().expect("a number")
            };
            let box_of: Vec<f64> = root
                .attribute("viewBox")
                .expect("a box")
                .split(' ')
                .map(|part| part.parse().expect("a number"))
                .collect();
            assert!((millimetres("width") - mm).abs() < 0.02, "{place:?}: {}", millimetres("width"));
            let points = |units: f64| units / box_of[2] * millimetres("width") / 25.4 * 72.0;
            let sizes = document.descendants().filter_map(|node| node.attribute("font-size"));
            for size in sizes {
                let size = points(size.parse().expect("a number"));
                assert!((6.6..=8.1).contains(&size), "{size} pt");
            }
            // The PDF has the same width, and the picture contains no part of the caption.
            let pdf = figure.to_pdf().expect("packs");
            let text = String::from_utf8_lossy(&pdf);
            let page = text.split("/MediaBox [0 0 ").nth(1).expect("a page");
            let width: f64 = page.split(' ').next().expect("a width").parse().expect("a number");
            assert!((width - mm / 25.4 * 72.0).abs() < 0.1, "{width}");
            assert!(!texts(&svg).concat().contains("A caption"));
            // The edge cuts off no text.
            for node in document.descendants().filter(|node| node.has_tag_name("text")) {
                let x: f64 = node.attribute("x").expect("a place").parse().expect("a number");
                assert!(x >= 0.0 && x <= box_of[2], "{:?}", node.text());
            }
        }
    }
}

#[test]
fn a_png_says_its_density() {
    let density = |png: &[u8]| {
        let at = png.windows(4).position(|name| name == b"pHYs").expect("the chunk");
        assert!(at < png.windows(4).position(|name| name == b"IDAT").expect("the image"));
        let sum = u32::from_be_bytes(png[at + 13..at + 17].try_into().expect("four bytes"));
        let mut crc = flate2::Crc::new();
        crc.update(&png[at..at + 13]);
        assert_eq!((sum, png[at + 12]), (crc.sum(), 1));
        u32::from_be_bytes(png[at + 4..at + 8].try_into().expect("four bytes"))
    };
    // 96 and 288 dots per inch; 300 below.
    assert_eq!(density(&figure().to_png(1.0).expect("renders")), 3780);
    assert_eq!(density(&figure().to_png(3.0).expect("renders")), 11339);
    let folder = std::env::temp_dir().join(format!("plot-print-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join("column.png");
    figure().with_width_mm(88.0).with_caption_apart().save(&path).expect("writes");
    let png = std::fs::read(&path).expect("reads");
    assert_eq!(density(&png), 11811);
    let width = u32::from_be_bytes([png[16], png[17], png[18], png[19]]);
    assert_eq!(f64::from(width), (88.0_f64 / 25.4 * 300.0).round());
    let text = std::fs::read_to_string(folder.join("column.txt")).expect("reads");
    assert_eq!(text, "A caption with β\u{302} & <tags>.\n");
    let tex = std::fs::read_to_string(folder.join("column.tex")).expect("reads");
    assert_eq!(tex, "A caption with $\\hat\\beta$ \\& $<$tags$>$.\n");
    std::fs::remove_dir_all(&folder).expect("removes");
}

#[test]
fn dark_paper_is_dark_everywhere() {
    let svg = check(&figure().with_theme(Theme::Dark));
    assert!(!svg.contains("#ffffff") && !svg.contains("#000000"), "{svg}");
    let png = figure().with_theme(Theme::Dark).to_png(0.5).expect("renders");
    assert_ne!(png, figure().to_png(0.5).expect("renders"));
}

#[test]
fn points_without_a_line_have_bars_for_bands() {
    let x = vec![1.0, 2.0, 3.0];
    let series = Series::new("", x.clone(), vec![2.0, 4.0, 3.0])
        .with_band(vec![1.0, 0.0, 2.5], vec![3.0, 5.0, 3.5])
        .with_dash(Dash::None);
    let panel = |y: PanelAxis| {
        Panel::new(PanelAxis::linear("x"), y)
            .with_group(Group::new("Monte Carlo", Hue::Blue).with_series(series.clone()))
    };
    let svg = check(&Figure::new("").with_panel(panel(PanelAxis::log10("y"))));
    // A bar at each sample and the legend key. The bar that reaches 0 ends at the frame.
    assert_eq!(svg.matches("stroke=\"#0072b2\"").count(), 4);
    assert_eq!(svg.matches("<circle").count(), 4);
    assert!(!svg.contains("fill-opacity"), "no areas");
}

#[test]
fn a_legend_serves_panels_that_lack_its_theories() {
    let one = figure().panels[0].clone();
    let theory = Group::new("Theory", Hue::Black)
        .with_series(Series::new("exact", vec![1.0, 9.0], vec![2.0, 3.0]).with_dash(Dash::Dashed));
    let figure = Figure::new("").with_panel(one.clone()).with_panel(one.with_group(theory));
    let count =
        |figure: &Figure, wanted: &str| texts(&check(figure)).iter().filter(|text| *text == wanted).count();
    assert_eq!((count(&figure, "none"), count(&figure, "exact")), (1, 1));
    // Only theories may be absent from a panel. If another curve is, the panels share no legend.
    let mut other = figure;
    other.panels[1].groups[0].series.pop();
    assert_eq!(count(&other, "none"), 2);
}
