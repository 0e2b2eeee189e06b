//! `cargo run --release --example bias_variance`; what it shows stands in mod.rs.

#[path = "mod.rs"]
mod bias_variance;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<bias_variance::Cli>()
}
