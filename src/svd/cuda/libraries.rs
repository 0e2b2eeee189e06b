//! Detects which CUDA libraries and routines this machine has. cudarc panics on first use of a missing one; here it is
//! an error that says what was looked for.

#![allow(unsafe_code)]

use crate::Error;
use crate::error::words::counted;
use libloading::Library;
use std::error::Error as _;
use std::sync::OnceLock;

/// A shared library and the routines used from it.
struct Needed {
    /// Description for messages.
    what: &'static str,
    /// Its names without prefix and version, as cudarc spells them.
    names: &'static [&'static str],
    routines: &'static [&'static str],
}

const DRIVER: Needed = Needed {
    what: "NVIDIA's driver",
    names: &["cuda", "nvcuda"],
    routines: &[
        "cuInit",
        "cuDeviceGetCount",
        "cuDeviceGet",
        "cuDeviceGetName",
        "cuDeviceGetAttribute",
        "cuDevicePrimaryCtxRetain",
        "cuDevicePrimaryCtxRelease_v2",
        "cuCtxSetCurrent",
        "cuCtxSynchronize",
        "cuGetErrorName",
        "cuLaunchKernel",
        "cuMemAlloc_v2",
        "cuMemFree_v2",
        "cuMemGetInfo_v2",
        "cuMemcpyDtoD_v2",
        "cuMemcpyDtoH_v2",
        "cuMemcpyHtoD_v2",
        "cuMemsetD8_v2",
        "cuModuleGetFunction",
        "cuModuleLoadData",
        "cuModuleUnload",
    ],
};

pub(super) const COMPILER: &str = "NVRTC, the run-time compiler";

const NVRTC: Needed = Needed {
    what: COMPILER,
    names: &["nvrtc"],
    routines: &[
        "nvrtcCompileProgram",
        "nvrtcCreateProgram",
        "nvrtcDestroyProgram",
        "nvrtcGetCUBIN",
        "nvrtcGetCUBINSize",
        "nvrtcGetNumSupportedArchs",
        "nvrtcGetPTX",
        "nvrtcGetPTXSize",
        "nvrtcGetProgramLog",
        "nvrtcGetProgramLogSize",
        "nvrtcGetSupportedArchs",
    ],
};

const CUBLAS: Needed = Needed {
    what: "cuBLAS",
    names: &["cublas"],
    routines: &["cublasCreate_v2", "cublasDestroy_v2", "cublasDgemm_v2_64"],
};

const CUSOLVER: Needed = Needed {
    what: "cuSOLVER",
    names: &["cusolver"],
    routines: &[
        "cusolverDnCreate",
        "cusolverDnCreateGesvdjInfo",
        "cusolverDnCreateParams",
        "cusolverDnDestroy",
        "cusolverDnDestroyGesvdjInfo",
        "cusolverDnDestroyParams",
        "cusolverDnDgesvdjBatched",
        "cusolverDnDgesvdjBatched_bufferSize",
        "cusolverDnDormqr",
        "cusolverDnDormqr_bufferSize",
        "cusolverDnXgeqrf",
        "cusolverDnXgeqrf_bufferSize",
        "cusolverDnXgesvd",
        "cusolverDnXgesvd_bufferSize",
        "cusolverDnXgesvdjSetSortEig",
        "cusolverDnXgesvdp",
        "cusolverDnXgesvdp_bufferSize",
    ],
};

/// What this machine lacks.
#[derive(Clone, Debug, PartialEq)]
struct Missing {
    reason: String,
    looked_for: Vec<String>,
}

impl Missing {
    fn error(&self, device: usize) -> Error {
        Error::Device { device, reason: self.reason.clone(), looked_for: self.looked_for.clone() }
    }
}

/// [`Error::Device`] unless everything that this backend calls is present. Checked once: the libraries stay loaded.
pub(super) fn check(device: usize) -> Result<(), Error> {
    static FOUND: OnceLock<Result<(), Missing>> = OnceLock::new();
    FOUND
        .get_or_init(|| probe(&[DRIVER, CUBLAS, CUSOLVER, NVRTC]))
        .as_ref()
        .copied()
        .map_err(|m| m.error(device))
}

/// [`Error::Device`] unless the run-time compiler is present, which needs no GPU.
pub(super) fn check_compiler(device: usize) -> Result<(), Error> {
    static FOUND: OnceLock<Result<(), Missing>> = OnceLock::new();
    FOUND.get_or_init(|| probe(&[NVRTC])).as_ref().copied().map_err(|m| m.error(device))
}

/// Reports everything that is missing, not only the first item.
fn probe(all: &[Needed]) -> Result<(), Missing> {
    let (mut reasons, mut looked_for) = (Vec::new(), Vec::new());
    for needed in all {
        if let Err(missing) = load(needed) {
            reasons.push(missing.reason);
            looked_for.extend(missing.looked_for);
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(Missing { reason: reasons.join("; "), looked_for }) }
}

/// Loads a library under the first of its names that works, as cudarc does, and checks for its routines.
fn load(needed: &Needed) -> Result<(), Missing> {
    let mut names: Vec<String> = Vec::new();
    for name in needed.names.iter().flat_map(|name| cudarc::get_lib_name_candidates(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut refused = Vec::new();
    for name in &names {
        // SAFETY: the initialisers of CUDA's libraries run; they require nothing of the caller.
        match unsafe { Library::new(name) } {
            Ok(library) => return check_routines(needed, name, library),
            // The loader's own message is the source of "dlopen failed".
            Err(error) => {
                let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                refused.extend(other_than_absent(name, &said));
            }
        }
    }
    let mut reason = format!("{} was not found", needed.what);
    if !refused.is_empty() {
        reason = format!("{} could not be loaded ({})", needed.what, refused.join(", "));
    }
    Err(Missing { reason, looked_for: names })
}

/// Returns the loader's message, unless it only says that the file itself is missing.
fn other_than_absent(name: &str, said: &str) -> Option<String> {
    let absent = said.contains(&format!("{name}: cannot open shared object file"))
        || said.contains(&format!("'{name}'"))
        || said.contains("LoadLibraryExW");
    (!absent).then(|| said.to_owned())
}

fn check_routines(needed: &Needed, name: &str, library: Library) -> Result<(), Missing> {
    // SAFETY: the address is never called or read.
    let has = |routine: &str| unsafe { library.get::<*const ()>(routine.as_bytes()) }.is_ok();
    let missing: Vec<String> =
        needed.routines.iter().filter(|routine| !has(routine)).map(|&routine| routine.to_owned()).collect();
    // Its routines may be in use until the program ends.
    std::mem::forget(library);
    if missing.is_empty() {
        return Ok(());
    }
    let reason =
        format!("{} ({name}) is too old: it lacks {}", needed.what, counted(missing.len(), "routine"));
    Err(Missing { reason, looked_for: missing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_nowhere_is_named_in_all_its_names() {
        const NOWHERE: Needed = Needed { what: "nothing", names: &["no_such_thing"], routines: &[] };
        let missing = probe(&[NOWHERE, NOWHERE]).unwrap_err();
        assert_eq!(missing.reason, "nothing was not found; nothing was not found");
        if cfg!(target_os = "linux") {
            for name in ["libno_such_thing.so", "libno_such_thing.so.13", "libno_such_thing.so.1"] {
                assert!(missing.looked_for.iter().any(|looked| looked == name), "{name}");
            }
        }
        let text = missing.error(3).to_string();
        assert!(
            text.starts_with("CUDA device 3: nothing was not found") && text.contains("; looked for lib")
        );
    }

    /// The C library has no such routine.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_routine_that_is_missing_is_named() {
        const LIBC: Needed = Needed { what: "libc", names: &[], routines: &["malloc", "cuFancyNewRoutine"] };
        // SAFETY: loaded already.
        let library = unsafe { Library::new("libc.so.6") }.unwrap();
        let missing = check_routines(&LIBC, "libc.so.6", library).unwrap_err();
        assert_eq!(missing.looked_for, ["cuFancyNewRoutine"]);
        assert_eq!(missing.reason, "libc (libc.so.6) is too old: it lacks 1 routine");
    }

    /// cudarc panics on a missing routine, so every routine called must be checked for.
    #[test]
    fn every_routine_that_is_called_is_looked_for() {
        let sources = [
            include_str!("blas.rs"),
            include_str!("device.rs"),
            include_str!("kernels.rs"),
            include_str!("solver.rs"),
        ];
        let mut called = Vec::new();
        for begin in sources.iter().flat_map(|source| source.split("sys::").chain(source.split("nvrtc::"))) {
            let name: String = begin.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let is_routine = ["cu", "nvrtc"].iter().any(|prefix| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|rest| rest.contains(|c: char| c.is_ascii_uppercase()))
            });
            if is_routine && begin[name.len()..].starts_with('(') && !called.contains(&name) {
                called.push(name);
            }
        }
        let asked: Vec<&str> =
            [DRIVER, CUBLAS, CUSOLVER, NVRTC].iter().flat_map(|library| library.routines).copied().collect();
        assert!(called.len() > 40, "{called:?}");
        for name in &called {
            assert!(asked.contains(&name.as_str()), "{name} is called and not looked for");
        }
        for name in asked {
            assert!(called.iter().any(|called| called == name), "{name} is looked for and not called");
        }
    }

    #[test]
    fn what_the_loader_says_is_kept_unless_it_says_nothing_new() {
        let gone = "libcuda.so: cannot open shared object file: No such file or directory";
        assert_eq!(other_than_absent("libcuda.so", gone), None);
        let other = "libcusparse.so.12: cannot open shared object file: No such file or directory";
        assert_eq!(other_than_absent("libcusolver.so.12", other), Some(other.into()));
    }
}
