//! Cells that fail.

use super::studies::study;
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::features::FeatureMap;
use double_descent::sweep::{Maps, Sweep};
use ndarray::{Array2, ArrayRef2, s};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A coordinate map that panics or overflows at some sizes.
#[derive(Debug)]
struct Faulty {
    panics: Arc<AtomicBool>,
}

impl FeatureMap for Faulty {
    fn input_dimension(&self) -> usize {
        10
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        if p > 9 {
            return Err(Error::Overflow { what: "a feature" });
        }
        assert!(p < 7 || !self.panics.load(Ordering::Relaxed), "seven");
        Ok(inputs.slice(s![.., ..p]).to_owned())
    }
}

/// Failures are recorded with the cells; those that may not recur are retried in the next run.
#[test]
fn failures_survive_and_some_are_tried_again() {
    let folder = Folder::new("failures");
    let plane = study("plane", 5);
    for panics in [false, true] {
        let path = folder.0.join(format!("{panics}.record"));
        let switch = Arc::new(AtomicBool::new(panics));
        let own = Arc::clone(&switch);
        let maps = Maps::drawn(move |repeat| {
            // The first repeat works, because the fingerprint is computed from the map there.
            let panics = if repeat == 0 { Arc::new(AtomicBool::new(false)) } else { Arc::clone(&own) };
            Ok(Faulty { panics })
        });
        let features = if panics { vec![3, 5, 8] } else { vec![3, 5, 8, 12] };
        let sweep = Sweep { maps, features, samples: vec![4, 20], ..plane.clone() };
        let plain = sweep.run().unwrap();
        assert!(!plain.failures.is_empty() && plain.complete);
        let recording = sweep.record(&path).unwrap();
        assert_eq!(recording.run(&()).unwrap(), plain);
        let tried_again = if panics { vec![1, 2, 3, 4] } else { Vec::new() };
        assert_eq!(recording.missing(), tried_again);
        let length = || std::fs::metadata(&path).unwrap().len();
        let before = length();
        assert_eq!(recording.run(&()).unwrap(), plain);
        assert_eq!(length(), before, "what is the same again is not written again");
        assert_eq!(sweep.merge(&[&path]).unwrap(), plain, "for a merge they are there");
        switch.store(false, Ordering::Relaxed);
        let mended = recording.run(&()).unwrap();
        assert_eq!(mended, sweep.run().unwrap());
        assert!(recording.missing().is_empty());
        assert_eq!(mended.failures.is_empty(), panics);
    }
}
