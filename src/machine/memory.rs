//! Memory checks before allocation.
//!
//! A failed allocation aborts the program, and if the system promises more memory than it has, it kills the program
//! later. So whatever grows with the size of a problem is added up first: every function of this crate that takes
//! tables or counts computes, before it does any work, the bytes that it will hold at its peak, not counting its
//! arguments, and returns [`Error::Memory`] if fewer are available. On Linux, that is the least of the machine's
//! available memory, what the process's control groups leave it, and what its address space limit (`ulimit -v`) leaves;
//! elsewhere it is what the system promises on request. Requests under a mebibyte are not checked.
//!
//! [`Sweep::estimate`](crate::sweep::Sweep::estimate) returns the cost of a run in advance. Memory taken at the same
//! time by your own threads is not counted.

use super::large_pages;
use crate::Error;
use crate::error::words::Bytes;
use ndarray::Array2;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Smaller requests are not checked: they cost less than the check.
const SEEN: usize = 1 << 20;
/// From this size on, the whole system is checked, which takes some ten microseconds.
const LARGE: usize = 1 << 25;
/// Reserve for what is not counted (names, messages, thread stacks).
const LEFT: usize = 1 << 23;

/// The most bytes that one call may take.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Cost of a run, as estimated by [`Sweep::estimate`](crate::sweep::Sweep::estimate) and similar functions.
///
/// # Examples
/// ```
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let estimate = Sweep::new(Dataset::diabetes(), 1..=30, 50, 0).estimate()?;
/// assert!(estimate.bytes < 50_000_000 && estimate.flops < 1e9);
/// println!("{estimate}"); // MiB of memory besides the data, number of floating-point operations
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// Bytes at the peak, in addition to what the caller holds; `usize::MAX` if the number overflows.
    pub bytes: usize,
    /// Floating-point operations, within a factor of about two.
    pub flops: f64,
}

impl Cost {
    pub(crate) fn new(bytes: usize, flops: f64) -> Self {
        Self { bytes, flops }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of memory besides the data, {:.1e} floating-point operations",
            Bytes(self.bytes),
            self.flops
        )
    }
}

/// Sets the most bytes that one call may take, whatever the machine has. `None`, the initial state, means no such
/// limit. Requests under a mebibyte are not checked.
///
/// # Examples
/// ```
/// use double_descent::{Error, memory, svd::Svd};
/// use ndarray::Array2;
///
/// memory::set_limit(Some(10 << 20));
/// let refused = Svd::new(&Array2::<f64>::eye(1000));
/// assert!(matches!(refused, Err(Error::Memory { available, .. }) if available == 10 << 20));
/// memory::set_limit(None);
/// ```
pub fn set_limit(bytes: Option<usize>) {
    LIMIT.store(bytes.unwrap_or(usize::MAX), Ordering::Relaxed);
}

/// Returns how many bytes a call may take now: the lesser of the system's figure and the [limit that was
/// set](set_limit). `None` if neither is known.
#[must_use]
pub fn available() -> Option<usize> {
    let stated = Some(LIMIT.load(Ordering::Relaxed)).filter(|&limit| limit < usize::MAX);
    let system = system::available().map(|bytes| bytes.saturating_sub(LEFT));
    stated.into_iter().chain(system).min()
}

/// [`Error::Memory`] unless `needed` bytes are available for `what`: the bytes held at once, not counting inputs.
pub(crate) fn reserve(what: &'static str, needed: usize) -> Result<(), Error> {
    if needed < SEEN { Ok(()) } else { reserve_seen(what, needed) }
}

#[cold]
fn reserve_seen(what: &'static str, needed: usize) -> Result<(), Error> {
    let stated = LIMIT.load(Ordering::Relaxed);
    let error = |available| Err(Error::Memory { what, needed, available });
    if needed > stated {
        return error(stated);
    }
    let address_space = system::address_space();
    let system = if needed < LARGE { address_space } else { system::available() };
    if let Some(available) = system.map(|bytes| bytes.saturating_sub(LEFT)).filter(|&bytes| bytes < needed) {
        return error(available);
    }
    if needed < LARGE {
        return Ok(());
    }
    // Only a fallible reservation can fail without aborting the program.
    let mut reserved = Vec::<u8>::new();
    let possible = reserved.try_reserve_exact(needed).is_ok();
    drop(std::hint::black_box(reserved));
    if possible { Ok(()) } else { error(system.unwrap_or(isize::MAX.unsigned_abs()).min(needed - 1)) }
}

/// Returns a `rows × columns` table of zeros, or [`Error::Memory`].
pub(crate) fn zeros(what: &'static str, rows: usize, columns: usize) -> Result<Array2<f64>, Error> {
    reserve(what, table(rows.max(1), columns.max(1)))?;
    // Fresh memory from the system is zero already.
    Ok(large_pages::zeros((rows, columns)))
}

/// Returns the bytes of `rows × columns` floats; `usize::MAX` on overflow.
pub(crate) fn table(rows: usize, columns: usize) -> usize {
    rows.saturating_mul(columns).saturating_mul(size_of::<f64>())
}

/// Returns the bytes of a vector of `length` values.
pub(crate) fn list<T>(length: usize) -> usize {
    length.saturating_mul(size_of::<T>())
}

/// Returns the sum; `usize::MAX` on overflow.
pub(crate) fn sum(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}

/// Returns the address space that the stacks and heaps of `count` new threads reserve, or 0 if address space is not
/// limited. It is not written to.
pub(crate) fn of_threads(count: usize) -> usize {
    const EACH: usize = 66 << 20;
    if system::address_space().is_some() { count.saturating_mul(EACH) } else { 0 }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::read_to_string;
    use std::path::Path;

    /// Returns the least of what the machine, its control groups and the address space limit leave.
    pub(super) fn available() -> Option<usize> {
        let machine = read_to_string("/proc/meminfo").ok().and_then(|table| value(&table, "MemAvailable:"));
        let machine = machine.map(|kibibytes| kibibytes.saturating_mul(1024));
        let groups = read_to_string("/proc/self/cgroup").ok();
        let groups = groups.and_then(|table| control_groups(&table, Path::new("/sys/fs/cgroup")));
        [machine, groups, address_space()].into_iter().flatten().min()
    }

    /// Returns the address space that `ulimit -v` leaves; `None` if it sets no limit.
    pub(super) fn address_space() -> Option<usize> {
        let (limit, page) = limits()?;
        let table = read_to_string("/proc/self/statm").ok()?;
        let pages: usize = table.split_ascii_whitespace().next()?.parse().ok()?;
        Some(limit.saturating_sub(pages.saturating_mul(page)))
    }

    /// Returns the address space limit, if there is one, and the page size.
    #[allow(unsafe_code)]
    fn limits() -> Option<(usize, usize)> {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the structure is valid for writes during the call.
        let failed = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) } != 0;
        if failed || limit.rlim_cur == libc::RLIM_INFINITY {
            return None;
        }
        // SAFETY: the call takes no pointers.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Some((usize::try_from(limit.rlim_cur).ok()?, usize::try_from(page).ok()?))
    }

    /// Returns the memory left by the memory control groups listed in `table` (`/proc/self/cgroup`) and their
    /// ancestors, for cgroup versions 2 and 1.
    pub(super) fn control_groups(table: &str, root: &Path) -> Option<usize> {
        let mut least = None;
        for line in table.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
            let (root, [limit, usage, inactive]) = if controllers.is_empty() {
                (root.to_path_buf(), ["memory.max", "memory.current", "inactive_file"])
            } else if controllers.split(',').any(|name| name == "memory") {
                let names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"];
                (root.join("memory"), names)
            } else {
                continue;
            };
            let own = root.join(path.trim_start_matches('/'));
            for group in own.ancestors().take_while(|group| group.starts_with(&root)) {
                let number = |name| read_to_string(group.join(name)).ok()?.trim().parse::<usize>().ok();
                let (Some(limit), Some(usage)) = (number(limit), number(usage)) else { continue };
                // Under memory pressure, the system reclaims inactive file pages.
                let cache = read_to_string(group.join("memory.stat")).ok().and_then(|t| value(&t, inactive));
                let room = limit.saturating_sub(usage.saturating_sub(cache.unwrap_or(0)));
                least = Some(least.map_or(room, |least: usize| least.min(room)));
            }
        }
        least
    }

    /// Returns the number that follows a name in a table of names and numbers.
    fn value(table: &str, name: &str) -> Option<usize> {
        let line = table.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn available() -> Option<usize> {
        None
    }

    pub(super) fn address_space() -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!([table(2, 3), table(usize::MAX, 2), sum([usize::MAX, 8])], [48, usize::MAX, usize::MAX]);
        let refused = reserve("a test", usize::MAX);
        assert!(matches!(refused, Err(Error::Memory { needed: usize::MAX, .. })), "{refused:?}");
        assert_eq!(reserve("a test", 2 << 20), Ok(()));
    }

    /// Both versions, a nested group, and a group without a limit.
    #[cfg(target_os = "linux")]
    #[test]
    fn control_groups_leave_what_their_files_say() {
        use std::fs::{create_dir_all, remove_dir_all, write};
        let root = std::env::temp_dir().join(format!("double-descent-groups-{}", std::process::id()));
        let found = |table| system::control_groups(table, &root);
        let group = |path: &str, files: &[(&str, &str)]| {
            let folder = root.join(path);
            create_dir_all(&folder).unwrap();
            for (name, text) in files {
                write(folder.join(name), text).unwrap();
            }
        };
        let stat = ("memory.stat", "anon 5\ninactive_file 300\ntotal_inactive_file 40\n");
        group("a", &[("memory.max", "2000\n"), ("memory.current", "900\n"), stat]);
        group("a/b", &[("memory.max", "max\n"), ("memory.current", "800\n")]);
        assert_eq!(found("0::/a/b\n"), Some(1400));
        group("a/b", &[("memory.max", "1000\n")]);
        assert_eq!(found("0::/a/b\n"), Some(200));
        group("memory/c", &[("memory.limit_in_bytes", "100"), ("memory.usage_in_bytes", "60"), stat]);
        assert_eq!(found("5:cpu:/a\n4:devices,memory:/c\n"), Some(80));
        assert_eq!(found("0::/nowhere\n"), None);
        remove_dir_all(&root).unwrap();
    }
}
