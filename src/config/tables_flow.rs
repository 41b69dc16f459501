//! The keys of a flow file.

use super::shape::{Key, Leaf, Object, Shape, key};

pub(super) static TEXT: Shape = Shape::Leaf(Leaf::Text);
pub(super) static NAME: Shape = Shape::Leaf(Leaf::Name);
pub(super) static NAMES: Shape = Shape::List(&NAME);
pub(super) static TEMPLATE: Shape = Shape::Leaf(Leaf::Template);
pub(super) static BOOLEAN: Shape = Shape::Leaf(Leaf::Boolean);
pub(super) static DURATION: Shape = Shape::Leaf(Leaf::Duration);
pub(super) static PATH: Shape = Shape::Leaf(Leaf::Path);
pub(super) static URL: Shape = Shape::Leaf(Leaf::Url);
pub(super) static SOCKET_ADDRESS: Shape = Shape::Leaf(Leaf::SocketAddress);
pub(super) static TEXT_MAP: Shape = Shape::Map(&TEXT);
static CSS: Shape = Shape::Leaf(Leaf::Css);
static REGEX: Shape = Shape::Leaf(Leaf::Regex);
static JSON_PATH: Shape = Shape::Leaf(Leaf::JsonPath);
static HEADER_NAME: Shape = Shape::Leaf(Leaf::HeaderName);
static TEMPLATE_MAP: Shape = Shape::Map(&TEMPLATE);
static JSON: Shape = Shape::Json;

const ABOUT_HEADERS: &str = "Extra request headers.";

/// A flow file.
pub(super) static FLOW: Object = Object {
    title: "a flow",
    keys: &[
        key("name", &NAME, "Unique name; the file's name without its ending unless set."),
        key("description", &TEXT, "What it is, for people.").default(""),
        key("interval", &DURATION, "One run is due in each interval.").default("60s"),
        key("timeout", &DURATION, "From the start of a run to its verdict.").default("30s"),
        key(
            "overlap",
            &OVERLAP,
            "How many runs may be under way at once at one vantage; what the timeout needs unless set.",
        ),
        key("account", &NAME, "The test account; see accounts."),
        key("accounts", &NAMES, "Test accounts of the main file, used in turn."),
        key("variables", &TEXT_MAP, "Plain variables for {{ name }}."),
        key("network", &NETWORK_SHAPE, "How the network is used.").default("{}"),
        key("limits", &RUN_LIMITS_SHAPE, "What one run may take.").default("{}"),
        key("steps", &STEPS, "What a user does, in order.").required(),
        key("signs", &SIGNS_SHAPE, "How the service says what went wrong."),
        key("negative", &NEGATIVE_SHAPE, "A login with a wrong password, which must be refused."),
    ],
    one_of: &[],
    stray: None,
};

static OVERLAP: Shape = Shape::Leaf(Leaf::Integer(1, 1000));
static STEPS: Shape = Shape::List(&STEP_SHAPE);
static STEP_SHAPE: Shape = Shape::Object(&STEP);
pub(super) static NETWORK_SHAPE: Shape = Shape::Object(&NETWORK);
static RUN_LIMITS_SHAPE: Shape = Shape::Object(&RUN_LIMITS);
static SIGNS_SHAPE: Shape = Shape::Object(&SIGNS);
static NEGATIVE_SHAPE: Shape = Shape::Object(&NEGATIVE);

pub(super) static NETWORK: Object = Object {
    title: "network",
    keys: &[
        key("family", &Shape::Word(&["any", "ipv4", "ipv6"]), "Which addresses are used.").default("any"),
        key("resolver", &SOCKET_ADDRESS, "A DNS server to ask instead of the system's resolver."),
        key("proxy", &URL, "An http:// proxy; https goes through CONNECT.").private(),
        key("no_proxy", &Shape::List(&TEXT), "Hosts that bypass the proxy: names, or .suffix."),
        key("certificate_authorities", &Shape::List(&PATH), "PEM files of authorities that are trusted as well."),
        key("only_these_authorities", &BOOLEAN, "Trust no authority of the system.").default("false"),
        key("client_certificate", &Shape::Object(&CLIENT_CERTIFICATE), "The certificate that the prober shows."),
        key("http1_only", &BOOLEAN, "Offer HTTP/1.1 only.").default("false"),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static CLIENT_CERTIFICATE: Object = Object {
    title: "a client certificate",
    keys: &[
        key("certificate", &PATH, "PEM file with the certificate and its chain.").required(),
        key("key", &PATH, "PEM file with the private key.").required(),
    ],
    one_of: &[],
    stray: None,
};

static BYTES: Shape = Shape::Leaf(Leaf::Integer(1024, 1024 * 1024 * 1024));

pub(super) static RUN_LIMITS: Object = Object {
    title: "limits of a run",
    keys: &[
        key("hops_per_step", &Shape::Leaf(Leaf::Integer(1, 1000)), "Exchanges of one step, redirects included.")
            .default("20"),
        key("cookies", &Shape::Leaf(Leaf::Integer(1, 100_000)), "Cookies that a session may hold.").default("300"),
        key("head_bytes", &BYTES, "Bytes of an answer's head.").default("65536"),
        key("body_bytes", &BYTES, "Bytes of an answer's body.").default("4194304"),
    ],
    one_of: &[],
    stray: None,
};

/// The actions of a step, which a logout may also hold.
const ACTIONS: &[&str] = &["open", "submit", "request"];

const OPEN_KEY: Key = key("open", &OPEN_SHAPE, "GET a page as a browser does, following redirects.");
const SUBMIT_KEY: Key = key("submit", &SUBMIT_SHAPE, "Fill and submit a form of the last page.");
const REQUEST_KEY: Key = key("request", &REQUEST_SHAPE, "Any request, as a script or an app does.");

static OPEN_SHAPE: Shape = Shape::Either(&TEMPLATE, &Shape::Object(&OPEN));
static SUBMIT_SHAPE: Shape = Shape::ObjectOrMap(&SUBMIT, &FIELD_VALUE);
static REQUEST_SHAPE: Shape = Shape::Object(&REQUEST);
static FIELD_VALUE: Shape = Shape::List(&TEMPLATE);

pub(super) static STEP: Object = Object {
    title: "a step",
    keys: &[
        key("name", &NAME, "Unique name in the flow; after the action unless set."),
        OPEN_KEY,
        SUBMIT_KEY,
        REQUEST_KEY,
        key("logout", &Shape::Object(&LOGOUT), "Log out, then prove that the old session is dead."),
        key("expect", &EXPECT_SHAPE, "What must hold of the final answer."),
        key("capture", &CAPTURES, "Variables for later steps, and where their values are."),
        key("timeout", &DURATION, "The step's own limit; the run's timeout unless set."),
    ],
    one_of: &["open", "submit", "request", "logout"],
    stray: None,
};

pub(super) static OPEN: Object = Object {
    title: "a page to open",
    keys: &[
        key("url", &TEMPLATE, "Absolute, or relative to the last page.").required(),
        key("headers", &TEMPLATE_MAP, ABOUT_HEADERS),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static SUBMIT: Object = Object {
    title: "a form to submit",
    keys: &[
        key("form", &CSS, "The form, by CSS selector."),
        key("holding", &TEXT, "The form, by the name of a field that it holds."),
        key("fill", &Shape::Map(&FIELD_VALUE), "Field names and what is typed or selected."),
        key("press", &Shape::Either(&TEXT, &Shape::Object(&BUTTON)), "The button, by its text; Enter unless set."),
        key("headers", &TEMPLATE_MAP, ABOUT_HEADERS),
    ],
    one_of: &[],
    stray: Some("fields stand under 'fill': fill: { username: .. }"),
};

pub(super) static BUTTON: Object = Object {
    title: "a button",
    keys: &[
        key("css", &CSS, "By CSS selector within the form."),
        key("name", &TEXT, "By its name."),
        key("value", &TEXT, "With a name: its value; the first of that name unless set."),
    ],
    one_of: &["css", "name"],
    stray: None,
};

pub(super) static REQUEST: Object = Object {
    title: "a request",
    keys: &[
        key("method", &Shape::Leaf(Leaf::Method), "GET without a body, POST with one, unless set."),
        key("url", &TEMPLATE, "Absolute, or relative to the last page.").required(),
        key("headers", &TEMPLATE_MAP, ABOUT_HEADERS),
        key("json", &JSON, "A JSON body; its texts may hold {{ name }}."),
        key("form", &Shape::Map(&FIELD_VALUE), "A form-encoded body."),
        key("text", &TEMPLATE, "A body under the Content-Type of the headers."),
        key("follow", &BOOLEAN, "Follow redirects.").default("true"),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static LOGOUT: Object = Object {
    title: "a logout",
    keys: &[
        OPEN_KEY,
        SUBMIT_KEY,
        REQUEST_KEY,
        key("do", &Shape::List(&Shape::Object(&LOGOUT_ACTION)), "Several actions, in order."),
        key(
            "proof",
            &Shape::Object(&PROOF),
            "Shows that the old session is dead; repeats the identity step unless set.",
        ),
    ],
    one_of: &["open", "submit", "request", "do"],
    stray: None,
};

pub(super) static LOGOUT_ACTION: Object =
    Object { title: "an action", keys: &[OPEN_KEY, SUBMIT_KEY, REQUEST_KEY], one_of: ACTIONS, stray: None };

pub(super) static PROOF: Object = Object {
    title: "a proof of logout",
    keys: &[OPEN_KEY, REQUEST_KEY, key("expect", &EXPECT_SHAPE, "What a dead session looks like.").required()],
    one_of: &["open", "request"],
    stray: None,
};

static EXPECT_SHAPE: Shape = Shape::Object(&EXPECT);

static MATCH_SHAPE: Shape = Shape::Either(&TEMPLATE, &Shape::Object(&MATCH));
static MATCH_MAP: Shape = Shape::Map(&MATCH_SHAPE);
static MATCHES: Shape = Shape::List(&MATCH_SHAPE);
static CSS_CHECKS: Shape = Shape::List(&Shape::Either(&CSS, &Shape::Object(&CSS_CHECK)));

pub(super) static MATCH: Object = Object {
    title: "a pattern to match",
    keys: &[key("matches", &REGEX, "A regular expression that matches somewhere.").required()],
    one_of: &[],
    stray: None,
};

pub(super) static CSS_CHECK: Object = Object {
    title: "an element",
    keys: &[key("select", &CSS, "CSS selector.").required(), key("text", &MATCH_SHAPE, "What its text must be like.")],
    one_of: &[],
    stray: None,
};

/// What must hold of an answer.
pub(super) static EXPECT: Object = Object {
    title: "an expectation",
    keys: &[
        key("status", &Shape::List(&Shape::Leaf(Leaf::Status)), "200, 2xx, or a list."),
        key("url", &MATCH_SHAPE, "The final URL: absolute, or its path."),
        key("text", &MATCHES, "Texts on the page."),
        key("no_text", &MATCHES, "Texts that must not be on the page."),
        key("css", &CSS_CHECKS, "Elements on the page."),
        key("no_css", &Shape::List(&CSS), "Elements that must not be on the page."),
        key(
            "json",
            &Shape::Either(&JSON_PATH, &Shape::Map(&JSON)),
            "JSON paths and their values; one path: it is there.",
        ),
        key("header", &Shape::Either(&HEADER_NAME, &MATCH_MAP), "Headers and their values; one name: it is there."),
        key("cookie", &Shape::List(&TEXT), "Cookies that the session holds."),
        key("no_cookie", &Shape::List(&TEXT), "Cookies that the session must not hold."),
        key("user", &Shape::Either(&TEMPLATE, &Shape::Object(&USER)), "Who is logged in: the proof of a good login."),
    ],
    one_of: &[],
    stray: None,
};

const CSS_SOURCE: Key = key("css", &CSS, "An element's text, or its attribute.");
const ATTRIBUTE: Key = key("attribute", &TEXT, "With css: the attribute.");
const REGEX_SOURCE: Key = key("regex", &REGEX, "The first group, or the whole match, in the body.");
const JSON_SOURCE: Key = key("json", &JSON_PATH, "A JSON path.");
const HEADER_SOURCE: Key = key("header", &HEADER_NAME, "A header.");
const COOKIE_SOURCE: Key = key("cookie", &TEXT, "A cookie's value.");
const URL_SOURCE: Key = key("url", &TEXT, "A part of the final URL: host, path, fragment or query.NAME.");

/// Who is logged in.
pub(super) static USER: Object = Object {
    title: "an identity",
    keys: &[
        key("matches", &REGEX, "A regular expression that the page's text matches."),
        CSS_SOURCE,
        ATTRIBUTE,
        REGEX_SOURCE,
        JSON_SOURCE,
        HEADER_SOURCE,
        COOKIE_SOURCE,
        URL_SOURCE,
        key("is", &TEMPLATE, "Who it must be.").default("{{ username }}"),
    ],
    one_of: &["matches", "css", "regex", "json", "header", "cookie", "url"],
    stray: None,
};

static CAPTURES: Shape = Shape::Map(&Shape::Object(&CAPTURE));

/// Where a captured value is.
pub(super) static CAPTURE: Object = Object {
    title: "a capture",
    keys: &[
        CSS_SOURCE,
        ATTRIBUTE,
        REGEX_SOURCE,
        JSON_SOURCE,
        HEADER_SOURCE,
        COOKIE_SOURCE,
        URL_SOURCE,
        key("secret", &BOOLEAN, "Hidden in all evidence.").default("true"),
    ],
    one_of: &["css", "regex", "json", "header", "cookie", "url"],
    stray: None,
};

static SIGN: Shape = Shape::List(&EXPECT_SHAPE);

/// How the service says what went wrong; in a list, each item is a sign of its own.
pub(super) static SIGNS: Object = Object {
    title: "signs",
    keys: &[
        key("refused", &SIGN, "The credential was refused."),
        key("second_factor_refused", &SIGN, "The second factor was refused."),
        key("throttled", &SIGN, "Too many requests."),
        key("challenge", &SIGN, "A CAPTCHA or firewall page."),
        key("account_locked", &SIGN, "The test account is locked."),
        key("account_unusable", &SIGN, "The test account cannot be used."),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static NEGATIVE: Object = Object {
    title: "a negative login",
    keys: &[
        key("password", &TEMPLATE, "The wrong password.").default("Doorstep-wrong-0000!").private(),
        key("accounts", &NAMES, "The accounts used, in turn; the flow's own unless set."),
        key("interval", &DURATION, "One attempt is due in each interval.").default("30m"),
        key("per_hour", &Shape::Leaf(Leaf::Integer(1, 60)), "Most wrong attempts per account and hour.").default("2"),
    ],
    one_of: &[],
    stray: None,
};
