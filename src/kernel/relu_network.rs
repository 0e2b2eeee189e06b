//! Kernels of infinitely wide `ReLU` networks.

use super::angle::{Angle, kappa_0, kappa_1, next, of_pairs};
use super::{Kernel, check, fits};
use crate::Error;
use ndarray::{Array2, ArrayRef2};

/// The largest number of hidden layers.
const DEEPEST: usize = 1 << 16;

/// The kernels of an infinitely wide, fully connected `ReLU` network.
///
/// The network has `L` hidden layers and no biases; all weights are `N(0, 1)`:
///
/// ```text
/// h_l = √(2/m_l) relu(W_l h_{l−1})      f(x) = a·h_L      cos θ_l = κ₁(θ_{l−1}),   θ₀ the angle of x and x'
/// Gaussian process   E f(x) f(x') = ‖x‖ ‖x'‖ cos θ_L
/// tangent            Σ ∂f(x)/∂w ∂f(x')/∂w = ‖x‖ ‖x'‖ Θ_L,   Θ₀ = cos θ₀,   Θ_l = Θ_{l−1} κ₀(θ_{l−1}) + κ₁(θ_{l−1})
/// ```
/// with `κ₀, κ₁` from the arc-cosine kernels. For one hidden layer, the tangent kernel is `x·x' κ₀ + ‖x‖ ‖x'‖ κ₁`.
///
/// The features of [`NetworkTangent`](crate::features::NetworkTangent) with `ReLU`s on `d` inputs have inner products
/// whose mean, at any width, is `s²/(2d)` times the tangent kernel of one hidden layer, `s = 1 / sd(relu(z))`.
///
/// The error is at most `10 ε √(k(x, x) k(x', x'))` up to 30 layers (tested against 60 digits
/// up to five), and grows slowly from there: 20 ε at 100, 160 ε at 10,000.
///
/// # Examples
/// ```
/// use double_descent::kernel::{Kernel, ReluNetwork};
/// use ndarray::array;
///
/// let x = array![[1.0, 0.0], [0.5, 0.75_f64.sqrt()]]; // x·x' = ½
/// let k = ReluNetwork::tangent(1)?.gram(&x, &x)?;
/// assert!((k[[0, 1]] - 0.942_331_114_377_562_7).abs() < 1e-15);
/// assert_eq!(k[[0, 0]], 2.0); // the weights of each layer contribute ‖x‖²
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Jacot, Gabriel and Hongler, *Neural tangent kernel*, 2018, arXiv:1806.07572; Bietti and Mairal, *On the inductive
/// bias of neural tangent kernels*, 2019, arXiv:1905.12173; Lee et al., *Deep neural networks as Gaussian
/// processes*, ICLR 2018.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReluNetwork {
    depth: usize,
    tangent: bool,
}

impl ReluNetwork {
    /// The Gaussian-process kernel of a network with `depth` (`L`) hidden layers and random weights.
    ///
    /// # Errors
    /// [`Error::Domain`] for 0 layers, or more than 65,536.
    pub fn gaussian_process(depth: usize) -> Result<Self, Error> {
        Self::new(depth, false)
    }

    /// The neural tangent kernel of a network with `depth` (`L`) hidden layers, with all layers trained.
    ///
    /// # Errors
    /// [`Error::Domain`] for 0 layers, or more than 65,536.
    pub fn tangent(depth: usize) -> Result<Self, Error> {
        Self::new(depth, true)
    }

    fn new(depth: usize, tangent: bool) -> Result<Self, Error> {
        if depth == 0 {
            return Err(Error::Domain { what: "the number of hidden layers", value: 0.0, must_be: "≥ 1" });
        }
        if depth > DEEPEST {
            let must_be = "at most 65,536: every entry of a Gram matrix passes through all of them";
            return Err(Error::Domain { what: "the number of hidden layers", value: depth as f64, must_be });
        }
        Ok(Self { depth, tangent })
    }

    fn entry(self, mut angle: Angle) -> f64 {
        let mut tangent = angle.cos;
        for _ in 0..self.depth {
            tangent = tangent * kappa_0(&angle) + kappa_1(&angle);
            angle = next(&angle);
        }
        angle.size() * if self.tangent { tangent } else { angle.cos }
    }
}

impl Kernel for ReluNetwork {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        check(a, b)?;
        fits(of_pairs(a, b, |angle| self.entry(angle))?)
    }

    fn describe(&self) -> String {
        let kind = if self.tangent { "tangent kernel" } else { "Gaussian process" };
        format!("{kind} of infinitely wide ReLU networks, hidden layers: {}", self.depth)
    }
}
