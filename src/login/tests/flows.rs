//! Flows for the scripted service.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{
    AccountName, Action, Body, Capture, Expectation, Field, Flow, FlowName, FormChoice, Identity, JsonTemplate, Logout,
    LogoutProof, Negative, Network, PageRequest, Revision, RunLimits, Sign, SignMeaning, Source, StatusSet, Step,
    StepName, Submit, Template, TextMatch,
};

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn plain(text: &str) -> TextMatch {
    TextMatch::Plain(template(text))
}

fn open(url: &str) -> Action {
    Action::Open(PageRequest { url: template(url), headers: Vec::new() })
}

fn step(name: &str, action: Action, expectations: Vec<Expectation>) -> Step {
    Step { name: StepName::new(name).unwrap(), action, expectations, captures: Vec::new(), timeout: None }
}

fn text(text: &str) -> Expectation {
    Expectation::Text { text: plain(text), present: true }
}

fn account() -> AccountName {
    AccountName::new("tester").unwrap()
}

fn flow(steps: Vec<Step>, signs: Vec<Sign>, wrong: &str, timeout: Duration) -> Flow {
    Flow {
        name: FlowName::new("shop").unwrap(),
        description: String::new(),
        revision: Revision::of(b"shop"),
        interval: Duration::from_secs(60),
        limits: RunLimits { timeout, ..RunLimits::default() },
        network: Network::default(),
        variables: BTreeMap::new(),
        accounts: vec![account()],
        steps,
        signs,
        negative: Some(Negative {
            password: template(wrong),
            accounts: vec![account()],
            interval: Duration::from_secs(3600),
            per_hour: 3,
        }),
        overlap: 1,
    }
}

/// The form login of the scripted service.
pub(super) struct FormFlow {
    pub(super) timeout: Duration,
    pub(super) wrong: &'static str,
    /// The identity is a text of the page rather than an element's.
    pub(super) shown: bool,
    /// What the service's words of refusal mean.
    pub(super) sign: SignMeaning,
}

impl Default for FormFlow {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), wrong: "wrong-Passw0rd", shown: false, sign: SignMeaning::Refused }
    }
}

impl FormFlow {
    pub(super) fn flow(&self) -> Flow {
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: template(value) };
        let sign_in = Action::Submit(Submit {
            form: FormChoice::Fitting,
            fields: vec![field("user", "{{ username }}"), field("password", "{{ password }}")],
            button: None,
            headers: Vec::new(),
        });
        let leave = Action::Submit(Submit {
            form: FormChoice::Css("#logout".to_owned()),
            fields: Vec::new(),
            button: None,
            headers: Vec::new(),
        });
        let identity = if self.shown {
            Identity::Shown(plain("{{ username }}"))
        } else {
            let source = Source::Css { selector: "#user".to_owned(), attribute: None };
            Identity::Value { source, is: template("{{ username }}") }
        };
        let logout = Logout {
            actions: vec![open("/logout"), leave],
            expectations: vec![text("Good bye")],
            proof: LogoutProof::RepeatIdentity,
        };
        let steps = vec![
            step("open", open("http://shop.test/private"), Vec::new()),
            step("sign-in", sign_in, Vec::new()),
            step("who", open("/me"), vec![Expectation::Identity(identity)]),
            step("out", Action::Logout(Box::new(logout)), Vec::new()),
        ];
        let signs = vec![
            Sign { meaning: SignMeaning::AccountLocked, marks: vec![text("Account locked")] },
            Sign { meaning: self.sign, marks: vec![text("Wrong")] },
        ];
        flow(steps, signs, self.wrong, self.timeout)
    }
}

/// The token login of the scripted service.
pub(super) fn json_flow() -> Flow {
    let body =
        JsonTemplate::parse(&serde_json::json!({"user": "{{ username }}", "password": "{{ password }}"})).unwrap();
    let request = |method: &str, url: &str, headers: &[(&str, &str)], body: Body| Action::Request {
        method: method.to_owned(),
        page: PageRequest {
            url: template(url),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), template(value))).collect(),
        },
        body,
        follow: true,
    };
    let mut login = step("token", request("POST", "http://shop.test/api/login", &[], Body::Json(body)), Vec::new());
    let source = Source::Json("$.access_token".to_owned());
    login.captures.push(Capture { variable: "token".to_owned(), source, secret: true });
    let source = Source::Json("$.user".to_owned());
    let identity = Identity::Value { source, is: template("{{ username }}") };
    let headers = [("Authorization", "Bearer {{ token }}"), ("X-Session", "{{ token }}"), ("X-Plain", "plain")];
    let me = request("GET", "/api/me", &headers, Body::None);
    let refused = vec![
        Expectation::Status(StatusSet { ranges: vec![(401, 401)] }),
        Expectation::Json {
            path: "$.error".to_owned(),
            equals: Some(JsonTemplate::Text(Template::literal("mismatch"))),
        },
    ];
    let signs = vec![Sign { meaning: SignMeaning::Refused, marks: refused }];
    let steps = vec![login, step("me", me, vec![Expectation::Identity(identity)])];
    flow(steps, signs, "wrong-Passw0rd", Duration::from_secs(30))
}
