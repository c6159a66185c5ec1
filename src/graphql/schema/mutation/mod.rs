//! What can be done.

mod accounts;
mod files;
mod uploads;

use async_graphql::{ID, MergedObject};

use self::{accounts::AccountMutations, files::FileMutations, uploads::UploadMutations};
use crate::{
    error::{Error, Result},
    model::FileId,
};

/// What can be done. Several in one request run one after the other.
#[derive(MergedObject, Default)]
pub struct Mutation(AccountMutations, UploadMutations, FileMutations);

/// The file that a mutation is to change. What is no ID of a file is no file.
fn file_id(id: &ID) -> Result<FileId> {
    id.parse().map_err(|_| Error::not_found("fileId"))
}

/// The folder that something is to be put in.
fn parent_id(id: Option<&ID>) -> Result<Option<FileId>> {
    id.map(|id| id.parse()).transpose().map_err(|_| Error::parent_not_found())
}
