//! `cargo run --release --example grid`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod grid;

fn main() -> std::process::ExitCode {
    common::main::<grid::Cli>()
}
