//! Memory, asked for before it is taken.
//!
//! An allocation that fails ends the program, and where the system promises more than it has, it ends later and from
//! outside. So whatever grows with the size of a problem is added up first: every function of this crate that takes
//! tables or counts asks, before it does any work, for the bytes that it will hold at its peak beside its arguments,
//! and ends in [`Error::Memory`] where there are fewer. On Linux the least of what the machine has available, what the
//! control groups of the process leave it and what its limit of address space (`ulimit -v`) leaves; elsewhere what the
//! system promises when asked. Requests under a mebibyte pass unseen.
//!
//! [`Sweep::estimate`](crate::sweep::Sweep::estimate) says beforehand what a run takes. What threads of your own take at the same time is not known here.

use super::large_pages;
use crate::Error;
use crate::error::words::Bytes;
use ndarray::Array2;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests under this pass unseen: they cost less than looking.
const SEEN: usize = 1 << 20;
/// From here on, all of the system is looked at, which takes some ten microseconds.
const LARGE: usize = 1 << 25;
/// What is not counted (names, messages, stacks of threads) and must be left.
const LEFT: usize = 1 << 23;

/// The most that one call may take.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// What a run will take, as [`Sweep::estimate`](crate::sweep::Sweep::estimate) and its like say it.
///
/// # Examples
/// ```
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let estimate = Sweep::new(Dataset::diabetes(), 1..=30, 50, 0).estimate()?;
/// assert!(estimate.bytes < 50_000_000 && estimate.flops < 1e9);
/// println!("{estimate}"); // so many MiB of memory, so many floating-point operations
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// Bytes at the peak, beside what the caller holds; `usize::MAX` where they cannot be counted.
    pub bytes: usize,
    /// Floating-point operations, to a factor of about two.
    pub flops: f64,
}

impl Cost {
    pub(crate) fn new(bytes: usize, flops: f64) -> Self {
        Self { bytes, flops }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of memory, {:.1e} floating-point operations", Bytes(self.bytes), self.flops)
    }
}

/// States the most bytes that one call may take, whatever the machine has; `None`: no such limit, as at the start.
/// Requests under a mebibyte pass all the same.
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

/// How many bytes a call may take now: the least of what the system says and of the [stated limit](set_limit). `None`
/// where neither is known.
#[must_use]
pub fn available() -> Option<usize> {
    let stated = Some(LIMIT.load(Ordering::Relaxed)).filter(|&limit| limit < usize::MAX);
    let system = system::available().map(|bytes| bytes.saturating_sub(LEFT));
    stated.into_iter().chain(system).min()
}

/// [`Error::Memory`] unless `needed` bytes can be had for `what`: those that are held at once, inputs excepted.
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
    // Only a reservation can fail without ending the program.
    let mut reserved = Vec::<u8>::new();
    let possible = reserved.try_reserve_exact(needed).is_ok();
    drop(std::hint::black_box(reserved));
    if possible { Ok(()) } else { error(system.unwrap_or(isize::MAX.unsigned_abs()).min(needed - 1)) }
}

/// `rows × columns` zeros, or [`Error::Memory`].
pub(crate) fn zeros(what: &'static str, rows: usize, columns: usize) -> Result<Array2<f64>, Error> {
    reserve(what, table(rows.max(1), columns.max(1)))?;
    // Memory that comes from the system as zeros need not be written once more.
    Ok(large_pages::zeros((rows, columns)))
}

/// Bytes of `rows × columns` floats; `usize::MAX` where they cannot be counted.
pub(crate) fn table(rows: usize, columns: usize) -> usize {
    rows.saturating_mul(columns).saturating_mul(size_of::<f64>())
}

/// Bytes of so many values of a type, and their vector.
pub(crate) fn list<T>(length: usize) -> usize {
    length.saturating_mul(size_of::<T>())
}

/// The sum, `usize::MAX` where it cannot be counted.
pub(crate) fn sum(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}

/// What stacks and heaps of so many new threads take of an address space that has a limit; it is not written to.
pub(crate) fn of_threads(count: usize) -> usize {
    const EACH: usize = 66 << 20;
    if system::address_space().is_some() { count.saturating_mul(EACH) } else { 0 }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::read_to_string;
    use std::path::Path;

    /// The least of what the machine, its control groups and the limit of address space leave.
    pub(super) fn available() -> Option<usize> {
        let machine = read_to_string("/proc/meminfo").ok().and_then(|table| value(&table, "MemAvailable:"));
        let machine = machine.map(|kibibytes| kibibytes.saturating_mul(1024));
        let groups = read_to_string("/proc/self/cgroup").ok();
        let groups = groups.and_then(|table| control_groups(&table, Path::new("/sys/fs/cgroup")));
        [machine, groups, address_space()].into_iter().flatten().min()
    }

    /// What `ulimit -v` leaves; `None` where it sets no limit.
    pub(super) fn address_space() -> Option<usize> {
        let (limit, page) = limits()?;
        let table = read_to_string("/proc/self/statm").ok()?;
        let pages: usize = table.split_ascii_whitespace().next()?.parse().ok()?;
        Some(limit.saturating_sub(pages.saturating_mul(page)))
    }

    /// The limit of address space, if there is one, and the size of a page.
    #[allow(unsafe_code)]
    fn limits() -> Option<(usize, usize)> {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the structure is there to be written to, for the length of the call.
        let failed = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) } != 0;
        if failed || limit.rlim_cur == libc::RLIM_INFINITY {
            return None;
        }
        // SAFETY: a question without arguments in memory.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        Some((usize::try_from(limit.rlim_cur).ok()?, usize::try_from(page).ok()?))
    }

    /// What the groups of memory control that `table` (`/proc/self/cgroup`) names, and those above them, leave:
    /// versions 2 and 1.
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
                // Pages of files that nobody reads are given up when memory is short.
                let cache = read_to_string(group.join("memory.stat")).ok().and_then(|t| value(&t, inactive));
                let room = limit.saturating_sub(usage.saturating_sub(cache.unwrap_or(0)));
                least = Some(least.map_or(room, |least: usize| least.min(room)));
            }
        }
        least
    }

    /// The number after a name in a table of names and numbers.
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

    /// Both versions, a group inside a group, and one without a limit.
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
