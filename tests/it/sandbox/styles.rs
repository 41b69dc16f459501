//! Each style of a healthy service: in, refused, out.

use serde_json::json;

use super::visitor::{PASSWORD, Visitor, sandbox};

#[tokio::test]
async fn the_form_lets_in_refuses_and_logs_out() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    let page = visitor.get("/form/login").await.expect("a page");
    assert!(page.body.contains("<form id=\"search\""), "a second, unrelated form: {page:?}");

    let refused = visitor.form_login("probe", "wrong").await.expect("an answer");
    assert_eq!(refused.status, 200);
    assert!(refused.body.contains("Wrong user name or password."), "{refused:?}");
    assert_eq!(visitor.who().await, None);

    let granted = visitor.form_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!((granted.status, granted.header("location")), (303, Some("/account")));
    assert_eq!(visitor.who().await.as_deref(), Some("probe"));

    let session = visitor.cookies.clone();
    let token = visitor.get("/account").await.expect("a page").token("logout");
    let out = visitor.post("/logout", &[("csrf", &token)]).await.expect("an answer");
    assert_eq!((out.status, out.header("location")), (303, Some("/")));
    assert!(!visitor.cookies.contains_key("session"));
    visitor.cookies = session;
    assert_eq!(visitor.who().await, None, "the session is dead on the server");
}

#[tokio::test]
async fn the_form_asks_for_the_token_of_its_cookie() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    let mut other = Visitor::new(&sandbox);
    let token = other.get("/form/login").await.expect("a page").token("login");
    visitor.get("/form/login").await.expect("a page");
    let fields = [("csrf", token.as_str()), ("username", "probe"), ("password", PASSWORD)];
    assert_eq!(visitor.post("/form/login", &fields).await.expect("an answer").status, 403);
    assert_eq!(visitor.post("/form/login", &fields[1..]).await.expect("an answer").status, 403);
    visitor.cookies.clear();
    assert_eq!(visitor.post("/form/login", &fields).await.expect("an answer").status, 403);
    assert_eq!(other.post("/form/login", &fields).await.expect("an answer").status, 303);
    assert_eq!(sandbox.truth().len(), 1, "a submission without its token is no login");
}

#[tokio::test]
async fn two_pages_let_in_and_refuse() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    assert_eq!(visitor.get("/two/password").await.expect("an answer").header("location"), Some("/two/login"));
    let refused = visitor.two_page_login("probe-2", "wrong").await.expect("an answer");
    assert!(refused.status == 200 && refused.body.contains("Wrong user name or password."), "{refused:?}");
    let unknown = visitor.two_page_login("nobody", PASSWORD).await.expect("an answer");
    assert!(unknown.status == 200 && unknown.body.contains("Wrong user name or password."), "{unknown:?}");
    let granted = visitor.two_page_login("probe-2", PASSWORD).await.expect("an answer");
    assert_eq!(granted.status, 303);
    assert_eq!(visitor.who().await.as_deref(), Some("probe-2"));
}

#[tokio::test]
async fn the_api_lets_in_refuses_and_logs_out() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    let refused = visitor.json_login("probe", "wrong").await.expect("an answer");
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("invalid_credentials")));
    assert_eq!(visitor.get("/api/me").await.expect("an answer").status, 401);

    let granted = visitor.json_login("probe", PASSWORD).await.expect("an answer");
    assert_eq!(granted.status, 200);
    visitor.bear(&granted);
    assert_eq!(visitor.get("/api/me").await.expect("an answer").json(), json!({"username": "probe"}));
    assert_eq!(visitor.post_json("/api/logout", &json!({})).await.expect("an answer").status, 200);
    assert_eq!(visitor.get("/api/me").await.expect("an answer").status, 401);
    assert_eq!(visitor.post_json("/api/login", &json!({"user": 1})).await.expect("an answer").status, 400);
}

#[tokio::test]
async fn a_locked_account_says_so() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    let form = visitor.form_login("locked", PASSWORD).await.expect("an answer");
    assert!(form.status == 200 && form.body.contains("This account is locked."), "{form:?}");
    let api = visitor.json_login("locked", PASSWORD).await.expect("an answer");
    assert_eq!((api.status, &api.json()["error"]), (403, &json!("account_locked")));
    let wrong = visitor.json_login("locked", "wrong").await.expect("an answer");
    assert_eq!(wrong.status, 401, "only the right password learns of the lock");
}

#[tokio::test]
async fn users_come_from_the_script() {
    let sandbox = sandbox("users: [{name: ada, password: s3cret}, {name: bob, password: x, locked: true}]").await;
    let mut visitor = Visitor::new(&sandbox);
    assert_eq!(visitor.json_login("ada", "s3cret").await.expect("an answer").status, 200);
    assert_eq!(visitor.json_login("bob", "x").await.expect("an answer").status, 403);
    assert_eq!(visitor.json_login("probe", PASSWORD).await.expect("an answer").status, 401);
}

#[tokio::test]
async fn other_paths_answer() {
    let sandbox = sandbox("").await;
    let mut visitor = Visitor::new(&sandbox);
    let health = visitor.get("/health").await.expect("an answer");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    assert_eq!(visitor.get("/nowhere").await.expect("an answer").status, 404);
    assert_eq!(visitor.get("/api/login").await.expect("an answer").status, 405);
    let large = "x".repeat(100_000);
    visitor.get("/form/login").await.expect("a page");
    assert!(visitor.post("/form/login", &[("csrf", &large)]).await.is_err(), "an endless body is not read");
}
