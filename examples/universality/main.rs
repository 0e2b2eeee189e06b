//! `cargo run --release --example universality`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod universality;

fn main() -> std::process::ExitCode {
    common::main::<universality::Cli>()
}
