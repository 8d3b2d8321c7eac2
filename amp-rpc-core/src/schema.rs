//! What a command looks like, readable at run time.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::excerpt::Excerpt;
use crate::shared::Shared;
use crate::wire::Name;

/// The type of an argument, in Twisted's terms.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A whole number of any size, in decimal.
    Integer,
    /// Bytes.
    String,
    /// Text, UTF-8.
    Unicode,
    /// A binary64 number, written as Python's `repr`.
    Float,
    /// `True` or `False`.
    Boolean,
    /// A file system path.
    Path,
    /// A decimal number with its precision, or one of Python's special values.
    Decimal,
    /// A point in time with an offset from UTC.
    DateTime,
    /// A file descriptor that travels beside the stream.
    Descriptor,
    /// A list of values of one type.
    ListOf(Shared<Self>),
    /// A list of small boxes with the given fields.
    AmpList(Shared<[FieldSchema]>),
    /// A type of the application's own, by its name.
    Custom(Shared<str>),
}

/// Prints the type as Twisted spells it: `ListOf(Integer)`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Integer => "Integer",
            Self::String => "String",
            Self::Unicode => "Unicode",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Path => "Path",
            Self::Decimal => "Decimal",
            Self::DateTime => "DateTime",
            Self::Descriptor => "Descriptor",
            Self::ListOf(element) => return write!(f, "ListOf({})", **element),
            Self::AmpList(fields) => {
                f.write_str("AmpList([")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(
                        f,
                        "{comma}({}, {})",
                        Excerpt(field.name.as_bytes()),
                        *field.ty
                    )?;
                }
                return f.write_str("])");
            }
            Self::Custom(name) => name,
        };
        f.write_str(name)
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One field of a command's arguments, of its response, or of the rows of an AmpList.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSchema {
    /// The key on the wire.
    pub name: Name,
    /// The type of the value.
    pub ty: Shared<Type>,
    /// Whether the key may be left out.
    pub optional: bool,
}

impl FieldSchema {
    /// A field that is part of the program.
    pub const fn new_static(name: Name, ty: &'static Type, optional: bool) -> Self {
        Self {
            name,
            ty: Shared::Static(ty),
            optional,
        }
    }

    /// A required field.
    pub fn new(name: Name, ty: Type) -> Self {
        Self {
            name,
            ty: ty.into(),
            optional: false,
        }
    }

    /// The same field, optional.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// What happens to the connection when a command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CommandKind {
    /// Nothing.
    #[default]
    Plain,
    /// The responder's side closes it, as with Twisted's `responseType = QuitBox`.
    ClosesAfterAnswer,
    /// Another protocol takes it over, as with Twisted's `ProtocolSwitchCommand`.
    ProtocolSwitch,
    /// TLS begins, as with Twisted's `StartTLS`.
    StartTls,
}

/// An error that a command declares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorSchema {
    /// What the program calls the error: the variant of the enum, in Twisted the exception class.
    pub label: Shared<str>,
    /// Its code on the wire.
    pub code: Shared<[u8]>,
    /// Whether the responder's side closes the connection behind it.
    pub fatal: bool,
    /// Whether it stands for every error that is not declared, as in Twisted's
    /// `errors = {Exception: code}`.
    pub catch_all: bool,
}

impl ErrorSchema {
    /// An error that is part of the program.
    pub const fn new_static(label: &'static str, code: &'static [u8]) -> Self {
        Self {
            label: Shared::Static(label),
            code: Shared::Static(code),
            fatal: false,
            catch_all: false,
        }
    }

    /// An error made at run time.
    pub fn new(label: &str, code: &[u8]) -> Self {
        Self {
            label: Shared::Counted(Arc::from(label)),
            code: Shared::Counted(Arc::from(code)),
            fatal: false,
            catch_all: false,
        }
    }

    /// The same error, fatal.
    #[must_use]
    pub const fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }

    /// The same error, standing for every error that is not declared.
    #[must_use]
    pub const fn catch_all(mut self) -> Self {
        self.catch_all = true;
        self
    }
}

/// The errors that a command declares: its own, then those it takes over from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    own: Shared<[ErrorSchema]>,
    included: &'static [&'static Self],
}

impl Errors {
    /// No errors.
    pub const NONE: &'static Self = &Self::new_static(&[], &[]);

    /// Errors that are part of the program.
    pub const fn new_static(
        own: &'static [ErrorSchema],
        included: &'static [&'static Self],
    ) -> Self {
        Self {
            own: Shared::Static(own),
            included,
        }
    }

    /// Errors made at run time. Where a code or label is repeated, the first counts for
    /// responders and the last for callers, as in Twisted.
    pub fn new(errors: Vec<ErrorSchema>) -> Self {
        Self {
            own: Shared::Counted(Arc::from(errors)),
            included: &[],
        }
    }

    /// Calls `visit` with each error until it returns something.
    fn find_map<'a, T>(&'a self, visit: &mut dyn FnMut(&'a ErrorSchema) -> Option<T>) -> Option<T> {
        self.own.iter().find_map(&mut *visit).or_else(|| {
            self.included
                .iter()
                .find_map(|errors| errors.find_map(visit))
        })
    }

    /// All of them, in the order of their declaration.
    pub fn to_vec(&self) -> Vec<&ErrorSchema> {
        let mut all = Vec::new();
        self.find_map::<()>(&mut |error| {
            all.push(error);
            None
        });
        all
    }

    /// The declared error that has this code: the last, where several have it.
    pub fn by_code(&self, code: &[u8]) -> Option<&ErrorSchema> {
        let mut found = None;
        self.find_map::<()>(&mut |error| {
            if *error.code == *code {
                found = Some(error);
            }
            None
        });
        found
    }

    /// The first declared error with one of these labels; the catch-all has any label.
    pub fn by_labels(&self, labels: &[&str]) -> Option<&ErrorSchema> {
        self.find_map(&mut |error| {
            (error.catch_all || labels.contains(&&*error.label)).then_some(error)
        })
    }

    /// The error that stands for all that are not declared.
    pub fn catch_all(&self) -> Option<&ErrorSchema> {
        self.find_map(&mut |error| error.catch_all.then_some(error))
    }
}

/// A command: its name, its fields and its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandSchema {
    /// The name on the wire.
    pub name: Shared<[u8]>,
    /// What its answer does to the connection.
    pub kind: CommandKind,
    /// Whether callers normally want an answer; Twisted's `requiresAnswer`.
    pub wants_answer: bool,
    /// Whether carrying it out twice does what once does.
    pub idempotent: bool,
    /// The arguments.
    pub arguments: Shared<[FieldSchema]>,
    /// The fields of the answer.
    pub response: Shared<[FieldSchema]>,
    /// The declared errors.
    pub errors: Shared<Errors>,
}

impl CommandSchema {
    /// A command that is part of the program.
    pub const fn new_static(
        name: &'static [u8],
        arguments: &'static [FieldSchema],
        response: &'static [FieldSchema],
        errors: &'static Errors,
    ) -> Self {
        Self {
            name: Shared::Static(name),
            kind: CommandKind::Plain,
            wants_answer: true,
            idempotent: false,
            arguments: Shared::Static(arguments),
            response: Shared::Static(response),
            errors: Shared::Static(errors),
        }
    }

    /// A command without fields and errors, made at run time.
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        Self {
            name: Shared::Counted(Arc::from(name.as_ref())),
            ..Self::new_static(b"", &[], &[], Errors::NONE)
        }
    }

    /// The same command with other arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Vec<FieldSchema>) -> Self {
        self.arguments = Shared::Counted(Arc::from(arguments));
        self
    }

    /// The same command with another response.
    #[must_use]
    pub fn response(mut self, response: Vec<FieldSchema>) -> Self {
        self.response = Shared::Counted(Arc::from(response));
        self
    }

    /// The same command with other errors.
    #[must_use]
    pub fn errors(mut self, errors: Vec<ErrorSchema>) -> Self {
        self.errors = Errors::new(errors).into();
        self
    }

    /// The same command of another kind.
    #[must_use]
    pub const fn kind(mut self, kind: CommandKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same command, whose callers want an answer or do not.
    #[must_use]
    pub const fn wants_answer(mut self, wants_answer: bool) -> Self {
        self.wants_answer = wants_answer;
        self
    }

    /// The same command, which may be carried out twice or may not.
    #[must_use]
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }
}
