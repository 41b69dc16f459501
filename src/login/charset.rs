//! Bytes to text as browsers decode a page: byte order mark, then the header's charset, then a `<meta>`, then a guess.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How far into a page a `<meta>` is looked for (HTML standard, "prescan a byte stream").
const PRESCAN: usize = 1024;

/// Decodes a body. What cannot be decoded becomes U+FFFD; never fails.
pub(super) fn decode(body: &[u8], content_type: &str) -> String {
    let encoding = Encoding::for_bom(body)
        .map(|(encoding, _)| encoding)
        .or_else(|| Encoding::for_label(charset_of(content_type)?.as_bytes()))
        .or_else(|| meta_charset(&body[..body.len().min(PRESCAN)]))
        .unwrap_or_else(|| if std::str::from_utf8(body).is_ok() { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(body).0.into_owned()
}

/// The `charset` parameter of a content type.
fn charset_of(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

/// The encoding that a `<meta charset=..>` or `<meta http-equiv=content-type content=..charset=..>` names. A page
/// whose `<meta>` could be read as ASCII cannot be in UTF-16, so that label means UTF-8 there.
fn meta_charset(start: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let mut rest = start.as_str();
    while let Some(at) = rest.find("<meta") {
        rest = &rest[at + 5..];
        let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
        if let Some(at) = tag.find("charset") {
            let value = tag[at + 7..].trim_start().strip_prefix('=').unwrap_or_default().trim_start();
            let value = value.trim_start_matches(['"', '\'']);
            let end = value.find(|c: char| matches!(c, '"' | '\'' | ';' | '/') || c.is_whitespace());
            let label = &value[..end.unwrap_or(value.len())];
            if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
                return Some(if label.starts_with("utf-16") { UTF_8 } else { encoding });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_found_where_browsers_look() {
        let cases: [(&[u8], &str, &str); 9] = [
            (b"caf\xc3\xa9", "text/html", "café"),
            (b"caf\xe9", "text/html", "café"),
            (b"caf\xe9", "text/html; charset=ISO-8859-1", "café"),
            (b"caf\xc3\xa9", "text/html; Charset=\"utf-8\"", "café"),
            (b"\xef\xbb\xbfcaf\xc3\xa9", "text/html; charset=iso-8859-1", "café"),
            (b"<meta charset=\"koi8-r\">\xd4", "text/html", "<meta charset=\"koi8-r\">т"),
            (
                b"<meta http-equiv=x content='text/html; charset=windows-1251'>\xe9",
                "",
                "<meta http-equiv=x content='text/html; charset=windows-1251'>й",
            ),
            (b"<META CHARSET=utf-16>\xc3\xa9", "", "<META CHARSET=utf-16>é"),
            (b"\xff\xfea\x00", "text/html", "a"),
        ];
        for (body, content_type, expected) in cases {
            assert_eq!(decode(body, content_type), expected, "{content_type}");
        }
    }
}
