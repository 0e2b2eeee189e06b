//! A diagnosis in words and numbers.

use super::{Diagnosis, Estimate, Method, Side};
use crate::factors::Contribution;
use std::fmt;

/// Displays four digits, with an exponent if there would be many zeros.
pub(crate) struct Short(pub(crate) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        if value == 0.0 {
            return f.write_str("0");
        }
        if !(1e-3..1e6).contains(&value.abs()) {
            return write!(f, "{value:.3e}");
        }
        let mut digits = 3;
        let mut size = value.abs();
        while size >= 10.0 && digits > 0 {
            (size, digits) = (size / 10.0, digits - 1);
        }
        while size < 1.0 {
            (size, digits) = (size * 10.0, digits + 1);
        }
        write!(f, "{value:.digits$}")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsItIs => f.write_str("the fit as it is"),
            Self::Ridge { lambda } => write!(f, "ridge, λ = {} (added to ‖Xβ − y‖²)", Short(*lambda)),
            Self::Stopping { time } => {
                write!(
                    f,
                    "stopping gradient flow on ½‖Xβ − y‖² at t = {} (t/h steps of size h)",
                    Short(*time)
                )
            }
            Self::LeadingModes { modes: 0 } => f.write_str("no features at all: every prediction 0"),
            Self::LeadingModes { modes: 1 } => f.write_str("fewer features: the leading principal direction"),
            Self::LeadingModes { modes } => write!(f, "fewer features: {modes} leading principal directions"),
            Self::HalfTheRows => f.write_str("the same fit on every other row"),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mse, error) = (Short(self.mse), Short(self.standard_error));
        write!(f, "{}: error {mse} ± {error}", self.method)?;
        if let Some(test) = self.test_mse {
            write!(f, " (on the test rows {})", Short(test))?;
        }
        let Some(gain) = &self.gain else { return Ok(()) };
        if gain.is_rounding(self.mse + gain.mean) {
            return f.write_str("; no difference");
        }
        // More than twice the standard deviation of the share of heads among `rows` coin tosses.
        let is_most = (2.0 * gain.share - 1.0) * (self.rows as f64).sqrt() > 2.0;
        let verdict = if gain.is_clear() {
            "helps"
        } else if gain.mean > 0.0 && is_most {
            "helps on most rows; a few rows decide by how much"
        } else if gain.mean > 0.0 {
            "may help: within two standard errors"
        } else {
            "does not help"
        };
        let (mean, error) = (Short(gain.mean), Short(gain.standard_error));
        write!(f, "; gain {mean} ± {error}, better on {:.0} % of rows: {verdict}", 100.0 * gain.share)
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = count(self.rows, "row", "rows");
        writeln!(f, "{rows}, {}, rank {}", count(self.features, "feature", "features"), self.rank)?;
        self.write_threshold(f)?;
        self.write_copies(f)?;
        if let Some(far) = self.far_from_origin {
            let far = if far.is_finite() {
                format!("the mean of the targets is {} standard deviations from 0", Short(far))
            } else {
                "the targets are constant".into()
            };
            writeln!(
                f,
                "fits go through the origin, and {far}: centre features and targets, or add a column of ones"
            )?;
        }
        if let (Some(least), Some(condition)) = (self.smallest_singular_value, self.condition_number) {
            let (largest, least, condition) =
                (Short(self.largest_singular_value), Short(least), Short(condition));
            writeln!(f, "singular values from {largest} to {least}, condition number {condition}")?;
        }
        writeln!(
            f,
            "training error {}, degrees of freedom {}",
            Short(self.train_mse),
            Short(self.degrees_of_freedom)
        )?;
        if self.reproduces_targets() {
            return self.write_why_none_is_left(f);
        }
        write!(f, "{}, by leaving out one row at a time", self.fit)?;
        match self.left_out {
            all if all == self.rows => writeln!(f)?,
            some => writeln!(f, ": {some} of the {}, evenly spaced", self.rows)?,
        }
        writeln!(
            f,
            "noise of variance v in the targets adds {} v to the squared error at a new row",
            Short(self.noise_factor)
        )?;
        self.write_modes(f)?;
        f.write_str("what would help, by errors at left-out rows:")?;
        for remedy in &self.remedies {
            match remedy.method {
                Method::LeadingModes { modes } if modes >= self.rank => {
                    let all = count(self.rank, "principal direction", "principal directions");
                    write!(f, "\n  fewer features: no better than all {all}")?;
                }
                _ => write!(f, "\n  {remedy}")?,
            }
        }
        match &self.more_rows {
            Some(more) => write!(
                f,
                "\n  twice the rows ({}): error {}, now {} by the same formula (normal rows, noise variance {} from \
                 the residuals)",
                more.rows,
                Short(more.mse),
                Short(more.mse_now),
                Short(more.noise_variance)
            ),
            None => write!(f, "\n  more rows: no estimate, since {}", self.why_no_more_rows()),
        }
    }
}

impl Diagnosis {
    /// Whether least squares leaves only rounding errors of more rows than the rank: at most `max(n, p) ε` of the
    /// targets' norm.
    fn reproduces_targets(&self) -> bool {
        let rounding = self.rows.max(self.features) as f64 * f64::EPSILON;
        self.side == Side::Under
            && self.target_mse > 0.0
            && self.train_mse <= rounding * rounding * self.target_mse
    }

    /// Says why least squares leaves no error, and the only error that is left to report.
    fn write_why_none_is_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the features reproduce every target up to rounding, although there are more rows than the rank: ")?;
        let different = self.different_rows();
        if self.rank == different {
            write!(
                f,
                "only {different} of the rows are different, and as many free parameters fit any targets; without the \
                 copies this is at the interpolation threshold or past it"
            )?;
        } else {
            f.write_str(
                "a feature, or a sum of several, is a copy of the targets, and there is no error left to explain",
            )?;
        }
        match self.fit.test_mse {
            Some(test) => write!(f, "\nerror on the test rows {}", Short(test)),
            None => Ok(()),
        }
    }

    /// The rows without copies, of which there are at least as many as the rank.
    fn different_rows(&self) -> usize {
        self.rows.saturating_sub(self.copied_rows).max(self.rank)
    }

    fn write_copies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.copied_rows == 0 {
            return Ok(());
        }
        let are = if self.copied_rows == 1 { "row is an exact copy" } else { "rows are exact copies" };
        writeln!(
            f,
            "note: {} {are} of others, features and targets: a fit without a row, or on half of them, may still see \
             its copy, so that errors at rows that are new may be far larger than those given here; keep one of each, \
             unless new rows are copies as well",
            self.copied_rows
        )
    }

    fn write_threshold(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peak = "where the test error peaks";
        let far = |spare: usize, else_said: &str| {
            // For normal rows, a prediction then amplifies the noise variance by rank/(spare − 1), at least four times.
            if 4 * spare.saturating_sub(1) <= self.rank {
                format!("near {peak}")
            } else {
                else_said.to_owned()
            }
        };
        match self.side {
            Side::At => writeln!(f, "at the interpolation threshold, n = p = {}, {peak}", self.rows)?,
            Side::Over => writeln!(
                f,
                "{} more than at the interpolation threshold, p = n = {}: {}; least squares fits every target",
                count(self.spare_features, "feature", "features"),
                self.rows,
                far(self.spare_features, "the interpolating regime")
            )?,
            Side::Under => writeln!(
                f,
                "{} more than at the interpolation threshold, n = rank = {}: {}",
                count(self.spare_rows, "row", "rows"),
                self.rank,
                match self.different_rows() - self.rank {
                    0 => "all of them copies".into(),
                    spare => far(spare, "the classical regime"),
                }
            )?,
        }
        if self.rank < self.rows.min(self.features) {
            let missing = self.rows.min(self.features) - self.rank;
            writeln!(f, "features or rows are dependent: the rank is {missing} less than it could be")?;
        }
        Ok(())
    }

    /// Explains why [`Diagnosis::more_rows`] is `None`.
    fn why_no_more_rows(&self) -> &'static str {
        // Only least squares has the rank as its degrees of freedom: below n, it leaves no residuals.
        let rank = self.rank as f64;
        let is_exact = (self.degrees_of_freedom - rank).abs() <= 1e-9 * rank;
        match self.side {
            Side::Over | Side::At if !is_exact => "the formula is for least squares only",
            Side::Over => {
                "an exact fit leaves no residuals to estimate the noise from; up to n = p, rows bring the fit nearer \
                 to its threshold"
            }
            Side::At => {
                "an exact fit leaves no residuals to estimate the noise from; each further row leads away from the \
                 threshold"
            }
            Side::Under if self.rank < self.features => "the formula is for features of full rank",
            Side::Under if self.rows == self.features + 1 => {
                "the formula divides by n − p − 1, which is 0; each further row leads away from the threshold"
            }
            Side::Under => "the formula is for least squares only",
        }
    }

    fn write_modes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fewer = self.rows.saturating_sub(1).min(self.features);
        let title = "modes that add most to the error at a row that the fit has not seen (numbers are root mean \
                     squares over the rows left out, the last one that of the product; without a row, σ are a \
                     little smaller):";
        write_table(f, title, &self.worst_modes, fewer)?;
        let all = self.rows.min(self.features);
        write_table(f, "modes that add most to the error on the test rows:", &self.worst_test_modes, all)
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, title: &str, worst: &[Contribution], modes: usize) -> fmt::Result {
    if worst.iter().all(|mode| mode.product == 0.0) {
        return Ok(());
    }
    writeln!(f, "{title}")?;
    for found in worst {
        writeln!(
            f,
            "  mode {} of {}: σ = {}, gain {} × row {} × residual {} → {}",
            found.mode + 1,
            modes,
            Short(found.singular_value),
            Short(found.gain),
            Short(found.test_projection),
            Short(found.residual_projection.abs()),
            Short(found.product)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Gain;
    use super::*;

    #[test]
    fn a_rounding_error_is_no_gain() {
        for (mean, standard_error, is_said) in
            [(6.865e-17, 2.047e-16, true), (0.0, 0.0, true), (1e-11, 0.0, false), (1e-17, 0.1, false)]
        {
            let gain = Some(Gain { mean, standard_error, share: 0.5 });
            let method = Method::HalfTheRows;
            let of = Estimate {
                method,
                mse: 1.0,
                standard_error: 1.0,
                median: 1.0,
                rows: 9,
                gain,
                test_mse: None,
            };
            assert_eq!(of.to_string().ends_with("; no difference"), is_said, "{of}");
        }
    }

    #[test]
    fn a_gain_that_few_rows_decide_is_told_from_one_that_few_rows_have() {
        for (mean, share, rows, verdict) in [
            (2.0, 0.5, 11, "rows: helps"),
            (1.0, 1.0, 11, "rows: helps on most rows; a few rows decide by how much"),
            (1.0, 0.5, 11, "rows: may help: within two standard errors"),
            (1.0, 1.0, 4, "rows: may help: within two standard errors"),
            (1.0, 0.7, 20, "rows: may help: within two standard errors"),
            (-1.0, 1.0, 11, "rows: does not help"),
        ] {
            let gain = Some(Gain { mean, standard_error: 0.9, share });
            let method = Method::Ridge { lambda: 1.0 };
            let of =
                Estimate { method, mse: 1.0, standard_error: 1.0, median: 1.0, rows, gain, test_mse: None };
            assert!(of.to_string().ends_with(verdict), "{of}, not {verdict}");
        }
    }
}
