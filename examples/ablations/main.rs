//! `cargo run --release --example ablations`; see mod.rs for what it shows.

#[path = "mod.rs"]
mod ablations;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<ablations::Cli>()
}
