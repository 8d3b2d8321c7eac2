//! Locators: which responder carries out a command.

use std::sync::Arc;

use crate::responders::Responder;

/// Finds the responder for the name of a command. Twisted's `IResponderLocator`.
///
/// A connection is given its locator when it is made; without one it answers every command with
/// `UNHANDLED`. [`Responders`](crate::Responders) is the usual locator. A type of the application's
/// own may decide by anything it knows, such as what the peer has logged in as.
///
/// ```
/// use amp_rpc::{Locator, Responder, Responders};
///
/// /// Serves the commands of administrators only while there is maintenance.
/// struct Site {
///     everybody: Responders,
///     administrators: Responders,
///     maintenance: bool,
/// }
///
/// impl Locator for Site {
///     fn locate(&self, command: &[u8]) -> Option<Responder> {
///         if self.maintenance {
///             self.administrators.locate(command)
///         } else {
///             self.everybody.locate(command)
///         }
///     }
/// }
/// ```
pub trait Locator: Send + Sync + 'static {
    /// The responder for the command with this name; `None` makes the connection answer `UNHANDLED`.
    ///
    /// Called for each ask, or less often where it [is fixed](Self::is_fixed), in the task that reads: it must not block.
    fn locate(&self, command: &[u8]) -> Option<Responder>;

    /// Whether a name always gives the same responder. Then a connection remembers the one that it used last, instead of
    /// asking for each. Default: no.
    fn is_fixed(&self) -> bool {
        false
    }

    /// A locator that asks `base` for the commands that this one does not have: what in Twisted is a
    /// subclass that overrides some responders.
    fn or<L: Locator>(self, base: L) -> Or<Self, L>
    where
        Self: Sized,
    {
        Or { first: self, base }
    }
}

/// Two locators, the first of which overrides the other; made by [`Locator::or`].
#[derive(Debug, Clone)]
pub struct Or<A, B> {
    first: A,
    base: B,
}

impl<A: Locator, B: Locator> Locator for Or<A, B> {
    fn locate(&self, command: &[u8]) -> Option<Responder> {
        self.first
            .locate(command)
            .or_else(|| self.base.locate(command))
    }

    fn is_fixed(&self) -> bool {
        self.first.is_fixed() && self.base.is_fixed()
    }
}

/// No commands.
impl Locator for () {
    fn locate(&self, _command: &[u8]) -> Option<Responder> {
        None
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

impl<L: Locator + ?Sized> Locator for Arc<L> {
    fn locate(&self, command: &[u8]) -> Option<Responder> {
        (**self).locate(command)
    }

    fn is_fixed(&self) -> bool {
        (**self).is_fixed()
    }
}

impl<L: Locator + ?Sized> Locator for Box<L> {
    fn locate(&self, command: &[u8]) -> Option<Responder> {
        (**self).locate(command)
    }

    fn is_fixed(&self) -> bool {
        (**self).is_fixed()
    }
}
