//! Every function of `theory` at seeded random arguments from its whole domain: at thresholds and within 1e-15 of them,
//! at penalties and ratios from 1e-300 to 1e300, on spectra over hundreds of orders of magnitude. Results are compared
//! with the same formulas in 4096-bit arithmetic or with another formula.

mod case;
mod closed_forms;
mod designs;
mod draws;
mod fixed_points;
mod laws;
mod precise;
