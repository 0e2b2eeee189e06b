//! `cargo run --release --example polynomial`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod polynomial;

fn main() -> std::process::ExitCode {
    common::main::<polynomial::Cli>()
}
