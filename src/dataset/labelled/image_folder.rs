//! Finds the files of a folder, or the arrays of an archive, that hold training and test images and labels.

use super::array_file::{ArrayFile, Pair};
use crate::Error;
use crate::dataset::npz;
use crate::error::words::listed;
use crate::machine::order;
use std::fs;
use std::path::{Path, PathBuf};

/// The role of one of the four arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    is_test: bool,
    is_labels: bool,
}

const ROLES: [Role; 4] = [
    Role { is_test: false, is_labels: false },
    Role { is_test: false, is_labels: true },
    Role { is_test: true, is_labels: false },
    Role { is_test: true, is_labels: true },
];

const PARTS: [(&str, bool); 3] = [("train", false), ("test", true), ("t10k", true)];
const KINDS: [(&str, bool); 3] = [("images", false), ("imgs", false), ("labels", true)];

/// A file that has one of the four roles.
#[derive(Debug)]
struct Found {
    /// The prefix of the name: `emnist-letters` in `emnist-letters-train-images-idx3-ubyte.gz`.
    set: String,
    role: Role,
    path: PathBuf,
    /// Of two files with the same role, the one with the lower rank is read.
    rank: (bool, bool, bool),
}

/// Finds the images and labels in a folder, those for training first. `set` is the prefix of the file names, empty
/// for MNIST; without it the folder must hold only one data set.
pub(super) fn in_folder(folder: &Path, set: Option<&str>) -> Result<[Pair; 2], Error> {
    let mut found = files(folder)?;
    let mut sets: Vec<&str> = found.iter().map(|file| file.set.as_str()).collect();
    order::sort(&mut sets, Ord::cmp);
    sets.dedup();
    if set.is_none() && sets.len() > 1 {
        let names: Vec<&str> = sets.into_iter().filter(|set| !set.is_empty()).collect();
        return Err(Error::refused(
            folder,
            format!(
                "several data sets are in this folder: {}; ask for one, as {}",
                listed(&names),
                folder.join(names[0]).display()
            ),
        ));
    }
    let set = set.map_or_else(|| sets.into_iter().next().unwrap_or_default().to_owned(), str::to_owned);
    found.retain(|file| file.set == set);
    order::sort(&mut found, |a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
    let place = |role: Role| {
        let file = found.iter().find(|file| file.role == role).ok_or_else(|| missing(folder, &set, role))?;
        if file.path.extension().is_none_or(|end| !end.eq_ignore_ascii_case("npz")) {
            return Ok(ArrayFile::Idx(file.path.clone()));
        }
        let mut names = npz::names(&file.path)?;
        if let (Some(name), 0) = (names.pop(), names.len()) {
            return Ok(ArrayFile::Npz(file.path.clone(), name));
        }
        let reason = "holds several arrays or none, but one is needed; read it with Labelled::read_npz";
        Err(Error::File { path: file.path.clone(), line: None, column: None, reason: reason.into() })
    };
    let [images, labels, test_images, test_labels] = ROLES.map(place);
    Ok([Pair { inputs: images?, labels: labels? }, Pair { inputs: test_images?, labels: test_labels? }])
}

fn missing(folder: &Path, set: &str, role: Role) -> Error {
    let part = if role.is_test { "t10k" } else { "train" };
    let (what, axes) = if role.is_labels { ("labels", 1) } else { ("images", 3) };
    let set = if set.is_empty() { String::new() } else { format!("{set}-") };
    let names = ["-", "."].map(|joint| format!("{set}{part}-{what}{joint}idx{axes}-ubyte"));
    let names = [".gz", ""].map(|end| names.clone().map(|name| name + end)).concat();
    let also = if role.is_test { ", or with `test` instead of `t10k`" } else { "" };
    Error::refused(folder, format!("this folder has no file of these names: {}{also}", listed(&names)))
}

/// Returns all files of a folder whose names show their role.
fn files(folder: &Path) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, &e))? {
        let entry = entry.map_err(|e| Error::io(folder, &e))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let Some((set, role)) = role_of_file(&name) else { continue };
        // A folder may have a file's name and contain that file; a file next to the folder takes precedence.
        let is_file = |path: &Path| fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir());
        let (beside, inside) = (entry.path(), entry.path().join(&name));
        let (is_inside, path) = if is_file(&beside) { (false, beside) } else { (true, inside) };
        if !is_inside || is_file(&path) {
            let is_plain = !name.to_ascii_lowercase().ends_with(".gz");
            let rank = (is_inside, is_plain, name.contains(".idx"));
            found.push(Found { set, role, path, rank });
        }
    }
    Ok(found)
}

/// Returns the data set and the role of a file like `train-images-idx3-ubyte`,
/// `emnist-letters-test-labels.idx1-ubyte.gz` or `kmnist-train-imgs.npz`.
fn role_of_file(name: &str) -> Option<(String, Role)> {
    let plain = name.to_ascii_lowercase().replace(['_', '.'], "-");
    for (part, is_test) in PARTS {
        for (kind, is_labels) in KINDS {
            let what = format!("{part}-{kind}");
            let Some(at) = plain.rfind(&what) else { continue };
            let (before, after) = (&plain[..at], &plain[at + what.len()..]);
            let is_array = after == "-npz" || is_idx(after);
            if is_array && (before.is_empty() || before.ends_with('-')) {
                // Only ASCII bytes were replaced, one by one, so `at` is valid in `name` too.
                let set = name[..at].trim_end_matches(['-', '_', '.']).to_owned();
                return Some((set, Role { is_test, is_labels }));
            }
        }
    }
    None
}

/// Whether a name ends like an IDX file: `-idx3-ubyte`, with or without `-gz`.
fn is_idx(end: &str) -> bool {
    let end = end.strip_suffix("-gz").unwrap_or(end);
    let mut words = end.split('-').skip(1);
    let axes = words.next().and_then(|word| word.strip_prefix("idx")).unwrap_or_default();
    let is_type = |word: &str| word.bytes().all(|letter| letter.is_ascii_alphanumeric());
    axes.len() == 1 && axes.bytes().all(|axis| axis.is_ascii_digit()) && words.all(is_type)
}

/// Finds the images and labels in an archive with the names of Keras (`x_train`, `y_train`, `x_test`, `y_test`) or of
/// `MedMNIST` (`train_images`, `train_labels`, `test_images`, `test_labels`), those for training first.
pub(super) fn in_archive(path: &Path) -> Result<[Pair; 2], Error> {
    let names = npz::names(path)?;
    let place = |role: Role| {
        let mut of_role = names.iter().filter(|name| role_of_array(name) == Some(role));
        match (of_role.next(), of_role.next()) {
            (Some(name), None) => Ok(ArrayFile::Npz(path.into(), name.clone())),
            _ => Err(Error::File {
                path: path.into(),
                line: None,
                column: None,
                reason: format!(
                    "lacks four arrays named x_train, y_train, x_test, y_test or train_images, train_labels, \
                     test_images, test_labels; there are: {}; name two with Labelled::read_npz",
                    listed(&names)
                ),
            }),
        }
    };
    let [images, labels, test_images, test_labels] = ROLES.map(place);
    Ok([Pair { inputs: images?, labels: labels? }, Pair { inputs: test_images?, labels: test_labels? }])
}

fn role_of_array(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    let (one, other) = name.split_once(['_', '-', '.'])?;
    let is_test = |word| match word {
        "train" => Some(false),
        "test" => Some(true),
        _ => None,
    };
    let is_labels = |word| match word {
        "x" | "images" | "imgs" | "data" | "features" => Some(false),
        "y" | "labels" | "targets" => Some(true),
        _ => None,
    };
    let role = |part, what| Some(Role { is_test: is_test(part)?, is_labels: is_labels(what)? });
    role(one, other).or_else(|| role(other, one))
}
