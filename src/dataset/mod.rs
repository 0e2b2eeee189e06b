//! Sources of features and targets: embedded tables, files, synthetic teachers.
//!
//! | from | by |
//! |---|---|
//! | arrays | [`Dataset::new`] |
//! | a CSV file | [`Dataset::read_csv`], with [`CsvOptions`] |
//! | `NumPy`'s files | [`npy`], [`npz`] |
//! | images in MNIST's format | [`idx`] |
//! | classes, with label noise of every kind | [`Labelled`] |
//! | the embedded diabetes table | [`Dataset::diabetes`] |
//! | a linear teacher | [`StudentTeacher`] |
//! | more rows than memory holds | [`RowStream`]: [`NpyRows`], [`GaussianRows`] |
//!
//! # Examples
//! ```
//! use double_descent::dataset::{CsvOptions, Dataset};
//!
//! let text = "rooms,town,price\n3,Ulm,210\n5,Bonn,380\n4,Ulm,260\n2,Bonn,190\n";
//! let options = CsvOptions::default().with_target("price").with_one_hot(["town"]);
//! let data = Dataset::parse_csv("houses", text.as_bytes(), &options)?;
//! assert_eq!(data.features().dim(), (4, 3)); // rooms, and a column of zeros and ones for each town
//! # Ok::<(), double_descent::Error>(())
//! ```

mod csv_table;
#[cfg(feature = "serde")]
mod deserialised;
mod diabetes;
mod files;
pub mod idx;
mod kind_of_file;
mod labelled;
pub mod npy;
pub mod npz;
mod prepare;
mod pseudorandom;
pub(crate) mod row_stream;
mod stored;
mod student_teacher;
mod target_noise;

pub use csv_table::{BlankCells, CsvOptions, Encoding, Header, UnnamedColumn};
pub use labelled::Labelled;
pub use npy::NpyRows;
pub use prepare::FitOn;
pub use row_stream::{Copied, GaussianRows, RowStream};
pub use student_teacher::StudentTeacher;

use crate::Error;
use ndarray::Array2;

/// Features (`N × p`) and targets (`N × k`) with their names.
///
/// Made from arrays ([`Dataset::new`]), a file ([`Dataset::read_csv`]), an embedded table ([`Dataset::diabetes`]), a
/// teacher ([`StudentTeacher::generate`]) or class labels ([`Labelled::dataset`]).
///
/// # Intercept and standardisation
/// Both are off unless asked for, as in Schaeffer et al. 2023.
///
/// [`Dataset::with_intercept`] appends a column of ones. It is a column like any other: `p` counts
/// it, so the interpolation threshold `n = p` moves up by one, and the minimum-norm solution counts
/// its coefficient in the norm, so for `n < p` it shrinks the intercept too.
/// (For an unpenalised intercept use [`Dataset::centre`] and [`Dataset::centre_targets`] on the training rows;
/// it moves the threshold the other way, to `p = n − 1`.)
///
/// [`Dataset::standardise`] changes which solution has minimum norm, and the singular values that an
/// absolute cutoff is compared with. For `n ≥ p` the fit itself stays the same.
///
/// # Examples
/// ```
/// use double_descent::dataset::Dataset;
///
/// let diabetes = Dataset::diabetes();
/// assert_eq!(diabetes.features().dim(), (442, 10));
/// assert_eq!(diabetes.with_intercept()?.features().ncols(), 11);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "deserialised::Fields")
)]
pub struct Dataset {
    name: String,
    features: Array2<f64>,
    targets: Array2<f64>,
    feature_names: Vec<String>,
    target_names: Vec<String>,
    preparation: Vec<String>,
}

impl Dataset {
    /// Creates a data set from features (`N × p`) and targets (`N × k`), named `x0, x1, …` and `y0, …`.
    ///
    /// # Errors
    /// [`Error::Empty`] for a table without rows or columns, [`Error::Shape`] if the numbers of rows differ,
    /// [`Error::NonFinite`] for NaN or an infinity.
    pub fn new(name: impl Into<String>, features: Array2<f64>, targets: Array2<f64>) -> Result<Self, Error> {
        let names = |letter: char, len| (0..len).map(|i| format!("{letter}{i}")).collect();
        let (feature_names, target_names) = (names('x', features.ncols()), names('y', targets.ncols()));
        Self::named(name.into(), features, targets, feature_names, target_names)
    }

    fn named(
        name: String,
        features: Array2<f64>,
        targets: Array2<f64>,
        feature_names: Vec<String>,
        target_names: Vec<String>,
    ) -> Result<Self, Error> {
        for (what, table) in [("features", &features), ("targets", &targets)] {
            if table.is_empty() {
                return Err(Error::Empty { what });
            }
            Error::check_finite(what, table.view())?;
        }
        Error::check_len("rows of the targets", features.nrows(), targets.nrows())?;
        Ok(Self { name, features, targets, feature_names, target_names, preparation: Vec::new() })
    }

    /// The name used in figures and folders.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The features, `N × p`.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// The targets, `N × k`.
    #[must_use]
    pub fn targets(&self) -> &Array2<f64> {
        &self.targets
    }

    /// One name per feature.
    #[must_use]
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// One name per target.
    #[must_use]
    pub fn target_names(&self) -> &[String] {
        &self.target_names
    }

    /// Number of rows, `N`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.nrows()
    }

    /// Always `false`: a data set has at least one row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
}
