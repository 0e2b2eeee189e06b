//! `cargo run --release --example effective_parameters`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod effective_parameters;

fn main() -> std::process::ExitCode {
    common::main::<effective_parameters::Cli>()
}
