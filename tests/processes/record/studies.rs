//! The sweeps to record, by name, and their results as bytes.

use double_descent::Adversary;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::RandomFourier;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Maps, Parameter, Sweep};
use rand::RngExt;
use std::path::Path;

pub const STUDIES: [&str; 6] = ["samples", "nested", "models", "plane", "penalties", "noise"];

/// The sweep with a given name and number of repeats.
pub fn study(name: &str, repeats: usize) -> Sweep {
    let diabetes = Dataset::diabetes();
    let both = || vec![Arm::min_norm(), Arm::ridge(1e-3).unwrap()];
    let mut sweep = match name {
        "samples" => {
            let mut sweep = Sweep::new(diabetes, 1..=40, repeats, 5);
            sweep.arms.push(Arm::attacked(Adversary::TestDatum { strength: 0.1 }));
            sweep
        }
        "nested" => {
            let metrics = vec![Metric::TrainMse, Metric::TestMse];
            Sweep { arms: both(), metrics, ..Sweep::new(diabetes, 1..=300, repeats, 5) }
        }
        "penalties" => Sweep::over_penalties(diabetes, 12, [1e-3, 0.1, 10.0], repeats, 5),
        "noise" => {
            let parameter = Some(Parameter::label_noise([0.0, 10.0, 50.0], 8));
            Sweep { arms: both(), parameter, ..Sweep::new(diabetes, [5, 10, 20], repeats, 5) }
        }
        _ => {
            let (train, test) = diabetes.split(150).unwrap();
            let maps =
                Maps::drawn(|repeat| RandomFourier::gaussian(10, 60, 0.5, stream(1, 9, repeat).random()));
            let samples = if name == "models" { vec![30] } else { vec![8, 20, 40] };
            let features = (1..=60).collect();
            Sweep { samples, features, arms: both(), ..Sweep::plane(train, test, maps, repeats, 3) }
        }
    };
    sweep.threads = Some(2);
    sweep
}

/// A whole result as bytes, with numbers by their bits.
pub fn bytes(curve: &Curve) -> Vec<u8> {
    let mut bytes = Vec::new();
    curve.write_cells(&mut bytes).unwrap();
    bytes.extend(format!("{:?}", (curve.axis, &curve.arms, &curve.failures, curve.complete)).bytes());
    bytes.extend(format!("{:?}", curve.provenance).bytes());
    bytes
}

/// The bytes of a single run.
pub fn of_one_run(sweep: &Sweep) -> Vec<u8> {
    bytes(&sweep.run().unwrap())
}

/// The bytes of the result after a record is resumed.
pub fn resumed(sweep: &Sweep, path: &Path) -> Vec<u8> {
    bytes(&sweep.record(path).unwrap().run(&()).unwrap())
}

/// A small sweep with its result.
pub fn small() -> (Sweep, Vec<u8>) {
    let mut sweep = study("samples", 4);
    (sweep.samples, sweep.threads) = (vec![5, 10], Some(1));
    sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
    let expected = of_one_run(&sweep);
    (sweep, expected)
}

/// A random number below `most`.
pub fn under(rng: &mut impl rand::Rng, most: usize) -> usize {
    rng.random_range(0..most.max(1))
}
