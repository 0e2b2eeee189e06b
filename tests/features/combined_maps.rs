//! Maps with extra columns and maps composed of maps: they keep the contract of `FeatureMap` and report errors.

use double_descent::Error;
use double_descent::features::{
    Activation, Coordinates, DirectSum, FeatureMap, FourierSeries, NaturalSpline, Nonlinearity, Pipeline,
    Polynomial, PolynomialBasis, PolynomialKernel, RandomNetwork, Selection, Standardised, WithIntercept,
};
use double_descent::rng::stream;
use ndarray::{Array2, ArrayRef2, Axis, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;

fn normal(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

fn network(sizes: &[usize]) -> RandomNetwork {
    RandomNetwork::seeded(Activation::Tanh, sizes, 7).unwrap()
}

/// Every map with its largest p.
fn maps() -> Vec<(Box<dyn FeatureMap>, usize)> {
    let spline = NaturalSpline::at_quantiles(&normal(50, 1, 2), 40).unwrap();
    let sum = DirectSum::new(network(&[3, 150]), 100).unwrap();
    let sum =
        sum.and(Coordinates::new(3), 3).unwrap().and(PolynomialKernel::new(3, 4, 1.0).unwrap(), 35).unwrap();
    let standardised = Standardised::fit(Coordinates::new(3), &normal(20, 3, 5), 3).unwrap();
    let columns = (0..90).map(|i| 149 - (i * 37) % 100).collect();
    vec![
        (Box::new(network(&[3, 200])), 200),
        (
            Box::new(network(&[3, 17, 33, 130]).with_biases(0.5, 1).unwrap().with_weight_scale(1.5).unwrap()),
            130,
        ),
        (Box::new(RandomNetwork::new(Activation::Relu, &[3, 9, 150], &mut stream(1, 0, 0)).unwrap()), 150),
        (Box::new(FourierSeries), 90),
        (Box::new(spline), 40),
        (Box::new(Pipeline::new(standardised, 3, network(&[3, 80])).unwrap()), 80),
        (Box::new(Selection::new(network(&[3, 200]), columns).unwrap()), 90),
        (Box::new(Standardised::fit(network(&[3, 120]), &normal(20, 3, 5), 110).unwrap()), 110),
        (Box::new(WithIntercept::new(Polynomial::default())), 60),
        (Box::new(sum), 138),
    ]
}

#[test]
fn maps_are_nested_by_columns_and_rows() {
    for (map, largest) in maps() {
        let inputs = normal(300, map.input_dimension(), 1);
        let all = map.design(&inputs, largest).unwrap();
        let name = map.describe();
        assert_eq!(all.dim(), (300, largest), "{name}");
        for p in [1, 2, largest / 2, largest - 1] {
            assert!(map.design(&inputs, p).unwrap() == all.slice(s![.., ..p]), "{name}, p = {p}");
        }
        for columns in [0..1, 0..largest, 1..2, largest / 3..largest / 2, largest - 1..largest] {
            let some = map.columns(&inputs, columns.clone()).unwrap();
            assert!(some == all.slice(s![.., columns.clone()]), "{name}, columns {columns:?}");
        }
        for rows in [0..1, 5..22, 120..140, 299..300] {
            let some = map.design(&inputs.slice(s![rows.clone(), ..]), largest).unwrap();
            assert!(some == all.slice(s![rows.clone(), ..]), "{name}, rows {rows:?}");
        }
    }
}

#[test]
fn what_every_map_refuses() {
    for (map, largest) in maps() {
        let d = map.input_dimension();
        let (inputs, name) = (normal(3, d, 0), map.describe());
        assert!(matches!(map.columns(&inputs, 3..3), Err(Error::Empty { .. })), "{name}");
        assert!(matches!(map.design(&inputs, 0), Err(Error::Empty { .. })), "{name}");
        assert!(matches!(map.design(&normal(3, d + 1, 0), 1), Err(Error::Shape { .. })), "{name}");
        assert!(matches!(map.columns(&normal(3, d + 1, 0), 2..4), Err(Error::Shape { .. })), "{name}");
        assert!(matches!(map.design(&normal(0, d, 0), 1), Err(Error::Empty { .. })), "{name}");
        let mut nan = inputs.clone();
        nan[[1, 0]] = f64::NAN;
        for columns in [0..1, 1..3] {
            assert!(
                matches!(map.columns(&nan, columns), Err(Error::NonFinite { row: 1, column: 0, .. })),
                "{name}"
            );
        }
        if !(name.contains("Fourier") || name.contains("Legendre")) {
            assert!(matches!(map.design(&inputs, largest + 1), Err(Error::Shape { .. })), "{name}");
            assert!(matches!(map.columns(&inputs, largest..largest + 1), Err(Error::Shape { .. })), "{name}");
        }
    }
}

#[test]
fn maps_of_maps_are_what_they_say() {
    let inputs = normal(6, 3, 3);
    let whole = network(&[3, 200]).design(&inputs, 200).unwrap();
    let selected = Selection::new(network(&[3, 200]), vec![190, 3, 3]).unwrap().design(&inputs, 3).unwrap();
    assert_eq!(selected, whole.select(Axis(1), &[190, 3, 3]));
    let sum = DirectSum::new(Coordinates::new(3), 2).unwrap().and(network(&[3, 200]), 70).unwrap();
    let both = sum.design(&inputs, 72).unwrap();
    assert_eq!(both.slice(s![.., ..2]), inputs.slice(s![.., ..2]));
    assert_eq!(both.slice(s![.., 2..]), whole.slice(s![.., ..70]));
    let gram = |x: &Array2<f64>| x.dot(&x.t());
    let parts = gram(&inputs.slice(s![.., ..2]).to_owned()) + gram(&whole.slice(s![.., ..70]).to_owned());
    assert!((gram(&both) - parts).iter().all(|v| v.abs() < 1e-13), "kernels add");
    let standardised = Standardised::fit(network(&[3, 200]), &inputs, 50).unwrap();
    let design = standardised.design(&inputs, 50).unwrap();
    for column in design.columns() {
        assert!(column.mean().unwrap().abs() < 1e-14 && (column.var(0.0) - 1.0).abs() < 1e-13);
    }
    let with = WithIntercept::new(network(&[3, 200])).design(&inputs, 20).unwrap();
    assert!(with.column(0).iter().all(|&v| v == 1.0) && with.slice(s![.., 1..]) == whole.slice(s![.., ..19]));
    // A network with two layers is one layer after another, the second scaled for its input.
    let deep = RandomNetwork::seeded(Activation::Relu, &[3, 40, 60], 7).unwrap().design(&inputs, 60).unwrap();
    assert!(deep.iter().all(|v| *v >= 0.0) && deep.iter().any(|v| *v > 0.0));
}

/// A neuron depends on the seed, its layer and its index, but not on the number of neurons.
#[test]
fn a_neuron_has_its_own_stream() {
    let inputs = normal(9, 3, 4);
    let whole = network(&[3, 20, 500]).design(&inputs, 500).unwrap();
    assert_eq!(network(&[3, 20, 77]).design(&inputs, 77).unwrap(), whole.slice(s![.., ..77]));
    let huge = network(&[3, 20, 1 << 32]);
    assert_eq!(huge.columns(&inputs, 490..500).unwrap(), whole.slice(s![.., 490..]));
    assert_eq!(huge.columns(&inputs, (1 << 32) - 2..1 << 32).unwrap().dim(), (9, 2));
    let other = RandomNetwork::seeded(Activation::Tanh, &[3, 20, 500], 8).unwrap();
    assert_ne!(other.design(&inputs, 500).unwrap(), whole);
    // Weights and biases from one seed are independent: uncorrelated over neurons, within five standard errors.
    let linear = RandomNetwork::seeded(Activation::Identity, &[1, 10_000], 3).unwrap();
    let weights = linear.design(&array![[1.0]], 10_000).unwrap();
    let biases = linear.with_biases(1.0, 3).unwrap().design(&array![[0.0]], 10_000).unwrap();
    let correlation = weights.row(0).dot(&biases.row(0)) / 1e4;
    assert!(correlation.abs() < 0.05, "{correlation}");
    assert!((weights.row(0).dot(&weights.row(0)) / 1e4 - 1.0).abs() < 0.075);
    assert!((biases.row(0).dot(&biases.row(0)) / 1e4 - 1.0).abs() < 0.075);
}

#[test]
fn any_function_is_an_activation() {
    let inputs = normal(5, 3, 6);
    let of = |activation: Nonlinearity| {
        RandomNetwork::seeded(activation, &[3, 8, 100], 5).unwrap().design(&inputs, 100).unwrap()
    };
    let own = Nonlinearity::new("own", |x: f64| x.max(0.0)).unwrap();
    let off = (of(own) - of(Activation::Relu.into())).mapv(f64::abs);
    assert!(off.iter().all(|v| *v < 1e-6), "the deviations of layers agree to 1e-6");
    let overflow = Nonlinearity::new("cube", |x: f64| 1e100 * x.powi(3)).unwrap();
    let map = RandomNetwork::seeded(overflow, &[3, 8, 9], 5).unwrap();
    let error = map.design(&(inputs * 1e80), 9).unwrap_err();
    assert!(matches!(&error, Error::UserCode { part, .. } if part == "the activation `cube`"), "{error}");
}

/// The variance of exp(ax) is e^(2a²) − e^(a²). For a = 5, arguments beyond 12 give
/// 2 % of it.
#[test]
fn an_activation_that_grows_too_fast_is_refused() {
    let of = |a: f64| Nonlinearity::new("exp", move |x| (a * x).exp());
    for (a, relative) in [(1.0_f64, 1e-14), (3.0, 1e-8)] {
        let expected = ((2.0 * a * a).exp() - (a * a).exp()).sqrt();
        let found = of(a).unwrap().deviation();
        assert!((found / expected - 1.0).abs() < relative, "{a}: {found}, not {expected}");
    }
    for a in [4.0, 5.0] {
        assert!(matches!(of(a), Err(Error::Unsupported { .. })), "{a}");
    }
}

/// A `ReLU` that mapped NaN to 0 would hide an overflow in an earlier layer.
#[test]
fn overflows_before_the_last_layer_are_seen() {
    let inputs = array![[1.7e308, -1.7e308, 1.7e308]];
    for activation in
        [Activation::Relu, Activation::Abs, Activation::Selu, Activation::Gelu, Activation::Identity]
    {
        let map = RandomNetwork::seeded(activation, &[3, 60, 60, 40], 1).unwrap();
        assert!(matches!(map.design(&inputs, 40), Err(Error::Overflow { .. })), "{activation:?}");
    }
}

/// A map of any number of features, that takes no rows too.
#[derive(Debug)]
struct Unlimited;

impl FeatureMap for Unlimited {
    fn input_dimension(&self) -> usize {
        3
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        Ok(Array2::ones((inputs.nrows(), p)))
    }
}

/// A map states its seed, and a combination that of its maps, unless they have different ones.
#[test]
fn combinations_know_their_seed() {
    let net = || network(&[3, 5]);
    let other = || RandomNetwork::seeded(Activation::Tanh, &[5, 5], 8).unwrap();
    assert_eq!(net().seed(), Some(7));
    let drawn = RandomNetwork::new(Activation::Tanh, &[3, 5], &mut stream(7, 0, 0)).unwrap();
    assert_eq!(drawn.seed(), None);
    let sum = || DirectSum::new(Coordinates::new(3), 2).unwrap();
    assert_eq!(sum().seed(), None);
    assert_eq!(sum().and(net(), 5).unwrap().and(net(), 2).unwrap().seed(), Some(7));
    assert_eq!(Pipeline::new(Coordinates::new(3), 3, net()).unwrap().seed(), Some(7));
    assert_eq!(Pipeline::new(net(), 3, Coordinates::new(3)).unwrap().seed(), Some(7));
    assert_eq!(Pipeline::new(net(), 5, other()).unwrap().seed(), None);
    assert_eq!(Coordinates::new(1).describe(), "the first P of 1 input");
    assert_eq!(network(&[1, 4]).describe(), "random tanh networks, 1 input, layers of 4");
}

#[test]
fn what_combinations_refuse() {
    let inputs = normal(4, 3, 0);
    assert!(matches!(Selection::new(Coordinates::new(3), vec![]), Err(Error::Empty { .. })));
    assert!(matches!(Selection::new(Coordinates::new(3), vec![usize::MAX]), Err(Error::Domain { .. })));
    // No more features than a map has.
    assert!(matches!(
        Selection::new(Coordinates::new(3), vec![0, 3]),
        Err(Error::Shape { expected: 3, found: 4, .. })
    ));
    assert!(matches!(
        DirectSum::new(Coordinates::new(3), 5),
        Err(Error::Shape { expected: 3, found: 5, .. })
    ));
    assert!(matches!(
        Pipeline::new(Coordinates::new(3), 5, Coordinates::new(5)),
        Err(Error::Shape { expected: 3, found: 5, .. })
    ));
    assert!(matches!(DirectSum::new(Coordinates::new(3), 0), Err(Error::Empty { .. })));
    let sum = || DirectSum::new(Coordinates::new(3), 3).unwrap();
    assert!(matches!(sum().and(Coordinates::new(2), 2), Err(Error::Shape { expected: 3, found: 2, .. })));
    assert!(matches!(sum().and(Unlimited, usize::MAX), Err(Error::Resource { .. })));
    assert!(matches!(sum().design(&inputs, 4), Err(Error::Shape { .. })));
    assert!(matches!(Standardised::fit(Unlimited, &Array2::zeros((0, 3)), 2), Err(Error::Empty { .. })));
    let pipeline = Pipeline::new(Coordinates::new(3), 3, Coordinates::new(2));
    assert!(matches!(pipeline, Err(Error::Shape { expected: 2, found: 3, .. })));
    assert!(matches!(Standardised::fit(Coordinates::new(3), &inputs, 4), Err(Error::Shape { .. })));
    assert!(matches!(
        Standardised::fit(Coordinates::new(1), &array![[f64::MAX], [f64::MAX], [-f64::MAX]], 1),
        Err(Error::Overflow { .. })
    ));
    // Of 1e±308 the squares do not fit into an f64, but the deviation does; a scale of 1/5e-324 does not.
    for size in [1e-200, 1e-307, 1e307] {
        let monomials =
            Standardised::fit(Polynomial::new(PolynomialBasis::Monomial), &array![[0.0], [size]], 1);
        let design = monomials.unwrap().design(&array![[0.0], [size], [2.0 * size]], 1).unwrap();
        for (found, expected) in design.iter().zip([-1.0, 1.0, 3.0]) {
            assert!((found - expected).abs() <= 8.0 * f64::EPSILON, "{size:e}: {design}");
        }
    }
    let subnormal = array![[0.0], [1e-323]];
    let monomials = Standardised::fit(Polynomial::new(PolynomialBasis::Monomial), &subnormal, 1);
    assert!(matches!(monomials, Err(Error::Overflow { .. })), "a scale over 1e308");
    // A column that is constant up to the rounding of its mean.
    let rounded = array![[0.1 + 0.2], [0.3], [0.3]];
    let zeros = Standardised::fit(Coordinates::new(1), &rounded, 1).unwrap();
    assert_eq!(zeros.design(&rounded, 1).unwrap(), Array2::<f64>::zeros((3, 1)));
    let none = Array2::zeros((0, 2));
    assert!(matches!(Standardised::fit(Coordinates::new(2), &none, 2), Err(Error::Empty { .. })));
    assert!(matches!(RandomNetwork::seeded(Activation::Tanh, &[3], 0), Err(Error::Empty { .. })));
    assert!(matches!(RandomNetwork::seeded(Activation::Tanh, &[3, 0], 0), Err(Error::Empty { .. })));
    assert!(matches!(
        RandomNetwork::seeded(Activation::Tanh, &[3, usize::MAX], 0),
        Err(Error::Resource { .. })
    ));
    assert!(matches!(
        RandomNetwork::seeded(Activation::Tanh, &[1 << 31, 1 << 31, 2], 0),
        Err(Error::Memory { .. })
    ));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(network(&[3, 5]).with_weight_scale(bad), Err(Error::Domain { .. })));
    }
    // Each scale is allowed, but their product is 0 or infinite.
    for scale in [1e-200, 1e200] {
        let once = network(&[3, 5]).with_weight_scale(scale).unwrap();
        assert!(matches!(once.with_weight_scale(scale), Err(Error::Domain { .. })));
    }
    assert!(matches!(network(&[3, 5]).with_biases(-1.0, 0), Err(Error::Domain { .. })));
    assert!(network(&[3, 5]).with_biases(0.0, 0).is_ok());
}
