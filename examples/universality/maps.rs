//! The feature maps of the study, and one repeat of each: training features and a root of Σ.

use double_descent::Error;
use double_descent::features::{
    Activation, FeatureMap, NetworkTangent, PolynomialKernel, RandomFourier, RandomNetwork,
};
use double_descent::nested::noise::{Root, SecondMoments};
use double_descent::rng::stream;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

/// Inputs of the networks and of the Fourier features.
const INPUTS: usize = 10;
/// Width of the hidden layers.
const WIDTH: usize = 256;
/// Draws that go through a network at once.
const PIECE: usize = 1024;
/// Inputs, degree and constant of the polynomial kernel.
const KERNEL: (usize, usize, f64) = (3, 4, 1.0);
/// Inputs and neurons of the networks with tangent features.
const TANGENT: (usize, usize) = (4, 6);

/// Those of the paper.
const ACTIVATIONS: [Activation; 7] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Gelu,
    Activation::Softplus,
    Activation::Relu,
    Activation::Selu,
    Activation::Elu,
];

/// Where features come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// `N(0, I_p)`.
    Gaussian,
    /// Uniform on the sphere of radius `√p`.
    Sphere,
    /// The last layer of a random network, a new one for each repeat.
    Network(Activation),
    /// Random Fourier features, new ones for each repeat.
    Fourier,
    /// The polynomial kernel's.
    Polynomial,
    /// The tangent features of a random network, a new one for each repeat.
    Tangent(Activation),
}

impl Map {
    /// All maps of the study.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Gaussian, Self::Sphere];
        all.extend(ACTIVATIONS.map(Self::Network));
        all.extend([Self::Fourier, Self::Polynomial]);
        all.extend(ACTIVATIONS.map(Self::Tangent));
        all
    }

    /// On the command line and in file names.
    pub fn name(self) -> String {
        match self {
            Self::Gaussian => "gaussian".into(),
            Self::Sphere => "sphere".into(),
            Self::Network(activation) => activation.name().to_lowercase(),
            Self::Fourier => "fourier".into(),
            Self::Polynomial => "polynomial".into(),
            Self::Tangent(activation) => format!("tangent-{}", activation.name().to_lowercase()),
        }
    }

    /// Features of the curve over n, where `fixed` are asked for: those of fixed dimension have their own.
    pub fn sample_features(self, fixed: usize) -> usize {
        match self {
            Self::Polynomial => binomial(KERNEL.0, KERNEL.1),
            Self::Tangent(_) => TANGENT.1 * (TANGENT.0 + 1),
            _ => fixed,
        }
    }

    /// The largest p of the curve over p; 0 where there is none.
    pub fn largest_features(self, largest: usize) -> usize {
        match self {
            Self::Polynomial => largest.min(binomial(KERNEL.0, KERNEL.1)),
            // As in the paper: their order means nothing.
            Self::Tangent(_) => 0,
            _ => largest,
        }
    }

    /// Floating-point operations of [`draw`](Self::draw), to a factor of about two.
    pub fn flops(self, (rows, features): (usize, usize), draws: usize) -> f64 {
        let [n, p, draws, width, inputs] = [rows, features, draws, WIDTH, INPUTS].map(|count| count as f64);
        match self {
            Self::Network(_) => (n + draws) * 2.0 * width * (inputs + width + p) + draws * p * p + p * p * p,
            Self::Tangent(_) => (n + draws) * 4.0 * p + draws * p * p + p * p * p,
            _ => n * p * inputs + 10.0 * p * p * p,
        }
    }

    /// Features of `rows` training samples, and a root of their second moments; `features` columns, `draws` draws
    /// for Σ where it is not known exactly. The same `(seed, repeat)` has the same inputs and weights for every
    /// activation.
    pub fn draw(
        self,
        (seed, repeat): (u64, usize),
        (rows, features): (usize, usize),
        draws: usize,
    ) -> Result<(Array2<f64>, Root), Error> {
        let mut weights = stream(seed, 0, repeat);
        let inputs = |dimension| normal(rows, dimension, &mut stream(seed, 1, repeat));
        match self {
            // The sphere's are made of these, p by p.
            Self::Gaussian | Self::Sphere => Ok((inputs(features), Root::identity())),
            Self::Network(activation) => {
                let map = RandomNetwork::new(activation, &[INPUTS, WIDTH, WIDTH, features], &mut weights)?;
                Ok((
                    map.design(&inputs(INPUTS), features)?,
                    estimated(&map, features, (seed, repeat), draws)?,
                ))
            }
            Self::Tangent(activation) => {
                let map = NetworkTangent::new(activation, TANGENT.0, TANGENT.1, &mut weights)?;
                let root = estimated(&map, features, (seed, repeat), draws)?;
                Ok((map.design(&inputs(TANGENT.0), features)?, root))
            }
            Self::Fourier => {
                let map = RandomFourier::gaussian(INPUTS, features, 0.5, weights.random())?;
                let root = Root::from_covariance(&map.gaussian_covariance()?)?;
                Ok((map.design(&inputs(INPUTS), features)?, root))
            }
            Self::Polynomial => {
                let map = PolynomialKernel::new(KERNEL.0, KERNEL.1, KERNEL.2)?;
                let root = Root::from_covariance(&map.gaussian_covariance()?)?;
                Ok((map.design(&inputs(KERNEL.0), features)?, root))
            }
        }
    }
}

/// Σ from draws at standard normal inputs.
fn estimated(
    map: &dyn FeatureMap,
    features: usize,
    (seed, repeat): (u64, usize),
    draws: usize,
) -> Result<Root, Error> {
    let mut rng = stream(seed, 2, repeat);
    let mut moments = SecondMoments::new(features)?;
    for first in (0..draws).step_by(PIECE) {
        let inputs = normal(PIECE.min(draws - first), map.input_dimension(), &mut rng);
        moments.add(&map.design(&inputs, features)?)?;
    }
    moments.root()
}

fn normal(rows: usize, columns: usize, rng: &mut impl rand::Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || rng.sample(StandardNormal))
}

/// `C(d + m, m)`.
fn binomial(d: usize, m: usize) -> usize {
    (1..=m).fold(1, |count, i| count * (d + i) / i)
}
