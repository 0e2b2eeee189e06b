//! Encodes counts, texts and numbers as bytes, and decodes them.

pub(super) fn put_count(bytes: &mut Vec<u8>, count: usize) {
    put_word(bytes, count as u64);
}

/// LEB128: seven bits per byte, lowest first.
#[allow(clippy::cast_possible_truncation)] // masked
pub(super) fn put_word(bytes: &mut Vec<u8>, mut word: u64) {
    while word > 0x7f {
        bytes.push(word as u8 | 0x80);
        word >>= 7;
    }
    bytes.push(word as u8);
}

pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend(text.as_bytes());
}

/// The bytes that are still to be read.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    pub(super) fn word(&mut self) -> Option<u64> {
        // Most words are a single byte.
        if let [byte @ 0..=0x7f, left @ ..] = self.0 {
            self.0 = left;
            return Some(u64::from(*byte));
        }
        let mut word = 0;
        for shift in (0..64).step_by(7) {
            let byte = u64::from(*self.take(1)?.first()?);
            let bits = byte & 0x7f;
            if bits << shift >> shift != bits {
                return None;
            }
            word |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(word);
            }
        }
        None
    }

    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.word()?).ok()
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        self.take(8)?.first_chunk().map(|word| f64::from_le_bytes(*word))
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    /// A count and that many entries, each at least one byte long.
    pub(super) fn list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        if count > self.0.len() {
            return None;
        }
        let mut entries = Vec::new();
        entries.try_reserve_exact(count).ok()?;
        for _ in 0..count {
            entries.push(entry(self)?);
        }
        Some(entries)
    }
}
