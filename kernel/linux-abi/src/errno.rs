//! Error numbers: [`Errno`].

use core::fmt;

/// Why a system call failed: a number of errno(3), 1 to 133.
///
/// ```
/// use linux_abi::{Errno, encode_result};
///
/// assert_eq!(Errno::ENOENT.name(), "ENOENT");
/// assert_eq!(encode_result(Ok(3)), 3);
/// assert_eq!(encode_result(Err(Errno::ENOENT)), -2i64 as u64);
/// assert_eq!(linux_abi::decode_result(-2i64 as u64), Err(Errno::ENOENT));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(u8);

impl Errno {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// One that stays in the kernel (`restart.rs`).
    pub(crate) const fn internal(number: u8) -> Self {
        Self(number)
    }

    const fn is_internal(self) -> bool {
        self.0 as usize >= NAMES.len()
    }

    /// The name, as `"ENOENT"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("")
    }
}

/// What a system call leaves in RAX: its result, or the negated error number.
#[must_use]
pub const fn encode_result(result: Result<u64, Errno>) -> u64 {
    match result {
        Ok(value) => value,
        Err(errno) if errno.is_internal() => (Errno::EINTR.0 as u64).wrapping_neg(),
        Err(errno) => (errno.0 as u64).wrapping_neg(),
    }
}

/// What a program makes of RAX: the reverse of [`encode_result`].
///
/// # Errors
/// The number that the kernel answered; EIO for one that is none of errno(3)'s.
pub fn decode_result(word: u64) -> Result<u64, Errno> {
    const LAST_PAGE: u64 = 4096;
    match word.wrapping_neg() {
        number @ 1..LAST_PAGE => {
            let known = u8::try_from(number).ok().map(Errno);
            Err(known.filter(|errno| !errno.is_internal()).unwrap_or(Errno::EIO))
        }
        _ => Ok(word),
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Errno {}

macro_rules! errors {
    ($last:literal: $($name:ident = $number:literal;)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "` of errno(3).")]
                pub const $name: Self = Self($number);
            )*
        }

        const NAMES: [&str; $last + 1] = {
            let mut names = [""; $last + 1];
            $(names[$number] = stringify!($name);)*
            names
        };
    };
}

errors! {
    133:
    EPERM = 1; ENOENT = 2; ESRCH = 3; EINTR = 4; EIO = 5; ENXIO = 6; E2BIG = 7; ENOEXEC = 8;
    EBADF = 9; ECHILD = 10; EAGAIN = 11; ENOMEM = 12; EACCES = 13; EFAULT = 14; ENOTBLK = 15;
    EBUSY = 16; EEXIST = 17; EXDEV = 18; ENODEV = 19; ENOTDIR = 20; EISDIR = 21; EINVAL = 22;
    ENFILE = 23; EMFILE = 24; ENOTTY = 25; ETXTBSY = 26; EFBIG = 27; ENOSPC = 28; ESPIPE = 29;
    EROFS = 30; EMLINK = 31; EPIPE = 32; EDOM = 33; ERANGE = 34; EDEADLK = 35; ENAMETOOLONG = 36;
    ENOLCK = 37; ENOSYS = 38; ENOTEMPTY = 39; ELOOP = 40; ENOMSG = 42; EIDRM = 43; ECHRNG = 44;
    EL2NSYNC = 45; EL3HLT = 46; EL3RST = 47; ELNRNG = 48; EUNATCH = 49; ENOCSI = 50; EL2HLT = 51;
    EBADE = 52; EBADR = 53; EXFULL = 54; ENOANO = 55; EBADRQC = 56; EBADSLT = 57; EBFONT = 59;
    ENOSTR = 60; ENODATA = 61; ETIME = 62; ENOSR = 63; ENONET = 64; ENOPKG = 65; EREMOTE = 66;
    ENOLINK = 67; EADV = 68; ESRMNT = 69; ECOMM = 70; EPROTO = 71; EMULTIHOP = 72; EDOTDOT = 73;
    EBADMSG = 74; EOVERFLOW = 75; ENOTUNIQ = 76; EBADFD = 77; EREMCHG = 78; ELIBACC = 79;
    ELIBBAD = 80; ELIBSCN = 81; ELIBMAX = 82; ELIBEXEC = 83; EILSEQ = 84; ERESTART = 85;
    ESTRPIPE = 86; EUSERS = 87; ENOTSOCK = 88; EDESTADDRREQ = 89; EMSGSIZE = 90; EPROTOTYPE = 91;
    ENOPROTOOPT = 92; EPROTONOSUPPORT = 93; ESOCKTNOSUPPORT = 94; EOPNOTSUPP = 95;
    EPFNOSUPPORT = 96; EAFNOSUPPORT = 97; EADDRINUSE = 98; EADDRNOTAVAIL = 99; ENETDOWN = 100;
    ENETUNREACH = 101; ENETRESET = 102; ECONNABORTED = 103; ECONNRESET = 104; ENOBUFS = 105;
    EISCONN = 106; ENOTCONN = 107; ESHUTDOWN = 108; ETOOMANYREFS = 109; ETIMEDOUT = 110;
    ECONNREFUSED = 111; EHOSTDOWN = 112; EHOSTUNREACH = 113; EALREADY = 114; EINPROGRESS = 115;
    ESTALE = 116; EUCLEAN = 117; ENOTNAM = 118; ENAVAIL = 119; EISNAM = 120; EREMOTEIO = 121;
    EDQUOT = 122; ENOMEDIUM = 123; EMEDIUMTYPE = 124; ECANCELED = 125; ENOKEY = 126;
    EKEYEXPIRED = 127; EKEYREVOKED = 128; EKEYREJECTED = 129; EOWNERDEAD = 130;
    ENOTRECOVERABLE = 131; ERFKILL = 132; EHWPOISON = 133;
}
