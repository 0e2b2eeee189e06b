//! `cargo run --release --example ablations`; what it shows stands in mod.rs.

#[path = "mod.rs"]
mod ablations;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<ablations::Cli>()
}
