//! Calls as nearly all of them are: nothing stands in their way, and they take as long as they take.

use std::sync::atomic::Ordering;
use std::task::Waker;

use amp_rpc_core::WriteFields;
use amp_rpc_core::conversation::CallId;

use super::context::ConnectionContext;
use super::shared::{CallSlot, Shared, State, wake};

impl Shared {
    /// Sends a call of a plain command without deadline and metadata, if it can be sent now. `None` says that nothing was
    /// done. What this does for such a call is what [`poll_call`](Self::poll_call) does for any, in less time.
    pub(crate) fn send_usual(
        &self,
        command: &[u8],
        fields: &dyn WriteFields,
        waker: &Waker,
    ) -> Option<CallId> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let is_full = state.queued() >= self.options.max_queued;
        if is_full || state.is_slow || !state.room.is_empty() {
            return None;
        }
        state.begin();
        let is_timed = self.times_call(state);
        let fill = |place: &mut Option<CallSlot>| CallSlot::begin(place, waker, is_timed, None);
        let State {
            asking,
            out,
            beside,
            ..
        } = state;
        let at = out.len();
        let mut context = ConnectionContext::new(self);
        let id = asking.ask_plainly(command, fields, fill, out, &mut context)?;
        context.written(at, beside);
        state.is_used = true;
        self.counters.calls_sent.add(1);
        self.wrote.store(true, Ordering::Release);
        let driver = state.sleeping.take();
        drop(guard);
        wake(driver);
        Some(id)
    }
}
