//! `cargo run --release --example effective_parameters`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod effective_parameters;

fn main() -> std::process::ExitCode {
    common::main::<effective_parameters::Cli>()
}
