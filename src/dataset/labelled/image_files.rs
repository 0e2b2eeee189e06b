//! Images with labels in pairs of IDX files: MNIST, Fashion-MNIST and their kin.

use super::{Labelled, check_classes};
use crate::Error;
use crate::dataset::idx;
use std::fs;
use std::path::{Path, PathBuf};

/// Pixels of an image.
const PIXELS: usize = 28 * 28;
const CLASSES: usize = 10;

impl Labelled {
    /// Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)):
    /// grey images of 28 × 28 pixels in ten classes of clothing, 60,000 to train on and 10,000 to test on;
    /// from four files in `folder`:
    ///
    /// ```text
    /// train-images-idx3-ubyte   train-labels-idx1-ubyte   t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
    /// ```
    ///
    /// with `.gz` at the end or without (if both are there, with), packed or not, and with a dot or a dash
    /// before `idx`.
    ///
    /// # Errors
    /// [`Error::Io`] if a file is missing or cannot be read; [`Error::File`] as [`idx::read`] says, and if
    /// there are more labels than images, or fewer, if images are of another size, or if a label is over 9.
    ///
    /// # Examples
    /// ```no_run
    /// use double_descent::dataset::Labelled;
    /// use std::path::Path;
    ///
    /// let (train, test) = Labelled::fashion_mnist(Path::new("data/fashion_mnist"))?;
    /// let train = train.subset(4000, 0)?.with_label_noise(0.2, 0)?;
    /// assert_eq!(train.inputs().dim(), (4000, 784));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn fashion_mnist(folder: &Path) -> Result<(Self, Self), Error> {
        train_and_test("fashion-mnist", folder)
    }

    /// MNIST (`LeCun`, Cortes and Burges 1998): grey images of 28 × 28 pixels of the digits 0 to 9, 60,000 to
    /// train on and 10,000 to test on; from the four files that [`Labelled::fashion_mnist`] names.
    ///
    /// # Errors
    /// As [`Labelled::fashion_mnist`].
    pub fn mnist(folder: &Path) -> Result<(Self, Self), Error> {
        train_and_test("mnist", folder)
    }

    /// Images and labels from two IDX files of bytes, of any size and any number of classes. The inputs are
    /// the pixels divided by 255.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read; [`Error::File`] as [`idx::read_bytes`] and
    /// [`idx::read_labels`] say, if there are more labels than images, or fewer, or if a label is no class;
    /// [`Error::Domain`] for no classes and for more than 65,536 of them.
    pub fn read_idx(
        name: impl Into<String>,
        images: &Path,
        labels: &Path,
        classes: usize,
    ) -> Result<Self, Error> {
        check_classes(classes)?;
        let (pixels, rows_labels) = (idx::read_bytes(images)?, idx::read_labels(labels)?);
        let refuse = |reason| Err(Error::File { path: labels.into(), line: None, column: None, reason });
        if rows_labels.len() != pixels.nrows() {
            return refuse(format!(
                "holds {} labels where {} holds {} images; take both from one data set",
                rows_labels.len(),
                images.display(),
                pixels.nrows()
            ));
        }
        if let Some(row) = rows_labels.iter().position(|label| *label >= classes) {
            return refuse(format!(
                "holds the label {} at row {row} (counted from 0); labels of {classes} classes count from 0",
                rows_labels[row]
            ));
        }
        Self::from_pixels(name, pixels, rows_labels, classes)
    }
}

fn train_and_test(name: &str, folder: &Path) -> Result<(Labelled, Labelled), Error> {
    let read = |name: &str, part: &str| {
        let images = find(folder, &format!("{part}-images"), "idx3-ubyte")?;
        let labels = find(folder, &format!("{part}-labels"), "idx1-ubyte")?;
        let data = Labelled::read_idx(name, &images, &labels, CLASSES)?;
        let found = data.inputs.dim().1;
        if found != PIXELS {
            let reason = format!("holds {found} pixels an image where 28 × 28 are needed");
            return Err(Error::File { path: images, line: None, column: None, reason });
        }
        Ok(data)
    };
    Ok((read(name, "train")?, read(&format!("{name}-test"), "t10k")?))
}

/// The file by one of its usual names.
fn find(folder: &Path, what: &str, kind: &str) -> Result<PathBuf, Error> {
    fs::read_dir(folder).map_err(|e| Error::io(folder, &e))?;
    let names = ["-", "."].map(|joint| format!("{what}{joint}{kind}"));
    let names = [".gz", ""].map(|end| names.clone().map(|name| name + end)).concat();
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.exists());
    found.ok_or_else(|| Error::Io {
        path: folder.into(),
        reason: format!("no file of these names is in this folder: {}", names.join(", ")),
    })
}
