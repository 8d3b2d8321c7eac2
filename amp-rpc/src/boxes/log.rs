//! What the operator of this side should know.

/// Reports that a receiver panicked; its connection only says that it was closed on this side.
#[cfg(feature = "tracing")]
pub(super) fn panicked(message: &str) {
    tracing::error!(message, "a box receiver panicked");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn panicked(_message: &str) {}
