//! What stopped a step, before anybody judges what it means. [`super::classify`] makes a verdict of it.

use crate::net;

/// What stopped a step. Texts are lowercase sentences; secrets are hidden when the run is sealed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// An exchange gave no answer.
    Fault(net::Fault),
    /// Redirects went in a circle or on for too long.
    Loop(String),
    /// A redirect that must not be followed.
    BadRedirect(String),
    /// An answer that is too large, or sets too many cookies.
    TooLarge(String),
    /// A form, field, button, element, text or value is not there.
    Missing(String),
    /// The status is not what is expected.
    Status(String),
    /// The page does not show who is expected. `found`: it shows somebody else.
    Identity {
        /// What is wrong.
        message: String,
        /// A user was named, but another one.
        somebody_else: bool,
    },
    /// The answer to the password carries one of the flow's signs.
    Sign,
    /// The session still works after logging out.
    LogoutIneffective(String),
    /// A wrong password was refused in another way than the flow says.
    RefusalChanged(String),
    /// A wrong password was let in.
    AcceptedWrongPassword(String),
    /// The user is logged in although no password was sent.
    AcceptedWithoutCredentials(String),
    /// The test account cannot be used.
    Unusable(String),
    /// A fault of the flow or of Doorstep itself.
    Ours(String),
}

impl From<super::forms::FormError> for Trouble {
    fn from(error: super::forms::FormError) -> Self {
        match error {
            super::forms::FormError::Missing(message) => Self::Missing(message),
            error @ super::forms::FormError::Selector(_) => Self::Ours(error.to_string()),
        }
    }
}

impl Trouble {
    /// What happened, for people.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Fault(fault) => &fault.message,
            Self::Sign => "the answer to the password carries one of the flow's signs",
            Self::Loop(message)
            | Self::BadRedirect(message)
            | Self::TooLarge(message)
            | Self::Missing(message)
            | Self::Status(message)
            | Self::Identity { message, .. }
            | Self::LogoutIneffective(message)
            | Self::RefusalChanged(message)
            | Self::AcceptedWrongPassword(message)
            | Self::AcceptedWithoutCredentials(message)
            | Self::Unusable(message)
            | Self::Ours(message) => message,
        }
    }
}
