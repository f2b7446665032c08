//! Records: a key that has a value now, or has none any more.

use alloc::vec::Vec;

use crate::bytes::{u16_at, u32_at};
use crate::frame::PAYLOAD_BYTES;

/// The longest key.
pub const MOST_KEY_BYTES: usize = 255;
/// The longest value.
pub const MOST_VALUE_BYTES: usize = 8 << 20;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
/// Kind, length of the key, length of the value.
const HEAD_BYTES: usize = 1 + 2 + 4;

/// A record's bytes; `None` when the key or the value is too long.
pub(crate) fn encode(key: &[u8], value: Option<&[u8]>) -> Option<Vec<u8>> {
    let content = value.unwrap_or_default();
    if key.len() > MOST_KEY_BYTES || content.len() > MOST_VALUE_BYTES {
        return None;
    }
    let (key_len, value_len) = (u16::try_from(key.len()).ok()?, u32::try_from(content.len()).ok()?);
    let mut record = Vec::with_capacity(HEAD_BYTES + key.len() + content.len());
    record.push(if value.is_some() { PUT } else { REMOVE });
    record.extend_from_slice(&key_len.to_le_bytes());
    record.extend_from_slice(&value_len.to_le_bytes());
    record.extend_from_slice(key);
    record.extend_from_slice(content);
    Some(record)
}

/// How many sectors a record takes.
pub(crate) fn sectors(key: &[u8], value_len: usize) -> u64 {
    let bytes = HEAD_BYTES + key.len() + value_len;
    u64::try_from(bytes.div_ceil(PAYLOAD_BYTES)).unwrap_or(u64::MAX)
}

/// Key and value of a record; `None` when the bytes are none.
pub(crate) fn decode(record: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let kind = *record.first()?;
    let key_len = usize::from(u16_at(record, 1));
    let value_len = usize::try_from(u32_at(record, 3)).ok()?;
    let (key, rest) = record.get(HEAD_BYTES..)?.split_at_checked(key_len)?;
    match kind {
        PUT => Some((key, Some(rest.get(..value_len)?))),
        REMOVE => Some((key, None)),
        _ => None,
    }
}
