//! System calls: from a number and six registers to an answer in one. One file an area; each call is
//! a function that takes the caller and decoded arguments and gives a value or an errno.

mod administration;
mod clone;
mod events;
mod exec;
mod file;
mod futex;
mod groups;
pub mod identity;
mod inotify;
mod limits;
mod memory;
mod native;
mod pidfd;
mod poll;
mod prctl;
mod priority;
mod process;
mod segment;
mod signal;
mod socket;
mod system;
mod throttle;
mod time;
mod timer;
mod unknown;
mod user;
mod users;
mod wait;

use alloc::sync::Arc;

use hal::user::UserContext;
use linux_abi::native::NativeCall;
use linux_abi::{Arguments, Errno, SystemCall, encode_result};
use vfs_core::LastLink;

use crate::process::sandbox::Violation;
use crate::process::{Interrupted, KnownFiles, Process};
use crate::scheduler::Thread;

/// Who makes a call.
struct Caller<'a> {
    thread: &'a Arc<Thread>,
    process: &'a Arc<Process>,
    context: &'a mut UserContext,
    /// The call's number.
    number: u64,
    /// What is left of an earlier call that a signal has interrupted.
    remainder: &'a mut Option<Remainder>,
    /// Files of descriptors that it has used lately.
    known_files: &'a mut KnownFiles,
    /// Until when the call waits, if it is the rest of an earlier one.
    resumed_deadline_ns: Option<u64>,
    /// What the call says of how it moves bytes.
    moving: Moving,
}

/// What a call says of how it moves bytes, whatever its file was opened for: `preadv2`, `pwritev2`.
#[derive(Clone, Copy, Default)]
struct Moving {
    /// It does not wait.
    never_waits: bool,
    /// Whether it writes at the end.
    appends: Option<bool>,
}

/// What is left of a call with a relative time that a signal has interrupted, for
/// `restart_syscall`. Its arguments are in the registers still.
#[derive(Clone, Copy, Debug)]
pub struct Remainder {
    number: u64,
    deadline_ns: u64,
}

impl Caller<'_> {
    /// Whether a wait is to end because of a signal, or because the process is to end. While the
    /// process is suspended it waits here. A call that is interrupted answers with one of the
    /// `ERESTART…` errors, or with what it has done so far.
    fn is_interrupted(&self) -> bool {
        self.process.interrupts(self.thread)
    }

    /// The error of an interrupted call that was to wait until then: without a handler it goes on.
    fn interrupted_until(&mut self, deadline_ns: u64) -> Errno {
        *self.remainder = Some(Remainder { number: self.number, deadline_ns });
        Errno::ERESTART_RESTARTBLOCK
    }
}

type Answer = Result<u64, Errno>;

/// Carries out the system call that the thread has just made. A thread that is to end finds that at
/// the border to its program. Says so if a signal has interrupted the call.
pub fn handle(
    thread: &Arc<Thread>,
    process: &Arc<Process>,
    context: &mut UserContext,
    (remainder, known_files): (&mut Option<Remainder>, &mut KnownFiles),
) -> Option<Interrupted> {
    let (number, registers) = context.system_call();
    let arguments = Arguments(registers);
    let call = SystemCall::new(number);
    if !leaves_descriptors(call) {
        known_files.forget();
    }
    let mut caller = Caller {
        thread,
        process,
        context,
        number,
        remainder,
        known_files,
        resumed_deadline_ns: None,
        moving: Moving::default(),
    };
    let answer = match process.confinement() {
        Some(confinement) if !confinement.allows(call) => {
            process.violate(Violation::Call(call));
            Err(Errno::EPERM)
        }
        _ => dispatch(&mut caller, call, &arguments),
    };
    caller.context.set_result(encode_result(answer));
    let restart = answer.err()?.restart()?;
    Some(Interrupted { number, restart })
}

/// Whether a call is known neither to change the process's descriptors nor to make anybody who could:
/// those that servers and filters make again and again.
fn leaves_descriptors(call: SystemCall) -> bool {
    matches!(
        call,
        SystemCall::READ
            | SystemCall::WRITE
            | SystemCall::FSTAT
            | SystemCall::POLL
            | SystemCall::LSEEK
            | SystemCall::PREAD64
            | SystemCall::PWRITE64
            | SystemCall::READV
            | SystemCall::WRITEV
            | SystemCall::SCHED_YIELD
            | SystemCall::GETPID
            | SystemCall::SENDTO
            | SystemCall::RECVFROM
            | SystemCall::GETPPID
            | SystemCall::FUTEX
            | SystemCall::EPOLL_WAIT
            | SystemCall::EPOLL_CTL
            | SystemCall::EPOLL_PWAIT
            | SystemCall::CLOCK_GETTIME
    )
}

/// Goes on with what is left of an interrupted call. Programs do not make this call themselves: the
/// border does it for them.
fn restart_syscall(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let remainder = caller.remainder.take().ok_or(Errno::EINTR)?;
    caller.number = remainder.number;
    caller.resumed_deadline_ns = Some(remainder.deadline_ns);
    dispatch(caller, SystemCall::new(remainder.number), arguments)
}

fn dispatch(caller: &mut Caller<'_>, call: SystemCall, arguments: &Arguments) -> Answer {
    match call {
        SystemCall::READ => file::read(caller, arguments),
        SystemCall::WRITE => file::write(caller, arguments),
        SystemCall::PREAD64 => file::pread(caller, arguments),
        SystemCall::PWRITE64 => file::pwrite(caller, arguments),
        SystemCall::READV => file::readv(caller, arguments),
        SystemCall::WRITEV => file::writev(caller, arguments),
        SystemCall::PREADV => file::preadv(caller, arguments),
        SystemCall::PWRITEV => file::pwritev(caller, arguments),
        SystemCall::PIPE => file::pipe(caller, arguments),
        SystemCall::PIPE2 => file::pipe2(caller, arguments),
        SystemCall::PREADV2 => file::preadv2(caller, arguments),
        SystemCall::PWRITEV2 => file::pwritev2(caller, arguments),
        SystemCall::COPY_FILE_RANGE => file::copy_file_range(caller, arguments),
        SystemCall::SENDFILE => file::sendfile(caller, arguments),
        SystemCall::SPLICE => file::splice(caller, arguments),
        SystemCall::TEE => file::tee(caller, arguments),
        SystemCall::VMSPLICE => file::vmsplice(caller, arguments),
        SystemCall::OPEN => file::open(caller, arguments),
        SystemCall::OPENAT => file::openat(caller, arguments),
        SystemCall::CREAT => file::creat(caller, arguments),
        SystemCall::CLOSE_RANGE => file::close_range(caller, arguments),
        SystemCall::CLOSE => file::close(caller, arguments),
        SystemCall::LSEEK => file::seek(caller, arguments),
        SystemCall::STAT => file::stat(caller, arguments),
        SystemCall::LSTAT => file::lstat(caller, arguments),
        SystemCall::FSTAT => file::fstat(caller, arguments),
        SystemCall::NEWFSTATAT => file::fstatat(caller, arguments),
        SystemCall::ACCESS => file::access(caller, arguments),
        SystemCall::FACCESSAT => file::faccessat(caller, arguments),
        SystemCall::READLINK => file::readlink(caller, arguments),
        SystemCall::READLINKAT => file::readlinkat(caller, arguments),
        SystemCall::GETDENTS => file::getdents(caller, arguments),
        SystemCall::GETDENTS64 => file::getdents64(caller, arguments),
        SystemCall::STATX => file::statx(caller, arguments),
        SystemCall::STATFS => file::statfs(caller, arguments),
        SystemCall::FSTATFS => file::fstatfs(caller, arguments),
        SystemCall::FACCESSAT2 => file::faccessat2(caller, arguments),
        SystemCall::MKDIR => file::mkdir(caller, arguments),
        SystemCall::MKDIRAT => file::mkdirat(caller, arguments),
        SystemCall::MKNOD => file::mknod(caller, arguments),
        SystemCall::MKNODAT => file::mknodat(caller, arguments),
        SystemCall::SYMLINK => file::symlink(caller, arguments),
        SystemCall::SYMLINKAT => file::symlinkat(caller, arguments),
        SystemCall::LINK => file::link(caller, arguments),
        SystemCall::LINKAT => file::linkat(caller, arguments),
        SystemCall::UNLINK => file::unlink(caller, arguments),
        SystemCall::UNLINKAT => file::unlinkat(caller, arguments),
        SystemCall::RMDIR => file::rmdir(caller, arguments),
        SystemCall::RENAME => file::rename(caller, arguments),
        SystemCall::RENAMEAT => file::renameat(caller, arguments),
        SystemCall::RENAMEAT2 => file::renameat2(caller, arguments),
        SystemCall::CHMOD => file::chmod(caller, arguments),
        SystemCall::FCHMOD => file::fchmod(caller, arguments),
        SystemCall::FCHMODAT => file::fchmodat(caller, arguments),
        SystemCall::FCHMODAT2 => file::fchmodat2(caller, arguments),
        SystemCall::CHOWN => file::chown(caller, arguments),
        SystemCall::FCHOWN => file::fchown(caller, arguments),
        SystemCall::LCHOWN => file::lchown(caller, arguments),
        SystemCall::FCHOWNAT => file::fchownat(caller, arguments),
        SystemCall::UTIMENSAT => file::utimensat(caller, arguments),
        SystemCall::UTIMES => file::utimes(caller, arguments),
        SystemCall::FUTIMESAT => file::futimesat(caller, arguments),
        SystemCall::UTIME => file::utime(caller, arguments),
        SystemCall::TRUNCATE => file::truncate(caller, arguments),
        SystemCall::FTRUNCATE => file::ftruncate(caller, arguments),
        SystemCall::FALLOCATE => file::fallocate(caller, arguments),
        SystemCall::SYNC => file::sync(),
        SystemCall::FSYNC | SystemCall::FDATASYNC => file::fsync(caller, arguments),
        SystemCall::READAHEAD => file::readahead(caller, arguments),
        SystemCall::SYNC_FILE_RANGE => file::sync_file_range(caller, arguments),
        SystemCall::SYNCFS => file::syncfs(caller, arguments),
        SystemCall::FCHDIR => file::fchdir(caller, arguments),
        SystemCall::CHROOT => file::chroot(caller, arguments),
        SystemCall::UMASK => file::umask(caller, arguments),
        SystemCall::MOUNT => file::mount(caller, arguments),
        SystemCall::UMOUNT2 => file::umount(caller, arguments),
        SystemCall::GETXATTR
        | SystemCall::SETXATTR
        | SystemCall::LISTXATTR
        | SystemCall::REMOVEXATTR => file::xattr(caller, arguments, LastLink::Follow),
        SystemCall::LGETXATTR
        | SystemCall::LSETXATTR
        | SystemCall::LLISTXATTR
        | SystemCall::LREMOVEXATTR => file::xattr(caller, arguments, LastLink::Keep),
        SystemCall::FGETXATTR
        | SystemCall::FSETXATTR
        | SystemCall::FLISTXATTR
        | SystemCall::FREMOVEXATTR => file::fxattr(caller, arguments),
        SystemCall::GETCWD => file::getcwd(caller, arguments),
        SystemCall::CHDIR => file::chdir(caller, arguments),
        SystemCall::IOCTL => file::ioctl(caller, arguments),
        SystemCall::FCNTL => file::fcntl(caller, arguments),
        SystemCall::FLOCK => file::flock(caller, arguments),
        SystemCall::MEMFD_CREATE => file::memfd_create(caller, arguments),
        SystemCall::DUP => file::dup(caller, arguments),
        SystemCall::DUP2 => file::dup2(caller, arguments),
        SystemCall::DUP3 => file::dup3(caller, arguments),
        SystemCall::FADVISE64 => file::fadvise(caller, arguments),

        SystemCall::POLL => poll::poll(caller, arguments),
        SystemCall::PPOLL => poll::ppoll(caller, arguments),
        SystemCall::SELECT => poll::select(caller, arguments),
        SystemCall::PSELECT6 => poll::pselect(caller, arguments),
        SystemCall::EPOLL_CREATE => events::epoll_create(caller, arguments),
        SystemCall::EPOLL_CREATE1 => events::epoll_create1(caller, arguments),
        SystemCall::EPOLL_CTL => events::epoll_ctl(caller, arguments),
        SystemCall::EPOLL_WAIT => events::epoll_wait(caller, arguments),
        SystemCall::EPOLL_PWAIT => events::epoll_pwait(caller, arguments),
        SystemCall::EPOLL_PWAIT2 => events::epoll_pwait2(caller, arguments),
        SystemCall::EVENTFD => events::eventfd(caller, arguments),
        SystemCall::EVENTFD2 => events::eventfd2(caller, arguments),
        SystemCall::TIMERFD_CREATE => events::timerfd_create(caller, arguments),
        SystemCall::TIMERFD_SETTIME => events::timerfd_settime(caller, arguments),
        SystemCall::TIMERFD_GETTIME => events::timerfd_gettime(caller, arguments),

        SystemCall::INOTIFY_INIT => inotify::init(caller),
        SystemCall::INOTIFY_INIT1 => inotify::init1(caller, arguments),
        SystemCall::INOTIFY_ADD_WATCH => inotify::add_watch(caller, arguments),
        SystemCall::INOTIFY_RM_WATCH => inotify::rm_watch(caller, arguments),

        SystemCall::SOCKET => socket::socket(caller, arguments),
        SystemCall::SOCKETPAIR => socket::socketpair(caller, arguments),
        SystemCall::BIND => socket::bind(caller, arguments),
        SystemCall::LISTEN => socket::listen(caller, arguments),
        SystemCall::ACCEPT => socket::accept(caller, arguments),
        SystemCall::ACCEPT4 => socket::accept4(caller, arguments),
        SystemCall::CONNECT => socket::connect(caller, arguments),
        SystemCall::GETSOCKNAME => socket::getsockname(caller, arguments),
        SystemCall::GETPEERNAME => socket::getpeername(caller, arguments),
        SystemCall::SENDTO => socket::sendto(caller, arguments),
        SystemCall::RECVFROM => socket::recvfrom(caller, arguments),
        SystemCall::SENDMSG => socket::sendmsg(caller, arguments),
        SystemCall::RECVMSG => socket::recvmsg(caller, arguments),
        SystemCall::SENDMMSG => socket::sendmmsg(caller, arguments),
        SystemCall::RECVMMSG => socket::recvmmsg(caller, arguments),
        SystemCall::SHUTDOWN => socket::shutdown(caller, arguments),
        SystemCall::SETSOCKOPT => socket::setsockopt(caller, arguments),
        SystemCall::GETSOCKOPT => socket::getsockopt(caller, arguments),

        SystemCall::MMAP => memory::mmap(caller, arguments),
        SystemCall::MUNMAP => memory::munmap(caller, arguments),
        SystemCall::MREMAP => memory::mremap(caller, arguments),
        SystemCall::MPROTECT => memory::mprotect(caller, arguments),
        SystemCall::BRK => memory::brk(caller, arguments),
        SystemCall::MADVISE => memory::madvise(caller, arguments),
        SystemCall::MINCORE => memory::mincore(caller, arguments),
        SystemCall::MSYNC => memory::msync(caller, arguments),
        SystemCall::MLOCK => memory::mlock(caller, arguments),
        SystemCall::MLOCK2 => memory::mlock2(caller, arguments),
        SystemCall::MUNLOCK => memory::munlock(caller, arguments),
        SystemCall::MLOCKALL => memory::mlockall(caller, arguments),
        SystemCall::MUNLOCKALL => memory::munlockall(caller, arguments),
        SystemCall::SHMGET => segment::shmget(caller, arguments),
        SystemCall::SHMAT => segment::shmat(caller, arguments),
        SystemCall::SHMDT => segment::shmdt(caller, arguments),
        SystemCall::SHMCTL => segment::shmctl(caller, arguments),

        SystemCall::EXIT => process::exit(caller, arguments),
        SystemCall::EXIT_GROUP => process::exit_group(caller, arguments),
        SystemCall::GETPID => Ok(u64::from(caller.process.pid().number())),
        SystemCall::GETTID => Ok(u64::from(caller.thread.tid().number())),
        SystemCall::GETPPID => process::getppid(caller),
        SystemCall::GETUID => users::getuid(caller),
        SystemCall::GETEUID => users::geteuid(caller),
        SystemCall::GETGID => users::getgid(caller),
        SystemCall::GETEGID => users::getegid(caller),
        SystemCall::GETRESUID => users::getresuid(caller, arguments),
        SystemCall::GETRESGID => users::getresgid(caller, arguments),
        SystemCall::SETUID => users::setuid(caller, arguments),
        SystemCall::SETGID => users::setgid(caller, arguments),
        SystemCall::SETREUID => users::setreuid(caller, arguments),
        SystemCall::SETREGID => users::setregid(caller, arguments),
        SystemCall::SETRESUID => users::setresuid(caller, arguments),
        SystemCall::SETRESGID => users::setresgid(caller, arguments),
        SystemCall::SETFSUID => users::setfsuid(caller),
        SystemCall::SETFSGID => users::setfsgid(caller),
        SystemCall::GETGROUPS => users::getgroups(caller, arguments),
        SystemCall::SETGROUPS => users::setgroups(caller, arguments),
        SystemCall::CAPGET => users::capget(caller, arguments),
        SystemCall::CAPSET => users::capset(caller, arguments),
        SystemCall::GETPGRP => groups::getpgrp(caller),
        SystemCall::GETPGID => groups::getpgid(caller, arguments),
        SystemCall::SETPGID => groups::setpgid(caller, arguments),
        SystemCall::GETSID => groups::getsid(caller, arguments),
        SystemCall::SETSID => groups::setsid(caller),
        SystemCall::PIDFD_OPEN => pidfd::pidfd_open(caller, arguments),
        SystemCall::PIDFD_GETFD => pidfd::pidfd_getfd(caller, arguments),
        SystemCall::PIDFD_SEND_SIGNAL => pidfd::pidfd_send_signal(caller, arguments),
        SystemCall::PERSONALITY => prctl::personality(arguments),
        SystemCall::MEMBARRIER => prctl::membarrier(caller, arguments),
        SystemCall::GETCPU => priority::getcpu(caller, arguments),
        SystemCall::GETPRIORITY => priority::getpriority(caller, arguments),
        SystemCall::SETPRIORITY => priority::setpriority(caller, arguments),
        SystemCall::SCHED_SETSCHEDULER => priority::sched_setscheduler(caller, arguments),
        SystemCall::SCHED_GETSCHEDULER => priority::sched_getscheduler(caller, arguments),
        SystemCall::SCHED_SETPARAM => priority::sched_setparam(caller, arguments),
        SystemCall::SCHED_GETPARAM => priority::sched_getparam(caller, arguments),
        SystemCall::SCHED_GET_PRIORITY_MAX => priority::sched_get_priority_max(arguments),
        SystemCall::SCHED_GET_PRIORITY_MIN => priority::sched_get_priority_min(arguments),
        SystemCall::SCHED_RR_GET_INTERVAL => priority::sched_rr_get_interval(caller, arguments),
        SystemCall::SCHED_SETATTR => priority::sched_setattr(caller, arguments),
        SystemCall::SCHED_GETATTR => priority::sched_getattr(caller, arguments),
        SystemCall::SCHED_SETAFFINITY => priority::sched_setaffinity(caller, arguments),
        SystemCall::GETRLIMIT => limits::getrlimit(caller, arguments),
        SystemCall::SETRLIMIT => limits::setrlimit(caller, arguments),
        SystemCall::GETRUSAGE => limits::getrusage(caller, arguments),
        SystemCall::TIMES => limits::times(caller, arguments),
        SystemCall::ARCH_PRCTL => process::arch_prctl(caller, arguments),
        SystemCall::PRCTL => prctl::prctl(caller, arguments),
        SystemCall::CLONE => clone::clone(caller, arguments),
        SystemCall::CLONE3 => clone::clone3(caller, arguments),
        SystemCall::FORK => clone::fork(caller),
        SystemCall::VFORK => clone::vfork(caller),
        SystemCall::EXECVE => exec::execve(caller, arguments),
        SystemCall::EXECVEAT => exec::execveat(caller, arguments),
        SystemCall::WAIT4 => wait::wait4(caller, arguments),
        SystemCall::WAITID => wait::waitid(caller, arguments),
        SystemCall::FUTEX => futex::futex(caller, arguments),
        SystemCall::SET_TID_ADDRESS => futex::set_tid_address(caller, arguments),
        SystemCall::SET_ROBUST_LIST => futex::set_robust_list(caller, arguments),
        SystemCall::GET_ROBUST_LIST => futex::get_robust_list(caller, arguments),
        // The C libraries ask and do without; their loss is a few cycles in `getcpu`.
        SystemCall::RSEQ => Err(Errno::ENOSYS),
        SystemCall::PRLIMIT64 => limits::prlimit(caller, arguments),
        SystemCall::SCHED_YIELD => process::sched_yield(),
        SystemCall::SCHED_GETAFFINITY => priority::sched_getaffinity(caller, arguments),

        SystemCall::RT_SIGACTION => signal::sigaction(caller, arguments),
        SystemCall::RT_SIGPROCMASK => signal::sigprocmask(caller, arguments),
        SystemCall::RT_SIGPENDING => signal::sigpending(caller, arguments),
        SystemCall::RT_SIGSUSPEND => signal::sigsuspend(caller, arguments),
        SystemCall::RT_SIGRETURN => signal::sigreturn(caller),
        SystemCall::SIGALTSTACK => signal::sigaltstack(caller, arguments),
        SystemCall::KILL => signal::kill(caller, arguments),
        SystemCall::TKILL => signal::tkill(caller, arguments),
        SystemCall::TGKILL => signal::tgkill(caller, arguments),
        SystemCall::RT_SIGQUEUEINFO => signal::sigqueueinfo(caller, arguments),
        SystemCall::RT_TGSIGQUEUEINFO => signal::tgsigqueueinfo(caller, arguments),
        SystemCall::RT_SIGTIMEDWAIT => signal::sigtimedwait(caller, arguments),
        SystemCall::SIGNALFD => signal::signalfd(caller, arguments),
        SystemCall::SIGNALFD4 => signal::signalfd4(caller, arguments),
        SystemCall::ALARM => timer::alarm(caller, arguments),
        SystemCall::GETITIMER => timer::getitimer(caller, arguments),
        SystemCall::SETITIMER => timer::setitimer(caller, arguments),
        SystemCall::TIMER_CREATE => timer::timer_create(caller, arguments),
        SystemCall::TIMER_SETTIME => timer::timer_settime(caller, arguments),
        SystemCall::TIMER_GETTIME => timer::timer_gettime(caller, arguments),
        SystemCall::TIMER_GETOVERRUN => timer::timer_getoverrun(caller, arguments),
        SystemCall::TIMER_DELETE => timer::timer_delete(caller, arguments),
        SystemCall::PAUSE => signal::pause(caller),
        SystemCall::RESTART_SYSCALL => restart_syscall(caller, arguments),

        SystemCall::NANOSLEEP => time::nanosleep(caller, arguments),
        SystemCall::CLOCK_NANOSLEEP => time::clock_nanosleep(caller, arguments),
        SystemCall::CLOCK_GETTIME => time::clock_gettime(caller, arguments),
        SystemCall::CLOCK_GETRES => time::clock_getres(arguments),
        SystemCall::GETTIMEOFDAY => time::gettimeofday(arguments),
        SystemCall::TIME => time::time(arguments),

        SystemCall::SETHOSTNAME => administration::sethostname(caller, arguments),
        SystemCall::SETDOMAINNAME => administration::setdomainname(caller, arguments),
        SystemCall::REBOOT => administration::reboot(caller, arguments),
        SystemCall::SYSLOG => administration::syslog(caller, arguments),
        SystemCall::CLOCK_SETTIME | SystemCall::SETTIMEOFDAY => administration::set_clock(),
        SystemCall::UNAME => system::uname(arguments),
        SystemCall::SYSINFO => system::sysinfo(arguments),
        SystemCall::GETRANDOM => system::getrandom(caller, arguments),
        _ => {
            let own = NativeCall::from_number(call.number());
            if let Some(answer) = own.and_then(|own| native::dispatch(caller, own, arguments)) {
                return answer;
            }
            unknown::note(caller.process, call);
            Err(Errno::ENOSYS)
        }
    }
}
