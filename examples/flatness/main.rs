//! `cargo run --release --example flatness`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod flatness;

fn main() -> std::process::ExitCode {
    common::main::<flatness::Cli>()
}
