//! Evaluates every arm of one cell from one factorisation.

use super::Start;
use super::coordinates::{Coordinates, Intercept};
use super::error_rates::{self, ErrorRates};
use super::held_out::HeldOut;
use super::lines::Line;
use super::many::Waiting;
use super::measured::Measured;
use super::metrics::{Metrics, OfFit};
use super::output::{Factorised, Modes, Output, Scratch};
use super::study::{Ideal, Prepared, Study, Tests};
use crate::Error;
use crate::machine::rooms::recycle;
use ndarray::{Array1, Array2, ArrayView1};
use std::borrow::Cow;

/// `β*` in the coordinates of a cell, and its predictions for the tested rows, if known.
type IdealOfCell<'a> = (Cow<'a, Array2<f64>>, Option<Cow<'a, [Array1<f64>]>>);

impl Study<'_> {
    /// The best linear model on `p` features, in a cell's coordinates.
    fn ideal_of_cell(
        &self,
        p: usize,
        coordinates: Option<&Coordinates>,
        held_out: &HeldOut<'_>,
    ) -> Option<IdealOfCell<'_>> {
        let Ideal { beta, images } = self.ideal(p)?;
        if let Some(coordinates) = coordinates {
            let own = coordinates.of_parameters(beta.clone());
            // No fit can use a feature that is constant on the training rows, but β* does.
            let images = |(own, beta): (ArrayView1<'_, f64>, ArrayView1<'_, f64>)| {
                let seen = held_out.table.features.dot(&own);
                held_out.unseen.iter().fold(seen, |sum, (feature, column)| sum + column * beta[*feature])
            };
            let images = (!held_out.unseen.is_empty())
                .then(|| own.columns().into_iter().zip(beta.columns()).map(images).collect());
            return Some((Cow::Owned(own), images.map(Cow::Owned)));
        }
        // The predictions are known only for the table that cells share.
        let images = images.as_deref().filter(|_| held_out.transposed.is_some());
        Some((Cow::Borrowed(beta), images.map(Cow::Borrowed)))
    }

    /// Evaluates all arms for the training set of `rows`, whose prepared features are factorised.
    pub(super) fn evaluate(
        &self,
        factorised: &mut Factorised,
        rows: &[usize],
        prepared: Prepared,
        scratch: &mut Scratch,
    ) -> Result<Measured, Error> {
        factorised.know(prepared.coordinates.as_ref());
        let svd = factorised.right();
        let (_, p) = svd.shape();
        let (held_out, own_columns) = self.held_out(rows, p, &prepared)?;
        let Prepared { y, coordinates, .. } = prepared;
        let ideal = self.ideal_of_cell(p, coordinates.as_ref(), &held_out);
        let modes = Modes::new(factorised, held_out);
        scratch.forget();
        let mut outputs = Vec::with_capacity(self.targets.outputs.len());
        for (output, &(trained, tested)) in self.targets.outputs.iter().enumerate() {
            let block = self.targets.block(trained);
            let last = factorised.last_mode(&y, block)?;
            let ideal = ideal.as_ref().map(|(beta, images)| {
                (beta.column(output), images.as_ref().map(|images| images[output].view()))
            });
            let tested = if own_columns { output } else { tested };
            outputs.push(Output::new(&modes, (&y, trained), tested, (ideal, last), &mut *scratch));
        }
        let rates = self.wanted.error_rate.then(|| ErrorRates::new(self, svd, rows, coordinates.as_ref()));
        let variance = if let Tests::Rows { variance, .. } = self.tests { variance } else { 0.0 };
        let free = self.preparation.intercept == Intercept::Free;
        let lengths = self.wanted.spectral.lengths(&modes);
        let errors_alone = !self.wanted.any_error_rate() && self.wanted.spectral.is_none();
        let of_fit = |line: &Line, own: &[Output<'_>], (scratch, norm): (&mut Scratch, f64)| {
            if self.wanted.spectral.is_none() {
                return OfFit::default();
            }
            let how = (free, self.preparation.standardise);
            self.wanted.spectral.of(line, (&modes, own), (scratch, &lengths, norm), how)
        };
        let alone = |line: &Line, scratch: &mut Scratch| -> Result<Metrics, Error> {
            let mut mean = Metrics::default();
            let mut solutions = Vec::new();
            let own = &outputs[line.outputs.clone()];
            for output in own {
                mean.add(&output.metrics(&line.arm, scratch, self.wanted.norm), own.len());
                if rates.is_some() {
                    solutions.push(output.solution(&line.arm, scratch));
                }
            }
            // Targets without residuals are free of noise.
            if !line.arm.ablation.is_without_residuals() {
                mean.test += variance;
                mean.opposite += variance;
            }
            // Without residuals, the model's constant is not known.
            let known = !(free && line.arm.ablation.is_without_residuals());
            let zero = line.arm.start == Start::Zero;
            let rates = rates.as_ref().filter(|_| known && zero);
            mean.error_rate = rates.map(|rates| rates.of(line, &solutions)).transpose()?;
            if let Some(u) = modes.u().filter(|_| self.wanted.train_error_rate && known && zero) {
                let rate =
                    error_rates::on_training_rows((self, line), own, scratch, (coordinates.as_ref(), u))?;
                mean.train_error_rate = Some(rate);
            }
            if let Start::Random { deviation } = line.arm.start {
                mean.test += modes.expected_excess(deviation)?;
            }
            let mut mean = mean.finite()?;
            if !zero {
                return Ok(Metrics { norm: f64::NAN, ..mean });
            }
            mean.of_fit = of_fit(line, own, (&mut *scratch, mean.norm));
            Ok(mean)
        };
        // Consecutive arms are often the same prefix, so keep the last prefix and the place of its metrics.
        let mut last = None;
        let mut measured = Measured::of(svd, self.lines.len());
        let mut waiting = Waiting::default();
        for (index, (line, &together)) in self.lines.iter().zip(&self.together).enumerate() {
            let gains = scratch.set_gains(&line.arm, svd, modes.inverse());
            if together && gains.is_ok() && !scratch.is_prefix() {
                if waiting.is_full(&line.outputs) {
                    waiting.measure(&modes, &outputs, variance, &mut measured);
                }
                let mean = waiting.add((index, line), &outputs, scratch, self.wanted.norm);
                mean.of_fit = of_fit(line, &outputs[line.outputs.clone()], (&mut *scratch, mean.norm));
                continue;
            }
            let prefix = scratch.prefix_of(&line.arm).map(|prefix| (prefix, line.outputs.start));
            let prefix = prefix.filter(|_| errors_alone && gains.is_ok());
            match last {
                Some((known, place)) if prefix == Some(known) => measured.lines.share(index, place),
                _ => match gains.and_then(|()| alone(line, scratch)) {
                    Ok(metrics) => {
                        last = prefix.map(|prefix| (prefix, measured.lines.next_place()));
                        measured.lines.push(index, metrics);
                    }
                    Err(error) => measured.failures.push((Some(index), error)),
                },
            }
        }
        waiting.measure(&modes, &outputs, variance, &mut measured);
        for output in outputs {
            output.recycle(&mut *scratch);
        }
        modes.recycle();
        recycle(y);
        measured.sort_lines();
        measured.lines.shrink();
        measured.sort_failures();
        Ok(measured)
    }
}
