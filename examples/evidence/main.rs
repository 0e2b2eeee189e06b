//! `cargo run --release --example evidence`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod evidence;

fn main() -> std::process::ExitCode {
    common::main::<evidence::Cli>()
}
