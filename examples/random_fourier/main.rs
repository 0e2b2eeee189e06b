//! `cargo run --release --example random_fourier`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod random_fourier;

fn main() -> std::process::ExitCode {
    common::main::<random_fourier::Cli>()
}
