//! Random sequences of operations, compared page by page with a naive model.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::*;

const PAGES: usize = 1500;
const FIRST: u64 = 16;
const TOP: usize = 1100;
const SMALL: (usize, usize) = (1440, 1470);
const SMALL_PAGES: usize = 8;
const STACK_PAGES: usize = 300;
const GUARD: usize = 256;

#[derive(Clone, Debug, PartialEq)]
struct Page {
    kind: Kind<u8>,
    protection: Protection,
    max_protection: Protection,
    on_fork: OnFork,
}

#[derive(Clone, Debug)]
enum Step {
    Map { mode: u8, at: usize, pages: usize, kind: u8, protection: u8, maximum: u8 },
    Unmap { at: usize, pages: usize },
    Protect { at: usize, pages: usize, protection: u8 },
    Advise { at: usize, pages: usize, wipe: bool },
    Break { bytes: u64 },
    Remap { at: usize, old: usize, new: usize, mode: u8, target: usize },
    Touch { at: usize, access: u8, is_present: bool },
    Fork,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = 0..PAGES + 20;
    let pages = prop_oneof![8 => 0..12usize, 1 => 0..PAGES];
    let step = prop_oneof![
        6 => (0..4u8, at.clone(), pages.clone(), 0..6u8, 0..8u8, 0..4u8).prop_map(
            |(mode, at, pages, kind, protection, maximum)| {
                Step::Map { mode, at, pages, kind, protection, maximum }
            }
        ),
        3 => (at.clone(), pages.clone()).prop_map(|(at, pages)| Step::Unmap { at, pages }),
        3 => (at.clone(), pages.clone(), 0..8u8)
            .prop_map(|(at, pages, protection)| Step::Protect { at, pages, protection }),
        1 => (at.clone(), pages.clone(), any::<bool>())
            .prop_map(|(at, pages, wipe)| Step::Advise { at, pages, wipe }),
        1 => (0..200_000u64).prop_map(|bytes| Step::Break { bytes }),
        3 => (at.clone(), pages.clone(), pages, 0..3u8, at.clone()).prop_map(
            |(at, old, new, mode, target)| Step::Remap { at, old, new, mode, target }
        ),
        3 => (at, 0..3u8, any::<bool>())
            .prop_map(|(at, access, is_present)| Step::Touch { at, access, is_present }),
        1 => Just(Step::Fork),
    ];
    prop::collection::vec(step, 1..120)
}

struct Pair {
    space: AddressSpace<u8>,
    model: Vec<Option<Page>>,
    /// In bytes from `HEAP`.
    heap_bytes: u64,
    /// What the last fork was made of, and what is mapped in it: nobody changes it any more.
    maker: Option<(AddressSpace<u8>, Vec<Option<Page>>)>,
}

/// The heap starts at this page of the model.
const HEAP: usize = 400;

fn address(page: usize) -> u64 {
    (FIRST + page as u64) * PAGE_BYTES
}

fn page_number(address: u64) -> usize {
    usize::try_from(address / PAGE_BYTES - FIRST).unwrap()
}

fn kind(number: u8, at: usize) -> Kind<u8> {
    // Offsets that often continue those of a neighbour, so that file areas join too.
    let backing = |file| Backing { file, offset: at as u64 * PAGE_BYTES };
    match number {
        0 | 1 => Kind::Anonymous,
        2 => Kind::Stack,
        3 => Kind::SharedAnonymous(backing(1)),
        4 => Kind::PrivateFile(backing(2)),
        _ => Kind::SharedFile(backing(3)),
    }
}

/// The same kind some pages further on.
fn advanced(kind: &Kind<u8>, pages: usize) -> Kind<u8> {
    let further = |backing: &Backing<u8>| Backing {
        offset: backing.offset + ((pages as u64) << 12),
        ..*backing
    };
    match kind {
        Kind::SharedAnonymous(backing) => Kind::SharedAnonymous(further(backing)),
        Kind::PrivateFile(backing) => Kind::PrivateFile(further(backing)),
        Kind::SharedFile(backing) => Kind::SharedFile(further(backing)),
        plain => plain.clone(),
    }
}

fn pages_of(areas: &[Area<u8>]) -> Vec<(usize, Page)> {
    let mut pages = vec![];
    for area in areas {
        let first = page_number(area.range.start());
        for number in 0..usize::try_from(area.range.pages()).unwrap() {
            let page = Page {
                kind: advanced(&area.kind, number),
                protection: area.protection,
                max_protection: area.max_protection,
                on_fork: area.on_fork,
            };
            pages.push((first + number, page));
        }
    }
    pages
}

impl Pair {
    fn new() -> Self {
        let user = PageRange::new(address(0), address(PAGES)).unwrap();
        let small = PageRange::new(address(SMALL.0), address(SMALL.1)).unwrap();
        let layout = Layout { user, stack_top: user.end(), mmap_top: address(TOP), small };
        let limits = Limits {
            address_space_bytes: u64::MAX,
            data_bytes: u64::MAX,
            locked_bytes: u64::MAX,
            stack_bytes: (STACK_PAGES as u64) << 12,
            areas: 10_000,
        };
        let mut space = AddressSpace::new(layout, limits, WriteExecute::Refused);
        space.set_heap_start(address(HEAP));
        Self { space, model: vec![None; PAGES], heap_bytes: 0, maker: None }
    }

    fn is_inside(&self, at: usize, pages: usize) -> bool {
        pages > 0 && at + pages <= PAGES
    }

    fn is_mapped(&self, at: usize, pages: usize) -> bool {
        self.is_inside(at, pages) && self.model[at..at + pages].iter().all(Option::is_some)
    }

    /// Whether a range is free, and not in the guard below a stack.
    fn is_free(&self, at: usize, pages: usize) -> bool {
        let next = |from: usize| (from..PAGES).find(|page| self.model[*page].is_some());
        self.is_inside(at, pages)
            && self.model[at..at + pages].iter().all(Option::is_none)
            && next(at + pages).is_none_or(|above| {
                let is_stack = matches!(&self.model[above], Some(Page { kind: Kind::Stack, .. }));
                !is_stack || above - (at + pages) >= GUARD
            })
    }

    fn highest(&self, pages: usize) -> Option<usize> {
        let within = |(from, to): (usize, usize)| {
            (from..(to + 1).saturating_sub(pages)).rev().find(|at| self.is_free(*at, pages))
        };
        let small = (pages <= SMALL_PAGES).then(|| within(SMALL)).flatten();
        small.or_else(|| within((0, TOP))).or_else(|| within((0, PAGES)))
    }

    fn take(&mut self, at: usize, pages: usize) -> Vec<(usize, Page)> {
        (at..at + pages).filter_map(|page| Some((page, self.model[page].take()?))).collect()
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Map { mode, at, pages, kind: number, protection, maximum } => {
                let max_protection =
                    [Protection::ALL, Protection::READ, Protection::READ_WRITE, Protection::ALL]
                        [usize::from(maximum)];
                let protection = Protection::from_bits(protection).unwrap();
                let kind = kind(number, at);
                let is_allowed =
                    !protection.is_write_execute() && max_protection.contains(protection);
                let (placement, expected) = match mode {
                    0 => (Placement::Anywhere, self.highest(pages)),
                    1 if self.is_free(at, pages) => (Placement::Hint(address(at) + 99), Some(at)),
                    1 => (Placement::Hint(address(at)), self.highest(pages)),
                    2 => (Placement::Fixed(address(at)), Some(at)),
                    _ => {
                        let is_empty = self.is_inside(at, pages)
                            && self.model[at..at + pages].iter().all(Option::is_none);
                        (Placement::FixedNoReplace(address(at)), is_empty.then_some(at))
                    }
                };
                let length = pages as u64 * PAGE_BYTES;
                let request = MapRequest {
                    length,
                    placement,
                    protection,
                    max_protection,
                    kind: kind.clone(),
                    is_locked: false,
                };
                let mapped = self.space.map(request);
                match expected.filter(|at| is_allowed && self.is_inside(*at, pages)) {
                    None => assert!(mapped.is_err()),
                    Some(at) => {
                        let mapped = mapped.unwrap();
                        assert_eq!(mapped.range.start(), address(at));
                        assert_eq!(pages_of(&mapped.removed), self.take(at, pages));
                        for number in 0..pages {
                            self.model[at + number] = Some(Page {
                                kind: advanced(&kind, number),
                                protection,
                                max_protection,
                                on_fork: OnFork::Inherit,
                            });
                        }
                    }
                }
            }
            Step::Unmap { at, pages } => {
                let removed = self.space.unmap(address(at), pages as u64 * PAGE_BYTES);
                if self.is_inside(at, pages) {
                    assert_eq!(pages_of(&removed.unwrap()), self.take(at, pages));
                } else {
                    assert!(removed.is_err());
                }
            }
            Step::Protect { at, pages, protection } => {
                let protection = Protection::from_bits(protection).unwrap();
                let is_allowed = self.is_mapped(at, pages)
                    && !protection.is_write_execute()
                    && self.model[at..at + pages]
                        .iter()
                        .flatten()
                        .all(|page| page.max_protection.contains(protection));
                let changed =
                    self.space.protect(address(at), pages as u64 * PAGE_BYTES, protection);
                if pages > 0 {
                    assert_eq!(changed.is_ok(), is_allowed, "{changed:?}");
                }
                if is_allowed {
                    let changed = changed.unwrap();
                    for number in at..at + pages {
                        let page = self.model[number].as_mut().unwrap();
                        let change =
                            changed.iter().find(|change| change.range.contains(address(number)));
                        assert_eq!(
                            change.map(|change| (change.before, change.after)),
                            (page.protection != protection)
                                .then_some((page.protection, protection))
                        );
                        page.protection = protection;
                    }
                }
            }
            Step::Advise { at, pages, wipe } => {
                let on_fork = if wipe { OnFork::Wipe } else { OnFork::Omit };
                let advised =
                    self.space.advise_fork(address(at), pages as u64 * PAGE_BYTES, on_fork);
                assert_eq!(advised.is_ok(), self.is_mapped(at, pages));
                if advised.is_ok() {
                    for page in self.model[at..at + pages].iter_mut().flatten() {
                        page.on_fork = on_fork;
                    }
                }
            }
            Step::Break { bytes } => self.set_break(bytes),
            Step::Remap { at, old, new, mode, target } => self.remap(at, old, new, mode, target),
            Step::Touch { at, access, is_present } => self.touch(at, access, is_present),
            Step::Fork => {
                let child = self.space.fork().unwrap();
                let maker = core::mem::replace(&mut self.space, child);
                self.maker = Some((maker, self.model.clone()));
                for page in &mut self.model {
                    if matches!(page, Some(Page { on_fork: OnFork::Omit, .. })) {
                        *page = None;
                    }
                }
            }
        }
    }

    fn set_break(&mut self, bytes: u64) {
        let page_count = |bytes: u64| usize::try_from(bytes.div_ceil(PAGE_BYTES)).unwrap();
        let (old, new) = (page_count(self.heap_bytes), page_count(bytes));
        let result = self.space.set_break(address(HEAP) + bytes);
        if new < old {
            assert_eq!(pages_of(&result.removed), self.take(HEAP + new, old - new));
            self.heap_bytes = bytes;
        } else if new == old || self.is_free(HEAP + old, new - old) {
            for page in HEAP + old..HEAP + new {
                self.model[page] = Some(Page {
                    kind: Kind::Heap,
                    protection: Protection::READ_WRITE,
                    max_protection: Protection::ALL,
                    on_fork: OnFork::Inherit,
                });
            }
            self.heap_bytes = bytes;
        }
        assert_eq!(result.end, address(HEAP) + self.heap_bytes);
    }

    /// Without an old length what is shared is mapped a second time.
    fn twin(&mut self, at: usize, pages: usize, placement: RemapPlacement) {
        let source = self.model.get(at).cloned().flatten().filter(|page| page.kind.is_shared());
        let to = match placement {
            RemapPlacement::InPlace => None,
            RemapPlacement::MayMove => self.highest(pages),
            RemapPlacement::Fixed(target) => Some(page_number(target)),
        };
        let to = to.filter(|to| self.is_inside(*to, pages));
        let length = pages as u64 * PAGE_BYTES;
        let result = self.space.remap(address(at), 0, length, placement);
        let (Some(source), Some(to)) = (source, to) else {
            assert!(result.is_err(), "{result:?}");
            return;
        };
        let remapped = result.unwrap();
        assert_eq!((remapped.range.start(), remapped.moved), (address(to), None));
        assert_eq!(pages_of(&remapped.removed), self.take(to, pages));
        for number in 0..pages {
            let kind = advanced(&source.kind, number);
            let page = Page { kind, on_fork: OnFork::Inherit, ..source.clone() };
            self.model[to + number] = Some(page);
        }
    }

    /// Success is the map's to decide here; what it did must be what was asked.
    fn remap(&mut self, at: usize, old: usize, new: usize, mode: u8, target: usize) {
        let placement = [
            RemapPlacement::InPlace,
            RemapPlacement::MayMove,
            RemapPlacement::Fixed(address(target)),
        ][usize::from(mode)];
        let bytes = |pages: usize| pages as u64 * PAGE_BYTES;
        if old == 0 {
            self.twin(at, new, placement);
            return;
        }
        let result = self.space.remap(address(at), bytes(old), bytes(new), placement);
        let Ok(remapped) = result else {
            assert!(
                !(mode < 2 && new <= old && self.is_mapped(at, old) && new > 0),
                "shrinking what is mapped can't fail: {result:?}"
            );
            return;
        };
        assert_eq!(remapped.range.bytes(), bytes(new));
        let to = page_number(remapped.range.start());
        match remapped.moved {
            None => {
                assert_eq!(to, at);
                if new < old {
                    assert_eq!(pages_of(&remapped.removed), self.take(at + new, old - new));
                } else if new > old {
                    assert!(self.is_free(at + old, new - old));
                    self.extend(at, old, new);
                }
            }
            Some(moved) => {
                assert_eq!((moved.from.start(), moved.to.start()), (address(at), address(to)));
                assert_eq!(moved.from.bytes(), moved.to.bytes());
                assert_eq!(moved.to.bytes(), bytes(new.min(old)));
                if mode == 2 {
                    assert_eq!(to, target);
                } else {
                    assert!(!self.is_free(at + old, new - old), "it could have grown in place");
                    assert_eq!(self.highest(new), Some(to));
                }
                let mut gone = self.take(to, new);
                let mut pages = self.take(at, old);
                assert_eq!(pages.len(), old);
                gone.extend(pages.split_off(old.min(new)));
                assert_eq!(pages_of(&remapped.removed), gone);
                for (number, (_, mut page)) in pages.into_iter().enumerate() {
                    if page.kind.backing().is_none() {
                        page.kind = Kind::Anonymous;
                    }
                    self.model[to + number] = Some(page);
                }
                self.extend(to, old.min(new), new);
            }
        }
    }

    /// More pages like the last one.
    fn extend(&mut self, at: usize, old: usize, new: usize) {
        let last = self.model[at + old - 1].clone().unwrap();
        for number in old..new {
            let kind = advanced(&last.kind, number - (old - 1));
            self.model[at + number] = Some(Page { kind, ..last.clone() });
        }
    }

    /// Whether the next pages above are a stack's, which would have too many if it began at `at`.
    fn would_exceed_a_stack(&self, at: usize) -> bool {
        let is_above = |page: &&Option<Page>| page.is_some();
        let Some(Some(first)) = self.model.get(at + 1..).unwrap_or_default().iter().find(is_above)
        else {
            return false;
        };
        let bottom = self.space.areas().find(|area| page_number(area.range.start()) > at);
        let top = bottom.map_or(0, |area| page_number(area.range.end()));
        first.kind == Kind::Stack && (STACK_PAGES + 1..=STACK_PAGES + GUARD).contains(&(top - at))
    }

    fn touch(&mut self, at: usize, access: u8, is_present: bool) {
        let access = [Access::Read, Access::Write, Access::Execute][usize::from(access)];
        let presence = if is_present { Presence::Present } else { Presence::Absent };
        let touched = address(at) + 123;
        let answer = self.space.fault(touched, access, presence);
        let Some(Some(page)) = self.model.get(at) else {
            let fault = match answer {
                Ok(fault) => fault,
                Err(Violation::StackLimit) => {
                    assert!(self.would_exceed_a_stack(at), "page {at}");
                    return;
                }
                Err(violation) => {
                    assert_eq!(violation, Violation::Unmapped);
                    return;
                }
            };
            assert_eq!(fault.action, FaultAction::GrowStack);
            let (kind, area_start) =
                (fault.area.kind.clone(), page_number(fault.area.range.start()));
            assert_eq!(kind, Kind::Stack);
            let added = self.space.grow_stack(touched).unwrap();
            assert_eq!((added.start(), added.end()), (address(at), address(area_start)));
            let above = self.model[area_start].clone();
            for number in at..area_start {
                assert_eq!(self.model[number], None);
                self.model[number] = above.clone();
            }
            return;
        };
        if !page.protection.allows(access) {
            assert_eq!(answer, Err(Violation::Denied));
            return;
        }
        let fault = answer.unwrap();
        let offset = page.kind.backing().map(|backing| backing.offset);
        let is_write = access == Access::Write;
        let expected = match (is_present, page.kind.is_shared(), offset) {
            (false, _, None) => FaultAction::ZeroFill,
            (false, false, Some(offset)) if is_write => FaultAction::FileCopy { offset },
            (false, _, Some(offset)) => FaultAction::FileFill { offset },
            (true, _, _) if !is_write => FaultAction::Refresh,
            (true, true, _) => FaultAction::MakeWritable,
            (true, false, _) => FaultAction::CopyOnWrite,
        };
        assert_eq!((fault.action, fault.page), (expected, address(at)));
    }

    fn check(&self) {
        check(&self.space, &self.model);
        if let Some((space, model)) = &self.maker {
            check(space, model);
        }
    }
}

fn check(space: &AddressSpace<u8>, expected: &[Option<Page>]) {
    let areas: Vec<Area<u8>> = space.areas().cloned().collect();
    let mut model = vec![None; PAGES];
    for (number, page) in pages_of(&areas) {
        assert_eq!(model[number], None, "areas overlap");
        model[number] = Some(page);
    }
    assert_eq!(model, expected);
    assert!(areas.is_sorted_by_key(|area| area.range.start()));
    assert!(
        areas.windows(2).all(|pair| !pair[0].continues_in(&pair[1])),
        "neighbours alike are not joined"
    );
    let mut usage = Usage::default();
    for area in &areas {
        usage.add(area);
    }
    assert_eq!(space.usage(), usage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // proves: K6
    #[test]
    fn behaves_like_a_table_of_pages(steps in steps()) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.run(step);
            pair.check();
        }
    }
}
