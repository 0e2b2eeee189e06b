//! Studies one after the other whose ends overlap: while the disk takes the tables of one, the next is read and measured.

use super::flags::Failure;
use super::progress::aside;
use std::sync::mpsc::channel;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Those of a scope of threads; without a scope each has ended before the next begins.
pub struct Turns<'scope, 'env> {
    scope: Option<&'scope Scope<'scope, 'env>>,
    last: Turn<'scope>,
}

/// How many cells failed in a study and in those before.
type Failed = Result<usize, Failure>;

enum Turn<'scope> {
    Ended(Failed),
    UnderWay(ScopedJoinHandle<'scope, Failed>),
}

impl Turn<'_> {
    fn end(self) -> Failed {
        match self {
            Self::Ended(failed) => failed,
            Self::UnderWay(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        }
    }
}

impl<'scope, 'env> Turns<'scope, 'env> {
    pub fn new(scope: Option<&'scope Scope<'scope, 'env>>) -> Self {
        Self { scope, last: Turn::Ended(Ok(0)) }
    }

    /// Begins a study, which calls its argument when the next may begin, and comes to an end that is told when those before
    /// have told theirs: how many of its cells failed. Whether a next one may begin.
    pub fn begin<E: FnOnce() -> usize>(
        &mut self,
        study: impl FnOnce(&dyn Fn()) -> Result<E, Failure> + Send + 'scope,
    ) -> bool {
        let before = std::mem::replace(&mut self.last, Turn::Ended(Ok(0)));
        let run = |before: Turn<'_>, pass: &dyn Fn()| {
            let end = study(pass);
            let failed = before.end()?;
            Ok(failed + aside(end?))
        };
        let Some(scope) = self.scope else {
            self.last = Turn::Ended(run(before, &|| ()));
            return matches!(self.last, Turn::Ended(Ok(_)));
        };
        let (sender, receiver) = channel();
        let pass = move || {
            let _ = sender.send(()); // who waits for it is there
        };
        self.last = match Builder::new().spawn_scoped(scope, move || run(before, &pass)) {
            Ok(thread) => Turn::UnderWay(thread),
            Err(error) => {
                Turn::Ended(Err(Failure::Refused(format!("cannot start a study's thread: {error}"))))
            }
        };
        // A study that ended before it passed its turn has failed.
        receiver.recv().is_ok()
    }

    /// Waits for all of them.
    pub fn end(self) -> Failed {
        self.last.end()
    }
}
