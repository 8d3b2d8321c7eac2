//! What can be wrong with an endpoint, and with connecting to it or listening on it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::{ConnectEndpoint, ListenEndpoint};
use crate::options_error::OptionsError;
#[cfg(feature = "_tls")]
use crate::tls::TlsConfigError;
use crate::tls::TlsError;

/// A string that describes no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The string ends with a backslash, which escapes nothing.
    #[error("the backslash at the end escapes nothing; a backslash itself is written \\\\")]
    DanglingEscape,
    /// No endpoint begins like this.
    #[error("unknown kind {kind:?}; the kinds are {}", List(allowed))]
    UnknownKind {
        /// What stands before the first colon.
        kind: String,
        /// What may stand there.
        allowed: &'static [&'static str],
    },
    /// The kind is in a part of this library that the program has not switched on.
    #[error("the kind {kind:?} needs the feature {feature:?} of amp-rpc, and a system that has it")]
    NeedsFeature {
        /// What stands before the first colon.
        kind: String,
        /// The feature that brings it.
        feature: &'static str,
    },
    /// The kind is there for the other purpose only: for connecting or for listening.
    #[error(
        "the kind {kind:?} is only there to {purpose}; the kinds here are {}",
        List(allowed)
    )]
    WrongPurpose {
        /// What stands before the first colon.
        kind: String,
        /// What it is for.
        purpose: &'static str,
        /// What may stand there.
        allowed: &'static [&'static str],
    },
    /// The kind has no option of this name.
    #[error(
        "{kind}: unknown option {option:?}; the options are {}{}",
        List(allowed),
        Hint(kind)
    )]
    UnknownOption {
        /// The kind of endpoint.
        kind: &'static str,
        /// The name in the string.
        option: String,
        /// The names that the kind has.
        allowed: &'static [&'static str],
    },
    /// There are more arguments without a name than the kind takes.
    #[error(
        "{kind}: the argument {argument:?} is one too many; without a name there may be {} (a colon \
         within one is written \\:)",
        List(allowed)
    )]
    TooManyArguments {
        /// The kind of endpoint.
        kind: &'static str,
        /// The first argument that has no place.
        argument: String,
        /// The options whose name may be left out, in their order.
        allowed: &'static [&'static str],
    },
    /// The same option stands in the string more than once, with its name or without.
    #[error("{kind}: the option {option:?} is given twice")]
    Repeated {
        /// The kind of endpoint.
        kind: &'static str,
        /// The option.
        option: &'static str,
    },
    /// An option that the kind needs is not there.
    #[error("{kind}: the option {option:?} is missing; it is written as in {example:?}")]
    Missing {
        /// The kind of endpoint.
        kind: &'static str,
        /// The option.
        option: &'static str,
        /// A complete endpoint of that kind.
        example: &'static str,
    },
    /// The value of an option is not of the form that it needs.
    #[error("{kind}: {value:?} is no value for the option {option:?}; expected {expected}")]
    Invalid {
        /// The kind of endpoint.
        kind: &'static str,
        /// The option.
        option: &'static str,
        /// What the string says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The string does not describe a place to connect to.
    #[error("cannot connect to {description:?}: not an endpoint")]
    Endpoint {
        /// The string.
        description: String,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// An option for the server makes no sense.
    #[error("cannot connect to {endpoint}")]
    Options {
        /// Where to.
        endpoint: Box<ConnectEndpoint>,
        /// What is wrong with it.
        source: OptionsError,
    },
    /// The system refused: nobody listens there, there is no such host, or something else its error
    /// tells.
    #[error("cannot connect to {endpoint}")]
    Io {
        /// Where to.
        endpoint: Box<ConnectEndpoint>,
        /// What the system says. Of several addresses, it is the last one's error.
        source: io::Error,
    },
    /// There is a connection, but no TLS on it.
    #[error("cannot connect to {endpoint}")]
    Tls {
        /// Where to.
        endpoint: Box<ConnectEndpoint>,
        /// Why.
        source: TlsError,
    },
    /// The endpoint's certificates or authorities cannot be used.
    #[cfg(feature = "_tls")]
    #[error("cannot connect to {endpoint}")]
    TlsConfig {
        /// Where to.
        endpoint: Box<ConnectEndpoint>,
        /// What is wrong with them.
        source: TlsConfigError,
    },
    /// Nobody answered in time.
    #[error("cannot connect to {endpoint}: no answer within {timeout:?}")]
    TimedOut {
        /// Where to.
        endpoint: Box<ConnectEndpoint>,
        /// The time that the endpoint allows.
        timeout: Duration,
    },
}

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The string does not describe a place to listen on.
    #[error("cannot listen on {description:?}: not an endpoint")]
    Endpoint {
        /// The string.
        description: String,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// The system refused: the address is taken, or something else its error tells.
    #[error("cannot listen on {endpoint}")]
    Io {
        /// Where.
        endpoint: Box<ListenEndpoint>,
        /// What the system says. Of several addresses, it is the last one's error.
        source: io::Error,
    },
    /// The endpoint's certificates cannot be used.
    #[cfg(feature = "_tls")]
    #[error("cannot listen on {endpoint}")]
    TlsConfig {
        /// Where.
        endpoint: Box<ListenEndpoint>,
        /// What is wrong with them.
        source: TlsConfigError,
    },
    /// An option for the server makes no sense.
    #[error("cannot listen on {endpoint}")]
    Options {
        /// Where.
        endpoint: Box<ListenEndpoint>,
        /// What is wrong with it.
        source: OptionsError,
    },
    /// There has to be a certificate to listen with TLS.
    #[error("cannot listen on {endpoint}: it has no certificate; set it with Tls::identity")]
    NoCertificate {
        /// Where.
        endpoint: Box<ListenEndpoint>,
    },
}

/// What is likely to be meant by an option that the kind does not have.
struct Hint(&'static str);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == "process" {
            f.write_str(" (an equals sign within an argument is written \\=)")?;
        }
        Ok(())
    }
}

/// Names as a sentence lists them.
struct List(&'static [&'static str]);

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0.join(", "))
    }
}
