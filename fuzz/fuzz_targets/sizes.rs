//! Feature maps and kernels of absurd sizes. The result must be a finite matrix of the requested shape, or a typed
//! error; never a panic, an abort or a hang.
#![no_main]

use arbitrary::Arbitrary;
use double_descent::features::{
    Activation, Coordinates, DirectSum, FeatureMap, FourierSeries, NaturalSpline, NetworkTangent, Pipeline,
    Polynomial, PolynomialBasis, PolynomialKernel, RandomFourier, RandomNetwork, Selection, Standardised,
    StationaryKernel, WithIntercept,
};
use double_descent::kernel::{ArcCosine, Kernel, KernelRegression, ReluNetwork, WideLayer};
use double_descent::rng::stream;
use double_descent::{Error, memory};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

/// Limit on the size of one call: larger requests are refused, smaller ones are quick.
const LIMIT: usize = 1 << 24;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Small(u8),
    Medium(u16),
    Large(u32),
    /// The largest number minus this.
    Last(u8),
    /// A power of two, or one less.
    Power(u8, bool),
}

impl Size {
    fn value(self) -> usize {
        match self {
            Self::Small(size) => size.into(),
            Self::Medium(size) => size.into(),
            Self::Large(size) => size as usize,
            Self::Last(less) => usize::MAX - usize::from(less),
            Self::Power(exponent, less) => (1_usize << (exponent % 64)) - usize::from(less),
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Input {
    what: What,
    /// Number of features.
    p: Size,
    /// The first column, and the number of columns.
    columns: (Size, u8),
    /// Number of input rows, which are filled with `values` in order.
    rows: u8,
    values: Vec<f64>,
}

#[derive(Arbitrary, Debug)]
enum What {
    Fourier,
    Polynomial,
    Spline(Size),
    RandomFourier(Size, Size, f64),
    Network(Size, Size, bool),
    Tangent(Size, Size),
    PolynomialKernel(Size, Size, f64),
    Sum(Size, Size),
    Selection(Vec<Size>),
    Pipeline(Size),
    Intercept,
    Standardised(Size),
    ArcCosine(u8),
    Relu(Size, bool),
    WideLayer(f64, f64),
    Stationary(f64),
}

fn inputs(input: &Input, columns: usize) -> Array2<f64> {
    let value = |at: usize| input.values.get(at % input.values.len().max(1)).copied().unwrap_or(0.5);
    Array2::from_shape_fn((usize::from(input.rows % 9), columns), |(i, j)| value(i * columns + j))
}

fn check_shape(what: &str, made: &Array2<f64>, shape: (usize, usize)) {
    assert_eq!(made.dim(), shape, "{what}");
    assert!(made.iter().all(|v| v.is_finite()), "{what}");
}

fn check_map(map: &dyn FeatureMap, input: &Input) {
    let d = map.input_dimension();
    if d > 1 << 12 {
        return; // inputs with that many columns cannot be allocated
    }
    let (x, p) = (inputs(input, d), input.p.value());
    if let Ok(design) = map.design(&x, p) {
        check_shape(&map.describe(), &design, (x.nrows(), p));
    }
    let (first, count) = (input.columns.0.value(), usize::from(input.columns.1));
    let Some(last) = first.checked_add(count) else { return };
    if let Ok(columns) = map.columns(&x, first..last) {
        check_shape(&map.describe(), &columns, (x.nrows(), count));
    }
}

fn check_kernel(kernel: impl Kernel + Clone + 'static, input: &Input) {
    let x = inputs(input, 3);
    if let Ok(gram) = kernel.gram(&x, &x) {
        check_shape(&kernel.describe(), &gram, (x.nrows(), x.nrows()));
    }
    let targets = Array2::ones((x.nrows(), 1));
    if let Ok(fit) = KernelRegression::fit(kernel, &x, &targets) {
        assert!(fit.train_mse().is_finite() && fit.norm() >= 0.0);
    }
}

fn run(input: &Input) -> Result<(), Error> {
    let rng = &mut stream(0, 0, 0);
    match &input.what {
        What::Fourier => check_map(&FourierSeries, input),
        What::Polynomial => check_map(&Polynomial::new(PolynomialBasis::Legendre), input),
        What::Spline(knots) => {
            check_map(&NaturalSpline::at_quantiles(&inputs(input, 1), knots.value())?, input)
        }
        What::RandomFourier(d, p, gamma) => {
            check_map(&RandomFourier::gaussian(d.value(), p.value(), *gamma, 0)?, input);
        }
        What::Network(hidden, outputs, seeded) => {
            let sizes = [2, hidden.value(), outputs.value()];
            if hidden.value().saturating_mul(outputs.value()) > 1 << 26 {
                return Ok(()); // drawing a thousand million weights takes half a minute: slow, but no hang
            }
            let map = if *seeded {
                RandomNetwork::seeded(Activation::Relu, &sizes, 0)?
            } else {
                RandomNetwork::new(Activation::Relu, &sizes, rng)?
            };
            check_map(&map, input);
            check_map(&map.with_biases(1.0, 0)?, input);
        }
        What::Tangent(d, width) => {
            check_map(&NetworkTangent::new(Activation::Tanh, d.value(), width.value(), rng)?, input);
        }
        What::PolynomialKernel(d, degree, constant) => {
            let map = PolynomialKernel::new(d.value(), degree.value(), *constant)?;
            check_map(&map, input);
            let _ = map.gaussian_covariance();
        }
        What::Sum(first, second) => {
            check_map(
                &DirectSum::new(FourierSeries, first.value())?.and(FourierSeries, second.value())?,
                input,
            );
        }
        What::Selection(columns) => {
            check_map(
                &Selection::new(FourierSeries, columns.iter().map(|size| size.value()).collect())?,
                input,
            );
        }
        What::Pipeline(width) => {
            let width = width.value();
            check_map(&Pipeline::new(FourierSeries, width, Coordinates::new(width))?, input);
        }
        What::Intercept => check_map(&WithIntercept::new(FourierSeries), input),
        What::Standardised(p) => {
            check_map(&Standardised::fit(FourierSeries, &inputs(input, 1), p.value())?, input)
        }
        What::ArcCosine(order) => {
            check_kernel([ArcCosine::Zero, ArcCosine::One, ArcCosine::Two][usize::from(order % 3)], input);
        }
        What::Relu(depth, true) => check_kernel(ReluNetwork::tangent(depth.value())?, input),
        What::Relu(depth, false) => check_kernel(ReluNetwork::gaussian_process(depth.value())?, input),
        What::WideLayer(weights, biases) => {
            check_kernel(WideLayer::new(Activation::Erf, *weights, *biases)?, input);
        }
        What::Stationary(gamma) => check_kernel(StationaryKernel::Gaussian { gamma: *gamma }, input),
    }
    Ok(())
}

fuzz_target!(|input: Input| {
    memory::set_limit(Some(LIMIT));
    let _ = run(&input);
});
