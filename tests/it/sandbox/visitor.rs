//! A visitor who speaks HTTP/1.1 over a plain socket, one connection per request, and keeps cookies. It follows no
//! redirects and hides nothing: a reset is a reset.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use doorstep::sandbox::{Options, Sandbox, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

pub(super) const PASSWORD: &str = "probe-Passw0rd!";

/// Nothing in these tests takes longer unless the service hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn sandbox(script: &str) -> Sandbox {
    let script = Script::parse(script).expect("a good script");
    Sandbox::start(script, Options::default()).await.expect("a sandbox on a free port")
}

/// Waits until the condition holds.
pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

pub(super) struct Visitor {
    address: SocketAddr,
    from: Option<IpAddr>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
    /// From the end of the request to the first byte, and from there to the end.
    pub(super) wait: Duration,
    pub(super) receive: Duration,
    /// How the connection ended after what was received.
    pub(super) end: Result<(), io::ErrorKind>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The value of the hidden field `csrf` in the form with this id.
    pub(super) fn token(&self, form: &str) -> String {
        let form = self.body.split(&format!("id=\"{form}\"")).nth(1).unwrap_or_else(|| panic!("no {form} in {self:?}"));
        let value = form.split("name=\"csrf\" value=\"").nth(1).expect("a token");
        value.split('"').next().expect("a value").to_owned()
    }
}

impl Visitor {
    pub(super) fn new(sandbox: &Sandbox) -> Self {
        Self { address: sandbox.address(), from: None, headers: BTreeMap::new(), cookies: BTreeMap::new() }
    }

    /// One that comes from this address of the loopback network.
    pub(super) fn from(sandbox: &Sandbox, address: Ipv4Addr) -> Self {
        Self { from: Some(address.into()), ..Self::new(sandbox) }
    }

    pub(super) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, "", "").await
    }

    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask("POST", path, "application/x-www-form-urlencoded", &body).await
    }

    pub(super) async fn post_json(&mut self, path: &str, document: &serde_json::Value) -> io::Result<Answer> {
        self.ask("POST", path, "application/json", &document.to_string()).await
    }

    async fn ask(&mut self, method: &str, path: &str, kind: &str, body: &str) -> io::Result<Answer> {
        let exchange = self.exchange(method, path, kind, body);
        let answer = timeout(PATIENCE, exchange).await.map_err(|_| io::ErrorKind::TimedOut)??;
        for line in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, rest) = line.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    async fn exchange(&self, method: &str, path: &str, kind: &str, body: &str) -> io::Result<Answer> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let mut stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in &self.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !cookies.is_empty() {
            request.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        }
        if !kind.is_empty() {
            request.push_str(&format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).await?;
        let sent = Instant::now();
        let mut bytes = Vec::new();
        let mut first = None;
        let end = loop {
            match stream.read_buf(&mut bytes).await {
                Ok(0) => break Ok(()),
                Ok(_) => first = first.or(Some(sent.elapsed())),
                Err(error) => break Err(error.kind()),
            }
        };
        let wait = match (first, end) {
            (Some(first), _) => first,
            (None, Ok(())) => return Err(io::ErrorKind::UnexpectedEof.into()),
            (None, Err(kind)) => return Err(kind.into()),
        };
        let receive = sent.elapsed() - wait;
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let (head, body) = (head.replace("\r\n", "\n"), body.to_owned());
        Ok(Answer { status, head, body, wait, receive, end })
    }

    /// Opens the form page and submits the form; the answer is that of the submission.
    pub(super) async fn form_login(&mut self, user: &str, password: &str) -> io::Result<Answer> {
        let page = self.get("/form/login").await?;
        assert_eq!(page.status, 200, "{page:?}");
        let token = page.token("login");
        let fields = [("csrf", token.as_str()), ("username", user), ("password", password), ("action", "sign-in")];
        self.post("/form/login", &fields).await
    }

    pub(super) async fn two_page_login(&mut self, user: &str, password: &str) -> io::Result<Answer> {
        let first = self.get("/two/login").await?;
        let named = self.post("/two/login", &[("csrf", &first.token("name")), ("username", user)]).await?;
        assert_eq!((named.status, named.header("location")), (303, Some("/two/password")), "{named:?}");
        let second = self.get("/two/password").await?;
        self.post("/two/password", &[("csrf", &second.token("password")), ("password", password)]).await
    }

    pub(super) async fn json_login(&mut self, user: &str, password: &str) -> io::Result<Answer> {
        self.post_json("/api/login", &serde_json::json!({"username": user, "password": password})).await
    }

    /// Shows the token of this answer from now on.
    pub(super) fn bear(&mut self, login: &Answer) {
        let token = login.json()["token"].as_str().expect("a token").to_owned();
        self.headers.insert("authorization".into(), format!("Bearer {token}"));
    }

    /// Who the account page says is signed in.
    pub(super) async fn who(&mut self) -> Option<String> {
        let page = self.get("/account").await.expect("an account page");
        let name = page.body.split("Signed in as <strong id=\"user\">").nth(1)?.split('<').next()?;
        Some(name.to_owned())
    }
}
