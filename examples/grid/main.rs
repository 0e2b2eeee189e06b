//! `cargo run --release --example grid`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod grid;

fn main() -> std::process::ExitCode {
    common::main::<grid::Cli>()
}
