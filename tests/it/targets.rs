//! Logins at real software written by others: in, proven by a second request, out and proven again; a wrong password is
//! refused. The servers are those of `tests/targets`.

use std::fs;
use std::path::Path;
use std::process::Command;

use doorstep::model::{BadClass, Verdict};

use crate::support::targets::{PASSWORD, Target, flow_as_written, log_in, log_in_as, main_file, try_wrong_password};

/// One whole login with its proofs: good, with the identity and the logout steps done.
macro_rules! whole_login {
    ($name:ident, $target:literal, $file:literal) => {
        #[test]
        fn $name() {
            let Some(target) = Target::find($target) else { return };
            let run = log_in(&target.flow($file));
            assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
            assert!(run.steps.iter().all(|step| step.done), "{run:#?}");
            assert!(run.hops.len() >= 2, "who it is takes a request of its own: {run:#?}");
        }
    };
}

whole_login!(allauth_site, "allauth", "allauth-site.yaml");
whole_login!(allauth_admin, "allauth", "allauth-admin.yaml");
whole_login!(allauth_app, "allauth", "allauth-app.yaml");
whole_login!(allauth_browser, "allauth", "allauth-browser.yaml");
whole_login!(tls_site, "tls-front", "tls-site.yaml");
whole_login!(tls_basic, "tls-front", "tls-basic.yaml");
whole_login!(tls_certificate, "tls-front", "tls-certificate.yaml");
whole_login!(wordpress_subscriber, "wordpress", "wordpress-subscriber.yaml");
whole_login!(wordpress_administrator, "wordpress", "wordpress-administrator.yaml");
whole_login!(relying_party_by_query, "rp-dance", "rp-query.yaml");
whole_login!(relying_party_by_form_post, "rp-dance", "rp-form-post.yaml");

#[test]
fn wordpress_rest() {
    let Some(target) = Target::find("wordpress") else { return };
    let flow = target.flow("wordpress-rest.yaml");
    let run = log_in_as(&flow, "probe", target.address("application_password"));
    assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
    // The API takes the application's password only, never the account's own.
    let run = log_in_as(&flow, "probe", PASSWORD);
    assert_eq!(run.verdict, Verdict::Bad(BadClass::CredentialsRefused), "{run:#?}");
}

/// A wrong password is refused in the way that the flow says, and its session shows nobody.
macro_rules! wrong_password {
    ($name:ident, $target:literal, $file:literal) => {
        #[test]
        fn $name() {
            let Some(target) = Target::find($target) else { return };
            let run = try_wrong_password(&target.flow($file));
            assert_eq!(run.verdict, Verdict::Good, "{run:#?}");
        }
    };
}

wrong_password!(allauth_site_refuses, "allauth", "allauth-site.yaml");
wrong_password!(allauth_admin_refuses, "allauth", "allauth-admin.yaml");
wrong_password!(allauth_app_refuses, "allauth", "allauth-app.yaml");
wrong_password!(allauth_browser_refuses, "allauth", "allauth-browser.yaml");
wrong_password!(tls_site_refuses, "tls-front", "tls-site.yaml");
wrong_password!(tls_basic_refuses, "tls-front", "tls-basic.yaml");
wrong_password!(wordpress_subscriber_refuses, "wordpress", "wordpress-subscriber.yaml");
wrong_password!(wordpress_administrator_refuses, "wordpress", "wordpress-administrator.yaml");
wrong_password!(wordpress_rest_refuses, "wordpress", "wordpress-rest.yaml");
wrong_password!(relying_party_by_query_refuses, "rp-dance", "rp-query.yaml");
wrong_password!(relying_party_by_form_post_refuses, "rp-dance", "rp-form-post.yaml");

/// The same by hand: `doorstep try` says it by its exit code, and shows no password.
#[test]
fn the_binary_tries_a_login() {
    let Some(target) = Target::find("rp-dance") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let main = folder.path().join("doorstep.yaml");
    fs::write(&main, main_file(&target, "rp-query.yaml")).expect("a file");
    let attempt = |password: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_doorstep"))
            .args(["try", "--config"])
            .arg(&main)
            .args(more)
            .env("PROBE_PASSWORD", password)
            .output()
            .expect("the binary");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains(password), "the password is shown: {text}");
        (output.status.code(), text)
    };
    let (code, text) = attempt(PASSWORD, &[]);
    assert_eq!(code, Some(0), "{text}");
    for shown in ["good", "consent", "/me"] {
        assert!(text.contains(shown), "no '{shown}' in {text}");
    }
    let (code, text) = attempt("not the password of the probe", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("credentials_refused"), "{text}");
    let (code, text) = attempt(PASSWORD, &["--wrong-password"]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn each_flow_of_the_targets_is_valid_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets");
    let names = fs::read_dir(folder)
        .expect("the folder of targets")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let files: Vec<_> = names.filter(|name| name.ends_with(".yaml")).collect();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let flow = flow_as_written(&file);
        assert!(flow.identity_step().is_some(), "{file} proves nobody's identity");
    }
}
