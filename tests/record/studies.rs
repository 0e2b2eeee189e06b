//! The sweeps that are recorded, by name, and their results as bytes.

use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::RandomFourier;
use double_descent::filter::Ridge;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Maps, PlaneArm, PlaneSweep, Sweep};
use double_descent::{Adversary, Error};
use ndarray::s;
use rand::RngExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sample-wise, model-wise and plane sweeps, by name.
pub enum Study {
    Samples(Box<Sweep>),
    Plane(Box<PlaneSweep>),
}

pub const STUDIES: [&str; 4] = ["samples", "nested", "models", "plane"];

/// The study of a name, in so many repeats.
pub fn study(name: &str, repeats: usize) -> Study {
    let diabetes = Dataset::diabetes();
    match name {
        "samples" => {
            let mut sweep = Sweep::new(diabetes, 1..=40, repeats, 5);
            sweep.arms.push(Arm::attacked(Adversary::TestDatum { strength: 0.1 }));
            sweep.threads = Some(2);
            Study::Samples(Box::new(sweep))
        }
        "nested" => {
            let arms =
                vec![Arm::unablated(), Arm::new("ridge", Some(0.1), Arc::new(Ridge::new(0.1).unwrap()))];
            let metrics = vec![Metric::TrainMse, Metric::TestMse];
            let sweep =
                Sweep { arms, metrics, threads: Some(2), ..Sweep::new(diabetes, 1..=300, repeats, 5) };
            Study::Samples(Box::new(sweep))
        }
        _ => {
            let part = |rows: std::ops::Range<usize>| {
                let (x, y) =
                    (diabetes.features().slice(s![rows.clone(), ..]), diabetes.targets().slice(s![rows, ..]));
                Dataset::new("diabetes", x.to_owned(), y.to_owned()).unwrap()
            };
            let maps =
                Maps::drawn(|repeat| RandomFourier::gaussian(10, 60, 0.5, stream(1, 9, repeat).random()));
            let samples = if name == "models" { vec![30] } else { vec![8, 20, 40] };
            let ridge = PlaneArm::new("ridge", Some(1e-3), Arc::new(Ridge::new(1e-3).unwrap()));
            Study::Plane(Box::new(PlaneSweep {
                samples,
                features: (1..=60).collect(),
                arms: vec![PlaneArm::min_norm(), ridge],
                threads: Some(2),
                ..PlaneSweep::new(part(0..150), part(150..442), maps, repeats, 3)
            }))
        }
    }
}

impl Study {
    pub fn run(&self) -> Curve {
        match self {
            Self::Samples(sweep) => sweep.run().unwrap(),
            Self::Plane(sweep) => sweep.run().unwrap().cells().clone(),
        }
    }

    /// One of so many shards into its record; the curve of what the record has then, and what was mended.
    pub fn record(&self, path: &Path, (k, of): (usize, usize)) -> Result<(Curve, Vec<String>), Error> {
        match self {
            Self::Samples(sweep) => {
                let recording = sweep.record(path)?.shard(k, of)?;
                Ok((recording.run(&())?, recording.notices()))
            }
            Self::Plane(sweep) => {
                let recording = sweep.record(path)?.shard(k, of)?;
                Ok((recording.run(&())?.cells().clone(), recording.notices()))
            }
        }
    }

    pub fn resume(&self, path: &Path) -> Curve {
        self.record(path, (0, 1)).unwrap().0
    }

    pub fn missing(&self, path: &Path) -> Result<Vec<usize>, Error> {
        match self {
            Self::Samples(sweep) => Ok(sweep.record(path)?.missing()),
            Self::Plane(sweep) => Ok(sweep.record(path)?.missing()),
        }
    }

    pub fn merge(&self, paths: &[PathBuf]) -> Result<Curve, Error> {
        match self {
            Self::Samples(sweep) => sweep.merge(paths),
            Self::Plane(sweep) => sweep.merge(paths).map(|surface| surface.cells().clone()),
        }
    }
}

/// All of a curve as bytes: numbers by their bits.
pub fn bytes(curve: &Curve) -> Vec<u8> {
    let mut bytes = Vec::new();
    curve.write_cells(&mut bytes).unwrap();
    bytes.extend(format!("{:?}", (curve.axis, &curve.arms, &curve.failures, curve.complete)).bytes());
    bytes.extend(format!("{:?}", curve.provenance).bytes());
    bytes
}

/// A small sweep, and its result.
pub fn small() -> (Sweep, Vec<u8>) {
    let Study::Samples(mut sweep) = study("samples", 4) else { unreachable!() };
    sweep.sizes = vec![5, 10];
    sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
    let expected = bytes(&sweep.run().unwrap());
    (sweep, expected)
}

/// A random number under `most`.
pub fn under(rng: &mut impl rand::Rng, most: usize) -> usize {
    rng.random_range(0..most.max(1))
}
