//! `cargo run --release --example bias_variance`; see mod.rs for what it shows.

#[path = "mod.rs"]
mod bias_variance;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<bias_variance::Cli>()
}
