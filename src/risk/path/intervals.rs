//! Prediction intervals from leave-one-out errors.

use super::Training;
use super::evaluate::ask;
use super::ridge_left_out::RidgeLeftOut;
use crate::Error;
use crate::filter::{Response, Ridge};
use crate::machine::memory::{reserve, sum, table};
use crate::risk::centred::Means;
use ndarray::{ArrayRef2, Axis};

/// A prediction interval for a new target, from [`Training::intervals`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interval {
    /// The prediction of the fit to all rows.
    pub prediction: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Training {
    /// Computes the jackknife+ intervals of a ridge fit at the rows of `x` (`m × p`), for one output: from the
    /// `⌊α(n + 1)⌋`-th smallest `ŷ₋ᵢ(x) − |eᵢ|` to the `⌈(1 − α)(n + 1)⌉`-th smallest `ŷ₋ᵢ(x) + |eᵢ|`, with `ŷ₋ᵢ` the
    /// fit without row `i` and `eᵢ` its error there.
    ///
    /// For exchangeable rows they contain a new target with a probability of at least `1 − 2α`, whatever the
    /// distribution, and in practice of about `1 − α` (Barber, Candès, Ramdas and Tibshirani, *Predictive inference
    /// with the jackknife+*, Annals of Statistics 2021, theorem 1). Nothing is refitted: `ŷ₋ᵢ(x) = ŷ(x) − sᵢ(x) eᵢ`,
    /// with `sᵢ(x)` the weight of target `i` in `ŷ(x)`. This also holds in the limit of interpolation.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 < alpha < 1`, and if it is too small for `n` rows, `α < 1/(n + 1)`; [`Error::Shape`]
    /// for another number of columns or more than one output; [`Error::NonFinite`]; [`Error::Unsupported`] if a fit
    /// without some row does not exist; those of [`Ridge`]; [`Error::Overflow`] if an end does not fit into `f64`,
    /// [`Error::Memory`], [`Error::Backend`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, filter::Ridge, risk::Training};
    /// use ndarray::s;
    ///
    /// let data = Dataset::diabetes();
    /// let (x, y) = (data.features(), data.targets());
    /// let training = Training::with_intercept(&x.slice(s![..200, ..]), &y.slice(s![..200, ..]))?;
    /// let intervals = training.intervals(Ridge::new(0.1)?, &x.slice(s![200.., ..]), 0.1)?;
    /// let held = intervals.iter().zip(y.iter().skip(200));
    /// let held = held.filter(|(i, y)| (i.lower..=i.upper).contains(*y)).count();
    /// assert!(held as f64 > 0.85 * intervals.len() as f64);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn intervals(&self, ridge: Ridge, x: &ArrayRef2<f64>, alpha: f64) -> Result<Vec<Interval>, Error> {
        let modes = self.modes()?;
        let (n, rank) = (modes.rows(), modes.rank());
        let places = (alpha * (n + 1) as f64).floor();
        // Refuses NaN, too.
        if !(alpha > 0.0 && alpha < 1.0 && places >= 1.0) {
            let must_be = "less than 1 and at least 1/(n + 1), n the number of rows";
            return Err(Error::Domain { what: "the level α of an interval", value: alpha, must_be });
        }
        Error::check_len("columns of y, for intervals", 1, modes.outputs())?;
        Error::check_len("columns of x", modes.width, x.ncols())?;
        Error::check_finite("the rows to predict at", x.view())?;
        let m = x.nrows();
        reserve(
            "prediction intervals",
            sum([table(m, modes.width + rank), table(m, n), table(n, 5), table(m, 3)]),
        )?;
        let mut response = Response::default();
        ask(modes, &ridge, &mut response)?;
        let errors = RidgeLeftOut::new(modes).errors(ridge.lambda(), &response);
        let errors = errors.ok_or_else(|| Error::Unsupported {
            reason: format!("with the penalty {:e} some row cannot be left out of the fit", ridge.lambda()),
        })?;
        let vt = self.right()?;
        let (mut along, shift) = match self.means() {
            None => (x.dot(&vt.t()), 0.0),
            Some(Means { features, targets }) => {
                let means = features.view().insert_axis(Axis(0));
                ((x.to_owned() - means).dot(&vt.t()), targets[0])
            }
        };
        along.rows_mut().into_iter().for_each(|mut row| {
            row.iter_mut().zip(&response.gains).for_each(|(v, gain)| *v *= gain);
        });
        let predictions = along.dot(&modes.along.column(0));
        let weights = along.dot(&modes.u.t());
        let of_intercept = modes.intercepts as f64 / n as f64;
        // The k-th smallest and the k-th largest.
        let place = places.min(n as f64);
        let index = (1..=n).take_while(|&i| i as f64 <= place).count() - 1;
        let mut ends = (vec![0.0; n], vec![0.0; n]);
        let mut intervals = Vec::with_capacity(m);
        for (prediction, weights) in predictions.iter().zip(weights.rows()) {
            let prediction = prediction + shift;
            for (i, (weight, error)) in weights.iter().zip(&errors).enumerate() {
                let without = prediction - (weight + of_intercept) * error;
                ends.0[i] = without - error.abs();
                ends.1[i] = without + error.abs();
            }
            ends.0.sort_unstable_by(f64::total_cmp);
            ends.1.sort_unstable_by(f64::total_cmp);
            let interval = Interval { prediction, lower: ends.0[index], upper: ends.1[n - 1 - index] };
            if ![interval.prediction, interval.lower, interval.upper].iter().all(|v| v.is_finite()) {
                return Err(Error::Overflow { what: "an end of an interval" });
            }
            intervals.push(interval);
        }
        Ok(intervals)
    }
}
