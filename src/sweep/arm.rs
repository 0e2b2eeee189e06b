//! What a sweep computes from each factorisation: an estimator, an ablation, an adversary.

use crate::curve::ArmLabel;
use crate::dataset::Labelled;
use crate::factors::ablation::{Ablation, Adversary};
use crate::filter::{GradientFlow, LeadingModes, Loss, MinNorm, Ridge, SpectralFilter, known_penalty};
use crate::risk::interpolants::check_deviation;
use crate::{Error, error::user_code};
use ndarray::Array2;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// The cutoffs of the published study: seven, log-spaced, 10⁻³ … 10⁰.
const CUTOFFS: [f64; 7] =
    [1e-3, 0.003_162_277_660_168_379_4, 1e-2, 0.031_622_776_601_683_79, 1e-1, 0.316_227_766_016_837_94, 1.0];

/// The largest number of estimators that a caption names one by one.
const MOST_NAMED: usize = 24;

/// The strengths of the published adversaries.
const STRENGTHS: [f64; 7] = [0.0, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6];

/// Where a fit starts, which fixes its part in the directions that training rows do not reach.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Start {
    /// From 0: the minimum-norm fit.
    #[default]
    Zero,
    /// From random coefficients, independent `N(0, s²/p)`.
    ///
    /// The test error is its expectation over the start, in closed form
    /// ([`expected_excess`](crate::interpolants::expected_excess)); nothing is drawn.
    Random {
        /// `s`.
        deviation: f64,
    },
    /// From the solution on the next smaller feature count of the sweep, with zeros for the new features
    /// ([`warm_start_curve`](crate::interpolants::warm_start_curve)).
    Warm,
}

/// One line of a study: an estimator, an ablation and an adversary.
///
/// All arms of a sweep share the same factorisations.
///
/// # Examples
/// ```
/// use double_descent::sweep::Arm;
/// use double_descent::{Ablation, Adversary};
///
/// let ridge = Arm::ridge(0.1)?;
/// let attacked_ridge = Arm { adversary: Some(Adversary::TestDatum { strength: 1.0 }), ..ridge };
/// let all_off = Arm {
///     ablation: Ablation::none().small_singular_values(0.1)?.test_features_on(5).no_residuals(),
///     ..Arm::unablated()
/// };
/// # let _ = (attacked_ridge, all_off);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arm {
    /// The name of the arm's family in tables and figures. No two arms of a sweep may share both name and setting.
    pub name: String,
    /// The arm's setting within the family; finite.
    pub setting: Option<f64>,
    /// The estimator.
    pub estimator: Arc<dyn SpectralFilter>,
    /// What is switched off.
    pub ablation: Ablation,
    /// The adversary, if any. It alters the test datum before any ablation projects it.
    pub adversary: Option<Adversary>,
    /// Where the fit starts. With a start other than 0 there are only training and test errors.
    pub start: Start,
    /// Training targets (`N × k`) that replace those of the source, row by row (label noise).
    pub targets: Option<Arc<Array2<f64>>>,
    /// Test targets that replace those of the source (errors on noisy labels): `M × k`, or `N × k` with a single table.
    pub test_targets: Option<Arc<Array2<f64>>>,
}

impl Arm {
    /// An arm with the given estimator, no ablation and no adversary.
    #[must_use]
    pub fn new(name: impl Into<String>, setting: Option<f64>, estimator: Arc<dyn SpectralFilter>) -> Self {
        Self {
            name: name.into(),
            setting,
            estimator,
            ablation: Ablation::none(),
            adversary: None,
            start: Start::Zero,
            targets: None,
            test_targets: None,
        }
    }

    /// `min_norm`: minimum-norm least squares.
    #[must_use]
    pub fn min_norm() -> Self {
        Self { name: "min_norm".into(), ..Self::unablated() }
    }

    /// `ridge`: ridge regression, the minimiser of `‖Xβ − y‖² + λ‖β‖²` with `λ = lambda`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is finite. How far it may be negative depends on the data ([`Ridge`]).
    pub fn ridge(lambda: f64) -> Result<Self, Error> {
        Ok(Self::new("ridge", Some(lambda), Arc::new(Ridge::new(lambda)?)))
    }

    /// `leading_modes`: the pseudoinverse of the `k` leading modes, principal component regression.
    #[must_use]
    pub fn leading_modes(k: usize) -> Self {
        Self::new("leading_modes", Some(k as f64), Arc::new(LeadingModes(k)))
    }

    /// `gradient_flow`: gradient flow from 0 on `½‖Xβ − y‖²`, stopped at time `t`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the time is finite and at least 0.
    pub fn gradient_flow(time: f64) -> Result<Self, Error> {
        Ok(Self::new("gradient_flow", Some(time), Arc::new(GradientFlow::new(time, Loss::HalfSum)?)))
    }

    /// An arm with any estimator, named by the estimator's description.
    ///
    /// # Examples
    /// ```
    /// use double_descent::filter::{Ridge, SpectralFilter};
    /// use double_descent::sweep::Arm;
    ///
    /// let chosen: Box<dyn SpectralFilter> = Box::new(Ridge::new(0.1)?);
    /// assert_eq!(Arm::of(chosen).name, "ridge, λ = 1e-1");
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn of(estimator: impl SpectralFilter + 'static) -> Self {
        let name = user_code::description(|| estimator.describe());
        Self::new(name, None, Arc::new(estimator))
    }

    /// `random_start`: the least squares solution that gradient descent reaches from random coefficients, independent
    /// `N(0, s²/p)` with `s = deviation` ([`Start::Random`]).
    ///
    /// # Errors
    /// [`Error::Domain`] unless the deviation is finite and at least 0.
    pub fn random_start(deviation: f64) -> Result<Self, Error> {
        check_deviation(deviation)?;
        let start = Start::Random { deviation };
        Ok(Self { name: "random_start".into(), setting: Some(deviation), start, ..Self::unablated() })
    }

    /// `warm_start`: the least squares solution nearest to the one on fewer features ([`Start::Warm`]).
    #[must_use]
    pub fn warm_start() -> Self {
        Self { name: "warm_start".into(), start: Start::Warm, ..Self::unablated() }
    }

    /// `min_norm` on training labels of which a share is wrong: one arm per entry of `shares`, with the share as its
    /// setting, all from one draw of `seed` ([`Labelled::with_label_noise`]).
    ///
    /// # Errors
    /// Those of [`Labelled::with_label_noise`] and [`Labelled::one_hot`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Labelled;
    /// use double_descent::sweep::Arm;
    /// use ndarray::Array2;
    ///
    /// let train = Labelled::new("two classes", Array2::eye(4), vec![0, 1, 0, 1], 2)?;
    /// let arms = Arm::of_noisy_labels(&train, [0.0, 0.2, 0.4], 0)?;
    /// assert_eq!(arms[1].setting, Some(0.2));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn of_noisy_labels(
        train: &Labelled,
        shares: impl IntoIterator<Item = f64>,
        seed: u64,
    ) -> Result<Vec<Self>, Error> {
        let arm = |share| {
            let targets = train.with_label_noise(share, seed)?.one_hot()?;
            Ok(Self::min_norm().trained_on(Some(share), targets))
        };
        shares.into_iter().map(arm).collect()
    }

    /// The same arm with other training targets (`N × k`), e.g. noisy labels; `setting` says how noisy.
    #[must_use]
    pub fn trained_on(mut self, setting: Option<f64>, targets: Array2<f64>) -> Self {
        (self.setting, self.targets) = (setting, Some(Arc::new(targets)));
        self
    }

    /// The same arm tested on other targets (`M × k`; with a single table, `N × k`).
    #[must_use]
    pub fn tested_on(mut self, targets: Array2<f64>) -> Self {
        self.test_targets = Some(Arc::new(targets));
        self
    }

    /// `unablated`: minimum-norm least squares.
    #[must_use]
    pub fn unablated() -> Self {
        // All arms share one estimator, so each cell computes its gains only once.
        static MIN_NORM: OnceLock<Arc<MinNorm>> = OnceLock::new();
        let estimator = Arc::clone(MIN_NORM.get_or_init(Arc::default));
        Self::new("unablated", None, estimator)
    }

    /// `no_small_singular_values`: minimum-norm least squares without the modes whose singular value is below `cutoff`.
    ///
    /// The cutoff is absolute, in units of the singular values of `X` (not divided by `√n` or by the largest).
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn no_small_singular_values(cutoff: f64) -> Result<Self, Error> {
        Ok(Self {
            name: "no_small_singular_values".into(),
            setting: Some(cutoff),
            ablation: Ablation::none().small_singular_values(cutoff)?,
            ..Self::unablated()
        })
    }

    /// `test_features_projected`: test features are projected on the `modes` leading right singular vectors.
    #[must_use]
    pub fn test_features_projected(modes: usize) -> Self {
        Self {
            name: "test_features_projected".into(),
            setting: Some(modes as f64),
            ablation: Ablation::none().test_features_on(modes),
            ..Self::unablated()
        }
    }

    /// `no_residuals`: training and test targets are replaced by those of the best linear model of all rows.
    #[must_use]
    pub fn no_residuals() -> Self {
        Self { name: "no_residuals".into(), ablation: Ablation::none().no_residuals(), ..Self::unablated() }
    }

    /// `adversarial_test` or `adversarial_train`: minimum-norm least squares under an adversary of either kind.
    #[must_use]
    pub fn attacked(adversary: Adversary) -> Self {
        let name = match adversary {
            Adversary::TestDatum { .. } => "adversarial_test",
            Adversary::TrainingTargets { .. } => "adversarial_train",
        };
        Self {
            name: name.into(),
            setting: Some(adversary.strength()),
            adversary: Some(adversary),
            ..Self::unablated()
        }
    }

    /// The arms of the ablation study of Schaeffer et al. 2023 for `p` features.
    ///
    /// They are: unablated; cutoffs 10⁻³ … 10⁰ (seven, log-spaced); test features projected on `k` modes; no residuals.
    /// The values of `k` are 1 … 10 (5, 10, …, 25 if `p` is at least 20), no more than `p`, and beyond these doubling
    /// steps up to `p`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::sweep::Arm;
    ///
    /// let modes = |p| -> Vec<f64> {
    ///     let arms = Arm::ablation_study(p).into_iter();
    ///     arms.filter(|arm| arm.name == "test_features_projected").filter_map(|arm| arm.setting).collect()
    /// };
    /// assert_eq!(modes(2), [1.0, 2.0]);
    /// assert_eq!(modes(17)[8..], [9.0, 10.0, 17.0]);
    /// assert_eq!(modes(120), [5.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0, 120.0]);
    /// ```
    #[must_use]
    pub fn ablation_study(p: usize) -> Vec<Self> {
        let (step, most) = if p < 20 { (1, 10) } else { (5, 25) };
        let mut modes: Vec<usize> = (step..=most.min(p)).step_by(step).collect();
        let doubled = std::iter::successors(Some(most), |k: &usize| k.checked_mul(2)).skip(1);
        modes.extend(doubled.take_while(|&k| k < p));
        modes.extend((modes.last() < Some(&p)).then_some(p).filter(|&p| p > 0));
        let mut arms = vec![Self::unablated()];
        arms.extend(CUTOFFS.iter().filter_map(|&c| Self::no_small_singular_values(c).ok()));
        arms.extend(modes.into_iter().map(Self::test_features_projected));
        arms.push(Self::no_residuals());
        arms
    }

    /// The arms of the adversarial study: unablated; test data and training targets moved along the last mode by a = 0,
    /// 0.1, 0.316, 1, 3.16, 10, 31.6.
    #[must_use]
    pub fn adversarial_study() -> Vec<Self> {
        let test = STRENGTHS.map(|strength| Self::attacked(Adversary::TestDatum { strength }));
        let train = STRENGTHS.map(|strength| Self::attacked(Adversary::TrainingTargets { strength }));
        std::iter::once(Self::unablated()).chain(test).chain(train).collect()
    }

    pub(crate) fn label(&self) -> ArmLabel {
        ArmLabel { name: self.name.clone(), setting: self.setting }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.adversary.as_ref().map_or(Ok(()), Adversary::check)?;
        if let Start::Random { deviation } = self.start {
            check_deviation(deviation)?;
        }
        let plain = self.ablation == Ablation::none() && self.adversary.is_none();
        if self.start != Start::Zero && !(plain && known_penalty(&*self.estimator) == Some(0.0)) {
            let reason = format!(
                "the arm `{}` has its own start, which needs minimum-norm fits without ablation or adversary",
                self.name
            );
            return Err(Error::Unsupported { reason });
        }
        Ok(())
    }

    /// Names the estimators of some arms, each once; if there are more than [`MOST_NAMED`], only the first and the
    /// last.
    pub(crate) fn describe_estimators(arms: &[Self]) -> String {
        let mut seen = HashSet::new();
        let mut names: Vec<String> = Vec::new();
        for arm in arms {
            let name = user_code::description(|| arm.estimator.describe());
            if seen.insert(name.clone()) {
                names.push(name);
            }
        }
        match &names[..] {
            [first, .., last] if names.len() > MOST_NAMED => {
                format!("{} estimators, from {first} to {last}", names.len())
            }
            _ => names.join("; "),
        }
    }
}
