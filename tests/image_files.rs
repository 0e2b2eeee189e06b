//! Fashion-MNIST and its kin: the published numbers, every usual name of a file, and files that do not belong
//! together.

#![allow(clippy::cast_possible_truncation)] // small whole numbers

mod common;

use common::files::{gzip, idx as idx_file, refused};
use common::program::Folder;
use double_descent::Error;
use double_descent::dataset::{Labelled, idx};
use ndarray::Array2;
use std::fs;

/// Sizes, label counts and the sums of all pixels and of their squares.
#[test]
fn fashion_mnist_is_what_was_published() {
    let Some(data) = common::data_folder("fashion_mnist_is_what_was_published") else { return };
    let folder = data.join("fashion_mnist");
    let (train, test) = Labelled::fashion_mnist(&folder).unwrap();
    assert_eq!((train.name(), test.name()), ("fashion-mnist", "fashion-mnist-test"));
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
        let pixels = idx::read_bytes(&folder.join(format!("{file}-images-idx3-ubyte.gz"))).unwrap();
        let bytes = || pixels.iter().map(|&pixel| u64::from(pixel));
        assert_eq!((bytes().sum::<u64>(), bytes().map(|v| v * v).sum::<u64>()), (sum, squares));
        if file == "t10k" {
            assert_eq!(part.inputs(), &pixels.mapv(|pixel| f64::from(pixel) / 255.0));
        } else {
            // Mean and deviation as they are commonly given.
            let (mean, square) = (sum as f64 / pixels.len() as f64, squares as f64 / pixels.len() as f64);
            assert!((mean / 255.0 - 0.2860).abs() < 5e-5);
            assert!(((square - mean * mean).sqrt() / 255.0 - 0.3530).abs() < 5e-5);
        }
    }
    let subset = train.subset(500, 3).unwrap();
    assert_eq!(subset.inputs().dim(), (500, 784));
    assert!(subset.inputs().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
}

/// `n` images, all of them as bright as their label.
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
        assert_eq!((train.name(), test.name()), ("mnist", "mnist-test"));
        assert_eq!((train.len(), test.len()), (30, 20));
        let expected = Array2::from_shape_fn((20, 784), |(i, _)| (i % 10) as f64 / 255.0);
        assert_eq!(test.inputs(), &expected);
        assert_eq!(test.labels()[8..12], [8, 9, 0, 1]);
    }
}

#[test]
fn files_that_do_not_belong_together() {
    let folder = Folder::new("images-bad");
    let found = Labelled::fashion_mnist(&folder.0.join("nowhere")).unwrap_err();
    assert!(matches!(&found, Error::Io { path, .. } if path.ends_with("nowhere")), "{found:?}");
    let write = |file: &str, bytes: &[u8]| fs::write(folder.0.join(file), bytes).unwrap();
    // A folder of labels without images.
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
    // One in place of the other.
    write("train-labels-idx1-ubyte", &images(30, 28));
    refused(Labelled::fashion_mnist(&folder.0), &path, &["784 values a row"]);
    write("train-labels-idx1-ubyte", &labels(30));
    for (bytes, says) in [
        (labels(30), "1 pixels an image where 28 × 28"),
        (images(30, 32), "1024 pixels an image where 28 × 28"),
        (idx_file(0x0d, &[30, 1], &[0; 120]), "no unsigned bytes"),
        (b"<html>".to_vec(), "web page"),
    ] {
        write("train-images-idx3-ubyte", &bytes);
        refused(Labelled::fashion_mnist(&folder.0), &images_path, &[says]);
    }
}
