//! Tests that need their own process (this program again, to be killed or limited), and tests of the examples.

mod cli;
mod diagnose;
#[cfg(feature = "plot")] // it writes figures too
mod flags;
mod instructions;
#[cfg(target_os = "linux")]
mod memory;
mod record;
mod shards;
mod studies;
mod tables;
mod universality;
#[cfg(feature = "plot")] // it writes figures too
mod whole_file;
