//! `cargo run --release --example universality`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod universality;

fn main() -> std::process::ExitCode {
    common::main::<universality::Cli>()
}
