//! The metrics, defined in one table: everything that lists metrics is generated from its entries.

use super::packed::Packed;
use std::fmt;

/// Generates [`Metric`] and [`Cell`] from the table below.
///
/// An entry is `/// what it is`, then `Variant, field, "unit";`. The field's name is also the column name in tables.
/// Metrics under `fields` are public fields of a cell. Metrics under `packed` take half the memory and are read through
/// a method: most cells do not have them, and a sweep has many cells.
macro_rules! metrics {
    (
        fields { $($(#[doc = $doc:literal])+ $variant:ident, $field:ident, $unit:literal;)+ }
        packed { $($(#[doc = $packed_doc:literal])+ $packed_variant:ident, $packed:ident, $packed_unit:literal;)+ }
    ) => {
        /// A quantity that a cell may report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
            $($(#[doc = $packed_doc])+ $packed_variant,)+
        }

        impl Metric {
            /// All metrics.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ $(Self::$packed_variant,)+];

            /// Returns the name of its column in tables.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($field),)+
                    $(Self::$packed_variant => stringify!($packed),)+
                }
            }

            /// Returns its unit, in words: `1` for a pure number.
            #[must_use]
            pub fn unit(self) -> &'static str {
                match self {
                    $(Self::$variant => $unit,)+
                    $(Self::$packed_variant => $packed_unit,)+
                }
            }
        }

        /// One fit: a row of the tidy table.
        ///
        /// # Examples
        /// ```
        /// use double_descent::curve::{Cell, Metric};
        ///
        /// let mut cell = Cell::new(0, 20, 5, 0).with(Metric::TestMse, 0.7).with(Metric::LeaveOneOut, 0.8);
        /// cell.rank = 5;
        /// assert_eq!((cell.test_mse, cell.leave_one_out()), (Some(0.7), Some(0.8)));
        /// assert_eq!(cell.metric(Metric::TrainMse), None);
        /// ```
        #[derive(Clone, Copy, PartialEq, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub struct Cell {
            /// Which repeat, from 0.
            pub repeat: usize,
            /// Training samples.
            pub n: usize,
            /// Features.
            pub p: usize,
            /// Index into [`Curve::arms`](super::Curve::arms).
            pub arm: usize,
            $(
                #[doc = concat!("[`Metric::", stringify!($variant), "`].")]
                #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
                pub $field: Option<f64>,
            )+
            $(
                #[cfg_attr(feature = "serde", serde(default))]
                pub(crate) $packed: Packed,
            )+
            /// Its value on an axis that counts neither samples nor features.
            #[cfg_attr(feature = "serde", serde(default))]
            pub(crate) value: Packed,
            /// Numerical rank of the training features.
            pub rank: usize,
        }

        impl Cell {
            /// Returns one of its metrics; `None` if the cell does not have it.
            #[must_use]
            pub fn metric(&self, metric: Metric) -> Option<f64> {
                match metric {
                    $(Metric::$variant => self.$field,)+
                    $(Metric::$packed_variant => self.$packed.get(),)+
                }
            }

            /// Returns which metrics it has: a bit for each, in the order of [`Metric::ALL`].
            pub(crate) fn present(&self) -> u64 {
                let has = [$(self.$field.is_some(),)+ $(!self.$packed.is_absent(),)+];
                has.iter().rev().fold(0, |bits, &has| bits << 1 | u64::from(has))
            }

            /// Whether it has no axis value and none of the packed metrics.
            pub(crate) fn is_plain(&self) -> bool {
                self.value.is_absent() $(& self.$packed.is_absent())+
            }

            /// Sets a metric, or removes it.
            pub fn set(&mut self, metric: Metric, value: Option<f64>) {
                match metric {
                    $(Metric::$variant => self.$field = value,)+
                    $(Metric::$packed_variant => self.$packed = Packed::new(value),)+
                }
            }

            $(
                #[doc = concat!("[`Metric::", stringify!($packed_variant), "`].")]
                #[must_use]
                pub fn $packed(&self) -> Option<f64> {
                    self.$packed.get()
                }
            )+
        }
    };
}

metrics! {
    fields {
        /// Mean squared error on the training rows: the mean over rows and outputs.
        TrainMse, train_mse, "targets squared";
        /// Mean squared error on the test rows, or its expectation over a population: the mean over rows and outputs.
        TestMse, test_mse, "targets squared";
        /// Test error ([`TestMse`](Metric::TestMse)) for the other sign of an adversary's direction.
        TestMseOpposite, test_mse_opposite, "targets squared";
        /// Square of the mean bias over test rows (the quantity of Schaeffer et al. 2023), averaged over outputs. The
        /// bias at a row `x` is `xᵀ(β̂₀ − β*)`, where `β*` is the best linear model of all rows, and `β̂₀` the fit to
        /// its targets `Xβ*`.
        BiasSquared, bias_squared, "targets squared";
        /// Mean squared bias over test rows and outputs, for the bias of [`BiasSquared`](Metric::BiasSquared).
        MeanSquaredBias, mean_squared_bias, "targets squared";
        /// Smallest singular value of the training features `X` (`n × p`, not divided by `√n`) above the rank cutoff; 0
        /// at rank 0.
        SmallestSingularValue, smallest_singular_value, "features";
        /// Share of test rows whose largest prediction is not at their largest target: the classification error
        /// of one-hot targets.
        TestErrorRate, test_error_rate, "1";
        /// `‖β̂‖_F`, over all outputs.
        CoefficientNorm, coefficient_norm, "targets per feature";
    }
    packed {
        /// Largest singular value divided by the smallest one above the rank cutoff.
        ConditionNumber, condition_number, "1";
        /// Mean squared error at training rows, each predicted by the fit to all other training rows: the mean over
        /// rows and outputs. Computed for minimum-norm and ridge arms without ablation; other arms have none. Nor do
        /// cells in which rounding leaves no digits of it, because a row alone spans a direction, and standardised
        /// features, whose scale the left-out row changes.
        LeaveOneOut, leave_one_out, "targets squared";
        /// Expected contribution to the test error of label noise with variance 1: the mean over test rows `x` of
        /// `Σᵣ (g(σᵣ) x·vᵣ)²` for a filter with gains `g`, which is `‖xᵀ X⁺‖²` for minimum-norm fits. A free intercept
        /// adds `1/n`.
        ExpectedNoise, expected_noise, "1";
        /// Effective degrees of freedom of the fit: the trace of the matrix that takes training targets to fitted
        /// values, `Σᵣ σᵣ g(σᵣ)` for a filter with gains `g`. For ridge it is the effective dimension `Σ σ²/(σ² + λ)`;
        /// for minimum-norm fits, the rank. A free intercept adds 1.
        DegreesOfFreedom, degrees_of_freedom, "1";
        /// `‖β̂ − β₀‖_F`, over all outputs, where `β₀` are the coefficients at the start of the fit.
        DistanceFromStart, distance_from_start, "targets per feature";
        /// Effective parameters on the test rows (Curth, Jeffares and van der Schaar 2023): `p̂⁰ = n · mean ‖ŝ(x₀)‖²`
        /// for predictions `ŝ(x₀)·y`. They fall again past the threshold.
        EffectiveParameters, effective_parameters, "1";
        /// Effective parameters on the training rows: `tr H Hᵀ = Σ (σ g)²`, the rank for minimum-norm fits. A free
        /// intercept adds 1.
        EffectiveParametersTrain, effective_parameters_train, "1";
        /// Bartlett's effective rank `r_k` of the sample covariance at the index `k = 0`: `Σ σ²/σ₁²`.
        StableRank, stable_rank, "1";
        /// Bartlett's effective rank `R_k` at the index `k = 0`: `(Σ σ²)²/Σ σ⁴`.
        ParticipationRatio, participation_ratio, "1";
        /// Bound on the Rademacher complexity, on the training rows, of all linear predictors with norm at most that of
        /// the fit: `√k ‖β̂‖_F ‖X‖_F / n` for `k` outputs.
        RademacherBound, rademacher_bound, "targets";
        /// Fisher–Rao norm of the fit, with the model's Fisher matrix over the test rows at noise variance 1: `√(mean
        /// ‖f(x₀)‖²)`, for predictions `f` (of all outputs) without the constant of a free intercept.
        FisherRaoNorm, fisher_rao_norm, "targets";
        /// Log evidence `ln p(Y)` of ridge with a penalty `λ > 0` as a Bayesian model (a prior `N(0, τ²)` on each
        /// coefficient, noise variance `v = λτ²`), at the `v` that maximises it. With a free intercept, which has no
        /// prior, the evidence is that of the targets minus their mean.
        LogEvidence, log_evidence, "1";
        /// Log evidence minus the log likelihood of the fit: the logarithm of MacKay's Occam factor.
        LogOccamFactor, log_occam_factor, "1";
        /// Posterior variance of a prediction, averaged over test rows, in the model of the log evidence. A free
        /// intercept adds `v/n`, the variance of the targets' mean. The test error plus this variance is the error of a
        /// draw from the posterior. With `n < p` it is a difference; absent
        /// if rounding may be a thousandth of it, as on features far from 0 that are not centred.
        PosteriorVariance, posterior_variance, "targets squared";
        /// Share of training rows whose largest prediction is not at their largest target:
        /// [`TestErrorRate`](Metric::TestErrorRate) on the training rows, 0 for fits that interpolate.
        TrainErrorRate, train_error_rate, "1";
        /// Bartlett's effective rank `r_k` of the sample covariance past its `k` largest eigenvalues: `Σ_{i>k}
        /// σᵢ²/σ_{k+1}²`. The sweep sets `k`; absent if `k` is at or past the rank.
        TailStableRank, tail_stable_rank, "1";
        /// Bartlett's effective rank `R_k` past the `k` largest eigenvalues: `(Σ_{i>k} σᵢ²)²/Σ_{i>k} σᵢ⁴`.
        TailParticipationRatio, tail_participation_ratio, "1";
        /// Effective model complexity (Nakkiran et al. 2019): the largest number of samples at which the mean training
        /// error is at most a tolerance. It is a property of a training procedure, not of one training set.
        ModelComplexity, model_complexity, "1";
    }
}

impl Cell {
    /// Creates a cell of a repeat with `n` training samples and `p` features, for the arm with that index. It has no
    /// metrics, and rank 0.
    #[must_use]
    pub fn new(repeat: usize, n: usize, p: usize, arm: usize) -> Self {
        Self { repeat, n, p, arm, ..Self::default() }
    }

    /// Sets one metric: a number, or an `Option` of one.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: impl Into<Option<f64>>) -> Self {
        self.set(metric, value.into());
        self
    }

    /// Sets the numerical rank of its training features.
    #[must_use]
    pub fn with_rank(mut self, rank: usize) -> Self {
        self.rank = rank;
        self
    }

    /// Sets the value on an axis that counts neither samples nor features: a penalty, a time, a share.
    #[must_use]
    pub fn at(mut self, value: impl Into<Option<f64>>) -> Self {
        self.value = Packed::new(value.into());
        self
    }

    /// Returns the value that [`Cell::at`] set.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.value.get()
    }
}

/// Only the metrics that the cell has: most have few, and a curve has many cells.
impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cell = f.debug_struct("Cell");
        let Self { repeat, n, p, arm, rank, .. } = self;
        cell.field("repeat", repeat).field("n", n).field("p", p).field("arm", arm);
        if let Some(value) = self.value() {
            cell.field("value", &value);
        }
        for metric in Metric::ALL {
            if let Some(value) = self.metric(*metric) {
                cell.field(metric.name(), &value);
            }
        }
        cell.field("rank", rank).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let mut cell = Cell::new(1, 2, 3, 4).at(0.25);
        for (place, &metric) in Metric::ALL.iter().enumerate() {
            assert_eq!(cell.metric(metric), None);
            cell.set(metric, Some(place as f64));
        }
        for (place, &metric) in Metric::ALL.iter().enumerate() {
            assert_eq!(cell.metric(metric), Some(place as f64));
            assert_eq!(cell.with(metric, None).metric(metric), None);
            assert!(!metric.unit().is_empty());
        }
        assert_eq!((cell.repeat, cell.n, cell.p, cell.arm, cell.value()), (1, 2, 3, 4, Some(0.25)));
        assert_eq!((cell.test_mse, cell.condition_number()), (Some(1.0), Some(8.0)));
        let mut names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[test]
    fn absent_metrics_are_not_printed() {
        let cell = Cell::new(1, 2, 3, 4).with(Metric::TestMse, 0.5).with_rank(2);
        assert_eq!(format!("{cell:?}"), "Cell { repeat: 1, n: 2, p: 3, arm: 4, test_mse: 0.5, rank: 2 }");
        let cell = cell.at(0.25).with(Metric::ConditionNumber, 8.0);
        assert!(
            format!("{cell:?}").contains("value: 0.25, test_mse: 0.5, condition_number: 8.0"),
            "{cell:?}"
        );
    }

    /// A sweep writes and reads a million cells, so every byte of a cell counts. (A plain `Option<f64>` takes 16.)
    #[test]
    fn a_cell_is_small() {
        assert!(size_of::<Cell>() <= 5 * 8 + 8 * 16 + 19 * 8);
    }
}
