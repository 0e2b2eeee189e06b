//! Sweeps and the curves that they return.

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // non-negative whole numbers
mod axes;
mod bad_input;
mod centred;
mod complexity_metrics;
mod crossed;
mod curve_tables;
mod damaged_curves;
mod determinism;
mod device;
#[cfg(feature = "plot")]
mod drawing;
mod engines;
#[cfg(feature = "plot")]
mod figures;
mod infinite_width;
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // non-negative whole numbers
mod many_values;
mod metrics;
mod notebook;
mod product;
mod replay;
mod scales;
mod shape;
mod story;
mod stream;
#[cfg(feature = "plot")]
mod study_figures;
mod two_descents;
mod unsupported;
mod user_backends;
mod user_code;
