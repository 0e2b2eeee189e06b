//! `cargo run --release --example diagnose`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod diagnose;

fn main() -> std::process::ExitCode {
    common::main::<diagnose::Cli>()
}
