//! An error in one line, with everything that caused it.

use std::error::Error;

/// An error and all its causes, a colon between each. A cause that the line already ends with is left out, since some
/// errors repeat their cause in their own text.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the door")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the lock is stuck: rust")]
    struct Middle(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("rust")]
    struct Inner;

    #[test]
    fn causes_are_told_once() {
        assert_eq!(chain(&Outer(Middle(Inner))), "cannot open the door: the lock is stuck: rust");
    }
}
