//! Repeats stored in records whose indices may be parts of repeats.

use super::block::{Header, read_header};
use super::collect::identified;
use super::lock::open_to_read;
use super::log::repeats_in_words;
use super::payload::Front;
use super::{Identity, Merged, Repeat, ShardTime, Workload};
use crate::Error;
use crate::curve::{Axis, Cell, Extent};
use crate::machine::order::sort;
use crate::sweep::engine::{Repeats, choose};
use crate::sweep::task::{Part, Task};
use crate::sweep::{Cut, Sweep};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

/// The name of the identity value that says how repeats are cut.
const PARTS: &str = "parts";

/// The identity of a sweep whose record has indices of the given cut.
pub(super) fn identified_by(sweep: &Sweep, cut: Cut) -> Result<Identity, Error> {
    let identity = identified(sweep)?;
    Ok(if cut == Cut::Repeats { identity } else { identity.with(PARTS, cut) })
}

/// What the indices of an experiment stand for.
pub(super) fn cut_of(identity: &Identity) -> Cut {
    let cut = |words: &str| Cut::ALL.iter().copied().find(|cut| cut.to_string() == words);
    identity.value(PARTS).and_then(cut).unwrap_or_default()
}

/// What the indices of some records stand for, taken from the first record with a readable header.
fn cut_in(records: &[impl AsRef<Path>]) -> Cut {
    let of = |path: &Path| {
        let mut file = open_to_read(path).ok()?;
        let length = file.metadata().ok()?.len();
        match read_header(&mut file, length, &[]).ok()? {
            Header::Of(identity, _) => Some(cut_of(&identity)),
            _ => None,
        }
    };
    records.iter().find_map(|path| of(path.as_ref())).unwrap_or_default()
}

/// The indices of a sweep's record: repeat by repeat, with the parts of each repeat consecutive.
#[derive(Debug)]
pub(super) struct Indices {
    cut: Cut,
    repeats: usize,
    /// All `n` and all `p` of the sweep.
    samples: Vec<usize>,
    features: Vec<usize>,
    axis: Axis,
    /// The place of each cell's `(n, p)` in its repeat; empty for whole repeats.
    places: HashMap<(usize, usize), usize>,
}

impl Indices {
    pub(super) fn new(sweep: &Sweep, cut: Cut) -> Result<Self, Error> {
        let task = Task::new(sweep)?;
        let places = if cut == Cut::Repeats {
            HashMap::new()
        } else {
            task.places().enumerate().map(|(place, of)| (of, place)).collect()
        };
        let axis = task.outline(choose(&task)?.prospects().kind()).axis;
        let Part { samples, features } = task.part;
        Ok(Self { cut, repeats: sweep.splits.repeats(), samples, features, axis, places })
    }

    pub(super) fn cut(&self) -> Cut {
        self.cut
    }

    pub(super) fn count(&self) -> usize {
        self.repeats.saturating_mul(self.each())
    }

    /// The number of parts of a repeat.
    pub(super) fn each(&self) -> usize {
        match self.cut {
            Cut::Repeats => 1,
            Cut::Samples => self.samples.len(),
            Cut::Features => self.features.len(),
        }
    }

    /// The repeats of consecutive indices, with the range of parts in each.
    pub(super) fn by_repeat(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let each = self.each().max(1);
        let repeats = range.start / each..range.end.div_ceil(each);
        repeats.map(move |repeat| {
            let first = repeat * each;
            (repeat, range.start.max(first) - first..range.end.min(first + each) - first)
        })
    }

    /// The cells of the given parts of a repeat.
    pub(super) fn part(&self, parts: Range<usize>) -> Part {
        let (mut samples, mut features) = (self.samples.clone(), self.features.clone());
        match self.cut {
            Cut::Repeats => {}
            Cut::Samples => samples = samples[parts].to_vec(),
            Cut::Features => features = features[parts].to_vec(),
        }
        Part { samples, features }
    }

    /// Divides the results of consecutive parts of a repeat into single parts.
    pub(super) fn parted(&self, found: Repeats, parts: Range<usize>) -> Vec<Repeats> {
        let mut parted: Vec<Repeats> = Vec::new();
        parted.resize_with(parts.len(), Vec::new);
        for (repeat, places) in found {
            for part in &mut parted {
                part.push((repeat, Vec::new()));
            }
            for measured in places {
                let of = measured.as_ref().map_or(parts.start, |m| self.part_of((m.n, m.p)));
                if let Some([(_, places)]) = parted.get_mut(of - parts.start).map(Vec::as_mut_slice) {
                    places.push(measured);
                }
            }
        }
        parted
    }

    /// The part of a repeat that a cell is in.
    fn part_of(&self, (n, p): (usize, usize)) -> usize {
        let place = self.place((n, p));
        match self.cut {
            Cut::Repeats => 0,
            Cut::Samples => place / self.features.len().max(1),
            Cut::Features => place % self.features.len().max(1),
        }
    }

    /// The place of a cell among those of its repeat.
    pub(super) fn place(&self, of: (usize, usize)) -> usize {
        self.places.get(&of).copied().unwrap_or(0)
    }

    /// Some indices in words.
    pub(super) fn in_words(&self, indices: &[usize]) -> String {
        let each = self.each().max(1);
        let Some(symbol) = self.cut.symbol() else { return repeats_in_words(indices) };
        let values = if self.cut == Cut::Samples { &self.samples } else { &self.features };
        let of_repeat = |indices: &[usize]| {
            let values: Vec<usize> = indices.iter().map(|index| values[index % each]).collect();
            format!("{symbol} = {} of repeat {}", super::log::few(&values), indices[0] / each)
        };
        let words: Vec<String> = indices.chunk_by(|a, b| a / each == b / each).map(of_repeat).collect();
        words.join("; ")
    }

    /// Joins the parts of a repeat; `None` unless `get` returns all of them.
    pub(super) fn whole(
        &self,
        repeat: usize,
        mut get: impl FnMut(usize) -> Result<Option<Repeat>, Error>,
    ) -> Result<Option<Repeat>, Error> {
        if self.cut == Cut::Repeats {
            return get(repeat);
        }
        let mut whole = Repeat { repeat, ..Repeat::default() };
        for index in repeat * self.each()..(repeat + 1) * self.each() {
            let Some(part) = get(index)? else { return Ok(None) };
            whole.cells.extend(part.cells);
            whole.failures.extend(part.failures);
            whole.by_svd.extend(part.by_svd);
        }
        sort(&mut whole.cells, |a, b| self.place((a.n, a.p)).cmp(&self.place((b.n, b.p))));
        sort(&mut whole.failures, |a, b| self.place((a.n, a.p)).cmp(&self.place((b.n, b.p))));
        // Parts store places here; sort them, then replace each by its axis value.
        sort(&mut whole.by_svd, Ord::cmp);
        let (columns, rows) = (self.features.len().max(1), &self.samples);
        for place in &mut whole.by_svd {
            let value = if self.axis == Axis::Features {
                self.features.get(*place % columns)
            } else {
                rows.get(*place / columns)
            };
            *place = value.copied().unwrap_or(0);
        }
        Ok(Some(whole))
    }
}

impl Sweep {
    /// The finest parts of its work that shards can have: parts of each repeat if the engine supports them, otherwise
    /// whole repeats.
    ///
    /// With one SVD per cell: each `n`, or with a single `n`, each `p`. With curves that grow row by row: each `p`;
    /// column by column: each `n`. With a plane: each `p`; every shard computes the plane's factorisations, but fits
    /// and tests only its own cells.
    ///
    /// # Errors
    /// Errors in the sweep as a whole, as for [`Sweep::run`].
    pub fn finest_cut(&self) -> Result<Cut, Error> {
        let task = Task::new(self)?;
        Ok(choose(&task)?.prospects().cut(&task))
    }

    /// The costs to divide among shards for `workers` workers of one core each.
    ///
    /// The indices are repeats, or [parts of repeats](Self::finest_cut) if there are too few repeats for
    /// [`ShardTime::shards`] to choose from.
    ///
    /// # Errors
    /// Those of [`Sweep::estimate`].
    pub fn workload_for(&self, workers: usize) -> Result<Workload, Error> {
        let whole = self.workload()?;
        let chosen = ShardTime::default().shards(std::slice::from_ref(&whole), workers);
        if chosen < whole.count() { Ok(whole) } else { self.workload_by(self.finest_cut()?) }
    }

    /// The costs of a record's indices for the given cut.
    pub(super) fn workload_by(&self, cut: Cut) -> Result<Workload, Error> {
        if cut == Cut::Repeats {
            return self.workload();
        }
        let (task, indices) = (Task::new(self)?, Indices::new(self, cut)?);
        let engine = choose(&task)?.prospects();
        let flops = |part: Part| engine.flops(&Task { part, ..task.clone() });
        // What all parts share is computed by every shard, so it does not count towards any part.
        let shared = flops(Part::default());
        let costs = (0..indices.each()).map(|part| flops(indices.part(part..part + 1)) - shared);
        let costs: Vec<f64> = costs.collect();
        Ok(Workload::neighbours(costs.repeat(self.splits.repeats())))
    }
}

/// The repeats in several records of a sweep.
pub(super) struct MergedRepeats {
    merged: Merged<Repeat>,
    indices: Indices,
}

impl MergedRepeats {
    pub(super) fn of(sweep: &Sweep, records: &[impl AsRef<Path>]) -> Result<Self, Error> {
        let cut = cut_in(records);
        let identity = identified_by(sweep, cut)?;
        let indices = Indices::new(sweep, cut)?;
        Ok(Self { merged: Merged::of(&identity, indices.count(), records)?, indices })
    }

    /// The repeats with missing indices.
    pub(super) fn missing(&self) -> Result<Vec<usize>, Error> {
        self.merged.reserve_missing()?;
        let mut repeats = self.merged.missing();
        for index in &mut repeats {
            *index /= self.indices.each().max(1);
        }
        repeats.dedup();
        Ok(repeats)
    }

    pub(super) fn check_complete(&self) -> Result<(), Error> {
        self.merged.check_complete_of(|missing| self.indices.in_words(missing))
    }

    pub(super) fn get(&mut self, repeat: usize) -> Result<Option<Repeat>, Error> {
        let Self { merged, indices } = self;
        indices.whole(repeat, |index| merged.get(index))
    }

    /// The columns and the number of a repeat's cells; for whole repeats, without decoding the cells.
    pub(super) fn front(&mut self, repeat: usize) -> Result<Option<Front>, Error> {
        if self.indices.cut() != Cut::Repeats {
            return Ok(self.get(repeat)?.map(|found| Front::of(&found.cells)));
        }
        let Some(bytes) = self.merged.read_front(repeat, Front::MOST)? else { return Ok(None) };
        Front::read(&bytes).map(Some).ok_or_else(|| self.merged.not_decoded(repeat))
    }

    /// The front of each repeat, and the extent of all; if every cell failed, returns the first cell's error.
    pub(super) fn fronts(&mut self) -> Result<(Vec<Front>, Extent), Error> {
        let (mut fronts, mut extent) = (Vec::new(), Extent::default());
        for repeat in 0..self.indices.repeats {
            let Some(front) = self.front(repeat)? else { continue };
            front.add_to(&mut extent);
            fronts.push(front);
        }
        if extent.count == 0 {
            for repeat in 0..self.indices.repeats {
                let failures = self.get(repeat)?.map(|found| found.failures);
                if let Some(failure) = failures.into_iter().flatten().next() {
                    return Err(failure.error);
                }
            }
        }
        Ok((fronts, extent))
    }

    /// A repeat as stored in the records.
    pub(super) fn stored(&mut self, repeat: usize) -> Result<Option<Stored>, Error> {
        Ok(if self.indices.cut() == Cut::Repeats {
            self.merged.read(repeat)?.map(Stored::Bytes)
        } else {
            self.get(repeat)?.map(Stored::Repeat)
        })
    }

    /// The error for a repeat whose bytes cannot be decoded.
    pub(super) fn not_decoded(&self, repeat: usize) -> Error {
        self.merged.not_decoded(repeat.saturating_mul(self.indices.each()))
    }

    /// Appends the cells of a repeat to `cells`, and returns the rest of the repeat.
    pub(super) fn append(&mut self, repeat: usize, cells: &mut Vec<Cell>) -> Result<Option<Repeat>, Error> {
        let Some(stored) = self.stored(repeat)? else { return Ok(None) };
        let found = stored.each(|cell| cells.push(*cell));
        found.map(|(_, rest)| Some(rest)).ok_or_else(|| self.not_decoded(repeat))
    }
}

/// A repeat that was read but not yet decoded.
pub(super) enum Stored {
    Bytes(Vec<u8>),
    /// A repeat joined from its parts.
    Repeat(Repeat),
}

impl Stored {
    /// Passes each cell to `each` and returns the rest; `None` if the bytes are not a repeat.
    pub(super) fn each(self, each: impl FnMut(&Cell)) -> Option<(Front, Repeat)> {
        match self {
            Self::Bytes(bytes) => Repeat::decode_each(&bytes, each),
            Self::Repeat(mut repeat) => {
                let cells = std::mem::take(&mut repeat.cells);
                cells.iter().for_each(each);
                Some((Front::of(&cells), repeat))
            }
        }
    }
}
