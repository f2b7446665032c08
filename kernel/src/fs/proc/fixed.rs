//! The names in `/proc` and `/sys` that are always there.

use super::names::ProcNode;

/// See [`ProcNode::Directory`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Directory {
    Net,
    Sys,
    SysKernel,
    SysKernelRandom,
    SysVm,
    SysFs,
    SysNet,
    SysNetCore,
    /// `/sys`, and what is below.
    System,
    SystemDevices,
    SystemDevicesSystem,
    SystemCpus,
    SystemFs,
    SystemFsGroups,
    SystemKernel,
    SystemMemory,
    SystemHugePages,
    /// The root of what is mounted at `/sys/fs/cgroup`.
    Groups,
}

/// See [`ProcNode::System`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SystemFile {
    Stat,
    Meminfo,
    Uptime,
    Loadavg,
    Cpuinfo,
    Version,
    Filesystems,
    Cmdline,
    Interrupts,
    Swaps,
    Hostname,
    OsRelease,
    OsType,
    OsVersion,
    PidMax,
    BootId,
    Uuid,
    Overcommit,
    FileMax,
    Somaxconn,
    NetDev,
    NetRoute,
    NetTcp,
    NetTcp6,
    NetUdp,
    NetUdp6,
    NetRaw,
    NetRaw6,
    NetUnix,
    NetIfInet6,
    Modules,
    Partitions,
    Cgroups,
    CpusOnline,
    CpusPossible,
    CpusPresent,
    HugePages,
    HugePageBytes,
}

/// See [`ProcNode::Group`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GroupFile {
    Controllers,
    Processes,
    Kind,
    CpuMax,
    CpusAllowed,
    MemoryCurrent,
    MemoryHigh,
    MemoryMax,
    MemoryPeak,
    SwapCurrent,
    SwapMax,
    PidsCurrent,
    PidsMax,
}

/// A name and what it stands for.
pub(super) type Named = (&'static str, ProcNode);

const fn file(name: &'static str, file: SystemFile) -> Named {
    (name, ProcNode::System(file))
}

/// What is always there in `/proc`.
pub(super) const ROOT: &[Named] = &[
    file("cgroups", SystemFile::Cgroups),
    file("cmdline", SystemFile::Cmdline),
    file("cpuinfo", SystemFile::Cpuinfo),
    file("filesystems", SystemFile::Filesystems),
    file("interrupts", SystemFile::Interrupts),
    file("loadavg", SystemFile::Loadavg),
    file("meminfo", SystemFile::Meminfo),
    file("modules", SystemFile::Modules),
    ("mounts", ProcNode::MountsLink),
    ("net", ProcNode::Directory(Directory::Net)),
    file("partitions", SystemFile::Partitions),
    ("self", ProcNode::SelfLink),
    file("stat", SystemFile::Stat),
    file("swaps", SystemFile::Swaps),
    ("sys", ProcNode::Directory(Directory::Sys)),
    ("thread-self", ProcNode::ThreadSelfLink),
    file("uptime", SystemFile::Uptime),
    file("version", SystemFile::Version),
];

const NET: &[Named] = &[
    file("dev", SystemFile::NetDev),
    file("if_inet6", SystemFile::NetIfInet6),
    file("raw", SystemFile::NetRaw),
    file("raw6", SystemFile::NetRaw6),
    file("route", SystemFile::NetRoute),
    file("tcp", SystemFile::NetTcp),
    file("tcp6", SystemFile::NetTcp6),
    file("udp", SystemFile::NetUdp),
    file("udp6", SystemFile::NetUdp6),
    file("unix", SystemFile::NetUnix),
];
const SYS: &[Named] = &[
    ("fs", ProcNode::Directory(Directory::SysFs)),
    ("kernel", ProcNode::Directory(Directory::SysKernel)),
    ("net", ProcNode::Directory(Directory::SysNet)),
    ("vm", ProcNode::Directory(Directory::SysVm)),
];
const SYS_KERNEL: &[Named] = &[
    file("hostname", SystemFile::Hostname),
    file("osrelease", SystemFile::OsRelease),
    file("ostype", SystemFile::OsType),
    file("pid_max", SystemFile::PidMax),
    ("random", ProcNode::Directory(Directory::SysKernelRandom)),
    file("version", SystemFile::OsVersion),
];
const SYS_KERNEL_RANDOM: &[Named] =
    &[file("boot_id", SystemFile::BootId), file("uuid", SystemFile::Uuid)];
const SYS_VM: &[Named] = &[file("overcommit_memory", SystemFile::Overcommit)];
const SYS_FS: &[Named] = &[file("file-max", SystemFile::FileMax)];
const SYS_NET: &[Named] = &[("core", ProcNode::Directory(Directory::SysNetCore))];
const SYS_NET_CORE: &[Named] = &[file("somaxconn", SystemFile::Somaxconn)];

const SYSTEM: &[Named] = &[
    ("devices", ProcNode::Directory(Directory::SystemDevices)),
    ("fs", ProcNode::Directory(Directory::SystemFs)),
    ("kernel", ProcNode::Directory(Directory::SystemKernel)),
];
const SYSTEM_DEVICES: &[Named] = &[("system", ProcNode::Directory(Directory::SystemDevicesSystem))];
const SYSTEM_DEVICES_SYSTEM: &[Named] = &[("cpu", ProcNode::Directory(Directory::SystemCpus))];
const SYSTEM_CPUS: &[Named] = &[
    file("online", SystemFile::CpusOnline),
    file("possible", SystemFile::CpusPossible),
    file("present", SystemFile::CpusPresent),
];
const SYSTEM_FS: &[Named] = &[("cgroup", ProcNode::Directory(Directory::SystemFsGroups))];
const SYSTEM_KERNEL: &[Named] = &[("mm", ProcNode::Directory(Directory::SystemMemory))];
const SYSTEM_MEMORY: &[Named] =
    &[("transparent_hugepage", ProcNode::Directory(Directory::SystemHugePages))];
const SYSTEM_HUGE_PAGES: &[Named] =
    &[file("enabled", SystemFile::HugePages), file("hpage_pmd_size", SystemFile::HugePageBytes)];
const GROUPS: &[Named] = &[
    ("cgroup.controllers", ProcNode::Group(GroupFile::Controllers)),
    ("cgroup.procs", ProcNode::Group(GroupFile::Processes)),
    ("cgroup.type", ProcNode::Group(GroupFile::Kind)),
    ("cpu.max", ProcNode::Group(GroupFile::CpuMax)),
    ("cpuset.cpus.effective", ProcNode::Group(GroupFile::CpusAllowed)),
    ("memory.current", ProcNode::Group(GroupFile::MemoryCurrent)),
    ("memory.high", ProcNode::Group(GroupFile::MemoryHigh)),
    ("memory.max", ProcNode::Group(GroupFile::MemoryMax)),
    ("memory.peak", ProcNode::Group(GroupFile::MemoryPeak)),
    ("memory.swap.current", ProcNode::Group(GroupFile::SwapCurrent)),
    ("memory.swap.max", ProcNode::Group(GroupFile::SwapMax)),
    ("pids.current", ProcNode::Group(GroupFile::PidsCurrent)),
    ("pids.max", ProcNode::Group(GroupFile::PidsMax)),
];

impl Directory {
    const ALL: [Self; 18] = [
        Self::Net,
        Self::Sys,
        Self::SysKernel,
        Self::SysKernelRandom,
        Self::SysVm,
        Self::SysFs,
        Self::SysNet,
        Self::SysNetCore,
        Self::System,
        Self::SystemDevices,
        Self::SystemDevicesSystem,
        Self::SystemCpus,
        Self::SystemFs,
        Self::SystemFsGroups,
        Self::SystemKernel,
        Self::SystemMemory,
        Self::SystemHugePages,
        Self::Groups,
    ];

    /// What is in it.
    pub(super) fn entries(self) -> &'static [Named] {
        match self {
            Self::Net => NET,
            Self::Sys => SYS,
            Self::SysKernel => SYS_KERNEL,
            Self::SysKernelRandom => SYS_KERNEL_RANDOM,
            Self::SysVm => SYS_VM,
            Self::SysFs => SYS_FS,
            Self::SysNet => SYS_NET,
            Self::SysNetCore => SYS_NET_CORE,
            Self::System => SYSTEM,
            Self::SystemDevices => SYSTEM_DEVICES,
            Self::SystemDevicesSystem => SYSTEM_DEVICES_SYSTEM,
            Self::SystemCpus => SYSTEM_CPUS,
            Self::SystemFs => SYSTEM_FS,
            // It is there to be mounted on.
            Self::SystemFsGroups => &[],
            Self::SystemKernel => SYSTEM_KERNEL,
            Self::SystemMemory => SYSTEM_MEMORY,
            Self::SystemHugePages => SYSTEM_HUGE_PAGES,
            Self::Groups => GROUPS,
        }
    }

    /// The directory that it is in; a root is in itself.
    pub(super) fn parent(self) -> ProcNode {
        match self {
            Self::System | Self::Groups => ProcNode::Directory(self),
            _ => {
                let parent = directory_of(ProcNode::Directory(self));
                parent.map_or(ProcNode::Root, ProcNode::Directory)
            }
        }
    }
}

/// The directory that has a node under a fixed name; none for those in `/proc` itself.
pub(super) fn directory_of(node: ProcNode) -> Option<Directory> {
    let has = |directory: &Directory| directory.entries().iter().any(|(_, known)| *known == node);
    Directory::ALL.into_iter().find(has)
}

/// The fixed name of a node; roots have none.
pub(super) fn fixed_name(node: ProcNode) -> Option<&'static str> {
    let list = directory_of(node).map_or(ROOT, Directory::entries);
    list.iter().find(|(_, known)| *known == node).map(|(name, _)| *name)
}
