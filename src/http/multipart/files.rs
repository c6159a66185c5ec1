//! The file parts: each streams once into the blob store.

use std::sync::Arc;

use super::{FileMap, Upload, head::PartHead};
use crate::{
    http::request::Problem,
    service::{Incoming, Parts, Uploads},
};

/// How a part ended.
enum Received {
    /// It came to its end.
    Whole,
    /// It passed the limit, and the rest of it is still to come.
    Cut,
}

impl Upload {
    /// Stores every part that the map names.
    pub(super) async fn store(&mut self, map: &FileMap, parts: &Parts) -> Result<(), Problem> {
        let mut come = vec![false; map.len()];
        while let Some(head) = self.reader.next_part().await.map_err(|fault| self.problem(fault))? {
            let Some(index) = map.index(&head.name) else {
                // Plain fields of a form may be for others; the reader skips what nobody reads.
                if head.file_name.is_none() && !["operations", "map"].contains(&head.name.as_str()) {
                    continue;
                }
                let name = shown(&head.name);
                return Err(Problem::bad_request(format!("The part {name:?} is not announced in `map`.")));
            };
            if std::mem::replace(&mut come[index], true) {
                return Err(Problem::bad_request(format!("The part {:?} came twice.", shown(&head.name))));
            }
            let received = self.store_part(index, head, parts).await?;
            if matches!(received, Received::Cut) && map.len() == 1 {
                // Nothing else is to come: answer now, and let the client stop sending.
                return Ok(());
            }
        }
        match come.iter().position(|come| !come) {
            Some(missing) => {
                let name = shown(map.name(missing)).to_owned();
                Err(Problem::bad_request(format!("The part {name:?} was announced in `map` but did not come.")))
            }
            None => Ok(()),
        }
    }

    async fn store_part(&mut self, index: usize, head: PartHead, parts: &Parts) -> Result<Received, Problem> {
        let uploads = Arc::clone(&self.app.services.uploads);
        let mut incoming = uploads.begin().await?;
        match self.stream(&mut incoming).await {
            Ok(received) => {
                let stored = uploads.finish(incoming).await?;
                parts.enter(index, head.file_name, stored).await;
                Ok(received)
            }
            Err(problem) => Err(abandon(&uploads, incoming, problem).await),
        }
    }

    async fn stream(&mut self, incoming: &mut Incoming) -> Result<Received, Problem> {
        while let Some(bytes) = self.reader.chunk().await.map_err(|fault| self.problem(fault))? {
            if !incoming.write(bytes).await? {
                return Ok(Received::Cut);
            }
        }
        Ok(Received::Whole)
    }
}

async fn abandon(uploads: &Uploads, incoming: Incoming, problem: Problem) -> Problem {
    uploads.abandon(incoming).await;
    problem
}

/// Enough of a name that a client made up.
fn shown(name: &str) -> &str {
    name.char_indices().nth(100).map_or(name, |(end, _)| &name[..end])
}
