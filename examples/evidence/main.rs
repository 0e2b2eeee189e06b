//! `cargo run --release --example evidence`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod evidence;

fn main() -> std::process::ExitCode {
    common::main::<evidence::Cli>()
}
