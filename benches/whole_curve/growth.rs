//! How times grow with the size, compared with the operation counts.

use crate::curves::{Axis, Curve, TEST_ROWS};
use crate::timing;
use double_descent::filter::MinNorm;
use double_descent::nested::{Plane, Request};
use double_descent::rng::stream;
use ndarray::Array2;
use rand_distr::{Distribution, StandardNormal};

const SIZES: [usize; 3] = [500, 1000, 2000];
/// Number of rows or columns past the threshold that are added at once.
const BLOCK: f64 = 128.0;
/// Number of columns in a panel of reflections.
const PANEL: f64 = 32.0;
/// Number of values of n, and of p, on a plane.
const STEPS: usize = 20;

/// Prints the growth exponents of both curves, up to four times the threshold, and of a plane.
pub fn report() {
    for axis in [Axis::Samples, Axis::Features] {
        let times = SIZES.map(|size| Curve::new(axis, size, 4 * size).without_compression());
        print(axis.name(), times, SIZES.map(|size| operations(axis, size)));
    }
    print("plane", SIZES.map(plane), SIZES.map(operations_of_plane));
}

fn print(name: &str, times: [f64; 3], operations: [f64; 3]) {
    let [found, expected] = [times, operations].map(|values| timing::exponent(&SIZES, &values));
    println!("GROWTH {name} {found:.2} (operation count's {expected:.2}; {times:.3?} s)");
}

/// Counts the additions and multiplications of a curve: the leading terms.
fn operations(axis: Axis, size: usize) -> f64 {
    let (s, m) = (size as f64, TEST_ROWS as f64);
    // The reflections up to the threshold and, over rows, a basis formed from them; at the threshold, the matrix that
    // they factorised is factorised again.
    let cube = s * s * s;
    let basis = if axis == Axis::Samples { 4.0 / 3.0 * cube } else { 0.0 };
    let common = (4.0 / 3.0 + 4.0 / 3.0) * cube + basis;
    match axis {
        Axis::Samples => {
            // Test rows compress to a triangle if there are more rows than columns; with equally many, only from the
            // threshold on.
            let image = |is_triangle: bool| if is_triangle { s * s } else { 2.0 * m * s };
            let past = image(TEST_ROWS >= size);
            // Adding the rows, carrying along what each of them changes, and a solve.
            common + s * image(TEST_ROWS > size) + 3.0 * s * (3.0 * s * s + 5.0 * BLOCK * s + past)
        }
        Axis::Features => {
            // At these sizes there are fewer test rows than columns. Solutions and images are carried along.
            let to_threshold = cube / 3.0 + m * s * s + 2.0 * m * s * s;
            let past = 2.0 * s * s + 4.0 * s * (m + BLOCK) + 2.0 * BLOCK * m;
            common + to_threshold + 3.0 * s * past
        }
    }
}

/// Returns the values of n, which are also those of p.
fn steps(size: usize) -> Vec<usize> {
    (1..=STEPS).map(|step| step * size / STEPS).collect()
}

/// Returns the seconds for all fits of a plane.
fn plane(size: usize) -> f64 {
    let mut rng = stream(1, size, 0);
    let mut normal =
        |columns| Array2::from_shape_simple_fn((size, columns), || StandardNormal.sample(&mut rng));
    let (x, y): (Array2<f64>, Array2<f64>) = (normal(size), normal(1));
    let plane = Plane::new(&steps(size), &steps(size)).expect("a plane");
    let request = Request { estimator: &MinNorm::default(), outputs: 0..1 };
    timing::time(|| plane.fits(&x, &y, std::slice::from_ref(&request)).expect("fits")).1.median
}

/// Counts the operations of a plane: two factorisations that grow by one step of rows, or of columns, at a time; a
/// solve for each cell; and for `p > n` a second solve and the product with the rows.
fn operations_of_plane(size: usize) -> f64 {
    let (all, step) = (size as f64, size as f64 / STEPS as f64);
    let values: Vec<f64> = steps(size).into_iter().map(|value| value as f64).collect();
    // The rows or columns present before each step.
    let before = || (0..STEPS).map(|count| count as f64 * step);
    // Applying a step's reflections to a column, per column of the step: two products with the reflections' tails, and
    // for each panel one product with its shared triangle, a quarter of which is skipped.
    let each = 4.0 * step + 1.5 * PANEL;
    let factorised: f64 = before()
        .map(|height| {
            each * (height * all - height * height / 2.0) + 2.0 * step * step * (all - height - step / 3.0)
        })
        .sum();
    // A solve for p ≤ n; otherwise a solve and the product of the weights with the rows.
    let cell = |n: f64, p: f64| if p <= n { p * p } else { n * n + 2.0 * n * p };
    let cells = values.iter().flat_map(|&n| values.iter().map(move |&p| cell(n, p)));
    // For a fixed `p`, forward substitution ends sooner in the smaller cells.
    2.0 * factorised + cells.sum::<f64>() + values.iter().map(|p| p * p).sum::<f64>()
}
