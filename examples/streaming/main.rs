//! `cargo run --release --example streaming`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod streaming;

fn main() -> std::process::ExitCode {
    common::main::<streaming::Cli>()
}
