//! The reduction keeps what can apply and drops what cannot.

use super::{minify, reduce};

fn reduced(sheet: &str, users: &str) -> String {
    reduce(sheet, &[users.as_bytes()]).unwrap()
}

#[test]
fn a_rule_stays_only_if_all_its_classes_occur() {
    let sheet = ".a { x: 1 } .b { x: 2 } .a .b, .a > p { x: 3 }";
    assert_eq!(reduced(sheet, "a"), ".a{x:1}.a > p{x:3}");
}

#[test]
fn a_class_inside_not_is_not_needed_and_alternatives_are_kept() {
    let sheet = ".a:not(.zz) { x: 1 } :where(.zz) .a { x: 2 } :is(.zz, .a) { x: 3 }";
    assert_eq!(reduced(sheet, "a"), ".a:not(.zz){x:1}:is(.zz, .a){x:3}");
}

#[test]
fn variables_that_nothing_reads_go_until_nothing_changes() {
    // --one is read by --two only, which nothing reads: both go, in two rounds.
    let sheet = ":root { --one: 1px; --two: var(--one); --three: 3px; --four: 4px }
                 .a { width: var(--three, 0) }";
    assert_eq!(
        reduced(sheet, "a --four"),
        ":root{--three:3px;--four:4px}.a{width:var(--three, 0)}"
    );
}

#[test]
fn groups_are_reduced_inside_and_dropped_when_empty() {
    let sheet =
        "@media (min-width: 1px) { .a { x: 1 } .zz { x: 2 } } @media print { .zz { x: 3 } }";
    assert_eq!(reduced(sheet, "a"), "@media (min-width: 1px){.a{x:1}}");
}

#[test]
fn strings_brackets_and_comments_do_not_end_a_block() {
    let sheet = "/* } */ .a::before { content: \"}; {\"; background: url(data:image/svg;x) }";
    assert_eq!(
        minify(sheet).unwrap(),
        ".a::before{content:\"}; {\";background:url(data:image/svg;x)}"
    );
}

#[test]
fn icon_fonts_and_font_faces_of_the_package_are_not_shipped() {
    let sheet = "@font-face { src: url(x) } .fa-times::before { content: \"x\" } .a { x: 1 }";
    assert_eq!(reduced(sheet, "a fa-times"), ".a{x:1}");
}

#[test]
fn keyframes_stay_whole() {
    let sheet = "@keyframes turn { from { rotate: 0deg } to { rotate: 360deg } }";
    assert_eq!(reduced(sheet, ""), "@keyframes turn{from { rotate: 0deg } to { rotate: 360deg }}");
}

#[test]
fn a_block_without_an_end_is_an_error() {
    assert!(minify(".a { x: 1").is_err());
}
