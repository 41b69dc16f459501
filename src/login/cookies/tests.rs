//! What a jar keeps, and what it sends where.

use super::*;

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn jar_with(from: &str, headers: &[&str]) -> (Jar, Changes) {
    let mut jar = Jar::new(300);
    let changes = jar.store(&url(from), headers.iter().map(|header| header.as_bytes()), now()).unwrap();
    (jar, changes)
}

fn sent(jar: &Jar, to: &str) -> String {
    jar.header(&url(to), now()).map(|header| String::from_utf8(header).unwrap()).unwrap_or_default()
}

#[test]
fn cookies_go_where_the_rules_say() {
    let cases = [
        // (set by, Set-Cookie, asked, sent there)
        ("http://a.test/x/y", "k=v", "http://a.test/x/z", true),
        ("http://a.test/x/y", "k=v", "http://a.test/x", true),
        ("http://a.test/x/y", "k=v", "http://a.test/xy", false),
        ("http://a.test/x/y", "k=v", "http://a.test/", false),
        ("http://a.test/", "k=v", "http://b.a.test/", false),
        ("http://b.a.test/", "k=v; Domain=a.test", "http://c.a.test/", true),
        ("http://b.a.test/", "k=v; Domain=.a.test", "http://a.test/", true),
        ("http://b.a.test/", "k=v; Domain=test", "http://b.a.test/", false),
        ("http://a.test/", "k=v; Domain=b.a.test", "http://b.a.test/", false),
        ("http://nota.test/", "k=v; Domain=a.test", "http://a.test/", false),
        ("http://127.0.0.1/", "k=v; Domain=127.0.0.1", "http://127.0.0.1/", true),
        ("http://127.0.0.1/", "k=v; Domain=0.0.1", "http://127.0.0.1/", false),
        ("http://[::1]/", "k=v", "http://[::1]:81/", true),
        ("http://localhost/", "k=v; Domain=localhost", "http://localhost/", true),
        ("http://a.probe.localhost/", "k=v; Domain=.probe.localhost", "http://b.probe.localhost/", true),
        // Ports do not separate.
        ("http://a.test:8001/", "k=v", "http://a.test:8002/", true),
        // Secure.
        ("https://a.test/", "k=v; Secure", "http://a.test/", false),
        ("https://a.test/", "k=v; Secure", "https://a.test/", true),
        ("http://a.test/", "k=v; Secure", "https://a.test/", false),
        ("http://localhost/", "k=v; Secure", "http://localhost/", true),
        ("http://127.0.0.1/", "k=v; Secure", "http://127.0.0.1/", true),
        // Prefixes.
        ("https://a.test/", "__Host-k=v; Secure; Path=/", "https://a.test/", true),
        ("https://a.test/", "__Host-k=v; Secure", "https://a.test/", false),
        ("https://a.test/", "__Host-k=v; Secure; Path=/; Domain=a.test", "https://a.test/", false),
        ("https://a.test/", "__host-k=v; Path=/", "https://a.test/", false),
        ("https://a.test/", "__Secure-k=v", "https://a.test/", false),
        ("https://a.test/", "__Secure-k=v; Secure", "https://a.test/", true),
        ("https://a.test/", "=__Secure-k=v; Secure", "https://a.test/", false),
        // Time.
        ("http://a.test/", "k=v; Max-Age=10", "http://a.test/", true),
        ("http://a.test/", "k=v; Expires=Thu, 01-Jan-70 00:00:01 GMT", "http://a.test/", false),
        ("http://a.test/", "k=v; Expires=whenever", "http://a.test/", true),
    ];
    for (from, header, to, expected) in cases {
        let (jar, _) = jar_with(from, &[header]);
        assert_eq!(!sent(&jar, to).is_empty(), expected, "{header} from {from}, asked by {to}");
    }
}

#[test]
fn a_deletion_and_a_new_value_in_one_answer_leave_the_new_value() {
    let (mut jar, _) = jar_with("http://a.test/", &["sid=old; Path=/"]);
    let headers = ["sid=deleted; Path=/; Max-Age=0", "sid=new; Path=/"];
    let changes = jar.store(&url("http://a.test/"), headers.iter().map(|h| h.as_bytes()), now()).unwrap();
    assert_eq!(sent(&jar, "http://a.test/"), "sid=new");
    assert_eq!((changes.set, changes.deleted), (vec!["sid".to_owned()], vec!["sid".to_owned()]));
    jar.store(&url("http://a.test/"), [&b"sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"[..]].into_iter(), now())
        .unwrap();
    assert_eq!(sent(&jar, "http://a.test/"), "");
}

#[test]
fn one_name_on_two_paths_is_sent_longest_path_first() {
    let (jar, _) = jar_with(
        "http://a.test/",
        &["w=root; Path=/", "x=1; Path=/", "w=admin; Path=/wp-admin", "w=p; Path=/wp-content"],
    );
    assert_eq!(sent(&jar, "http://a.test/wp-admin/x"), "w=admin; w=root; x=1");
    assert_eq!(jar.value(&url("http://a.test/wp-admin/"), "w", now()).as_deref(), Some("admin"));
    assert_eq!(jar.value(&url("http://a.test/"), "w", now()).as_deref(), Some("root"));
    assert_eq!(jar.names(&url("http://a.test/"), now()), ["w", "x"]);
}

#[test]
fn a_renewed_cookie_keeps_its_place() {
    let (mut jar, _) = jar_with("http://a.test/", &["a=1", "b=2"]);
    jar.store(&url("http://a.test/"), [&b"a=3"[..]].into_iter(), now()).unwrap();
    assert_eq!(sent(&jar, "http://a.test/"), "a=3; b=2");
}

#[test]
fn a_cookie_ends_in_time() {
    let (jar, _) = jar_with("http://a.test/", &["a=1; Max-Age=10"]);
    let later = now() + jiff::SignedDuration::from_secs(11);
    assert_eq!(jar.header(&url("http://a.test/"), later), None);
}

#[test]
fn a_secure_cookie_is_not_replaced_over_http() {
    let (mut jar, _) = jar_with("https://a.test/", &["s=1; Secure; Path=/"]);
    let changes = jar.store(&url("http://a.test/"), [&b"s=2; Path=/"[..]].into_iter(), now()).unwrap();
    assert_eq!(changes.ignored.len(), 1, "{changes:?}");
    assert_eq!(sent(&jar, "https://a.test/"), "s=1");
}

#[test]
fn a_flood_is_noticed() {
    let mut jar = Jar::new(10);
    let many: Vec<String> = (0..11).map(|n| format!("c{n}=v")).collect();
    assert_eq!(jar.store(&url("http://a.test/"), many.iter().map(String::as_bytes), now()), Err(Flood { limit: 10 }));
    let mut jar = Jar::new(10);
    let same: Vec<String> = (0..81).map(|n| format!("c={n}")).collect();
    assert_eq!(jar.store(&url("http://a.test/"), same.iter().map(String::as_bytes), now()), Err(Flood { limit: 80 }));
}

#[test]
fn the_fingerprint_follows_the_content() {
    let (jar, _) = jar_with("http://a.test/", &["a=1", "b=2"]);
    let (same, _) = jar_with("http://a.test/", &["b=2", "a=1"]);
    let (other, _) = jar_with("http://a.test/", &["a=1", "b=3"]);
    assert_eq!(jar.fingerprint(), same.fingerprint());
    assert_ne!(jar.fingerprint(), other.fingerprint());
}
