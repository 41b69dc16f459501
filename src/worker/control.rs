//! The control target: when a run could not even connect, a second address that has nothing to do with the service says
//! whether our own network works. Nothing here is measured.

use crate::model::chain;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Many flows fail together; the control target is asked once for all of them.
const FRESH: Duration = Duration::from_secs(5);

/// Asks the control target.
#[derive(Debug)]
pub struct Control {
    client: reqwest::Client,
    url: Url,
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Control {
    /// A control target.
    ///
    /// # Errors
    /// The whole chain of causes when no client can be built.
    pub fn new(url: Url) -> Result<Self, String> {
        // Somebody else in the process may have chosen the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { client, url, last: Mutex::new(None) })
    }

    /// Whether the control target answers, with any status; else why not.
    ///
    /// # Errors
    /// The whole chain of causes, with the address that was tried.
    pub async fn answers(&self) -> Result<(), String> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((when, outcome)) = &*last
            && (*when >= asked || asked.duration_since(*when) < FRESH)
        {
            return outcome.clone();
        }
        let answer = self.client.get(self.url.clone()).send().await;
        let outcome = answer.map(drop).map_err(|error| format!("{}: {}", self.url, chain(&error.without_url())));
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn any_answer_will_do_and_silence_will_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 503 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
            read
        });
        let control = Control::new(url.clone()).unwrap();
        assert_eq!(control.answers().await, Ok(()));
        assert!(served.await.unwrap() > 0);
        assert_eq!(control.answers().await, Ok(()), "a fresh answer serves twice, although nobody listens any more");
        let refused = Control::new(url).unwrap().answers().await.unwrap_err();
        assert!(refused.contains("127.0.0.1") && refused.contains("refused"), "{refused}");
    }
}
