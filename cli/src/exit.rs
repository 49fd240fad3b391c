//! Exit codes: an interface, so all of them are here.

use std::process::ExitCode;

/// How a command ends. The first that applies counts: declared in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 5: a bug of this program.
    Internal,
    /// 3: the command line, the spec or a bundle is not sound.
    Usage,
    /// 1: foreign data or effect demonstrated.
    Leak,
    /// 4: the target could not be reached, or nothing could be set up.
    Unreachable,
    /// 2: no leak, but not everything could be decided.
    Unproven,
    /// 0: done; of a run: isolated.
    Success,
    /// 130: stopped by Ctrl-C or SIGTERM.
    Interrupted,
}

impl Exit {
    /// What the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Internal => 5,
            Self::Usage => 3,
            Self::Leak => 1,
            Self::Unreachable => 4,
            Self::Unproven => 2,
            Self::Success => 0,
            Self::Interrupted => 130,
        }
    }

    /// The one that takes precedence.
    pub(crate) fn or(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_take_precedence_as_documented() {
        use Exit::{Internal, Interrupted, Leak, Success, Unproven, Unreachable, Usage};
        let order = [Internal, Usage, Leak, Unreachable, Unproven, Success, Interrupted];
        assert_eq!(order.map(Exit::code), [5, 3, 1, 4, 2, 0, 130]);
        for (at, first) in order.iter().enumerate() {
            for second in &order[at..] {
                assert_eq!((first.or(*second), second.or(*first)), (*first, *first));
            }
        }
    }
}
