//! Names, references and compression of the packed files.

use super::{Site, gzip};
use crate::PackError;

#[test]
fn a_reference_becomes_a_path_with_the_contents_hash() {
    let mut site = Site::default();
    site.add("text.woff2", b"font".to_vec());
    site.add_text("console.css", "a{src:url(\"%asset:text.woff2%\")}").unwrap();
    let (path, content) = &site.assets["console.css"];
    let font = &site.assets["text.woff2"].0;
    assert!(font.starts_with("/assets/text.") && font.ends_with(".woff2"));
    assert_eq!(content, format!("a{{src:url(\"{font}\")}}").as_bytes());
    assert!(path.starts_with("/assets/console."));
}

#[test]
fn another_content_has_another_name() {
    let (mut one, mut other) = (Site::default(), Site::default());
    one.add("a.js", b"1".to_vec());
    other.add("a.js", b"2".to_vec());
    assert_ne!(one.assets["a.js"].0, other.assets["a.js"].0);
}

#[test]
fn a_reference_to_nothing_is_an_error() {
    let missing = Site::default().resolve("index.html", "x %asset:gone.js% y");
    assert!(matches!(missing, Err(PackError::MissingAsset { name, .. }) if name == "gone.js"));
}

#[test]
fn equal_input_gives_equal_output() {
    let text = b"console ".repeat(1000);
    assert_eq!(gzip(&text).unwrap(), gzip(&text).unwrap());
    assert!(gzip(&text).unwrap().len() < text.len() / 10);
}
