//! Who makes an entry: what was said, else the account under which the command runs. Where it comes from is said.

use super::CommandError;
use super::Exit;

/// Nobody has a longer name.
const LONGEST: usize = 200;

/// An author and where the name comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) name: String,
    /// For people: `--author`, `DOORSTEP_AUTHOR` or `USER`.
    pub(super) origin: &'static str,
}

/// The author: the flag, else `DOORSTEP_AUTHOR`, else the account (`USER`, `LOGNAME`). An account is no proof of a
/// person: the caller prints what was taken.
///
/// # Errors
/// When nothing of these says a name.
pub(super) fn author(flag: Option<&str>) -> Result<Author, CommandError> {
    choose(flag, |name| std::env::var(name).ok()).map_err(|message| CommandError::new(Exit::Usage, message))
}

fn choose(flag: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Result<Author, String> {
    let said = flag.map(|name| (name.to_owned(), "--author"));
    let from = |name: &'static str| Some((environment(name)?, name));
    let known = said.or_else(|| ["DOORSTEP_AUTHOR", "USER", "LOGNAME"].into_iter().find_map(from));
    let Some((name, origin)) = known.filter(|(name, _)| !name.trim().is_empty()) else {
        return Err("who says so? add --author NAME, or set DOORSTEP_AUTHOR: an entry without an author is none".into());
    };
    Ok(Author { name: one_line("--author", &name, LONGEST)?, origin })
}

/// A text on one line, without its outer spaces.
///
/// # Errors
/// For a text that is empty, too long, or holds line breaks or other control characters.
pub(super) fn one_line(flag: &str, text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{flag} is empty: say it in one line"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{flag} holds a line break or another control character: say it in one line"));
    }
    if text.chars().count() > longest {
        return Err(format!("{flag} is longer than {longest} characters: say it in one line"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_said_or_is_the_account() {
        let account = |name: &str| (name == "USER").then(|| "ada".to_owned());
        let chosen = |flag, environment: &dyn Fn(&str) -> Option<String>| {
            choose(flag, environment).map(|author| (author.name, author.origin))
        };
        assert_eq!(chosen(Some("Grace Hopper "), &account), Ok(("Grace Hopper".to_owned(), "--author")));
        assert_eq!(chosen(None, &account), Ok(("ada".to_owned(), "USER")));
        assert!(chosen(None, &|_| None).unwrap_err().contains("--author"));
        assert!(chosen(Some(" "), &account).unwrap_err().contains("--author"));
        assert!(chosen(Some("a\nb"), &account).unwrap_err().contains("one line"));
    }
}
