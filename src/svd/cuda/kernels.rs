//! The project's own kernels: compiled when a device is opened, and launched from here.

#![allow(unsafe_code)]

use super::device::{Buffer, Device};
use super::libraries;
use super::plan::{Launch, Tall, Target};
use crate::Error;
use cudarc::driver::sys;
use cudarc::nvrtc::sys as nvrtc;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

const SOURCE: &CStr = match CStr::from_bytes_with_nul(concat!(include_str!("kernels.cu"), "\0").as_bytes()) {
    Ok(source) => source,
    Err(_) => c"",
};

/// The loaded kernels.
#[derive(Debug)]
pub(super) struct Kernels {
    module: sys::CUmodule,
    jacobi: sys::CUfunction,
    upper: sys::CUfunction,
    over_zeros: sys::CUfunction,
    draw: sys::CUfunction,
    cosines: sys::CUfunction,
    transpose: sys::CUfunction,
    gains: sys::CUfunction,
    distances: sys::CUfunction,
}

/// Result of [`Kernels::draw_gaussian`], on the device.
#[derive(Debug)]
pub(super) struct Drawn {
    /// `inputs × count`, column-major.
    pub frequencies: Buffer<f64>,
    pub phases: Buffer<f64>,
    /// 1 for a feature that is left to the CPU.
    pub flags: Buffer<i32>,
}

// SAFETY: handles owned by the driver, valid on any thread.
unsafe impl Send for Kernels {}

impl Kernels {
    /// Compiles the kernels for this device and loads them.
    pub fn load(device: &Device) -> Result<Self, Error> {
        let image = compile(device.ordinal(), device.architecture())?;
        let mut kernels = Self {
            module: std::ptr::null_mut(),
            jacobi: std::ptr::null_mut(),
            upper: std::ptr::null_mut(),
            over_zeros: std::ptr::null_mut(),
            draw: std::ptr::null_mut(),
            cosines: std::ptr::null_mut(),
            transpose: std::ptr::null_mut(),
            gains: std::ptr::null_mut(),
            distances: std::ptr::null_mut(),
        };
        // SAFETY: machine code, or zero-terminated assembly; the driver copies it.
        let status = unsafe { sys::cuModuleLoadData(&raw mut kernels.module, image.as_ptr().cast()) };
        device.check("cuModuleLoadData", status)?;
        kernels.jacobi = kernels.function(device, c"one_sided_jacobi")?;
        kernels.upper = kernels.function(device, c"upper_triangle")?;
        kernels.over_zeros = kernels.function(device, c"over_zeros")?;
        kernels.draw = kernels.function(device, c"draw_gaussian")?;
        kernels.cosines = kernels.function(device, c"cosines")?;
        kernels.transpose = kernels.function(device, c"transpose")?;
        kernels.gains = kernels.function(device, c"apply_gains")?;
        kernels.distances = kernels.function(device, c"squared_distances")?;
        Ok(kernels)
    }

    fn function(&self, device: &Device, name: &CStr) -> Result<sys::CUfunction, Error> {
        let mut function = std::ptr::null_mut();
        // SAFETY: writes the handle of a function of a loaded module.
        let status = unsafe { sys::cuModuleGetFunction(&raw mut function, self.module, name.as_ptr()) };
        device.check("cuModuleGetFunction", status)?;
        Ok(function)
    }

    /// Runs one-sided Jacobi on `sweeps.len()` matrices, which become `U`; also writes `V`, `Σ` and the numbers of
    /// sweeps.
    pub fn jacobi(
        &self,
        device: &Device,
        shape: Tall,
        matrices: &mut Buffer<f64>,
        (vectors, sigmas, sweeps): (&mut Buffer<f64>, &mut Buffer<f64>, &mut Buffer<i32>),
    ) -> Result<(), Error> {
        let (count, columns) = (sweeps.len(), shape.columns);
        let wrong = || device.error("buffers that do not fit the Jacobi kernel".into());
        if count == 0
            || matrices.len() != count * shape.len()
            || vectors.len() != count * columns * columns
            || sigmas.len() != count * columns
        {
            return Err(wrong());
        }
        let launch = Launch::jacobi(shape, count).ok_or_else(wrong)?;
        let mut rows = c_int::try_from(shape.rows).map_err(|_| wrong())?;
        let mut columns = c_int::try_from(columns).map_err(|_| wrong())?;
        let mut in_shared = c_int::from(launch.shared_bytes > 0);
        let (mut a, mut v) = (matrices.address(), vectors.address());
        let (mut s, mut n) = (sigmas.address(), sweeps.address());
        let mut arguments = [
            (&raw mut a).cast(),
            (&raw mut v).cast(),
            (&raw mut s).cast(),
            (&raw mut n).cast(),
            (&raw mut rows).cast(),
            (&raw mut columns).cast(),
            (&raw mut in_shared).cast(),
        ];
        // SAFETY: the parameters of `one_sided_jacobi`, with buffers of the sizes that it writes.
        unsafe { start(device, self.jacobi, launch, &mut arguments) }?;
        device.finish("one_sided_jacobi")
    }

    /// Copies the upper trapezoid, `height × columns`, of a matrix with `rows` rows: the `place`-th of each buffer.
    pub fn upper_triangle(
        &self,
        device: &Device,
        (from, rows): (&Buffer<f64>, usize),
        to: &mut Buffer<f64>,
        (height, columns): (usize, usize),
        place: usize,
    ) -> Result<(), Error> {
        let source = from.place(place * rows * columns, rows * columns);
        let target = to.place(place * height * columns, height * columns);
        copy(device, self.upper, (source, target), (rows, height, columns), height * columns)
    }

    /// Copies a matrix of `height` rows and pads it with zeros to `rows` rows: the `place`-th of each buffer.
    pub fn over_zeros(
        &self,
        device: &Device,
        (from, height): (&Buffer<f64>, usize),
        to: &mut Buffer<f64>,
        (rows, columns): (usize, usize),
        place: usize,
    ) -> Result<(), Error> {
        let source = from.place(place * height * columns, height * columns);
        let target = to.place(place * rows * columns, rows * columns);
        copy(device, self.over_zeros, (source, target), (rows, height, columns), rows * columns)
    }
}

/// Features of random Fourier maps, and errors of fits on them.
impl Kernels {
    /// Draws `count` Gaussian frequencies, feature `k` from the key's stream `k · 2³² ^ low_nonce`.
    pub fn draw_gaussian(
        &self,
        device: &Device,
        (key, low_nonce): (&[i32; 8], u64),
        edges: &[f64; 257],
        (count, inputs): (usize, usize),
        mut deviation: f64,
    ) -> Result<Drawn, Error> {
        let len = count
            .checked_mul(inputs)
            .ok_or(Error::DeviceMemory { needed: usize::MAX, free: device.free()? })?;
        let drawn = Drawn {
            frequencies: device.zeros(len)?,
            phases: device.zeros(count)?,
            flags: device.zeros(count)?,
        };
        let (key, edges) = (device.upload(&key[..])?, device.upload(&edges[..])?);
        let (mut k, mut e) = (key.address(), edges.address());
        let (mut w, mut b, mut f) =
            (drawn.frequencies.address(), drawn.phases.address(), drawn.flags.address());
        let (mut rows, mut columns, mut nonce) = (count as u64, inputs as u64, low_nonce);
        let mut arguments = [
            (&raw mut k).cast(),
            (&raw mut e).cast(),
            (&raw mut w).cast(),
            (&raw mut b).cast(),
            (&raw mut f).cast(),
            (&raw mut rows).cast(),
            (&raw mut columns).cast(),
            (&raw mut deviation).cast(),
            (&raw mut nonce).cast(),
        ];
        // SAFETY: the parameters of `draw_gaussian`, with buffers of the sizes that it reads and writes.
        unsafe { start(device, self.draw, Launch::each(count), &mut arguments) }?;
        device.finish("draw_gaussian")?;
        Ok(drawn)
    }

    /// Computes `amplitude · cos(t + b)` for every entry `t` of a table with one phase `b` per column.
    pub fn cosines(
        &self,
        device: &Device,
        table: &mut Buffer<f64>,
        phases: &Buffer<f64>,
        mut amplitude: f64,
    ) -> Result<(), Error> {
        let (entries, columns) = (table.len(), phases.len());
        if columns == 0 || !entries.is_multiple_of(columns) {
            return Err(device.error("a table of cosines that does not fit its phases".into()));
        }
        let (mut t, mut b) = (table.address(), phases.address());
        let (mut rows, mut width) = ((entries / columns) as u64, columns as u64);
        let mut arguments = [
            (&raw mut t).cast(),
            (&raw mut b).cast(),
            (&raw mut rows).cast(),
            (&raw mut width).cast(),
            (&raw mut amplitude).cast(),
        ];
        // SAFETY: the parameters of `cosines`, with buffers of the sizes that it reads and writes.
        unsafe { start(device, self.cosines, Launch::each(entries), &mut arguments) }
    }

    /// Transposes the first `rows × columns` entries.
    pub fn transpose(
        &self,
        device: &Device,
        from: &Buffer<f64>,
        (rows, columns): (usize, usize),
    ) -> Result<Buffer<f64>, Error> {
        let over = || device.error("a transpose past the end of a buffer".into());
        let len = rows.checked_mul(columns).ok_or_else(over)?;
        let mut source = from.place(0, len).ok_or_else(over)?;
        let to = device.zeros(len)?;
        let mut target = to.address();
        let (mut height, mut width) = (rows as u64, columns as u64);
        let mut arguments = [
            (&raw mut source).cast(),
            (&raw mut target).cast(),
            (&raw mut height).cast(),
            (&raw mut width).cast(),
        ];
        // SAFETY: the parameters of `transpose`, with buffers of the sizes that it reads and writes.
        unsafe { start(device, self.transpose, Launch::each(len), &mut arguments) }?;
        Ok(to)
    }

    /// Multiplies `from` (modes × outputs) by the gains of each filter (modes × filters): modes × (outputs · filters).
    pub fn apply_gains(
        &self,
        device: &Device,
        from: &Buffer<f64>,
        gains: &Buffer<f64>,
        modes: usize,
    ) -> Result<Buffer<f64>, Error> {
        let (outputs, filters) = (from.len() / modes.max(1), gains.len() / modes.max(1));
        if outputs * modes != from.len() || filters * modes != gains.len() {
            return Err(device.error("gains that do not fit their modes".into()));
        }
        let to = device.zeros(from.len() * filters)?;
        let (mut f, mut g, mut t) = (from.address(), gains.address(), to.address());
        let (mut m, mut k, mut l) = (modes as u64, outputs as u64, filters as u64);
        let mut arguments = [
            (&raw mut f).cast(),
            (&raw mut g).cast(),
            (&raw mut t).cast(),
            (&raw mut m).cast(),
            (&raw mut k).cast(),
            (&raw mut l).cast(),
        ];
        // SAFETY: the parameters of `apply_gains`, with buffers of the sizes that it reads and writes.
        unsafe { start(device, self.gains, Launch::each(to.len()), &mut arguments) }?;
        Ok(to)
    }

    /// Computes the squared distance of each column of `a` (`rows` long) from its output's column of `b`, or from 0
    /// without `b`.
    pub fn squared_distances(
        &self,
        device: &Device,
        a: &Buffer<f64>,
        b: Option<&Buffer<f64>>,
        rows: usize,
    ) -> Result<Vec<f64>, Error> {
        let wrong = || device.error("columns that do not fit those they are compared with".into());
        let rows = rows.max(1);
        let (columns, outputs) = (a.len() / rows, b.map_or(0, |b| b.len() / rows));
        if columns == 0
            || columns * rows != a.len()
            || b.is_some_and(|b| b.is_empty() || outputs * rows != b.len())
        {
            return Err(wrong());
        }
        let to = device.zeros::<f64>(columns)?;
        let launch =
            Launch { blocks: u32::try_from(columns).map_err(|_| wrong())?, threads: 256, shared_bytes: 0 };
        let (mut x, mut y, mut t) = (a.address(), b.unwrap_or(a).address(), to.address());
        let (mut height, mut width) = (rows as u64, outputs as u64);
        let mut arguments = [
            (&raw mut x).cast(),
            (&raw mut y).cast(),
            (&raw mut t).cast(),
            (&raw mut height).cast(),
            (&raw mut width).cast(),
        ];
        // SAFETY: the parameters of `squared_distances`, with buffers of the sizes that it reads and writes.
        unsafe { start(device, self.distances, launch, &mut arguments) }?;
        device.download(&to)
    }
}

impl Drop for Kernels {
    fn drop(&mut self) {
        if !self.module.is_null() {
            // SAFETY: loaded once. Nothing can be done about a failure here.
            unsafe { sys::cuModuleUnload(self.module) };
        }
    }
}

/// Launches one of the copying kernels.
fn copy(
    device: &Device,
    function: sys::CUfunction,
    addresses: (Option<sys::CUdeviceptr>, Option<sys::CUdeviceptr>),
    (rows, height, columns): (usize, usize, usize),
    entries: usize,
) -> Result<(), Error> {
    let (Some(mut from), Some(mut to)) = addresses else {
        return Err(device.error("a copy past the end of a buffer".into()));
    };
    let (mut rows, mut height, mut columns) = (rows as u64, height as u64, columns as u64);
    let mut arguments = [
        (&raw mut from).cast(),
        (&raw mut to).cast(),
        (&raw mut rows).cast(),
        (&raw mut height).cast(),
        (&raw mut columns).cast(),
    ];
    // SAFETY: the parameters of both copying kernels; both addresses have room for what is read and written.
    unsafe { start(device, function, Launch::each(entries), &mut arguments) }
}

/// # Safety
/// The arguments must be those of the kernel, with large enough buffers.
unsafe fn start(
    device: &Device,
    function: sys::CUfunction,
    launch: Launch,
    arguments: &mut [*mut c_void],
) -> Result<(), Error> {
    let Launch { blocks, threads, shared_bytes } = launch;
    let (stream, extra) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: guaranteed by the caller. The driver copies the arguments before it returns.
    let status = unsafe {
        let arguments = arguments.as_mut_ptr();
        sys::cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, shared_bytes, stream, arguments, extra)
    };
    device.check("cuLaunchKernel", status)
}

/// An NVRTC program, destroyed when dropped.
struct Program(nvrtc::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created once.
        unsafe { nvrtc::nvrtcDestroyProgram(&raw mut self.0) };
    }
}

/// Compiles the kernels for an architecture (90 for 9.0): to machine code, or to assembly if the compiler is too old to
/// know it.
fn compile(device: usize, architecture: i32) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::Device { device, reason, looked_for: Vec::new() };
    let check = |call: &str, status: nvrtc::nvrtcResult| match status {
        nvrtc::nvrtcResult::NVRTC_SUCCESS => Ok(()),
        _ => Err(failed(format!("{call} returned {status:?}"))),
    };
    libraries::check_compiler(device)?;
    let known = architectures(device)?;
    let target = Target::choose(&known, architecture).ok_or_else(|| {
        let (major, minor) = (architecture / 10, architecture % 10);
        failed(format!(
            "{} does not support compute capability {major}.{minor} or below",
            libraries::COMPILER
        ))
    })?;
    let mut program = Program(std::ptr::null_mut());
    let none = std::ptr::null();
    // SAFETY: source and name are zero-terminated and static; there are no headers.
    let status = unsafe {
        let name = c"kernels.cu".as_ptr();
        nvrtc::nvrtcCreateProgram(&raw mut program.0, SOURCE.as_ptr(), name, 0, none, none)
    };
    check("nvrtcCreateProgram", status)?;
    // Multiply-adds are fused only where the source says so: the same bits from every compiler version.
    let options: Vec<CString> = [target.option(), "--fmad=false".into()]
        .into_iter()
        .filter_map(|text| CString::new(text).ok())
        .collect();
    let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or(0);
    // SAFETY: `count` zero-terminated texts, which live until the call returns.
    let status = unsafe { nvrtc::nvrtcCompileProgram(program.0, count, pointers.as_ptr()) };
    if status != nvrtc::nvrtcResult::NVRTC_SUCCESS {
        return Err(failed(format!("nvrtcCompileProgram returned {status:?}: {}", log(&program).trim())));
    }
    let mut size = 0;
    // SAFETY: writes one integer.
    let status = unsafe {
        match target {
            Target::Code(_) => nvrtc::nvrtcGetCUBINSize(program.0, &raw mut size),
            Target::Assembly(_) => nvrtc::nvrtcGetPTXSize(program.0, &raw mut size),
        }
    };
    check("the size of the compiled kernels", status)?;
    if size == 0 {
        return Err(failed("nvrtcCompileProgram gave no code".into()));
    }
    let mut image = vec![0_u8; size];
    let to = image.as_mut_ptr().cast();
    // SAFETY: writes as many bytes as it reported.
    let status = unsafe {
        match target {
            Target::Code(_) => nvrtc::nvrtcGetCUBIN(program.0, to),
            Target::Assembly(_) => nvrtc::nvrtcGetPTX(program.0, to),
        }
    };
    check("the compiled kernels", status)?;
    Ok(image)
}

/// Returns the architectures that the compiler knows.
fn architectures(device: usize) -> Result<Vec<i32>, Error> {
    let failed = |status| Error::Device {
        device,
        reason: format!("the list of architectures: NVRTC returned {status:?}"),
        looked_for: Vec::new(),
    };
    let mut count: c_int = 0;
    // SAFETY: writes one integer.
    let status = unsafe { nvrtc::nvrtcGetNumSupportedArchs(&raw mut count) };
    if status != nvrtc::nvrtcResult::NVRTC_SUCCESS {
        return Err(failed(status));
    }
    let mut all = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: writes as many integers as it reported.
    let status = unsafe { nvrtc::nvrtcGetSupportedArchs(all.as_mut_ptr()) };
    if status != nvrtc::nvrtcResult::NVRTC_SUCCESS {
        return Err(failed(status));
    }
    Ok(all)
}

fn log(program: &Program) -> String {
    let mut size = 0;
    // SAFETY: writes one integer.
    let status = unsafe { nvrtc::nvrtcGetProgramLogSize(program.0, &raw mut size) };
    if status != nvrtc::nvrtcResult::NVRTC_SUCCESS {
        return String::new();
    }
    let mut text = vec![0_u8; size];
    // SAFETY: writes as many characters as it reported, including the final zero.
    let status = unsafe { nvrtc::nvrtcGetProgramLog(program.0, text.as_mut_ptr().cast()) };
    if status != nvrtc::nvrtcResult::NVRTC_SUCCESS {
        return String::new();
    }
    String::from_utf8_lossy(&text).trim_end_matches('\0').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses the real compiler, if it is installed: it needs no GPU.
    #[test]
    fn the_kernels_compile_for_every_architecture() {
        assert!(SOURCE.to_bytes().len() > 1000);
        if let Err(error) = libraries::check_compiler(0) {
            println!("SKIPPED: {error}");
            return;
        }
        let known = architectures(0).unwrap();
        assert!(!known.is_empty());
        for &architecture in &known {
            let code = compile(0, architecture).unwrap_or_else(|e| panic!("{architecture}: {e}"));
            println!("compute capability {architecture}: {} bytes of machine code", code.len());
            assert!(code.len() > 1000 && code.starts_with(b"\x7fELF"), "{architecture}");
        }
        // A future device gets assembly.
        let newest = known.iter().max().unwrap();
        let assembly = compile(0, newest + 100).unwrap();
        let text = String::from_utf8(assembly).unwrap();
        for name in [
            "one_sided_jacobi",
            "upper_triangle",
            "over_zeros",
            "draw_gaussian",
            "cosines",
            "transpose",
            "apply_gains",
            "squared_distances",
        ] {
            assert!(text.contains(&format!(".entry {name}(")), "{name}");
        }
        assert!(text.ends_with('\0'));
        let error = compile(0, 10).unwrap_err().to_string();
        assert!(error.contains("not support compute capability 1.0"), "{error}");
    }
}
