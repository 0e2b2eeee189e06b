//! What the site needs beyond the studies: the frames of its page with sliders, closed-form analogues of the figures of
//! *Deep double descent*, and a link check. `docs/build` runs it:
//!
//! ```sh
//! cargo run --example site -- figures FOLDER # SVG figures
//! cargo run --example site -- frames FILE    # the sliders' data, JavaScript
//! cargo run --example site -- links FOLDER   # of the site as it was built
//! ```

#![allow(clippy::cast_precision_loss)] // counts of rows and columns

mod deep;
mod frames;
mod links;
mod plain;

use double_descent::Error;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["figures", folder] => figures(Path::new(folder)),
        ["frames", file] => frames::write(Path::new(file)),
        ["links", folder] => return links::check(Path::new(folder)),
        _ => {
            eprintln!("usage: site figures FOLDER | frames FILE | links FOLDER");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn figures(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
    for (name, figure) in deep::figures()?.into_iter().chain(plain::figures()?) {
        figure.save(folder.join(format!("{name}.svg")))?;
        println!("{name}");
    }
    Ok(())
}
