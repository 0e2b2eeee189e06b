//! `cargo run --release --example epochs`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod epochs;

fn main() -> std::process::ExitCode {
    common::main::<epochs::Cli>()
}
