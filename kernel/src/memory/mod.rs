//! Memory of programs.
pub fn fault_in_for_kernel(_fault: hal::user::PageFault) -> bool {
    false
}
