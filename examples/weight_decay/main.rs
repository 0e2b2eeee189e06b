//! `cargo run --release --example weight_decay`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod weight_decay;

fn main() -> std::process::ExitCode {
    common::main::<weight_decay::Cli>()
}
