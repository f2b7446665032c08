//! Starting programs: [`Command`], [`Sandbox`].

use core::ffi::CStr;

use linux_abi::native::{
    CallNumbers, CreateProcess, LimitValues, NativeCall, create_flags, isolation, network_rights,
    violation,
};

use crate::error::Error;
use crate::process::{Class, Pid, Priority};
use crate::strings::StringList;
use crate::system;

/// The most arguments, and the most variables of the environment, that a [`Command`] takes.
const MOST_STRINGS: usize = 255;

/// In whose name a program runs.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Further groups.
    pub groups: &'a [u32],
}

/// What the processes of a sandbox may do with the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Network {
    /// Nothing.
    #[default]
    None,
    /// Connect, and send datagrams to addresses.
    Connect,
    /// Bind to ports and listen.
    Listen,
    /// Both.
    Both,
}

/// What becomes of a call that a sandbox does not allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnViolation {
    /// It answers EPERM.
    #[default]
    Refuse,
    /// The process ends by SIGSYS.
    Kill,
}

/// A sandbox of its own for a program.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox<'a> {
    /// Its root: a directory. The program's path and working directory are below it.
    pub root: &'a CStr,
    /// The system calls that it allows, by number; none for the usual ones.
    pub calls: Option<&'a [u64]>,
    /// What it may do with the network.
    pub network: Network,
    /// What becomes of other calls.
    pub on_violation: OnViolation,
}

/// A program to be started, as a child of the caller. What nobody says is as the caller's; the
/// environment is empty, input is empty, and output is kept for operators.
///
/// ```no_run
/// use multios::{Command, LimitValues, Network, OnViolation, Sandbox, limit_bits};
///
/// # fn example() -> Result<(), multios::Error> {
/// let mut server = Command::new(c"/httpd")?;
/// server.argument(c"-f")?;
/// server.sandbox(Sandbox {
///     root: c"/srv/web",
///     calls: None,
///     network: Network::Listen,
///     on_violation: OnViolation::Refuse,
/// });
/// let set = limit_bits::MEMORY;
/// server.limits(LimitValues { set, memory_bytes: 64 << 20, ..LimitValues::zeroed() });
/// let pid = server.start()?;
/// # let _ = pid;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Command<'a> {
    arguments: StringList<'a, { MOST_STRINGS + 1 }>,
    environment: StringList<'a, { MOST_STRINGS + 1 }>,
    asked: CreateProcess,
    /// What `asked` has the addresses of.
    borrowed: core::marker::PhantomData<&'a ()>,
}

impl<'a> Command<'a> {
    /// A program, whose first argument is its path.
    ///
    /// # Errors
    /// None now: there is room for one argument.
    pub fn new(path: &'a CStr) -> Result<Self, Error> {
        let asked = CreateProcess {
            path: path.as_ptr() as u64,
            standard: [-1; 3],
            ..CreateProcess::zeroed()
        };
        let mut command = Self {
            arguments: StringList::new(),
            environment: StringList::new(),
            asked,
            borrowed: core::marker::PhantomData,
        };
        command.argument(path)?;
        Ok(command)
    }

    /// Adds an argument.
    ///
    /// # Errors
    /// `LimitExceeded` after 255.
    pub fn argument(&mut self, text: &'a CStr) -> Result<&mut Self, Error> {
        self.arguments.push(text).map_err(|_| too_many())?;
        Ok(self)
    }

    /// Adds a variable of the environment, as `NAME=value`.
    ///
    /// # Errors
    /// `LimitExceeded` after 255.
    pub fn variable(&mut self, text: &'a CStr) -> Result<&mut Self, Error> {
        self.environment.push(text).map_err(|_| too_many())?;
        Ok(self)
    }

    /// Where it works.
    pub fn working_directory(&mut self, path: &'a CStr) -> &mut Self {
        self.asked.working_directory = path.as_ptr() as u64;
        self
    }

    /// Its name in lists.
    pub fn name(&mut self, name: &'a CStr) -> &mut Self {
        self.asked.name = name.as_ptr() as u64;
        self
    }

    /// Has it use the caller's standard input, output and error.
    pub fn inherit_standard(&mut self) -> &mut Self {
        self.asked.standard = [0, 1, 2];
        self
    }

    /// In whose name it runs. Wants CAP_SETUID and CAP_SETGID, if that is not the caller.
    pub fn user(&mut self, user: User<'a>) -> &mut Self {
        self.asked.flags |= create_flags::USER;
        (self.asked.uid, self.asked.gid) = (user.uid, user.gid);
        self.asked.groups = user.groups.as_ptr() as u64;
        self.asked.group_count = u32::try_from(user.groups.len()).unwrap_or(u32::MAX);
        self
    }

    /// Its priority. Upwards wants CAP_SYS_NICE.
    pub fn priority(&mut self, priority: Priority) -> &mut Self {
        self.asked.priority = priority as u32;
        self
    }

    /// Its class.
    pub fn class(&mut self, class: Class) -> &mut Self {
        self.asked.class = class as u32;
        self
    }

    /// Its nice value, -20 to 19. Downwards wants CAP_SYS_NICE.
    pub fn nice(&mut self, nice: i8) -> &mut Self {
        self.asked.flags |= create_flags::NICE;
        self.asked.nice = nice.into();
        self
    }

    /// What it may use. More than the caller may wants CAP_SYS_RESOURCE.
    pub fn limits(&mut self, limits: LimitValues) -> &mut Self {
        self.asked.limits = limits;
        self
    }

    /// A sandbox of its own.
    pub fn sandbox(&mut self, sandbox: Sandbox<'a>) -> &mut Self {
        self.asked.isolation = isolation::SANDBOX;
        self.asked.root = sandbox.root.as_ptr() as u64;
        let calls = sandbox.calls.unwrap_or_default();
        self.asked.calls =
            CallNumbers { address: calls.as_ptr() as u64, count: calls.len() as u64 };
        self.asked.network = match sandbox.network {
            Network::None => 0,
            Network::Connect => network_rights::CONNECT,
            Network::Listen => network_rights::LISTEN,
            Network::Both => network_rights::ALL,
        };
        self.asked.on_violation = match sandbox.on_violation {
            OnViolation::Refuse => violation::REFUSE,
            OnViolation::Kill => violation::KILL,
        };
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`Error::System`] for a file that cannot be used; `PermissionDenied`, `LimitExceeded`,
    /// `InvalidLimits`, `ResourceExhausted`, `OutOfMemory`.
    pub fn start(&mut self) -> Result<Pid, Error> {
        self.asked.arguments = self.arguments.address();
        self.asked.environment = self.environment.address();
        let mut bytes = self.asked.to_bytes();
        // SAFETY: the structure is this call's; what it points to is borrowed for `'a` or in `self`.
        let pid = unsafe { system::with_structure(NativeCall::CREATE_PROCESS, &mut bytes) }?;
        Ok(Pid(u32::try_from(pid).unwrap_or(u32::MAX)))
    }
}

fn too_many() -> Error {
    Error::Refused(linux_abi::native::NativeError::LimitExceeded)
}
