use std::error::Error;
use std::path::PathBuf;

/// What is wrong with a certificate, a key or authorities of this side's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is none of what is wanted.
    #[error("no {what} in {place}; expected PEM, which begins with -----BEGIN")]
    Missing {
        /// What is wanted.
        what: &'static str,
        /// Where it was sought.
        place: String,
    },
    /// Something is there and cannot be read.
    #[error("cannot read the {what} in {place}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Certificate and key are not of the same pair, or the key is of a kind that is not supported.
    #[error("the certificate and the key in {place} cannot be used together")]
    Pair {
        /// Where they stand.
        place: String,
        /// What is wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system has no certificates of authorities.
    #[error("the system has no certificates of authorities{}", if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) })]
    NoSystemAuthorities {
        /// What was met on the search.
        reasons: Vec<String>,
    },
    /// A certificate cannot be made on the spot.
    #[error("cannot make a temporary certificate")]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
}
