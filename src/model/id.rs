//! Names and identities. A name is safe in a path, a label and a chart by construction; a run's identity is computed,
//! so that the same run told twice is the same run.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::verdict::RunKind;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit")]
pub struct NameError;

fn validate(text: &str) -> Result<(), NameError> {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if begins_well && text.len() <= 64 && text.chars().all(allowed) { Ok(()) } else { Err(NameError) }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text` as a name.
            ///
            /// # Errors
            /// [`NameError`] when the text is empty, longer than 64 bytes, or holds a character that is not safe in
            /// a path, a URL and a metric label alike.
            pub fn new(text: &str) -> Result<Self, NameError> {
                validate(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// One way to log in.
    FlowName
);
name_type!(
    /// A place that probes from.
    VantageName
);
name_type!(
    /// A user-visible action of a flow; unique within it.
    StepName
);
name_type!(
    /// A test account at the target.
    AccountName
);
name_type!(
    /// A promise that is reported on.
    ObjectiveName
);
name_type!(
    /// A primary and its standbys behind a login service.
    DatabaseName
);
name_type!(
    /// A server of a database; unique within it.
    ServerName
);

/// The content hash of something that shapes results (a flow, a policy): two equal revisions behave alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(Arc<str>);

impl Revision {
    /// The first 16 hex digits of the SHA-256 of `canonical`.
    #[must_use]
    pub fn of(canonical: &[u8]) -> Self {
        let digest = Sha256::digest(canonical);
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(Arc::from(hex))
    }

    /// A revision as it was read back from a record.
    #[must_use]
    pub fn from_recorded(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The revision as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The identity of one run: a UUIDv5 of (kind, flow, vantage, slot, attempt), so that duplicates collapse wherever
/// they meet, without coordination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(Uuid);

/// The name space of run ids; fixed for ever, since changing it would make old runs count twice.
const RUN_NAMESPACE: Uuid = Uuid::from_u128(0x8a3b_51e2_7c0d_5f4e_9a61_d00f_57e9_0001);

impl RunId {
    /// Computes the id of a run.
    #[must_use]
    pub fn new(kind: RunKind, flow: &FlowName, vantage: &VantageName, slot: Timestamp, attempt: u16) -> Self {
        let micros = slot.as_microsecond();
        let name = format!("{}|{flow}|{vantage}|{micros}|{attempt}", kind.as_str());
        Self(Uuid::new_v5(&RUN_NAMESPACE, name.as_bytes()))
    }

    /// The sixteen bytes, as stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id from sixteen stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::from_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths() {
        assert!(FlowName::new("shop-login.v2").is_ok());
        for bad in ["", "../x", ".hidden", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(FlowName::new(bad), Err(NameError), "{bad:?}");
        }
    }

    #[test]
    fn a_run_id_is_fixed_for_ever() {
        let flow = FlowName::new("shop").unwrap();
        let vantage = VantageName::new("berlin").unwrap();
        let slot: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let id = RunId::new(RunKind::Login, &flow, &vantage, slot, 0);
        assert_eq!(id.to_string(), RunId::new(RunKind::Login, &flow, &vantage, slot, 0).to_string());
        assert_ne!(id, RunId::new(RunKind::WrongPassword, &flow, &vantage, slot, 0));
        assert_ne!(id, RunId::new(RunKind::Login, &flow, &vantage, slot, 1));
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn a_revision_is_sixteen_hex_digits_of_sha256() {
        assert_eq!(Revision::of(b"abc").as_str(), "ba7816bf8f01cfea");
    }
}
