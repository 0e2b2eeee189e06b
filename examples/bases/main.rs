//! `cargo run --release --example bases`; see mod.rs for what it shows.

#[path = "mod.rs"]
mod bases;
#[path = "../common/mod.rs"]
mod common;

fn main() -> std::process::ExitCode {
    common::main::<bases::Cli>()
}
