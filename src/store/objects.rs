//! The object store behind a [`Store`]: opening a folder or a bucket, and the few requests that are made of it.
//!
//! A folder is `object_store`'s local file system with its `fsync` option: file and directories are synced before a
//! put returns. A bucket is S3 or one that speaks the same: a put carries `If-None-Match: *`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};

use super::error::Error;
use super::segment::SparseFile;
use super::spool_files;
use crate::model::StoreLocation;

/// How long one request, and its retries, may take before the store counts as away.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const RETRIES: usize = 3;
/// The settings that name an endpoint; the first one wins.
const ENDPOINTS: [AmazonS3ConfigKey; 2] = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];

/// Where runs of all workers meet: a folder or a bucket. Clones share the connection.
#[derive(Clone)]
pub struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) location: String,
    /// The folder, where it is one.
    pub(super) folder: Option<PathBuf>,
    /// Spools of this machine that are read beside the store.
    pub(super) spools: Vec<PathBuf>,
    /// Requests until the store refuses every further one.
    #[cfg(test)]
    pub(super) requests_left: Arc<std::sync::atomic::AtomicU64>,
}

#[cfg(test)]
fn no_end_of_requests() -> Arc<std::sync::atomic::AtomicU64> {
    Arc::new(u64::MAX.into())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.location)
    }
}

/// What a put-if-absent did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Created,
    /// Something is there already, and was left as it is.
    Exists,
}

impl Store {
    /// Opens a store. A folder is created when it is absent. For a bucket, credentials, region and endpoint come from
    /// the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`,
    /// `AWS_ENDPOINT`, and the other names of the AWS tools) unless the location says otherwise; plain HTTP is for
    /// loopback endpoints only. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be created, [`Error::Open`] for settings that make no bucket.
    pub fn open(location: &StoreLocation) -> Result<Self, Error> {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::open_with(location, &std::env::vars_os().filter_map(text).collect())
    }

    /// Opens a store with these environment variables instead of the process's own.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(location: &StoreLocation, environment: &BTreeMap<String, String>) -> Result<Self, Error> {
        let name = location.to_string();
        let failed = |source| Error::Open { location: name.clone(), source: Arc::new(source) };
        let objects: Arc<dyn ObjectStore> = match location {
            StoreLocation::Folder(path) => {
                spool_files::create_folder(path)?;
                Arc::new(LocalFileSystem::new_with_prefix(path).map_err(failed)?.with_fsync(true))
            }
            StoreLocation::Bucket { bucket, prefix, endpoint, region } => {
                let (endpoint, region) = (endpoint.as_deref(), region.as_deref());
                let bucket = open_bucket(bucket, endpoint, region, environment).map_err(failed)?;
                if prefix.is_empty() { bucket } else { Arc::new(PrefixStore::new(bucket, prefix.as_str())) }
            }
        };
        Ok(Self {
            objects,
            location: name,
            folder: match location {
                StoreLocation::Folder(path) => Some(path.clone()),
                StoreLocation::Bucket { .. } => None,
            },
            spools: Vec::new(),
            #[cfg(test)]
            requests_left: no_end_of_requests(),
        })
    }

    /// A store that is gone with its last clone: for tests, and for trying things out.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            objects: Arc::new(InMemory::new()),
            location: "memory".to_owned(),
            folder: None,
            spools: Vec::new(),
            #[cfg(test)]
            requests_left: no_end_of_requests(),
        }
    }

    /// The same store, read together with what still lies in a spool of this machine, so that a report sees everything
    /// recorded. The spool may be in use. A folder that does not exist is an empty spool.
    #[must_use]
    pub fn with_spool(mut self, dir: &FilePath) -> Self {
        self.spools.push(dir.to_owned());
        self
    }

    /// The store's place, for people.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Writes an object unless its key is taken; returns when it is durable.
    pub(super) async fn put_if_absent(&self, key: &str, content: Bytes) -> Result<Put, Error> {
        self.request("write", key)?;
        match self.objects.put_opts(&Path::from(key), content.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(Put::Created),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::Exists),
            Err(error) => Err(self.failed("write", key, error)),
        }
    }

    /// Writes an object over whatever is there; returns when it is durable. For what can be made again only.
    pub(super) async fn put_over(&self, key: &str, content: Bytes) -> Result<(), Error> {
        self.request("write", key)?;
        let written = self.objects.put(&Path::from(key), content.into()).await;
        written.map(|_| ()).map_err(|error| self.failed("write", key, error))
    }

    /// Removes an object; one that is gone already is removed.
    pub(super) async fn remove(&self, key: &str) -> Result<(), Error> {
        self.request("remove", key)?;
        match self.objects.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", key, error)),
        }
    }

    /// Reads a whole object.
    pub(super) async fn get(&self, key: &str) -> Result<Bytes, Error> {
        self.request("read", key)?;
        let read = async { self.objects.get(&Path::from(key)).await?.bytes().await };
        read.await.map_err(|error| self.failed("read", key, error))
    }

    /// Adds parts of an object to `file`. Near ranges share a request.
    pub(super) async fn get_parts(
        &self,
        key: &str,
        ranges: &[std::ops::Range<u64>],
        file: &mut SparseFile,
    ) -> Result<(), Error> {
        if ranges.is_empty() {
            return Ok(());
        }
        self.request("read", key)?;
        let parts = self.objects.get_ranges(&Path::from(key), ranges).await;
        let parts = parts.map_err(|error| self.failed("read", key, error))?;
        for (range, content) in ranges.iter().zip(parts) {
            file.add(range.start, content);
        }
        Ok(())
    }

    /// The objects right in a folder, sorted by key.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<ObjectMeta>, Error> {
        self.request("list", folder)?;
        let listed = self.objects.list(Some(&Path::from(folder))).try_collect::<Vec<_>>().await;
        let mut objects = listed.map_err(|error| self.failed("list", folder, error))?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    /// The names of the folders right in a folder, sorted.
    pub(super) async fn list_folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let listed = self.objects.list_with_delimiter(Some(&Path::from(folder))).await;
        let listed = listed.map_err(|error| self.failed("list", folder, error))?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut names: Vec<String> = listed.common_prefixes.iter().filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Every request says so first, so that a test can stop the work before any of them.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "a test's store stops here")]
    fn request(&self, _action: &'static str, _key: &str) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(test)]
    fn request(&self, action: &'static str, key: &str) -> Result<(), Error> {
        use std::sync::atomic::Ordering;
        let stopped = self.requests_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let source = object_store::Error::Generic { store: "test", source: "stopped".into() };
        stopped.map(|_| ()).map_err(|_| self.failed(action, key, source))
    }

    pub(super) fn failed(&self, action: &'static str, key: &str, source: object_store::Error) -> Error {
        Error::Object { action, key: key.to_owned(), location: self.location.clone(), source: Arc::new(source) }
    }
}

fn open_bucket(
    bucket: &str,
    endpoint: Option<&str>,
    region: Option<&str>,
    environment: &BTreeMap<String, String>,
) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    // The HTTP client takes its TLS from the process; a second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: REQUEST_LIMIT, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(retry);
    for (name, value) in environment.iter().filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty()) {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
            && !(endpoint.is_some() && ENDPOINTS.contains(&key))
        {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let endpoint = ENDPOINTS.iter().find_map(|key| builder.get_config_value(key));
    let plain = endpoint.as_deref().is_some_and(is_plain_loopback);
    let client =
        ClientOptions::new().with_allow_http(plain).with_timeout(REQUEST_LIMIT).with_connect_timeout(CONNECT_LIMIT);
    Ok(Arc::new(builder.with_client_options(client).build()?))
}

/// Whether an endpoint is plain HTTP to this machine, where nobody can listen in.
fn is_plain_loopback(endpoint: &str) -> bool {
    let Ok(url) = url::Url::parse(endpoint) else { return false };
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "http" && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback() {
        for plain in ["http://127.0.0.1:9000", "http://localhost:9000/", "http://[::1]:80"] {
            assert!(is_plain_loopback(plain), "{plain}");
        }
        for other in ["http://example.org", "https://127.0.0.1", "http://localhost.example.org", "127.0.0.1:9000", ""] {
            assert!(!is_plain_loopback(other), "{other}");
        }
    }
}
