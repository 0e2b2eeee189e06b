//! Any bytes read as a file of arrays (`.npy`, `.npz`, IDX), either raw or, if the first byte says so, gzipped or in an
//! archive. The result must be finite numbers on which all readers agree, or an error that can be printed.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/common/any_bytes.rs"]
mod any_bytes;

fuzz_target!(|bytes: &[u8]| {
    let Some((&mode, bytes)) = bytes.split_first() else { return };
    let path = std::env::temp_dir().join(format!("double-descent-fuzz-{}", std::process::id()));
    std::fs::write(&path, any_bytes::wrapped(mode, bytes)).expect("a temporary file");
    any_bytes::read_by_all(&path);
});
