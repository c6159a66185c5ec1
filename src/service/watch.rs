//! stub
use crate::{model::Clock, store::Store};
/// stub
pub struct Watch;
impl Watch {
    /// stub
    pub fn new(_s: Store, _c: Clock) -> Self {
        Self
    }
}
