//! What calls on sockets exchange, addresses apart: `msghdr`, `cmsghdr`, `ucred`, `linger`.

use super::layout;

layout! {
    /// `struct msghdr` (`user_msghdr`).
    pub struct MsgHdr: 56 {
        /// Where an address is, or goes.
        0 name: u64,
        /// Its length.
        8 name_length: u32,
        /// Not used.
        12 padding: u32,
        /// Where the list of pieces is.
        16 pieces: u64,
        /// How many there are.
        24 piece_count: u64,
        /// Where control messages are, or go.
        32 control: u64,
        /// Their length.
        40 control_length: u64,
        /// `MSG_*`, as an answer.
        48 flags: u32,
        /// Not used.
        52 padding_2: u32,
    }
}

layout! {
    /// `struct mmsghdr`.
    pub struct MMsgHdr: 64 {
        /// The message.
        0 header: [u64; 7],
        /// How many bytes were moved.
        56 length: u32,
        /// Not used.
        60 padding: u32,
    }
}

layout! {
    /// `struct cmsghdr`; its data follows at a multiple of 8.
    pub struct CMsgHdr: 16 {
        /// Length of this and the data.
        0 length: u64,
        /// `SOL_*`.
        8 level: i32,
        /// What it is.
        12 kind: i32,
    }
}

impl CMsgHdr {
    /// Descriptors, at the level of sockets.
    pub const RIGHTS: i32 = 1;
    /// Credentials, at the level of sockets.
    pub const CREDENTIALS: i32 = 2;
}

layout! {
    /// `struct ucred`.
    pub struct UCred: 12 {
        /// The process.
        0 pid: i32,
        /// For whom.
        4 uid: u32,
        /// In which group.
        8 gid: u32,
    }
}

layout! {
    /// `struct linger`.
    pub struct Linger: 8 {
        /// Whether it is on.
        0 is_on: i32,
        /// For how many seconds.
        4 seconds: i32,
    }
}
