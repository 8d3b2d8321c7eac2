//! What is made once and kept for as long as the certificates are the same.

use std::sync::{Arc, Mutex, PoisonError};

use super::certificates::Certificates;
use super::error::TlsError;

type Of = Option<Arc<Certificates>>;

/// Something made for certificates.
pub(super) struct Cached<T>(Mutex<Option<(Of, Arc<T>)>>);

impl<T> Cached<T> {
    /// What is there for these certificates, or else what is made now, which is kept in its stead.
    pub(super) fn of(
        &self,
        certificates: &Of,
        make: impl FnOnce() -> Result<T, TlsError>,
    ) -> Result<Arc<T>, TlsError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, made)) = &*kept {
            if of.as_ref().map(Arc::as_ptr) == certificates.as_ref().map(Arc::as_ptr) {
                return Ok(Arc::clone(made));
            }
        }
        let made = Arc::new(make()?);
        *kept = Some((certificates.clone(), Arc::clone(&made)));
        Ok(made)
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}
