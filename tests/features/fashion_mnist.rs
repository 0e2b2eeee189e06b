//! Random Fourier features on Fashion-MNIST: the known curve, with the peak in the right place.

use crate::common::data_folder;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::{Dataset, Labelled};
use double_descent::features::{PairOrder, RandomFourier};
use double_descent::sweep::{Maps, Splits, Sweep};
use ndarray::{Array2, s};

/// A sweep with 10,000 test images and the first `n` training images in file order, for five draws of the features.
fn sweep(test: &str, n: usize, largest: usize, pairs: bool) -> Option<Sweep> {
    let folder = data_folder(test)?.join("fashion_mnist");
    let (train, images) = Labelled::fashion_mnist(&folder).unwrap();
    let first = |table: &Array2<f64>| table.slice(s![..n, ..]).to_owned();
    let train =
        Dataset::new("fashion-mnist", first(train.inputs().unwrap()), first(&train.one_hot().unwrap()))
            .unwrap();
    let maps = Maps::drawn(move |repeat| {
        let (gamma, seed) = (0.2 * 0.2 / 2.0, 100 + repeat as u64);
        if pairs {
            let half = RandomFourier::gaussian(784, largest.div_ceil(2), gamma, seed)?;
            return Ok(half.into_pairs(PairOrder::Interleaved));
        }
        RandomFourier::gaussian(784, largest, gamma, seed)
    });
    let splits = Splits::Recorded(vec![(0..n).collect(); 5]);
    Some(Sweep { splits, ..Sweep::plane(train, images.dataset().unwrap(), maps, 5, 0) })
}

/// Median over the repeats and its standard error from their spread: 1.2533 s / √m for normal values.
fn median(curve: &Curve, metric: Metric, p: usize) -> (f64, f64) {
    let values: Vec<f64> =
        curve.cells.iter().filter(|cell| cell.p == p).map(|cell| cell.metric(metric).unwrap()).collect();
    let m = values.len() as f64;
    let mean = values.iter().sum::<f64>() / m;
    let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (m - 1.0)).sqrt();
    let mut sorted = values;
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], 1.2533 * deviation / m.sqrt())
}

#[test]
fn the_known_curve() {
    let Some(mut sweep) = sweep("the_known_curve", 1000, 4000, false) else { return };
    (sweep.samples, sweep.features) =
        (vec![500, 1000], vec![50, 200, 400, 500, 600, 900, 1000, 1100, 2000, 4000]);
    let surface = sweep.surface().unwrap();
    assert!(surface.cells().failures.is_empty() && surface.cells().provenance.by_svd.is_empty());
    let curve = surface.over_features(1000).unwrap();
    // Known values are rounded to half a unit of the last digit; the rest of the bound is sampling error.
    for (p, mse, rate) in [(50, 0.063, 0.37), (200, 0.054, 0.27), (2000, 0.060, 0.24), (4000, 0.041, 0.21)] {
        for (metric, known, unit) in [(Metric::TestMse, mse, 0.001), (Metric::TestErrorRate, rate, 0.01)] {
            let (found, error) = median(&curve, metric, p);
            println!("p = {p}: {} {found:.4} ± {error:.4}, known {known}", metric.name());
            // The two medians are over independent draws.
            let bound = unit / 2.0 + 4.0 * 2f64.sqrt() * error;
            assert!(
                (found - known).abs() <= bound,
                "p = {p}: {} {found}, known {known} ± {bound}",
                metric.name()
            );
        }
    }
    for n in [500, 1000] {
        let curve = surface.over_features(n).unwrap();
        assert_eq!(curve.highest(0, Metric::TestMse).unwrap().p, n);
    }
}

#[test]
fn pairs_peak_at_as_many_columns_as_samples() {
    let Some(mut sweep) = sweep("pairs_peak_at_as_many_columns_as_samples", 300, 600, true) else { return };
    (sweep.samples, sweep.features) = (vec![300], vec![100, 200, 250, 280, 300, 320, 350, 400, 600]);
    let curve = sweep.surface().unwrap().over_features(300).unwrap();
    assert_eq!(curve.highest(0, Metric::TestMse).unwrap().p, 300);
}
