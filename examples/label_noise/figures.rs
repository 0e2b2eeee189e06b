//! Errors on clean labels for each level of noise, with the theory of the squared errors.

use super::Cli;
use crate::common::figures::options;
use crate::common::images::Images;
use crate::common::{announce_theory, trimmed};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::StationaryKernel;
use double_descent::plot::{Figure, Overlay, study};
use double_descent::sweep::Sweep;
use double_descent::theory::drawn_features::DrawnFeatures;

pub fn errors(
    cli: &Cli,
    (images, sweep): (&Images, &Sweep),
    curve: &Curve,
    reached: &[Option<usize>],
) -> Result<Figure, Error> {
    let (error, rate) = ([Metric::TestMse], [Metric::TestErrorRate]);
    let n = usize::from(cli.samples);
    let kernel = StationaryKernel::Gaussian { gamma: images.gamma };
    let mut options = options(&cli.run);
    let tests = usize::from(cli.test_rows).min(images.test.len());
    announce_theory(&vec![n; cli.label_noise.len() * cli.repeats], tests);
    for &share in &cli.label_noise {
        let one = Sweep { parameter: Some(cli.wrong(images, vec![share])), ..sweep.clone() };
        let line = DrawnFeatures::line(one.drawn_features(&kernel, n, &())?, Some(1), 0.0, 0.0);
        options.theories.push(Overlay::new(line).of_arm("label_noise", Some(share)));
    }
    let mut figure = study::panels(curve, &[&error, &rate], &options).drawn()?;
    let noisiest = 100.0 * cli.label_noise.last().copied().unwrap_or(0.0);
    let words = match reached.last().copied().flatten() {
        Some(p) => format!("from p\u{a0}=\u{a0}{p} on, at {noisiest}\u{a0}% wrong labels"),
        None => "at none of these p".into(),
    };
    for panel in &mut figure.panels {
        panel.groups[0].heading = "Share of wrong training labels".into();
    }
    figure.caption.extend([format!(
        " One-hot labels, some of them wrong in training; test labels are clean. The effective model complexity, the \
         largest number of samples with a training error up to ε\u{a0}=\u{a0}{} in the mean over training sets, \
         reaches n\u{a0}=\u{a0}{n} {words}. Theory: means over draws of features that count as Gaussian variables of the covariance \
         of their kernel, in closed form from the kernel matrix of each training set.",
        trimmed(cli.epsilon)
    )]);
    let title = "Test error over model size, for several shares of wrong labels";
    Ok(figure.with_columns(2).with_width(1000.0).with_title(title))
}
