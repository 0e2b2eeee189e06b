//! A CUDA device with its context and memory.

#![allow(unsafe_code)]

use super::{libraries, plan};
use crate::Error;
use cudarc::driver::sys;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;

/// A device's primary context, shared with all other users of CUDA in this program.
#[derive(Debug)]
pub(super) struct Device {
    ordinal: usize,
    handle: sys::CUdevice,
    context: sys::CUcontext,
    name: String,
    /// 90 for compute capability 9.0.
    architecture: i32,
}

// SAFETY: the driver's routines may be called from any thread; which context they work on is set by `enter`.
unsafe impl Send for Device {}

impl Device {
    /// Opens a device; [`Error::Device`] if there is no driver, no library, or no device with that number.
    pub fn open(ordinal: usize) -> Result<Self, Error> {
        libraries::check(ordinal)?;
        let mut device =
            Self { ordinal, handle: 0, context: std::ptr::null_mut(), name: String::new(), architecture: 0 };
        // SAFETY: the library and its routines are present.
        device.check("cuInit", unsafe { sys::cuInit(0) })?;
        let mut count: c_int = 0;
        // SAFETY: writes one integer.
        device.check("cuDeviceGetCount", unsafe { sys::cuDeviceGetCount(&raw mut count) })?;
        let number = match c_int::try_from(ordinal) {
            Ok(number) if number < count => number,
            _ => return Err(device.error(format!("not found; this machine has {count}, counted from 0"))),
        };
        // SAFETY: writes the handle of a device that exists.
        let status = unsafe { sys::cuDeviceGet(&raw mut device.handle, number) };
        device.check("cuDeviceGet", status)?;
        device.name = device.read_name()?;
        let major =
            device.attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor =
            device.attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        device.architecture = major.saturating_mul(10).saturating_add(minor);
        let mut context = std::ptr::null_mut();
        // SAFETY: writes the context of that device; `drop` releases it.
        let status = unsafe { sys::cuDevicePrimaryCtxRetain(&raw mut context, device.handle) };
        device.check("cuDevicePrimaryCtxRetain", status)?;
        device.context = context;
        device.enter()?;
        Ok(device)
    }

    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn architecture(&self) -> i32 {
        self.architecture
    }

    /// Directs this thread's calls to this device.
    pub fn enter(&self) -> Result<(), Error> {
        // SAFETY: the context lives as long as `self`.
        self.check("cuCtxSetCurrent", unsafe { sys::cuCtxSetCurrent(self.context) })
    }

    /// Waits until all work is done; returns an error if any of it failed.
    pub fn finish(&self, what: &str) -> Result<(), Error> {
        // SAFETY: waits only.
        self.check(what, unsafe { sys::cuCtxSynchronize() })
    }

    /// Bytes that are free now.
    pub fn free(&self) -> Result<usize, Error> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: writes two integers.
        self.check("cuMemGetInfo", unsafe { sys::cuMemGetInfo_v2(&raw mut free, &raw mut total) })?;
        Ok(free)
    }

    /// [`Error::DeviceMemory`] unless `needed` bytes may be allocated.
    pub fn reserve(&self, needed: usize) -> Result<(), Error> {
        let free = self.free()?;
        if needed <= plan::usable(free) { Ok(()) } else { Err(Error::DeviceMemory { needed, free }) }
    }

    /// Allocates memory for `len` numbers, filled with zeros.
    pub fn zeros<T: Plain>(&self, len: usize) -> Result<Buffer<T>, Error> {
        let buffer = self.room(len)?;
        let bytes = len * size_of::<T>();
        if bytes > 0 {
            // SAFETY: the memory is ours, and `bytes` long.
            self.check("cuMemsetD8", unsafe { sys::cuMemsetD8_v2(buffer.address, 0, bytes) })?;
        }
        Ok(buffer)
    }

    /// Allocates uninitialised memory for `len` numbers.
    fn room<T: Plain>(&self, len: usize) -> Result<Buffer<T>, Error> {
        let overflow = Error::DeviceMemory { needed: usize::MAX, free: self.free()? };
        // The driver refuses zero bytes: allocate one.
        let bytes = len.checked_mul(size_of::<T>()).ok_or(overflow)?.max(1);
        let mut address = 0;
        // SAFETY: writes one address.
        let status = unsafe { sys::cuMemAlloc_v2(&raw mut address, bytes) };
        if status == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            return Err(Error::DeviceMemory { needed: bytes, free: self.free()? });
        }
        self.check("cuMemAlloc", status)?;
        Ok(Buffer { address, len, entries: PhantomData })
    }

    /// Copies host memory to the device.
    pub fn upload<T: Plain>(&self, host: &[T]) -> Result<Buffer<T>, Error> {
        let mut buffer = self.room(host.len())?;
        self.write(&mut buffer, 0, host)?;
        Ok(buffer)
    }

    /// Overwrites a buffer from index `from` on.
    pub fn write<T: Plain>(&self, to: &mut Buffer<T>, from: usize, host: &[T]) -> Result<(), Error> {
        let address =
            to.place(from, host.len()).ok_or_else(|| self.error("a copy past the end of a buffer".into()))?;
        if host.is_empty() {
            return Ok(());
        }
        // SAFETY: both sides are `size_of_val(host)` bytes long, and of plain numbers.
        let status = unsafe { sys::cuMemcpyHtoD_v2(address, host.as_ptr().cast(), size_of_val(host)) };
        self.check("cuMemcpyHtoD", status)
    }

    /// Copies device memory to the host; waits for running computations.
    pub fn download<T: Plain>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, Error> {
        let mut host = vec![T::default(); buffer.len];
        if host.is_empty() {
            return Ok(host);
        }
        // SAFETY: both sides have this many bytes, and any bits are a valid `T`.
        let status = unsafe {
            sys::cuMemcpyDtoH_v2(host.as_mut_ptr().cast::<c_void>(), buffer.address, size_of_val(&host[..]))
        };
        self.check("cuMemcpyDtoH", status)?;
        Ok(host)
    }

    /// Copies the first entries on the device.
    pub fn copy<T: Plain>(&self, from: &Buffer<T>, len: usize) -> Result<Buffer<T>, Error> {
        let source =
            from.place(0, len).ok_or_else(|| self.error("a copy past the end of a buffer".into()))?;
        let to = self.room(len)?;
        if len > 0 {
            // SAFETY: both sides have this many bytes.
            let status = unsafe { sys::cuMemcpyDtoD_v2(to.address, source, len * size_of::<T>()) };
            self.check("cuMemcpyDtoD", status)?;
        }
        Ok(to)
    }

    /// Returns [`Error::Device`] with this reason.
    pub fn error(&self, reason: String) -> Error {
        Error::Device { device: self.ordinal, reason, looked_for: Vec::new() }
    }

    /// [`Error::Device`] unless the driver reports success.
    pub fn check(&self, call: &str, status: sys::CUresult) -> Result<(), Error> {
        if status == sys::CUresult::CUDA_SUCCESS {
            return Ok(());
        }
        Err(self.error(format!("{call} returned {}", error_name(status))))
    }

    fn attribute(&self, which: sys::CUdevice_attribute) -> Result<i32, Error> {
        let mut value: c_int = 0;
        // SAFETY: writes one integer.
        let status = unsafe { sys::cuDeviceGetAttribute(&raw mut value, which, self.handle) };
        self.check("cuDeviceGetAttribute", status)?;
        Ok(value)
    }

    fn read_name(&self) -> Result<String, Error> {
        let mut name: [c_char; 256] = [0; 256];
        // SAFETY: writes at most 255 characters and a zero.
        let status = unsafe { sys::cuDeviceGetName(name.as_mut_ptr(), 255, self.handle) };
        self.check("cuDeviceGetName", status)?;
        // SAFETY: the last of the 256 characters is still zero.
        Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if !self.context.is_null() {
            // SAFETY: retained once, in `open`. Nothing can be done about a failure here.
            unsafe { sys::cuDevicePrimaryCtxRelease_v2(self.handle) };
        }
    }
}

fn error_name(status: sys::CUresult) -> String {
    let mut text: *const c_char = std::ptr::null();
    // SAFETY: writes the address of a text that is never freed, or null.
    let told = unsafe { sys::cuGetErrorName(status, &raw mut text) };
    if told != sys::CUresult::CUDA_SUCCESS || text.is_null() {
        return format!("{status:?}");
    }
    // SAFETY: a zero-terminated text owned by the driver.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Plain numbers.
///
/// # Safety
/// The type must have no padding, and any bits must be a valid value.
pub(super) unsafe trait Plain: Copy + Default {}
// SAFETY: `f64` meets both requirements.
unsafe impl Plain for f64 {}
// SAFETY: `i32` meets both requirements.
unsafe impl Plain for i32 {}
// SAFETY: `u8` meets both requirements.
unsafe impl Plain for u8 {}

/// Memory on a device, freed when dropped, in the context of the thread that drops it. It never leaves this backend,
/// which enters the context at the beginning of every call.
#[derive(Debug)]
pub(super) struct Buffer<T> {
    address: sys::CUdeviceptr,
    len: usize,
    entries: PhantomData<T>,
}

impl<T> Buffer<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its address on the device.
    pub fn address(&self) -> sys::CUdeviceptr {
        self.address
    }

    /// Returns the address of entry `from`, if `len` entries follow from there.
    pub fn place(&self, from: usize, len: usize) -> Option<sys::CUdeviceptr> {
        let inside = from.checked_add(len).is_some_and(|end| end <= self.len);
        inside.then(|| self.address + (from * size_of::<T>()) as u64)
    }

    /// The pointer that the libraries take.
    pub fn pointer(&mut self) -> *mut T {
        pointer(self.address)
    }

    /// The pointer that the libraries take for reading only.
    pub fn const_pointer(&self) -> *const T {
        pointer::<T>(self.address)
    }

    /// Returns a pointer to entry `from`, if `len` entries follow from there.
    pub fn pointer_to(&mut self, from: usize, len: usize) -> Option<*mut T> {
        self.place(from, len).map(pointer)
    }
}

#[allow(clippy::cast_possible_truncation)] // CUDA runs on 64 bits alone
fn pointer<T>(address: sys::CUdeviceptr) -> *mut T {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: allocated once, in `room`. Nothing can be done about a failure here.
        unsafe { sys::cuMemFree_v2(self.address) };
    }
}
