//! Tests that run on the stand-ins. The other files start each of them in its own process.

use crate::common::backends::{Watched, svd};
use crate::common::matrices::*;
use double_descent::Error;
use double_descent::risk::Compressed;
use double_descent::svd::{Auto, Backend, Cuda, DivideAndConquer, Route, Svd};
use ndarray::{Array2, ArrayView2, Axis};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn number(name: &str) -> usize {
    setting(name).parse().expect("a number")
}

fn open() -> Cuda {
    Cuda::new(0).expect("the stand-in")
}

/// Shapes for every code path: both sides of each size limit, wide and tall.
const SHAPES: [(usize, usize); 24] = [
    (1, 1),
    (1, 7),
    (7, 1),
    (32, 32),
    (20, 10),
    (5, 30), // gesvdjBatched
    (33, 1),
    (33, 33),
    (39, 8),
    (8, 39),
    (55, 55),
    (56, 56),
    (100, 60),
    (60, 100),
    (77, 77),
    (120, 110), // our own kernel
    (513, 1),
    (1, 600),
    (1000, 40),
    (30, 700),
    (600, 33),
    (1100, 100), // QR first
    (515, 513),
    (514, 520), // gesvdp
];

/// A matrix that is well conditioned and, if large, fast to factorise.
fn regular(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut x = normal(n, p, seed);
    if n.min(p) > 200 {
        x *= 1e-4;
        x.diag_mut()
            .iter_mut()
            .enumerate()
            .for_each(|(k, v)| *v += 1.0 + (k * 7 % 101) as f64 / 16.0 + k as f64 / 1024.0);
    }
    x
}

/// Factorises by the first route only.
fn by_first_route(backend: &Arc<dyn Backend>, x: &Array2<f64>) -> Svd {
    let watched = Watched::new("cuda", backend.clone(), Route::First);
    let found = svd(&watched, x);
    assert_eq!(watched.mended(), 0, "{:?}", x.dim());
    found
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn factorisations() {
    let cuda = open();
    assert_eq!((cuda.name(), cuda.device(), cuda.device_name()), ("cuda", 0, "stand-in on the CPU"));
    assert!(cuda.free_memory().unwrap() > 1 << 30);
    let cuda: Arc<dyn Backend> = Arc::new(cuda);
    for (n, p) in SHAPES {
        let x = regular(n, p, 1);
        let found = by_first_route(&cuda, &x);
        assert_thin_svd(&x, &found, &format!("{n} × {p}"));
        // Other memory orders, passed straight to the backend.
        let turned = cuda.factorise(x.t(), Route::First).unwrap();
        let off = norm((&turned.sigma - found.singular_values()).insert_axis(Axis(0)).view());
        assert!(off <= unit(&x) * turned.sigma[0], "{n} × {p}: {off:e}");
        let second = cuda.factorise((&x / 16.0).view(), Route::Second).unwrap();
        let off = backward_error(&(&x / 16.0), &second.u, &second.sigma, &second.vt);
        assert!(off <= unit(&x), "{n} × {p}, second route: {off:e}");
        if n * p < 40_000 {
            let r = cuda.triangle(x.view()).unwrap();
            assert_eq!(r.dim(), (n.min(p), p));
            assert!(r.indexed_iter().all(|((i, j), &v)| i <= j || v == 0.0));
            let off = norm((r.t().dot(&r) - x.t().dot(&x)).view());
            assert!(off <= 2.0 * unit(&x) * norm(x.view()).powi(2), "{n} × {p}: {off:e}");
        }
    }
}

/// The shapes that our own kernel handles, with hard matrices among them.
#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn kernel() {
    let cuda: Arc<dyn Backend> = Arc::new(open());
    let whole_warps = !setting("CUDA_STAND_INS_WARPS").is_empty();
    let mut all = Vec::new();
    for (n, p) in [(33, 1), (34, 2), (33, 33), (39, 8), (8, 39), (40, 35), (56, 56), (64, 60), (90, 80)] {
        all.push(normal(n, p, 3));
        all.push(Array2::zeros((n, p)));
        all.push(Array2::ones((n, p)));
        all.push(integer_low_rank(n, p, n.min(p).div_ceil(2), 2));
        all.push(Array2::from_shape_fn((n, p), |(i, j)| if i == j { 1.0 } else { 0.0 }));
        // Graded from 1 down to 1e-200: the smallest entries are negligible next to the largest.
        let graded = |j: usize| 10_f64.powf(-200.0 * j as f64 / p as f64);
        all.push(Array2::from_shape_fn((n, p), |(i, j)| graded(j) * ((i * 31 + j * 17) % 23 + 1) as f64));
    }
    if !whole_warps {
        all.push(normal(300, 200, 1));
        all.push(duplicated_rows(250, 180, 90, 1));
    }
    for x in &all {
        let found = by_first_route(&cuda, x);
        assert_thin_svd(x, &found, &format!("{:?}", x.dim()));
        let other = Svd::with_backend(x, &DivideAndConquer).unwrap();
        for (a, b) in found.singular_values().iter().zip(other.singular_values()) {
            assert!((a - b).abs() <= unit(x) * other.singular_values()[0], "{a:e}, {b:e}");
        }
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn batches() {
    let cuda = open();
    let mut all = Vec::new();
    for seed in 0..12 {
        all.extend([(20, 10), (10, 20), (39, 8), (60, 45), (600, 12)].map(|(n, p)| normal(n, p, seed)));
    }
    all[3] = Array2::zeros((60, 45));
    all[8] = integer_low_rank(60, 45, 9, 1);
    all.push(normal(1, 1, 1));
    let views: Vec<ArrayView2<'_, f64>> = all.iter().map(|x| x.view()).collect();
    let reversed: Vec<_> = views.iter().rev().copied().collect();
    let together = Svd::many(&views, &cuda);
    let backwards = Svd::many(&reversed, &cuda);
    let mut hasher = DefaultHasher::new();
    for (k, x) in all.iter().enumerate() {
        let alone = svd(&cuda, x);
        assert_thin_svd(x, &alone, &format!("{:?}", x.dim()));
        for other in [together[k].as_ref().unwrap(), backwards[all.len() - 1 - k].as_ref().unwrap()] {
            assert_eq!(alone.u(), other.u(), "{k}");
            assert_eq!(alone.singular_values(), other.singular_values(), "{k}");
            assert_eq!(alone.vt(), other.vt(), "{k}");
        }
        let numbers = alone.u().iter().chain(alone.singular_values()).chain(alone.vt());
        numbers.for_each(|v| v.to_bits().hash(&mut hasher));
    }
    println!("BITS {:x}", hasher.finish());
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn threads() {
    let cuda = open();
    let xs: Vec<_> = [(20, 10), (50, 40), (600, 9), (45, 45)].map(|(n, p)| normal(n, p, 1)).into();
    let expected: Vec<_> = xs.iter().map(|x| svd(&cuda, x)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (x, expected) in xs.iter().zip(&expected) {
                    assert_eq!(svd(&cuda, x).u(), expected.u());
                }
            });
        }
    });
    // Drop the backend on another thread than its own, while another backend for the same device stays open.
    let other = open();
    std::thread::spawn(move || drop(cuda)).join().unwrap();
    assert_eq!(svd(&other, &xs[1]).u(), expected[1].u());
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn too_little_memory() {
    let cuda = open();
    let free = cuda.free_memory().unwrap();
    assert_eq!(free, number("CUDA_STAND_INS_MEMORY"));
    // 8 (60·40 + 40² + 40 + 1) bytes are needed.
    let (small, large) = (normal(20, 10, 1), normal(60, 40, 1));
    let results = Svd::many(&[small.view(), large.view(), small.view()], &cuda);
    assert_thin_svd(&small, results[0].as_ref().unwrap(), "the first that fits");
    assert_thin_svd(&small, results[2].as_ref().unwrap(), "the second that fits");
    let text = results[1].as_ref().unwrap_err().to_string();
    assert!(matches!(results[1], Err(Error::Backend { name: "cuda", .. })), "{text}");
    assert!(text.contains("31.6 KiB of device memory are needed, 29.3 KiB are free"), "{text}");
    let text = cuda.triangle(normal(80, 60, 1).view()).unwrap_err();
    assert!(text.contains("66.1 KiB of device memory are needed, 29.3 KiB are free"), "{text}");
    assert_eq!(cuda.free_memory().unwrap(), free);
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn cannot_be_opened() {
    let error = Cuda::new(0).expect_err("a device that cannot be opened");
    println!("{error}");
    let Error::Device { device: 0, reason, looked_for } = &error else { panic!("{error:?}") };
    assert!(reason.contains(&setting("EXPECTED")), "{reason}");
    let name = setting("EXPECTED_NAME");
    assert!(name.is_empty() || looked_for.contains(&name), "{looked_for:?}");
    // A second attempt gives the same error: nothing is left half open.
    assert_eq!(Cuda::new(0).expect_err("still"), error);
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn mended() {
    let cuda: Arc<dyn Backend> = Arc::new(open());
    let x = regular(number("ROWS"), number("COLUMNS"), 5);
    let watched = Watched::new("cuda", cuda.clone(), Route::First);
    assert_thin_svd(&x, &svd(&watched, &x), "mended");
    assert_eq!(watched.mended(), 1);
    if x.len() > 100_000 {
        return; // slow here
    }
    // In a batch too; matrices of other shapes are unaffected.
    let other = normal(4, 3, 1);
    let results = Svd::many(&[x.view(), other.view(), x.view()], &*cuda);
    for (x, one) in [&x, &other, &x].into_iter().zip(results) {
        assert_thin_svd(x, &one.unwrap(), "mended in a batch");
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn refused() {
    let cuda = open();
    let x = regular(number("ROWS"), number("COLUMNS"), 5);
    for error in [Svd::with_backend(&x, &cuda).err(), Svd::many(&[x.view()], &cuda).pop().unwrap().err()] {
        let error = error.expect("an error");
        println!("{error}");
        assert!(matches!(error, Error::Backend { name: "cuda", .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&setting("EXPECTED")) && text.contains("second route"), "{text}");
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn refused_triangle() {
    let (x, y) = (normal(40, 6, 1), normal(40, 1, 2));
    let error = Compressed::with_backend(&x, &y, &open()).expect_err("a wrong triangle");
    assert!(matches!(error, Error::Backend { name: "cuda", .. }), "{error:?}");
    assert!(error.to_string().contains(&setting("EXPECTED")), "{error}");
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn auto() {
    let (few, many) = (Auto::new(), Auto::new().expecting(50_000));
    assert_eq!(few.device().map(Cuda::device_name), Ok("stand-in on the CPU"));
    let small = |seed| normal(20, 10, seed);
    let xs = [small(1), normal(40, 40, 2), small(3), normal(3, 2, 4)];
    let names = |auto: &Auto| xs.each_ref().map(|x| auto.choice(x.dim()).name());
    assert_eq!(names(&few), ["jacobi"; 4]);
    let backends = names(&many);
    assert_eq!(backends, ["jacobi", "cuda", "jacobi", "jacobi"]);
    let broken = setting("CUDA_STAND_INS_FAULT") == "memory:gone";
    for auto in [&few, &many] {
        let views: Vec<_> = xs.iter().map(|x| x.view()).collect();
        for (x, found) in xs.iter().zip(Svd::many(&views, auto)) {
            let (found, alone) = (found.unwrap(), svd(auto, x));
            assert_thin_svd(x, &found, "auto");
            assert_eq!((found.u(), found.vt()), (alone.u(), alone.vt()));
            if !broken {
                let chosen = svd(auto.choice(x.dim()), x);
                assert_eq!((found.u(), found.vt()), (chosen.u(), chosen.vt()));
            }
        }
        assert!(auto.triangle(xs[1].view()).is_ok());
    }
}
