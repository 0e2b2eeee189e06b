//! Encoding of a single value.

/// A type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) enum Kind {
    F64,
    F32,
    F16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    /// One byte, true unless it is 0.
    Bool,
}

impl Kind {
    /// Bytes of one value.
    pub(in crate::dataset) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    pub(in crate::dataset) fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16)
    }
}

/// A type of number and its byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Scalar {
    pub(in crate::dataset) kind: Kind,
    pub(in crate::dataset) big_endian: bool,
}

impl Scalar {
    /// Bytes of one value.
    pub(in crate::dataset) fn size(self) -> usize {
        self.kind.size()
    }

    /// Decodes `bytes` and appends the values.
    pub(in crate::dataset) fn decode(self, bytes: &[u8], values: &mut Vec<f64>) {
        match self.kind {
            Kind::F64 => self.words(bytes, f64::from_le_bytes, values),
            Kind::F32 => self.words(bytes, |word| f32::from_le_bytes(word).into(), values),
            Kind::F16 => self.words(bytes, |word| half(u16::from_le_bytes(word)), values),
            Kind::I64 => self.words(bytes, |word| i64::from_le_bytes(word) as f64, values),
            Kind::I32 => self.words(bytes, |word| i32::from_le_bytes(word).into(), values),
            Kind::I16 => self.words(bytes, |word| i16::from_le_bytes(word).into(), values),
            Kind::I8 => self.words(bytes, |word| i8::from_le_bytes(word).into(), values),
            Kind::U64 => self.words(bytes, |word| u64::from_le_bytes(word) as f64, values),
            Kind::U32 => self.words(bytes, |word| u32::from_le_bytes(word).into(), values),
            Kind::U16 => self.words(bytes, |word| u16::from_le_bytes(word).into(), values),
            Kind::U8 => self.words(bytes, |word| u8::from_le_bytes(word).into(), values),
            Kind::Bool => self.words(bytes, |[byte]| f64::from(byte != 0), values),
        }
    }

    fn words<const N: usize>(self, bytes: &[u8], value: impl Fn([u8; N]) -> f64, values: &mut Vec<f64>) {
        let words = bytes.as_chunks().0.iter().copied();
        if self.big_endian {
            values.extend(words.map(|mut word| {
                word.reverse();
                value(word)
            }));
        } else {
            values.extend(words.map(value));
        }
    }
}

/// The value of a half-precision float (IEEE 754 binary16): a sign, 5 bits of exponent with bias 15, 10 bits of
/// fraction. Exact, subnormal numbers and −0 included.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = ((bits >> 10) & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        0 => f64::from(fraction) / f64::from(1 << 24),
        0x1f if fraction == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => f64::from_bits((u64::from(exponent) + 1023 - 15) << 52 | u64::from(fraction) << 42),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
