//! A decoder of lossy WebP (VP8 key frames) that makes small pictures of large ones. RFC 6386, RFC 9649.

pub mod encode;
