//! Sources of synthetic targets.

use double_descent::Error;
use double_descent::features::{Activation, FeatureMap, RandomNetwork};
use double_descent::rng::stream;
use double_descent::sweep::{Draw, Source, TestOn};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

/// Normal inputs with the output of a random tanh network as the target. The network is new for each repeat, and
/// training targets have noise of the given deviation; `rows` are the numbers of training and test rows.
pub fn network(inputs: usize, rows: (usize, usize), noise: f64, seed: u64) -> Source {
    let name = format!(
        "a random tanh network of {inputs} standard normal inputs, label noise of standard deviation {noise}"
    );
    Source::drawn(name, move |repeat| draw(seed, repeat, (inputs, rows), noise))
}

/// Draws a repeat; the target has mean square 1 on the test rows.
#[allow(clippy::cast_precision_loss)] // counts of rows
fn draw(
    seed: u64,
    repeat: usize,
    (inputs, (n, tests)): (usize, (usize, usize)),
    noise: f64,
) -> Result<Draw, Error> {
    let mut rng = stream(seed, 0, repeat);
    let network = RandomNetwork::new(Activation::Tanh, &[inputs, 30, 1], &mut rng)?;
    let mut normal = |rows, columns| {
        Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
    };
    let (inputs, test) = (normal(n, inputs), normal(tests, inputs));
    let noise = normal(n, 1) * noise;
    let truth = network.design(&test, 1)?;
    let scale = (truth.iter().map(|y| y * y).sum::<f64>() / tests as f64).sqrt().recip();
    let targets = network.design(&inputs, 1)? * scale + noise;
    Ok(Draw { inputs, targets, test: TestOn::Rows { inputs: test, targets: truth * scale } })
}
