//! The header of an `.npy` file: a magic number, a version, and a Python dictionary of three keys.
//!
//! Read by hand: the crates for it (npyz 0.9, ndarray-npy 0.10) bring a general parser of Python literals, two
//! dozen crates of which one assembles, and npyz panics in debug builds where the product of a shape overflows.

use std::io::{self, Read};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// `NumPy` itself refuses more than 10,000 bytes.
const LONGEST: usize = 1 << 16;

/// How one value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    F64 { big_endian: bool },
    F32 { big_endian: bool },
}

impl Scalar {
    fn parse(descr: &str) -> Result<Self, String> {
        Ok(match descr {
            "<f8" => Self::F64 { big_endian: false },
            ">f8" => Self::F64 { big_endian: true },
            "<f4" => Self::F32 { big_endian: false },
            ">f4" => Self::F32 { big_endian: true },
            _ => {
                return Err(format!(
                    "holds values of type `{descr}`; save x.astype('f8') (f4 and f8 can be read)"
                ));
            }
        })
    }

    /// Bytes of one value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 { .. } => 8,
            Self::F32 { .. } => 4,
        }
    }

    /// Appends the values that `bytes` hold.
    pub(super) fn decode(self, bytes: &[u8], values: &mut Vec<f64>) {
        let (eights, fours) = (bytes.as_chunks().0.iter(), bytes.as_chunks().0.iter());
        match self {
            Self::F64 { big_endian: false } => values.extend(eights.map(|&b| f64::from_le_bytes(b))),
            Self::F64 { big_endian: true } => values.extend(eights.map(|&b| f64::from_be_bytes(b))),
            Self::F32 { big_endian: false } => {
                values.extend(fours.map(|&b| f64::from(f32::from_le_bytes(b))));
            }
            Self::F32 { big_endian: true } => values.extend(fours.map(|&b| f64::from(f32::from_be_bytes(b)))),
        }
    }
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) scalar: Scalar,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Bytes before the first value.
    pub(super) len: usize,
}

/// Why there is no header.
pub(super) enum Broken {
    Io(io::Error),
    /// What is wrong with the file, and how to mend it.
    Content(String),
}

impl From<String> for Broken {
    fn from(reason: String) -> Self {
        Self::Content(reason)
    }
}

impl Header {
    /// Reads a header and nothing beyond it.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, Broken> {
        let mut start = [0; 8];
        let read = fill(reader, &mut start)?;
        if start.starts_with(b"PK") {
            let reason = "is an .npz or zip archive; save the one array with numpy.save";
            return Err(Broken::Content(reason.into()));
        }
        if read < start.len() || !start.starts_with(MAGIC) {
            return Err(Broken::Content("is no .npy file: it does not start with \\x93NUMPY".into()));
        }
        let mut length = [0; 4];
        let digits = match start[6..] {
            [1, 0] => 2,
            [2 | 3, 0] => 4,
            _ => {
                let reason = format!("is of .npy version {}.{}; 1.0 to 3.0 can be read", start[6], start[7]);
                return Err(Broken::Content(reason));
            }
        };
        let truncated = || Broken::Content("ends within its header; copy or save it again".into());
        if fill(reader, &mut length[..digits])? < digits {
            return Err(truncated());
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(Broken::Content(format!(
                "has a header of {length} bytes, over {LONGEST}; save it again"
            )));
        }
        let mut text = vec![0; length];
        if fill(reader, &mut text)? < length {
            return Err(truncated());
        }
        let mut header = Text { rest: &String::from_utf8_lossy(&text) }.header()?;
        header.len = start.len() + digits + length;
        Ok(header)
    }
}

/// Reads until `bytes` is full or there are no more; how many there were.
pub(super) fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<usize, Broken> {
    let mut read = 0;
    while read < bytes.len() {
        match reader.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Broken::Io(e)),
        }
    }
    Ok(read)
}

/// What is left of a dictionary like `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn header(&mut self) -> Result<Header, String> {
        let (mut scalar, mut fortran_order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.skip('}') {
            let key = self.string()?;
            self.expect(':')?;
            let is_new = match key {
                "descr" => scalar.replace(self.scalar()?).is_none(),
                "fortran_order" => fortran_order.replace(self.boolean()?).is_none(),
                "shape" => shape.replace(self.shape()?).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(self.broken(&format!("has an unknown or repeated key `{key}`")));
            }
            if !self.skip(',') {
                self.expect('}')?;
                break;
            }
        }
        if !self.rest.trim_matches(['\0', ' ', '\t', '\r', '\n']).is_empty() {
            return Err(self.broken("goes on after its end"));
        }
        let (Some(scalar), Some(fortran_order), Some(shape)) = (scalar, fortran_order, shape) else {
            return Err(self.broken("lacks one of `descr`, `fortran_order`, `shape`"));
        };
        Ok(Header { scalar, fortran_order, shape, len: 0 })
    }

    fn scalar(&mut self) -> Result<Scalar, String> {
        if self.rest.trim_start().starts_with(['[', '(']) {
            return Err("holds records of several fields; save one array of numbers".into());
        }
        Scalar::parse(self.string()?)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.broken("has neither True nor False for `fortran_order`"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.skip(')') {
            self.rest = self.rest.trim_start();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            shape.push(number.parse().map_err(|_| self.broken("has a length that is no number"))?);
            self.rest = rest;
            self.skip('L'); // as Python 2 wrote it
            if !self.skip(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn string(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start();
        let quoted = self.rest.strip_prefix(['\'', '"']).and_then(|rest| {
            let quote = self.rest.chars().next()?;
            rest.split_once(quote)
        });
        let (text, rest) = quoted.ok_or_else(|| self.broken("lacks a name in quotes"))?;
        self.rest = rest;
        Ok(text)
    }

    /// Whether `c` comes next; if so, it is passed.
    fn skip(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.skip(c) { Ok(()) } else { Err(self.broken(&format!("lacks a `{c}`"))) }
    }

    fn broken(&self, what: &str) -> String {
        let place: String = self.rest.chars().take(20).collect();
        format!(
            "has a broken header: it {what} (before `{}`); save it again with numpy.save",
            place.trim_end()
        )
    }
}
