//! What calls on files exchange: `struct stat`, `statfs`, `iovec`, `pollfd`.

use super::layout;
use super::time::Timespec;

layout! {
    /// `struct stat` of x86_64.
    pub struct Stat: 144 {
        /// Number of the device that holds the file.
        0 device: u64,
        /// Number of the inode.
        8 inode: u64,
        /// How many names it has.
        16 links: u64,
        /// Kind and permissions.
        24 mode: u32,
        /// The owner.
        28 uid: u32,
        /// The owning group.
        32 gid: u32,
        /// Not used.
        36 padding: u32,
        /// Which device it is, if it is one.
        40 represented_device: u64,
        /// Length in bytes.
        48 size: i64,
        /// Preferred size of a transfer.
        56 block_size: i64,
        /// What it occupies, in units of 512 bytes.
        64 blocks: i64,
        /// Last read.
        72 accessed: Timespec,
        /// Last written.
        88 modified: Timespec,
        /// Last changed, its owner and mode included.
        104 changed: Timespec,
        /// Not used.
        120 reserved: [i64; 3],
    }
}

layout! {
    /// `struct statfs` of x86_64.
    pub struct StatFs: 120 {
        /// Which file system it is, by a magic number.
        0 kind: i64,
        /// Size of a block in bytes.
        8 block_size: i64,
        /// Blocks.
        16 blocks: u64,
        /// Blocks that are free.
        24 free_blocks: u64,
        /// Blocks that are free for everyone.
        32 available_blocks: u64,
        /// Inodes.
        40 inodes: u64,
        /// Inodes that are free.
        48 free_inodes: u64,
        /// Number of the file system.
        56 id: [i32; 2],
        /// Longest name.
        64 name_length: i64,
        /// Size of a fragment in bytes.
        72 fragment_size: i64,
        /// How it is mounted.
        80 flags: i64,
        /// Not used.
        88 reserved: [i64; 4],
    }
}

layout! {
    /// `struct statx_timestamp`.
    pub struct StatxTime: 16 {
        /// Seconds since 1970.
        0 seconds: i64,
        /// Nanoseconds, below 1,000,000,000.
        8 nanoseconds: u32,
        /// Not used.
        12 reserved: u32,
    }
}

layout! {
    /// `struct statx`.
    pub struct Statx: 256 {
        /// What of it is filled in.
        0 mask: u32,
        /// Preferred size of a transfer.
        4 block_size: u32,
        /// Further attributes.
        8 attributes: u64,
        /// How many names it has.
        16 links: u32,
        /// The owner.
        20 uid: u32,
        /// The owning group.
        24 gid: u32,
        /// Kind and permissions.
        28 mode: u16,
        /// Not used.
        30 padding: u16,
        /// Number of the inode.
        32 inode: u64,
        /// Length in bytes.
        40 size: u64,
        /// What it occupies, in units of 512 bytes.
        48 blocks: u64,
        /// Which of the attributes mean something.
        56 attributes_mask: u64,
        /// Last read.
        64 accessed: StatxTime,
        /// Made.
        80 born: StatxTime,
        /// Last changed, its owner and mode included.
        96 changed: StatxTime,
        /// Last written.
        112 modified: StatxTime,
        /// Which device it is, if it is one.
        128 represented_major: u32,
        /// See `represented_major`.
        132 represented_minor: u32,
        /// Number of the device that holds the file.
        136 device_major: u32,
        /// See `device_major`.
        140 device_minor: u32,
        /// Number of the mount.
        144 mount: u64,
        /// Not used.
        152 reserved: [u64; 13],
    }
}

impl Statx {
    /// What `stat` tells, too (`STATX_BASIC_STATS`).
    pub const BASIC: u32 = 0x7ff;
    /// A bit that must not be asked for (`STATX__RESERVED`).
    pub const RESERVED: u32 = 1 << 31;
}

layout! {
    /// `struct iovec`.
    pub struct IoVec: 16 {
        /// Where the bytes are.
        0 base: u64,
        /// How many.
        8 length: u64,
    }
}

layout! {
    /// `struct pollfd`.
    pub struct PollFd: 8 {
        /// The descriptor; a negative one is passed over.
        0 fd: i32,
        /// What is waited for.
        4 events: i16,
        /// What there is.
        6 returned_events: i16,
    }
}

layout! {
    /// `struct flock`.
    pub struct Flock: 32 {
        /// `F_RDLCK`, `F_WRLCK`, `F_UNLCK`.
        0 kind: i16,
        /// Where `start` counts from, as for `lseek`.
        2 whence: i16,
        /// Not used.
        4 padding: u32,
        /// The first byte.
        8 start: i64,
        /// How many; 0 for all to the end.
        16 length: i64,
        /// Who has it, as an answer.
        24 pid: i32,
        /// Not used.
        28 padding_2: u32,
    }
}

layout! {
    /// `struct epoll_event`, which is packed on x86_64.
    pub struct EpollEvent: 12 {
        /// What is waited for, or is there.
        0 events: u32,
        /// The program's own, its lower half first.
        4 halves: [u32; 2],
    }
}

impl EpollEvent {
    /// What a program is told.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "halves")]
    pub const fn new(events: u32, data: u64) -> Self {
        Self { events, halves: [data as u32, (data >> 32) as u32] }
    }

    /// The program's own.
    #[must_use]
    pub fn data(&self) -> u64 {
        let [low, high] = self.halves.map(u64::from);
        low | high << 32
    }
}

impl PollFd {
    /// There is something to read.
    pub const IN: i16 = 0x01;
    /// There is something urgent to read.
    pub const PRI: i16 = 0x02;
    /// Writing will not block.
    pub const OUT: i16 = 0x04;
    /// Something failed; always waited for.
    pub const ERR: i16 = 0x08;
    /// The other side hung up; always waited for.
    pub const HUP: i16 = 0x10;
    /// The descriptor is not open; always waited for.
    pub const NVAL: i16 = 0x20;
    /// The other side writes no more.
    pub const RDHUP: i16 = 0x2000;
}
