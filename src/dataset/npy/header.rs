//! The header of an `.npy` file: a magic number, a version, and a Python dictionary with three keys.
//!
//! This parser is our own because the crates for it (npyz 0.9, ndarray-npy 0.10) bring a general parser of Python
//! literals in two dozen crates, one of which assembles, and npyz panics in debug builds if the product of a shape
//! overflows.

use crate::dataset::stored::{Broken, Kind, Layout, Scalar, fill, other_kind};
use crate::error::words::shown;
use std::ffi::c_long;
use std::io::Read;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// `NumPy` itself refuses more than 10,000 bytes.
const LONGEST: usize = 1 << 16;

/// Parses `descr` like `numpy.dtype`: `float64`, `d`, `f8`, `<f8`, `=d`, … Without a byte order, or
/// with `=` or `|`, the order is this machine's; C types have the size that they have on this machine.
fn scalar(descr: &str) -> Result<Scalar, String> {
    let (order, code) = match descr.chars().next() {
        Some(order @ ('<' | '>' | '=' | '|')) => (Some(order), &descr[1..]),
        _ => (None, descr),
    };
    let kind = kind_of_code(code).or_else(|| if order.is_none() { kind_of_name(code) } else { None });
    let big_endian = match order {
        Some('<') => false,
        Some('>') => true,
        _ => cfg!(target_endian = "big"),
    };
    kind.map(|kind| Scalar { kind, big_endian }).ok_or_else(|| unreadable(descr))
}

/// Parses a letter, or a letter and the size of a value in bytes.
fn kind_of_code(code: &str) -> Option<Kind> {
    let mut letters = code.chars();
    let (letter, bytes) = (letters.next()?, letters.as_str());
    if bytes.is_empty() {
        return Some(match letter {
            '?' => Kind::Bool,
            'b' => Kind::I8,
            'B' => Kind::U8,
            'h' => Kind::I16,
            'H' => Kind::U16,
            'i' => Kind::I32,
            'I' => Kind::U32,
            'l' => signed(size_of::<c_long>()),
            'L' => unsigned(size_of::<c_long>()),
            'q' => Kind::I64,
            'Q' => Kind::U64,
            'p' | 'n' => signed(size_of::<usize>()),
            'P' | 'N' => unsigned(size_of::<usize>()),
            'e' => Kind::F16,
            'f' => Kind::F32,
            'd' => Kind::F64,
            _ => return None,
        });
    }
    // As C reads numbers: `f 8`, `f+8` and `f08` are `f8`.
    Some(match (letter, bytes.trim_ascii_start().parse().ok()?) {
        ('b', 1) => Kind::Bool,
        ('i', 1) => Kind::I8,
        ('i', 2) => Kind::I16,
        ('i', 4) => Kind::I32,
        ('i', 8) => Kind::I64,
        ('u', 1) => Kind::U8,
        ('u', 2) => Kind::U16,
        ('u', 4) => Kind::U32,
        ('u', 8) => Kind::U64,
        ('f', 2) => Kind::F16,
        ('f', 4) => Kind::F32,
        ('f', 8) => Kind::F64,
        _ => return None,
    })
}

/// Parses a type name, which has no byte order.
fn kind_of_name(name: &str) -> Option<Kind> {
    Some(match name {
        "bool" | "bool_" | "bool8" => Kind::Bool,
        "int8" | "byte" => Kind::I8,
        "int16" | "short" => Kind::I16,
        "int32" | "intc" => Kind::I32,
        "int64" | "longlong" => Kind::I64,
        "int" | "int_" | "intp" | "int0" => signed(size_of::<usize>()),
        "long" => signed(size_of::<c_long>()),
        "uint8" | "ubyte" => Kind::U8,
        "uint16" | "ushort" => Kind::U16,
        "uint32" | "uintc" => Kind::U32,
        "uint64" | "ulonglong" => Kind::U64,
        "uint" | "uintp" | "uint0" => unsigned(size_of::<usize>()),
        "ulong" => unsigned(size_of::<c_long>()),
        "float16" | "half" => Kind::F16,
        "float32" | "single" => Kind::F32,
        "float64" | "double" | "float" | "float_" => Kind::F64,
        _ => return None,
    })
}

fn signed(bytes: usize) -> Kind {
    if bytes == 8 { Kind::I64 } else { Kind::I32 }
}

fn unsigned(bytes: usize) -> Kind {
    if bytes == 8 { Kind::U64 } else { Kind::U32 }
}

/// Explains why values of this type cannot be read, and what to save instead.
fn unreadable(descr: &str) -> String {
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    let is_records = descr.contains(',') || descr.starts_with(|c: char| c.is_ascii_digit() || c == '(');
    let mend = match code.as_bytes().first() {
        _ if is_records => "these are records: save one array of numbers",
        _ if code.starts_with("clongdouble") || code.starts_with("longdouble") => "save x.astype('f8')",
        Some(b'c' | b'F' | b'D' | b'G') => {
            "complex numbers are two real ones: save numpy.hstack([x.real, x.imag])"
        }
        Some(b'O' | b'o') => "these are pickled Python objects: save numpy.array(x.tolist(), 'f8')",
        Some(b'U' | b'S' | b'a' | b's') => {
            "this is text: save numpy.unique(x, return_inverse=True)[1], its codes"
        }
        Some(b'M' | b'm') => "these are times: save (x - x.min()) / numpy.timedelta64(1, 's')",
        Some(b'V') => "NumPy does not know the type of these bytes (bfloat16, perhaps): save x.astype('f4')",
        _ => "save x.astype('f8')",
    };
    let descr = shown(descr);
    format!("holds values of type `{descr}`; {mend} (f2, f4, f8, integers and bool can be read)")
}

/// The content of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    scalar: Scalar,
    fortran_order: bool,
    shape: Vec<usize>,
    /// Bytes before the first value.
    pub(super) len: usize,
}

impl Header {
    /// Reads a header and no bytes beyond it.
    pub(super) fn read(reader: &mut (impl Read + ?Sized)) -> Result<Self, Broken> {
        let mut start = [0; 8];
        let read = fill(reader, &mut start)?;
        let truncated = || Broken::Content("ends within its header; copy or save it again".into());
        let found = &start[..read];
        if !found.starts_with(&MAGIC[..read.min(MAGIC.len())]) {
            return Err(Broken::Content(format!("is {}", other(found, other_kind(reader, found)?))));
        }
        if read == 0 {
            return Err(Broken::Content("is empty; copy or save it again".into()));
        }
        if read < start.len() {
            return Err(truncated());
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
        if fill(reader, &mut length[..digits])? < digits {
            return Err(truncated());
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(Broken::Content(format!(
                "has a header of {length} bytes, more than {LONGEST}; save it again"
            )));
        }
        let mut text = vec![0; length];
        if fill(reader, &mut text)? < length {
            return Err(truncated());
        }
        let mut header = Text { rest: &String::from_utf8_lossy(&text) }.header().map_err(Broken::Content)?;
        header.len = start.len() + digits + length;
        Ok(header)
    }

    /// Returns the layout: the first axis is the rows, all other axes are one row's values.
    pub(super) fn layout(&self) -> Result<Layout, Broken> {
        if self.shape.is_empty() {
            let reason = "has 0 axes, but needs rows; save x.reshape(1, 1)";
            return Err(Broken::Content(reason.into()));
        }
        Layout::new(self.scalar, &self.shape, self.fortran_order)
    }
}

/// Describes a file that starts differently; `kind` is its kind in words, if known.
fn other(start: &[u8], kind: Option<&str>) -> String {
    match (start, kind) {
        ([b'P', b'K', ..], _) => {
            "an .npz or zip archive; read it with dataset::npz, or save one array with numpy.save".into()
        }
        ([0x1f, 0x8b, ..], _) => "packed twice: unpack it once".into(),
        ([0, 0, 8..=14, ..], _) => {
            "not an .npy file but, it seems, an IDX file: read it with dataset::idx".into()
        }
        (_, Some(kind)) => format!("not an .npy file: it is {kind}"),
        (_, None) => "not an .npy file: it does not start with \\x93NUMPY".into(),
    }
}

/// Returns the header of an array of `f8` in C order, padded so that the values start at a multiple of 64 bytes.
/// Its version is 1.0, or 2.0 if the header is too long for that.
pub(super) fn header(shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let axes = axes.join(", ");
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({axes}{comma}), }}");
    let length = |start: usize| (start + text.len() + 1).next_multiple_of(64) - start;
    let mut header = MAGIC.to_vec();
    if let Ok(length) = u16::try_from(length(10)) {
        header.extend([1, 0]);
        header.extend(length.to_le_bytes());
    } else {
        header.extend([2, 0]);
        header.extend(u32::try_from(length(12)).unwrap_or(u32::MAX).to_le_bytes());
    }
    header.extend(text.bytes());
    header.resize((header.len() + 1).next_multiple_of(64) - 1, b' ');
    header.push(b'\n');
    header
}

/// The unread rest of a dictionary like `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
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
                return Err(self.broken(&format!("has an unknown or repeated key `{}`", shown(key))));
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
        scalar(self.string()?)
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
            shape.push(number.parse().map_err(|_| self.broken("has a length that is not a number"))?);
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
        if self.rest.starts_with("u'") || self.rest.starts_with("u\"") {
            self.skip('u'); // as Python 2 wrote it
        }
        let quoted = self.rest.strip_prefix(['\'', '"']).and_then(|rest| {
            let quote = self.rest.chars().next()?;
            rest.split_once(quote)
        });
        let (text, rest) = quoted.ok_or_else(|| self.broken("lacks a name in quotes"))?;
        self.rest = rest;
        Ok(text)
    }

    /// Skips `c` if it comes next; returns whether it did.
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
        let place: String = self.rest.trim_end().chars().take(20).collect();
        let place = shown(&place);
        format!("has a broken header: it {what} (before `{place}`); save it again with numpy.save")
    }
}
