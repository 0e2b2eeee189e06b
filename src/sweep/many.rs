//! Test errors of many estimators on one cell, as matrix products.
//!
//! A single line visits the modes that it does not share with the minimum-norm fit. Hundreds of lines, one for each
//! value of a penalty or a time, become the rows of one matrix instead, which is multiplied with the modes' images
//! once.

use super::Start;
use super::lines::Line;
use super::measured::{Measured, Wanted};
use super::metrics::Metrics;
use super::output::{Modes, Output, Scratch};
use crate::factors::ablation::Ablation;
use crate::svd::add_product;
use std::ops::Range;

/// The smallest number of consecutive lines that are measured together; fewer are measured one by one.
const FROM: usize = 24;
/// The number of lines in one product: enough to be worthwhile, and few enough to need little memory.
pub(super) const TOGETHER: usize = 128;

/// Which lines are measured together: those in runs of at least [`FROM`] consecutive lines with the same targets, no
/// ablation, no adversary and a start from 0. Only used if errors are all that their predictions are needed for.
pub(super) fn together(lines: &[Line], wanted: &Wanted) -> Vec<bool> {
    let mut marked = vec![false; lines.len()];
    if wanted.any_error_rate() || wanted.needs_ideal(lines) {
        return marked;
    }
    let is_plain = |Line { arm, .. }: &Line| {
        arm.ablation == Ablation::none() && arm.adversary.is_none() && arm.start == Start::Zero
    };
    let mut first = 0;
    for stretch in lines.chunk_by(|a, b| is_plain(a) == is_plain(b) && a.outputs == b.outputs) {
        if stretch.len() >= FROM && is_plain(&stretch[0]) {
            marked[first..first + stretch.len()].fill(true);
        }
        first += stretch.len();
    }
    marked
}

/// Lines whose test errors are still to be computed.
#[derive(Default)]
pub(super) struct Waiting {
    outputs: Range<usize>,
    /// The metrics except the test errors.
    lines: Vec<(usize, Metrics)>,
    /// The coefficients of every line and output, as rows over the modes.
    coefficients: Vec<f64>,
    predictions: Vec<f64>,
}

impl Waiting {
    /// Whether a line with these outputs must wait for the next product.
    pub(super) fn is_full(&self, outputs: &Range<usize>) -> bool {
        self.lines.len() == TOGETHER || !self.lines.is_empty() && self.outputs != *outputs
    }

    /// Adds a line, whose gains `scratch` holds, and computes its metrics except the test error.
    pub(super) fn add(
        &mut self,
        (index, line): (usize, &Line),
        outputs: &[Output<'_>],
        scratch: &mut Scratch,
        with_norm: bool,
    ) -> &mut Metrics {
        self.outputs = line.outputs.clone();
        let mut mean = Metrics::default();
        let own = &outputs[line.outputs.clone()];
        for output in own {
            mean.add(&output.fitted(scratch, with_norm), own.len());
            self.coefficients.extend_from_slice(scratch.coefficients());
        }
        self.lines.push((index, mean));
        let last = self.lines.len() - 1;
        &mut self.lines[last].1
    }

    /// Computes the test errors of all waiting lines; the noise of the test targets adds `variance`.
    pub(super) fn measure(
        &mut self,
        modes: &Modes<'_>,
        outputs: &[Output<'_>],
        variance: f64,
        measured: &mut Measured,
    ) {
        if self.lines.is_empty() {
            return;
        }
        let own = &outputs[self.outputs.clone()];
        let (rank, width) = modes.images().dim();
        let height = self.lines.len() * own.len();
        self.predictions.resize(height * width, 0.0);
        let images = modes.images().as_slice().unwrap_or(&[]);
        let to = ((&mut self.predictions[..], width), 0..width);
        add_product(((&self.coefficients, rank), 0..rank), images, to, height, true);
        let rows = modes.held_out().1 as f64;
        let mut fits = self.predictions.chunks_exact_mut(width).zip(self.coefficients.chunks_exact(rank));
        for (index, mut mean) in self.lines.drain(..) {
            for (output, (predictions, coefficients)) in own.iter().zip(&mut fits) {
                mean.test += output.missed(predictions, coefficients) / rows / own.len() as f64;
            }
            mean.test += variance;
            mean.opposite = mean.test;
            match mean.finite() {
                Ok(mean) => measured.lines.push(index, mean),
                Err(error) => measured.failures.push((Some(index), error)),
            }
        }
        self.coefficients.clear();
    }
}
