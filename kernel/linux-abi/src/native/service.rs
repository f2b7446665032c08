//! The structures of the calls about services.

use crate::layout::layout;

layout! {
    /// What `service_status` tells.
    pub struct ServiceInfo: 32 {
        /// One of [`service_state`].
        0 state: u32,
        /// One of [`service_health`].
        4 health: u32,
        /// Instances that are ready.
        8 ready: u32,
        /// Instances that are wanted.
        12 instances: u32,
        /// How often instances were started again that had ended by themselves.
        16 restarts: u64,
        /// The main process of the first instance that has one; 0 if none has.
        24 pid: u32,
        /// Zero.
        28 reserved: u32,
    }
}

layout! {
    /// What `resolve_service` tells.
    pub struct ResolvedService: 16 {
        /// The chosen instance's main process.
        0 pid: u32,
        /// The instance.
        4 instance: u32,
        /// The address, as its four bytes stand in a packet.
        8 address: u32,
        /// The port; 0 for a service without one.
        12 port: u32,
    }
}

/// Values of [`ServiceInfo`]'s `state`.
pub mod service_state {
    /// Does not run.
    pub const STOPPED: u32 = 1;
    /// Is not ready yet.
    pub const STARTING: u32 = 2;
    /// Can be used.
    pub const RUNNING: u32 = 3;
    /// Is being stopped.
    pub const STOPPING: u32 = 4;
    /// Should run and does not.
    pub const FAILED: u32 = 5;
    /// Does not run, and is not started at boot.
    pub const DISABLED: u32 = 6;
    /// Is suspended.
    pub const PAUSED: u32 = 7;
}

/// Values of [`ServiceInfo`]'s `health`.
pub mod service_health {
    /// Not known.
    pub const UNKNOWN: u32 = 0;
    /// Works.
    pub const HEALTHY: u32 = 1;
    /// Does not.
    pub const UNHEALTHY: u32 = 2;
}
