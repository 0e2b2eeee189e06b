//! `cargo run --release --example splines`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod splines;

fn main() -> std::process::ExitCode {
    common::main::<splines::Cli>()
}
