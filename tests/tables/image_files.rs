//! Fashion-MNIST and similar data sets: the published statistics, every usual file name, and files that do not belong
//! together.

#![allow(clippy::cast_possible_truncation)] // small whole numbers

use crate::common::files::{dictionary, gzip, idx as idx_file, npy as npy_file, npz as npz_file, refused};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::{Labelled, idx, npz};
use ndarray::{Array2, array};
use std::fs;

/// Sizes, label counts, and the sums of all pixels and of their squares.
#[test]
fn fashion_mnist_is_what_was_published() {
    let Some(data) = crate::common::data_folder("fashion_mnist_is_what_was_published") else { return };
    let folder = data.join("fashion_mnist");
    let (train, test) = Labelled::fashion_mnist(&folder).unwrap();
    assert_eq!((train.name(), test.name()), ("Fashion-MNIST", "Fashion-MNIST-test"));
    assert_eq!(train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    for (part, file, rows, sum, squares) in [
        (&train, "train", 60_000, 3_431_114_169, 631_470_052_347),
        (&test, "t10k", 10_000, 573_469_082, 105_272_563_536),
    ] {
        assert_eq!((part.len(), part.classes()), (rows, 10));
        assert_eq!(part.clean_labels(), part.labels());
        let count = |class| part.labels().iter().filter(|label| **label == class).count();
        assert!((0..10).all(|class| count(class) == rows / 10));
        let pixels = idx::read_bytes(folder.join(format!("{file}-images-idx3-ubyte.gz"))).unwrap();
        let bytes = || pixels.iter().map(|&pixel| u64::from(pixel));
        assert_eq!((bytes().sum::<u64>(), bytes().map(|v| v * v).sum::<u64>()), (sum, squares));
        if file == "t10k" {
            assert_eq!(part.inputs().unwrap(), &pixels.mapv(|pixel| f64::from(pixel) / 255.0));
        } else {
            // The mean and standard deviation as they are commonly quoted.
            let (mean, square) = (sum as f64 / pixels.len() as f64, squares as f64 / pixels.len() as f64);
            assert!((mean / 255.0 - 0.2860).abs() < 5e-5);
            assert!(((square - mean * mean).sqrt() / 255.0 - 0.3530).abs() < 5e-5);
        }
    }
    let subset = train.subset(500, 3).unwrap();
    assert_eq!(subset.inputs().unwrap().dim(), (500, 784));
    assert!(subset.inputs().unwrap().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
}

/// `n` images, each with all pixels equal to its label.
fn images(n: usize, size: u32) -> Vec<u8> {
    let pixels = (size * size) as usize;
    let data: Vec<u8> = (0..n).flat_map(|i| vec![(i % 10) as u8; pixels]).collect();
    idx_file(0x08, &[u32::try_from(n).unwrap(), size, size], &data)
}

fn labels(n: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
    idx_file(0x08, &[u32::try_from(n).unwrap()], &data)
}

#[test]
fn files_by_their_usual_names() {
    for (joint, end, packed) in [
        ("-", ".gz", true),
        ("-", "", false),
        (".", "", false),
        (".", ".gz", true),
        ("-", ".gz", false),
        ("-", "", true),
    ] {
        let folder = Folder::new("images-names");
        for (part, n) in [("train", 30), ("t10k", 20)] {
            for (what, bytes) in [("images", images(n, 28)), ("labels", labels(n))] {
                let axes = if what == "images" { 3 } else { 1 };
                let bytes = if packed { gzip(&bytes) } else { bytes };
                folder.file(&format!("{part}-{what}{joint}idx{axes}-ubyte{end}"), bytes);
            }
        }
        let (train, test) = Labelled::mnist(&folder.0).unwrap();
        assert_eq!((train.name(), test.name()), ("MNIST", "MNIST-test"));
        assert_eq!((train.len(), test.len()), (30, 20));
        let expected = Array2::from_shape_fn((20, 784), |(i, _)| (i % 10) as f64 / 255.0);
        assert_eq!(test.inputs().unwrap(), &expected);
        assert_eq!(test.labels()[8..12], [8, 9, 0, 1]);
    }
}

#[test]
fn files_that_do_not_belong_together() {
    let folder = Folder::new("images-bad");
    let found = Labelled::fashion_mnist(folder.0.join("nowhere")).unwrap_err();
    assert!(matches!(&found, Error::Io { path, .. } if path.ends_with("nowhere")), "{found:?}");
    let write = |file: &str, bytes: &[u8]| fs::write(folder.0.join(file), bytes).unwrap();
    // A folder with labels but no images.
    for (part, n) in [("train", 30), ("t10k", 20)] {
        write(&format!("{part}-labels-idx1-ubyte"), &labels(n));
    }
    let found = Labelled::fashion_mnist(&folder.0).unwrap_err();
    assert!(matches!(&found, Error::Io { path, .. } if *path == folder.0), "{found:?}");
    assert!(found.to_string().contains("train-images-idx3-ubyte.gz, train-images.idx3-ubyte.gz"), "{found}");
    write("train-images-idx3-ubyte", &images(30, 28));
    let found = Labelled::fashion_mnist(&folder.0).unwrap_err();
    assert!(found.to_string().contains("t10k-images-idx3-ubyte"), "{found}");
    write("t10k-images-idx3-ubyte", &images(20, 28));
    assert!(Labelled::fashion_mnist(&folder.0).is_ok());

    let path = folder.0.join("train-labels-idx1-ubyte");
    let images_path = folder.0.join("train-images-idx3-ubyte");
    for n in [29, 31] {
        write("train-labels-idx1-ubyte", &labels(n));
        let says = [&format!("{n} labels"), "train-images-idx3-ubyte", "30 images"];
        refused(Labelled::fashion_mnist(&folder.0), &path, &says);
    }
    let mut bytes = labels(30);
    bytes[8 + 17] = 10;
    write("train-labels-idx1-ubyte", &bytes);
    refused(Labelled::fashion_mnist(&folder.0), &path, &["the label 10 at row 17", "10 classes"]);
    assert_eq!(Labelled::read_idx("x", &images_path, &path, 11).unwrap().labels()[17], 10);
    for classes in [0, 65_537, usize::MAX] {
        let found = Labelled::read_idx("x", &images_path, &path, classes);
        assert!(matches!(found, Err(Error::Domain { .. })), "{found:?}");
    }
    // Images in place of labels.
    write("train-labels-idx1-ubyte", &images(30, 28));
    refused(Labelled::fashion_mnist(&folder.0), &path, &["784 values per row"]);
    write("train-labels-idx1-ubyte", &labels(30));
    for (bytes, says) in [
        (labels(30), "1 pixels per image; 28 × 28"),
        (images(30, 32), "1024 pixels per image; 28 × 28"),
        (idx_file(0x0d, &[30, 1], &[0; 120]), "not hold unsigned bytes"),
        (b"<html>".to_vec(), "an HTML page"),
    ] {
        write("train-images-idx3-ubyte", &bytes);
        refused(Labelled::fashion_mnist(&folder.0), &images_path, &[says]);
    }
}

/// A folder may have the same name as the file it contains; a file of that name next to the folder takes precedence.
#[test]
fn folders_named_like_their_files() {
    for beside in [true, false] {
        let folder = Folder::new("images-folders");
        for (part, n) in [("train", 3), ("t10k", 2)] {
            for (what, axes, bytes) in [("images", 3, images(n, 28)), ("labels", 1, labels(n))] {
                let name = format!("{part}-{what}-idx{axes}-ubyte");
                let inside = folder.0.join(&name);
                fs::create_dir(&inside).unwrap();
                // If there is a file next to the folder, the one inside is not read.
                fs::write(inside.join(&name), if beside { &b"not read"[..] } else { &bytes }).unwrap();
                if beside {
                    folder.file(&format!("{part}-{what}.idx{axes}-ubyte"), &bytes);
                }
            }
        }
        for (train, test) in
            [Labelled::mnist(&folder.0).unwrap(), Labelled::train_and_test("MNIST", &folder.0).unwrap()]
        {
            assert_eq!((train.labels(), test.labels()), (&[0, 1, 2][..], &[0, 1][..]));
            assert_eq!(train.inputs().unwrap().row(2).to_vec(), vec![2.0 / 255.0; 784]);
        }
    }
    // A folder without the file.
    let folder = Folder::new("images-no-files");
    fs::create_dir(folder.0.join("train-images-idx3-ubyte")).unwrap();
    let found = Labelled::mnist(&folder.0).unwrap_err().to_string();
    assert!(
        found.contains("no file of these names") && found.contains("train-images-idx3-ubyte.gz"),
        "{found}"
    );
}

/// EMNIST: several sets in one folder, `test` instead of `t10k`, letters labelled from 1.
#[test]
fn sets_by_the_start_of_their_names() {
    let folder = Folder::new("images-sets");
    for (set, first) in [("emnist-letters", 1), ("emnist-digits", 0)] {
        for (part, n) in [("train", 5), ("test", 2)] {
            let values: Vec<u8> = (0..n).map(|i| i + first).collect();
            let labels = idx_file(8, &[u32::from(n)], &values);
            folder.file(&format!("{set}-{part}-labels-idx1-ubyte.gz"), gzip(&labels));
            folder.file(&format!("{set}-{part}-images-idx3-ubyte"), images(n.into(), 4));
        }
    }
    folder.file("emnist-letters-mapping.txt", "1 65 97");
    let found = Labelled::train_and_test("x", &folder.0).unwrap_err().to_string();
    assert!(
        found.contains("several data sets are in this folder: emnist-digits, emnist-letters;"),
        "{found}"
    );
    let set = |set: &str| Labelled::train_and_test("letters", folder.0.join(set));
    let (train, test) = set("emnist-letters").unwrap();
    assert_eq!((train.name(), test.name()), ("letters", "letters-test"));
    assert_eq!((train.labels(), test.labels()), (&[1, 2, 3, 4, 5][..], &[1, 2][..]));
    // The number of classes is taken from both parts.
    assert_eq!((train.classes(), test.classes(), train.inputs().unwrap().dim()), (6, 6, (5, 16)));
    assert_eq!(set("emnist-digits").unwrap().0.classes(), 5);
    let found = set("emnist-byclass").unwrap_err().to_string();
    assert!(found.contains("emnist-byclass-train-images-idx3-ubyte.gz"), "{found}");
    // The two parts come from different data sets.
    folder.file("emnist-digits-test-images-idx3-ubyte", images(2, 5));
    let path = folder.0.join("emnist-digits-test-images-idx3-ubyte");
    refused(set("emnist-digits"), &path, &["25 values per row, but training rows hold 16"]);
    for nowhere in ["nowhere/at/all", "nowhere/emnist"] {
        assert!(matches!(set(nowhere), Err(Error::Io { .. })));
    }
}

/// A `.npy` file of unsigned bytes.
fn bytes_of(shape: &str, bytes: &[u8]) -> Vec<u8> {
    npy_file(1, &dictionary("|u1", "False", shape), bytes)
}

/// Archives from Keras and `MedMNIST` (labels with two axes, validation rows), and colour images.
#[test]
fn archives_by_their_usual_names() {
    let folder = Folder::new("images-archives");
    let (train, test) = ([0, 51, 255, 102, 3, 4, 5, 6], [9, 8, 7, 6]);
    for names in [
        ["x_train", "y_train", "x_test", "y_test", "z"],
        ["train_images", "train_labels", "test_images", "test_labels", "val_images"],
        ["X_train", "Y_train", "X_test", "Y_test", "x_val"],
    ] {
        for labels_shape in ["(2,)", "(2, 1)"] {
            let files = [
                bytes_of("(2, 1, 2, 2)", &train),
                bytes_of(labels_shape, &[0, 3]),
                bytes_of("(1, 1, 2, 2)", &test),
                bytes_of("(1,)", &[2]),
                bytes_of("(1,)", &[2]),
            ];
            let entries: Vec<_> = names.iter().copied().zip(&files).collect();
            let path = folder.0.join("x.npz");
            fs::write(&path, npz_file(&entries)).unwrap();
            let (train_set, test_set) = Labelled::train_and_test("x", &path).unwrap();
            assert_eq!((train_set.labels(), test_set.labels()), (&[0, 3][..], &[2][..]));
            assert_eq!((train_set.classes(), test_set.classes(), test_set.name()), (4, 4, "x-test"));
            assert_eq!(train_set.inputs().unwrap().row(0).to_vec(), [0.0, 0.2, 1.0, 0.4]);
            let one = Labelled::read_npz("x", &path, names[0], names[1], 4).unwrap();
            assert_eq!(one, train_set);
            let two = Labelled::read_npz("x", &path, names[0], names[1], 3);
            refused(two, &path, &[&format!("`{}`", names[1]), "the label 3 at row 1", "3 classes"]);
            let three = Labelled::read_npz("x", &path, names[0], names[3], 4);
            refused(three, &path, &["1 labels", "2 images"]);
            refused(Labelled::read_npz("x", &path, "none", names[1], 4), &path, &["no array named `none`"]);
            refused(Labelled::read_npz("x", &path, names[0], names[2], 4), &path, &["4 values per row"]);
            for classes in [0, 65_537, usize::MAX] {
                let found = Labelled::read_npz("x", &path, names[0], names[1], classes);
                assert!(matches!(found, Err(Error::Domain { .. })), "{found:?}");
            }
        }
    }
}

/// A training set without a test set (its three axes were once refused). Values that are not bytes are not rescaled.
#[test]
fn arrays_of_an_archive() {
    let folder = Folder::new("images-arrays");
    let path = folder.0.join("images.npz");
    fs::write(&path, include_bytes!("../faults/images.npz")).unwrap();
    let data = Labelled::read_npz("three", &path, "train_images", "train_labels", 1).unwrap();
    assert_eq!((data.inputs().unwrap(), data.labels()), (&Array2::zeros((3, 784)), &[0, 0, 0][..]));
    assert_eq!(npz::read(&path, "train_images").unwrap(), Array2::<f64>::zeros((3, 784)));
    assert_eq!(npz::read_bytes(&path, "train_images").unwrap(), Array2::<u8>::zeros((3, 784)));
    refused(
        Labelled::train_and_test("three", &path),
        &path,
        &["there are: train_images, train_labels", "read_npz"],
    );
    let values: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let values = npy_file(1, &dictionary("<f4", "False", "(2, 1)"), &values);
    fs::write(&path, npz_file(&[("a", &values), ("b", &bytes_of("(2,)", &[1, 0]))])).unwrap();
    let data = Labelled::read_npz("two", &path, "a", "b", 2).unwrap();
    assert_eq!(data.inputs().unwrap(), &array![[0.5], [-2.0]]);
}

/// KMNIST's archives, each holding one array.
#[test]
fn folders_of_archives() {
    let folder = Folder::new("images-kmnist");
    for (part, n) in [("train", 3), ("test", 2)] {
        let pixels: Vec<u8> = (0..n * 4).collect();
        let images = bytes_of(&format!("({n}, 2, 2)"), &pixels);
        folder.file(&format!("kmnist-{part}-imgs.npz"), npz_file(&[("arr_0", &images)]));
        let labels = bytes_of(&format!("({n},)"), &(0..n).collect::<Vec<_>>());
        folder.file(&format!("kmnist-{part}-labels.npz"), npz_file(&[("arr_0", &labels)]));
    }
    let (train, test) = Labelled::train_and_test("kmnist", &folder.0).unwrap();
    assert_eq!((train.labels(), test.labels()), (&[0, 1, 2][..], &[0, 1][..]));
    assert_eq!(train.inputs().unwrap().row(2).to_vec(), [8.0, 9.0, 10.0, 11.0].map(|v| v / 255.0));
    let path = folder.0.join("kmnist-test-imgs.npz");
    fs::write(&path, npz_file(&[])).unwrap();
    refused(Labelled::train_and_test("kmnist", &folder.0), &path, &["several arrays or none"]);
}
