//! `cargo run --release --example label_noise`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod label_noise;

fn main() -> std::process::ExitCode {
    common::main::<label_noise::Cli>()
}
