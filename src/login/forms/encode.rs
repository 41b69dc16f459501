//! Where a form is sent and in which encoding (HTML standard, "form submission algorithm"). Always UTF-8.

use http::Method;
use scraper::ElementRef;
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use super::entries::Entry;
use super::{FormError, Submission, choose};
use crate::login::page::Reading;

/// Encodes the entries for the address and method that button and form name.
pub(super) fn submission(
    reading: &Reading<'_>,
    form: ElementRef<'_>,
    button: Option<ElementRef<'_>>,
    entries: Vec<Entry>,
) -> Result<Submission, FormError> {
    let attribute = |on_button: &str, on_form: &str| {
        let pressed = button.and_then(|button| button.attr(on_button));
        pressed.or_else(|| form.attr(on_form)).unwrap_or_default().trim().to_owned()
    };
    let label = choose::label(form);
    let mut url = address(reading, &attribute("formaction", "action"), &label)?;
    let method = attribute("formmethod", "method").to_ascii_lowercase();
    if method == "dialog" {
        return Err(FormError::Missing(format!("{label} closes a dialog and sends nothing")));
    }
    if method != "post" {
        url.set_query(Some(&urlencoded(&entries)));
        return Ok(Submission { method: Method::GET, url, content_type: None, body: Vec::new(), entries, label });
    }
    let (content_type, body) = match attribute("formenctype", "enctype").to_ascii_lowercase().as_str() {
        "multipart/form-data" => multipart(&entries),
        "text/plain" => ("text/plain".to_owned(), plain(&entries)),
        _ => ("application/x-www-form-urlencoded".to_owned(), urlencoded(&entries).into_bytes()),
    };
    Ok(Submission { method: Method::POST, url, content_type: Some(content_type), body, entries, label })
}

fn address(reading: &Reading<'_>, action: &str, label: &str) -> Result<Url, FormError> {
    // No action means the page itself, whatever its base is.
    let mut url = if action.is_empty() {
        reading.page.url.clone()
    } else {
        let base = reading.base();
        base.join(action)
            .map_err(|error| FormError::Missing(format!("{label} is sent to '{action}', no address: {error}")))?
    };
    if !matches!(url.scheme(), "http" | "https") {
        let way_out = if url.scheme() == "javascript" { "; what its script sends needs a 'request' step" } else { "" };
        return Err(FormError::Missing(format!(
            "{label} is sent to '{}:', not to a web address{way_out}",
            url.scheme()
        )));
    }
    if reading.page.url.scheme() == "https" && url.scheme() == "http" {
        let host = url.host_str().unwrap_or_default();
        return Err(FormError::Missing(format!(
            "{label} of an https page is sent over plain http to {host}, which browsers warn of"
        )));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Line breaks travel as CR LF.
fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// `application/x-www-form-urlencoded`.
pub(super) fn urlencoded(entries: &[Entry]) -> String {
    let mut serializer = Serializer::new(String::new());
    for entry in entries {
        serializer.append_pair(&crlf(&entry.name), &crlf(&entry.value));
    }
    serializer.finish()
}

fn plain(entries: &[Entry]) -> Vec<u8> {
    entries.iter().map(|entry| format!("{}={}\r\n", crlf(&entry.name), crlf(&entry.value))).collect::<String>().into()
}

/// `multipart/form-data` (RFC 7578 with the escapes of the HTML standard).
fn multipart(entries: &[Entry]) -> (String, Vec<u8>) {
    // A boundary that depends on the content cannot occur in it but by a collision of the hash.
    let digest = Sha256::digest(urlencoded(entries).as_bytes());
    let boundary: String = "----doorstep"
        .chars()
        .chain(digest.iter().take(12).flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from))
        .collect();
    let escape = |name: &str| crlf(name).replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
    let mut body = String::new();
    for entry in entries {
        let name = escape(&entry.name);
        let head = if entry.file {
            format!("form-data; name=\"{name}\"; filename=\"\"\r\nContent-Type: application/octet-stream")
        } else {
            format!("form-data; name=\"{name}\"")
        };
        body.push_str(&format!("--{boundary}\r\nContent-Disposition: {head}\r\n\r\n{}\r\n", crlf(&entry.value)));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}
