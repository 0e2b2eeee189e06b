//! The instruction set used by the crate's own loops.
//!
//! The loops are compiled several times, and the best version for the processor is chosen at run time. The environment
//! variable `DOUBLE_DESCENT_INSTRUCTIONS` selects a smaller set, to test all versions on one machine, or to reproduce
//! the last bits of a smaller machine:
//!
//! | value | loops for |
//! |---|---|
//! | `plain` | every processor of the architecture |
//! | `avx2` | x86-64 with AVX2 and fused multiplication |
//! | `avx512` | x86-64 with AVX-512 |
//!
//! It is read once, when the first such loop runs. Any other value, or a set that this processor lacks, is ignored:
//! [`in_use`] returns the set in use.

use pulp::Arch;
use std::sync::OnceLock;

const VARIABLE: &str = "DOUBLE_DESCENT_INSTRUCTIONS";

/// Returns the instruction set of the crate's own loops: `plain`, `avx2`, `avx512`, or `neon` on 64-bit ARM.
///
/// # Examples
/// ```
/// assert!(["plain", "avx2", "avx512", "neon"].contains(&double_descent::instructions::in_use()));
/// ```
#[must_use]
pub fn in_use() -> &'static str {
    match arch() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "avx2",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "neon",
        _ => "plain",
    }
}

/// Returns the instruction set to run a loop with.
#[inline]
pub(crate) fn arch() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    *CHOSEN.get_or_init(|| chosen(std::env::var(VARIABLE).unwrap_or_default().trim()))
}

fn chosen(asked: &str) -> Arch {
    let best = Arch::new();
    match asked {
        "plain" => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        "avx2" => pulp::x86::V3::try_new().map_or(best, Arch::V3),
        _ => best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_ignored() {
        let name = |asked| format!("{:?}", chosen(asked));
        for asked in ["", "AVX2", "avx", "sse2", "\u{1f980}"] {
            assert_eq!(name(asked), format!("{:?}", Arch::new()), "{asked}");
        }
        assert_eq!(name("plain"), format!("{:?}", Arch::Scalar));
    }
}
