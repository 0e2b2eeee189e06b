//! `cargo run --release --example more_data`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod more_data;

fn main() -> std::process::ExitCode {
    common::main::<more_data::Cli>()
}
