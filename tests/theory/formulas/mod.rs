//! The formulas of `theory`, beyond single values: limits of each other, identities, both sides of the threshold,
//! extreme penalties, invalid inputs. Single values are tested in `reference`.

mod constant;
mod designs;
mod inputs;
mod power_laws;
mod random_features;
mod ranks;
mod ridge;

/// Asserts equality to 1e-10, relative: the accuracy that the formulas claim.
#[track_caller]
fn close(found: f64, expected: f64) {
    within(found, expected, 1e-10);
}

#[track_caller]
fn within(found: f64, expected: f64, relative: f64) {
    assert!(found == expected || (found / expected - 1.0).abs() <= relative, "{found:e}, not {expected:e}");
}

fn powers(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|i| (i as f64).powf(exponent)).collect()
}
