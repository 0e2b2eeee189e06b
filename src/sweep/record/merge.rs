//! Merges the records of shards.

use super::block::{self, Damage, Extent, Header, header, read_header, scan};
use super::collect::collect;
use super::lock::open_to_read;
use super::log::{check, read, refused, repeats_in_words};
use super::repeats::MergedRepeats;
use super::{Identity, Payload, decoded, not_decoded, of_kind};
use crate::Error;
use crate::curve::Curve;
use crate::error::words::listed;
use crate::machine::memory::{list, reserve};
use crate::sweep::Sweep;
use std::collections::BTreeMap;
use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Merges the records of a sweep's shards into its curve.
pub(super) fn merge(sweep: &Sweep, paths: &[impl AsRef<Path>]) -> Result<Curve, Error> {
    let mut merged = MergedRepeats::of(sweep, paths)?;
    merged.check_complete()?;
    collect(sweep, sweep.splits.repeats(), |repeat, cells| merged.append(repeat, cells))
}

/// The repeats that are in none of the given records.
pub(super) fn missing(sweep: &Sweep, paths: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
    MergedRepeats::of(sweep, paths)?.missing()
}

/// The combined contents of several records of one experiment, by index; the order of the records does not matter.
/// Holds the position of each payload, not the payloads.
///
/// # Examples
/// ```
/// use double_descent::sweep::{Identity, Merged, Record};
///
/// # let dir = std::env::temp_dir().join(format!("double-descent-merged-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// let identity = Identity::new("squares");
/// let paths = [dir.join("odd"), dir.join("even")];
/// for (index, path) in [(1, &paths[0]), (0, &paths[1]), (2, &paths[1])] {
///     Record::open(path, &identity)?.append(index, &vec![(index * index) as f64])?;
/// }
/// let mut merged = Merged::<Vec<f64>>::of(&identity, 4, &paths)?;
/// assert_eq!(merged.get(2)?, Some(vec![4.0]));
/// assert_eq!(merged.missing(), [3]);
/// assert!(merged.check_complete().is_err());
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct Merged<P> {
    files: Files,
    found: BTreeMap<usize, Found>,
    count: usize,
    payload: PhantomData<fn() -> P>,
}

impl<P: Payload> Merged<P> {
    /// Scans all records, one after the other, for the indices below `count`. Does not change any record.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is not a record, for a record of another experiment or a newer version, and for
    /// one whose payloads differ from those of another record; [`Error::Io`].
    pub fn of(identity: &Identity, count: usize, records: &[impl AsRef<Path>]) -> Result<Self, Error> {
        let identity = of_kind::<P>(identity);
        let expected = header(&identity);
        let paths: Vec<PathBuf> = records.iter().map(|path| path.as_ref().into()).collect();
        let mut files = Files { paths, open: None, damaged: Vec::new() };
        let mut found: BTreeMap<usize, Found> = BTreeMap::new();
        for file in 0..files.paths.len() {
            let path = files.paths[file].clone();
            let Blocks { blocks, damaged } = blocks(files.open(file)?, &path, &identity, &expected)?;
            if !damaged.is_empty() {
                files.damaged.push(file);
            }
            for (index, extent) in blocks.range(..count) {
                let place = Found { file, extent: *extent };
                match found.get(index) {
                    Some(known) if !extent.is_final => debug_assert!(known.file < file),
                    Some(known) if known.extent.is_final => files.check_equal(*index, known, &place)?,
                    _ => {
                        found.insert(*index, place);
                    }
                }
            }
        }
        Ok(Self { files, found, count, payload: PhantomData })
    }

    /// The indices that are in none of the records. The result has eight bytes for each; with more than fit in memory,
    /// [`check_complete`](Self::check_complete) returns an error, and this function must not be called.
    #[must_use]
    pub fn missing(&self) -> Vec<usize> {
        (0..self.count).filter(|index| !self.found.contains_key(index)).collect()
    }

    /// [`Error::Memory`] for more missing indices than fit in memory.
    pub(super) fn reserve_missing(&self) -> Result<(), Error> {
        reserve("the missing indices of records", list::<usize>(self.count.saturating_sub(self.found.len())))
    }

    /// Returns the payload of an index, if any record has it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if the payload's bytes have changed since the scan, or are not a payload of this
    /// version; [`Error::UserCode`] if the payload panics while it is decoded.
    pub fn get(&mut self, index: usize) -> Result<Option<P>, Error> {
        let Some(place) = self.found.get(&index) else { return Ok(None) };
        decoded(&self.files.read(index, place)?, &self.files.paths[place.file], index).map(Some)
    }

    /// The bytes of an index's payload.
    pub(super) fn read(&mut self, index: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(place) = self.found.get(&index) else { return Ok(None) };
        self.files.read(index, place).map(Some)
    }

    /// The first bytes of an index's payload, at most `most`. Changes since the scan are not detected; that needs the
    /// whole payload.
    pub(super) fn read_front(&mut self, index: usize, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(Found { file, extent }) = self.found.get(&index).copied() else { return Ok(None) };
        let most = usize::try_from(extent.length).map_or(most, |length| length.min(most));
        let bytes = block::read(self.files.open(file)?, extent.at, most);
        bytes.map(Some).map_err(|e| Error::io(&self.files.paths[file], &e))
    }

    /// The error for an index whose bytes are not a payload, or have changed.
    pub(super) fn not_decoded(&self, index: usize) -> Error {
        let path = self.found.get(&index).and_then(|place| self.files.paths.get(place.file));
        not_decoded(path.map_or(Path::new(""), PathBuf::as_path), index)
    }

    /// Checks that no index is missing.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the missing indices and the damaged records; [`Error::Memory`] for more missing
    /// indices than fit in memory.
    pub fn check_complete(&self) -> Result<(), Error> {
        self.check_complete_of(repeats_in_words)
    }

    /// [`check_complete`](Self::check_complete), where `words` describes the missing indices.
    pub(super) fn check_complete_of(&self, words: impl Fn(&[usize]) -> String) -> Result<(), Error> {
        self.reserve_missing()?;
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "{} (counted from 0) of {} {} in none of the {} records{}; run the shards that hold {}, in the same folder \
             (on the command line, `double-descent resume FOLDER` prints the commands)",
            words(&missing),
            self.count,
            if missing.len() == 1 { "is" } else { "are" },
            self.files.paths.len(),
            self.files.damage(),
            if missing.len() == 1 { "it" } else { "them" }
        );
        Err(Error::Unsupported { reason })
    }
}

/// The contents of a record.
#[derive(Default)]
pub(super) struct Blocks {
    /// If a file has several blocks with one index, the last one counts.
    pub(super) blocks: BTreeMap<usize, Extent>,
    pub(super) damaged: Vec<Damage>,
}

/// The blocks of a record; none if its header is incomplete.
pub(super) fn blocks(
    file: &mut File,
    path: &Path,
    identity: &Identity,
    expected: &[u8],
) -> Result<Blocks, Error> {
    let failed = |e| Error::io(path, &e);
    let length = file.metadata().map_err(failed)?.len();
    let start = match read_header(file, length, expected).map_err(failed)? {
        Header::Begun => return Ok(Blocks::default()),
        header => check(header, identity, path)?,
    };
    let scan = scan(file, start, length).map_err(failed)?;
    Ok(Blocks { blocks: scan.blocks.into_iter().collect(), damaged: scan.damaged })
}

/// The position of a payload.
#[derive(Clone, Copy, Debug)]
struct Found {
    file: usize,
    extent: Extent,
}

/// Records, at most one of them open.
#[derive(Debug)]
struct Files {
    paths: Vec<PathBuf>,
    open: Option<(usize, File)>,
    /// Records with bytes that are not blocks.
    damaged: Vec<usize>,
}

impl Files {
    fn open(&mut self, file: usize) -> Result<&mut File, Error> {
        let is_open = self.open.as_ref().is_some_and(|(open, _)| *open == file);
        let opened = match self.open.take() {
            Some(open) if is_open => open,
            _ => (file, open_to_read(&self.paths[file])?),
        };
        Ok(&mut self.open.insert(opened).1)
    }

    fn read(&mut self, index: usize, place: &Found) -> Result<Vec<u8>, Error> {
        let path = self.paths[place.file].clone();
        read(self.open(place.file)?, &path, index, &place.extent)
    }

    /// Checks that a repeat that was computed twice is the same in both records.
    fn check_equal(&mut self, index: usize, a: &Found, b: &Found) -> Result<(), Error> {
        let heads = |place: &Found| (place.extent.length, place.extent.crc);
        if heads(a) == heads(b) && self.read(index, a)? == self.read(index, b)? {
            return Ok(());
        }
        let reason = format!(
            "repeat {index} differs from that in {}, though both records are of this experiment: one of them was \
             computed on another kind of machine, or with changed caller's code; leave one out",
            self.paths[a.file].display()
        );
        Err(refused(&self.paths[b.file], reason))
    }

    /// A note that lists the damaged records; empty if there are none.
    fn damage(&self) -> String {
        if self.damaged.is_empty() {
            return String::new();
        }
        let names: Vec<_> = self.damaged.iter().map(|&file| self.paths[file].display().to_string()).collect();
        format!(" (damaged or unfinished: {})", listed(&names))
    }
}
