//! A real S3-compatible server on loopback, and a gate before it that can be shut.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doorstep::model::StoreLocation;
use doorstep::store::Store;
use tokio::net::{TcpListener, TcpStream};

const ACCESS_KEY: &str = "doorstep-test";
const SECRET_KEY: &str = "doorstep-test-secret";

/// A running server with one empty bucket.
pub(super) struct Server {
    process: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Server {
    /// Starts the program that `DOORSTEP_TEST_S3` names. `None` when it names none, which a test must say.
    pub(super) fn start() -> Option<Self> {
        let program = std::env::var_os("DOORSTEP_TEST_S3")?;
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("runs")).unwrap();
        let mut process = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
            .arg(data.path())
            .env("RUST_LOG", "s3s_fs=info")
            .stdout(Stdio::piped())
            .spawn()
            .expect("DOORSTEP_TEST_S3 is the path of the s3s-fs program");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the server ended before it said where it listens");
            if let Some((_, address)) = line.split_once("http://") {
                break address.trim().parse().unwrap();
            }
        };
        // Read on, so that the server never waits for a full pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Some(Self { process, address, _data: data })
    }

    /// The bucket, through the server's own port.
    pub(super) fn store(&self, prefix: &str) -> Store {
        bucket(self.address, prefix)
    }

    /// The bucket, through a gate that begins open.
    pub(super) async fn gated_store(&self, prefix: &str) -> (Store, Gate) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Gate { open: Arc::new(AtomicBool::new(true)) };
        let store = bucket(listener.local_addr().unwrap(), prefix);
        tokio::spawn(forward(listener, self.address, gate.clone()));
        (store, gate)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets connections pass, or breaks them.
#[derive(Clone)]
pub(super) struct Gate {
    open: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }
}

/// One connection per request and direction: a shut gate also stops connections that were open before.
async fn forward(listener: TcpListener, server: SocketAddr, gate: Gate) {
    while let Ok((mut client, _)) = listener.accept().await {
        let gate = gate.clone();
        tokio::spawn(async move {
            if !gate.open.load(Ordering::SeqCst) {
                return;
            }
            let Ok(mut upstream) = TcpStream::connect(server).await else { return };
            let shut = async {
                while gate.open.load(Ordering::SeqCst) {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => {}
                () = shut => {}
            }
        });
    }
}

fn bucket(address: SocketAddr, prefix: &str) -> Store {
    let location = StoreLocation::Bucket {
        bucket: "runs".to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(format!("http://{address}")),
        region: None,
    };
    let environment = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET_KEY.to_owned()),
    ]);
    Store::open_with(&location, &environment).unwrap()
}
