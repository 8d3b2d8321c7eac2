use super::reply::UNHANDLED;
use crate::command::RemoteError;
use crate::schema::{ErrorSchema, Errors};

/// What an error that the peer sent means to the caller of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// The peer has no responder for the command; also where the command declares that code.
    /// Twisted's `UnhandledCommand`.
    Unhandled,
    /// It is the declared error.
    Declared(&'a ErrorSchema),
    /// It is not declared. Twisted's `UnknownRemoteError`.
    Undeclared,
}

impl RemoteError {
    /// What the error means where `errors` are declared.
    pub fn meaning<'a>(&self, errors: &'a Errors) -> Meaning<'a> {
        if self.code == UNHANDLED {
            return Meaning::Unhandled;
        }
        match errors.by_code(&self.code) {
            Some(schema) => Meaning::Declared(schema),
            None => Meaning::Undeclared,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::Meaning;
    use crate::command::RemoteError;
    use crate::schema::{ErrorSchema, Errors};

    fn label(errors: &Errors, code: &[u8]) -> Option<alloc::string::String> {
        match RemoteError::new(code, "").meaning(errors) {
            Meaning::Unhandled => Some("unhandled".into()),
            Meaning::Declared(schema) => Some((*schema.label).into()),
            Meaning::Undeclared => None,
        }
    }

    #[test]
    fn unhandled_is_never_a_declared_error_and_unknown_may_be() {
        let errors = Errors::new(Vec::from([
            ErrorSchema::new("first", b"X"),
            ErrorSchema::new("odd", b"UNHANDLED"),
            ErrorSchema::new("unknown", b"UNKNOWN"),
            ErrorSchema::new("last", b"X"),
        ]));
        assert_eq!(label(&errors, b"X").as_deref(), Some("last"));
        assert_eq!(label(&errors, b"UNHANDLED").as_deref(), Some("unhandled"));
        assert_eq!(label(&errors, b"UNKNOWN").as_deref(), Some("unknown"));
        assert_eq!(label(&errors, b"Y"), None);
        assert_eq!(label(Errors::NONE, b"UNKNOWN"), None);
    }
}
