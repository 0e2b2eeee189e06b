//! Feature laws by name, from a paper on the noise term (Holzmüller 2021).

use double_descent::features::{Activation, NetworkTangent, PolynomialKernel, RandomFourier, RandomNetwork};
use double_descent::sweep::{Designs, NoiseTerms};
use rand::RngExt;

const ACTIVATIONS: [Activation; 7] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Gelu,
    Activation::Softplus,
    Activation::Relu,
    Activation::Selu,
    Activation::Elu,
];

/// A feature law, with its name on the command line and in file names.
#[derive(Clone, Debug)]
pub struct Law {
    pub name: String,
    /// The activation, for a random network.
    pub activation: Option<Activation>,
    /// The noise terms over n and over p.
    pub terms: NoiseTerms,
}

/// All feature laws: curves over n at p = `fixed` and over p at n = `fixed`, up to `largest`. Laws of fixed dimension
/// have their own p. Σ of a random network is estimated from `draws` inputs.
pub fn all(seed: u64, draws: usize, (fixed, largest): (usize, usize)) -> Vec<Law> {
    let of = |name: &str, designs, features: usize, largest_features: usize| {
        let (samples, largest_samples) = (fixed, largest);
        let terms = NoiseTerms { designs, seed, features, samples, largest_samples, largest_features };
        Law { name: name.into(), activation: None, terms }
    };
    let network = |activation: Activation| {
        let map = move |p: usize, rng: &mut _| RandomNetwork::new(activation, &[10, 256, 256, p], rng);
        let name = activation.name().to_lowercase();
        Law { activation: Some(activation), ..of(&name, Designs::of_maps(10, draws, map), fixed, largest) }
    };
    // As in the paper, there is no curve over p, because the order of these features has no meaning.
    let tangent = |activation: Activation| {
        let map = move |_: usize, rng: &mut _| NetworkTangent::new(activation, 4, 6, rng);
        let name = format!("tangent-{}", activation.name().to_lowercase());
        Law { activation: Some(activation), ..of(&name, Designs::of_maps(4, draws, map), 30, 0) }
    };
    let fourier = Designs::of_known(10, |p, rng| {
        let map = RandomFourier::gaussian(10, p, 0.5, rng.random())?;
        let covariance = map.gaussian_covariance()?;
        Ok((map, covariance))
    });
    let polynomial = Designs::of_known(3, |_, _| {
        let map = PolynomialKernel::new(3, 4, 1.0)?;
        let covariance = map.gaussian_covariance()?;
        Ok((map, covariance))
    });
    let drawn = [("gaussian", Designs::gaussian()), ("sphere", Designs::sphere())];
    let mut all: Vec<Law> = drawn.map(|(name, designs)| of(name, designs, fixed, largest)).into();
    all.extend(ACTIVATIONS.map(network));
    all.push(of("fourier", fourier, fixed, largest));
    all.push(of("polynomial", polynomial, 35, largest.min(35)));
    all.extend(ACTIVATIONS.map(tangent));
    all
}
