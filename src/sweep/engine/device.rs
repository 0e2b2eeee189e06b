//! Cells of random Fourier features on a device, which receives inputs and gains and returns only metrics.

use super::{
    Engine, Prospects, Raw, Repeats, Which, each_repeat, in_halves, in_order, size_by_size, spectrum_obstacle,
};
use crate::Error;
use crate::curve::Metric;
use crate::error::user_code;
use crate::features::{Cosines, checked};
use crate::filter::{Response, Spectrum};
use crate::machine::memory::{sum, table};
use crate::machine::spread::norm;
use crate::nested::Engine as Kind;
use crate::svd::{self, CosineDevice, CosineFits, CosineTables, Cutoff};
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::measured::Measured;
use crate::sweep::metrics::Metrics;
use crate::sweep::study::Study;
use crate::sweep::task::Task;
use ndarray::{aview1, s};

/// The metrics that a device computes.
const METRICS: [Metric; 5] = [
    Metric::TrainMse,
    Metric::TestMse,
    Metric::CoefficientNorm,
    Metric::DistanceFromStart,
    Metric::SmallestSingularValue,
];

/// One SVD per cell, on the backend's device, which also makes the features.
#[derive(Debug)]
pub(super) struct Device;

impl Prospects for Device {
    fn kind(&self) -> Kind {
        Kind::Svd
    }

    fn obstacle(&self, task: &Task<'_>) -> Option<String> {
        let sweep = task.sweep;
        match svd::cosines(&*sweep.backend) {
            Ok(Some(_)) => {}
            Ok(None) => return Some("the backend has no device that makes features".into()),
            Err(error) => return Some(error.to_string()),
        }
        if let Some(why) = spectrum_obstacle(task, &METRICS) {
            return Some(why);
        }
        if !task.preparation().is_none() || task.is_cellwise() || !task.targets.is_plain() {
            return Some("a device takes rows and targets as they are, the same for all cells".into());
        }
        if task.sizes.tests == 0 || task.sizes.population {
            return Some("a device needs separate test rows".into());
        }
        let map = sweep.maps.of(0).ok().flatten();
        let are_cosines = map.is_some_and(|map| matches!(checked::cosines(&*map), Ok(Some(_))));
        (!are_cosines).then(|| "the features are not cosines of random frequencies".into())
    }

    fn needs_tables(&self) -> bool {
        false
    }

    fn cut(&self, task: &Task<'_>) -> Cut {
        size_by_size(task)
    }

    /// The operations of a factorisation and of its fits, to compare only with other work on the same device.
    fn flops(&self, task: &Task<'_>) -> f64 {
        let (fits, tests) = ((task.lines.len() * task.sizes.outputs) as f64, task.sizes.tests as f64);
        let cell = |(n, p): (usize, usize)| {
            let (n, p, r) = (n as f64, p as f64, n.min(p) as f64);
            8.0 * n * p * r + 6.0 * r * r * r + 2.0 * fits * (r * (n + p) + (n + tests) * p)
        };
        task.places().map(cell).sum()
    }

    /// Bytes of host memory: the tables sent to the device, and their copies in transfer.
    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let width = task.sizes.inputs.saturating_add(task.sizes.outputs);
        let frequencies = table(task.most_features(), task.sizes.inputs);
        Ok(sum([table(task.most_samples(), width), table(task.sizes.tests, width), frequencies])
            .saturating_mul(2))
    }
}

impl Engine for Device {
    fn run(
        &self,
        task: &Task<'_>,
        _: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        let Some(device) = svd::cosines(&*task.sweep.backend)? else {
            let reason = "the backend no longer has a device that makes features";
            return Err(Error::Unsupported { reason: reason.into() });
        };
        each_repeat(task, which, observer, |repeat, order| {
            let raw = Raw::new(task, repeat, order)?;
            let Some(cosines) = checked::cosines(&*raw.map)? else {
                let reason = format!(
                    "the features of repeat 0 are cosines of random frequencies, made by the device, but those of \
                     repeat {repeat} are not; give all repeats one kind of features"
                );
                return Err(Error::Unsupported { reason });
            };
            let of_samples = |&n: &usize| {
                in_halves(&[n], &task.features, &|features| {
                    let part = || "the device's work on cosine features".into();
                    user_code::call(part, || cells(task, device, (&raw, &cosines), n, features)).flatten()
                })
            };
            Ok(in_order(task, task.part.samples.iter().flat_map(of_samples).collect()))
        })
    }
}

/// Computes the cells of the first `n` rows for the given feature counts.
fn cells(
    task: &Task<'_>,
    device: &dyn CosineDevice,
    (raw, cosines): (&Raw<'_>, &Cosines<'_>),
    n: usize,
    features: &[usize],
) -> Result<Vec<Measured>, Error> {
    let most = features.iter().copied().max().unwrap_or(0).min(cosines.phases.len());
    let mut fits = device.begin(&CosineTables {
        frequencies: cosines.frequencies.slice(s![..most.min(cosines.frequencies.nrows()), ..]),
        phases: &cosines.phases[..most],
        amplitude: cosines.amplitude,
        x: raw.inputs.slice(s![..n, ..]),
        y: raw.y.slice(s![..n, ..]),
        x_test: raw.tests.view(),
        y_test: raw.tests_y.view(),
        fits: task.lines.len(),
    })?;
    let cell =
        |&p: &usize| cell(task, &mut *fits, (n, p)).unwrap_or_else(|error| Measured::failed(n, p, error));
    Ok(features.iter().map(cell).collect())
}

/// Computes all lines of one cell.
fn cell(task: &Task<'_>, fits: &mut dyn CosineFits, (n, p): (usize, usize)) -> Result<Measured, Error> {
    let sigma = fits.factorise(p)?;
    Error::check_len("singular values", n.min(p), sigma.len())?;
    let wrong = |reason| Error::Backend { name: task.sweep.backend.name(), reason };
    svd::in_order(aview1(&sigma)).map_err(wrong)?;
    let spectrum = Spectrum::new(n, p, &sigma);
    let cutoff = Cutoff::default().value(spectrum);
    let mut measured = Measured::new(n, p, task.lines.len());
    measured.rank = sigma.iter().take_while(|&&s| s > cutoff).count();
    measured.smallest_singular_value = measured.rank.checked_sub(1).map_or(0.0, |last| sigma[last]);
    let (mut asked, mut gains) = (Vec::new(), Vec::new());
    for (index, line) in task.lines.iter().enumerate() {
        match Response::new(&*line.arm.estimator, spectrum) {
            Ok(response) => {
                asked.push(index);
                gains.push(response.gains);
            }
            Err(error) => measured.failures.push((Some(index), error)),
        }
    }
    let found = fits.measure(&gains)?;
    Error::check_len("fits", asked.len(), found.len())?;
    for (index, fit) in asked.into_iter().zip(found) {
        for measure in [&fit.norms, &fit.train_mse, &fit.test_mse] {
            Error::check_len("outputs of a fit on the device", task.sizes.outputs, measure.len())?;
            if measure.iter().any(|&value| value < 0.0) {
                return Err(wrong("a norm or a squared error that is negative".into()));
            }
        }
        let mean = |outputs: &[f64]| outputs.iter().sum::<f64>() / outputs.len() as f64;
        let metrics = Metrics {
            train: mean(&fit.train_mse),
            test: mean(&fit.test_mse),
            norm: norm(&fit.norms),
            ..Metrics::default()
        };
        match metrics.finite() {
            Ok(metrics) => measured.lines.push(index, metrics),
            Err(error) => measured.failures.push((Some(index), error)),
        }
    }
    measured.sort_failures();
    Ok(measured)
}
