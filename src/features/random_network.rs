//! The last layer of a network with random weights.

use super::{Activation, FeatureMap, checked_zeros};
use crate::Error;
use crate::svd::times_transposed;
use ndarray::{Array2, ArrayRef2, Axis};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Rows that go through all layers at once: they stay in the cache.
const BLOCK: usize = 256;

/// Blocks are filled up with zeros to a multiple of this: a row's bits then do not depend on how many there are.
const MULTIPLE: usize = 16;

/// A fully connected network without biases, at random weights: feature `k` is neuron `k` of its last layer.
///
/// ```text
/// h₀ = x,    h_l = a(W_l h_{l−1}),    φ(x) = h_L      W_l (d_l × d_{l−1}), independent N(0, s_l² / d_{l−1})
/// s₁ = 1,    s_l = 1 / sd(a(z)) for l > 1,  z ~ N(0, 1)
/// ```
/// so that pre-activations vary about as much in every layer. Weights are drawn layer by layer and neuron by
/// neuron: the first `p` neurons of the last layer do not depend on how many follow.
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, FeatureMap, RandomNetwork};
/// use double_descent::rng::stream;
/// use ndarray::array;
///
/// let network = RandomNetwork::new(Activation::Tanh, &[2, 16, 16, 8], &mut stream(0, 0, 0))?;
/// let features = network.design(&array![[0.5, -1.0], [2.0, 0.1]], 8)?;
/// assert_eq!(features.dim(), (2, 8));
/// assert!(features.iter().all(|v| v.abs() < 1.0));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021, section 6 and
/// its code: 10 inputs, layers of 256, 256 and 256.
#[derive(Clone, Debug)]
pub struct RandomNetwork {
    activation: Activation,
    /// Layer by layer, `d_l × d_{l−1}`, a row for each neuron.
    weights: Vec<Array2<f64>>,
}

impl RandomNetwork {
    /// Draws the weights of a network of `sizes` `[d₀, d₁, …, d_L]`: inputs, hidden layers, outputs.
    ///
    /// # Errors
    /// [`Error::Empty`] for fewer than two sizes or one that is 0, [`Error::Resource`] if a layer does not fit
    /// into memory.
    pub fn new(activation: Activation, sizes: &[usize], rng: &mut impl Rng) -> Result<Self, Error> {
        if sizes.len() < 2 || sizes.contains(&0) {
            return Err(Error::Empty { what: "the network: it needs an input and a layer, whose size" });
        }
        let mut scale = 1.0;
        let mut weights = Vec::with_capacity(sizes.len() - 1);
        for pair in sizes.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let factor = scale / (inputs as f64).sqrt();
            let mut layer = super::zeros("a layer of a network", outputs, inputs)?;
            layer.iter_mut().for_each(|w| *w = factor * rng.sample::<f64, _>(StandardNormal));
            weights.push(layer);
            scale = activation.deviation().recip();
        }
        Ok(Self { activation, weights })
    }

    /// Neurons of the last layer: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weights.last().map_or(0, Array2::nrows)
    }

    /// Writes `h_l = a(W_l h_{l−1})`, `rows` of them.
    fn layer(&self, layer: &Array2<f64>, values: &[f64], rows: usize, into: &mut [f64]) {
        let (outputs, inputs) = layer.dim();
        let weights = layer.as_slice().unwrap_or_default();
        times_transposed(&values[..rows * inputs], weights, into, (rows, outputs, inputs));
        self.activation.apply(into);
    }
}

impl FeatureMap for RandomNetwork {
    fn input_dimension(&self) -> usize {
        self.weights.first().map_or(0, Array2::ncols)
    }

    /// `inputs` `(n, d₀)` → the first `p` neurons of the last layer, `(n, p)`. All neurons are computed, whatever
    /// `p`: `2 n Σ d_l d_{l−1}` flops. [`Error::Shape`] for `p` over [`RandomNetwork::outputs`].
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        if p > self.outputs() {
            return Err(Error::Shape { what: "features", expected: self.outputs(), found: p });
        }
        let mut design = checked_zeros(self, inputs, p)?;
        let widest = self.weights.iter().map(|layer| layer.nrows().max(layer.ncols())).max().unwrap_or(0);
        let length = BLOCK.min(inputs.nrows().next_multiple_of(MULTIPLE)) * widest;
        let (mut values, mut next) = (vec![0.0; length], vec![0.0; length]);
        let blocks = inputs.axis_chunks_iter(Axis(0), BLOCK);
        let features = design.as_slice_mut().unwrap_or_default().chunks_mut(BLOCK * p);
        for (inputs, features) in blocks.zip(features) {
            let rows = inputs.nrows().next_multiple_of(MULTIPLE);
            values[inputs.len()..rows * inputs.ncols()].fill(0.0);
            values.iter_mut().zip(inputs).for_each(|(to, from)| *to = *from);
            for layer in &self.weights {
                self.layer(layer, &values, rows, &mut next[..rows * layer.nrows()]);
                std::mem::swap(&mut values, &mut next);
            }
            for (to, from) in features.chunks_exact_mut(p).zip(values.chunks_exact(self.outputs())) {
                to.copy_from_slice(&from[..p]);
            }
        }
        match Error::check_finite("the features", design.view()) {
            Ok(()) => Ok(design),
            Err(_) => Err(Error::Overflow { what: "a feature of a random network" }),
        }
    }

    fn describe(&self) -> String {
        let sizes: Vec<String> = self.weights.iter().map(|layer| layer.nrows().to_string()).collect();
        format!(
            "random {} networks, {} inputs, layers of {}",
            self.activation.name(),
            self.input_dimension(),
            sizes.join(", ")
        )
    }
}
