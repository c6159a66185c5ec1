//! What is checked of every input, one check for each target. The tests of Strongroom include these too, to replay the
//! corpus.

pub mod document;
pub mod head;
pub mod json;
pub mod multipart;
