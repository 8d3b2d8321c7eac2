use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::tag::CallId;

/// The most calls that can be under way on one connection: the slot has 16 bits in the tag, and
/// slot 0 is not used.
pub const MAX_CALLS: usize = 65_535;

/// How many abandoned calls are remembered as such. An answer to one that fell out counts as late
/// too; only then a second answer to a finished call cannot be told from it.
const REMEMBERED: usize = 4_096;

/// The calls of this side, by the tag that their answer gives back.
///
/// `T` is what the caller keeps with a call. A call is *waiting* until its answer is there, then
/// *answered* until the caller takes it out; a call that is taken out while it waits is *abandoned*,
/// and its slot is free at once.
#[derive(Debug)]
pub struct Calls<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u16>,
    /// The generation of slots that are new.
    first: u32,
    /// Slots that were used so often that their next tag would repeat one.
    retired: u32,
    waiting: u32,
    /// Those that nobody waited for any more, once there was one.
    abandoned: Option<Box<Abandoned>>,
}

#[derive(Debug, Default)]
struct Abandoned {
    calls: BTreeSet<CallId>,
    /// There were more.
    forgotten: bool,
}

/// How often slots may have been used of a table that [rests](Calls::rest): the tags of all of them go on behind the one
/// that was used most.
const MOST_USED: u32 = u32::MAX / 2;

/// The memory of a table without calls.
#[derive(Debug)]
pub struct Room<T> {
    /// One at most, which is free.
    slots: Vec<Slot<T>>,
    free: Vec<u16>,
}

/// It begins at a cache line, so that a call touches as few as can be.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<T> {
    generation: u32,
    state: State,
    /// Of the call in this slot; where it is free, what its last one has left behind.
    data: Option<T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Waiting,
    Answered,
}

/// Whose answer a tag announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// A call that waits for it.
    Waiting(CallId),
    /// A call that was abandoned.
    Late,
    /// None: the tag was never issued, or is answered already.
    Unknown,
}

impl<T> Calls<T> {
    /// No calls.
    pub const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            first: 0,
            retired: 0,
            waiting: 0,
            abandoned: None,
        }
    }

    /// The id that the next [`insert`](Self::insert) gives; `None` when all slots are in use.
    #[inline]
    pub fn next_id(&self) -> Option<CallId> {
        if let Some(&slot) = self.free.last() {
            let generation = self.slots[usize::from(slot) - 1].generation;
            return Some(CallId { slot, generation });
        }
        let slot = u16::try_from(self.slots.len() + 1).ok()?;
        Some(CallId {
            slot,
            generation: self.first,
        })
    }

    /// Adds a call; `None` when all slots are in use.
    pub fn insert(&mut self, data: T) -> Option<CallId> {
        self.insert_with(|place| *place = Some(data))
    }

    /// Adds a call; `None` when all slots are in use. `fill` puts what is kept with it in its place, where something may
    /// be left of an earlier call whose slot was freed by [`take_with`](Self::take_with): so what is large need not be moved.
    #[inline]
    pub fn insert_with(&mut self, fill: impl FnOnce(&mut Option<T>)) -> Option<CallId> {
        let id = self.next_id()?;
        if self.free.pop().is_none() {
            if self.slots.is_empty() {
                // Many connections have one call at a time, and some programs many connections.
                self.slots.reserve_exact(1);
            }
            self.slots.push(Slot {
                generation: self.first,
                state: State::Free,
                data: None,
            });
        }
        let slot = &mut self.slots[usize::from(id.slot) - 1];
        slot.state = State::Waiting;
        self.waiting += 1;
        fill(&mut slot.data);
        Some(id)
    }

    /// Finds the call that a received tag belongs to.
    #[inline]
    pub fn lookup(&self, tag: &[u8]) -> Lookup {
        CallId::parse(tag).map_or(Lookup::Unknown, |id| self.lookup_id(id))
    }

    /// The same for a tag that was read already.
    #[inline]
    pub fn lookup_id(&self, id: CallId) -> Lookup {
        let Some(index) = usize::from(id.slot).checked_sub(1) else {
            return Lookup::Unknown;
        };
        let was_issued = match self.slots.get(index) {
            Some(slot) if slot.generation == id.generation => match slot.state {
                State::Waiting => return Lookup::Waiting(id),
                state => state == State::Answered,
            },
            Some(slot) => id.generation < slot.generation,
            None => id.generation < self.first,
        };
        let is_late = |abandoned: &Abandoned| abandoned.forgotten || abandoned.calls.contains(&id);
        if was_issued && self.abandoned.as_deref().is_some_and(is_late) {
            return Lookup::Late;
        }
        Lookup::Unknown
    }

    /// Notes that a late answer came, so that a second one is recognized as such.
    pub fn forget_abandoned(&mut self, id: CallId) {
        if let Some(abandoned) = &mut self.abandoned {
            abandoned.calls.remove(&id);
        }
    }

    /// Notes that the answer to a waiting call is there, and gives access to what is kept with it.
    #[inline]
    pub fn answered(&mut self, id: CallId) -> Option<&mut T> {
        let index = usize::from(id.slot).checked_sub(1)?;
        let slot = self.slots.get_mut(index)?;
        if slot.generation != id.generation || slot.state != State::Waiting {
            return None;
        }
        let data = slot.data.as_mut()?;
        slot.state = State::Answered;
        self.waiting -= 1;
        Some(data)
    }

    /// What is kept with a call, waiting or answered.
    #[inline]
    pub fn get_mut(&mut self, id: CallId) -> Option<&mut T> {
        let index = self.index(id)?;
        self.slots[index].data.as_mut()
    }

    /// Looks at what is kept with a call, and where `take` gives something for it, frees the call's slot, as
    /// [`remove`](Self::remove) does, but leaves the rest of what was kept for the slot's next call. `None` where there is no such
    /// call.
    #[inline]
    pub fn take_with<R>(
        &mut self,
        id: CallId,
        take: impl FnOnce(&mut T) -> Option<R>,
    ) -> Option<Option<R>> {
        let index = self.index(id)?;
        let slot = &mut self.slots[index];
        let taken = take(slot.data.as_mut()?);
        if taken.is_some() {
            self.free_at(index, id);
        }
        Some(taken)
    }

    /// Takes a call out and frees its slot; one that was still waiting is abandoned.
    #[inline]
    pub fn remove(&mut self, id: CallId) -> Option<T> {
        let index = self.index(id)?;
        self.free_at(index, id);
        self.slots[index].data.take()
    }

    /// Frees the slot at this index, where this call is.
    #[inline]
    fn free_at(&mut self, index: usize, id: CallId) {
        let slot = &mut self.slots[index];
        let state = core::mem::replace(&mut slot.state, State::Free);
        match slot.generation.checked_add(1) {
            Some(generation) => {
                slot.generation = generation;
                self.free.push(id.slot);
            }
            None => self.retired += 1,
        }
        if state == State::Waiting {
            self.waiting -= 1;
            self.remember_abandoned(id);
        }
    }

    fn remember_abandoned(&mut self, id: CallId) {
        let abandoned = self.abandoned.get_or_insert_default();
        if abandoned.calls.len() == REMEMBERED {
            abandoned.calls.pop_first();
            abandoned.forgotten = true;
        }
        abandoned.calls.insert(id);
    }

    /// Looks at the waiting calls, and abandons those for which `expires` says so: they become answered
    /// for their callers, and what the peer still answers is late.
    pub fn expire(&mut self, mut expires: impl FnMut(CallId, &mut T) -> bool) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let id = CallId {
                // There are no more slots than tags.
                slot: (index + 1) as u16,
                generation: slot.generation,
            };
            let data = slot.data.as_mut();
            if slot.state != State::Waiting || !data.is_some_and(|data| expires(id, data)) {
                continue;
            }
            slot.state = State::Answered;
            self.waiting -= 1;
            self.remember_abandoned(id);
        }
    }

    /// How many calls wait for their answers.
    pub fn waiting(&self) -> usize {
        self.waiting as usize
    }

    /// Whether this call waits for its answer.
    pub fn is_waiting(&self, id: CallId) -> bool {
        self.lookup_id(id) == Lookup::Waiting(id)
    }

    /// How many calls there are, waiting or answered.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len() - self.retired as usize
    }

    /// Whether there are no calls, waiting or answered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives away the memory that it has for calls, while there are none; its tags go on where they were.
    pub fn rest(&mut self) -> Option<Room<T>> {
        if !self.is_empty() || self.retired > 0 {
            return None;
        }
        let last = self.slots.iter().map(|slot| slot.generation).max()?;
        if last > MOST_USED {
            return None;
        }
        self.first = last;
        let mut slots = core::mem::take(&mut self.slots);
        let mut free = core::mem::take(&mut self.free);
        slots.truncate(1);
        free.truncate(1);
        Some(Room { slots, free })
    }

    /// For how many calls there is room in the table.
    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Whether it has no memory for calls.
    #[inline]
    pub fn is_resting(&self) -> bool {
        self.slots.capacity() == 0
    }

    /// Takes memory that another table has given away, where it has none.
    pub fn take_room(&mut self, room: Room<T>) {
        if !self.is_resting() {
            return;
        }
        let Room {
            mut slots,
            mut free,
        } = room;
        free.clear();
        if let Some(slot) = slots.first_mut() {
            slot.generation = self.first;
            free.push(1);
        }
        (self.slots, self.free) = (slots, free);
    }

    /// What is kept with the waiting calls, which all become answered; for the end of a connection.
    pub fn answer_all(&mut self, mut with: impl FnMut(&mut T)) {
        for slot in &mut self.slots {
            if slot.state == State::Waiting {
                slot.state = State::Answered;
                slot.data.iter_mut().for_each(&mut with);
            }
        }
        self.waiting = 0;
    }

    /// What is kept with the waiting calls, in the order of their slots.
    pub fn into_waiting(self) -> impl Iterator<Item = T> {
        let waiting = |slot: &Slot<T>| slot.state == State::Waiting;
        self.slots
            .into_iter()
            .filter(waiting)
            .filter_map(|slot| slot.data)
    }

    /// Where the slot of this call is, unless it is used by a later one.
    #[inline]
    fn index(&self, id: CallId) -> Option<usize> {
        let index = usize::from(id.slot).checked_sub(1)?;
        let slot = self.slots.get(index)?;
        (slot.generation == id.generation && slot.state != State::Free).then_some(index)
    }
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Calls, Lookup, MAX_CALLS, REMEMBERED};

    #[test]
    fn an_answer_is_known_once() {
        let mut calls = Calls::new();
        let id = calls.insert("a").unwrap();
        assert_eq!(calls.lookup(b"1"), Lookup::Waiting(id));
        assert_eq!(calls.answered(id), Some(&mut "a"));
        assert_eq!(calls.lookup(b"1"), Lookup::Unknown);
        assert_eq!(calls.remove(id), Some("a"));
        assert_eq!(calls.lookup(b"1"), Lookup::Unknown);
        assert!(calls.is_empty());
    }

    #[test]
    fn a_call_is_taken_out_when_there_is_something_to_take() {
        let mut calls = Calls::new();
        let id = calls.insert(None).unwrap();
        assert_eq!(calls.take_with(id, Option::take), Some(None));
        *calls.answered(id).unwrap() = Some("a");
        assert_eq!(calls.answered(id), None);
        assert_eq!(calls.take_with(id, Option::take), Some(Some("a")));
        assert_eq!(calls.take_with(id, Option::take), None);
        assert!(calls.is_empty() && calls.waiting() == 0);
    }

    #[test]
    fn an_abandoned_call_frees_its_slot_and_its_answer_is_late() {
        let mut calls = Calls::new();
        let first = calls.insert(1).unwrap();
        calls.remove(first);
        let second = calls.insert(2).unwrap();
        assert_eq!(second.slot, first.slot);
        assert_eq!(calls.lookup(first.tag().as_bytes()), Lookup::Late);
        calls.forget_abandoned(first);
        assert_eq!(calls.lookup(first.tag().as_bytes()), Lookup::Unknown);
        assert_eq!(
            calls.lookup(second.tag().as_bytes()),
            Lookup::Waiting(second)
        );
        assert_eq!(calls.waiting(), 1);
    }

    #[test]
    fn an_expired_call_is_answered_and_its_answer_is_late_once() {
        let mut calls = Calls::new();
        let (first, second) = (calls.insert(1).unwrap(), calls.insert(2).unwrap());
        calls.expire(|_, call| *call == 1);
        assert_eq!(calls.waiting(), 1);
        assert_eq!(calls.lookup_id(second), Lookup::Waiting(second));
        assert_eq!(calls.lookup_id(first), Lookup::Late);
        assert_eq!(calls.remove(first), Some(1));
        assert_eq!(calls.lookup_id(first), Lookup::Late);
        calls.forget_abandoned(first);
        assert_eq!(calls.lookup_id(first), Lookup::Unknown);
        assert_eq!(calls.waiting(), 1);
    }

    #[test]
    fn abandoned_calls_are_remembered_within_a_bound() {
        let mut calls = Calls::new();
        for _ in 0..3 * REMEMBERED {
            let id = calls.insert(()).unwrap();
            calls.remove(id);
        }
        assert_eq!(calls.abandoned.as_ref().unwrap().calls.len(), REMEMBERED);
        assert_eq!(calls.lookup(b"1"), Lookup::Late);
    }

    #[test]
    fn tags_go_on_where_they_were_in_memory_of_another_table() {
        let mut calls = Calls::new();
        let ids: Vec<_> = (0..3).filter_map(|call| calls.insert(call)).collect();
        assert!(calls.rest().is_none());
        for &id in &ids {
            calls.answered(id);
            calls.remove(id);
        }
        let abandoned = calls.insert(4).unwrap();
        calls.remove(abandoned);
        let room = calls.rest().unwrap();
        assert!(calls.is_resting() && calls.rest().is_none());
        assert_eq!(calls.lookup_id(abandoned), Lookup::Late);
        assert_eq!(calls.lookup_id(ids[0]), Lookup::Unknown);

        let mut others = Calls::new();
        others.take_room(room);
        let id = others.insert(5).unwrap();
        assert_eq!((id.slot, id.generation), (1, 0));
        assert_eq!(others.lookup_id(abandoned), Lookup::Unknown);

        let next = [calls.insert(6).unwrap(), calls.insert(7).unwrap()];
        let issued = [&ids[..], &[abandoned]].concat();
        assert!(next.iter().all(|id| !issued.contains(id)));
        assert_eq!(calls.lookup_id(next[1]), Lookup::Waiting(next[1]));
        assert_eq!(calls.lookup_id(abandoned), Lookup::Late);
    }

    #[test]
    fn all_slots_can_be_used_and_no_more() {
        let mut calls = Calls::new();
        for _ in 0..MAX_CALLS {
            assert!(calls.insert(()).is_some());
        }
        assert_eq!(calls.insert(()), None);
    }

    #[test]
    fn tags_that_were_never_issued_are_unknown() {
        let calls = Calls::<()>::new();
        for tag in ["", "0", "1", "ffff", "10000", "zz"] {
            assert_eq!(calls.lookup(tag.as_bytes()), Lookup::Unknown, "{tag:?}");
        }
    }
}
