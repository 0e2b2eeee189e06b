//! Work space of faer's routines.

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use std::cell::Cell;

/// Work space of more bytes is not kept.
const KEPT: usize = 1 << 27;

thread_local! {
    /// Work space that was last used on this thread: memory fresh from the system is slow at first touch.
    static SPACE: Cell<Option<MemBuffer>> = const { Cell::new(None) };
}

/// `None` where there is no memory for what is needed.
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
