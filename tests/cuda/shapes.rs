//! Every code path on a device that works.

use super::stand_in::{Child, folder};
use std::path::Path;

#[test]
fn every_shape_is_factorised_by_its_first_route() {
    let Some(folder) = folder() else { return };
    Child::new("child::factorisations").run(folder);
}

/// The kernel with all 32 lanes of a warp, with shuffles and barriers, simulated thread by thread.
#[test]
fn the_kernel_in_whole_warps() {
    let Some(folder) = folder() else { return };
    Child::new("child::kernel").with("CUDA_STAND_INS_WARPS", 1).run(folder);
}

#[test]
fn the_kernel_in_single_lanes() {
    let Some(folder) = folder() else { return };
    Child::new("child::kernel").run(folder);
}

/// A matrix has the same bits alone, in a batch, and in the smaller batches that less memory forces.
#[test]
fn a_matrix_has_the_same_bits_in_any_batch() {
    let Some(folder) = folder() else { return };
    let bits =
        |memory: usize| bits(Child::new("child::batches").with("CUDA_STAND_INS_MEMORY", memory), folder);
    let all = bits(1 << 30);
    for memory in [2 << 20, 900_000, 250_000] {
        assert_eq!(bits(memory), all, "{memory} bytes");
    }
}

/// The line with all result bits that the child prints.
fn bits(child: Child, folder: &Path) -> String {
    let told = child.run(folder);
    told.lines().find(|line| line.contains("BITS")).expect("a line of bits").to_owned()
}

/// Runs the threads of a block in ascending and in descending order; a missing barrier would change the bits.
#[test]
fn threads_of_a_block_may_run_in_any_order() {
    let Some(folder) = folder() else { return };
    let single = || Child::new("child::batches");
    assert_eq!(bits(single(), folder), bits(single().with("CUDA_STAND_INS_BACKWARDS", 1), folder));
    let whole = || Child::new("child::batches").with("CUDA_STAND_INS_WARPS", 1);
    assert_eq!(bits(whole(), folder), bits(whole().with("CUDA_STAND_INS_BACKWARDS", 1), folder));
}

#[test]
fn threads_take_turns() {
    let Some(folder) = folder() else { return };
    Child::new("child::threads").run(folder);
}

#[test]
fn too_little_memory_is_an_error_with_both_numbers() {
    let Some(folder) = folder() else { return };
    Child::new("child::too_little_memory").with("CUDA_STAND_INS_MEMORY", 30_000).run(folder);
}

#[test]
fn auto_takes_the_device_for_much_work_alone_and_the_cpu_where_it_fails() {
    let Some(folder) = folder() else { return };
    Child::new("child::auto").run(folder);
    Child::new("child::auto").with("CUDA_STAND_INS_FAULT", "memory:gone").run(folder);
}
