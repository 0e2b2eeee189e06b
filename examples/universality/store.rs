//! Finished chunks on disk, appended as they come: a study that was stopped goes on where it was.

use crate::common::io_error;
use crate::study::{CHUNK, Plan};
use double_descent::{Error, whole_file};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A file of one header line and records of one length:
/// ```text
/// chunk (u64) · noise terms of its repeats (f64 each) · FNV-1a sum of all that (u64), little-endian
/// ```
/// A record that a kill cut off at the end, or whose sum does not fit, is left out and computed anew; all others stay.
pub struct Store {
    path: PathBuf,
    log: Mutex<Log>,
    /// What is there.
    pub chunks: BTreeMap<usize, Vec<f64>>,
}

/// The open file and how much of it is whole.
struct Log {
    file: File,
    length: u64,
}

impl Store {
    /// Opens or begins the file of a plan.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Self, Error> {
        let path = folder.join(format!("{}.values", plan.map.name()));
        let failed = |e: io::Error| io_error(&path, &e);
        let header = header(plan);
        let bytes = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found.map_err(failed)?,
        };
        // A kill may have cut the header off, too.
        let is_begun = bytes.len() >= header.len();
        if !bytes.starts_with(header.as_bytes()) && (is_begun || !header.as_bytes().starts_with(&bytes)) {
            let found = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
            return Err(Error::File {
                path: path.clone(),
                line: Some(1),
                column: None,
                reason: format!(
                    "values of another study, `{}`, where this one is `{}`: remove the file or choose another --out",
                    String::from_utf8_lossy(found).escape_debug(),
                    header.trim_end()
                ),
            });
        }
        let mut chunks = BTreeMap::new();
        let mut whole = header.clone().into_bytes();
        let mut lost = Vec::new();
        let records = bytes.get(header.len()..).unwrap_or_default().chunks(8 * (plan.width() * CHUNK + 2));
        for (index, record) in records.enumerate() {
            match decode(record, plan) {
                Some((chunk, values)) => {
                    chunks.insert(chunk, values);
                    whole.extend_from_slice(record);
                }
                None => lost.push((index + 1).to_string()),
            }
        }
        if !lost.is_empty() {
            let plural = if lost.len() == 1 { "" } else { "s" };
            eprintln!(
                "warning: {}: record{plural} {} damaged or cut off; computed anew, the {} others are kept",
                path.display(),
                lost.join(", "),
                chunks.len()
            );
        }
        if whole != bytes {
            whole_file::write(&path, |file| file.write_all(&whole))?;
        }
        let log = Log { file: open(&path).map_err(failed)?, length: whole.len() as u64 };
        Ok(Self { path: path.clone(), log: Mutex::new(log), chunks })
    }

    /// Appends a finished chunk, in one write. If the file has gone from its place meanwhile, it is made there again, with
    /// all that was in it.
    pub fn append(&self, chunk: usize, values: &[f64]) -> Result<(), Error> {
        let mut record = (chunk as u64).to_le_bytes().to_vec();
        record.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        record.extend(sum(&record).to_le_bytes());
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !is_at(&log.file, &self.path) {
            self.restore(&mut log)?;
        }
        if let Err(e) = log.file.write_all(&record) {
            // Half a record would put those after it out of step.
            let _ = log.file.set_len(log.length);
            return Err(io_error(&self.path, &e));
        }
        log.length += record.len() as u64;
        Ok(())
    }

    /// Writes the file anew from the open one, which the system keeps until it is closed.
    fn restore(&self, log: &mut Log) -> Result<(), Error> {
        let gone = |e: &dyn ToString| {
            let reason = format!(
                "vanished while the study ran, and cannot be made again ({}); the run stops here",
                e.to_string()
            );
            Error::Io { path: self.path.clone(), reason }
        };
        let mut bytes = Vec::new();
        log.file.rewind().and_then(|()| log.file.read_to_end(&mut bytes)).map_err(|e| gone(&e))?;
        bytes.truncate(usize::try_from(log.length).unwrap_or(usize::MAX));
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|e| gone(&e))?;
        }
        whole_file::write(&self.path, |file| file.write_all(&bytes)).map_err(|e| gone(&e))?;
        log.file = open(&self.path).map_err(|e| gone(&e))?;
        eprintln!(
            "warning: {} vanished while the study ran; made again, with all that was computed",
            self.path.display()
        );
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

/// Whether the open file is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        open.len() == there.len()
    }
}

fn header(plan: &Plan) -> String {
    let Plan { map, seed, draws, fixed, largest } = plan;
    format!("universality 1 map {} seed {seed} draws {draws} fixed {fixed} largest {largest}\n", map.name())
}

fn decode(record: &[u8], plan: &Plan) -> Option<(usize, Vec<f64>)> {
    let words: Vec<u64> = record
        .chunks_exact(8)
        .map(|word| word.try_into().map(u64::from_le_bytes))
        .collect::<Result<_, _>>()
        .ok()?;
    if words.len() != plan.width() * CHUNK + 2 {
        return None;
    }
    let (chunk, values, found) = (words[0], &words[1..words.len() - 1], words[words.len() - 1]);
    let expected = sum(&record[..record.len() - 8]);
    (found == expected).then_some(())?;
    Some((usize::try_from(chunk).ok()?, values.iter().map(|&bits| f64::from_bits(bits)).collect()))
}

/// FNV-1a.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
