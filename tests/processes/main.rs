//! What needs a process of its own: this program started again, to be killed or kept short, and the programs of the
//! examples.

#[path = "../common/mod.rs"]
mod common;

mod cli;
mod instructions;
#[cfg(target_os = "linux")]
mod memory;
mod record;
mod shards;
mod studies;
mod tables;
mod universality;
#[cfg(feature = "plot")] // figures are among it
mod whole_file;
