//! Workspace for faer's routines.

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use std::cell::Cell;

/// Largest workspace that is kept, in bytes.
const KEPT: usize = 1 << 27;

thread_local! {
    /// The workspace last used on this thread: fresh memory from the system is slow on first access.
    static SPACE: Cell<Option<MemBuffer>> = const { Cell::new(None) };
}

/// Runs `work` with the workspace it needs; returns `None` if there is not enough memory.
pub(super) fn with_space<T>(needed: StackReq, work: impl FnOnce(&mut MemStack) -> T) -> Option<T> {
    let mut kept = SPACE.take();
    let is_enough = kept.as_mut().is_some_and(|buffer| MemStack::new(buffer).can_hold(needed));
    let mut buffer = match kept {
        Some(buffer) if is_enough => buffer,
        _ => MemBuffer::try_new(needed).ok()?,
    };
    let result = work(MemStack::new(&mut buffer));
    if buffer.len() <= KEPT {
        SPACE.set(Some(buffer));
    }
    Some(result)
}
