//! Why nothing is known of a server: a kind and a sentence. Whatever a server said passes here before it is repeated:
//! without secrets, on one line, and not at length.

use crate::model::{Redactor, Secret, Unknown};

/// Nobody reads more of a server's sentence than this, in characters.
const LONGEST: usize = 300;

/// Why nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) why: Unknown,
    /// The reason and the way out: a lowercase sentence without secrets.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(why: Unknown, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }
}

/// Repeats what others said.
pub(super) struct Repeater(Redactor);

impl Repeater {
    pub(super) fn new(password: Option<&Secret>) -> Self {
        let mut redactor = Redactor::default();
        if let Some(password) = password {
            redactor.learn(password.expose());
        }
        Self(redactor)
    }

    /// Fit to be shown.
    pub(super) fn repeat(&self, text: &str) -> String {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let hidden = self.0.hide(line.trim());
        match hidden.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &hidden[..end]),
            None => hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_repeated_with_a_secret_or_at_length() {
        let repeater = Repeater::new(Some(&Secret::new("hunter2!")));
        assert_eq!(repeater.repeat("no,\r\n'hunter2!' is wrong\n"), "no,  '***' is wrong");
        assert_eq!(repeater.repeat("68756e7465723221"), "***", "in hexadecimal digits too");
        let long = repeater.repeat(&"é".repeat(1000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
