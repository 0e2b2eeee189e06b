//! `cargo run --release --example sgd`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod sgd;

fn main() -> std::process::ExitCode {
    common::main::<sgd::Cli>()
}
