//! The contract of the ports: every promise in `store`, held against every adapter.
