//! Writing JSON: appends a value to a buffer in one pass.
//!
//! Without `std`, serde_json writes only into a buffer of its own, and picoserve's responder writes
//! everything twice (once to measure). A page of processes is asked for a thousand times a second,
//! so that this is done once, straight into the answer. A test compares it with serde_json for
//! every type of the API.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use serde::ser::{self, Serialize};

/// Appends a value as JSON.
pub(crate) fn append_json<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) {
    let start = bytes.len();
    if value.serialize(Writer { bytes }).is_err() {
        // A map whose keys are no strings; no type of the API has one.
        bytes.truncate(start);
        bytes.extend_from_slice(b"null");
    }
}

/// Writes a value as JSON.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    append_json(&mut bytes, value);
    bytes
}

/// The key of a map is not a string, or a type's own `serialize` gave up.
#[derive(Debug)]
struct Unwritable;

impl Display for Unwritable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not writable as JSON")
    }
}

impl core::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: Display>(_message: T) -> Self {
        Self
    }
}

/// Writes one value.
struct Writer<'b> {
    bytes: &'b mut Vec<u8>,
}

/// Writes the items of an array or the members of an object.
struct Items<'b> {
    bytes: &'b mut Vec<u8>,
    is_first: bool,
    end: &'static [u8],
}

impl<'b> Items<'b> {
    fn new(bytes: &'b mut Vec<u8>, begin: u8, end: &'static [u8]) -> Self {
        bytes.push(begin);
        Self { bytes, is_first: true, end }
    }

    fn separate(&mut self) {
        if !core::mem::replace(&mut self.is_first, false) {
            self.bytes.push(b',');
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.separate();
        value.serialize(Writer { bytes: self.bytes })
    }

    /// A member whose name is written in the source, so that nothing in it needs an escape.
    fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        // One check for room instead of one for each part.
        self.bytes.reserve(name.len() + 32);
        self.separate();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        value.serialize(Writer { bytes: self.bytes })
    }

    fn finish(self) {
        self.bytes.extend_from_slice(self.end);
    }
}

impl Writer<'_> {
    /// Writes a number of two places exactly; `false` when it is none. Percentages are such numbers, and
    /// the general way costs a kernel without floating-point registers many times as much.
    fn hundredths(&mut self, value: f64) -> bool {
        const MOST: f64 = 4_294_967_295.0;
        let scaled = value * 100.0;
        if !(0.0..=MOST).contains(&scaled) || value.is_sign_negative() {
            return false;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked, and the result is compared with the value"
        )]
        let hundredths = (scaled + 0.5) as u32;
        #[expect(clippy::float_cmp, reason = "only an exact result may be written")]
        if f64::from(hundredths) / 100.0 != value {
            return false;
        }
        append_unsigned(self.bytes, u64::from(hundredths / 100));
        let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
        self.bytes.extend_from_slice(&[b'.', digit(hundredths / 10)]);
        if !hundredths.is_multiple_of(10) {
            self.bytes.push(digit(hundredths));
        }
        true
    }
}

/// Appends a number.
pub(crate) fn append_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    // Most figures of most processes are zero.
    if value < 10 {
        bytes.push(b'0' + u8::try_from(value).unwrap_or(0));
        return;
    }
    /// Of the largest number.
    const PLACES: usize = 20;
    let mut digits = [0; PLACES];
    let mut at = PLACES;
    for place in digits.iter_mut().rev() {
        if value == 0 {
            break;
        }
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        at -= 1;
    }
    bytes.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// Appends a string with its marks.
pub(crate) fn append_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'"');
    let mut rest = text.as_bytes();
    let needs_escape = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    while let Some(at) = rest.iter().position(needs_escape) {
        let (plain, tail) = rest.split_at(at);
        bytes.extend_from_slice(plain);
        escape(bytes, tail[0]);
        rest = &tail[1..];
    }
    bytes.extend_from_slice(rest);
    bytes.push(b'"');
}

fn escape(bytes: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            bytes.extend_from_slice(b"\\u00");
            bytes.push(HEX[usize::from(byte >> 4)]);
            bytes.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    bytes.extend_from_slice(&[b'\\', short]);
}

/// The numbers that are widened to 64 bits.
macro_rules! integers {
    ($($name:ident: $type:ty => $wide:ident,)*) => {
        $(fn $name(self, value: $type) -> Result<(), Unwritable> {
            self.$wide(value.into())
        })*
    };
}

impl<'b> ser::Serializer for Writer<'b> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'b>;
    type SerializeTuple = Items<'b>;
    type SerializeTupleStruct = Items<'b>;
    type SerializeTupleVariant = Items<'b>;
    type SerializeMap = Items<'b>;
    type SerializeStruct = Items<'b>;
    type SerializeStructVariant = Items<'b>;

    integers! {
        serialize_i8: i8 => serialize_i64,
        serialize_i16: i16 => serialize_i64,
        serialize_i32: i32 => serialize_i64,
        serialize_u8: u8 => serialize_u64,
        serialize_u16: u16 => serialize_u64,
        serialize_u32: u32 => serialize_u64,
        serialize_f32: f32 => serialize_f64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        if value < 0 {
            self.bytes.push(b'-');
        }
        append_unsigned(self.bytes, value.unsigned_abs());
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        append_unsigned(self.bytes, value);
        Ok(())
    }

    fn serialize_f64(mut self, value: f64) -> Result<(), Unwritable> {
        if self.hundredths(value) {
            return Ok(());
        }
        if !value.is_finite() {
            return self.serialize_none();
        }
        // `Debug` writes a number with a fraction or an exponent, as JSON wants it.
        self.bytes.extend_from_slice(alloc::format!("{value:?}").as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        append_string(self.bytes, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        append_string(self.bytes, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.bytes.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unwritable> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        // A word of the source, as a member's name is.
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(variant.as_bytes());
        self.bytes.push(b'"');
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let mut object = Items::new(self.bytes, b'{', b"}");
        object.member(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Items<'b>, Unwritable> {
        Ok(Items::new(self.bytes, b'[', b"]"))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Items<'b>, Unwritable> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Items<'b>, Unwritable> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Items<'b>, Unwritable> {
        self.bytes.push(b'{');
        append_string(self.bytes, variant);
        self.bytes.push(b':');
        Ok(Items::new(self.bytes, b'[', b"]}"))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Items<'b>, Unwritable> {
        Ok(Items::new(self.bytes, b'{', b"}"))
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Items<'b>, Unwritable> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Items<'b>, Unwritable> {
        self.bytes.push(b'{');
        append_string(self.bytes, variant);
        self.bytes.push(b':');
        Ok(Items::new(self.bytes, b'{', b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        append_string(self.bytes, &value.to_string());
        Ok(())
    }
}

/// What arrays have in common, whatever serde calls them.
macro_rules! arrays {
    ($($trait:ident::$method:ident,)*) => {
        $(impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.item(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.finish();
                Ok(())
            }
        })*
    };
}

arrays! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// What objects have in common, whatever serde calls them.
macro_rules! objects {
    ($($trait:ident,)*) => {
        $(impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.finish();
                Ok(())
            }
        })*
    };
}

objects! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.separate();
        let start = self.bytes.len();
        key.serialize(Writer { bytes: self.bytes })?;
        if self.bytes.get(start) == Some(&b'"') { Ok(()) } else { Err(Unwritable) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.bytes.push(b':');
        value.serialize(Writer { bytes: self.bytes })
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish();
        Ok(())
    }
}
