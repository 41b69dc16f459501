//! Statements that fixes are made of.

/// A name as it stands in a statement.
pub(super) fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if begins && name.chars().all(plain) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A statement that writes, so that it does not hang where commits do.
pub(super) fn unhung(statement: &str) -> String {
    format!("set synchronous_commit = local; {statement}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, expected) in [
            ("app", "app"),
            ("app_2", "app_2"),
            ("App", "\"App\""),
            ("a-b", "\"a-b\""),
            ("a\"b", "\"a\"\"b\""),
            ("2", "\"2\""),
        ] {
            assert_eq!(identifier(name), expected);
        }
    }
}
