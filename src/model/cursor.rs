//! Opaque cursors: a place in an order, sealed so that a tampered one is noticed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::{Direction, FileId, FileOrder, FileOrderField, Position, SortKey, Timestamp};

/// The key that seals cursors (HMAC-SHA-256, RFC 2104).
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

impl CursorKey {
    /// A key of 256 bits.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        // A fixed size is always accepted.
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0).expect("HMAC takes keys of any size");
        mac.update(body);
        mac
    }
}

/// A cursor of one order. Layout before base64: field, direction, 16 bytes of ID, the sort key, 16 bytes of HMAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The order it belongs to.
    pub order: FileOrder,
    /// The place.
    pub position: Position,
}

impl Cursor {
    const MAC_BYTES: usize = 16;

    /// Its opaque form.
    #[must_use]
    pub fn seal(&self, key: &CursorKey) -> String {
        let mut body = vec![
            match self.order.field {
                FileOrderField::CreatedAt => b'c',
                FileOrderField::Name => b'n',
                FileOrderField::Size => b's',
            },
            match self.order.direction {
                Direction::Asc => b'a',
                Direction::Desc => b'd',
            },
        ];
        body.extend_from_slice(self.position.id.0.as_bytes());
        match &self.position.key {
            SortKey::CreatedAt(at) => body.extend_from_slice(&at.0.to_be_bytes()),
            SortKey::Name(name) => body.extend_from_slice(name.as_bytes()),
            SortKey::Size(size) => body.extend_from_slice(&size.to_be_bytes()),
        }
        let mac = key.mac(&body).finalize().into_bytes();
        body.extend_from_slice(&mac[..Self::MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(body)
    }

    /// Reads an opaque form. `None` when this server did not make it.
    #[must_use]
    pub fn open(text: &str, key: &CursorKey) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = sealed.split_at_checked(sealed.len().checked_sub(Self::MAC_BYTES)?)?;
        key.mac(body).verify_truncated_left(mac).ok()?;
        let [field, direction, rest @ ..] = body else { return None };
        let (id, value) = rest.split_at_checked(16)?;
        let (field, key) = match field {
            b'c' => {
                (FileOrderField::CreatedAt, SortKey::CreatedAt(Timestamp(i64::from_be_bytes(value.try_into().ok()?))))
            }
            b'n' => (FileOrderField::Name, SortKey::Name(String::from_utf8(value.to_vec()).ok()?)),
            b's' => (FileOrderField::Size, SortKey::Size(u64::from_be_bytes(value.try_into().ok()?))),
            _ => return None,
        };
        let direction = match direction {
            b'a' => Direction::Asc,
            b'd' => Direction::Desc,
            _ => return None,
        };
        let id = FileId(Uuid::from_slice(id).ok()?);
        Some(Self { order: FileOrder { field, direction }, position: Position { key, id } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(key: SortKey, field: FileOrderField) -> Cursor {
        Cursor {
            order: FileOrder { field, direction: Direction::Asc },
            position: Position { key, id: FileId(Uuid::from_u128(42)) },
        }
    }

    #[test]
    fn a_cursor_survives_its_opaque_form() {
        let key = CursorKey::new([7; 32]);
        for cursor in [
            cursor(SortKey::CreatedAt(Timestamp(1_795_440_542_125)), FileOrderField::CreatedAt),
            cursor(SortKey::Name("straße".into()), FileOrderField::Name),
            cursor(SortKey::Size(1 << 40), FileOrderField::Size),
        ] {
            assert_eq!(Cursor::open(&cursor.seal(&key), &key), Some(cursor));
        }
    }

    #[test]
    fn a_cursor_changed_anywhere_is_refused() {
        let key = CursorKey::new([7; 32]);
        let sealed = cursor(SortKey::Name("a".into()), FileOrderField::Name).seal(&key);
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Cursor::open(&String::from_utf8(bytes).unwrap(), &key), None, "byte {at}");
        }
        assert_eq!(Cursor::open("", &key), None);
        assert_eq!(Cursor::open(&sealed, &CursorKey::new([8; 32])), None);
    }
}
