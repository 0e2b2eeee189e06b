//! Every function of `theory` at seeded random arguments from all over its domain: at and about thresholds (1e-15 of them), at
//! penalties and ratios of 1e-300 to 1e300, at spectra over hundreds of orders of magnitude, against the same formulas in
//! arithmetic of 4096 bits or against another formula.

mod case;
mod closed_forms;
mod designs;
mod draws;
mod fixed_points;
mod laws;
mod precise;
