//! `cargo run --release --example streaming`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod streaming;

fn main() -> std::process::ExitCode {
    common::main::<streaming::Cli>()
}
