//! The report in a real browser: accessible by axe-core in light and dark, no sideways scroll on a phone, no request that
//! leaves the page, and printed as PDF. `DOORSTEP_TEST_BROWSER` names a Chromium and `DOORSTEP_TEST_AXE` axe-core
//! (`scripts/tools browser` installs both, and pdftotext and pdfinfo).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::outside;

/// The page that everybody sees first.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/demo/report.html");

/// The page with a database.
const OUTAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/outage/report.html");

/// The page of a whole week among thirteen, with every chart.
const SPECIMEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/specimen/report.html");

/// The page of a week that still runs, whose burn-down goes on as a fan.
fn running() -> String {
    let page = tokio::runtime::Runtime::new().unwrap().block_on(crate::report_query::running_page());
    assert!(page.contains("Fan: where it may go"), "no fan");
    page
}

fn chromium(browser: &Path, profile: &Path) -> Command {
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
}

/// What a script that is added to a copy of the page says, as JSON. The page itself has none.
fn said_by(browser: &Path, page: &str, script: &str, options: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, page.replace("</body>", &format!("<script>{script}</script></body>"))).unwrap();
    let done = chromium(browser, &folder.path().join("profile"))
        .args(options)
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&done.stdout);
    let said = dom.split("<pre id=\"said\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let said = said.unwrap_or_else(|| panic!("nothing was said: {}", String::from_utf8_lossy(&done.stderr)));
    let json = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&json).unwrap()
}

const SAY: &str = "function say(value) { const pre = document.createElement('pre'); pre.id = 'said'; \
                   pre.textContent = JSON.stringify(value); document.body.append(pre); }\n";

fn violations(browser: &Path, axe: &str, page: &str, dark: bool) {
    let script = format!(
        "{axe}\n{SAY}axe.run(document, {{ resultTypes: ['violations'] }}).then(result => say({{ \
         dark: matchMedia('(prefers-color-scheme: dark)').matches, passes: result.passes.length, \
         violations: result.violations.map(found => found.id + ': ' + found.nodes.map(node => node.html).slice(0, 3).join(' ')) }}), \
         error => say({{ violations: ['' + error], passes: 0 }}));"
    );
    // In Blink's settings 0 is dark and 1 is light.
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
    let said = said_by(browser, page, &script, &[&scheme]);
    assert_eq!(said["dark"], dark, "the browser's scheme");
    assert!(said["passes"].as_u64().unwrap() > 20, "{said}");
    assert_eq!(said["violations"], serde_json::json!([]), "{} theme", if dark { "dark" } else { "light" });
}

fn tools() -> Option<(PathBuf, String)> {
    let browser = outside::path("DOORSTEP_TEST_BROWSER")?;
    Some((browser, fs::read_to_string(outside::path("DOORSTEP_TEST_AXE")?).unwrap()))
}

#[test]
fn the_page_is_accessible_in_light_and_dark() {
    let Some((browser, axe)) = tools() else { return };
    for page in [
        fs::read_to_string(SAMPLE).unwrap(),
        fs::read_to_string(OUTAGE).unwrap(),
        fs::read_to_string(SPECIMEN).unwrap(),
        running(),
        crate::report_render::eventful_page(),
    ] {
        for dark in [false, true] {
            violations(&browser, &axe, &page, dark);
        }
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let Some((browser, axe)) = tools() else { return };
    let page =
        fs::read_to_string(SAMPLE).unwrap().replace("lang=\"en\"", "").replace("role=\"img\"", "role=\"nonsense\"");
    let broken = std::panic::catch_unwind(|| violations(&browser, &axe, &page, false));
    assert!(broken.is_err(), "a page without a language passed");
}

#[test]
fn a_phone_needs_no_sideways_scroll_and_no_request_leaves_the_page() {
    let Some((browser, _)) = tools() else { return };
    for page in [SAMPLE, OUTAGE] {
        fits_a_phone(&browser, &fs::read_to_string(page).unwrap());
    }
    fits_a_phone(&browser, &running());
    // Of each of the two objectives a burn-down, thirteen weeks and the worst stretches; one strip, one of login times.
    let charts = fits_a_phone(&browser, &fs::read_to_string(SPECIMEN).unwrap());
    let titles: Vec<&str> = charts.iter().map(|title| title.as_str().unwrap()).collect();
    assert_eq!(titles.len(), 8, "{titles:#?}");
    assert_eq!(titles.iter().filter(|title| title.ends_with(" periods")).count(), 2, "thirteen weeks in {titles:#?}");
}

/// The titles of its charts, as the browser reads them out.
fn fits_a_phone(browser: &Path, page: &str) -> Vec<Value> {
    // A window cannot be so narrow, a frame can.
    let frame = page.replace('&', "&amp;").replace('"', "&quot;");
    let host = format!(
        "<!DOCTYPE html><html lang=\"en\"><body style=\"margin:0\"><iframe style=\"width:375px;height:812px;border:0\" \
         srcdoc=\"{frame}\"></iframe></body></html>"
    );
    let script = format!(
        "{SAY}window.onload = () => {{ const inner = document.querySelector('iframe').contentWindow; say({{ \
         width: inner.innerWidth, scroll: inner.document.documentElement.scrollWidth, \
         charts: [...inner.document.querySelectorAll('svg.chart')].map(chart => chart.querySelector('title').textContent), \
         letters: Math.min(...[...inner.document.querySelectorAll('svg.chart text')].map(text => \
         parseFloat(inner.getComputedStyle(text).fontSize) * text.getScreenCTM().a)), \
         requests: inner.performance.getEntriesByType('resource').map(entry => entry.name) }}); }};"
    );
    let said = said_by(browser, &host, &script, &[]);
    assert_eq!(said["width"], 375, "{said}");
    assert!(said["scroll"].as_u64().is_some_and(|wide| wide <= 375), "{said}");
    assert!(said["letters"].as_f64().is_some_and(|pixels| pixels >= 11.0), "{said}");
    assert_eq!(said["requests"], serde_json::json!([]));
    let charts = said["charts"].as_array().unwrap();
    assert!(charts.len() >= 4, "{said}");
    charts.clone()
}

#[test]
fn the_pdf_holds_the_headline_on_numbered_pages() {
    let Some(browser) = outside::path("DOORSTEP_TEST_BROWSER") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(crate::sample::command_of_the_sample(root))
        .args(["--format", "pdf", "--out"])
        .arg(folder.path())
        .env("CHROMIUM", &browser)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["report.pdf"], "nothing else is left");
    let pdf = folder.path().join("report.pdf");
    let text = Command::new("pdftotext").args(["-layout".as_ref(), pdf.as_os_str(), "-".as_ref()]).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout);
    let pages = text.matches('\u{c}').count();
    assert!(pages >= 4, "{pages} pages");
    for words in ["Doorstep login report", "Verdicts", "missed", "132 of 180", &format!("1 of {pages}")] {
        assert!(text.to_lowercase().contains(&words.to_lowercase()), "'{words}' in {text}");
    }
    let last = pages.to_string();
    let sizes = Command::new("pdfinfo").args(["-f", "1", "-l", &last]).arg(&pdf).output().unwrap();
    let sizes = String::from_utf8_lossy(&sizes.stdout);
    let sizes: Vec<&str> = sizes.lines().filter(|line| line.starts_with("Page") && line.contains(" size:")).collect();
    assert!(sizes.len() == pages && sizes.iter().all(|size| size.ends_with("(A4)")), "{sizes:#?}");
}

#[test]
fn without_a_browser_the_way_out_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
            .args(crate::sample::command_of_the_sample(root))
            .args(["--format", "pdf"])
            .args(arguments)
            .env_remove("CHROMIUM")
            .env("PATH", folder.path())
            .current_dir(root)
            .output()
            .unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (code, said) = run(&["--out", folder.path().to_str().unwrap()]);
    assert!(code == Some(3) && said.contains("install the package 'chromium'"), "{said}");
    let (code, said) = run(&[]);
    assert!(code == Some(2) && said.contains("a PDF needs a folder: add --out FOLDER"), "{said}");
}
