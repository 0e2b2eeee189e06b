//! The inputs of a case.

use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::spectrum::PopulationSpectrum;
use serde_json::Value;

/// The inputs of one case.
pub struct Inputs<'a>(pub &'a Value);

impl Inputs<'_> {
    pub fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {}", self.0))
    }

    pub fn number_or(&self, name: &str, default: f64) -> f64 {
        self.0.get(name).map_or(default, |_| self.number(name))
    }

    pub fn count(&self, name: &str) -> usize {
        usize::try_from(self.0[name].as_u64().unwrap()).unwrap()
    }

    pub fn list(&self, name: &str) -> Vec<f64> {
        self.0[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    pub fn spectrum(&self) -> PopulationSpectrum {
        let values = self.list("eigs");
        let counts = if self.0["mult"].is_array() { self.list("mult") } else { vec![1.0; values.len()] };
        PopulationSpectrum::with_multiplicities(&values, &counts).unwrap()
    }

    pub fn activation(&self, name: &str) -> HermiteCoefficients {
        type Constants = HermiteCoefficients;
        let (a, b) = (self.number_or("a", 1.0), self.number_or("b", 0.0));
        match self.0[name].as_str().unwrap() {
            "relu" => Constants::relu(),
            "leaky_relu" => Constants::leaky_relu(a),
            "abs" => Constants::abs(),
            "sign" => Constants::sign(),
            "step" => Constants::step(),
            "cos" => Constants::cos(a, b),
            "sin" => Constants::sin(a),
            "erf" => Constants::erf(a),
            "exp" => Constants::exp(a),
            "linear" => Constants::identity(),
            "square" => Constants::square(),
            "cubic" => Constants::cube(),
            "tanh" => Constants::tanh(),
            "gelu" => Constants::gelu(),
            "sigmoid" => Constants::sigmoid(),
            "softplus" => Constants::softplus(),
            "silu" => Constants::silu(),
            "elu" => Constants::elu(),
            other => panic!("no activation {other}"),
        }
    }
}
