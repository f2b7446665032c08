//! Memory of programs: what `vm_core` decides, carried out on the hardware's page tables.

mod advice;
mod cut;
mod listing;
mod load;
mod object;
mod segment;
mod sizes;
mod space;
mod vdso;

pub use advice::AdviceError;
pub use cut::{cut_mark, note_cut};
pub use listing::{Content, ListedArea};
pub use load::{LoadError, Start, load};
pub use object::{FileBytes, Object, SharedMemory};
pub use sizes::Sizes;
pub use space::{Bounds, FaultError, UserSpace, is_short};

use hal::user::PageFault;
use vm_core::address_space::{Access, Presence};

use crate::{process, scheduler};

/// Makes a page that the kernel touched on a program's behalf available, if the program could touch
/// it. False if it could not: the kernel's copy ends there.
pub fn fault_in_for_kernel(fault: PageFault) -> bool {
    let Some(thread) = scheduler::current() else { return false };
    let Some(space) = thread.process().space() else { return false };
    loop {
        match space.fault(fault.address, access(fault), presence(fault)) {
            Ok(()) => return true,
            Err(FaultError::OutOfMemory) if process::make_room(&thread, thread.process()) => {}
            Err(error @ (FaultError::LimitExceeded | FaultError::QuotaExceeded)) => {
                process::end_for_limit(thread.process(), error);
                if thread.process().is_ending() {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}

/// How a fault touched memory.
#[must_use]
pub fn access(fault: PageFault) -> Access {
    if fault.is_fetch {
        Access::Execute
    } else if fault.is_write {
        Access::Write
    } else {
        Access::Read
    }
}

/// Whether there was a page.
#[must_use]
pub fn presence(fault: PageFault) -> Presence {
    if fault.is_present { Presence::Present } else { Presence::Absent }
}
