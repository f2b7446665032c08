use super::{BadVersion, Requirement, Version};
use core::cmp::Ordering;
use proptest::prelude::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn accepts(requirement: &str, text: &str) -> bool {
    requirement.parse::<Requirement>().unwrap().accepts(&version(text))
}

/// The example of semver 11.4.
#[test]
fn precedence_is_that_of_the_standard() {
    let rising = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ];
    for (index, low) in rising.iter().enumerate() {
        for high in &rising[index + 1..] {
            assert_eq!(version(low).precedence(&version(high)), Ordering::Less, "{low} {high}");
        }
    }
    assert_eq!(version("1.0.0+a").precedence(&version("1.0.0+b")), Ordering::Equal);
}

/// proves: S2
#[test]
fn requirements_accept_what_their_notation_says() {
    let cases = [
        (">=1.0", "1.0.0", true),
        (">=1.0", "0.9.9", false),
        (">=1.0", "7.1", true),
        (">1", "1.9.9", false),
        (">1", "2.0.0", true),
        (">1.2.3", "1.2.3", false),
        ("<2", "1.99.0", true),
        ("<2", "2.0.0", false),
        ("<2.0.0", "2.0.0-rc.1", false),
        ("<=1.2", "1.2.9", true),
        ("<=1.2", "1.3.0", false),
        ("=1.2", "1.2.7", true),
        ("=1.2", "1.3.0", false),
        ("=1.2.3", "1.2.3+b", true),
        ("^1.2", "1.9.0", true),
        ("^1.2", "2.0.0", false),
        ("1.2", "1.1.9", false),
        ("^0.3.1", "0.3.9", true),
        ("^0.3.1", "0.4.0", false),
        ("^0.0.3", "0.0.4", false),
        ("^0", "0.9.0", true),
        ("^0", "1.0.0", false),
        ("~1.2.3", "1.2.9", true),
        ("~1.2.3", "1.3.0", false),
        ("~1", "1.9.0", true),
        (">=1.2, <3", "2.5.0", true),
        (">=1.2, <3", "3.0.0", false),
        ("*", "0.0.1-a", true),
    ];
    for (requirement, text, expected) in cases {
        assert_eq!(accepts(requirement, text), expected, "{requirement} accepts {text}");
    }
}

#[test]
fn malformed_text_is_refused() {
    for (text, error) in [
        ("", BadVersion::Empty),
        ("1.2.3.4", BadVersion::BadForm),
        ("1.02", BadVersion::BadNumber),
        ("v1", BadVersion::BadNumber),
        ("1..2", BadVersion::BadNumber),
        ("1-", BadVersion::BadForm),
        ("1-a..b", BadVersion::BadForm),
        ("1+ü", BadVersion::BadForm),
        ("99999999999999999999", BadVersion::BadNumber),
        ("1 .2", BadVersion::BadNumber),
    ] {
        assert_eq!(text.parse::<Version>().unwrap_err(), error, "{text}");
    }
    for (text, error) in [
        (">2, <1", BadVersion::Unsatisfiable),
        ("=1.0.0, =1.0.1", BadVersion::Unsatisfiable),
        (">", BadVersion::Empty),
        (">=1,", BadVersion::Empty),
        ("", BadVersion::Empty),
        ("^18446744073709551615", BadVersion::BadNumber),
        ("=>1", BadVersion::BadNumber),
    ] {
        assert_eq!(text.parse::<Requirement>().unwrap_err(), error, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,70}") {
        let _ = text.parse::<Version>();
        let _ = text.parse::<Requirement>();
    }

    #[test]
    fn what_is_written_is_read_again(a in 0u64..50, b in 0u64..50, c in 0u64..50) {
        let text = std::format!("{a}.{b}.{c}");
        prop_assert_eq!(std::format!("{}", version(&text)), text.clone());
        let holds = |operator: &str| accepts(&std::format!("{operator}{text}"), &text);
        prop_assert!(holds("=") && holds("^") && !holds("<"));
    }
}
