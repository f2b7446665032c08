//! The emergency page: what is asked, what it takes to go on, and what came of it.

use admin_api::types::EmergencyResult;

use crate::format;

/// What has to be typed before all programs are ended.
pub const PHRASE: &str = "end all programs";

/// Whether the phrase was typed, however it was written.
#[must_use]
pub fn is_confirmed(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
    words.join(" ") == PHRASE
}

/// The number of a process as typed.
///
/// # Errors
/// What is wrong with it.
pub fn parse_pid(text: &str) -> Result<u32, String> {
    let number = text.trim().parse::<u32>().ok().filter(|pid| *pid > 0);
    number.ok_or_else(|| "The number of a process, such as 42.".to_owned())
}

/// The name of a service as typed.
///
/// # Errors
/// What is wrong with it.
pub fn parse_service(text: &str) -> Result<&str, String> {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = Some(text.trim()).filter(|name| !name.is_empty() && name.bytes().all(is_of_names));
    name.ok_or_else(|| "The name of a service, such as web.".to_owned())
}

/// What came of it, in a sentence, and whether all is well.
#[must_use]
pub fn outcome(result: &EmergencyResult) -> (String, bool) {
    let ended = match result.ended {
        0 => "Nothing had to be ended".to_owned(),
        1 => "1 process was ended".to_owned(),
        more => format!("{} processes were ended", format::count(more)),
    };
    let time = format::cpu_time_ns(result.duration_ms.saturating_mul(1_000_000));
    let left = match result.remaining {
        0 => "none is left".to_owned(),
        1 => "1 is still there".to_owned(),
        more => format!("{} are still there", format::count(more)),
    };
    (format!("{ended} in {time}; {left}."), result.remaining == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::EmergencyScope;

    #[test]
    fn only_the_phrase_confirms() {
        for text in ["end all programs", "  End  ALL programs "] {
            assert!(is_confirmed(text), "{text}");
        }
        for text in ["", "end", "end all", "end all programs now", "endallprograms"] {
            assert!(!is_confirmed(text), "{text}");
        }
        assert_eq!(parse_pid(" 42 "), Ok(42));
        for bad in ["", "0", "-1", "x", "99999999999"] {
            assert!(parse_pid(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_service(" web-2 "), Ok("web-2"));
        for bad in ["", " ", "a/b", "a b", "?x"] {
            assert!(parse_service(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_came_of_it_is_said_plainly() {
        let result = |ended, remaining| EmergencyResult {
            scope: EmergencyScope::All,
            ended,
            remaining,
            remaining_pids: Vec::new(),
            duration_ms: 420,
        };
        let (text, is_well) = outcome(&result(152, 0));
        assert_eq!(
            (text.as_str(), is_well),
            ("152 processes were ended in 0.42 s; none is left.", true)
        );
        let (text, is_well) = outcome(&result(1, 2));
        assert_eq!(
            (text.as_str(), is_well),
            ("1 process was ended in 0.42 s; 2 are still there.", false)
        );
    }
}
