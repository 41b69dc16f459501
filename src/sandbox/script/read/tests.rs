//! Bad scripts and what is said about them; good ones and what they mean.

use super::super::Style;
use super::*;
use crate::script::Mistake;

fn mistakes(text: &str) -> Vec<String> {
    Script::parse(text).expect_err("a bad script").mistakes.iter().map(Mistake::to_string).collect()
}

/// Each bad script with exactly what is said about it.
#[test]
fn bad_scripts_are_refused_with_place_and_reason() {
    let table: &[(&str, &[&str])] = &[
        (
            "rules:\n  - fault: reset\n    form: 20s\n",
            &[
                "line 3, column 5: unknown field `form`, expected one of from, to, match, share, exactly, first, fault; \
               did you mean `from`?",
            ],
        ),
        (
            "rules:\n  - match: {action: logn}\n    fault: reset\n",
            &["line 2, column 21: unknown variant `logn`, expected one of any, page, login, session, logout, other; \
               did you mean `login`?"],
        ),
        ("rules:\n  - from: 20s\n", &["line 2, column 5: missing field `fault`"]),
        ("rules: 3\n", &["line 1, column 8: expected a list"]),
        ("users:\n  - name: a\n    password: [hunter2]\n", &["line 3, column 15: expected a text"]),
        (
            "users: []\n",
            &["line 1, column 8: users is empty; name at least one user, or leave users out for the standard ones"],
        ),
        (
            "users:\n- {name: a, password: x}\n- {name: a, password: y}\n- {name: '', password: z}\n",
            &["line 3, column 10: there is another user \"a\"", "line 4, column 10: the user name is empty"],
        ),
        (
            "rules:\n  - fault: {status: {code: 200}}\n",
            &["line 2, column 28: 200 is no error status; write one from 400 to 599"],
        ),
        (
            "rules: [{exactly: 5 of 4, fault: reset}]\n",
            &["line 1, column 19: 5 of 4 cannot be; write a part of at least 1"],
        ),
        (
            "rules: [{exactly: 37/1000, fault: reset}]\n",
            &["line 1, column 19: \"37/1000\" is no part; write `exactly: 37 of 1000`"],
        ),
        (
            "rules: [{exactly: 1 of 2, share: 0.5, fault: reset}]\n",
            &["line 1, column 9: a rule has one of `share`, `exactly` and `first`"],
        ),
        (
            "rules: [{first: 0, fault: reset}]\n",
            &["line 1, column 17: the first 0 are none; write at least 1, or leave the rule out"],
        ),
        ("rules: [{fault: {slow: {}}}]\n", &["line 1, column 9: slow delays nothing; set tls, wait or receive"]),
        (
            "rules: [{match: {style: form}, fault: reset_on_accept}]\n",
            &["line 1, column 9: reset_on_accept strikes before a request is read, so it can be matched by client \
               alone; put delays of other phases into a rule of their own"],
        ),
        (
            "rules: [{share: 0.5, fault: refuse}]\n",
            &["line 1, column 9: refuse closes the listener for everybody; to refuse a part of the connections use \
             reset_on_accept"],
        ),
        (
            "rules: [{fault: {slow: {tls: 1s, wait: 1s}}}]\n",
            &["line 1, column 9: tls is drawn by connection, wait and receive by login; write two rules"],
        ),
        (
            "rules: [{fault: {wrong_redirect: ''}}]\n",
            &["line 1, column 34: this cannot be a Location; write a URL or a path"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(mistakes(text), *expected, "of {text}");
    }
}

#[test]
fn all_mistakes_of_the_rules_come_at_once() {
    let text = "
rules:
  - match: {action: page, client: a, path: x, header: {name: 'a b', value: x}}
    share: 2
    from: 3
    fault: lost_session
  - {from: 1s, to: 1s, fault: {hang: 3x}}
";
    assert_eq!(
        mistakes(text),
        [
            "line 3, column 21: lost_session cannot show at this action; leave the action out",
            "line 3, column 35: \"a\" is no address; write one such as 127.0.0.2",
            "line 3, column 44: \"x\" is no path; it begins with a slash",
            "line 3, column 62: \"a b\" is no name of a header",
            "line 4, column 12: 2 is no share; write a number from 0 to 1, such as 0.8",
            "line 5, column 11: \"3\" is no duration; write one such as 200ms, 20s or 1m 30s",
            "line 7, column 20: the rule ends before it begins; `to` must be later than `from`",
            "line 7, column 38: \"3x\" is no duration; write one such as 200ms, 20s or 1m 30s",
        ]
    );
}

#[test]
fn a_password_is_not_repeated_in_a_message() {
    for text in ["users:\n- {name: a, password: hunter2, lokced: true}\n", "users:\n- {name: a, password: [hunter2]}\n"]
    {
        let said = mistakes(text).join("\n");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_empty_script_is_the_healthy_one() {
    for text in ["", "# nothing fails\n", "rules: []\n", "seed: 1\n"] {
        let script = Script::parse(text).expect("a good script");
        assert_eq!((script.seed, script.rules.len(), script.users.len()), (1, 0, 10), "of {text:?}");
    }
}

#[test]
fn every_fault_can_be_written() {
    let script = Script::parse(
        "rules:
- {fault: refuse}
- {match: {client: 127.0.0.2}, fault: reset_on_accept}
- {fault: {status: {code: 503, retry_after: 10s}}}
- {fault: {hang: 30s}}
- {fault: {hang: forever}}
- {fault: {slow: {wait: 200ms, receive: 1s}}}
- {fault: {slow: {tls: 50ms}}}
- {fault: reset}
- {fault: {wrong_redirect: /elsewhere}}
- {fault: redirect_loop}
- {fault: lost_session}
- {fault: page_changed}
- {fault: accept_any_password}
- {fault: wrong_identity}
- {fault: logout_ineffective}
- {fault: challenge}
- {from: 20s, to: 1m 30s, match: {action: login, style: two_page, credentials: right}, fault: lock_account}
",
    )
    .expect("a good script");
    let faults: Vec<&Fault> = script.rules.iter().map(|rule| &rule.fault).collect();
    assert_eq!(*faults[2], Fault::Status { code: 503, retry_after: Some(Duration::from_secs(10)) });
    assert_eq!(*faults[3], Fault::Hang(Hold::For(Duration::from_secs(30))));
    assert_eq!(*faults[4], Fault::Hang(Hold::Forever));
    assert_eq!(faults.len(), 17);
    let last = &script.rules[16];
    assert_eq!((last.from, last.to), (Duration::from_secs(20), Some(Duration::from_secs(90))));
    assert_eq!((last.scope.action, last.scope.style), (Some(Action::Login), Some(Style::TwoPage)));
}
