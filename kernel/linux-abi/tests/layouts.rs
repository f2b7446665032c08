//! Layouts and constants against those of the `linux-raw-sys` crate, which are made from Linux's
//! headers. What it lacks (`sigcontext`, `ucontext`, the frame) has its offsets checked when the
//! library is compiled, and its bytes below.

use std::mem::{offset_of, size_of};

use linux_abi::file::{AtFlags, OpenFlags, ioctl as commands};
use linux_abi::layout::*;
use linux_abi::memory::{MapFlags, Mremap, Prot};
use linux_abi::process::{CloneFlags, RandomFlags, WaitOptions};
use linux_abi::{auxiliary, file};
use linux_raw_sys::{auxvec, general, ioctl, system};

macro_rules! same_layout {
    ($($ours:ident = $theirs:path { $($field:ident = $their_field:ident),* $(,)? })*) => {
        $(
            assert_eq!($ours::BYTES, size_of::<$theirs>(), stringify!($ours));
            $(assert_eq!(
                offset_of!($ours, $field),
                offset_of!($theirs, $their_field),
                concat!(stringify!($ours), ".", stringify!($field))
            );)*
        )*
    };
}

#[test]
fn structures_have_linux_layouts() {
    same_layout! {
        Timespec = general::timespec { seconds = tv_sec, nanoseconds = tv_nsec }
        Timeval = general::timeval { seconds = tv_sec, microseconds = tv_usec }
        ItimerVal = general::itimerval { interval = it_interval, value = it_value }
        Stat = general::stat {
            device = st_dev, inode = st_ino, links = st_nlink, mode = st_mode, uid = st_uid,
            gid = st_gid, represented_device = st_rdev, size = st_size, block_size = st_blksize,
            blocks = st_blocks, accessed = st_atime, modified = st_mtime, changed = st_ctime,
            reserved = __unused,
        }
        StatFs = general::statfs {
            kind = f_type, block_size = f_bsize, blocks = f_blocks, free_blocks = f_bfree,
            available_blocks = f_bavail, inodes = f_files, free_inodes = f_ffree, id = f_fsid,
            name_length = f_namelen, fragment_size = f_frsize, flags = f_flags,
            reserved = f_spare,
        }
        IoVec = general::iovec { base = iov_base, length = iov_len }
        PollFd = general::pollfd { fd = fd, events = events, returned_events = revents }
        Rlimit64 = general::rlimit64 { soft = rlim_cur, hard = rlim_max }
        Rusage = general::rusage {
            user_time = ru_utime, system_time = ru_stime, max_resident_kib = ru_maxrss,
            unused_sizes = ru_ixrss, minor_faults = ru_minflt, major_faults = ru_majflt,
            swaps = ru_nswap, blocks_in = ru_inblock, blocks_out = ru_oublock,
            unused_counts = ru_msgsnd, voluntary_switches = ru_nvcsw,
            involuntary_switches = ru_nivcsw,
        }
        SysInfo = system::sysinfo {
            uptime = uptime, loads = loads, total_memory = totalram, free_memory = freeram,
            shared_memory = sharedram, buffer_memory = bufferram, total_swap = totalswap,
            free_swap = freeswap, processes = procs, total_high = totalhigh,
            free_high = freehigh, unit_bytes = mem_unit,
        }
        UtsName = system::new_utsname {
            system = sysname, node = nodename, release = release, version = version,
            machine = machine, domain = domainname,
        }
        SigAction = general::kernel_sigaction {
            handler = sa_handler_kernel, flags = sa_flags, restorer = sa_restorer, mask = sa_mask,
        }
        SigAltStack = general::sigaltstack { base = ss_sp, flags = ss_flags, length = ss_size }
        SigInfo = general::siginfo {}
        Termios = general::termios {
            input = c_iflag, output = c_oflag, control = c_cflag, local = c_lflag, line = c_line,
            characters = c_cc,
        }
        WinSize = general::winsize {
            rows = ws_row, columns = ws_col, x_pixels = ws_xpixel, y_pixels = ws_ypixel,
        }
    }
}

macro_rules! same_flags {
    ($from:ident: $($ours:expr, $theirs:ident;)*) => {
        $(assert_eq!(
            u64::from($ours), u64::from($from::$theirs), stringify!($theirs)
        );)*
    };
}

#[test]
fn flags_have_linux_values() {
    same_flags! { general:
        Prot::READ.bits(), PROT_READ;
        Prot::WRITE.bits(), PROT_WRITE;
        Prot::EXEC.bits(), PROT_EXEC;
        MapFlags::SHARED, MAP_SHARED;
        MapFlags::PRIVATE, MAP_PRIVATE;
        MapFlags::SHARED_VALIDATE, MAP_SHARED_VALIDATE;
        MapFlags::FIXED.bits(), MAP_FIXED;
        MapFlags::ANONYMOUS.bits(), MAP_ANONYMOUS;
        MapFlags::BITS_32.bits(), MAP_32BIT;
        MapFlags::GROWSDOWN.bits(), MAP_GROWSDOWN;
        MapFlags::DENYWRITE.bits(), MAP_DENYWRITE;
        MapFlags::EXECUTABLE.bits(), MAP_EXECUTABLE;
        MapFlags::LOCKED.bits(), MAP_LOCKED;
        MapFlags::NORESERVE.bits(), MAP_NORESERVE;
        MapFlags::POPULATE.bits(), MAP_POPULATE;
        MapFlags::NONBLOCK.bits(), MAP_NONBLOCK;
        MapFlags::STACK.bits(), MAP_STACK;
        MapFlags::HUGETLB.bits(), MAP_HUGETLB;
        MapFlags::SYNC.bits(), MAP_SYNC;
        MapFlags::FIXED_NOREPLACE.bits(), MAP_FIXED_NOREPLACE;
        Mremap::MAYMOVE, MREMAP_MAYMOVE;
        Mremap::FIXED, MREMAP_FIXED;
        OpenFlags::CREAT.bits(), O_CREAT;
        OpenFlags::EXCL.bits(), O_EXCL;
        OpenFlags::NOCTTY.bits(), O_NOCTTY;
        OpenFlags::TRUNC.bits(), O_TRUNC;
        OpenFlags::APPEND.bits(), O_APPEND;
        OpenFlags::NONBLOCK.bits(), O_NONBLOCK;
        OpenFlags::DSYNC.bits(), O_DSYNC;
        OpenFlags::ASYNC.bits(), FASYNC;
        OpenFlags::DIRECT.bits(), O_DIRECT;
        OpenFlags::LARGEFILE.bits(), O_LARGEFILE;
        OpenFlags::DIRECTORY.bits(), O_DIRECTORY;
        OpenFlags::NOFOLLOW.bits(), O_NOFOLLOW;
        OpenFlags::NOATIME.bits(), O_NOATIME;
        OpenFlags::CLOEXEC.bits(), O_CLOEXEC;
        (OpenFlags::SYNC | OpenFlags::DSYNC).bits(), O_SYNC;
        OpenFlags::PATH.bits(), O_PATH;
        (OpenFlags::TMPFILE | OpenFlags::DIRECTORY).bits(), O_TMPFILE;
        AtFlags::SYMLINK_NOFOLLOW.bits(), AT_SYMLINK_NOFOLLOW;
        AtFlags::REMOVEDIR.bits(), AT_REMOVEDIR;
        AtFlags::REMOVEDIR.bits(), AT_EACCESS;
        AtFlags::SYMLINK_FOLLOW.bits(), AT_SYMLINK_FOLLOW;
        AtFlags::NO_AUTOMOUNT.bits(), AT_NO_AUTOMOUNT;
        AtFlags::EMPTY_PATH.bits(), AT_EMPTY_PATH;
        CloneFlags::VM.bits(), CLONE_VM;
        CloneFlags::FS.bits(), CLONE_FS;
        CloneFlags::FILES.bits(), CLONE_FILES;
        CloneFlags::SIGHAND.bits(), CLONE_SIGHAND;
        CloneFlags::PIDFD.bits(), CLONE_PIDFD;
        CloneFlags::PTRACE.bits(), CLONE_PTRACE;
        CloneFlags::VFORK.bits(), CLONE_VFORK;
        CloneFlags::PARENT.bits(), CLONE_PARENT;
        CloneFlags::THREAD.bits(), CLONE_THREAD;
        CloneFlags::SYSVSEM.bits(), CLONE_SYSVSEM;
        CloneFlags::SETTLS.bits(), CLONE_SETTLS;
        CloneFlags::PARENT_SETTID.bits(), CLONE_PARENT_SETTID;
        CloneFlags::CHILD_CLEARTID.bits(), CLONE_CHILD_CLEARTID;
        CloneFlags::DETACHED.bits(), CLONE_DETACHED;
        CloneFlags::UNTRACED.bits(), CLONE_UNTRACED;
        CloneFlags::CHILD_SETTID.bits(), CLONE_CHILD_SETTID;
        CloneFlags::IO.bits(), CLONE_IO;
        WaitOptions::NOHANG.bits(), WNOHANG;
        WaitOptions::UNTRACED.bits(), WUNTRACED;
        WaitOptions::CONTINUED.bits(), WCONTINUED;
        WaitOptions::NOTHREAD.bits(), __WNOTHREAD;
        WaitOptions::ALL.bits(), __WALL;
        WaitOptions::CLONE.bits(), __WCLONE;
        RandomFlags::NONBLOCK.bits(), GRND_NONBLOCK;
        RandomFlags::RANDOM.bits(), GRND_RANDOM;
        RandomFlags::INSECURE.bits(), GRND_INSECURE;
        PollFd::IN.cast_unsigned(), POLLIN;
        PollFd::PRI.cast_unsigned(), POLLPRI;
        PollFd::OUT.cast_unsigned(), POLLOUT;
        PollFd::ERR.cast_unsigned(), POLLERR;
        PollFd::HUP.cast_unsigned(), POLLHUP;
        PollFd::NVAL.cast_unsigned(), POLLNVAL;
        PollFd::RDHUP.cast_unsigned(), POLLRDHUP;
        SigAltStack::ON_STACK.cast_unsigned(), SS_ONSTACK;
        SigAltStack::DISABLE.cast_unsigned(), SS_DISABLE;
        SigAltStack::AUTODISARM.cast_unsigned(), SS_AUTODISARM;
        SigAltStack::MIN_BYTES, MINSIGSTKSZ;
        SigInfo::SEGV_MAPERR.cast_unsigned(), SEGV_MAPERR;
        SigInfo::SEGV_ACCERR.cast_unsigned(), SEGV_ACCERR;
        SigInfo::BUS_ADRALN.cast_unsigned(), BUS_ADRALN;
        SigInfo::BUS_ADRERR.cast_unsigned(), BUS_ADRERR;
        SigInfo::ILL_ILLOPN.cast_unsigned(), ILL_ILLOPN;
        SigInfo::FPE_INTDIV.cast_unsigned(), FPE_INTDIV;
        SigInfo::FPE_FLTINV.cast_unsigned(), FPE_FLTINV;
        SigInfo::TRAP_BRKPT.cast_unsigned(), TRAP_BRKPT;
        SigInfo::TRAP_TRACE.cast_unsigned(), TRAP_TRACE;
        SigInfo::CLD_EXITED.cast_unsigned(), CLD_EXITED;
        SigInfo::CLD_KILLED.cast_unsigned(), CLD_KILLED;
        SigInfo::CLD_DUMPED.cast_unsigned(), CLD_DUMPED;
        SigInfo::CLD_STOPPED.cast_unsigned(), CLD_STOPPED;
        SigInfo::CLD_CONTINUED.cast_unsigned(), CLD_CONTINUED;
        SigInfo::USER.cast_unsigned(), SI_USER;
        SigInfo::KERNEL.cast_unsigned(), SI_KERNEL;
    }
    same_flags! { ioctl:
        commands::TCGETS, TCGETS;
        commands::TCSETS, TCSETS;
        commands::TCSETSW, TCSETSW;
        commands::TCSETSF, TCSETSF;
        commands::TIOCSCTTY, TIOCSCTTY;
        commands::TIOCGPGRP, TIOCGPGRP;
        commands::TIOCSPGRP, TIOCSPGRP;
        commands::TIOCGWINSZ, TIOCGWINSZ;
        commands::TIOCSWINSZ, TIOCSWINSZ;
        commands::FIONREAD, FIONREAD;
        commands::FIONBIO, FIONBIO;
        commands::TIOCNOTTY, TIOCNOTTY;
        commands::FIONCLEX, FIONCLEX;
        commands::FIOCLEX, FIOCLEX;
    }
    same_flags! { auxvec:
        auxiliary::AT_NULL, AT_NULL;
        auxiliary::AT_PHDR, AT_PHDR;
        auxiliary::AT_PHENT, AT_PHENT;
        auxiliary::AT_PHNUM, AT_PHNUM;
        auxiliary::AT_PAGESZ, AT_PAGESZ;
        auxiliary::AT_BASE, AT_BASE;
        auxiliary::AT_FLAGS, AT_FLAGS;
        auxiliary::AT_ENTRY, AT_ENTRY;
        auxiliary::AT_UID, AT_UID;
        auxiliary::AT_EUID, AT_EUID;
        auxiliary::AT_GID, AT_GID;
        auxiliary::AT_EGID, AT_EGID;
        auxiliary::AT_PLATFORM, AT_PLATFORM;
        auxiliary::AT_HWCAP, AT_HWCAP;
        auxiliary::AT_CLKTCK, AT_CLKTCK;
        auxiliary::AT_SECURE, AT_SECURE;
        auxiliary::AT_RANDOM, AT_RANDOM;
        auxiliary::AT_HWCAP2, AT_HWCAP2;
        auxiliary::AT_EXECFN, AT_EXECFN;
        auxiliary::AT_SYSINFO_EHDR, AT_SYSINFO_EHDR;
        auxiliary::AT_MINSIGSTKSZ, AT_MINSIGSTKSZ;
    }
    assert_eq!(file::AT_FDCWD, general::AT_FDCWD);
    let negative = [SigInfo::QUEUE, SigInfo::TIMER, SigInfo::TKILL];
    assert_eq!(negative, [general::SI_QUEUE, general::SI_TIMER, general::SI_TKILL]);
}

#[test]
fn values_keep_their_bytes() {
    let mut bytes = [0u8; Stat::BYTES];
    for (byte, value) in bytes.iter_mut().zip(1..) {
        *byte = value;
    }
    let stat = Stat::from_bytes(&bytes);
    assert_eq!(stat.links, 0x1817_1615_1413_1211);
    assert_eq!(stat.modified.nanoseconds.to_le_bytes(), [97, 98, 99, 100, 101, 102, 103, 104]);
    assert_eq!(stat.to_bytes(), bytes);

    let poll = PollFd { fd: -1, events: PollFd::IN, returned_events: PollFd::NVAL };
    assert_eq!(poll.to_bytes(), [255, 255, 255, 255, 1, 0, 0x20, 0]);
    assert_eq!(PollFd::from_bytes(&poll.to_bytes()), poll);
}

#[test]
fn padding_is_zero() {
    let info = SysInfo { unit_bytes: !0, processes: !0, padding: !0, ..SysInfo::zeroed() };
    let bytes = info.to_bytes();
    assert_eq!(bytes[80..88], [255, 255, 255, 255, 0, 0, 0, 0]);
    assert_eq!(bytes[104..], [255, 255, 255, 255, 0, 0, 0, 0]);
}

#[test]
fn signal_information_has_its_fields_where_programs_look() {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let sent = SigInfo::from_process(15, SigInfo::TKILL, 77, 1000, 0x1234_5678_9abc).to_bytes();
    assert_eq!([word(&sent, 0), word(&sent, 4), word(&sent, 8)], [15, 0, 0xffff_fffa]);
    assert_eq!([word(&sent, 16), word(&sent, 20)], [77, 1000]);
    assert_eq!(long(&sent, 24), 0x1234_5678_9abc);
    let fault = SigInfo::from_fault(11, SigInfo::SEGV_ACCERR, 0x7fff_0000_1234).to_bytes();
    assert_eq!((word(&fault, 8), long(&fault, 16)), (2, 0x7fff_0000_1234));
    let child = SigInfo::from_child(17, SigInfo::CLD_KILLED, (9, 5), 11, (3, 4)).to_bytes();
    assert_eq!([word(&child, 16), word(&child, 20), word(&child, 24)], [9, 5, 11]);
    assert_eq!([long(&child, 32), long(&child, 40)], [3, 4]);
    assert_eq!(SigInfo::from_kernel(9, SigInfo::KERNEL).to_bytes()[12..], [0; 116]);
}

#[test]
fn a_signal_frame_has_its_parts_where_restorers_look() {
    let mut frame = SigFrame::zeroed();
    frame.return_address = 1;
    frame.context.registers.rip = 2;
    frame.context.registers.ss = 3;
    frame.context.registers.fpu_state = 4;
    frame.context.mask = 5;
    frame.info.signal = 6;
    let bytes = frame.to_bytes();
    let set: Vec<_> = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).collect();
    // 8 + 40 is where the registers start.
    let expected =
        [(0, &1), (48 + 128, &2), (48 + 150, &3), (48 + 184, &4), (8 + 296, &5), (312, &6)];
    assert_eq!(set, expected);
    assert_eq!(SigFrame::from_bytes(&bytes), frame);
}

#[test]
fn directory_entries_are_laid_out_as_linux_does() {
    let mut buffer = [0xaa; 60];
    let mut entries = DirectoryEntries::new(&mut buffer);
    let kind = EntryKind::from_mode(0o100_755);
    assert_eq!(kind, EntryKind::REGULAR);
    entries.push(0x1122, 5, kind, b"abcde").unwrap();
    assert_eq!(entries.push(1, 1, kind, b"a/b"), Err(NotWritten::BadName));
    assert_eq!(entries.push(1, 1, kind, b""), Err(NotWritten::BadName));
    assert_eq!(entries.push(1, 1, kind, &[b'x'; 256]), Err(NotWritten::BadName));
    assert_eq!(entries.push(1, 1, kind, &[b'x'; 20]), Err(NotWritten::NoRoom));
    assert_eq!(entries.written_bytes(), 32);
    entries.push(1, 6, EntryKind::DIRECTORY, b"abcd").unwrap();
    assert_eq!(entries.written_bytes(), 56);
    type Entry = general::linux_dirent64;
    assert_eq!(buffer[..8], 0x1122u64.to_le_bytes());
    assert_eq!(buffer[offset_of!(Entry, d_off)..][..8], 5u64.to_le_bytes());
    assert_eq!(buffer[offset_of!(Entry, d_reclen)..][..2], [32, 0]);
    assert_eq!(u32::from(buffer[offset_of!(Entry, d_type)]), general::DT_REG);
    // The name's end and the padding are zeros, whatever was in the buffer.
    assert_eq!(&buffer[offset_of!(Entry, d_name)..32], b"abcde\0\0\0\0\0\0\0\0");
    assert_eq!(&buffer[32 + 19..56], b"abcd\0");
    assert_eq!(buffer[56..], [0xaa; 4]);
}

#[test]
fn old_directory_entries_have_their_kind_at_the_end() {
    let mut buffer = [0xaa; 60];
    let mut entries = DirectoryEntries::old(&mut buffer);
    entries.push(0x1122, 5, EntryKind::REGULAR, b"abcd").unwrap();
    // With the kind the next name needs 8 bytes more.
    entries.push(1, 6, EntryKind::DIRECTORY, b"abcde").unwrap();
    assert_eq!(entries.push(1, 6, EntryKind::DIRECTORY, b"."), Err(NotWritten::NoRoom));
    assert_eq!(entries.written_bytes(), 24 + 32);
    assert_eq!(buffer[..8], 0x1122u64.to_le_bytes());
    assert_eq!(buffer[8..16], 5u64.to_le_bytes());
    assert_eq!(buffer[16..18], [24, 0]);
    assert_eq!(&buffer[18..24], b"abcd\0\x08");
}
