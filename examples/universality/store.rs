//! Finished chunks on disk, appended as they come: a study that was stopped goes on where it was.

use crate::common::io_error;
use crate::study::{CHUNK, Plan};
use double_descent::Error;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A file of one header line and records of one length:
/// ```text
/// chunk (u64) · noise terms of its repeats (f64 each) · FNV-1a sum of all that (u64), little-endian
/// ```
/// What a kill cut off at the end, or a sum that does not fit, ends what is read: it is written anew.
pub struct Store {
    path: PathBuf,
    file: Mutex<File>,
    /// What is there.
    pub chunks: BTreeMap<usize, Vec<f64>>,
}

impl Store {
    /// Opens or begins the file of a plan.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Self, Error> {
        let path = folder.join(format!("{}.values", plan.map.name()));
        let failed = |e: std::io::Error| io_error(&path, &e);
        let header = header(plan);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
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
                    String::from_utf8_lossy(found),
                    header.trim_end()
                ),
            });
        }
        if !is_begun {
            file.set_len(0).map_err(failed)?;
            file.write_all(header.as_bytes()).map_err(failed)?;
        }
        let mut chunks = BTreeMap::new();
        let mut good = header.len();
        if is_begun {
            for record in bytes[header.len()..].chunks(8 * (plan.width() * CHUNK + 2)) {
                let Some((chunk, values)) = decode(record, plan) else { break };
                chunks.insert(chunk, values);
                good += record.len();
            }
            file.set_len(good as u64).map_err(failed)?;
        }
        Ok(Self { path: path.clone(), file: Mutex::new(file), chunks })
    }

    /// Appends a finished chunk, in one write.
    pub fn append(&self, chunk: usize, values: &[f64]) -> Result<(), Error> {
        let mut record = (chunk as u64).to_le_bytes().to_vec();
        record.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        record.extend(sum(&record).to_le_bytes());
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&record).map_err(|e| io_error(&self.path, &e))
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
