//! What a responder knows of the ask it carries out, besides its arguments.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::connection::log::Span;
use crate::responders::guard;

thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current::None) };
    /// The context that `Current::Made` means.
    static CONTEXT: Cell<Option<AskContext>> = const { Cell::new(None) };
}

/// Which ask the code that runs on this thread belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    None,
    /// To one whose context nobody has asked for yet.
    Unmade {
        canceled: bool,
    },
    Made,
}

/// The context of the code that runs, if there is one already.
fn made() -> Option<AskContext> {
    if CURRENT.get() != Current::Made {
        return None;
    }
    let context = CONTEXT.take();
    CONTEXT.set(context.clone());
    context
}

/// The ask that a responder carries out: how long its caller still waits, and whether it has stopped
/// waiting.
///
/// Both are known only of callers that say so, which is those that use this crate, and of the end of
/// the connection. Calls that a responder makes inherit the deadline by themselves, on any connection:
/// within its own future, and through the [`Peer`](crate::Peer) that it was given, until it has answered.
/// To hand it on to a task of its own:
///
/// ```
/// use amp_rpc::{Answer, AskContext, Command};
///
/// #[derive(Command)]
/// struct Rebuild {}
///
/// async fn rebuild(_: Rebuild) -> Answer<Rebuild> {
///     let work = async { /* calls others */ };
///     if let Some(ask) = AskContext::current() {
///         tokio::spawn(ask.scope(work));
///     }
///     Ok(())
/// }
/// ```
///
/// Cheap to clone.
#[derive(Clone)]
pub struct AskContext(Arc<Ask>);

struct Ask {
    deadline: Option<Instant>,
    traceparent: Option<Box<str>>,
    /// Nobody waits for the answer any more.
    canceled: AtomicBool,
    notify: Notify,
    /// The responder is done.
    done: AtomicBool,
}

impl AskContext {
    fn new(deadline: Option<Instant>, traceparent: Option<&str>, canceled: bool) -> Self {
        Self(Arc::new(Ask {
            deadline,
            traceparent: traceparent.map(Box::from),
            canceled: AtomicBool::new(canceled),
            notify: Notify::new(),
            done: AtomicBool::new(false),
        }))
    }

    /// The ask that the responder carries out within whose future this is called, or which was handed
    /// on with [`scope`](Self::scope); `None` elsewhere.
    pub fn current() -> Option<Self> {
        if let Current::Unmade { canceled } = CURRENT.get() {
            CONTEXT.set(Some(Self::new(None, None, canceled)));
            CURRENT.set(Current::Made);
        }
        made()
    }

    /// How long the caller still waits; `None` where it did not say, zero where it waits no longer.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.0.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// When the caller stops waiting, where it said so.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The caller's span, as in the header `traceparent` of W3C's Trace Context; `None` where it did not say. See
    /// [`Amp::traceparent`](crate::Amp::traceparent).
    pub fn traceparent(&self) -> Option<&str> {
        self.0.traceparent.as_deref()
    }

    /// Whether nobody waits for the answer any more: the caller has said so, or the connection has ended.
    /// That a deadline has passed is not noticed by itself.
    pub fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
    }

    /// Waits until nobody waits for the answer any more. Where the caller never says so and the connection
    /// stays, for ever: use it beside the work, as in `tokio::select!`. Cancel-safe.
    pub async fn canceled(&self) {
        loop {
            let notified = self.0.notify.notified();
            if self.is_canceled() {
                return;
            }
            notified.await;
        }
    }

    /// Runs a future as part of the ask, wherever it is polled: calls made within it inherit the deadline.
    pub fn scope<F: Future>(&self, future: F) -> Scope<F> {
        Scope {
            active: Active {
                span: Span::current(),
                context: Some(self.clone()),
                canceled: false,
                ends_ask: false,
            },
            future,
        }
    }

    /// The deadline, as long as the responder runs.
    pub(crate) fn deadline_under_way(&self) -> Option<Instant> {
        self.0
            .deadline
            .filter(|_| !self.0.done.load(Ordering::Acquire))
    }
}

impl fmt::Debug for AskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskContext")
            .field("time_left", &self.time_left())
            .field("is_canceled", &self.is_canceled())
            .finish()
    }
}

/// The deadline that calls made here inherit.
pub(crate) fn current_deadline() -> Option<Instant> {
    made()?.0.deadline
}

pin_project! {
    /// A future that runs as part of an ask; made by [`AskContext::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Scope<F> {
        active: Active,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.active.enter(|| this.future.poll(cx))
    }
}

/// What is kept with a responder that runs. The context is made when somebody asks for it, or when
/// there is something to tell: most asks need none.
#[derive(Debug)]
pub(crate) struct Active {
    /// What is logged meanwhile belongs to the ask.
    span: Span,
    context: Option<AskContext>,
    canceled: bool,
    ends_ask: bool,
}

impl Active {
    /// For an ask whose caller waits until then, and is that span.
    pub(crate) fn new(span: Span, deadline: Option<Instant>, traceparent: Option<&str>) -> Self {
        Self {
            span,
            context: (deadline.is_some() || traceparent.is_some())
                .then(|| AskContext::new(deadline, traceparent, false)),
            canceled: false,
            ends_ask: true,
        }
    }

    /// The span, where nothing was run after all.
    pub(crate) fn into_span(self) -> Span {
        self.span.clone()
    }

    /// The context, if there is one.
    pub(crate) fn known(&self) -> Option<&AskContext> {
        self.context.as_ref()
    }

    /// Tells the responder that nobody waits any more.
    pub(crate) fn cancel(&mut self) {
        self.canceled = true;
        if let Some(context) = &self.context {
            context.0.canceled.store(true, Ordering::Release);
            context.0.notify.notify_waiters();
        }
    }

    /// Runs code of the responder's. A panic becomes its message.
    #[inline]
    pub(crate) fn guard<T>(&mut self, run: impl FnOnce() -> T) -> Result<T, String> {
        if self.context.is_some() || CURRENT.get() == Current::Made {
            return self.enter(|| guard(run));
        }
        // As below, for the most usual case.
        let span = self.span.clone();
        let _entered = span.enter();
        let canceled = self.canceled;
        let before = CURRENT.replace(Current::Unmade { canceled });
        let result = guard(run);
        if CURRENT.replace(before) == Current::Made {
            self.context = CONTEXT.take();
        }
        result
    }

    /// Runs code of the responder's.
    fn enter<T>(&mut self, run: impl FnOnce() -> T) -> T {
        /// Puts back what was there before, even when the code panics.
        struct Leave<'a> {
            context: &'a mut Option<AskContext>,
            before: Current,
            outer: Option<AskContext>,
        }
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                if CURRENT.replace(self.before) == Current::Made {
                    *self.context = CONTEXT.take();
                }
                if self.before == Current::Made {
                    CONTEXT.set(self.outer.take());
                }
            }
        }
        let span = self.span.clone();
        let _entered = span.enter();
        let canceled = self.canceled;
        let own = match &self.context {
            Some(_) => Current::Made,
            None => Current::Unmade { canceled },
        };
        let before = CURRENT.replace(own);
        let outer = match before {
            Current::Made => CONTEXT.take(),
            _ => None,
        };
        if own == Current::Made {
            CONTEXT.set(self.context.take());
        }
        let _leave = Leave {
            context: &mut self.context,
            before,
            outer,
        };
        run()
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(context) = self.context.as_ref().filter(|_| self.ends_ask) {
            context.0.done.store(true, Ordering::Release);
        }
    }
}
