//! Who a process acts for, and what it may do: credentials(7), capabilities(7).

use alloc::sync::Arc;

/// A user's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Uid(pub u32);

/// A group of users' number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Gid(pub u32);

macro_rules! capabilities {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// A capability, numbered as in Linux's `linux/capability.h`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "capabilities(7) says what each one allows")]
        pub enum Capability {
            $($name = $number,)*
        }

        impl Capability {
            /// Every capability, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name as the API writes it: Linux's, in lower case, without `CAP_`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

capabilities! {
    Chown = 0, "chown";
    DacOverride = 1, "dac_override";
    DacReadSearch = 2, "dac_read_search";
    Fowner = 3, "fowner";
    Fsetid = 4, "fsetid";
    Kill = 5, "kill";
    Setgid = 6, "setgid";
    Setuid = 7, "setuid";
    Setpcap = 8, "setpcap";
    LinuxImmutable = 9, "linux_immutable";
    NetBindService = 10, "net_bind_service";
    NetBroadcast = 11, "net_broadcast";
    NetAdmin = 12, "net_admin";
    NetRaw = 13, "net_raw";
    IpcLock = 14, "ipc_lock";
    IpcOwner = 15, "ipc_owner";
    SysModule = 16, "sys_module";
    SysRawio = 17, "sys_rawio";
    SysChroot = 18, "sys_chroot";
    SysPtrace = 19, "sys_ptrace";
    SysPacct = 20, "sys_pacct";
    SysAdmin = 21, "sys_admin";
    SysBoot = 22, "sys_boot";
    SysNice = 23, "sys_nice";
    SysResource = 24, "sys_resource";
    SysTime = 25, "sys_time";
    SysTtyConfig = 26, "sys_tty_config";
    Mknod = 27, "mknod";
    Lease = 28, "lease";
    AuditWrite = 29, "audit_write";
    AuditControl = 30, "audit_control";
    Setfcap = 31, "setfcap";
    MacOverride = 32, "mac_override";
    MacAdmin = 33, "mac_admin";
    Syslog = 34, "syslog";
    WakeAlarm = 35, "wake_alarm";
    BlockSuspend = 36, "block_suspend";
    AuditRead = 37, "audit_read";
    Perfmon = 38, "perfmon";
    Bpf = 39, "bpf";
    CheckpointRestore = 40, "checkpoint_restore";
}

impl Capability {
    /// The capability with this name, with or without `cap_`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let bare = match name.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("cap_") => &name[4..],
            _ => name,
        };
        Self::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(bare))
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// All of them: what root has.
    pub const ALL: Self = Self((1 << Capability::ALL.len()) - 1);

    /// Whether the capability is in the set.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }

    /// The set with this capability.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | (1 << capability as u8))
    }

    /// The set without this capability.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability as u8))
    }

    /// The set with these of Linux's bits; bits that mean nothing are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Linux's bits, as in `/proc/PID/status`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Those in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in one of the sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the other set has all of these.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The capabilities, by number.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |capability| self.contains(*capability))
    }
}

/// Who a process acts for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The user who started it.
    pub real_uid: Uid,
    /// The user whose rights it uses.
    pub effective_uid: Uid,
    /// The user whose rights it can take back.
    pub saved_uid: Uid,
    /// The group it was started with.
    pub real_gid: Gid,
    /// The group whose rights it uses.
    pub effective_gid: Gid,
    /// The group whose rights it can take back.
    pub saved_gid: Gid,
    /// The further groups.
    pub groups: Arc<[Gid]>,
    /// What it may do beyond its user's rights: the effective set.
    pub capabilities: CapabilitySet,
    /// What it may put into that set.
    pub permitted: CapabilitySet,
    /// What programs that it executes could inherit.
    pub inheritable: CapabilitySet,
    /// What programs that it executes can get at the most.
    pub bounding: CapabilitySet,
    /// Its permitted set outlives a change of its user: `PR_SET_KEEPCAPS`.
    pub keeps_capabilities: bool,
}

impl Credentials {
    /// The credentials of a process of this user: root has every capability, others have none.
    pub fn for_user(uid: Uid, gid: Gid, groups: Arc<[Gid]>) -> Self {
        let capabilities = if uid == Uid(0) { CapabilitySet::ALL } else { CapabilitySet::EMPTY };
        Self {
            real_uid: uid,
            effective_uid: uid,
            saved_uid: uid,
            real_gid: gid,
            effective_gid: gid,
            saved_gid: gid,
            groups,
            capabilities,
            permitted: capabilities,
            inheritable: CapabilitySet::EMPTY,
            bounding: CapabilitySet::ALL,
            keeps_capabilities: false,
        }
    }

    /// Root's, without further groups: what the kernel's own threads have.
    pub fn root() -> Self {
        Self::for_user(Uid(0), Gid(0), Arc::new([]))
    }

    /// Whether it may use this capability.
    pub const fn is_capable(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// Whether the limit of tasks a user may have does not bind it: setrlimit(2), RLIMIT_NPROC.
    pub const fn is_exempt_from_task_limit(&self) -> bool {
        self.real_uid.0 == 0
            || self.is_capable(Capability::SysResource)
            || self.is_capable(Capability::SysAdmin)
    }

    /// Whether it may look into a process with those credentials: ptrace(2).
    pub fn may_access(&self, other: &Self) -> bool {
        let is_same_user = [other.real_uid, other.effective_uid, other.saved_uid]
            .iter()
            .all(|uid| *uid == self.real_uid);
        let is_same_group = [other.real_gid, other.effective_gid, other.saved_gid]
            .iter()
            .all(|gid| *gid == self.real_gid);
        let has_no_less = other.permitted.is_within(self.permitted);
        self.is_capable(Capability::SysPtrace) || is_same_user && is_same_group && has_no_less
    }

    /// Whether it acts with the rights of this group.
    pub fn is_in_group(&self, gid: Gid) -> bool {
        self.effective_gid == gid || self.groups.contains(&gid)
    }
}
