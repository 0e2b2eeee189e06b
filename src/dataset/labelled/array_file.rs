//! Files and archives that hold an array of inputs or labels.

use super::inputs::Inputs;
use super::{Labelled, check_classes};
use crate::Error;
use crate::dataset::stored::Kind;
use crate::dataset::{idx, npz};
use crate::error::words::shown;
use std::path::{Path, PathBuf};

/// An array in a file.
#[derive(Clone, Debug)]
pub(super) enum ArrayFile {
    Idx(PathBuf),
    /// An array of an archive, by name.
    Npz(PathBuf, String),
}

impl ArrayFile {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Idx(path) | Self::Npz(path, _) => path,
        }
    }

    /// Reads inputs: unsigned bytes are pixels; other values are read unchanged.
    pub(super) fn inputs(&self) -> Result<Inputs, Error> {
        match self {
            Self::Idx(path) => idx::read_bytes(path).map(Inputs::pixels),
            Self::Npz(path, name) => npz::with_array(path, name, |values, layout| {
                if layout.kind() == Kind::U8 {
                    layout.read_bytes(values).map(Inputs::pixels)
                } else {
                    layout.read_table(values).map(Inputs::Values)
                }
            }),
        }
    }

    pub(super) fn labels(&self) -> Result<Vec<usize>, Error> {
        match self {
            Self::Idx(path) => idx::read_labels(path),
            Self::Npz(path, name) => npz::read_labels(path, name),
        }
    }

    pub(super) fn refuse(&self, reason: String) -> Error {
        let reason = match self {
            Self::Idx(_) => reason,
            Self::Npz(_, name) => format!("the array `{}` {reason}", shown(name)),
        };
        Error::File { path: self.path().into(), line: None, column: None, reason }
    }

    /// Describes the array for a message about another file.
    fn describe(&self) -> String {
        match self {
            Self::Idx(path) => path.display().to_string(),
            Self::Npz(path, name) => format!("the array `{}` of {}", shown(name), path.display()),
        }
    }
}

/// The locations of inputs and of their labels.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) inputs: ArrayFile,
    pub(super) labels: ArrayFile,
}

impl Pair {
    pub(super) fn read(&self) -> Result<(Inputs, Vec<usize>), Error> {
        let (inputs, labels) = (self.inputs.inputs()?, self.labels.labels()?);
        let rows = inputs.dim().0;
        if labels.len() == rows {
            return Ok((inputs, labels));
        }
        Err(self.labels.refuse(format!(
            "holds {} labels, but {} holds {rows} images; take both from one data set",
            labels.len(),
            self.inputs.describe(),
        )))
    }

    /// Builds a labelled data set and checks that every label is below `classes`.
    pub(super) fn labelled(
        &self,
        name: String,
        (inputs, labels): (Inputs, Vec<usize>),
        classes: usize,
    ) -> Result<Labelled, Error> {
        check_classes(classes)?;
        if let Some(row) = labels.iter().position(|label| *label >= classes) {
            return Err(self.labels.refuse(format!(
                "holds the label {} at row {row} (counted from 0); labels of {classes} classes count from 0",
                labels[row]
            )));
        }
        Labelled::from_inputs(name, inputs, labels, classes)
    }
}
