//! The form that changes how a process is scheduled: [`SettingsForm`].

use admin_api::types::{Class, FieldError, Priority, Process, ProcessPatch};

use super::cpu_list;
use super::failure::Failure;
use super::start::sentence;

/// The fields as they were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsForm {
    /// Priority.
    pub priority: Priority,
    /// Class.
    pub class: Class,
    /// Nice value.
    pub nice: String,
    /// CPUs, such as `0-3`.
    pub cpus: String,
}

/// What is wrong with which field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsErrors {
    /// With the priority.
    pub priority: Option<String>,
    /// With the class.
    pub class: Option<String>,
    /// With the nice value.
    pub nice: Option<String>,
    /// With the CPUs.
    pub cpus: Option<String>,
    /// With the whole.
    pub form: Option<String>,
}

impl SettingsErrors {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A nice value as typed; none is 0.
///
/// # Errors
/// What is wrong with it.
pub fn parse_nice(text: &str) -> Result<i8, String> {
    let text = text.trim().replace('\u{2212}', "-");
    if text.is_empty() {
        return Ok(0);
    }
    let nice = text.parse::<i8>().ok().filter(|nice| (-20..=19).contains(nice));
    nice.ok_or_else(|| "A whole number from -20 (first) to 19 (last).".to_owned())
}

impl SettingsForm {
    /// What holds for a process now.
    #[must_use]
    pub fn of(process: &Process) -> Self {
        Self {
            priority: process.priority,
            class: process.class,
            nice: process.nice.to_string(),
            cpus: cpu_list::show(&process.affinity),
        }
    }

    /// The change, of what differs from `process` alone.
    ///
    /// # Errors
    /// What is wrong with which field. The system checks again, and knows more.
    pub fn to_patch(
        &self,
        process: &Process,
        cpu_count: Option<u32>,
    ) -> Result<ProcessPatch, SettingsErrors> {
        let mut errors = SettingsErrors::default();
        let nice = parse_nice(&self.nice).map_err(|error| errors.nice = Some(error)).ok();
        let cpus =
            cpu_list::parse(&self.cpus, cpu_count).map_err(|error| errors.cpus = Some(error));
        if !errors.is_empty() {
            return Err(errors);
        }
        let all = || cpu_count.map(|count| (0..count).collect::<Vec<u32>>());
        let affinity = cpus.ok().and_then(|cpus| if cpus.is_empty() { all() } else { Some(cpus) });
        Ok(ProcessPatch {
            priority: Some(self.priority).filter(|priority| *priority != process.priority),
            class: Some(self.class).filter(|class| *class != process.class),
            nice: nice.filter(|nice| *nice != process.nice),
            affinity: affinity.filter(|affinity| *affinity != process.affinity),
            ..ProcessPatch::default()
        })
    }
}

/// The errors of a refused change, by field.
#[must_use]
pub fn errors_of(failure: &Failure) -> SettingsErrors {
    let mut errors = SettingsErrors::default();
    if let Failure::Refused(problem) = failure {
        for FieldError { field, message } in &problem.errors {
            let place = match field.split(['.', '[']).next() {
                Some("priority") => &mut errors.priority,
                Some("class") => &mut errors.class,
                Some("nice") => &mut errors.nice,
                Some("affinity") => &mut errors.cpus,
                _ => &mut errors.form,
            };
            place.get_or_insert_with(|| sentence(message));
        }
    }
    if errors.is_empty() {
        errors.form = Some(failure.message());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nice_values_are_checked() {
        for (text, nice) in [("", 0), (" 5 ", 5), ("-20", -20), ("\u{2212}3", -3), ("19", 19)] {
            assert_eq!(parse_nice(text), Ok(nice), "{text}");
        }
        for bad in ["20", "-21", "1.5", "x", "1e1", "999"] {
            assert!(parse_nice(bad).is_err(), "{bad}");
        }
    }
}
