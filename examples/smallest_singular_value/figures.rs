//! The smallest singular value over n for three features and for p independent ones with its laws, and the rows
//! themselves.

use super::mixing;
use crate::common::RunArgs;
use crate::common::figures::{options, save as save_all};
use crate::common::flags::Failure;
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::plot::{FigureOptions, Overlay, study};
use double_descent::rng::normal;
use double_descent::svd::Svd;
use double_descent::theory::TheoryLine;
use std::path::Path;

const COVARIANCE: &str = "((23,\u{a0}9,\u{a0}4), (9,\u{a0}6,\u{a0}2), (4,\u{a0}2,\u{a0}5))";

/// The curve without its estimator: nothing is fitted here, so captions name none.
fn unfitted(curve: &Curve) -> Curve {
    let mut curve = curve.clone();
    curve.provenance.estimator.clear();
    curve
}

pub fn save(args: &RunArgs, folder: &Path, correlated: &Curve, isotropic: &[Curve]) -> Result<(), Failure> {
    if args.no_figures {
        return Ok(());
    }
    let options: FigureOptions = options(args);
    // With many rows, the singular values are those of the covariance.
    let deviation = Svd::new(&mixing())?.smallest_nonzero().unwrap_or(0.0);
    let theory =
        TheoryLine::new("√n × smallest standard deviation, many rows", "law of large numbers", move |n| {
            let must_be = "at least the features";
            if n < 3.0 {
                Err(Error::Domain { what: "rows", value: n, must_be })
            } else {
                Ok(deviation * n.sqrt())
            }
        });
    let theory = Overlay::new(theory).of_metric(Metric::SmallestSingularValue);
    let with = options.clone().with_theory(theory);
    let mut covariance =
        study::panels(&unfitted(correlated), &[&[Metric::SmallestSingularValue]], &with).drawn()?;
    covariance.caption.extend([format!(
        " Rows are from the three-dimensional Gaussian of mean 0 and covariance {COVARIANCE}, drawn anew for each n. Up to n\u{a0}=\u{a0}p a further row brings a further singular \
         value, no larger than the smallest before it; beyond n\u{a0}=\u{a0}p it can only raise the smallest of the p there \
         are (interlacing).",
    )]);
    let mut laws = study::isotropic(&isotropic.iter().map(unfitted).collect::<Vec<_>>(), &options).drawn()?;
    laws.caption.push_str(
        " Dots and bars: median and quartiles of the exact laws at n\u{a0}=\u{a0}p and n\u{a0}=\u{a0}p\u{a0}±\u{a0}1, for \
         each p.",
    );
    let rows = normal(args.seed, (100, 3), 0)?.dot(&mixing());
    let mut directions = study::directions(&rows, &[1, 2, 3, 4, 10, 50]).drawn()?;
    directions.caption.extend([format!(
        " Rows are from the Gaussian of mean 0 and covariance {COVARIANCE}, seed {}.",
        args.seed
    )]);
    let figures = [
        ("covariance", covariance.with_title("Smallest singular value over n, correlated columns")),
        ("isotropic", laws.with_title("Smallest singular value over n, for several p")),
        ("directions", directions.with_title("Directions that the rows span, from n = 1 to 50")),
    ];
    Ok(save_all(&args.print, folder, figures)?)
}
