//! The choices of how far a program is kept apart.

use admin_api::types::{Isolation, NetworkRights, OnViolation};

use crate::components::field::Choice;
use crate::model::words;

/// The levels that a program can be started at.
pub(super) fn isolation_choices() -> Vec<Choice> {
    [Isolation::Process, Isolation::Sandbox]
        .into_iter()
        .map(|value| Choice { value: value.name(), text: words::isolation(value).into() })
        .collect()
}

/// What a sandbox may do with the network.
pub(super) fn network_choices() -> Vec<Choice> {
    NetworkRights::ALL
        .iter()
        .map(|value| Choice { value: value.name(), text: words::network_rights(*value).into() })
        .collect()
}

/// What becomes of a call that a sandbox does not allow.
pub(super) fn violation_choices() -> Vec<Choice> {
    OnViolation::ALL
        .iter()
        .map(|value| Choice { value: value.name(), text: words::on_violation(*value).into() })
        .collect()
}
