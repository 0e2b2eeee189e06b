//! `cargo run --release --example smallest_singular_value`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod smallest_singular_value;

fn main() -> std::process::ExitCode {
    common::main::<smallest_singular_value::Cli>()
}
