//! Thins figures for display on screen without losing extremes.

use crate::plot::{Figure, HeatMap, Panel, Series};

/// The most points in a figure, over all series; a band counts as two more series.
const POINTS: usize = 4000;
/// No series is thinned to fewer points than this.
const FEWEST: usize = 24;
/// The most characters in a caption.
const CAPTION: usize = 1500;
/// The most rows and columns in a heat map.
const CELLS: usize = 36;

/// Returns the figure, thinned to points and cells of about a hundred kilobytes.
pub(crate) fn thinned(figure: &Figure) -> Figure {
    let mut out = figure.clone();
    let weight = |series: &Series| if series.band.is_some() { 3 } else { 1 };
    let all = || figure.panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.series);
    let points: usize = all().map(|series| series.x.len() * weight(series)).sum();
    let share = all().map(weight).sum::<usize>();
    if points > POINTS {
        let most = (POINTS / share.max(1)).max(FEWEST);
        for series in
            out.panels.iter_mut().flat_map(|panel| &mut panel.groups).flat_map(|group| &mut group.series)
        {
            thin_series(series, most);
        }
    }
    if let Some((end, _)) = out.caption.char_indices().nth(CAPTION) {
        out.caption.truncate(end);
        out.caption.push('…');
    }
    let mut coarser = false;
    for panel in &mut out.panels {
        coarser |= thin_cells(panel);
    }
    if coarser {
        out.caption.push_str(" An even selection of rows and columns is drawn.");
    }
    out
}

/// Keeps the lowest and the highest point of each stretch, and one that is not finite, so that gaps remain.
fn thin_series(series: &mut Series, most: usize) {
    let count = series.x.len();
    let fits = series.y.len() == count
        && series.band.as_ref().is_none_or(|(lower, upper)| lower.len() == count && upper.len() == count);
    if count <= most || !fits {
        return;
    }
    let stretches = (most / 2).max(1);
    let mut kept = vec![0, count - 1];
    for stretch in 0..stretches {
        let range = stretch * count / stretches..(stretch + 1) * count / stretches;
        let drawn = || range.clone().filter(|&i| series.y[i].is_finite());
        let by_height = |&a: &usize, &b: &usize| series.y[a].total_cmp(&series.y[b]);
        kept.extend(drawn().min_by(by_height));
        kept.extend(drawn().max_by(by_height));
        kept.extend(range.clone().find(|&i| !series.y[i].is_finite()));
    }
    kept.sort_unstable();
    kept.dedup();
    let of = |values: &[f64]| kept.iter().map(|&i| values[i]).collect::<Vec<f64>>();
    (series.x, series.y) = (of(&series.x), of(&series.y));
    series.band = series.band.as_ref().map(|(lower, upper)| (of(lower), of(upper)));
}

/// Thins a heat map and returns whether it did. Columns that equal a chosen row are preferred: the ridge lies there.
fn thin_cells(panel: &mut Panel) -> bool {
    let Some(heat) = &mut panel.heat else { return false };
    let whole = heat.values.len() == heat.y.len() && heat.values.iter().all(|row| row.len() == heat.x.len());
    if !whole || heat.x.len().max(heat.y.len()) <= CELLS {
        return false;
    }
    if heat.range.is_none() {
        // Keep the colour scale of the whole map.
        heat.range = extremes(heat);
    }
    let rows = selection(&heat.y, &[]);
    let chosen: Vec<f64> = rows.iter().map(|&row| heat.y[row]).collect();
    let columns = selection(&heat.x, &chosen);
    let of = |values: &[f64], kept: &[usize]| kept.iter().map(|&i| values[i]).collect::<Vec<f64>>();
    heat.values = rows.iter().map(|&row| of(&heat.values[row], &columns)).collect();
    (heat.x, heat.y) = (of(&heat.x, &columns), of(&heat.y, &rows));
    true
}

fn extremes(heat: &HeatMap) -> Option<(f64, f64)> {
    let values = || heat.values.iter().flatten().copied().filter(|&value| heat.scale.shows(value));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    (low < high).then_some((low, high))
}

/// Chooses at most [`CELLS`] indices, evenly spaced and including both ends. If a value near a chosen place is in
/// `preferred`, that one is taken instead.
fn selection(values: &[f64], preferred: &[f64]) -> Vec<usize> {
    let count = values.len();
    if count <= CELLS {
        return (0..count).collect();
    }
    let place = |i: usize| i * (count - 1) / (CELLS - 1);
    let mut chosen: Vec<usize> = (0..CELLS)
        .map(|i| {
            if i == 0 || i == CELLS - 1 {
                return place(i);
            }
            let near = usize::midpoint(place(i - 1), place(i)) + 1..=usize::midpoint(place(i), place(i + 1));
            near.into_iter().find(|&j| preferred.contains(&values[j])).unwrap_or_else(|| place(i))
        })
        .collect();
    chosen.dedup();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Group, Hue, PanelAxis, Scale};

    #[test]
    fn long_series_keep_their_extremes_and_large_maps_their_ridge() {
        let x: Vec<f64> = (1..=1000).map(f64::from).collect();
        let error = |n: f64, arm: f64| if n == 777.0 { 1e6 } else { 1.0 + n * arm % 17.0 };
        let mut group = Group::new("ridge", Hue::Blue);
        for arm in 0..30 {
            let y = x.iter().map(|n| error(*n, f64::from(arm))).collect();
            group = group.with_series(Series::new("", x.clone(), y));
        }
        let panel = || Panel::new(PanelAxis::linear("n"), PanelAxis::log10("error"));
        let thin = thinned(&Figure::new("").with_panel(panel().with_group(group)));
        let series = &thin.panels[0].groups[0].series[3];
        assert!(series.y.len() < 300 && series.y.contains(&1e6));

        let (x, y): (Vec<f64>, Vec<f64>) = ((1..=120).map(f64::from).collect(), x[..100].to_vec());
        let values = y.iter().map(|n| x.iter().map(|p| if n == p { 100.0 } else { 1.0 }).collect()).collect();
        let heat = HeatMap { x, y, values, scale: Scale::Log10, range: None, label: String::new() };
        let heat = thinned(&Figure::new("").with_panel(panel().with_heat_map(heat))).panels.remove(0).heat;
        let heat = heat.expect("a heat map");
        let on_ridge = heat.y.iter().filter(|n| heat.x.contains(n)).count();
        assert!(on_ridge > 20 && heat.x.len() <= 36, "{on_ridge} of {}", heat.x.len());
    }

    /// The colours of a thinned map are those of the whole map: a scale of roots shows zero and negative values too.
    #[test]
    fn a_thinned_map_keeps_the_range_of_every_value_that_its_scale_shows() {
        let places: Vec<f64> = (1..=100).map(f64::from).collect();
        let values: Vec<Vec<f64>> = places.iter().map(|y| places.iter().map(|x| x - y).collect()).collect();
        for (scale, range) in
            [(Scale::Linear, (-99.0, 99.0)), (Scale::Root, (-99.0, 99.0)), (Scale::Log10, (1.0, 99.0))]
        {
            let (x, y, values) = (places.clone(), places.clone(), values.clone());
            let heat = HeatMap { x, y, values, scale, range: None, label: String::new() };
            let panel = Panel::new(PanelAxis::linear("p"), PanelAxis::linear("n")).with_heat_map(heat);
            let thin = thinned(&Figure::new("").with_panel(panel));
            assert_eq!(thin.panels[0].heat.as_ref().and_then(|heat| heat.range), Some(range), "{scale:?}");
        }
    }
}
