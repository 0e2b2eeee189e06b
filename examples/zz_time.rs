use double_descent::svd::*;
use ndarray::*;
use std::time::Instant;
fn main() {
    use rand_distr::{Distribution, StandardNormal};
    let mut rng = double_descent::rng::stream(0, 0, 0);
    for (n, p) in [
        (20, 10),
        (10, 10),
        (39, 8),
        (39, 10),
        (30, 20),
        (20, 20),
        (10, 20),
        (39, 17),
        (39, 20),
        (5, 10),
    ] {
        let xs: Vec<Array2<f64>> = (0..64)
            .map(|_| Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng)))
            .collect();
        let views: Vec<_> = xs.iter().map(|x| x.view()).collect();
        let mut out = vec![];
        for b in [&Faer as &dyn Backend, &Jacobi] {
            let mut best = [f64::MAX; 2];
            for _ in 0..15 {
                let t = Instant::now();
                std::hint::black_box(b.factorise_many(&xs));
                best[0] = best[0].min(t.elapsed().as_secs_f64() / 64e-6);
                let t = Instant::now();
                std::hint::black_box(Svd::many(&views, b));
                best[1] = best[1].min(t.elapsed().as_secs_f64() / 64e-6);
            }
            out.push(best);
        }
        println!(
            "{n}x{p} faer {:.1} (checked {:.1})  jacobi {:.1} (checked {:.1}) us",
            out[0][0], out[0][1], out[1][0], out[1][1]
        );
    }
}
