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
