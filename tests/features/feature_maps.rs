//! Random feature maps are nested and reproducible, and have the right moments.

use double_descent::Error;
use double_descent::features::{
    Activation, Coordinates, FeatureMap, NetworkTangent, PairOrder, PolynomialKernel, RandomFourier,
    RandomNetwork,
};
use double_descent::nested::noise::SecondMoments;
use double_descent::rng::stream;
use ndarray::{Array2, ArrayRef2, Axis, ShapeBuilder, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;

fn normal(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// Every map, drawn from a seed, with its largest p.
fn maps(seed: u64) -> Vec<(Box<dyn FeatureMap>, usize)> {
    let rng = || stream(seed, 0, 0);
    let mut maps: Vec<(Box<dyn FeatureMap>, usize)> = vec![
        (Box::new(Coordinates::new(7)), 7),
        (Box::new(RandomFourier::gaussian(5, 23, 0.245, seed).unwrap()), 23),
        (Box::new(PolynomialKernel::new(3, 4, 1.0).unwrap()), 35),
    ];
    for &activation in Activation::ALL {
        let network = RandomNetwork::new(activation, &[4, 33, 20, 41], &mut rng()).unwrap();
        maps.push((Box::new(network), 41));
        maps.push((Box::new(NetworkTangent::new(activation, 4, 6, &mut rng()).unwrap()), 30));
    }
    maps
}

#[test]
fn maps_are_nested_and_a_row_is_a_function_of_its_input() {
    for (map, largest) in maps(3) {
        let inputs = normal(300, map.input_dimension(), 1);
        let all = map.design(&inputs, largest).unwrap();
        assert_eq!(all.dim(), (300, largest));
        for p in [1, 2, largest / 2, largest - 1] {
            assert!(map.design(&inputs, p).unwrap() == all.slice(s![.., ..p]), "{map:?}, p = {p}");
        }
        for columns in [0..1, 1..2, 1..largest, largest / 2..largest / 2 + 3, largest - 1..largest] {
            let some = map.columns(&inputs, columns.clone()).unwrap();
            assert!(some == all.slice(s![.., columns.clone()]), "{}, columns {columns:?}", map.describe());
            // Into an array of either memory order, between other columns.
            let shape = (300, columns.len() + 2);
            for mut table in [Array2::ones(shape), Array2::ones(shape.f())] {
                let mut own = table.slice_mut(s![.., 1..=columns.len()]);
                map.write_columns(&inputs, columns.clone(), &mut own).unwrap();
                assert!(own == some, "{}, columns {columns:?}", map.describe());
                assert!([0, columns.len() + 1].iter().all(|j| table.column(*j).iter().all(|v| *v == 1.0)));
            }
            let mut table = Array2::ones(some.dim());
            map.write_columns(&inputs, columns.clone(), &mut table).unwrap();
            assert!(table == some, "{}, columns {columns:?}", map.describe());
            let mut table = Array2::ones((299, columns.len()));
            let short = map.write_columns(&inputs, columns.clone(), &mut table);
            assert!(matches!(short, Err(Error::Shape { expected: 300, found: 299, .. })));
        }
        for rows in [0..1, 0..2, 5..22, 120..140, 1..300, 299..300] {
            let some = map.design(&inputs.slice(s![rows.clone(), ..]), largest).unwrap();
            assert!(some == all.slice(s![rows.clone(), ..]), "{}, rows {rows:?}", map.describe());
        }
    }
}

#[test]
fn a_seed_fixes_a_map() {
    let designs = |seed| {
        let design = |(map, p): (Box<dyn FeatureMap>, usize)| {
            map.design(&normal(6, map.input_dimension(), 9), p).unwrap()
        };
        maps(seed).into_iter().map(design).collect::<Vec<_>>()
    };
    assert!(designs(1) == designs(1));
    let differing = designs(1).iter().zip(designs(2)).filter(|(a, b)| *a != b).count();
    assert_eq!(differing, maps(1).len() - 2, "all but the coordinates and the polynomials");
}

/// The first neurons of a layer do not depend on how many follow.
#[test]
fn wider_maps_begin_with_narrower_ones() {
    let inputs = normal(5, 3, 2);
    let network = |p| {
        let map = RandomNetwork::new(Activation::Elu, &[3, 8, p], &mut stream(4, 0, 0)).unwrap();
        map.design(&inputs, p).unwrap()
    };
    let fourier = |p| {
        let map = RandomFourier::gaussian(3, p, 0.5, 4).unwrap();
        map.design(&inputs, p).unwrap()
    };
    assert!(fourier(50).slice(s![.., ..20]) == fourier(20));
    assert!(network(50).slice(s![.., ..20]) == network(20));
}

#[test]
fn second_moments_that_overflow_are_an_error() {
    let fourier = RandomFourier::gaussian(2, 3, 0.18, 5).unwrap().with_amplitude(1e200).unwrap();
    assert!(matches!(fourier.gaussian_covariance(), Err(Error::Overflow { .. })));
}

/// Compares moments estimated from `m` draws with the exact ones: every entry within six standard errors.
#[test]
fn exact_second_moments_are_those_of_draws() {
    const M: usize = 200_000;
    let fourier = RandomFourier::gaussian(2, 12, 0.18, 5).unwrap();
    let kernel = PolynomialKernel::new(2, 3, 2.0).unwrap();
    let pairs = RandomFourier::gaussian(2, 4, 0.18, 5).unwrap().with_amplitude(0.8).unwrap();
    let [interleaved, blocks] =
        [PairOrder::Interleaved, PairOrder::Blocks].map(|order| pairs.clone().into_pairs(order));
    let cases: [(&dyn FeatureMap, Array2<f64>); 4] = [
        (&fourier, fourier.gaussian_covariance().unwrap()),
        (&interleaved, interleaved.gaussian_covariance().unwrap()),
        (&blocks, blocks.gaussian_covariance().unwrap()),
        (&kernel, kernel.gaussian_covariance().unwrap()),
    ];
    let inputs = normal(M, 2, 6);
    for (map, exact) in cases {
        let p = exact.nrows();
        let features = map.design(&inputs, p).unwrap();
        let mut moments = SecondMoments::new(p).unwrap();
        for piece in features.axis_chunks_iter(Axis(0), 1000) {
            moments.add(&piece).unwrap();
        }
        let found = moments.covariance().unwrap();
        // One feature after another in memory, for the products of two.
        let features = features.reversed_axes().as_standard_layout().into_owned();
        for i in 0..p {
            for j in 0..=i {
                let products = &features.row(i) * &features.row(j);
                let (mean, error) = (products.mean().unwrap(), (products.var(1.0) / M as f64).sqrt());
                for at in [[i, j], [j, i]] {
                    let (found, exact) = (found[at], exact[at]);
                    let off = (found - exact).abs();
                    assert!(off <= 6.0 * error + 1e-9, "{}, {at:?}: {off:e}, {error:e}", map.describe());
                    assert!((mean - found).abs() < 1e-9 * (1.0 + exact.abs()));
                }
            }
        }
    }
}

/// Layers keep their scale: over random networks, a pre-activation has a standard deviation of about one.
#[test]
fn networks_are_scaled_layer_by_layer() {
    let inputs = normal(1, 10, 3);
    let mut squares = Vec::new();
    for seed in 0..400 {
        // For standard normal inputs, SELU has mean 0 and variance 1, and so in all layers.
        let map = RandomNetwork::new(Activation::Selu, &[10, 64, 64, 8], &mut stream(seed, 0, 0)).unwrap();
        squares.extend(map.design(&inputs, 8).unwrap().iter().map(|v| v * v));
    }
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    // There is only one input, and its ‖x‖²/10 is not 1: divide by it.
    let size = inputs.iter().map(|v| v * v).sum::<f64>() / 10.0;
    assert!((0.5..2.0).contains(&(mean / size)), "{mean} {size}");
}

#[test]
fn tangents_are_derivatives() {
    // f(x) = s/√h Σ v a(w·x/√d): the last h features, weighted by v, give s/√h times the network's output.
    let map = NetworkTangent::new(Activation::Relu, 4, 6, &mut stream(8, 0, 0)).unwrap();
    let x = map.design(&normal(50, 4, 4), 30).unwrap();
    let svd = double_descent::svd::Svd::new(&x).unwrap();
    assert_eq!(svd.rank(), 24); // ReLU is homogeneous
    let smooth = NetworkTangent::new(Activation::Tanh, 4, 6, &mut stream(8, 0, 0)).unwrap();
    let svd = double_descent::svd::Svd::new(&smooth.design(&normal(50, 4, 4), 30).unwrap()).unwrap();
    assert_eq!(svd.rank(), 30);
    // ∂f/∂w_jk = x_k g_j: four neighbouring features are proportional to the input.
    let input = normal(50, 4, 4);
    for j in 0..6 {
        let ratios = (0..4).map(|k| x[[3, 4 * j + k]] / input[[3, k]]).collect::<Vec<_>>();
        assert!(ratios.iter().all(|r| (r - ratios[0]).abs() <= 1e-15 * ratios[0].abs()));
    }
}

#[test]
fn what_is_refused() {
    for (map, largest) in maps(0) {
        let d = map.input_dimension();
        let inputs = normal(3, d, 0);
        assert!(matches!(map.design(&inputs, largest + 1), Err(Error::Shape { .. })), "{map:?}");
        assert!(matches!(map.design(&inputs, 0), Err(Error::Empty { .. })));
        assert!(matches!(map.columns(&inputs, 1..1), Err(Error::Empty { .. })));
        assert!(matches!(map.columns(&inputs, 0..largest + 1), Err(Error::Shape { .. })));
        assert!(matches!(map.design(&normal(3, d + 1, 0), 1), Err(Error::Shape { .. })));
        assert!(matches!(map.design(&normal(0, d, 0), 1), Err(Error::Empty { .. })));
        let mut nan = inputs.clone();
        nan[[1, 0]] = f64::NAN;
        assert!(matches!(map.design(&nan, 1), Err(Error::NonFinite { row: 1, column: 0, .. })));
    }
    let rng = &mut stream(0, 0, 0);
    assert!(matches!(RandomNetwork::new(Activation::Tanh, &[3], rng), Err(Error::Empty { .. })));
    assert!(matches!(RandomNetwork::new(Activation::Tanh, &[3, 0, 2], rng), Err(Error::Empty { .. })));
    let huge = RandomNetwork::new(Activation::Tanh, &[usize::MAX, 2], rng);
    assert!(matches!(huge, Err(Error::Memory { .. })));
    assert!(matches!(NetworkTangent::new(Activation::Tanh, 0, 2, rng), Err(Error::Empty { .. })));
    for gain in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(PolynomialKernel::new(2, 3, gain), Err(Error::Domain { .. })), "{gain}");
    }
    assert!(matches!(PolynomialKernel::new(1000, 1000, 1.0), Err(Error::Resource { .. })));
    assert!(matches!(PolynomialKernel::new(usize::MAX, 2, 1.0), Err(Error::Resource { .. })));
    assert!(matches!(PolynomialKernel::new(2, 3, 1e200), Err(Error::Overflow { .. })));
    // A single monomial in many variables must be fast; copying its prefixes used to take half a minute.
    assert_eq!(PolynomialKernel::new(65_535, 0, 1e-309).unwrap().outputs(), 1);
    // Few monomials, but too much work for their weights.
    assert!(matches!(PolynomialKernel::new(1, 1_000_000, 1.0), Err(Error::Resource { .. })));
    let relu = RandomNetwork::new(Activation::Relu, &[1, 4, 4], rng).unwrap();
    assert!(matches!(relu.design(&array![[1.7e308], [-1.7e308]], 4), Err(Error::Overflow { .. })));
    let cubic = PolynomialKernel::new(1, 3, 1.0).unwrap();
    assert!(matches!(cubic.design(&array![[1e150]], 4), Err(Error::Overflow { .. })));
    let mut moments = SecondMoments::new(2).unwrap();
    assert!(matches!(moments.covariance(), Err(Error::Empty { .. })));
    assert!(matches!(moments.add(&array![[1.0]]), Err(Error::Shape { .. })));
    assert!(matches!(moments.add(&array![[1.0, f64::NAN]]), Err(Error::NonFinite { .. })));
    moments.add(&array![[1e200, 1.0]]).unwrap();
    assert!(matches!(moments.covariance(), Err(Error::Overflow { .. })));
    // Squares that are 0 would make every noise term 0, which no scale of the features does.
    let mut tiny = SecondMoments::new(1).unwrap();
    tiny.add(&array![[0.0]]).unwrap();
    assert_eq!(tiny.covariance().unwrap(), array![[0.0]]);
    tiny.add(&array![[1e-300]]).unwrap();
    assert!(matches!(tiny.covariance(), Err(Error::Overflow { .. })));
    tiny.add(&array![[1e-130]]).unwrap();
    assert!(tiny.covariance().unwrap()[[0, 0]] > 0.0);
}

/// A map that makes one row too few.
#[derive(Debug)]
struct Short;

impl FeatureMap for Short {
    fn input_dimension(&self) -> usize {
        2
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        Ok(Array2::zeros((inputs.nrows() - 1, p)))
    }
}

#[test]
fn a_map_of_the_wrong_shape_is_named() {
    let inputs = normal(5, 2, 1);
    let mut table = Array2::zeros((5, 3));
    let written = Short.write_columns(&inputs, 0..3, &mut table);
    let text = written.unwrap_err().to_string();
    let expected = "the map `Short`: it gave a table of 4 × 3 for 5 inputs and 3 features; it must be 5 × 3";
    assert_eq!(text, expected);
    let turned = Short.write_columns(&inputs, 1..3, &mut table.slice_mut(s![.., ..2]));
    assert_eq!(turned.unwrap_err().to_string(), expected);
}
