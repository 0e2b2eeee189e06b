//! `cargo run --release --example adversarial`; what it shows stands in mod.rs.

#[path = "mod.rs"]
mod adversarial;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<adversarial::Cli>()
}
