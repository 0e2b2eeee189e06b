//! `cargo run --release --example sgd`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod sgd;

fn main() -> std::process::ExitCode {
    common::main::<sgd::Cli>()
}
