//! Names of metrics in figures, and their units.

use crate::curve::Metric;
use crate::plot::Hue;

/// The texts and the style of a metric.
pub(super) struct Words {
    /// The curve's name.
    pub(super) name: String,
    /// The axis label.
    pub(super) axis: String,
    pub(super) hue: Hue,
    /// Whether its axis is logarithmic.
    pub(super) is_logarithmic: bool,
}

pub(super) fn words(metric: Metric) -> Words {
    let of = |name: &str, axis: &str, hue, is_logarithmic| Words {
        name: name.into(),
        axis: axis.into(),
        hue,
        is_logarithmic,
    };
    match metric {
        Metric::TrainMse => of("Training error", "Mean squared error", Hue::Blue, true),
        Metric::TestMse => of("Test error", "Mean squared error", Hue::Vermillion, true),
        Metric::MeanSquaredBias => of("Mean squared bias", "Squared bias", Hue::Purple, true),
        Metric::SmallestSingularValue => {
            of("Smallest non-zero singular value", "Singular value", Hue::Green, true)
        }
        Metric::TestErrorRate => {
            of("Test rows misclassified", "Share of rows misclassified", Hue::Vermillion, false)
        }
        Metric::TrainErrorRate => {
            of("Training rows misclassified", "Share of rows misclassified", Hue::Blue, false)
        }
        Metric::CoefficientNorm => of("Norm of the fit", "Norm ‖β\u{302}‖", Hue::Green, true),
        Metric::LeaveOneOut => of("Leave-one-out error", "Mean squared error", Hue::Green, true),
        Metric::DegreesOfFreedom => of("Degrees of freedom", "Degrees of freedom", Hue::Green, true),
        Metric::EffectiveParameters => {
            of("Effective parameters", "Effective parameters p\u{302}⁰ on test rows", Hue::Purple, true)
        }
        Metric::EffectiveParametersTrain => of(
            "Effective parameters on training rows",
            "Parameters p\u{302}⁰ on training rows",
            Hue::Purple,
            true,
        ),
        Metric::StableRank => of("Effective rank r₀", "Effective rank", Hue::Green, true),
        Metric::ParticipationRatio => of("Effective rank R₀", "Effective rank", Hue::Purple, true),
        Metric::TailStableRank => of("Effective rank r_k", "Effective rank", Hue::Green, true),
        Metric::TailParticipationRatio => of("Effective rank R_k", "Effective rank", Hue::Purple, true),
        Metric::ModelComplexity => of("Effective model complexity", "Samples", Hue::Blue, true),
        Metric::RademacherBound => {
            of("Rademacher bound", "Bound on the Rademacher complexity", Hue::Purple, true)
        }
        Metric::FisherRaoNorm => of("Fisher–Rao norm", "Fisher–Rao norm", Hue::Purple, true),
        Metric::LogEvidence => of("Log evidence", "Log evidence", Hue::Blue, false),
        Metric::LogOccamFactor => of("Log Occam factor", "Log Occam factor", Hue::Green, false),
        Metric::PosteriorVariance => of("Posterior variance", "Variance of a prediction", Hue::Green, true),
        other => {
            let name = other.name().replace('_', " ");
            of(&name, &name, Hue::Grey, true)
        }
    }
}

/// The unit of a metric's values, in terms of the table's units.
pub(super) fn unit(metric: Metric) -> Option<&'static str> {
    match metric {
        Metric::TrainMse
        | Metric::TestMse
        | Metric::TestMseOpposite
        | Metric::BiasSquared
        | Metric::MeanSquaredBias
        | Metric::LeaveOneOut
        | Metric::PosteriorVariance => Some("squared units of the targets"),
        Metric::RademacherBound | Metric::FisherRaoNorm => Some("units of the targets"),
        Metric::SmallestSingularValue => Some("units of the features"),
        Metric::CoefficientNorm => Some("units of the targets over those of the features"),
        _ => None,
    }
}

/// Whether ascending numbers are better shown on a logarithmic axis: positive, and over more than a decade.
pub(super) fn spans_decades(values: &[f64]) -> bool {
    let positive = || values.iter().copied().filter(|v| *v > 0.0);
    let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    values.iter().all(|v| *v >= 0.0) && high > 10.0 * low
}
