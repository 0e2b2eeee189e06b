//! Hardware and system: memory checks before allocation, lanes of numbers, instruction sets, sorts that are compiled
//! once, files written whole or not at all.

pub(crate) mod doubled;
pub(crate) mod escape;
pub mod instructions;
pub(crate) mod lane;
pub(crate) mod large_pages;
pub(crate) mod long_lines;
pub mod memory;
pub(crate) mod order;
pub(crate) mod rooms;
pub(crate) mod spare;
pub(crate) mod spread;
#[cfg(feature = "serde")]
pub(crate) mod stored;
pub(crate) mod threads;
pub(crate) mod turned;
pub(crate) mod views;
pub mod whole_file;
