//! Any bytes read as a table of cells. The result must be a curve that survives a round trip through a file byte for
//! byte and that detects a truncated table, or an error that can be printed.
#![no_main]

use double_descent::curve::{Axis, Bootstrap, Curve, Metric, ShapeTest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("double-descent-fuzz-curve-{}", std::process::id()));
    let read = |bytes: &[u8], axis: Axis| {
        std::fs::write(&path, bytes).expect("a temporary file");
        Curve::read_cells(&path, axis)
    };
    for axis in [Axis::Samples, Axis::Features] {
        let curve = match read(bytes, axis) {
            Ok(curve) => curve,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        assert!(curve.cells.iter().all(|cell| cell.arm < curve.arms.len()));
        let mut text = Vec::new();
        curve.write_cells(&mut text).expect("memory");
        let again = read(&text, axis).expect("what was written");
        let mut twice = Vec::new();
        again.write_cells(&mut twice).expect("memory");
        assert!(text == twice);
        if !curve.cells.is_empty() {
            // Cut anywhere before the last line feed.
            let cut =
                bytes.iter().fold(0, |sum: usize, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            let error = read(&text[..cut % (text.len() - 1)], axis).expect_err("a part of a table");
            assert!(!error.to_string().is_empty());
        }
        let test = ShapeTest { confidence: 0.5, bootstrap: Bootstrap { draws: 2, seed: 0 } };
        for &metric in Metric::ALL {
            let summaries = curve.summaries(metric, Some(test.bootstrap)).expect("two draws");
            assert!(summaries.iter().all(|summary| summary.count > 0));
            for arm in 0..curve.arms.len().min(3) {
                let has_it = summaries.iter().any(|summary| summary.arm == arm && !summary.median.is_nan());
                assert_eq!(curve.highest(arm, metric).is_some(), has_it);
                let _ = curve.shape(arm, metric, &test);
                // Certified values are never NaN or infinite.
                assert!(curve.peak(arm, metric).is_none_or(|peak| peak.median.is_finite()));
            }
        }
    }
});
