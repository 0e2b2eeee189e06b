//! LAPACK's own test programs, NIST's reference data, known hard cases and random properties, for every backend.
//!
//! `cargo test --release --test backends suite -- --nocapture` prints the tables of `docs/accuracy.md`.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // small sizes and exponents

mod chkbd;
mod cross;
mod deficient;
mod drvbd;
mod drvls;
mod extremes;
mod faults;
mod nist;
mod properties;
mod random_case;
mod spectra;
mod traps;
