//! Metrics of the disk; none without one.

use core::fmt;

use crate::backend::Backend;
use crate::types::DiskState;

use super::metrics::Metrics;

/// Writes them.
pub(crate) fn write(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    let Some(disk) = backend.system().disk else { return Ok(()) };
    let in_use = u8::from(disk.state == DiskState::InUse);
    metrics.gauge("disk_in_use", "Whether changes of services are kept.", in_use)?;
    metrics.gauge("disk_size_bytes", "Size of the disk.", disk.size_bytes)?;
    metrics.gauge("disk_capacity_bytes", "What records may take.", disk.capacity_bytes)?;
    metrics.gauge("disk_used_bytes", "What records take.", disk.used_bytes)?;
    metrics.gauge("disk_records", "Services of which something is kept.", disk.records)?;
    metrics.gauge("disk_damaged_records", "Places that were damaged at boot.", disk.damaged)?;
    metrics.counter("disk_reads", "Requests to read.", disk.reads)?;
    metrics.counter("disk_read_bytes", "Bytes read.", disk.read_bytes)?;
    metrics.counter("disk_writes", "Requests to write.", disk.writes)?;
    metrics.counter("disk_written_bytes", "Bytes written.", disk.written_bytes)?;
    metrics.counter("disk_flushes", "Requests to flush.", disk.flushes)?;
    metrics.counter("disk_errors", "Requests that failed.", disk.errors)
}
