//! Machines without CUDA, or with an incomplete installation.

use super::stand_in::{Child, folder, old_folder};
use crate::common::skipped;
use double_descent::Error;
use double_descent::svd::{Auto, Cuda, Svd};
use ndarray::Array2;

/// On a machine with a GPU, asks for a device number that no machine has.
#[test]
fn no_device_is_an_error_that_says_what_was_looked_for() {
    let number = if Cuda::new(0).is_ok() { 1_000_000 } else { 0 };
    match Cuda::new(number) {
        Err(Error::Device { device, reason, looked_for }) => {
            assert_eq!(device, number);
            println!("{reason}");
            assert!(!reason.is_empty());
            if cfg!(target_os = "linux") {
                for (what, name) in [
                    ("NVIDIA's driver was not found", "libcuda.so.1"),
                    ("cuBLAS was not found", "libcublas.so.13"),
                    ("cuSOLVER was not found", "libcusolver.so.12"),
                    ("cuSOLVER was not found", "libcusolver.so.11"),
                    ("NVRTC, the run-time compiler was not found", "libnvrtc.so.13"),
                ] {
                    let is_named = looked_for.iter().any(|looked| looked == name);
                    assert!(is_named || !reason.contains(what), "{name}: {looked_for:?}");
                }
            }
        }
        other => panic!("{other:?}"),
    }
    for number in [usize::MAX, 1 << 31] {
        assert!(matches!(Cuda::new(number), Err(Error::Device { device, .. }) if device == number));
    }
}

#[test]
fn auto_works_on_any_machine() {
    let auto = Auto::new().expecting(1_000_000);
    assert_eq!(auto.device().is_ok(), Cuda::new(0).is_ok());
    let x = Array2::from_shape_fn((9, 4), |(i, j)| (i * 5 + j * 3) as f64 % 7.0);
    assert_eq!(Svd::with_backend(&x, &auto).unwrap().rank(), Svd::new(&x).unwrap().rank());
}

#[test]
fn one_missing_library_is_named() {
    let Some(folder) = folder() else { return };
    let machine = Cuda::new(0).map_or_else(|error| error.to_string(), |_| String::new());
    for (file, what) in [
        ("libcuda.so", "NVIDIA's driver was not found"),
        ("libcublas.so", "cuBLAS was not found"),
        ("libcusolver.so", "cuSOLVER was not found"),
        ("libnvrtc.so", "NVRTC, the run-time compiler was not found"),
    ] {
        if !machine.contains(what) {
            skipped(&format!("{file}: this machine has a real one"));
            continue;
        }
        let some = folder.with_file_name(format!("cuda_without_{file}"));
        std::fs::create_dir_all(&some).unwrap();
        for other in ["libcuda.so", "libcublas.so", "libcusolver.so", "libnvrtc.so"] {
            if other != file {
                std::fs::copy(folder.join(other), some.join(other)).unwrap();
            }
        }
        Child::new("child::cannot_be_opened").with("EXPECTED", what).with("EXPECTED_NAME", file).run(&some);
    }
}

#[test]
fn a_library_that_is_too_old_is_an_error_that_names_its_routines() {
    let Some(folder) = old_folder() else { return };
    Child::new("child::cannot_be_opened")
        .with("EXPECTED", "cuSOLVER (libcusolver.so) is too old: it lacks 2 routines")
        .with("EXPECTED_NAME", "cusolverDnXgesvdp_bufferSize")
        .run(folder);
}

#[test]
fn a_library_whose_own_libraries_are_missing_says_so() {
    let Some(folder) = folder() else { return };
    let broken = folder.with_file_name("cuda_broken");
    std::fs::create_dir_all(&broken).unwrap();
    for file in ["libcuda.so", "libcublas.so", "libnvrtc.so"] {
        std::fs::copy(folder.join(file), broken.join(file)).unwrap();
    }
    std::fs::write(broken.join("libcusolver.so"), "no library").unwrap();
    if !Cuda::new(0).is_err_and(|error| error.to_string().contains("cuSOLVER was not found")) {
        skipped("this machine has a real cuSOLVER");
        return;
    }
    Child::new("child::cannot_be_opened")
        .with("EXPECTED", "cuSOLVER could not be loaded (")
        .with("EXPECTED_NAME", "libcusolver.so.12")
        .run(&broken);
}
