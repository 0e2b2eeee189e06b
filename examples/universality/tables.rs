//! Means, standard errors and quantiles over repeats.

use super::study::{CHUNK, Plan};
use crate::common::save_table;
use double_descent::Error;
use double_descent::theory::noise::{gaussian, lower_bound, sphere};
use std::collections::BTreeMap;
use std::path::Path;

/// The distribution of the noise term at one point.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub n: usize,
    pub p: usize,
    pub repeats: usize,
    pub mean: f64,
    pub standard_error: f64,
    /// 5 %, 25 %, 50 %, 75 %, 95 %.
    pub quantiles: [f64; 5],
    pub max: f64,
}

/// The curves over n and over p.
pub type Curves = (Vec<Row>, Vec<Row>);

/// Summaries of the first `repeats` repeats.
pub fn summarise(plan: &Plan, chunks: &BTreeMap<usize, Vec<f64>>, repeats: usize) -> Curves {
    let width = plan.width();
    let all: Vec<&[f64]> = chunks
        .range(..repeats.div_ceil(CHUNK))
        .flat_map(|(_, values)| values.chunks_exact(width))
        .take(repeats)
        .collect();
    let (samples, features) = plan.points();
    let row = |(column, (n, p)): (usize, (usize, usize))| {
        row((n, p), all.iter().map(|repeat| repeat[column]).collect())
    };
    let mut rows: Vec<Row> = samples.iter().chain(&features).copied().enumerate().map(row).collect();
    let features = rows.split_off(samples.len());
    (rows, features)
}

fn row((n, p): (usize, usize), mut values: Vec<f64>) -> Row {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    let standard_error = (squares / (count - 1.0).max(1.0) / count).sqrt();
    values.sort_unstable_by(f64::total_cmp);
    let quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map(|q| quantile(&values, q));
    let max = values.last().copied().unwrap_or(f64::NAN);
    Row { n, p, repeats: values.len(), mean, standard_error, quantiles, max }
}

/// Type 7 of Hyndman and Fan (1996), as in the summaries of the library.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * sorted.len().saturating_sub(1) as f64;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let below = place.floor() as usize;
    if place.fract() == 0.0 {
        at(below)
    } else {
        at(below) * (1.0 - place.fract()) + at(below + 1) * place.fract()
    }
}

/// `n,p,repeats,mean,standard_error,q05,q25,median,q75,q95,max,lower_bound,gaussian,sphere,rows_left`.
pub fn save(rows: &[Row], path: &Path) -> Result<(), Error> {
    let header = "n,p,repeats,mean,standard_error,q05,q25,median,q75,q95,max,lower_bound,gaussian,sphere";
    let fields = |row: &Row| {
        let counts = [row.n, row.p, row.repeats].map(|count| count.to_string());
        let theory = [lower_bound(row.n, row.p), gaussian(row.n, row.p)];
        let numbers =
            [row.mean, row.standard_error].into_iter().chain(row.quantiles).chain([row.max]).chain(theory);
        let sphere = sphere(row.n, row.p).map_or(String::new(), |value| value.to_string());
        counts.into_iter().chain(numbers.map(|number| number.to_string())).chain([sphere]).collect()
    };
    save_table(path, &header.split(',').collect::<Vec<_>>(), rows.iter().map(fields).collect())
}
