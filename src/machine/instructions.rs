//! Which instructions the crate's own loops run with.
//!
//! They are compiled several times, and the best that the processor has is chosen when the program runs. The variable
//! `DOUBLE_DESCENT_INSTRUCTIONS` asks for fewer, to test them all on one machine, or for the last bits of a smaller one:
//!
//! | value | loops for |
//! |---|---|
//! | `plain` | every processor of the architecture |
//! | `avx2` | x86-64 with AVX2 and fused multiplication |
//! | `avx512` | x86-64 with AVX-512 |
//!
//! It is read once, at the first such loop. Another value, and a set that this processor lacks, change nothing:
//! [`in_use`] says what runs. Matrix products and what faer computes are faer's, which chooses for itself.

use pulp::Arch;
use std::sync::OnceLock;

const VARIABLE: &str = "DOUBLE_DESCENT_INSTRUCTIONS";

/// What the crate's own loops run with: `plain`, `avx2`, `avx512`, or `neon` on 64-bit ARM.
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

/// What to compile a loop for.
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
