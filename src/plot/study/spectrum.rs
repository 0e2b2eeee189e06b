//! The smallest singular value: over n, on one scale for all p, and as a picture of the rows.

use super::draft::Draft;
use super::overlay::together;
use super::setting::short;
use super::{Abscissa, FigureOptions, caption};
use crate::Error;
use crate::curve::{Axis as Along, Curve, Metric};
use crate::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use crate::svd::Svd;
use crate::theory::smallest_singular_value::{limit, quantile};
use ndarray::{Array2, ArrayView1, s};

/// The vertical range of the scaled values; the limit itself falls to 0 at n = p.
const RANGE: (f64, f64) = (3e-4, 4.0);

/// Figure of `σ_min/√n` over `n/p` for several curves over `n`, each of isotropic rows (covariance `I`) with its own
/// `p`; of each curve, the first arm. Also shown are the limit ([`limit`]) and, at `n` of `p − 1`, `p` and `p + 1`, the
/// medians and quartiles of the exact law ([`quantile`]).
///
/// Not drawn, with the reason ([`Figure::undrawn`]): [`Error::Empty`] without curves; [`Error::Unsupported`] for a
/// curve over another axis or without singular values.
///
/// # Examples
/// ```
/// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
/// use double_descent::plot::{FigureOptions, study};
///
/// let arm = ArmLabel::new("isotropic", Some(10.0));
/// let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::new("normal rows", ""));
/// let cell = |(n, smallest)| Cell::new(0, n, 10, 0).with(Metric::SmallestSingularValue, smallest);
/// curve.cells = [(5, 1.1), (10, 0.1), (20, 1.5)].map(cell).to_vec();
/// let figure = study::isotropic(&[curve], &FigureOptions::default());
/// assert!(figure.to_svg().contains("n / p"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn isotropic(curves: &[Curve], options: &FigureOptions) -> Figure {
    drawn_isotropic(curves, options).unwrap_or_else(Figure::not_drawn)
}

fn drawn_isotropic(curves: &[Curve], options: &FigureOptions) -> Result<Figure, Error> {
    let metric = Metric::SmallestSingularValue;
    if curves.is_empty() {
        return Err(Error::Empty { what: "the list of curves" });
    }
    let options = FigureOptions { abscissa: Abscissa::Axis, ..options.clone() };
    let mut group = Group::new("Number of features p", Hue::Green);
    for curve in curves {
        let draft = Draft::new(curve, &options, &[metric])?;
        let p = curve.held_size().filter(|_| curve.axis == Along::Samples);
        let (Some(p), Some(mut series)) = (p, draft.series(metric, 0, "")) else {
            let reason = "every curve must be over n at one p and have the smallest singular value";
            return Err(Error::Unsupported { reason: reason.into() });
        };
        let roots: Vec<f64> = series.x.iter().map(|n| n.sqrt().recip()).collect();
        let scaled = |values: &mut Vec<f64>| values.iter_mut().zip(&roots).for_each(|(v, root)| *v *= root);
        scaled(&mut series.y);
        if let Some((lower, upper)) = &mut series.band {
            scaled(lower);
            scaled(upper);
        }
        series.x.iter_mut().for_each(|n| *n /= p as f64);
        series.label = p.to_string();
        group.series.push(series);
    }
    let all = || group.series.iter().flat_map(|series| &series.x).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    // Cubes put most points near n = p, where the limit falls to 0, which is far below the frame.
    let (below, above) = (low.log10().min(0.0).cbrt(), high.log10().max(0.0).cbrt());
    let steps = (0..=300).map(|i| below + f64::from(i) / 300.0 * (above - below));
    let x: Vec<f64> = steps.map(|t| 10.0_f64.powf(t.powi(3))).collect();
    let y = x.iter().map(|&x| Some(limit(x)).filter(|y| *y > 0.0).unwrap_or(f64::NAN)).collect();
    let dashes = Series::new("", x, y).with_dash(Dash::Dashed);
    let laws = laws_at_the_threshold(curves)?;
    let across = PanelAxis::log10("n / p").with_range(low, high);
    let panel = Panel::new(across, PanelAxis::log10("σ_min / √n").with_range(RANGE.0, RANGE.1))
        .with_group(group)
        .with_group(
            Group::new("Limit |1 − √(p/n)| for large p (Bai and Yin 1993)", Hue::Black).with_series(dashes),
        )
        .with_group(
            Group::new(
                "Median and quartiles, exact, |n\u{a0}−\u{a0}p|\u{a0}≤\u{a0}1 (Edelman 1988)",
                Hue::Black,
            )
            .with_series(laws),
        )
        .with_marker(1.0, "n = p");
    let panels = vec![panel];
    let all: Vec<(&str, &Curve, usize)> = curves.iter().map(|curve| ("", curve, 0)).collect();
    let all = together(&all);
    let draft = Draft::new(&all, &options, &[])?;
    let what = "Smallest non-zero singular value σ_min of n isotropic rows of p features, divided by √n, and what it tends to as \
                n and p grow with n/p held";
    let mut figure = Figure::new(caption::caption(&draft, what, &panels, 0));
    figure.panels = panels;
    Ok(figure)
}

/// For each curve's `p`, the median of `σ_min/√n` at `n` of `p − 1`, `p` and `p + 1`, with the quartiles as error bars.
fn laws_at_the_threshold(curves: &[Curve]) -> Result<Series, Error> {
    let (mut x, mut shares) = (Vec::new(), [const { Vec::new() }; 3]);
    for p in curves.iter().filter_map(Curve::held_size) {
        for n in [p.saturating_sub(1), p, p + 1].into_iter().filter(|&n| n > 0) {
            let at = |share| Ok::<_, Error>((quantile(n, p, share)?.unwrap_or(f64::NAN) / n as f64).sqrt());
            for (values, share) in shares.iter_mut().zip([0.25, 0.5, 0.75]) {
                values.push(at(share)?);
            }
            x.push(n as f64 / p as f64);
        }
    }
    let [low, median, high] = shares;
    Ok(Series::new("", x, median).with_band(low, high).with_dash(Dash::None))
}

/// Figure of rows with two or three features (`N × 2` or `N × 3`) as points: for each size, a panel of the first `n`
/// rows, with their right singular vectors as lines of `2σ/√n` to either side. The vector of the smallest singular
/// value, by which the fit divides, stands out. Three features are drawn from above, in parallel projection.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): [`Error::Empty`] without sizes; [`Error::Domain`] for a size
/// that is 0 or exceeds the number of rows; [`Error::Unsupported`] for other numbers of features; the errors of the
/// SVD.
///
/// # Examples
/// ```
/// use double_descent::plot::study;
/// use ndarray::array;
///
/// let rows = array![[2.0, 1.0, 0.5], [-1.0, 0.5, 2.0], [0.3, -2.0, 1.0], [1.0, 1.0, -1.0]];
/// let figure = study::directions(&rows, &[1, 3, 4]);
/// assert_eq!(figure.panels.len(), 3);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Schaeffer et al., *Double descent demystified* (arXiv:2303.14151), figure 3.
#[must_use]
pub fn directions(rows: &Array2<f64>, sizes: &[usize]) -> Figure {
    drawn_directions(rows, sizes).unwrap_or_else(Figure::not_drawn)
}

fn drawn_directions(rows: &Array2<f64>, sizes: &[usize]) -> Result<Figure, Error> {
    let (count, p) = rows.dim();
    if !(2..=3).contains(&p) {
        let reason = format!("rows of {p} features cannot be drawn; take two or three");
        return Err(Error::Unsupported { reason });
    }
    if sizes.is_empty() {
        return Err(Error::Empty { what: "the list of numbers of rows to draw" });
    }
    let most = sizes.iter().copied().max().unwrap_or(0).min(count);
    let all = rows.slice(s![..most, ..]);
    let sights = all.rows().into_iter().map(|row| seen(row, 1.0));
    let largest = sights.fold(f64::MIN_POSITIVE, |most, (x, y)| most.max(x.abs()).max(y.abs()));
    let frame = 1.15 * largest;
    let mut figure = Figure::default();
    for &n in sizes {
        if n == 0 || n > count {
            let must_be = "from 1 to the number of rows";
            return Err(Error::Domain { what: "a number of rows to draw", value: n as f64, must_be });
        }
        let x = rows.slice(s![..n, ..]);
        let svd = Svd::new(&x)?;
        let axis = |label: &str| PanelAxis::linear(label).with_range(-frame, frame);
        let names = if p == 3 { ("Across the view", "Up the view") } else { ("x₁", "x₂") };
        let root = (n as f64).sqrt();
        let modes = |which: std::ops::Range<usize>| {
            which
                .map(|mode| (svd.vt().row(mode), 2.0 * svd.singular_values()[mode] / root))
                .collect::<Vec<_>>()
        };
        let identity = Array2::<f64>::eye(p);
        let axes = lines(&identity.rows().into_iter().map(|unit| (unit, frame)).collect::<Vec<_>>());
        let (dots_x, dots_y) = x.rows().into_iter().map(|row| seen(row, 1.0)).unzip();
        let dots = Series::new("", dots_x, dots_y).with_dash(Dash::None).with_points();
        let last = svd.rank().saturating_sub(1);
        let smallest = svd.smallest_nonzero().unwrap_or(0.0);
        let at = if n == p { "\u{a0}=\u{a0}p" } else { "" };
        let title = format!("n\u{a0}=\u{a0}{n}{at}, σ_min/√n\u{a0}=\u{a0}{}", short(smallest / root));
        let panel = Panel::new(axis(names.0), axis(names.1))
            .with_title(title)
            .with_group(
                Group::new("Axes of the features", Hue::Grey).with_series(axes.with_dash(Dash::Dotted)),
            )
            .with_group(Group::new("Rows", Hue::Blue).with_series(dots))
            .with_group(
                Group::new("Right singular vectors", Hue::Green)
                    .with_series(lines(&modes(0..last)).with_dash(Dash::Dashed)),
            )
            .with_group(
                Group::new("That of σ_min", Hue::Vermillion).with_series(lines(&modes(last..svd.rank()))),
            );
        figure = figure.with_panel(panel);
    }
    let view =
        if p == 3 { " Three features are seen from above at an angle, in parallel projection." } else { "" };
    let is_cut = |series: &Series| series.x.iter().chain(&series.y).any(|at| at.abs() > frame);
    let is_cut =
        figure.panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.series).any(is_cut);
    let cut = if is_cut { "; lines that are longer than the frame are cut off there" } else { "" };
    figure.caption = format!(
        "The first n rows of one set and their right singular vectors, 2σ/√n to either side: two standard deviations of \
         the rows along each{cut}. σ_min is the smallest non-zero singular value, by which the fit divides.{view}"
    );
    Ok(figure.with_columns(sizes.len().min(3)).with_width(1140.0).with_aspect(1.0))
}

/// Lines through the origin along some vectors, each extending by its given length to either side.
fn lines(ends: &[(ArrayView1<'_, f64>, f64)]) -> Series {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for &(vector, length) in ends {
        for (across, up) in [seen(vector, -length), seen(vector, length), (f64::NAN, f64::NAN)] {
            x.push(across);
            y.push(up);
        }
    }
    Series::new("", x, y)
}

/// Projects a scaled point: two features are unchanged; three are seen from 35° to the side and 25° above.
fn seen(point: ArrayView1<'_, f64>, scale: f64) -> (f64, f64) {
    let at = |i: usize| scale * point[i];
    if point.len() < 3 {
        return (at(0), at(1));
    }
    let (side, above) = (35.0_f64.to_radians(), 25.0_f64.to_radians());
    let across = -side.sin() * at(0) + side.cos() * at(1);
    let deep = side.cos() * at(0) + side.sin() * at(1);
    (across, above.cos() * at(2) - above.sin() * deep)
}
