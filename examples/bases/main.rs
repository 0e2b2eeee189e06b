//! `cargo run --release --example bases`; what it shows stands in mod.rs.

#[path = "mod.rs"]
mod bases;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<bases::Cli>()
}
