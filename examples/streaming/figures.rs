//! Training and test error over n.

use super::Cli;
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::plot::{Abscissa, Figure, FigureOptions, study};

/// Describes the rows.
pub fn data(cli: &Cli) -> String {
    match &cli.from {
        Some(path) => format!("the rows of {}", path.display()),
        None => format!(
            "standard normal rows, a linear teacher of norm 1, noise of standard deviation {}",
            cli.noise
        ),
    }
}

pub fn errors(curve: &Curve) -> Result<Figure, Error> {
    let options = FigureOptions { abscissa: Abscissa::Axis, ..FigureOptions::default() };
    Ok(study::each_arm(curve, &[0], &options).drawn()?.with_title("Every n from one pass over the rows"))
}
