//! multipart.
