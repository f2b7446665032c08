//! Whether changes of services outlive a boot, and what is wrong with the disk.

use admin_api::types::{Disk, DiskState};

use super::findings::{Finding, Link};
use super::words::Tone;
use crate::format;

/// Whether changes are kept, in a few words.
#[must_use]
pub fn in_words(disk: Option<&Disk>) -> String {
    match disk {
        None => "gone with the next boot: there is no disk".to_owned(),
        Some(disk) => match disk.state {
            DiskState::Opening => "wait until the disk is open".to_owned(),
            DiskState::InUse => format!(
                "kept on the disk, {} of {} used",
                format::bytes(disk.used_bytes),
                format::bytes(disk.capacity_bytes)
            ),
            DiskState::Refused | DiskState::Failed => {
                "gone with the next boot: the disk is not used".to_owned()
            }
        },
    }
}

/// What the user should know about the disk.
#[must_use]
pub fn finding(disk: &Disk) -> Option<Finding> {
    let reason = disk.reason.as_deref().unwrap_or("The log says why.");
    let almost_full = disk.used_bytes.saturating_mul(10) > disk.capacity_bytes.saturating_mul(9);
    let (id, tone, title, advice) = match disk.state {
        DiskState::Opening => return None,
        DiskState::Failed => {
            ("disk-failed", Tone::Bad, "The disk does not work", reason.to_owned())
        }
        DiskState::Refused => {
            ("disk-refused", Tone::Warning, "The disk is not used", reason.to_owned())
        }
        DiskState::InUse if disk.errors > 0 => (
            "disk-errors",
            Tone::Bad,
            "The disk reports errors",
            "Changes of services may be refused. The log says which; look after the disk.".to_owned(),
        ),
        DiskState::InUse if disk.damaged > 0 => (
            "disk-damaged",
            Tone::Bad,
            "The disk was damaged",
            "Some changes of services are lost. Look at what the services are, and change them again."
                .to_owned(),
        ),
        DiskState::InUse if almost_full => (
            "disk-full",
            Tone::Warning,
            "The disk is almost full",
            "Unregister services that are not needed, or attach a larger disk.".to_owned(),
        ),
        DiskState::InUse => return None,
    };
    Some(Finding { id, tone, title: title.to_owned(), advice, link: Some(Link::Log) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(state: DiskState) -> Disk {
        Disk {
            state,
            reason: None,
            size_bytes: 64 << 20,
            capacity_bytes: 24 << 20,
            used_bytes: 1536,
            records: 1,
            damaged: 0,
            reads: 1,
            read_bytes: 512,
            writes: 1,
            written_bytes: 512,
            flushes: 1,
            errors: 0,
        }
    }

    #[test]
    fn it_is_told_whether_changes_are_kept() {
        assert_eq!(in_words(None), "gone with the next boot: there is no disk");
        let kept = in_words(Some(&disk(DiskState::InUse)));
        assert_eq!(kept, "kept on the disk, 1.50 KiB of 24.0 MiB used");
        for state in [DiskState::Refused, DiskState::Failed] {
            assert!(in_words(Some(&disk(state))).starts_with("gone"));
        }
    }

    #[test]
    fn a_disk_that_works_is_no_finding_and_every_other_is() {
        let id = |disk: &Disk| finding(disk).map(|finding| finding.id);
        let good = disk(DiskState::InUse);
        assert_eq!((id(&good), id(&disk(DiskState::Opening))), (None, None));
        assert_eq!(id(&disk(DiskState::Failed)), Some("disk-failed"));
        assert_eq!(id(&Disk { errors: 1, ..good.clone() }), Some("disk-errors"));
        assert_eq!(id(&Disk { damaged: 1, ..good.clone() }), Some("disk-damaged"));
        assert_eq!(id(&Disk { used_bytes: 23 << 20, ..good }), Some("disk-full"));
        let refused = Disk { reason: Some("Why.".into()), ..disk(DiskState::Refused) };
        assert_eq!(finding(&refused).map(|finding| finding.advice).as_deref(), Some("Why."));
    }
}
