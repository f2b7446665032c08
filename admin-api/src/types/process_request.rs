//! What is asked of processes: creation, changes, signals; and their output.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Class, Isolation, Priority, SandboxRequest, Signal};

/// `POST /processes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateProcess {
    /// Absolute path of the program, such as `/bin/sleep`; of a script, too, whose first line names one.
    #[cfg_attr(feature = "openapi", schema(pattern = "^/[^\\x00]*$", max_length = 4096))]
    pub program: String,
    /// Its arguments, without the program's own name.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its name in lists; else the last part of `program`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[ -~]+$", max_length = 64))]
    pub name: Option<String>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Its working directory; else `/`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^/[^\\x00]*$", max_length = 4096))]
    pub cwd: Option<String>,
    /// Its priority; else `normal`.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// Its class; else `user`.
    #[serde(default)]
    pub class: Option<Class>,
    /// Its nice value, -20 to 19; else 0.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = -20, maximum = 19))]
    pub nice: Option<i8>,
    /// The CPUs it may run on; else all.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub affinity: Option<Vec<u32>>,
    /// What it may use; else the defaults.
    #[serde(default)]
    pub limits: Option<LimitsChange>,
    /// In whose name it runs: a user's name, or numbers, as `1000` or `1000:100` with a group. Else
    /// root's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[!-~]+$", max_length = 64))]
    pub user: Option<String>,
    /// How far it is kept apart: `process` or `sandbox`; else as `sandbox` says.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// The sandbox that it is to be in.
    #[serde(default)]
    pub sandbox: Option<SandboxRequest>,
}

/// Limits to be set; what is not given stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitsChange {
    /// Memory, at least 65,536.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = u64, required = false, minimum = 65_536))]
    pub memory_bytes: Option<u64>,
    /// The stack, whole pages of 4,096 bytes, at least four. Holds from the next program on that the
    /// process executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = u64, required = false, minimum = 16_384, multiple_of = 4096))]
    pub stack_bytes: Option<u64>,
    /// Open descriptors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = u32, required = false, minimum = 1, maximum = 1_048_576))]
    pub open_files: Option<u32>,
    /// Processes and threads of its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = u32, required = false, minimum = 1, maximum = 4_194_304))]
    pub processes: Option<u32>,
    /// CPU time in all: the process is ended when it has used so much. `null` lifts this limit and
    /// those below.
    #[serde(default, with = "settable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1))]
    pub cpu_time_ns: Option<Option<u64>>,
    /// Share of one CPU in percent, over all its threads: they wait when it is used up.
    #[serde(default, with = "settable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 409_600))]
    pub cpu_percent: Option<Option<u32>>,
    /// Bytes read in a second: calls wait.
    #[serde(default, with = "settable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1))]
    pub read_bytes_per_second: Option<Option<u64>>,
    /// Bytes written in a second: calls wait.
    #[serde(default, with = "settable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1))]
    pub write_bytes_per_second: Option<Option<u64>>,
    /// Processes that it makes in a second: more are refused.
    #[serde(default, with = "settable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1))]
    pub processes_per_second: Option<Option<u32>>,
}

/// A limit that can be set or lifted: `null` is "lift", and a field that is not there "leave".
mod settable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::option_option, reason = "left, lifted, set")]
    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    #[expect(clippy::option_option, reason = "left, lifted, set")]
    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

/// `PATCH /processes/{pid}`: what is given is changed, the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProcessPatch {
    /// New priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// New class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// New nice value, -20 to 19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = -20, maximum = 19))]
    pub nice: Option<i8>,
    /// New set of CPUs it may run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub affinity: Option<Vec<u32>>,
    /// New limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsChange>,
}

/// `POST /processes/{pid}/signals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignalRequest {
    /// The signal to send.
    pub signal: Signal,
}

/// A part of what a process wrote to its standard output and standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessOutput {
    /// The process.
    pub pid: u32,
    /// Offset of the oldest byte that is still kept.
    pub first_offset: u64,
    /// Offset of the first byte of `text`.
    pub offset: u64,
    /// Where to go on reading.
    pub next_offset: u64,
    /// Whether the process has ended and nothing will follow `next_offset`.
    pub ended: bool,
    /// The bytes as UTF-8; what is not valid is replaced by U+FFFD.
    pub text: String,
}
