//! `cargo run --release --example label_noise`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod label_noise;

fn main() -> std::process::ExitCode {
    common::main::<label_noise::Cli>()
}
