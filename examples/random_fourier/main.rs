//! `cargo run --release --example random_fourier`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod random_fourier;

fn main() -> std::process::ExitCode {
    common::main::<random_fourier::Cli>()
}
