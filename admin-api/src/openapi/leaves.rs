//! Schemas of the types that are written by hand.

use std::borrow::Cow;
use std::vec::Vec;

use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::types::{Exit, Hundredths, Signal, Text, Timestamp};

impl PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl PartialSchema for Hundredths {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).into()
    }
}

impl PartialSchema for Signal {
    fn schema() -> RefOr<Schema> {
        let names: Vec<&str> = Self::all().map(Self::name).collect();
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl PartialSchema for Exit {
    fn schema() -> RefOr<Schema> {
        let code = ObjectBuilder::new()
            .property("code", i32::schema())
            .required("code")
            .description(Some("It exited by itself."));
        let signal = ObjectBuilder::new()
            .property("signal", Signal::schema())
            .property("core", bool::schema())
            .required("signal")
            .required("core")
            .description(Some("A signal ended it."));
        OneOfBuilder::new().item(code).item(signal).into()
    }
}

/// Names, for references from other schemas.
macro_rules! named {
    ($($name:ident,)*) => {
        $(impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        })*
    };
}

named! { Text, Timestamp, Hundredths, Signal, Exit, }
