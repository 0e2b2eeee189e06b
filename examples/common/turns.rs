//! Overlaps the ends of consecutive studies: while one writes its tables, the next is read and measured.

use super::flags::Failure;
use super::progress::aside;
use std::sync::mpsc::channel;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// The turns of studies in a scope of threads; without a scope, each study ends before the next begins.
pub struct Turns<'scope, 'env> {
    scope: Option<&'scope Scope<'scope, 'env>>,
    last: Turn<'scope>,
}

/// The number of failed cells in a study and all earlier ones.
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

    /// Begins a study, which calls its argument when the next may begin and returns a closure that reports its result,
    /// the number of failed cells, after the results of all earlier studies. Returns whether another study may begin.
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
            let _ = sender.send(()); // the receiver still exists
        };
        self.last = match Builder::new().spawn_scoped(scope, move || run(before, &pass)) {
            Ok(thread) => Turn::UnderWay(thread),
            Err(error) => {
                Turn::Ended(Err(Failure::Refused(format!("cannot start a study's thread: {error}"))))
            }
        };
        // A study that ended without passing its turn has failed.
        receiver.recv().is_ok()
    }

    /// Waits for all studies.
    pub fn end(self) -> Failed {
        self.last.end()
    }
}
