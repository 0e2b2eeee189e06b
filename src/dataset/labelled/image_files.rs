//! Labelled images in IDX files and `.npz` archives: MNIST, Fashion-MNIST and similar data sets.

use super::array_file::{ArrayFile, Pair};
use super::image_folder::{in_archive, in_folder};
use super::{Labelled, check_classes};
use crate::Error;
use std::path::Path;

/// Pixels per image.
const PIXELS: usize = 28 * 28;
const CLASSES: usize = 10;

impl Labelled {
    /// Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)):
    /// grey images of 28 × 28 pixels in ten classes of clothing, 60,000 for training and 10,000 for testing.
    /// Reads four files in `folder`:
    ///
    /// ```text
    /// train-images-idx3-ubyte   train-labels-idx1-ubyte   t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
    /// ```
    ///
    /// with or without `.gz` at the end (with, if both exist), gzipped or not, and with a dot or a dash
    /// before `idx`. If a folder has such a name and no file next to it does, the file of that name inside the
    /// folder is read.
    ///
    /// # Errors
    /// [`Error::Io`] if a file is missing or cannot be read; [`Error::File`] as
    /// [`idx::read`](crate::dataset::idx::read) says, and if
    /// the numbers of labels and images differ, if images have another size, or if a label is over 9;
    /// [`Error::Resource`] if there is not enough memory.
    ///
    /// # Examples
    /// ```no_run
    /// use double_descent::dataset::Labelled;
    /// use std::path::Path;
    ///
    /// let (train, test) = Labelled::fashion_mnist(Path::new("data/fashion_mnist"))?;
    /// let train = train.subset(4000, 0)?.with_label_noise(0.2, 0)?;
    /// assert_eq!(train.inputs()?.dim(), (4000, 784));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn fashion_mnist(folder: impl AsRef<Path>) -> Result<(Self, Self), Error> {
        let folder = folder.as_ref();
        of_mnist("Fashion-MNIST", folder)
    }

    /// MNIST (`LeCun`, Cortes and Burges 1998): grey images of 28 × 28 pixels of the digits 0 to 9, 60,000 for
    /// training and 10,000 for testing. Reads the four files that [`Labelled::fashion_mnist`] names.
    ///
    /// # Errors
    /// As [`Labelled::fashion_mnist`].
    pub fn mnist(folder: impl AsRef<Path>) -> Result<(Self, Self), Error> {
        let folder = folder.as_ref();
        of_mnist("MNIST", folder)
    }

    /// Reads labelled images for training and for testing, from a folder of IDX files of unsigned bytes or from `.npz`
    /// archives, of any size and any number of classes. The name of the test set ends in `-test`. `path` is one of
    ///
    /// - a folder with the files of MNIST, Fashion-MNIST or KMNIST (`train-images-idx3-ubyte`, …, with `t10k` or
    ///   `test`), or of one EMNIST data set (`emnist-letters-train-images-idx3-ubyte`, …), named as
    ///   [`Labelled::fashion_mnist`] says, or with KMNIST's archives (`kmnist-train-imgs.npz`, …);
    /// - such a folder and the common prefix of the file names, if it holds several data sets: `emnist/emnist-letters`;
    /// - an archive with the names of Keras (`x_train`, `y_train`, `x_test`, `y_test`) or of `MedMNIST`
    ///   (`train_images`, `train_labels`, `test_images`, `test_labels`); validation rows are ignored;
    ///   read them with [`Labelled::read_npz`].
    ///
    /// Inputs of unsigned bytes are pixels, which are divided by 255; others are read unchanged. The number of classes
    /// is the largest label plus one: EMNIST's letters have labels 1 to 26, and so 27 classes, of
    /// which the first has no rows.
    ///
    /// # Errors
    /// [`Error::Io`] if a file is missing or cannot be read, or if the folder holds several data sets (the error
    /// lists them); [`Error::File`] as [`idx`](crate::dataset::idx) and [`npz`](crate::dataset::npz) say, if the
    /// numbers of labels and images differ, or if test images have another size; [`Error::Domain`] for more
    /// than 65,536 classes; [`Error::Resource`] if there is not enough memory.
    ///
    /// # Examples
    /// ```no_run
    /// use double_descent::dataset::Labelled;
    /// use std::path::Path;
    ///
    /// let (train, test) = Labelled::train_and_test("letters", Path::new("data/emnist/emnist-letters"))?;
    /// let (train, test) = Labelled::train_and_test("blood", Path::new("data/bloodmnist.npz"))?;
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn train_and_test(name: impl Into<String>, path: impl AsRef<Path>) -> Result<(Self, Self), Error> {
        let path = path.as_ref();
        let (name, set) = (name.into(), path.file_name().and_then(|set| set.to_str()));
        let pairs = match (path.parent(), set) {
            _ if path.is_dir() => in_folder(path, None),
            _ if path.exists() => in_archive(path),
            (Some(folder), Some(set)) if folder.as_os_str().is_empty() => {
                in_folder(Path::new("."), Some(set))
            }
            (Some(folder), Some(set)) if folder.is_dir() => in_folder(folder, Some(set)),
            _ => in_folder(path, None), // for the system's error message
        }?;
        read_both(&name, &pairs, None)
    }

    /// Reads inputs and labels from two arrays of an `.npz` archive. Inputs of unsigned bytes are pixels, which are
    /// divided by 255; others are read unchanged. Images (`N × h × w`) have `hw` inputs.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::File`] as [`npz::read`](crate::dataset::npz::read) and
    /// [`npz::read_labels`](crate::dataset::npz::read_labels) say, if the numbers of labels and inputs differ, or if a
    /// label is not below `classes`; [`Error::Domain`] for 0 or more than 65,536 classes; [`Error::Resource`] if there
    /// is not enough memory.
    ///
    /// # Examples
    /// ```no_run
    /// use double_descent::dataset::Labelled;
    /// use std::path::Path;
    ///
    /// let archive = Path::new("bloodmnist.npz");
    /// let validation = Labelled::read_npz("blood", archive, "val_images", "val_labels", 8)?;
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn read_npz(
        name: impl Into<String>,
        archive: impl AsRef<Path>,
        inputs: &str,
        labels: &str,
        classes: usize,
    ) -> Result<Self, Error> {
        let archive = archive.as_ref();
        let place = |array: &str| ArrayFile::Npz(archive.into(), array.into());
        read(name.into(), &Pair { inputs: place(inputs), labels: place(labels) }, classes)
    }

    /// Reads images and labels from two IDX files of bytes, of any size and any number of classes. The inputs are
    /// the pixels divided by 255.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read; [`Error::File`] as [`idx::read_bytes`](crate::dataset::idx::read_bytes)
    /// and [`idx::read_labels`](crate::dataset::idx::read_labels) say, if the numbers of labels and images differ, or
    /// if a label is not below `classes`; [`Error::Domain`] for 0 or more than 65,536 classes; [`Error::Resource`] if
    /// there is not enough memory.
    pub fn read_idx(
        name: impl Into<String>,
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        classes: usize,
    ) -> Result<Self, Error> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        let pair = Pair { inputs: ArrayFile::Idx(images.into()), labels: ArrayFile::Idx(labels.into()) };
        read(name.into(), &pair, classes)
    }
}

fn read(name: String, pair: &Pair, classes: usize) -> Result<Labelled, Error> {
    check_classes(classes)?;
    pair.labelled(name, pair.read()?, classes)
}

fn of_mnist(name: &str, folder: &Path) -> Result<(Labelled, Labelled), Error> {
    let pairs = in_folder(folder, Some(""))?;
    let both = read_both(name, &pairs, Some(CLASSES))?;
    for (data, pair) in [&both.0, &both.1].into_iter().zip(&pairs) {
        let found = data.inputs.dim().1;
        if found != PIXELS {
            let reason = format!("holds {found} pixels per image; 28 × 28 are needed");
            return Err(pair.inputs.refuse(reason));
        }
    }
    Ok(both)
}

/// Reads both parts. Without `classes`, their number is counted over both.
fn read_both(name: &str, pairs: &[Pair; 2], classes: Option<usize>) -> Result<(Labelled, Labelled), Error> {
    let [train, test] = pairs;
    let (rows, test_rows) = (train.read()?, test.read()?);
    let (columns, test_columns) = (rows.0.dim().1, test_rows.0.dim().1);
    if classes.is_none() && columns != test_columns {
        let reason = format!(
            "holds {test_columns} values per row, but training rows hold {columns}; take both from one data set"
        );
        return Err(test.inputs.refuse(reason));
    }
    let largest = rows.1.iter().chain(&test_rows.1).max().copied().unwrap_or(0);
    let classes = classes.unwrap_or(largest.saturating_add(1));
    let train = train.labelled(name.into(), rows, classes)?;
    Ok((train, test.labelled(format!("{name}-test"), test_rows, classes)?))
}
