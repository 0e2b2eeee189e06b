//! The diabetes table of Efron, Hastie, Johnstone & Tibshirani (2004), embedded.

use super::{CsvOptions, Dataset};
use ndarray::Array2;

/// scikit-learn's scaled table: 442 rows, ten features and the target as the last column.
const TABLE: &str = include_str!("diabetes.csv");

impl Dataset {
    /// Diabetes progression: 442 patients, 10 features (age, sex, body mass index, blood pressure,
    /// six blood serum values), each centred with sum of squares 1, as scikit-learn's
    /// `load_diabetes()` gives them; the target is disease progression after one year, 25 to 346.
    ///
    /// Efron, Hastie, Johnstone & Tibshirani, *Least Angle Regression*, Annals of Statistics 32
    /// (2004).
    ///
    /// # Examples
    /// ```
    /// let diabetes = double_descent::dataset::Dataset::diabetes();
    /// assert_eq!(diabetes.feature_names()[2], "bmi");
    /// assert_eq!(diabetes.targets()[[0, 0]], 151.0);
    /// ```
    #[must_use]
    pub fn diabetes() -> Self {
        let parsed = Self::parse_csv("diabetes", TABLE.as_bytes(), &CsvOptions::default());
        // The table is embedded and tested, so this cannot fail; a fallback avoids a panic anyway.
        parsed.unwrap_or_else(|_| Self {
            name: "diabetes".into(),
            features: Array2::zeros((1, 1)),
            targets: Array2::zeros((1, 1)),
            feature_names: vec!["x0".into()],
            target_names: vec!["y0".into()],
            preparation: Vec::new(),
        })
    }
}
