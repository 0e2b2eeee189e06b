//! Inputs with class labels.

mod array_file;
mod image_files;
mod image_folder;
mod inputs;
mod labels;
mod noise;

use super::Dataset;
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::rng::{shuffle_front, stream};
use inputs::Inputs;
use ndarray::Array2;
use std::sync::Arc;

/// Inputs (`N × d`) with one class label each, for classification by least squares on one-hot targets.
///
/// Made from arrays ([`Labelled::new`], [`Labelled::from_pixels`]) or files ([`Labelled::train_and_test`],
/// [`Labelled::mnist`], [`Labelled::read_npz`], [`Labelled::read_idx`]).
///
/// Adding label noise or input noise and taking a subset return a new value, each determined by a seed. The clean
/// labels are kept ([`Labelled::clean_labels`]), so that a test error can be reported on both. Pixels remain bytes
/// until [`Labelled::inputs`] converts them, so a subset of 60,000 images never needs all of them as floats;
/// clones share the inputs.
///
/// # Examples
/// ```
/// use double_descent::dataset::Labelled;
/// use ndarray::array;
///
/// let inputs = array![[0.0, 0.1], [1.0, 0.9], [0.2, 0.0], [0.8, 1.0]];
/// let data = Labelled::new("corners", inputs, vec![0, 1, 0, 1], 2)?;
/// assert_eq!(data.one_hot()?.row(1).to_vec(), [0.0, 1.0]);
///
/// let noisy = data.with_label_noise(0.25, 7)?;
/// assert_eq!(noisy.clean_labels(), data.labels());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    name: String,
    inputs: Arc<Inputs>,
    labels: Vec<usize>,
    clean_labels: Vec<usize>,
    classes: usize,
}

/// For comparison: ImageNet-21k has 21,841.
const MOST_CLASSES: usize = 1 << 16;

/// Random streams that no sweep uses: no axis is that long.
const STREAMS: usize = u32::MAX as usize;
const SUBSET: usize = 0;
const LABEL_NOISE: usize = 1;
const INPUT_NOISE: usize = 2;

impl Labelled {
    /// Creates a data set of inputs (`N × d`), each with a label below `classes`.
    ///
    /// # Errors
    /// [`Error::Empty`] without inputs; [`Error::Shape`] if the numbers of labels and inputs differ;
    /// [`Error::NonFinite`] for NaN or an infinity; [`Error::Domain`] for a label that is not below `classes`, and for
    /// 0 or more than 65,536 classes.
    pub fn new(
        name: impl Into<String>,
        inputs: Array2<f64>,
        labels: Vec<usize>,
        classes: usize,
    ) -> Result<Self, Error> {
        Error::check_finite("the inputs", inputs.view())?;
        Self::from_inputs(name.into(), Inputs::Values(inputs), labels, classes)
    }

    /// Creates a data set of images (`N × d` pixels), each with a label below `classes`. The inputs are the pixels
    /// divided by 255.
    ///
    /// # Errors
    /// As [`Labelled::new`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Labelled;
    /// use ndarray::array;
    ///
    /// let data = Labelled::from_pixels("dots", array![[0_u8, 255], [51, 0]], vec![2, 0], 3)?;
    /// assert_eq!(data.inputs()?, &array![[0.0, 1.0], [0.2, 0.0]]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn from_pixels(
        name: impl Into<String>,
        pixels: Array2<u8>,
        labels: Vec<usize>,
        classes: usize,
    ) -> Result<Self, Error> {
        Self::from_inputs(name.into(), Inputs::pixels(pixels), labels, classes)
    }

    fn from_inputs(name: String, inputs: Inputs, labels: Vec<usize>, classes: usize) -> Result<Self, Error> {
        let (rows, columns) = inputs.dim();
        if rows == 0 || columns == 0 {
            return Err(Error::Empty { what: "the table of inputs" });
        }
        Error::check_len("labels, one a row of the inputs", rows, labels.len())?;
        check_classes(classes)?;
        if let Some(&label) = labels.iter().find(|label| **label >= classes) {
            let must_be = "below the number of classes";
            return Err(Error::Domain { what: "a label", value: label as f64, must_be });
        }
        Ok(Self { name, inputs: Arc::new(inputs), clean_labels: labels.clone(), labels, classes })
    }

    /// The name used in figures and folders.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inputs, `N × d`. Pixels are converted at the first call, and the values kept.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is no room for them.
    pub fn inputs(&self) -> Result<&Array2<f64>, Error> {
        self.inputs.values()
    }

    /// The labels, including label noise; `N`.
    #[must_use]
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The labels before any label noise; `N`.
    #[must_use]
    pub fn clean_labels(&self) -> &[usize] {
        &self.clean_labels
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows, `N`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always `false`: there is at least one row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Returns one-hot targets, `N × classes`: 1 in the column of the row's label, 0 elsewhere.
    ///
    /// # Errors
    /// [`Error::Memory`] if the targets do not fit into memory.
    pub fn one_hot(&self) -> Result<Array2<f64>, Error> {
        let mut targets = crate::machine::memory::zeros("one-hot targets", self.len(), self.classes)?;
        for (mut row, &label) in targets.rows_mut().into_iter().zip(&self.labels) {
            row[label] = 1.0;
        }
        Ok(targets)
    }

    /// Returns a data set with the inputs as features and the one-hot labels as targets.
    ///
    /// # Errors
    /// As [`Dataset::new`]; [`Error::Memory`].
    pub fn dataset(&self) -> Result<Dataset, Error> {
        let (rows, columns) = self.inputs.dim();
        let needed = [table(rows, columns), table(rows, self.classes)];
        reserve("a table of inputs and one-hot targets", sum(needed))?;
        Dataset::new(self.name.as_str(), self.inputs.to_values(), self.one_hot()?)
    }

    /// Returns `n` random rows: the first of a random order of all rows, not stratified by label. Subsets of
    /// one seed are nested: a smaller one is the first rows of a larger one.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n = 0`, [`Error::TooLarge`] for `n > N`.
    ///
    /// # Examples
    /// ```
    /// # use double_descent::dataset::Labelled;
    /// # use ndarray::Array2;
    /// # let inputs = Array2::from_shape_fn((100, 3), |(i, j)| (i * 3 + j) as f64);
    /// # let data = Labelled::new("counts", inputs, (0..100).map(|i| i % 10).collect(), 10)?;
    /// let (small, large) = (data.subset(20, 0)?, data.subset(50, 0)?);
    /// assert_eq!(small.labels(), &large.labels()[..20]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn subset(&self, n: usize, seed: u64) -> Result<Self, Error> {
        let what = "the number of rows of a subset";
        if n == 0 {
            return Err(Error::Domain { what, value: 0.0, must_be: "at least 1" });
        }
        if n > self.len() {
            return Err(Error::TooLarge { what, found: n, most: self.len(), limit: "the number of rows" });
        }
        let mut rows: Vec<usize> = (0..self.len()).collect();
        shuffle_front(&mut stream(seed, STREAMS, SUBSET), &mut rows, n);
        rows.truncate(n);
        let pick = |labels: &[usize]| rows.iter().map(|&row| labels[row]).collect();
        Ok(Self {
            name: self.name.clone(),
            inputs: Arc::new(self.inputs.rows(&rows)),
            labels: pick(&self.labels),
            clean_labels: pick(&self.clean_labels),
            classes: self.classes,
        })
    }
}

fn check_classes(classes: usize) -> Result<(), Error> {
    if (1..=MOST_CLASSES).contains(&classes) {
        return Ok(());
    }
    let must_be = "at least 1 and at most 65,536";
    Err(Error::Domain { what: "the number of classes", value: classes as f64, must_be })
}
