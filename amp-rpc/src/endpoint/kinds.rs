//! The kinds of endpoint.

use super::error::EndpointError;

/// Those to connect with.
pub(super) const CONNECTING: &[&str] = &[
    "tcp",
    "unix",
    "memory",
    #[cfg(all(unix, feature = "process"))]
    "process",
    #[cfg(all(unix, feature = "process"))]
    "stdio",
    #[cfg(all(unix, feature = "process"))]
    "fd",
    #[cfg(feature = "_tls")]
    "ssl",
    #[cfg(feature = "_tls")]
    "tls",
];

/// Those to listen with.
pub(super) const LISTENING: &[&str] = &[
    "tcp",
    "unix",
    "memory",
    #[cfg(all(unix, feature = "process"))]
    "stdio",
    #[cfg(all(unix, feature = "process"))]
    "fd",
    #[cfg(all(unix, feature = "process"))]
    "systemd",
    "tcp6",
    #[cfg(feature = "_tls")]
    "ssl",
    #[cfg(feature = "_tls")]
    "tls",
    HAPROXY,
];

/// Those that can be behind a proxy.
pub(super) const BEHIND_PROXY: &[&str] = LISTENING.split_last().expect("it has members").1;

/// Stands before another kind.
const HAPROXY: &str = "haproxy";

/// Which feature brings which kind.
const FEATURES: &[(&str, &str)] = &[
    ("process", "process"),
    ("fd", "process"),
    ("stdio", "process"),
    ("systemd", "process"),
    ("ssl", "tls"),
    ("tls", "tls"),
];

/// Whether each feature is on.
const IS_ON: &[(&str, bool)] = &[
    ("process", cfg!(all(unix, feature = "process"))),
    ("tls", cfg!(feature = "_tls")),
];

/// The kind of this name, in letters of any case.
pub(super) fn find(
    kind: String,
    allowed: &'static [&'static str],
) -> Result<&'static str, EndpointError> {
    let is_it = |known: &str| known.eq_ignore_ascii_case(&kind);
    if let Some(known) = allowed.iter().find(|known| is_it(known)) {
        return Ok(known);
    }
    let feature = FEATURES.iter().find(|(known, _)| is_it(known));
    if let Some((_, feature)) = feature {
        if IS_ON.contains(&(feature, false)) {
            return Err(EndpointError::NeedsFeature { kind, feature });
        }
    }
    let is_connecting = CONNECTING.iter().any(|known| is_it(known));
    let is_listening = LISTENING.iter().any(|known| is_it(known));
    if is_connecting || is_listening {
        let purpose = if allowed == BEHIND_PROXY && is_it(HAPROXY) {
            "stand in front, once"
        } else if is_connecting {
            "connect"
        } else {
            "listen"
        };
        return Err(EndpointError::WrongPurpose {
            kind,
            purpose,
            allowed,
        });
    }
    Err(EndpointError::UnknownKind { kind, allowed })
}
