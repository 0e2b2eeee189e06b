//! Random features generated and fitted on a device.

use super::stand_in::{Child, folder};

#[test]
fn frequencies_are_the_bits_of_the_cpu() {
    let Some(folder) = folder() else { return };
    Child::new("child_fourier::frequencies").run(folder);
    let liar = "wrong:draw_gaussian";
    Child::new("child_fourier::lying_frequencies").with("CUDA_STAND_INS_FAULT", liar).run(folder);
}

#[test]
fn cells_are_those_of_the_cpu() {
    let Some(folder) = folder() else { return };
    Child::new("child_fourier::cells").run(folder);
    // Again by the second route of every shape.
    let liar = "wrong:one_sided_jacobi,fail:cusolverDnDgesvdjBatched:6,nan:cusolverDnXgesvdp";
    Child::new("child_fourier::cells").with("CUDA_STAND_INS_FAULT", liar).run(folder);
}

#[test]
fn tables_that_do_not_fit_are_errors() {
    let Some(folder) = folder() else { return };
    Child::new("child_fourier::bad_tables").run(folder);
}

#[test]
fn cells_that_fail_are_errors() {
    let Some(folder) = folder() else { return };
    for (fault, expected) in [
        ("memory:gone", "of device memory are needed"),
        ("fail:cublasDgemm_v2_64:13", "cublasDgemm returned CUBLAS_STATUS_EXECUTION_FAILED"),
        ("fail:cuMemcpyDtoD_v2:1", "cuMemcpyDtoD returned CUDA_ERROR_INVALID_VALUE"),
        ("fail:cuLaunchKernel:701", "cuLaunchKernel returned CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
        ("wrong:one_sided_jacobi,wrong:cusolverDnXgesvd", "Σσ² against ‖X‖² is off"),
        ("nan:one_sided_jacobi,nan:cusolverDnXgesvd", "X z is off by NaN"),
        ("stuck:one_sided_jacobi,info:cusolverDnXgesvd:3", "did not converge: info = 3"),
    ] {
        let child = Child::new("child_fourier::refused").with("CUDA_STAND_INS_FAULT", fault);
        child.with("EXPECTED", expected).run(folder);
    }
    Child::new("child_fourier::too_little_memory").with("CUDA_STAND_INS_MEMORY", 100_000).run(folder);
}
