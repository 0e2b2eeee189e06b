//! `cargo run --release --example weight_decay`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod weight_decay;

fn main() -> std::process::ExitCode {
    common::main::<weight_decay::Cli>()
}
