//! Theory lines that figures draw over measured curves: a label, a reference, and a value at every point of an axis.
//!
//! # Examples
//! ```
//! use double_descent::theory::line::{Sizes, Theory, TheoryLine};
//! use double_descent::theory::gaussian;
//!
//! // Over the number of samples, at p = 30 features. Any function of one number can be a line.
//! let exact = TheoryLine::gaussian_excess(Sizes::Samples { p: 30 }, 1.0, 0.25);
//! assert_eq!(exact.at(60.0)?, gaussian::excess(60, 30, 1.0, 0.25)?.total());
//! assert_eq!(exact.at(30.0)?, f64::INFINITY);
//! let limit = TheoryLine::new("Limit", "Hastie et al. 2022", |n| {
//!     Ok(gaussian::limit(30.0 / n, 1.0, 0.25)?.total())
//! });
//! assert!((limit.at(60.0)? / 0.25 - 1.0).abs() < 1e-15);
//! # Ok::<(), double_descent::Error>(())
//! ```

use crate::machine::order;
use std::fmt;
use std::sync::Arc;

use super::{constant, gaussian, noise};
use crate::{Error, error::user_code};

/// A theory of a measured quantity along an axis, such as `n`, `p`, a penalty or a time.
pub trait Theory: fmt::Debug + Send + Sync {
    /// Returns the label of the line, for a legend.
    fn label(&self) -> String;

    /// Returns a short reference to its source, such as `Hastie et al. 2022`. May be empty.
    fn reference(&self) -> String;

    /// Returns the value at a point of the axis, which may be infinite.
    ///
    /// # Errors
    /// [`Error::Domain`] outside the theory's domain, where the line has a gap. Any other error is a failure of the
    /// theory, and [`values`] returns it.
    fn at(&self, value: f64) -> Result<f64, Error>;
}

/// Implements the trait for pointers to a theory.
macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: Theory + ?Sized> Theory for $pointer {
            fn label(&self) -> String {
                (**self).label()
            }

            fn reference(&self) -> String {
                (**self).reference()
            }

            fn at(&self, value: f64) -> Result<f64, Error> {
                (**self).at(value)
            }
        }
    )+};
}

pointers!(&T, Box<T>, Arc<T>);

/// Returns the values of a theory along an axis, which may be infinite; NaN outside its domain.
///
/// # Errors
/// The errors of [`Theory::at`] other than [`Error::Domain`]; [`Error::UserCode`] for a theory that panics or gives
/// NaN.
///
/// # Examples
/// ```
/// use double_descent::theory::line::{Sizes, TheoryLine, values};
///
/// let bound = TheoryLine::noise_lower_bound(Sizes::Features { n: 10 });
/// let found = values(&bound, &[5.0, 20.0, 20.5])?;
/// assert_eq!(found[..2], [5.0 / 6.0, 10.0 / 11.0]);
/// assert!(found[2].is_nan()); // 20.5 is not a number of features
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn values(theory: &dyn Theory, axis: &[f64]) -> Result<Vec<f64>, Error> {
    let part = || user_code::name("theory", || theory.label());
    let value = |&at: &f64| match user_code::call(part, || theory.at(at))? {
        Ok(value) => not_nan(value, at, part),
        Err(Error::Domain { .. }) => Ok(f64::NAN),
        Err(error) => Err(error),
    };
    axis.iter().map(value).collect()
}

fn not_nan(value: f64, at: f64, part: impl Fn() -> String) -> Result<f64, Error> {
    if value.is_nan() {
        return Err(Error::UserCode { part: part(), reason: format!("it gave NaN at {at}") });
    }
    Ok(value)
}

/// The size on the axis, samples or features, with the fixed value of the other size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// The axis is the number of samples `n`.
    Samples {
        /// The number of features.
        p: usize,
    },
    /// The axis is the number of features `p`.
    Features {
        /// The number of samples.
        n: usize,
    },
}

impl Sizes {
    /// Returns `(n, p)` at a point of the axis.
    ///
    /// # Errors
    /// [`Error::Domain`] for a value that is not a whole number from 0 to 2⁵³.
    pub fn at(self, value: f64) -> Result<(usize, usize), Error> {
        // 2⁵³: up to here every whole number is an exact `f64`.
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        let what = match self {
            Self::Samples { .. } => "the number of samples",
            Self::Features { .. } => "the number of features",
        };
        if !(0.0..=LARGEST).contains(&value) || value.fract() != 0.0 {
            return Err(Error::Domain { what, value, must_be: "a whole number from 0 to 2⁵³" });
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number, just checked
        let count = value as usize;
        Ok(match self {
            Self::Samples { p } => (count, p),
            Self::Features { n } => (n, count),
        })
    }
}

/// A [`Theory`] given by a label, a reference and a function.
#[derive(Clone)]
pub struct TheoryLine {
    label: String,
    reference: String,
    value: Arc<Function>,
}

type Function = dyn Fn(f64) -> Result<f64, Error> + Send + Sync;

impl TheoryLine {
    /// The line of the function `value`, which must return [`Error::Domain`] outside its domain.
    pub fn new(
        label: impl Into<String>,
        reference: impl Into<String>,
        value: impl Fn(f64) -> Result<f64, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { label: label.into(), reference: reference.into(), value: Arc::new(value) }
    }

    /// The line of `value(n, p)` along `sizes`, defined at whole numbers.
    ///
    /// # Examples
    /// ```
    /// use double_descent::theory::gaussian;
    /// use double_descent::theory::line::{Sizes, Theory, TheoryLine};
    ///
    /// let centred = TheoryLine::over_sizes("With intercept", "", Sizes::Features { n: 20 }, |n, p| {
    ///     gaussian::excess_with_intercept(n, p, 1.0, 0.5)
    /// });
    /// assert_eq!(centred.at(19.0)?, f64::INFINITY); // the peak is at p = n − 1
    /// assert!(centred.at(2.5).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn over_sizes(
        label: impl Into<String>,
        reference: impl Into<String>,
        sizes: Sizes,
        value: impl Fn(usize, usize) -> Result<f64, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::new(label, reference, move |at| {
            let (n, p) = sizes.at(at)?;
            value(n, p)
        })
    }

    /// The line through known points, given in any order.
    ///
    /// Between two points it interpolates linearly in the logarithms of both coordinates (in the numbers themselves, if
    /// one is not positive). If one of the two values is infinite, there is a gap. Use it for formulas that are too
    /// slow to evaluate at every point of a figure.
    ///
    /// # Examples
    /// ```
    /// use double_descent::theory::line::{Theory, TheoryLine};
    ///
    /// let line = TheoryLine::through("Known", "", [(1.0, 10.0), (100.0, 1000.0), (200.0, f64::INFINITY)]);
    /// assert!((line.at(10.0)? - 100.0).abs() < 1e-12);
    /// assert!(line.at(200.0)?.is_infinite() && line.at(150.0).is_err() && line.at(0.5).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn through(
        label: impl Into<String>,
        reference: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let mut points: Vec<(f64, f64)> = points.into_iter().collect();
        order::sort(&mut points, |a, b| a.0.total_cmp(&b.0));
        Self::new(label, reference, move |at| {
            let next = points.partition_point(|point| point.0 < at);
            let before = next.checked_sub(1).and_then(|before| points.get(before));
            match (before, points.get(next)) {
                (_, Some(&(x, y))) if x == at => Ok(y),
                (Some(&from), Some(&to)) if from.1.is_finite() && to.1.is_finite() => {
                    Ok(between(from, to, at))
                }
                _ => Err(Error::Domain {
                    what: "a point of the theory",
                    value: at,
                    must_be: "between two where it is known and finite",
                }),
            }
        })
    }

    /// [`noise::lower_bound`]: a lower bound on the noise term of minimum-norm least squares.
    #[must_use]
    pub fn noise_lower_bound(sizes: Sizes) -> Self {
        Self::over_sizes("Lower bound", "Holzmüller 2021", sizes, |n, p| Ok(noise::lower_bound(n, p)))
    }

    /// [`noise::gaussian`]: the expected noise term for Gaussian features.
    #[must_use]
    pub fn gaussian_noise(sizes: Sizes) -> Self {
        let reference = "mean of the inverse Wishart law";
        Self::over_sizes("Exact, Gaussian", reference, sizes, |n, p| Ok(noise::gaussian(n, p)))
    }

    /// [`noise::sphere`]: the expected noise term for features on the sphere, where a formula is known.
    #[must_use]
    pub fn sphere_noise(sizes: Sizes) -> Self {
        Self::over_sizes("Exact, sphere", "Holzmüller 2021", sizes, |n, p| {
            let must_be = "at least n + 2, or 1";
            noise::sphere(n, p).ok_or(Error::Domain {
                what: "the number of features",
                value: p as f64,
                must_be,
            })
        })
    }

    /// [`constant::test_error`]: the expected test error of the training mean, for targets of this
    /// [variance](constant::variance). If the variance is negative or not finite, the whole line is a gap.
    #[must_use]
    pub fn constant_prediction(sizes: Sizes, variance: f64) -> Self {
        let reference = "mean over random splits of the test error of the training mean, s²(1\u{a0}+\u{a0}1/n) for \
                         targets of variance s²";
        Self::over_sizes("Constant prediction", reference, sizes, move |n, _| {
            constant::test_error(variance, n)
        })
    }

    /// [`gaussian::excess`], bias plus variance: the expected excess of minimum-norm least squares.
    ///
    /// For features `N(0, I)`, `‖β‖² = r2` and label noise of variance `noise`. If `r2` or `noise` is negative, the
    /// whole line is a gap.
    #[must_use]
    pub fn gaussian_excess(sizes: Sizes, r2: f64, noise: f64) -> Self {
        Self::over_sizes("Expected, exact", "Belkin, Hsu and Xu 2020", sizes, move |n, p| {
            Ok(gaussian::excess(n, p, r2, noise)?.total())
        })
    }
}

/// Interpolates between two points with finite values.
fn between((a, low): (f64, f64), (b, high): (f64, f64), at: f64) -> f64 {
    if a > 0.0 && low > 0.0 && high > 0.0 {
        let share = log_ratio(at, a) / log_ratio(b, a);
        return (low.ln() + share * log_ratio(high, low)).exp();
    }
    low + (at - a) / (b - a) * (high - low)
}

/// Returns `ln(b/a)`, also where `b/a` does not fit into `f64`.
fn log_ratio(b: f64, a: f64) -> f64 {
    let ratio = b / a;
    if ratio.is_normal() { ratio.ln() } else { b.ln() - a.ln() }
}

impl Theory for TheoryLine {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn reference(&self) -> String {
        self.reference.clone()
    }

    /// Returns [`Error::UserCode`] if the function panics or gives NaN.
    fn at(&self, value: f64) -> Result<f64, Error> {
        let part = || user_code::name("theory", || self.label());
        not_nan(user_code::call(part, || (self.value)(value))??, value, part)
    }
}

impl fmt::Debug for TheoryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TheoryLine")
            .field("label", &self.label)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Own;
    impl Theory for Own {
        fn label(&self) -> String {
            panic!("no name")
        }
        fn reference(&self) -> String {
            String::new()
        }
        fn at(&self, _: f64) -> Result<f64, Error> {
            Ok(f64::NAN)
        }
    }

    #[test]
    fn theories_that_go_wrong_are_errors_that_name_them() {
        let panics = TheoryLine::new("odd", "", |at| if at > 1.0 { panic!("too far") } else { Ok(at) });
        assert_eq!(values(&panics, &[0.5, 1.0]), Ok(vec![0.5, 1.0]));
        let Err(Error::UserCode { part, reason }) = values(&panics, &[0.5, 2.0]) else { panic!("no error") };
        assert!(part.contains("`odd`") && reason.contains("too far"), "{part} {reason}");
        let nan = TheoryLine::new("nan", "", |_| Ok(f64::NAN));
        assert!(matches!(nan.at(3.0), Err(Error::UserCode { .. })));

        let Err(Error::UserCode { part, .. }) = values(&Arc::new(Own), &[1.0]) else { panic!("no error") };
        assert!(part.contains("no name"), "{part}");
    }

    #[test]
    fn infinity_is_a_value_and_what_is_outside_is_a_gap() {
        let line = TheoryLine::gaussian_noise(Sizes::Features { n: 10 });
        let found = values(&line, &[8.0, 10.0, 12.0, -1.0, 0.5, f64::INFINITY, 1e300]).unwrap();
        assert_eq!(found[..3], [8.0, f64::INFINITY, 10.0]);
        assert!(found[3..].iter().all(|v| v.is_nan()), "{found:?}");
        let sphere = TheoryLine::sphere_noise(Sizes::Samples { p: 20 });
        let found = values(&sphere, &[10.0, 19.0, 21.0]).unwrap();
        assert!(found[0].is_finite() && found[1] == f64::INFINITY && found[2].is_nan(), "{found:?}");
        assert!(
            values(&TheoryLine::gaussian_excess(Sizes::Samples { p: 2 }, -1.0, 0.0), &[5.0]).unwrap()[0]
                .is_nan()
        );
        assert_eq!(Sizes::Samples { p: 3 }.at(7.0), Ok((7, 3)));
        let known = TheoryLine::through("known", "", [(2.0, 0.0), (0.0, 4.0), (4.0, f64::INFINITY)]);
        let found = values(&known, &[0.0, 1.0, 2.0, 4.0, 3.0, 5.0, -1.0]).unwrap();
        assert_eq!(found[..4], [4.0, 2.0, 0.0, f64::INFINITY]);
        assert!(found[4..].iter().all(|v| v.is_nan()), "{found:?}");
        assert!(TheoryLine::through("none", "", []).at(1.0).is_err());
        // Halfway in logarithms, also where quotients of places or values overflow: 4 roundings of ln 10²⁰⁰.
        for (low, high, middle) in [(1.0, 100.0, 10.0), (1e-200, 1e200, 1.0), (1e200, 1e-200, 1.0)] {
            let far = TheoryLine::through("far", "", [(1e-200, low), (1e200, high)]).at(1.0).unwrap();
            assert!((far / middle - 1.0).abs() < 4e-13, "{far:e}, not {middle:e}");
        }
    }
}
