//! Errors over p, and fits to one training set.

use super::{Cli, WAVE};
use crate::common::figures::options;
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::plot::{Figure, study};
use double_descent::sweep::Sweep;

/// Training and test error over p, with the threshold p = n; one panel per basis.
pub fn errors(cli: &Cli, curve: &Curve) -> Result<Figure, Error> {
    let arms: Vec<usize> = (0..curve.arms.len()).collect();
    let mut figure = study::each_arm(curve, &arms, &options(&cli.run)).drawn()?;
    figure.caption.push_str(
        " Targets are without noise, test errors on \
         1000 equally spaced points of [−1,\u{a0}1].",
    );
    let figure = figure.with_title("Errors of polynomial regression over the number of features");
    Ok(if arms.len() == 1 { figure } else { figure.with_columns(3).with_width(1140.0).with_aspect(0.9) })
}

/// Fits to one training set, one panel per p.
pub fn fits(n: usize, first: usize, sweep: &Sweep) -> Result<Figure, Error> {
    let largest = sweep.features.iter().copied().max().unwrap_or(1);
    let mut sizes = vec![1, n / 3, 2 * n / 3, n, 4 * n / 3, 2 * n, 10 * n / 3, largest];
    sizes.retain(|&p| (1..=largest).contains(&p));
    sizes.sort_unstable();
    sizes.dedup();
    let mut figure = study::fits(&[("", sweep)], 0, &sizes, &WAVE.truth((-4.0, 4.0))).drawn()?;
    figure.caption.extend([format!(
        " All are to one training set, the first that is drawn for p\u{a0}=\u{a0}{first}."
    )]);
    Ok(figure.with_title("Fits to one training set, for several p"))
}
