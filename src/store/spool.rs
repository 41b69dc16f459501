//! The spool: a run, or a sample of a database, is recorded when its journal record is on this machine's disk. One
//! thread writes; whoever appends while it waits for the disk shares its next sync. Knows no store.
//!
//! A spool folder holds `<sequence>.journal` files (format: `journal`), the counter `next`, and a `lock` that keeps a
//! second process out. A file is appended to by the process that created it only; after a restart a new one begins.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::error::Error;
use super::journal;
use super::key::Sequence;
use super::payload::Payload;
use super::spool_files::{self as files, SpoolFile};
use crate::clock::Clock;
use crate::model::Run;

/// A file is closed for appending at this size; it is read whole when it is shipped.
const FULL_FILE: u64 = 8 << 20;
/// Bytes written under one sync at most.
const FULL_BATCH: usize = 4 << 20;
/// Appends that may wait for the writer before `append` itself waits.
const QUEUE: usize = 1024;

/// The local journal of runs, or of samples. Clones share it; it is closed when the last one is dropped.
#[derive(Clone)]
pub struct Spool<T = Run> {
    shared: Arc<Shared>,
    keeps: PhantomData<fn(T)>,
}

struct Shared {
    dir: PathBuf,
    /// Taken on drop, which ends the writer.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

enum Request {
    Append {
        record: Vec<u8>,
        done: oneshot::Sender<Result<(), Error>>,
    },
    /// Closes the file in use when its first record is older than this, and tells from which number on files may still
    /// be appended to.
    Seal {
        older_than: Duration,
        open_from: oneshot::Sender<u64>,
    },
}

/// What was found when a spool was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Files that earlier processes left unshipped.
    pub files: usize,
    /// Good records in them: runs or samples.
    pub records: usize,
    /// Bytes after the last good record of a file, torn off by a crash. No such record was ever acknowledged.
    pub torn_bytes: usize,
    /// Bytes between good records, damaged by the disk. The files are kept beside the spool after shipping.
    pub damaged_bytes: usize,
    /// Files without a single record, removed.
    pub empty_files: usize,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, records, torn_bytes, damaged_bytes, empty_files } = self;
        write!(
            f,
            "recovered {records} records in {files} spool files; dropped {torn_bytes} torn bytes, skipped {damaged_bytes} \
             damaged bytes, removed {empty_files} empty files"
        )
    }
}

impl<T: Payload> Spool<T> {
    /// Opens the spool in `dir`, which has a folder for each kind of record ([`Payload::folder`]), creating the folder
    /// when it is absent, and counts what earlier processes left there. The clock stamps files for people; nothing is
    /// decided by it.
    ///
    /// # Errors
    /// [`Error::SpoolInUse`] when another process holds it, [`Error::Newer`] for files of a later version, and
    /// [`Error::File`] for anything else.
    pub fn open(dir: &Path, clock: &Clock) -> Result<(Self, Recovery), Error> {
        let dir = &T::folder(dir);
        files::create_folder(dir)?;
        let lock = lock(dir, clock)?;
        let (recovery, last) = recover(dir)?;
        let next = files::read_counter(dir).max(last.map_or(0, |number| number.saturating_add(1)));
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let writer = Writer { dir: dir.to_owned(), session: high ^ low, next, active: None, _lock: lock };
        let (requests, received) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.serve(received))
            .map_err(Error::file("start the writer of", dir))?;
        let shared = Shared { dir: dir.to_owned(), requests: Some(requests), writer: Some(thread) };
        Ok((Self { shared: Arc::new(shared), keeps: PhantomData }, recovery))
    }

    /// Records a run or a sample: returns when its record, and the file's name, are on disk. Many callers share one sync.
    /// After an error it counts as not recorded; it may be found later all the same, which does no harm.
    ///
    /// # Errors
    /// [`Error::File`] when the disk refuses ([`Error::is_disk_full`] tells the usual reason; the spool stays usable),
    /// [`Error::TooLarge`].
    pub async fn append(&self, item: &T) -> Result<(), Error> {
        let payload = item.encode().map_err(|source| Error::Encode { source: Arc::new(source) })?;
        let mut record = Vec::with_capacity(payload.len() + 16);
        if !journal::push_record(&mut record, &payload) {
            return Err(Error::TooLarge { what: T::NAME, bytes: payload.len(), limit: journal::MAX_PAYLOAD });
        }
        let (done, acknowledged) = oneshot::channel();
        self.request(Request::Append { record, done }).await?;
        acknowledged.await.map_err(|_| self.closed())?
    }

    /// The folder of its files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The files that are not appended to any more, in order, after closing the one in use if its first record is older
    /// than `older_than`.
    pub(super) async fn sealed(&self, older_than: Duration) -> Result<Vec<SpoolFile>, Error> {
        let (open_from, answer) = oneshot::channel();
        self.request(Request::Seal { older_than, open_from }).await?;
        let open_from = answer.await.map_err(|_| self.closed())?;
        let mut files = files::list(self.dir())?;
        files.retain(|file| file.sequence.number < open_from);
        Ok(files)
    }

    async fn request(&self, request: Request) -> Result<(), Error> {
        let Some(requests) = &self.shared.requests else { return Err(self.closed()) };
        requests.send(request).await.map_err(|_| self.closed())
    }

    fn closed(&self) -> Error {
        Error::SpoolClosed { path: self.shared.dir.clone() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has failed its callers already; there is nobody left to tell.
            let _ = writer.join();
        }
    }
}

fn lock(dir: &Path, clock: &Clock) -> Result<File, Error> {
    let path = dir.join("lock");
    let mut lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(Error::file("open", &path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::SpoolInUse { path: dir.to_owned() }),
        Err(TryLockError::Error(error)) => return Err(Error::file("lock", &path)(error)),
    }
    // For people only: a full disk must not keep a worker from starting and shipping what it has.
    let _ = lock.set_len(0).and_then(|()| writeln!(lock, "held by {} since {}", std::process::id(), clock.now()));
    Ok(lock)
}

/// Counts what is there, removes files without records, and finds the highest number in use.
fn recover(dir: &Path) -> Result<(Recovery, Option<u64>), Error> {
    let mut recovery = Recovery::default();
    let all = files::list(dir)?;
    for file in &all {
        let count = files::count(file)?;
        recovery.torn_bytes += count.torn;
        recovery.damaged_bytes += count.damaged;
        if count.records == 0 {
            files::remove(file)?;
            recovery.empty_files += 1;
        } else {
            recovery.files += 1;
            recovery.records += count.records;
        }
    }
    Ok((recovery, all.iter().map(|file| file.sequence.number).max()))
}

/// The thread that owns the file in use.
struct Writer {
    dir: PathBuf,
    session: u64,
    next: u64,
    active: Option<Active>,
    _lock: File,
}

struct Active {
    file: File,
    name: SpoolFile,
    /// Bytes up to the end of the last record that is known to be on disk; 0 before the first one.
    durable: u64,
    since: Instant,
}

impl Writer {
    fn serve(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut next = Some(first);
            let mut batch = Batch::default();
            while let Some(request) = next.take() {
                match request {
                    Request::Append { record, done } => batch.push(&record, done),
                    Request::Seal { older_than, open_from } => {
                        self.commit(std::mem::take(&mut batch));
                        // A caller that has gone away needs no answer.
                        let _ = open_from.send(self.seal(older_than));
                    }
                }
                if batch.bytes.len() < FULL_BATCH {
                    next = requests.try_recv().ok();
                }
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Batch) {
        if batch.waiting.is_empty() {
            return;
        }
        let outcome = self.write(&batch.bytes);
        for done in batch.waiting {
            // A caller that has gone away needs no answer.
            let _ = done.send(outcome.clone());
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.active.as_ref().is_some_and(|active| active.durable >= FULL_FILE) {
            self.active = None;
        }
        let active = match self.active.take() {
            Some(active) => active,
            None => self.create()?,
        };
        self.active = Some(active.append(bytes)?);
        Ok(())
    }

    /// Begins a new file. Its number is stored before it is used.
    fn create(&mut self) -> Result<Active, Error> {
        let name = SpoolFile::new(&self.dir, Sequence { number: self.next, session: self.session });
        files::write_counter(&self.dir, self.next.saturating_add(1))?;
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&name.path)
            .map_err(Error::file("create", &name.path))?;
        self.next = self.next.saturating_add(1);
        let active = Active { file, name, durable: 0, since: Instant::now() };
        match files::sync_folder(&self.dir) {
            Ok(()) => Ok(active),
            Err(error) => {
                active.give_up();
                Err(error)
            }
        }
    }

    fn seal(&mut self, older_than: Duration) -> u64 {
        if self.active.as_ref().is_some_and(|active| active.since.elapsed() >= older_than) {
            self.active = None;
        }
        self.active.as_ref().map_or(self.next, |active| active.name.sequence.number)
    }
}

impl Active {
    /// Appends whole records and returns the file for more. After an error the file ends at its last durable record, or
    /// is never appended to again.
    fn append(mut self, bytes: &[u8]) -> Result<Self, Error> {
        let header = if self.durable == 0 { journal::header() } else { Vec::new() };
        let written = self.file.write_all(&header).and_then(|()| self.file.write_all(bytes));
        if let Err(error) = written {
            let error = Error::file("append to", &self.name.path)(error);
            self.give_up();
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            // What the disk holds now is unknown, and a second sync may claim success without writing anything. The
            // file is left as it is: reading it finds every good record.
            return Err(Error::file("sync", &self.name.path)(error));
        }
        self.durable += (header.len() + bytes.len()) as u64;
        Ok(self)
    }

    /// Ends a file after a failed write: what was not acknowledged is cut off, to give a full disk its space back. When
    /// that fails too, the torn record is skipped by readers.
    fn give_up(self) {
        let _ = if self.durable == 0 { std::fs::remove_file(&self.name.path) } else { self.file.set_len(self.durable) };
    }
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    waiting: Vec<oneshot::Sender<Result<(), Error>>>,
}

impl Batch {
    fn push(&mut self, record: &[u8], done: oneshot::Sender<Result<(), Error>>) {
        self.bytes.extend_from_slice(record);
        self.waiting.push(done);
    }
}
