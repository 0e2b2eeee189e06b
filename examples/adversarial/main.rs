//! `cargo run --release --example adversarial`; see mod.rs for what it shows.

#[path = "mod.rs"]
mod adversarial;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<adversarial::Cli>()
}
