//! Tests of the engines that fit nested designs, and planes of them, in one pass.

mod blocks;
mod engines;
mod exact;
mod left_out;
mod noise_terms;
mod plane;
mod plane_of_rows;
mod quantities;
mod refits;
mod residuals;
mod ridge;
mod threads;
