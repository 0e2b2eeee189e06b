//! Gauss–Legendre quadrature on panels.

/// The number of nodes; the rule is exact for polynomials up to degree 39.
pub(super) const NODES: usize = 20;

/// Returns the nodes in (−1, 1) and their weights, accurate to rounding.
pub(super) fn rule() -> [(f64, f64); NODES] {
    let count = NODES as f64;
    std::array::from_fn(|i| {
        // Newton's method from Tricomi's approximation, which is within 1e-4 of the root.
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (count + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..6 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=NODES {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = count * (before - x * value) / ((1.0 - x) * (1.0 + x));
            x -= value / slope;
        }
        (x, 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope))
    })
}

/// Returns `∫ f` from 0 to `end`, on panels that halve towards 0 until one is shorter than `scale`.
///
/// `scale` is the distance from 0 below which `f` is smooth in `x`. If `f` is smooth in `ln x` beyond it, the result is
/// accurate to rounding.
pub(super) fn graded(end: f64, scale: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let rule = rule();
    let mut panel = |from: f64, to: f64| {
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        half * rule.iter().map(|(x, w)| w * f(middle + half * x)).sum::<f64>()
    };
    let (mut to, mut sum) = (end, 0.0);
    while to > scale && to > end * 1e-150 {
        sum += panel(0.5 * to, to);
        to *= 0.5;
    }
    sum + panel(0.0, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_exact() {
        for degree in 0..40 {
            let found: f64 = rule().iter().map(|(x, w)| w * x.powi(degree)).sum();
            let expected = if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 };
            assert!((found - expected).abs() < 1e-15, "{degree}: {found}");
        }
        // A peak of width 1e-9 at 0.
        let found = graded(1.0, 1e-10, |x| 1e-9 / (x * x + 1e-18));
        assert!((found / 1e9f64.atan() - 1.0).abs() < 1e-14, "{found}");
    }
}
