//! `synchronous_standby_names` as PostgreSQL 13 to 17 read it: how many of which standbys a commit waits for.
//! Knows the setting only; which standbys there are is the caller's.

use std::fmt;

/// What a commit waits for, if its `synchronous_commit` waits at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncNames {
    method: Method,
    required: u32,
    names: Vec<String>,
}

/// Which of the named standbys count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The first ones in the list's order that stream.
    #[default]
    First,
    /// Any of them.
    Any,
}

/// Why a text cannot be the setting's value; a server refuses it too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("synchronous_standby_names: {what} at character {at}")]
pub struct SyncNamesError {
    /// Counted from 1.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

impl SyncNames {
    /// Reads a value of the setting: empty, a list of names (the first of them counts), `n (a, b)`, `FIRST n (a, b)` or
    /// `ANY n (a, b)`. Names may be quoted; `*` is any standby; a number of 2^32 or more wraps, as in the server.
    ///
    /// # Errors
    /// [`SyncNamesError`] for what a server refuses.
    pub fn parse(text: &str) -> Result<Self, SyncNamesError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1 };
        let (method, required) = reader.method()?;
        let listed = required.is_some();
        if listed {
            reader.expect(&Token::Open)?;
        }
        let mut names = vec![reader.name()?];
        while reader.take(&Token::Comma) {
            names.push(reader.name()?);
        }
        if listed {
            reader.expect(&Token::Close)?;
        }
        if reader.peek().is_some() {
            return Err(reader.error("expected nothing more"));
        }
        Ok(Self { method, required: required.unwrap_or(1), names })
    }

    /// No commit waits for a standby.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many standbys a commit waits for; 0 when the setting is empty.
    #[must_use]
    pub fn required(&self) -> usize {
        self.required as usize
    }

    /// Which of the named standbys count.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The names as written, in the list's order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether any standby whatsoever counts.
    #[must_use]
    pub fn takes_any_name(&self) -> bool {
        self.names.iter().any(|name| name == "*")
    }

    /// Whether a standby with this `application_name` counts. Case does not matter.
    #[must_use]
    pub fn matches(&self, application_name: &str) -> bool {
        self.names.iter().any(|name| same(name, application_name))
    }

    /// Whether one more standby is named than a commit waits for, so that one may be away; `*` names enough.
    #[must_use]
    pub fn names_a_spare(&self) -> bool {
        let mut distinct: Vec<String> = self.names.iter().map(|name| name.to_ascii_lowercase()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        self.is_empty() || self.takes_any_name() || distinct.len() > self.required()
    }

    /// How many of these connected standbys could be away before commits wait; `None` when too few are there already.
    #[must_use]
    pub fn spare<'a>(&self, connected: impl IntoIterator<Item = &'a str>) -> Option<usize> {
        let there = connected.into_iter().filter(|name| self.matches(name)).count();
        there.checked_sub(self.required())
    }

    /// The names that none of these connected standbys has; never `*`.
    #[must_use]
    pub fn absent<'a>(&'a self, connected: &[&str]) -> Vec<&'a str> {
        let away = |name: &&String| *name != "*" && !connected.iter().any(|there| same(name, there));
        self.names.iter().filter(away).map(String::as_str).collect()
    }
}

/// Whether a listed name means the standby with this `application_name`.
fn same(listed: &str, application_name: &str) -> bool {
    listed == "*" || listed.eq_ignore_ascii_case(application_name)
}

impl fmt::Display for SyncNames {
    /// As it could stand in the setting: `FIRST 1 (standby1, "standby 2")`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let method = match self.method {
            Method::First => "FIRST",
            Method::Any => "ANY",
        };
        let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
        write!(f, "{method} {} ({})", self.required, names.join(", "))
    }
}

/// A name as it can stand in a list: quoted where it must be.
fn quoted(name: &str) -> String {
    let mut rest = name.chars();
    let word = rest.next().is_some_and(begins_word) && rest.all(within_word) && keyword(name).is_none();
    let number = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit());
    if word || number || name == "*" { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Number(String),
    Keyword(Method),
    Comma,
    Open,
    Close,
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn within_word(c: char) -> bool {
    begins_word(c) || c.is_ascii_digit() || c == '$'
}

fn keyword(word: &str) -> Option<Method> {
    match word.to_ascii_lowercase().as_str() {
        "first" => Some(Method::First),
        "any" => Some(Method::Any),
        _ => None,
    }
}

/// The tokens of a value, each with its place counted from 1.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyncNamesError> {
    let all: Vec<char> = text.chars().collect();
    let run = |from: usize, within: fn(char) -> bool| -> String {
        all[from..].iter().copied().take_while(|&c| within(c)).collect()
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let start = at;
        let token = match all[at] {
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => {
                at += 1;
                continue;
            }
            '"' => {
                let (name, end) = quoted_name(&all, at)?;
                at = end;
                Token::Name(name)
            }
            '*' => Token::Name("*".to_owned()),
            ',' => Token::Comma,
            '(' => Token::Open,
            ')' => Token::Close,
            c if c.is_ascii_digit() => Token::Number(run(at, |c| c.is_ascii_digit())),
            c if begins_word(c) => {
                let word = run(at, within_word);
                at += word.chars().count();
                keyword(&word).map_or(Token::Name(word), Token::Keyword)
            }
            c => return Err(SyncNamesError { at: start + 1, what: format!("'{c}' outside quotes") }),
        };
        if let Token::Number(digits) = &token {
            at += digits.len();
        }
        at = at.max(start + 1);
        found.push((start + 1, token));
    }
    Ok(found)
}

/// The name whose opening quote stands at `start`, and the place after its closing one.
fn quoted_name(all: &[char], start: usize) -> Result<(String, usize), SyncNamesError> {
    let (mut name, mut at) = (String::new(), start + 1);
    loop {
        match (all.get(at), all.get(at + 1)) {
            (Some('"'), Some('"')) => {
                name.push('"');
                at += 2;
            }
            (Some('"'), _) => return Ok((name, at + 1)),
            (Some(&c), _) => {
                name.push(c);
                at += 1;
            }
            (None, _) => return Err(SyncNamesError { at: start + 1, what: "a quote without its end".to_owned() }),
        }
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let there = self.peek() == Some(wanted);
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), SyncNamesError> {
        let sign = if *wanted == Token::Open { "expected '('" } else { "expected ',' or ')'" };
        if self.take(wanted) { Ok(()) } else { Err(self.error(sign)) }
    }

    fn error(&self, what: &str) -> SyncNamesError {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        SyncNamesError { at, what: what.to_owned() }
    }

    /// The method and the number before a list in brackets; no number for a plain list.
    fn method(&mut self) -> Result<(Method, Option<u32>), SyncNamesError> {
        if let Some(&Token::Keyword(method)) = self.peek() {
            self.next += 1;
            return Ok((method, Some(self.number()?)));
        }
        let numbered = matches!(self.tokens.as_slice(), [(_, Token::Number(_)), (_, Token::Open), ..]);
        let required = if numbered { Some(self.number()?) } else { None };
        Ok((Method::First, required))
    }

    /// A number as the server's `atoi` reads it: beyond 2^63 it stops there, then the lower 32 bits count.
    fn number(&mut self) -> Result<u32, SyncNamesError> {
        let Some(Token::Number(digits)) = self.peek() else { return Err(self.error("expected a number")) };
        let wide = digits.parse::<i64>().unwrap_or(i64::MAX);
        match u32::try_from(wide as i32) {
            Ok(number) if number > 0 => {
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.error("the number of standbys must be greater than zero,")),
        }
    }

    fn name(&mut self) -> Result<String, SyncNamesError> {
        let (Some(Token::Name(name)) | Some(Token::Number(name))) = self.peek() else {
            return Err(self.error("expected a name"));
        };
        let name = name.clone();
        self.next += 1;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        SyncNames::parse(text).map_or_else(|error| error.to_string(), |names| names.to_string())
    }

    /// Each value was given to PostgreSQL 15.18 (`postgres -C synchronous_standby_names -c ...`): these it takes.
    #[test]
    fn what_the_server_takes_is_understood() {
        for (text, meaning) in [
            ("", ""),
            ("a", "FIRST 1 (a)"),
            ("a,b", "FIRST 1 (a, b)"),
            (" a , b ", "FIRST 1 (a, b)"),
            ("2 (a,b)", "FIRST 2 (a, b)"),
            ("2(a)", "FIRST 2 (a)"),
            ("ANY 2 (a,b)", "ANY 2 (a, b)"),
            ("any 2(a,b)", "ANY 2 (a, b)"),
            ("aNy 1 (*)", "ANY 1 (*)"),
            ("FIRST 1 (a)", "FIRST 1 (a)"),
            ("FIRST 5 (a)", "FIRST 5 (a)"),
            ("\"any\"", "FIRST 1 (\"any\")"),
            ("anyone, first_one", "FIRST 1 (anyone, first_one)"),
            ("*", "FIRST 1 (*)"),
            ("\"*\"", "FIRST 1 (*)"),
            ("\"\"", "FIRST 1 (\"\")"),
            ("\"a b, c\"\"d\"", "FIRST 1 (\"a b, c\"\"d\")"),
            ("2", "FIRST 1 (2)"),
            ("1, 2", "FIRST 1 (1, 2)"),
            ("2 (1, 2)", "FIRST 2 (1, 2)"),
            ("a$1", "FIRST 1 (a$1)"),
            ("é", "FIRST 1 (é)"),
            ("a\n,\tb\u{c}", "FIRST 1 (a, b)"),
            ("001 (a)", "FIRST 1 (a)"),
            ("2147483647 (a)", "FIRST 2147483647 (a)"),
            ("4294967297 (a)", "FIRST 1 (a)"),
            ("99999999999 (a)", "FIRST 1215752191 (a)"),
            ("\"first\" , \"A\"", "FIRST 1 (\"first\", A)"),
        ] {
            assert_eq!(shown(text), meaning, "{text}");
        }
    }

    /// And these it refuses.
    #[test]
    fn what_the_server_refuses_is_an_error_with_its_place() {
        for (text, place) in [
            (" ", 2),
            ("first", 6),
            ("any", 4),
            ("0 (a)", 1),
            ("FIRST 0 (a)", 7),
            ("2147483648 (a)", 1),
            ("a,", 3),
            (",a", 1),
            ("a b", 3),
            ("(a)", 1),
            ("ANY (a)", 5),
            ("ANY1 (a)", 6),
            ("a-b", 2),
            ("\"a", 1),
            ("\"a\"\"b", 1),
            ("$a", 1),
            ("1a", 2),
            ("1b(a)", 2),
            ("3 ()", 4),
            ("a\"b\"", 2),
            ("2 (a) b", 7),
            ("FIRST 2 (a,b", 13),
            ("a,,b", 3),
        ] {
            let error = SyncNames::parse(text).expect_err(text);
            assert_eq!(error.at, place, "{text}: {error}");
        }
        assert_eq!(shown("a-b"), "synchronous_standby_names: '-' outside quotes at character 2");
    }

    #[test]
    fn standbys_are_found_by_name_whatever_the_case() {
        let names = SyncNames::parse("2 (Standby1, \"standby 2\", s3)").unwrap();
        assert!(names.matches("standby1") && names.matches("STANDBY 2") && !names.matches("standby2"));
        assert_eq!((names.required(), names.names_a_spare()), (2, true));
        assert_eq!(names.spare(["standby1", "s3"]), Some(0));
        assert_eq!(names.spare(["standby1", "walreceiver"]), None);
        assert_eq!(names.absent(&["STANDBY1", "other"]), ["standby 2", "s3"]);
        assert!(!SyncNames::parse("FIRST 2 (a, A, b)").unwrap().names_a_spare());
        let any = SyncNames::parse("*").unwrap();
        assert!(any.matches("walreceiver") && any.names_a_spare() && any.absent(&[]).is_empty());
        let none = SyncNames::parse("").unwrap();
        assert_eq!((none.required(), none.spare([]), none.matches("a")), (0, Some(0), false));
    }

    fn any_names() -> impl Strategy<Value = SyncNames> {
        let name = prop_oneof!["[a-zA-Z_][a-zA-Z0-9_$]{0,8}", "[0-9]{1,4}", "any|FIRST|\\*", "[ -~é]{0,12}"];
        (any::<bool>(), 1_u32..9, prop::collection::vec(name, 1..5)).prop_map(|(any, required, names)| SyncNames {
            method: if any { Method::Any } else { Method::First },
            required,
            names,
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(names in any_names()) {
            prop_assert_eq!(SyncNames::parse(&names.to_string()), Ok(names));
        }

        #[test]
        fn a_plain_list_and_a_number_are_short_for_first(names in any_names(), spaces in "[ \\t\\n]{0,3}") {
            let list: Vec<String> = names.names().iter().map(|name| quoted(name)).collect();
            let list = list.join(&format!("{spaces},{spaces}"));
            let plain = SyncNames { method: Method::First, required: 1, ..names.clone() };
            prop_assert_eq!(SyncNames::parse(&list), Ok(plain));
            let numbered = format!("{}{spaces}({spaces}{list}{spaces})", names.required());
            prop_assert_eq!(SyncNames::parse(&numbered), Ok(SyncNames { method: Method::First, ..names }));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[ -~\\n\"(),*é0-9]{0,40}") {
            if let Ok(names) = SyncNames::parse(&text) {
                prop_assert!(names.is_empty() || names.required() > 0);
            }
        }
    }
}
