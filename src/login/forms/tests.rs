//! What a browser would send, case by case.

use super::*;
use crate::login::page::tests::page;

fn try_submit(
    html: &str,
    form: &FormChoice,
    fields: &[(&str, &str)],
    button: Option<&Button>,
) -> Result<Submission, FormError> {
    let page = page("http://a.test/dir/login?next=x#f", "text/html", html);
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    submit(&Reading::new(&page), &Filling { form, fields, button })
}

fn sent(html: &str, fields: &[(&str, &str)]) -> String {
    let submission = try_submit(html, &FormChoice::Fitting, fields, None).unwrap();
    if submission.method == Method::GET {
        submission.url.query().unwrap_or_default().to_owned()
    } else {
        String::from_utf8(submission.body).unwrap()
    }
}

#[test]
fn successful_controls_are_those_of_the_standard() {
    let cases = [
        ("<form method=post><input name=a value=1><input type=hidden name=t value='x y'></form>", "a=1&t=x+y"),
        ("<form method=post><input value=1><input name='' value=2><input name=b></form>", "b="),
        ("<form method=post><input type=checkbox name=c><input type=checkbox name=d checked></form>", "d=on"),
        (
            "<form method=post><input type=checkbox name=d value=7 checked><input type=checkbox name=d value=8 checked></form>",
            "d=7&d=8",
        ),
        (
            "<form method=post><input type=radio name=r value=1 checked><input type=radio name=r value=2 checked></form>",
            "r=2",
        ),
        ("<form method=post><select name=s><option value=1>a<option value=2>b</select></form>", "s=1"),
        ("<form method=post><select name=s><option disabled value=1>a<option>b  c</select></form>", "s=b+c"),
        ("<form method=post><select name=s size=3><option>a</select></form>", ""),
        ("<form method=post><select name=s><option selected>a<option selected>b</select></form>", "s=b"),
        (
            "<form method=post><select multiple name=s><option selected>a<option>b<option selected>c<option selected disabled>d</select></form>",
            "s=a&s=c",
        ),
        ("<form method=post><select name=s><optgroup disabled><option>a</optgroup><option>b</select></form>", "s=b"),
        ("<form method=post><textarea name=t>\n\n a\nb</textarea></form>", "t=%0D%0A+a%0D%0Ab"),
        (
            "<form method=post><input name=a disabled value=1><fieldset disabled><legend><input name=l value=1></legend><input name=b></fieldset></form>",
            "l=1",
        ),
        (
            "<form id=f method=post><input name=a value=1></form><input name=o value=2 form=f><input name=n value=3>",
            "a=1&o=2",
        ),
        ("<form method=post id=f><input name=a value=1><input name=b form=other></form>", "a=1"),
        (
            "<form method=post><input name=a value=1><button name=go value=yes>Go</button><button name=no value=1>No</button></form>",
            "a=1&go=yes",
        ),
        (
            "<form method=post><button type=button name=x value=1>x</button><button type=reset name=y>y</button><input type=submit name=z value=Z></form>",
            "z=Z",
        ),
        ("<form method=post><input type=image name=i><input name=a value=1></form>", "i.x=0&i.y=0&a=1"),
        ("<form method=post><input type=image><input name=a value=1></form>", "x=0&y=0&a=1"),
        ("<form method=post><input type=file name=f></form>", "f="),
        ("<form method=post><input name=a value='1\n2'><input type=email name=e value=' x '></form>", "a=12&e=x"),
        ("<form method=post><template><input name=t value=1></template><input name=a value=1></form>", "a=1"),
        (
            "<form method=post><input type=hidden name=_charset_><input name=q value=\u{e9} dirname=q.dir></form>",
            "_charset_=UTF-8&q=%C3%A9&q.dir=ltr",
        ),
        ("<form method=post><datalist><option>x<input name=h value=1></datalist><input name=a value=1></form>", "a=1"),
        ("<table><form method=post><tr><td><input name=a value=1></td></tr></form></table>", "a=1"),
        ("<form><input name=a value=1></form>", "a=1"),
    ];
    for (html, expected) in cases {
        assert_eq!(sent(html, &[]), expected, "{html}");
    }
}

#[test]
fn fields_are_filled_by_name() {
    let login = "<form method=post><input type=hidden name=csrf value=T><input name=user><input type=password name=pass>\
                 <input type=checkbox name=stay value=1><input type=radio name=r value=a checked><input type=radio name=r value=b>\
                 <select name=s><option value=1>one<option value=2>two</select><input name=n><input name=n>\
                 <select multiple name=m><option selected>x<option>y<option>z</select><input name=off disabled></form>";
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("user", "u&="), ("pass", "p%")], "csrf=T&user=u%26%3D&pass=p%25&r=a&s=1&n=&n=&m=x"),
        (&[("stay", "1"), ("r", "b")], "csrf=T&user=&pass=&stay=1&r=b&s=1&n=&n=&m=x"),
        (&[("s", "2"), ("n", "1"), ("n", "2")], "csrf=T&user=&pass=&r=a&s=2&n=1&n=2&m=x"),
        (&[("s", "two"), ("m", "y"), ("m", "z")], "csrf=T&user=&pass=&r=a&s=2&n=&n=&m=y&m=z"),
        (&[("off", "now on"), ("csrf", "mine")], "csrf=mine&user=&pass=&r=a&s=1&n=&n=&m=x&off=now+on"),
        (&[("r", "")], "csrf=T&user=&pass=&s=1&n=&n=&m=x"),
    ];
    for (fields, expected) in cases {
        assert_eq!(sent(login, fields), expected, "{fields:?}");
    }
}

#[test]
fn what_is_missing_is_named_beside_what_is_there() {
    let html = "<form id=search><input name=q></form><form id=login method=post><input name=user><input name=pw>\
                <button name=go value=1>Sign in</button></form>";
    let css = |css: &str| FormChoice::Css(css.to_owned());
    let labelled = Button::Labelled("Log in".to_owned());
    type Case<'a> = (FormChoice, &'a [(&'a str, &'a str)], Option<&'a Button>, &'a str);
    let cases: [Case<'_>; 8] = [
        (
            FormChoice::Fitting,
            &[("user", ""), ("password", "")],
            None,
            "no form holds 'user', 'password'; the page has form#search [q], form#login [user, pw, go]",
        ),
        (FormChoice::Fitting, &[], None, "2 forms fit where one is on the page"),
        (FormChoice::Holding("x".to_owned()), &[], None, "no form holds a field 'x'; the page has"),
        (css("#nope"), &[], None, "no form matches '#nope'; the page has"),
        (css("#login"), &[("x", "")], None, "the form has no field 'x'; it has user, pw, go"),
        (css("#login"), &[("go", "2")], None, "'go' is a button of the form, not a field"),
        (css("#login"), &[], Some(&labelled), "the form has no button labelled 'Log in'; it has 'Sign in' (go=1)"),
        (css("#search"), &[], Some(&labelled), "it has no button"),
    ];
    for (form, fields, button, expected) in cases {
        let error = try_submit(html, &form, fields, button).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nlacks {expected}");
    }
    assert_eq!(try_submit(html, &css("##"), &[], None), Err(FormError::Selector("##".to_owned())));
    let none = try_submit("<p>gone", &FormChoice::Fitting, &[], None).unwrap_err().to_string();
    assert!(none.contains("the page has no form at all"), "{none}");
    let two = "<form><input name=a></form><form><input name=a></form>";
    let both = try_submit(two, &FormChoice::Holding("a".to_owned()), &[], None).unwrap_err().to_string();
    assert!(both.contains("2 forms fit"), "{both}");
}

#[test]
fn forms_are_found_by_what_they_hold() {
    let html = "<form id=a method=post><input name=credential></form><form id=b method=post><input name=code><input name=t value=1></form>";
    let holding = try_submit(html, &FormChoice::Holding("t".to_owned()), &[("code", "9")], None).unwrap();
    assert_eq!(holding.label, "form#b");
    let fitting = try_submit(html, &FormChoice::Fitting, &[("credential", "{}")], None).unwrap();
    assert_eq!(fitting.label, "form#a");
    let sign_out = Button::Labelled("Sign out".to_owned());
    let page = "<form id=s><input name=q><button>Search</button></form><form id=o method=post><button>Sign out</button></form>";
    assert_eq!(try_submit(page, &FormChoice::Fitting, &[], Some(&sign_out)).unwrap().label, "form#o");
    let by_field = try_submit(html, &FormChoice::Css("input[name=code]".to_owned()), &[], None).unwrap();
    assert_eq!(by_field.label, "form#b");
}

#[test]
fn the_pressed_button_decides() {
    let html = "<form action=/a method=post><input name=x value=1><button name=do value=keep>Stay</button>\
                <button name=do value=leave formaction=/b formmethod=get> Log\n out </button>\
                <input type=submit name=do value=More formenctype=text/plain></form>";
    let press = |button: &Button| try_submit(html, &FormChoice::Fitting, &[], Some(button)).unwrap();
    let leave = press(&Button::Labelled("Log out".to_owned()));
    assert_eq!((leave.method, leave.url.as_str()), (Method::GET, "http://a.test/b?x=1&do=leave"));
    let named = press(&Button::Named { name: "do".to_owned(), value: Some("keep".to_owned()) });
    assert_eq!((named.url.as_str(), named.body.as_slice()), ("http://a.test/a", &b"x=1&do=keep"[..]));
    let plain = press(&Button::Css("input[type=submit]".to_owned()));
    assert_eq!(
        (plain.content_type.as_deref(), plain.body.as_slice()),
        (Some("text/plain"), &b"x=1\r\ndo=More\r\n"[..])
    );
    let first = press(&Button::Named { name: "do".to_owned(), value: None });
    assert_eq!(first.body, b"x=1&do=keep");
}

#[test]
fn actions_are_resolved_as_browsers_do() {
    let cases = [
        ("", "http://a.test/dir/login?next=x"),
        ("action=''", "http://a.test/dir/login?next=x"),
        ("action='#'", "http://a.test/dir/login?next=x"),
        ("action='?'", "http://a.test/dir/login?"),
        ("action='?y'", "http://a.test/dir/login?y"),
        ("action=go", "http://a.test/dir/go"),
        ("action='/go#x'", "http://a.test/go"),
        ("action='//b.test/go'", "http://b.test/go"),
        ("action='https://b.test:8443/go'", "https://b.test:8443/go"),
    ];
    for (action, expected) in cases {
        let html = format!("<form method=post {action}><input name=a></form>");
        let submission = try_submit(&html, &FormChoice::Fitting, &[], None).unwrap();
        assert_eq!(submission.url.as_str(), expected, "{action}");
    }
    let based = "<base href='http://b.test/app/'><form method=post action=go></form><form id=e method=post></form>";
    let submission = try_submit(based, &FormChoice::Css("form".to_owned()), &[], None).unwrap();
    assert_eq!(submission.url.as_str(), "http://b.test/app/go");
    let submission = try_submit(based, &FormChoice::Css("#e".to_owned()), &[], None).unwrap();
    assert_eq!(submission.url.as_str(), "http://a.test/dir/login?next=x", "an empty action ignores the base");
    let get = try_submit("<form action='/s?old=1'><input name=q value=2></form>", &FormChoice::Fitting, &[], None);
    assert_eq!(get.unwrap().url.as_str(), "http://a.test/s?q=2", "GET replaces the query");
    for action in ["javascript:void(0)", "mailto:a@b.test", "data:text/html,x", "file:///etc/passwd"] {
        let html = format!("<form method=post action='{action}'></form>");
        let error = try_submit(&html, &FormChoice::Fitting, &[], None).unwrap_err().to_string();
        assert!(error.contains("not to a web address"), "{error}");
    }
}

#[test]
fn multipart_bodies_are_well_formed() {
    let html = "<form method=post enctype=multipart/form-data><input name='a\"b' value='1\u{e9}'><textarea name=t>x\ny</textarea><input type=file name=f></form>";
    let submission = try_submit(html, &FormChoice::Fitting, &[], None).unwrap();
    let content_type = submission.content_type.unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\u{e9}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nx\r\ny\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n\
         --{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(submission.body).unwrap(), expected);
}

#[test]
fn a_self_posting_page_is_a_form_without_fields_to_fill() {
    let html = "<body onload='document.forms[0].submit()'><form method=post action='http://rp.test/callback'>\
                <input type=hidden name=code value=C><input type=hidden name=state value=S>\
                <noscript><input type=submit name=x value=Continue></noscript></form>";
    let submission = try_submit(html, &FormChoice::Fitting, &[], None).unwrap();
    assert_eq!(
        (submission.url.as_str(), submission.body.as_slice()),
        ("http://rp.test/callback", &b"code=C&state=S"[..])
    );
    assert!(submission.entries.iter().all(|entry| entry.hidden));
}

#[test]
fn a_form_that_fits_is_recognised() {
    let page = page("http://a.test/", "text/html", "<form><input name=u><input name=p></form>");
    let reading = Reading::new(&page);
    assert!(fits(&reading, &FormChoice::Fitting, &["u", "p"]));
    assert!(!fits(&reading, &FormChoice::Fitting, &["u", "x"]));
    assert!(!fits(&reading, &FormChoice::Css("#x".to_owned()), &["u"]));
}
