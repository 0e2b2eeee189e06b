//! Serialisation that serde does not offer: numbers that JSON lacks, and `'static` texts.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serializer};
use std::fmt;

/// Reads a text and keeps it for the rest of the program.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    String::deserialize(deserializer).map(crate::error::words::kept)
}

/// A number; NaN and infinities are written by name in human-readable formats such as JSON, which have none.
pub(crate) mod number {
    use super::{Deserializer, Named, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde passes references
    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() || !serializer.is_human_readable() {
            serializer.serialize_f64(*value)
        } else {
            serializer.serialize_str(&value.to_string())
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Named)
        } else {
            deserializer.deserialize_f64(Named)
        }
    }
}

/// [`number`] for an optional value.
pub(crate) mod optional_number {
    use super::{Deserialize, Deserializer, Serializer, number};
    use serde::Serialize;

    pub(super) struct Stored(pub(super) f64);

    impl Serialize for Stored {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            number::serialize(&self.0, serializer)
        }
    }

    impl<'de> Deserialize<'de> for Stored {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            number::deserialize(deserializer).map(Self)
        }
    }

    #[allow(clippy::ref_option)] // serde passes references
    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Stored).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Stored>::deserialize(deserializer)?.map(|stored| stored.0))
    }
}

/// [`number`] for an optional pair of values.
pub(crate) mod optional_pair {
    use super::{Deserialize, Deserializer, Serializer, optional_number::Stored};
    use serde::Serialize;

    #[allow(clippy::ref_option)] // serde passes references
    pub(crate) fn serialize<S: Serializer>(
        pair: &Option<(f64, f64)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        pair.map(|(low, high)| (Stored(low), Stored(high))).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(f64, f64)>, D::Error> {
        let pair = Option::<(Stored, Stored)>::deserialize(deserializer)?;
        Ok(pair.map(|(low, high)| (low.0, high.0)))
    }
}

struct Named;

impl Visitor<'_> for Named {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, `NaN`, `inf` or `-inf`")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[allow(clippy::cast_precision_loss)] // as serde itself does
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        match text {
            "NaN" => Ok(f64::NAN),
            "inf" => Ok(f64::INFINITY),
            "-inf" => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
