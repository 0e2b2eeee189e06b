//! A number that may be absent, in the size of the number.

use std::fmt;

/// An `Option<f64>` in 8 bytes: one of the 2⁵³ − 2 bit patterns of NaN stands for `None`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packed {
    /// The bits of the number XOR [`ABSENT`], so that `None` is 0.
    flipped: u64,
}

/// A NaN that no arithmetic produces.
const ABSENT: u64 = 0xfff4_6f6e_655f_6f66;

impl Packed {
    pub(super) fn new(value: Option<f64>) -> Self {
        let bits = match value.map(f64::to_bits) {
            None => ABSENT,
            Some(ABSENT) => f64::NAN.to_bits(),
            Some(bits) => bits,
        };
        Self { flipped: bits ^ ABSENT }
    }

    pub(super) fn is_absent(self) -> bool {
        self.flipped == 0
    }

    pub(super) fn get(self) -> Option<f64> {
        (self.flipped != 0).then(|| f64::from_bits(self.flipped ^ ABSENT))
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Packed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::machine::stored::optional_number::serialize(&self.get(), serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Packed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::machine::stored::optional_number::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_and_none_come_back() {
        let numbers =
            [0.0, -0.0, 1.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        for number in numbers {
            assert_eq!(Packed::new(Some(number)).get().map(f64::to_bits), Some(number.to_bits()));
        }
        assert_eq!(Packed::new(None).get(), None);
        assert_eq!(Packed::default(), Packed::new(None));
        assert!(Packed::new(Some(f64::from_bits(ABSENT))).get().is_some_and(f64::is_nan));
        assert!(Packed::new(Some(f64::NAN)) != Packed::new(Some(f64::NAN)));
    }
}
