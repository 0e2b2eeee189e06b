//! Features from the last layer of a network with random weights.

use super::arguments::{check_finite, check_inputs, check_outputs, checked_zeros};
use super::shape::check_design;
use super::{Activation, FeatureMap, Nonlinearity};
use crate::Error;
use crate::error::words::counted;
use crate::rng::{OfLayer, of_neuron};
use crate::svd::times_transposed;
use ndarray::{Array2, ArrayRef2, Axis, s};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::ops::Range;

/// Rows that go through all layers together, so that they stay in the cache.
const BLOCK: usize = 256;

/// Blocks are padded with zero rows to a multiple of this, so that a row's bits do not depend on the number of rows.
const MULTIPLE: usize = 16;

/// Neurons of the last layer are computed in blocks of this size, whatever is requested, so that a neuron's bits do not
/// depend on how many there are.
const NEURONS: usize = 64;

/// The largest number of neurons in a layer that can each have a random stream.
const MOST: u64 = 1 << 32;

/// A fully connected network with random weights: feature `k` is neuron `k` of its last layer.
///
/// ```text
/// h₀ = x,    h_l = a(c W_l h_{l−1} + b_l),    φ(x) = h_L      W_l (d_l × d_{l−1}), independent N(0, s_l² / d_{l−1})
/// s₁ = 1,    s_l = 1 / sd(a(z)) for l > 1,  z ~ N(0, 1)
/// ```
/// so that pre-activations have about the same variance in every layer. Layer `l` has `d_l` neurons, and `a` is the
/// [`Nonlinearity`]. `c = 1` unless [`with_weight_scale`](RandomNetwork::with_weight_scale) says otherwise, and `b = 0`
/// without [`with_biases`](RandomNetwork::with_biases). With one layer, `sizes = [d, p]`, these are random features
/// `a(w·x)`, `w ~ N(0, I/d)`, whose limit is [`WideLayer`](crate::kernel::WideLayer). The first `p` neurons of the last
/// layer do not depend, to the bit, on how many follow.
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, FeatureMap, RandomNetwork};
/// use ndarray::{array, s};
///
/// let network = RandomNetwork::seeded(Activation::Tanh, &[2, 16, 1_000_000], 0)?;
/// let inputs = array![[0.5, -1.0], [2.0, 0.1]];
/// let features = network.design(&inputs, 100)?;
/// assert!(features.iter().all(|v| v.abs() < 1.0));
/// assert_eq!(network.columns(&inputs, 90..100)?, features.slice(s![.., 90..]));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021, section 6 and
/// its code: 10 inputs, layers of 256, 256 and 256. Mei and Montanari, 2022, arXiv:1908.05355: one layer.
#[derive(Clone, Debug)]
pub struct RandomNetwork {
    activation: Nonlinearity,
    /// The weights of each hidden layer, `d_l × d_{l−1}`, a row for each neuron.
    hidden: Vec<Array2<f64>>,
    last: Last,
    weight_scale: f64,
    bias_deviation: f64,
    /// The biases of each layer, the last included; empty without biases.
    biases: Vec<Vec<f64>>,
}

/// The weights of the last layer.
#[derive(Clone, Debug)]
enum Last {
    /// `d_L × d_{L−1}`.
    Stored(Array2<f64>),
    /// Drawn neuron by neuron each time they are needed.
    Drawn { seed: u64, layer: usize, outputs: usize, inputs: usize, factor: f64 },
}

impl RandomNetwork {
    /// Draws the weights of a network with layers of `sizes` `[d₀, d₁, …, d_L]` (inputs, hidden layers, outputs), layer
    /// by layer and neuron by neuron.
    ///
    /// # Errors
    /// [`Error::Empty`] for fewer than two sizes or one that is 0, [`Error::Memory`] if a layer does not fit
    /// into memory.
    pub fn new(
        activation: impl Into<Nonlinearity>,
        sizes: &[usize],
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        let activation = activation.into();
        let (inputs, outputs, before) = ends(sizes)?;
        let mut draw = |layer, outputs, inputs| {
            let mut weights = crate::machine::memory::zeros("a layer of a network", outputs, inputs)?;
            let factor = deviation(&activation, layer, inputs);
            weights.iter_mut().for_each(|w| *w = factor * rng.sample::<f64, _>(StandardNormal));
            Ok::<_, Error>(weights)
        };
        let pairs = before.windows(2).enumerate();
        let hidden =
            pairs.map(|(layer, pair)| draw(layer, pair[1], pair[0])).collect::<Result<Vec<_>, Error>>()?;
        let last = Last::Stored(draw(hidden.len(), outputs, inputs)?);
        Ok(Self { activation, hidden, last, weight_scale: 1.0, bias_deviation: 0.0, biases: Vec::new() })
    }

    /// Makes a network with layers of `sizes` `[d₀, d₁, …, d_L]`. Each neuron has its own random stream, determined by
    /// `(seed, layer, neuron)`. The weights of the last layer are not stored but drawn when needed, so it may be as
    /// wide as you like.
    ///
    /// # Errors
    /// [`Error::Empty`] for fewer than two sizes or one that is 0, [`Error::Memory`] if a hidden layer does not
    /// fit into memory, [`Error::Resource`] for more than 2³² neurons in a layer.
    pub fn seeded(activation: impl Into<Nonlinearity>, sizes: &[usize], seed: u64) -> Result<Self, Error> {
        let activation = activation.into();
        let (inputs, outputs, before) = ends(sizes)?;
        if sizes[1..].iter().any(|&size| size as u64 > MOST) {
            return Err(Error::Resource { reason: "a layer of a network has more than 2^32 neurons".into() });
        }
        let draw = |(layer, pair): (usize, &[usize])| {
            let mut weights = crate::machine::memory::zeros("a layer of a network", pair[1], pair[0])?;
            let factor = deviation(&activation, layer, pair[0]);
            for (neuron, mut row) in weights.rows_mut().into_iter().enumerate() {
                write_neuron(seed, layer, neuron, factor, row.as_slice_mut().unwrap_or_default());
            }
            Ok(weights)
        };
        let hidden = before.windows(2).enumerate().map(draw).collect::<Result<Vec<_>, Error>>()?;
        let layer = hidden.len();
        let factor = deviation(&activation, layer, inputs);
        let last = Last::Drawn { seed, layer, outputs, inputs, factor };
        Ok(Self { activation, hidden, last, weight_scale: 1.0, bias_deviation: 0.0, biases: Vec::new() })
    }

    /// Multiplies all weights by `scale` (`c`). A second call multiplies them again.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the scale, and its product with earlier ones, is finite and > 0.
    pub fn with_weight_scale(mut self, scale: f64) -> Result<Self, Error> {
        let total = self.weight_scale * scale;
        if let Some(&value) = [scale, total].iter().find(|&&scale| !(scale > 0.0 && scale.is_finite())) {
            return Err(Error::Domain { what: "the scale of the weights", value, must_be: "finite and > 0" });
        }
        let times = |weights: &mut Array2<f64>| weights.mapv_inplace(|w| w * scale);
        self.hidden.iter_mut().for_each(times);
        match &mut self.last {
            Last::Stored(weights) => times(weights),
            Last::Drawn { factor, .. } => *factor *= scale,
        }
        self.weight_scale = total;
        Ok(self)
    }

    /// Adds biases `b ~ N(0, deviation²)` in every layer, or replaces those of an earlier call. Each has its own random
    /// stream, determined by `(seed, layer, neuron)` and different from the streams of the weights, whatever the seed.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the deviation is finite and ≥ 0, [`Error::Memory`] if the biases do not fit into
    /// memory.
    pub fn with_biases(mut self, deviation: f64, seed: u64) -> Result<Self, Error> {
        if !(deviation >= 0.0 && deviation.is_finite()) {
            let what = "the deviation of the biases";
            return Err(Error::Domain { what, value: deviation, must_be: "finite and ≥ 0" });
        }
        let sizes = self.hidden.iter().map(Array2::nrows).chain([self.outputs()]);
        let draw = |(layer, size)| {
            let mut biases =
                crate::machine::memory::zeros("the biases of a layer", 1, size)?.into_raw_vec_and_offset().0;
            for (neuron, bias) in biases.iter_mut().enumerate() {
                let mut rng = of_neuron(seed, (layer, OfLayer::Biases), neuron);
                *bias = deviation * rng.sample::<f64, _>(StandardNormal);
            }
            Ok(biases)
        };
        self.biases = sizes.enumerate().map(draw).collect::<Result<_, Error>>()?;
        self.bias_deviation = deviation;
        Ok(self)
    }

    /// The number of neurons in the last layer: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match &self.last {
            Last::Stored(weights) => weights.nrows(),
            Last::Drawn { outputs, .. } => *outputs,
        }
    }

    /// For a network of one layer with a named activation: the activation and the deviations of weights and biases.
    pub(crate) fn one_layer(&self) -> Option<(Activation, f64, f64)> {
        let inputs = self.hidden.is_empty().then(|| self.last_inputs())?;
        let weights = self.weight_scale * deviation(&self.activation, 0, inputs);
        Some((self.activation.activation()?, weights, self.bias_deviation))
    }

    /// Describes the activation and the layers in words.
    pub(crate) fn describe_layers(&self) -> String {
        let sizes = self.hidden.iter().map(Array2::nrows).chain([self.outputs()]);
        let sizes: Vec<String> = sizes.map(|size| size.to_string()).collect();
        let (name, inputs) = (self.activation.name(), counted(self.input_dimension(), "input"));
        format!("random {name} networks, {inputs}, layers of {}", sizes.join(", "))
    }

    /// `d_{L−1}`.
    fn last_inputs(&self) -> usize {
        match &self.last {
            Last::Stored(weights) => weights.ncols(),
            Last::Drawn { inputs, .. } => *inputs,
        }
    }

    /// Computes `h_{L−1}` for all inputs, row-major: `n × d_{L−1}`.
    fn before_last(&self, inputs: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let mut hidden =
            crate::machine::memory::zeros("a layer's values", inputs.nrows(), self.last_inputs())?;
        let blocks = inputs.axis_chunks_iter(Axis(0), BLOCK).zip(hidden.axis_chunks_iter_mut(Axis(0), BLOCK));
        // Kept from block to block: allocating memory costs more than a small layer.
        let (mut values, mut next) = (Vec::new(), Vec::new());
        for (inputs, mut hidden) in blocks {
            pad(&inputs, &mut values);
            for (layer, weights) in self.hidden.iter().enumerate() {
                let biases = self.biases.get(layer).map(Vec::as_slice);
                let own = weights.as_slice().unwrap_or_default();
                self.layer(&values, own, biases, weights.dim(), &mut next)?;
                std::mem::swap(&mut values, &mut next);
            }
            hidden.iter_mut().zip(&values).for_each(|(to, from)| *to = *from);
        }
        Ok(hidden)
    }

    /// Computes `a(W h + b)` for rows `h` and replaces the contents of `next` by it.
    fn layer(
        &self,
        values: &[f64],
        weights: &[f64],
        biases: Option<&[f64]>,
        (outputs, inputs): (usize, usize),
        next: &mut Vec<f64>,
    ) -> Result<(), Error> {
        let rows = values.len() / inputs;
        next.clear();
        next.resize(rows * outputs, 0.0);
        times_transposed(values, weights, next, (rows, outputs, inputs));
        if let Some(biases) = biases {
            for row in next.chunks_exact_mut(outputs) {
                row.iter_mut().zip(biases).for_each(|(value, bias)| *value += bias);
            }
        }
        self.activation.call(next)
    }

    /// Writes some neurons of the last layer; `inputs` must have been checked.
    fn write(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        let hidden = self.before_last(inputs)?;
        let biases = self.biases.last().map(Vec::as_slice);
        let mut first = columns.start / NEURONS * NEURONS;
        let (mut inputs, mut values) = (Vec::new(), Vec::new());
        while first < columns.end {
            let weights = self.last_weights(first);
            let biases = biases.map(|biases| &biases[first..]);
            let (from, to) = (first.max(columns.start), columns.end.min(first + NEURONS));
            let into = s![.., from - columns.start..to - columns.start];
            let mut design = design.slice_mut(into);
            let blocks =
                hidden.axis_chunks_iter(Axis(0), BLOCK).zip(design.axis_chunks_iter_mut(Axis(0), BLOCK));
            for (hidden, mut features) in blocks {
                pad(&hidden, &mut inputs);
                self.layer(&inputs, &weights, biases, (NEURONS, hidden.ncols()), &mut values)?;
                for (mut to_row, row) in features.rows_mut().into_iter().zip(values.chunks_exact(NEURONS)) {
                    to_row.iter_mut().zip(&row[from - first..to - first]).for_each(|(to, from)| *to = *from);
                }
            }
            first += NEURONS;
        }
        self.activation.check(design)?;
        check_finite(design, "a feature of a random network")
    }

    /// The weights of `NEURONS` neurons of the last layer from `first` on; zeros after the last neuron.
    fn last_weights(&self, first: usize) -> Vec<f64> {
        let width = self.last_inputs();
        let mut block = vec![0.0; NEURONS * width];
        let neurons = first..self.outputs().min(first + NEURONS);
        match &self.last {
            Last::Stored(weights) => {
                block.iter_mut().zip(&weights.slice(s![neurons, ..])).for_each(|(to, from)| *to = *from);
            }
            Last::Drawn { seed, layer, factor, .. } => {
                for (neuron, row) in neurons.zip(block.chunks_exact_mut(width)) {
                    write_neuron(*seed, *layer, neuron, *factor, row);
                }
            }
        }
        block
    }
}

/// Splits `sizes` into the inputs of the last layer, its outputs and all sizes before the outputs:
/// `(d_{L−1}, d_L, [d₀, …, d_{L−1}])`.
fn ends(sizes: &[usize]) -> Result<(usize, usize, &[usize]), Error> {
    match sizes {
        [before @ .., outputs] if before.last().is_some() && !sizes.contains(&0) => {
            Ok((before[before.len() - 1], *outputs, before))
        }
        [_, _, ..] => Err(Error::Empty { what: "a layer of the network, or its list of inputs" }),
        _ => Err(Error::Empty { what: "the list of layers after the inputs of the network" }),
    }
}

/// The standard deviation of a layer's weights, `s_l / √d_{l−1}`; layers are counted from 0.
fn deviation(activation: &Nonlinearity, layer: usize, inputs: usize) -> f64 {
    let scale = if layer == 0 { 1.0 } else { activation.deviation().recip() };
    scale / (inputs as f64).sqrt()
}

/// Draws the weights of one neuron.
fn write_neuron(seed: u64, layer: usize, neuron: usize, factor: f64, weights: &mut [f64]) {
    let mut rng = of_neuron(seed, (layer, OfLayer::Weights), neuron);
    weights.fill_with(|| factor * rng.sample::<f64, _>(StandardNormal));
}

/// Copies `rows` into `values` in place of its contents, padded with zero rows to a multiple of [`MULTIPLE`].
fn pad(rows: &ArrayRef2<f64>, values: &mut Vec<f64>) {
    values.clear();
    values.resize(rows.nrows().next_multiple_of(MULTIPLE) * rows.ncols(), 0.0);
    values.iter_mut().zip(rows).for_each(|(to, from)| *to = *from);
}

impl FeatureMap for RandomNetwork {
    fn input_dimension(&self) -> usize {
        self.hidden.first().map_or_else(|| self.last_inputs(), Array2::ncols)
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d₀)` → the first `p` neurons of the last layer, `(n, p)`. [`Error::Shape`] for `p` over
    /// [`RandomNetwork::outputs`], [`Error::UserCode`] if your own activation panics or makes a feature that is not
    /// finite.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    /// Computes only these neurons of the last layer, in `2 n (Σ d_l d_{l−1} + (columns) d_{L−1})` flops.
    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), columns.end)?;
        let mut design = checked_zeros(self, inputs, columns.len())?;
        self.write(inputs, columns, &mut design)?;
        Ok(design)
    }

    /// Writes directly into `design`.
    fn write_columns(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        check_design(inputs, &columns, design)?;
        check_outputs(self.outputs(), columns.end)?;
        check_inputs(self, inputs, columns.len())?;
        self.write(inputs, columns, design)
    }

    /// That of the weights, for [`RandomNetwork::seeded`].
    fn seed(&self) -> Option<u64> {
        match self.last {
            Last::Stored(_) => None,
            Last::Drawn { seed, .. } => Some(seed),
        }
    }

    fn describe(&self) -> String {
        let unless = |usual: f64, value: f64, what: &str| {
            if value == usual { String::new() } else { format!(", {what} {value}") }
        };
        self.describe_layers()
            + &unless(1.0, self.weight_scale, "weights times")
            + &unless(0.0, self.bias_deviation, "biases of standard deviation")
    }
}
