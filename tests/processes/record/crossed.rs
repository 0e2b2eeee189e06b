//! Shards of a crossed study, whose sizes have different costs: results are bitwise those of one run.

use crate::common::program::Folder;
use double_descent::Error;
use double_descent::filter::{MinNorm, SpectralFilter, Spectrum};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Crossed, Draw, Shard, ShardState, Source, Splits, TestOn, Workload};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

/// Minimum norm, refused for 12 features.
#[derive(Debug)]
struct NotForTwelve;

impl SpectralFilter for NotForTwelve {
    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        if spectrum.shape().1 == 12 { Err(Error::StepTooLarge { step: 2.0, limit: 1.0 }) } else { Ok(()) }
    }

    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        MinNorm::default().write_gains(spectrum, gains);
    }

    fn describe(&self) -> String {
        "not for twelve".into()
    }
}

fn study(sets: usize, noise: f64) -> Crossed {
    let source = Source::drawn("normal rows", |set| {
        let mut rng = stream(5, 0, set);
        let inputs = Array2::from_shape_simple_fn((12, 40), || rng.sample::<f64, _>(StandardNormal));
        let teacher = Array2::from_elem((40, 1), 40_f64.sqrt().recip());
        let targets = inputs.dot(&teacher);
        Ok(Draw {
            inputs,
            targets,
            test: TestOn::Population { covariance: Array2::eye(40), teacher, deviation: 0.0 },
        })
    });
    Crossed {
        noise,
        draws: 2,
        samples: vec![6, 12],
        features: vec![3, 6, 12, 20, 40],
        arms: vec![Arm::min_norm(), Arm::ridge(0.1).unwrap(), Arm::of(NotForTwelve)],
        ..Crossed::of(source, Splits::Drawn { repeats: sets, seed: 0 })
    }
}

fn shards(of: usize) -> Vec<Shard> {
    (0..of).map(|k| Shard::new(k, of).unwrap()).collect()
}

#[test]
fn any_number_of_shards_is_one_run() {
    let study = study(5, 0.5);
    let expected = study.run().unwrap();
    assert_eq!((expected.splits.len(), expected.failures.len()), (28, 2));
    let work: Workload = study.workload().unwrap();
    assert_eq!(work.count(), 10);
    for of in [1, 2, 3, 7, 13] {
        let folder = Folder::new("crossed");
        let folder = study.shards(&folder.0).unwrap();
        for shard in shards(of).into_iter().rev() {
            assert!(study.compute_shard(shard, folder.begin(shard).unwrap(), &()).unwrap().is_empty());
        }
        let status = folder.status().unwrap();
        assert!(status.missing.is_empty() && status.again.is_empty());
        assert!(status.files.iter().all(|file| file.state == ShardState::Complete));
        assert_eq!(study.merge(&folder.records().unwrap()).unwrap(), expected);
        // The documented bound on their costs.
        let costs: Vec<f64> = shards(of).into_iter().map(|shard| work.flops_of(shard)).collect();
        let (low, high) = costs.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), &c| (l.min(c), h.max(c)));
        assert!(high - low <= work.largest(), "{low} to {high}");
        std::fs::remove_dir_all(folder.folder()).unwrap();
    }
}

#[test]
fn what_is_missing_is_named_and_another_study_refused() {
    let study = study(4, 0.5);
    let folder = Folder::new("crossed-missing");
    let shards_of = study.shards(&folder.0).unwrap();
    let all = shards(3);
    for &shard in &all[..2] {
        study.compute_shard(shard, shards_of.begin(shard).unwrap(), &()).unwrap();
    }
    let status = shards_of.status().unwrap();
    assert_eq!(
        (status.missing.clone(), status.again),
        (study.workload().unwrap().indices(all[2]), vec![all[2]])
    );
    let error = study.merge(&shards_of.records().unwrap()).unwrap_err();
    assert!(
        matches!(&error, Error::Unsupported { reason } if reason.contains("are in none of the 2 records"))
    );
    // A different number of training sets is a different study: its results are means over all of them.
    for (other, says) in
        [(self::study(5, 0.5), "training sets 5 and"), (self::study(4, 0.4), "label noise 0.4")]
    {
        let error = other.shards(&folder.0).unwrap().begin(all[0]).unwrap_err().to_string();
        assert!(error.contains(says), "no `{says}` in {error}");
    }
}
