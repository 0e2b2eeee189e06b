//! `cargo run --release --example ensembling`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod ensembling;

fn main() -> std::process::ExitCode {
    common::main::<ensembling::Cli>()
}
