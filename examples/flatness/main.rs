//! `cargo run --release --example flatness`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod flatness;

fn main() -> std::process::ExitCode {
    common::main::<flatness::Cli>()
}
