//! The records of shards, put together.

use super::block::{Extent, Header, header, read_header, scan};
use super::collect::{collect, identified};
use super::log::{check, few, read, refused};
use super::{Repeat, decoded, of_kind};
use crate::Error;
use crate::curve::Curve;
use crate::sweep::Sweep;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The curve of a sweep from records of its shards.
pub(super) fn merge(sweep: &Sweep, paths: &[impl AsRef<Path>]) -> Result<Curve, Error> {
    let (mut files, found) = find(sweep, paths)?;
    let missing = absent(sweep, &found);
    if !missing.is_empty() {
        let reason = format!(
            "repeats {} (counted from 0) of {} are in none of the {} records{}; run their shards again, with the same \
             records",
            few(&missing),
            sweep.splits.repeats(),
            paths.len(),
            files.damage()
        );
        return Err(Error::Unsupported { reason });
    }
    collect(sweep, found.len(), |repeat| {
        let Some(place) = found.get(&repeat) else { return Ok(None) };
        decoded(&files.read(repeat, place)?, files.paths[place.file], repeat).map(Some)
    })
}

/// The repeats that are in none of some records.
pub(super) fn missing(sweep: &Sweep, paths: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
    let (_, found) = find(sweep, paths)?;
    Ok(absent(sweep, &found))
}

fn absent(sweep: &Sweep, found: &BTreeMap<usize, Found>) -> Vec<usize> {
    (0..sweep.splits.repeats()).filter(|repeat| !found.contains_key(repeat)).collect()
}

/// Where a repeat stands.
#[derive(Clone, Copy)]
struct Found {
    file: usize,
    extent: Extent,
}

/// Looks through all records, one after the other: which repeat is where.
fn find<'a>(
    sweep: &Sweep,
    paths: &'a [impl AsRef<Path>],
) -> Result<(Files<'a>, BTreeMap<usize, Found>), Error> {
    let identity = of_kind::<Repeat>(&identified(sweep)?);
    let expected = header(&identity);
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    let mut files = Files { paths, open: None, damaged: Vec::new() };
    let mut found: BTreeMap<usize, Found> = BTreeMap::new();
    for file in 0..files.paths.len() {
        let path = files.paths[file];
        let failed = |e| Error::io(path, &e);
        let opened = files.open(file)?;
        let length = opened.metadata().map_err(failed)?.len();
        let start = match read_header(opened, length, &expected).map_err(failed)? {
            Header::Begun => continue,
            header => check(header, &identity, path)?,
        };
        let scan = scan(opened, start, length).map_err(failed)?;
        if !scan.damaged.is_empty() {
            files.damaged.push(file);
        }
        // Of one index in a file the last counts.
        let blocks: BTreeMap<usize, Extent> = scan.blocks.into_iter().collect();
        for (repeat, extent) in blocks.range(..sweep.splits.repeats()) {
            let place = Found { file, extent: *extent };
            match found.get(repeat) {
                Some(known) if !extent.is_final => debug_assert!(known.file < file),
                Some(known) if known.extent.is_final => files.check_equal(*repeat, known, &place)?,
                _ => {
                    found.insert(*repeat, place);
                }
            }
        }
    }
    Ok((files, found))
}

/// Records, of which one is open.
struct Files<'a> {
    paths: Vec<&'a Path>,
    open: Option<(usize, File)>,
    /// Those in which bytes are no blocks.
    damaged: Vec<usize>,
}

impl Files<'_> {
    fn open(&mut self, file: usize) -> Result<&mut File, Error> {
        let is_open = self.open.as_ref().is_some_and(|(open, _)| *open == file);
        let opened = match self.open.take() {
            Some(open) if is_open => open,
            _ => (file, File::open(self.paths[file]).map_err(|e| Error::io(self.paths[file], &e))?),
        };
        Ok(&mut self.open.insert(opened).1)
    }

    fn read(&mut self, repeat: usize, place: &Found) -> Result<Vec<u8>, Error> {
        let path = self.paths[place.file];
        read(self.open(place.file)?, path, repeat, &place.extent)
    }

    /// A repeat that was computed twice must be the same.
    fn check_equal(&mut self, repeat: usize, a: &Found, b: &Found) -> Result<(), Error> {
        let heads = |place: &Found| (place.extent.length, place.extent.crc);
        if heads(a) == heads(b) && self.read(repeat, a)? == self.read(repeat, b)? {
            return Ok(());
        }
        let reason = format!(
            "repeat {repeat} is another one than in {}, though both records are of this experiment: one of them was \
             computed on another kind of machine, or with changed code of the caller's; leave one out",
            self.paths[a.file].display()
        );
        Err(refused(self.paths[b.file], reason))
    }

    /// What merging found besides.
    fn damage(&self) -> String {
        if self.damaged.is_empty() {
            return String::new();
        }
        let names: Vec<_> = self.damaged.iter().map(|&file| self.paths[file].display().to_string()).collect();
        format!(" (damaged or unfinished: {})", crate::error::words::listed(&names))
    }
}
