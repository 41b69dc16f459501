//! The one filter that every text passes before it leaves a run: known secrets, in any encoding, become `***`.
//!
//! A secret is recognised character by character, each as it is, percent-encoded (also twice over), form-encoded,
//! HTML-escaped or JSON-escaped, in any mixture; and as base64 (also in the middle of a longer base64 text, as in an
//! `Authorization: Basic` header) and as hexadecimal digits.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are not hidden: they would blank out ordinary text and guard nothing.
const SHORTEST: usize = 4;
/// The shortest piece of base64 or hexadecimal text that is taken for a secret's.
const SHORTEST_ENCODED: usize = 8;
const HIDDEN: &str = "***";

/// Signs with which an escaped character begins.
const ESCAPES: [u8; 4] = [b'%', b'+', b'&', b'\\'];

/// Hides known secrets in text.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    /// Base64 and hexadecimal forms by their first byte, since every byte of a text is looked at. Longest first.
    encoded: BTreeMap<u8, Vec<String>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

impl Redactor {
    /// Learns a secret. Values shorter than four bytes are ignored.
    pub fn learn(&mut self, secret: &str) {
        if secret.len() < SHORTEST || self.secrets.iter().any(|known| known == secret) {
            return;
        }
        self.secrets.push(secret.to_owned());
        // Longest first, so that a secret that contains another is hidden whole.
        self.secrets.sort_by_key(|known| std::cmp::Reverse(known.len()));
        for form in encoded_forms(secret.as_bytes()) {
            let forms = self.encoded.entry(form.as_bytes()[0]).or_default();
            if !forms.contains(&form) {
                forms.push(form);
                forms.sort_by_key(|known| std::cmp::Reverse(known.len()));
            }
        }
    }

    /// The text with every known secret replaced by `***`.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        if self.secrets.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut position = 0;
        while position < text.len() {
            let rest = &text[position..];
            if let Some(length) = self.secret_at(rest) {
                if !shown.ends_with(HIDDEN) {
                    shown.push_str(HIDDEN);
                }
                position += length;
            } else {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                shown.push_str(&rest[..next]);
                position += next;
            }
        }
        shown
    }

    /// The length of the secret that `text` begins with.
    fn secret_at(&self, text: &str) -> Option<usize> {
        let first = *text.as_bytes().first()?;
        let may_begin = |secret: &&String| ESCAPES.contains(&first) || secret.as_bytes()[0] == first;
        let plain = self.secrets.iter().filter(may_begin).filter_map(|secret| match_any_encoding(text, secret)).max();
        let mut forms = self.encoded.get(&first).into_iter().flatten();
        let encoded = forms.find(|form| text.starts_with(form.as_str())).map(String::len);
        plain.max(encoded)
    }
}

/// Base64 in three alignments (the characters that depend on neighbouring bytes cut off) and hexadecimal digits.
fn encoded_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for lead in 0..3_usize {
        let mut padded = vec![0_u8; lead];
        padded.extend_from_slice(secret);
        // Characters that hold bits of the bytes before or after the secret.
        let skip = [0, 2, 3][lead];
        let cut = usize::from(!padded.len().is_multiple_of(3));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            forms.push(text[skip..text.len() - cut].to_owned());
        }
    }
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hexadecimal.to_uppercase());
    forms.push(hexadecimal);
    forms.retain(|form| form.len() >= SHORTEST_ENCODED);
    forms
}

/// How many bytes of `text` spell `secret` from its start, whatever mixture of escapes is used. A character that is
/// itself an escape sign can be read in two ways, so all readings are followed side by side.
fn match_any_encoding(text: &str, secret: &str) -> Option<usize> {
    let mut readings = vec![0];
    for character in secret.chars() {
        let mut longer = Vec::with_capacity(readings.len());
        for position in readings {
            let rest = &text[position..];
            let plain = rest.starts_with(character).then_some(character.len_utf8());
            for length in plain.into_iter().chain(match_escape(rest, character)) {
                if !longer.contains(&(position + length)) {
                    longer.push(position + length);
                }
            }
        }
        if longer.is_empty() {
            return None;
        }
        readings = longer;
    }
    readings.into_iter().max()
}

fn match_escape(text: &str, character: char) -> Vec<usize> {
    match text.chars().next() {
        // A space that was form-encoded and then percent-encoded is the percent-encoded plus sign.
        Some('%') if character == ' ' => [match_percent(text, ' '), match_percent(text, '+')].concat(),
        Some('%') => match_percent(text, character),
        Some('+') if character == ' ' => vec![1],
        Some('&') => match_html(text, character).into_iter().collect(),
        Some('\\') => match_json(text, character).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// `%XX` for each byte of the character; the percent sign may be encoded itself, once or more. `%250a` is a line break
/// that was encoded twice, or a percent sign before `0a`: both are readings.
fn match_percent(text: &str, character: char) -> Vec<usize> {
    let mut buffer = [0_u8; 4];
    let mut readings = vec![0];
    for &byte in character.encode_utf8(&mut buffer).as_bytes() {
        readings = readings.into_iter().flat_map(|position| percent_ends(text, position, byte)).collect();
    }
    readings
}

/// Where a percent-encoded `byte` that begins at `position` may end.
fn percent_ends(text: &str, position: usize, byte: u8) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut rest = text.get(position..).and_then(|rest| rest.strip_prefix('%'));
    while let Some(digits) = rest.filter(|digits| starts_with_hex_pair(digits)) {
        if u8::from_str_radix(&digits[..2], 16) == Ok(byte) {
            ends.push(text.len() - digits.len() + 2);
        }
        rest = digits.strip_prefix("25");
    }
    ends
}

fn starts_with_hex_pair(text: &str) -> bool {
    text.len() >= 2 && text.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)
}

fn match_html(text: &str, character: char) -> Option<usize> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let value = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    (value == character).then_some(end + 1)
}

fn match_json(text: &str, character: char) -> Option<usize> {
    let escaped = text[1..].chars().next()?;
    if escaped == 'u' {
        let mut units = [0_u16; 2];
        let units = character.encode_utf16(&mut units);
        let mut position = 0;
        for &unit in units.iter() {
            let digits = text.get(position..)?.strip_prefix("\\u")?.get(..4)?;
            if u16::from_str_radix(digits, 16).ok()? != unit {
                return None;
            }
            position += 6;
        }
        return Some(position);
    }
    let value = match escaped {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    };
    (value == character).then_some(1 + escaped.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "p@ss w\"ö\\rd%&<1";

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn(SECRET);
        redactor
    }

    #[test]
    fn each_encoding_is_hidden() {
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("p", SECRET).finish();
        let twice = url::form_urlencoded::Serializer::new(String::new()).append_pair("u", &form).finish();
        let json = serde_json::to_string(SECRET).unwrap();
        let json_ascii = "p@ss w\\\"\\u00f6\\\\rd%&<1";
        let html = "p@ss w&quot;ö\\rd%&amp;&lt;1";
        for text in [SECRET, &percent, &form, &twice, &json, json_ascii, html] {
            let shown = redactor().hide(&format!("before {text} after"));
            assert!(shown.contains("***"), "{text} -> {shown}");
            assert!(!shown.contains("rd"), "{text} -> {shown}");
            assert!(shown.starts_with("before ") && shown.ends_with(" after"), "{shown}");
        }
    }

    #[test]
    fn basic_authorization_is_hidden_at_each_alignment() {
        let mut redactor = Redactor::default();
        redactor.learn("correct-horse");
        for user in ["a", "ab", "abc", "abcd"] {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let header = engine.encode(format!("{user}:correct-horse"));
                let shown = redactor.hide(&header);
                assert!(shown.contains("***"), "{header} -> {shown}");
                // What is left must not decode to a part of the secret worth having.
                assert!(shown.len() <= 3 + user.len() * 2 + 6, "{header} -> {shown}");
            }
        }
    }

    #[test]
    fn short_values_and_unknown_text_stay() {
        let mut redactor = Redactor::default();
        redactor.learn("abc");
        assert_eq!(redactor.hide("abc abc"), "abc abc");
        redactor.learn("abcd");
        assert_eq!(redactor.hide("abc abcd."), "abc ***.");
    }

    #[test]
    fn a_percent_sign_is_read_both_ways() {
        let mut redactor = Redactor::default();
        redactor.learn("%0a b");
        redactor.learn("next\nline");
        assert_eq!(redactor.hide("x%250a+b"), "x***");
        assert_eq!(redactor.hide("xnext%250aline"), "x***");
    }

    proptest! {
        #[test]
        fn text_without_the_secret_is_unchanged(text in "[a-z0-9 ]{0,60}") {
            prop_assert_eq!(redactor().hide(&text), text);
        }

        #[test]
        fn any_secret_is_hidden_in_any_text(
            secret in "\\PC{4,20}", before in "[ .]{0,5}", after in "[ .]{0,5}", encode in 0..4,
        ) {
            prop_assume!(secret.len() >= 4);
            let mut redactor = Redactor::default();
            redactor.learn(&secret);
            let encoded = match encode {
                0 => secret.clone(),
                1 => url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
                2 => serde_json::to_string(&secret).unwrap(),
                _ => percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
            };
            let shown = redactor.hide(&format!("{before}{encoded}{after}"));
            prop_assert!(shown.contains("***"), "{} -> {}", encoded, shown);
        }
    }
}
