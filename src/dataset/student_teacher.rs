//! A linear teacher that uses more features than its student sees.

use super::Dataset;
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, Axis, Slice};
use rand_mt::Mt;

/// Gaussian inputs, a linear teacher on all `true_features`, and a student that sees only the first
/// `seen_features`: the unseen part is its residual.
///
/// ```text
/// x̄ ~ N(0, I),   β ~ N(0, I),   y = x̄·β + noise · ε,   x = first seen_features entries of x̄
/// ```
///
/// The stream of random numbers is that of `NumPy`'s legacy generator (Mersenne Twister, polar normal
/// deviates), drawn in the order X̄ (row by row), β, ε. So the default with seed 0 is the table of the
/// published study (Schaeffer et al. 2023), up to the rounding of the sum `x̄·β`.
///
/// # Examples
/// ```
/// use double_descent::dataset::StudentTeacher;
///
/// let data = StudentTeacher::new(0).generate()?;
/// assert_eq!(data.features().dim(), (1000, 20));
/// assert_eq!(data.features()[[0, 0]], 1.764052345967664);
///
/// let noisy = StudentTeacher { rows: 50, noise: 0.5, ..StudentTeacher::new(7) }.generate()?;
/// assert_eq!(noisy.len(), 50);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct StudentTeacher {
    /// Number of rows, `N`.
    pub rows: usize,
    /// Features that the teacher uses.
    pub true_features: usize,
    /// How many of the first features the student sees; at most `true_features`.
    pub seen_features: usize,
    /// Standard deviation of the label noise.
    pub noise: f64,
    /// The seed.
    pub seed: u32,
}

impl StudentTeacher {
    /// The published setting: 1000 rows, 30 true features, 20 of them seen, no label noise.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { rows: 1000, true_features: 30, seen_features: 20, noise: 0.0, seed }
    }

    /// Draws the data set.
    ///
    /// # Errors
    /// [`Error::Domain`] if a count is 0, or the noise negative or not finite; [`Error::TooLarge`] if more features are
    /// seen than exist; [`Error::Memory`].
    pub fn generate(&self) -> Result<Dataset, Error> {
        self.check()?;
        let mut normal = LegacyNormal { generator: Mt::new(self.seed), spare: None };
        let inputs = Array2::from_shape_simple_fn((self.rows, self.true_features), || normal.draw());
        let teacher = self.draw_teacher(&mut normal);
        let mut targets = inputs.dot(&teacher);
        targets.mapv_inplace(|y| if self.noise > 0.0 { y + self.noise * normal.draw() } else { y });
        let first = Slice::from(..self.seen_features);
        let seen = inputs.slice_axis(Axis(1), first).as_standard_layout().into_owned();
        Dataset::new("student-teacher", seen, targets.insert_axis(Axis(1)))
    }

    /// Checks the settings, and that the tables fit into memory.
    fn check(&self) -> Result<(), Error> {
        let domain = |what, value, must_be| Err(Error::Domain { what, value, must_be });
        if self.rows == 0 {
            return domain("the number of rows", 0.0, "at least 1");
        }
        let what = "the number of seen features";
        if self.seen_features == 0 {
            return domain(what, 0.0, "at least 1");
        }
        if self.seen_features > self.true_features {
            let limit = "the number of true features";
            return Err(Error::TooLarge { what, found: self.seen_features, most: self.true_features, limit });
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            return domain("the noise", self.noise, "finite and ≥ 0");
        }
        let inputs = table(self.rows, self.true_features);
        let seen = table(self.rows, self.seen_features.saturating_add(1));
        reserve("a student-teacher table", sum([inputs, seen, table(self.true_features, 1)]))
    }

    /// Returns the teacher `β` of [`StudentTeacher::generate`], with all [`StudentTeacher::true_features`] entries, as
    /// theory needs it.
    ///
    /// # Errors
    /// Those of [`StudentTeacher::generate`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::StudentTeacher;
    ///
    /// let blind = StudentTeacher { seen_features: 2, true_features: 2, ..StudentTeacher::new(5) };
    /// let (data, beta) = (blind.generate()?, blind.teacher()?);
    /// let targets = data.features().dot(&beta);
    /// assert!((&targets - &data.targets().column(0)).iter().all(|d| d.abs() < 1e-14));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn teacher(&self) -> Result<Array1<f64>, Error> {
        self.check()?;
        let mut normal = LegacyNormal { generator: Mt::new(self.seed), spare: None };
        for _ in 0..self.rows.saturating_mul(self.true_features) {
            normal.draw();
        }
        Ok(self.draw_teacher(&mut normal))
    }

    fn draw_teacher(&self, normal: &mut LegacyNormal) -> Array1<f64> {
        Array1::from_shape_simple_fn(self.true_features, || normal.draw())
    }
}

/// `NumPy`'s legacy normal deviates: 53-bit uniforms of the Mersenne Twister, then Marsaglia's polar
/// method, which keeps the second deviate of a pair for the next call.
struct LegacyNormal {
    generator: Mt,
    spare: Option<f64>,
}

impl LegacyNormal {
    fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x1, x2) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let factor = (-2.0 * r2.ln() / r2).sqrt();
                self.spare = Some(factor * x1);
                return factor * x2;
            }
        }
    }

    fn uniform(&mut self) -> f64 {
        let (high, low) = (self.generator.next_u32() >> 5, self.generator.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }
}
