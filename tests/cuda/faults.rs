//! A device that fails or lies leads to an error or to the second route, never to a panic or a wrong result.

use super::stand_in::{Child, folder};

/// Faults of the stand-in, with words that the error must contain.
const CANNOT_OPEN: [(&str, &str); 17] = [
    ("fail:cublasCreate_v2:1", "cublasCreate returned CUBLAS_STATUS_NOT_INITIALIZED"),
    ("fail:cuInit:100", "cuInit returned CUDA_ERROR_NO_DEVICE"),
    ("fail:cuInit:34", "cuInit returned CUDA_ERROR_STUB_LIBRARY"),
    ("fail:cuDeviceGetCount:1", "cuDeviceGetCount returned CUDA_ERROR_INVALID_VALUE"),
    ("fail:cuDeviceGet:101", "cuDeviceGet returned CUDA_ERROR_INVALID_DEVICE"),
    ("fail:cuDeviceGetName:1", "cuDeviceGetName"),
    ("fail:cuDeviceGetAttribute:1", "cuDeviceGetAttribute"),
    ("fail:cuDevicePrimaryCtxRetain:2", "cuDevicePrimaryCtxRetain returned CUDA_ERROR_OUT_OF_MEMORY"),
    ("fail:cuCtxSetCurrent:201", "cuCtxSetCurrent returned CUDA_ERROR_INVALID_CONTEXT"),
    ("fail:nvrtcGetSupportedArchs:11", "list of architectures"),
    ("fail:nvrtcCreateProgram:1", "nvrtcCreateProgram returned NVRTC_ERROR_OUT_OF_MEMORY"),
    ("log:compile", "kernels.cu(1): error: the stand-in does not like it"),
    ("old:compiler", "does not support compute capability 9.0 or below"),
    ("length:nvrtcGetCUBINSize", "gave no code"),
    ("fail:cuModuleLoadData:200", "cuModuleLoadData returned CUDA_ERROR_INVALID_IMAGE"),
    ("fail:cuModuleGetFunction:500", "cuModuleGetFunction returned CUDA_ERROR_NOT_FOUND"),
    ("fail:cusolverDnCreate:1", "cusolverDnCreate returned CUSOLVER_STATUS_NOT_INITIALIZED"),
];

#[test]
fn a_device_that_cannot_be_opened_says_why() {
    let Some(folder) = folder() else { return };
    for (fault, expected) in CANNOT_OPEN {
        Child::new("child::cannot_be_opened")
            .with("CUDA_STAND_INS_FAULT", fault)
            .with("EXPECTED", expected)
            .run(folder);
    }
    let none = "not found; this machine has 0";
    Child::new("child::cannot_be_opened")
        .with("CUDA_STAND_INS_DEVICES", 0)
        .with("EXPECTED", none)
        .run(folder);
}

/// Faults of a first route, with a shape that takes this route.
const MENDED: [(&str, (usize, usize)); 21] = [
    ("fail:cusolverDnDgesvdjBatched:6", (20, 10)),
    ("fail:cusolverDnDgesvdjBatched_bufferSize:3", (20, 10)),
    ("length:cusolverDnDgesvdjBatched_bufferSize:-4", (20, 10)),
    ("info:cusolverDnDgesvdjBatched:11", (10, 20)),
    ("wrong:cusolverDnDgesvdjBatched", (20, 10)),
    ("nan:cusolverDnDgesvdjBatched", (20, 10)),
    ("stuck:one_sided_jacobi", (60, 40)),
    ("wrong:one_sided_jacobi", (60, 40)),
    ("nan:one_sided_jacobi", (40, 60)),
    ("fail:cuLaunchKernel:701", (60, 40)),
    ("fail:cusolverDnXgesvdp:6", (520, 515)),
    ("fail:cusolverDnXgesvdp_bufferSize:3", (520, 515)),
    ("length:cusolverDnXgesvdp_bufferSize:99999999999", (520, 515)),
    ("estimate:cusolverDnXgesvdp:1e-3", (515, 520)),
    ("estimate:cusolverDnXgesvdp:nan", (520, 515)),
    ("info:cusolverDnXgesvdp:2", (520, 515)),
    ("wrong:cusolverDnXgesvdp", (520, 515)),
    ("nan:cusolverDnXgesvdp", (520, 515)),
    ("fail:cusolverDnXgeqrf:6", (600, 30)),
    ("wrong:cusolverDnXgeqrf", (30, 600)),
    ("info:cusolverDnDormqr:-3", (600, 40)),
];

#[test]
fn a_first_route_that_fails_or_lies_is_mended_by_the_second() {
    let Some(folder) = folder() else { return };
    for (fault, (n, p)) in MENDED {
        let child = Child::new("child::mended").with("CUDA_STAND_INS_FAULT", fault);
        child.with("ROWS", n).with("COLUMNS", p).run(folder);
    }
}

/// Faults of both routes, with a shape and words that the error must contain.
const REFUSED: [(&str, (usize, usize), &str); 12] = [
    ("memory:gone", (20, 10), "of device memory are needed"),
    ("fail:cuMemGetInfo_v2:1", (20, 10), "cuMemGetInfo returned CUDA_ERROR_INVALID_VALUE"),
    ("fail:cuMemAlloc_v2:1", (60, 40), "cuMemAlloc returned CUDA_ERROR_INVALID_VALUE"),
    ("fail:cuMemcpyHtoD_v2:1", (60, 40), "cuMemcpyHtoD returned"),
    ("fail:cuMemcpyDtoH_v2:719", (60, 40), "cuMemcpyDtoH returned CUDA_ERROR_LAUNCH_FAILED"),
    ("fail:cuMemsetD8_v2:1", (600, 40), "cuMemsetD8 returned"),
    ("kernel:one_sided_jacobi", (60, 40), "one_sided_jacobi returned CUDA_ERROR_LAUNCH_FAILED"),
    ("wrong:cusolverDnDgesvdjBatched,wrong:cusolverDnXgesvd", (20, 10), "Σσ² against"),
    ("nan:one_sided_jacobi,nan:cusolverDnXgesvd", (60, 40), "X z"),
    ("estimate:cusolverDnXgesvdp:1,info:cusolverDnXgesvd:7", (520, 515), "by its own estimate"),
    (
        "stuck:one_sided_jacobi,fail:cusolverDnXgesvd:6",
        (60, 40),
        "cusolverDnXgesvd returned CUSOLVER_STATUS_EXECUTION_FAILED",
    ),
    (
        "wrong:cusolverDnXgeqrf,fail:cusolverDnXgesvd_bufferSize:3",
        (600, 40),
        "cusolverDnXgesvd_bufferSize returned",
    ),
];

#[test]
fn two_routes_that_fail_or_lie_are_an_error() {
    let Some(folder) = folder() else { return };
    for (fault, (n, p), expected) in REFUSED {
        let child =
            Child::new("child::refused").with("CUDA_STAND_INS_FAULT", fault).with("EXPECTED", expected);
        child.with("ROWS", n).with("COLUMNS", p).run(folder);
    }
}

#[test]
fn a_wrong_triangle_is_an_error() {
    let Some(folder) = folder() else { return };
    for (fault, expected) in [
        ("fail:cusolverDnXgeqrf:6", "cusolverDnXgeqrf returned"),
        ("wrong:cusolverDnXgeqrf", "‖R z‖"),
        ("info:cusolverDnXgeqrf:-2", "argument 2 is wrong"),
        ("length:cusolverDnXgeqrf_bufferSize:99999999999", "of device memory are needed"),
    ] {
        Child::new("child::refused_triangle")
            .with("CUDA_STAND_INS_FAULT", fault)
            .with("EXPECTED", expected)
            .run(folder);
    }
}
