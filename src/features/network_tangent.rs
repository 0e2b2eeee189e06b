//! Tangent features: derivatives of a random network with respect to its weights.

use super::{Activation, FeatureMap, check_outputs, checked_zeros, finite};
use crate::Error;
use crate::error::words::counted;
use ndarray::{Array2, ArrayRef2};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// The tangent features of a random network with one hidden layer: the derivatives of its output with respect to the
/// weights, at the drawn weights.
///
/// ```text
/// f(x) = s/√h Σⱼ vⱼ a(wⱼ·x/√d),    s = 1 / sd(a(z)),    w, v independent N(0, 1)
/// φ(x) = (∂f/∂w₁₁, …, ∂f/∂w_hd, ∂f/∂v₁, …, ∂f/∂v_h),    h (d + 1) features
/// ```
/// For `ReLU` networks the features are linearly dependent: `wⱼ·∂f/∂wⱼ = vⱼ ∂f/∂vⱼ`.
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, FeatureMap, NetworkTangent};
/// use double_descent::rng::stream;
/// use ndarray::array;
///
/// let tangent = NetworkTangent::new(Activation::Elu, 4, 6, &mut stream(0, 0, 0))?;
/// assert_eq!(tangent.design(&array![[1.0, 0.0, -1.0, 2.0]], 30)?.dim(), (1, 30));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Jacot, Gabriel and Hongler, *Neural tangent kernel*, 2018, arXiv:1806.07572; Holzmüller, ICLR 2021, appendix: 4
/// inputs and 6 hidden neurons, 30 features.
#[derive(Clone, Debug)]
pub struct NetworkTangent {
    activation: Activation,
    /// `h × d`.
    hidden: Array2<f64>,
    /// `h`.
    output: Vec<f64>,
}

impl NetworkTangent {
    /// Draws the weights of a network with `inputs` (`d`) inputs and one hidden layer of `width` (`h`) neurons.
    ///
    /// # Errors
    /// [`Error::Empty`] if either is 0, [`Error::Memory`] if the layer does not fit into memory.
    pub fn new(
        activation: Activation,
        inputs: usize,
        width: usize,
        rng: &mut impl Rng,
    ) -> Result<Self, Error> {
        if inputs == 0 || width == 0 {
            return Err(Error::Empty { what: "the layer of the network, or its list of inputs" });
        }
        let mut hidden = crate::machine::memory::zeros("a layer of a network", width, inputs)?;
        hidden.iter_mut().for_each(|w| *w = rng.sample(StandardNormal));
        let output = (0..width).map(|_| rng.sample(StandardNormal)).collect();
        Ok(Self { activation, hidden, output })
    }

    /// The number of features, `h (d + 1)`: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.hidden.len() + self.output.len()
    }
}

impl FeatureMap for NetworkTangent {
    fn input_dimension(&self) -> usize {
        self.hidden.ncols()
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d)` → the first `p` derivatives, `(n, p)`. [`Error::Shape`] for `p` over
    /// [`NetworkTangent::outputs`].
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), p)?;
        let mut design = checked_zeros(self, inputs, p)?;
        let (width, d) = self.hidden.dim();
        let root = (d as f64).sqrt();
        let last = (self.activation.deviation() * (width as f64).sqrt()).recip();
        for (x, mut row) in inputs.rows().into_iter().zip(design.rows_mut()) {
            let mut features = Vec::with_capacity(self.outputs());
            // Summed row by row, so that a row's bits depend on nothing else.
            let sums: Vec<f64> = self
                .hidden
                .rows()
                .into_iter()
                .map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() / root)
                .collect();
            for (sum, v) in sums.iter().zip(&self.output) {
                let factor = last * v * self.activation.slope(*sum) / root;
                features.extend(x.iter().map(|x| factor * x));
            }
            let mut values = sums;
            self.activation.apply(&mut values);
            features.extend(values.iter().map(|value| last * value));
            row.iter_mut().zip(features).for_each(|(to, from)| *to = from);
        }
        finite(design, "a tangent feature")
    }

    fn describe(&self) -> String {
        let (width, inputs) = self.hidden.dim();
        let (inputs, neurons) = (counted(inputs, "input"), counted(width, "neuron"));
        format!("tangent features of random {} networks, {inputs}, {neurons}", self.activation.name())
    }
}
