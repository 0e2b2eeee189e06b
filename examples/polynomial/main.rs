//! `cargo run --release --example polynomial`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod polynomial;

fn main() -> std::process::ExitCode {
    common::main::<polynomial::Cli>()
}
