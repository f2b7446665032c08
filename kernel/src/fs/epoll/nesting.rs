//! Epolls that watch epolls: no circles, and not too deep. News travels up such a chain on the stack
//! of whoever brings it, so its length is bounded.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use ksync::Once;
use linux_abi::Errno;

use super::Shared;
use crate::sync::Mutex;

/// The most epolls in a row: EP_MAX_NESTS.
const DEEPEST: usize = 5;
/// Looks at epolls that one connection may cost.
const MOST_LOOKS: usize = 4096;

/// Held while connections are checked and made, so that two that are fine each by itself do not make
/// a circle together.
static CONNECTING: Once<Mutex<()>> = Once::new();

/// A connection that is taken back unless it is kept.
pub(super) struct Connection<'a> {
    outer: &'a Arc<Shared>,
    inner: &'a Arc<Shared>,
    is_kept: bool,
}

impl Connection<'_> {
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            disconnect(self.outer, self.inner);
        }
    }
}

/// Notes that `outer` watches `inner`.
///
/// # Errors
/// ELOOP, ENOMEM.
pub(super) fn connect<'a>(
    outer: &'a Arc<Shared>,
    inner: &'a Arc<Shared>,
) -> Result<Connection<'a>, Errno> {
    let connecting = CONNECTING.call_once(|| Mutex::new(())).lock();
    let mut looks = MOST_LOOKS;
    let below = length(inner, outer, &|shared| shared.state.lock().below.clone(), &mut looks)?;
    let above = length(outer, inner, &|shared| shared.state.lock().above.clone(), &mut looks)?;
    if above + below > DEEPEST {
        return Err(Errno::ELOOP);
    }
    enter(&mut outer.state.lock().below, inner)?;
    let entered = enter(&mut inner.state.lock().above, outer);
    if entered.is_err() {
        leave(&mut outer.state.lock().below, inner);
    }
    entered?;
    drop(connecting);
    Ok(Connection { outer, inner, is_kept: false })
}

/// How many epolls follow each other from `from` on, itself included.
fn length(
    from: &Arc<Shared>,
    forbidden: &Arc<Shared>,
    next: &dyn Fn(&Arc<Shared>) -> Vec<Weak<Shared>>,
    looks: &mut usize,
) -> Result<usize, Errno> {
    fn walk(
        at: &Arc<Shared>,
        depth: usize,
        forbidden: &Arc<Shared>,
        next: &dyn Fn(&Arc<Shared>) -> Vec<Weak<Shared>>,
        looks: &mut usize,
    ) -> Result<usize, Errno> {
        *looks = looks.checked_sub(1).ok_or(Errno::ELOOP)?;
        if depth > DEEPEST || Arc::ptr_eq(at, forbidden) {
            return Err(Errno::ELOOP);
        }
        let mut longest = 0;
        for other in next(at).iter().filter_map(Weak::upgrade) {
            longest = longest.max(walk(&other, depth + 1, forbidden, next, looks)?);
        }
        Ok(longest + 1)
    }
    walk(from, 1, forbidden, next, looks)
}

fn enter(list: &mut Vec<Weak<Shared>>, other: &Arc<Shared>) -> Result<(), Errno> {
    list.retain(|known| known.strong_count() > 0);
    list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    list.push(Arc::downgrade(other));
    Ok(())
}

fn leave(list: &mut Vec<Weak<Shared>>, other: &Arc<Shared>) {
    if let Some(at) =
        list.iter().position(|known| core::ptr::eq(known.as_ptr(), Arc::as_ptr(other)))
    {
        list.swap_remove(at);
    }
}

/// `outer` watches `inner` no more.
pub(super) fn disconnect(outer: &Arc<Shared>, inner: &Arc<Shared>) {
    leave(&mut outer.state.lock().below, inner);
    leave(&mut inner.state.lock().above, outer);
}
