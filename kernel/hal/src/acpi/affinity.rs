//! Which CPUs and which memory belong to which NUMA node, and how far nodes are from each other: the
//! SRAT and the SLIT. Read here, because the `acpi` crate (6.1.1) takes the length of SRAT's entries
//! for 16 bits wide and any SLIT for too short. Source: ACPI 6.5, 5.2.16 and 5.2.17.

use alloc::vec::Vec;

use acpi::sdt::slit::Slit;
use acpi::sdt::srat::Srat;
use acpi::{AcpiTable, AcpiTables};

use super::NodeMemory;
use super::handler::KernelHandler;

/// What the two tables say.
#[derive(Debug, Default)]
pub(super) struct Affinity {
    /// Node by APIC id.
    pub processors: Vec<(u32, u32)>,
    /// Memory by node.
    pub memory: Vec<NodeMemory>,
    /// A row a node; empty where nothing is known.
    pub distances: Vec<u8>,
}

impl Affinity {
    pub(super) fn read(tables: &AcpiTables<KernelHandler>) -> Self {
        const SRAT_HEAD_BYTES: usize = 48;
        const SLIT_HEAD_BYTES: usize = 44;
        let mut affinity = Self::default();
        let srat = bytes_of::<Srat>(tables);
        let mut rest = srat.get(SRAT_HEAD_BYTES..).unwrap_or_default();
        // An entry starts with its type and its length.
        while let Some(length) = rest.get(1).map(|length| usize::from(*length))
            && let Some((entry, behind)) = rest.split_at_checked(length.max(2))
        {
            affinity.add(entry);
            rest = behind;
        }
        let slit = bytes_of::<Slit>(tables);
        let side =
            number(&slit, SLIT_HEAD_BYTES - 8, 8).and_then(|side| usize::try_from(side).ok());
        let matrix = slit.get(SLIT_HEAD_BYTES..).unwrap_or_default();
        let cells = side.and_then(|side| side.checked_mul(side));
        affinity.distances =
            cells.and_then(|cells| matrix.get(..cells)).unwrap_or_default().to_vec();
        affinity
    }

    fn add(&mut self, entry: &[u8]) {
        const IS_ENABLED: u64 = 1;
        let field = |at, len| number(entry, at, len).unwrap_or(0);
        let word = |at, len| u32::try_from(field(at, len)).unwrap_or(0);
        match entry.first() {
            Some(0) if field(4, 4) & IS_ENABLED != 0 => {
                self.processors.push((word(3, 1), word(2, 1) | word(9, 3) << 8));
            }
            Some(1) if field(28, 4) & IS_ENABLED != 0 && field(16, 8) > 0 => {
                self.memory.push(NodeMemory {
                    node: word(2, 4),
                    start: field(8, 8),
                    len_bytes: field(16, 8),
                });
            }
            Some(2) if field(12, 4) & IS_ENABLED != 0 => {
                self.processors.push((word(8, 4), word(4, 4)));
            }
            _ => {}
        }
    }

    /// The node of a CPU; 0 where the tables do not say.
    pub(super) fn node_of(&self, apic_id: u32) -> u32 {
        let known = self.processors.iter().find(|(known, _)| *known == apic_id);
        known.map_or(0, |(_, node)| *node)
    }
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// A whole table; nothing if there is none.
fn bytes_of<T: AcpiTable>(tables: &AcpiTables<KernelHandler>) -> Vec<u8> {
    let Some(table) = tables.find_table::<T>() else { return Vec::new() };
    let table = table.get();
    let length = table.header().length as usize;
    let start = core::ptr::from_ref(table.get_ref()).cast::<u8>();
    // SAFETY: the mapping holds the whole table, as long as its header says.
    unsafe { core::slice::from_raw_parts(start, length) }.to_vec()
}
