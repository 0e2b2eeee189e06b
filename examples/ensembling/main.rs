//! `cargo run --release --example ensembling`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod ensembling;

fn main() -> std::process::ExitCode {
    common::main::<ensembling::Cli>()
}
