//! Sessions with the servers of databases for the worker: secrets read, certificates ready.

use futures_util::future::BoxFuture;

use crate::model::{Answer, Database, Secret, SecretSource, ServerName, Unknown, chain};
use crate::secrets;
use crate::sentinel::{Session, SessionError};
use crate::worker::{Ask, NoSession, Sessions};

/// Asks real servers.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseSessions;

impl Sessions for DatabaseSessions {
    fn open<'a>(
        &'a self,
        database: &'a Database,
        server: &'a ServerName,
    ) -> BoxFuture<'a, Result<Box<dyn Ask>, NoSession>> {
        Box::pin(async move {
            let password = match &database.password {
                None => None,
                Some(source) => Some(password(database, source.clone()).await?),
            };
            let session = Session::new(database, server, password.as_ref()).map_err(|error| refused(&error))?;
            Ok(Box::new(session) as Box<dyn Ask>)
        })
    }
}

impl Ask for Session {
    fn ask(&mut self) -> BoxFuture<'_, Answer> {
        Box::pin(Session::ask(self))
    }
}

async fn password(database: &Database, source: SecretSource) -> Result<Secret, NoSession> {
    let read = tokio::task::spawn_blocking(move || secrets::resolve(&source)).await;
    let why = match read {
        Ok(Ok(password)) => return Ok(password),
        Ok(Err(error)) => chain(&error),
        Err(_) => "a defect of Doorstep: reading the secret panicked".to_owned(),
    };
    let message = format!("the role {} has no password: {why}", database.user);
    tracing::error!(database = %database.name, "{message}; nothing is known of its servers");
    Err((Unknown::NoSecret, message))
}

fn refused(error: &SessionError) -> NoSession {
    let why = match error {
        SessionError::Tls { .. } => Unknown::Tls,
        SessionError::Server { .. } => Unknown::Lost,
    };
    (why, chain(error))
}
