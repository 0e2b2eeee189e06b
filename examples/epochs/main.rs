//! `cargo run --release --example epochs`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod epochs;

fn main() -> std::process::ExitCode {
    common::main::<epochs::Cli>()
}
