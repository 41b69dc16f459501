//! An answer's body: at once, at an even pace, or cut in the middle. It carries the record of its request, so that the
//! truth says whether it was handed over whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::truth::Record;
use super::wire::Knife;

/// An even pace is made of this many pieces at most.
const PIECES: usize = 8;
/// Between the first half of a body that is cut and the cut: time for the half to leave.
const BEFORE_CUT: Duration = Duration::from_millis(5);

/// How a body goes out.
pub(super) enum Delivery {
    AtOnce,
    /// The last byte leaves this long after the head.
    Over(Duration),
    /// Half of it, then the connection is reset.
    Cut(Knife),
}

pub(super) struct AnswerBody {
    rest: Bytes,
    /// What was announced and not handed over, a part that will be cut off included.
    announced: usize,
    piece: usize,
    pace: Duration,
    /// When the next piece, or the cut, is due. `None` before the first poll.
    due: Option<Pin<Box<Sleep>>>,
    cut: Option<Knife>,
    /// Dropped with the body; `None` once the body is whole.
    record: Option<Record>,
}

impl AnswerBody {
    pub(super) fn new(content: Bytes, delivery: Delivery, record: Record) -> Self {
        let announced = content.len();
        let (rest, piece, pace, cut) = match delivery {
            Delivery::AtOnce => (content, announced, Duration::ZERO, None),
            Delivery::Over(time) => {
                let piece = announced.div_ceil(PIECES).max(1);
                let pieces = u32::try_from(announced.div_ceil(piece)).unwrap_or(1).max(1);
                (content, piece, time / pieces, None)
            }
            Delivery::Cut(knife) => (content.slice(..announced / 2), announced, Duration::ZERO, Some(knife)),
        };
        let mut body = Self { rest, announced, piece, pace, due: None, cut, record: Some(record) };
        body.close_when_whole();
        body
    }

    fn close_when_whole(&mut self) {
        if self.announced == 0
            && let Some(mut record) = self.record.take()
        {
            record.completed();
        }
    }

    /// Ready once the time for the next piece has come.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.is_zero() {
            return Poll::Ready(());
        }
        let pace = self.pace;
        let due = self.due.get_or_insert_with(|| Box::pin(sleep(pace)));
        std::task::ready!(due.as_mut().poll(cx));
        // From the deadline, not from now: lateness of one piece does not add to the next.
        let next: Instant = due.deadline() + pace;
        due.as_mut().reset(next);
        Poll::Ready(())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.announced == 0 {
            return Poll::Ready(None);
        }
        std::task::ready!(self.poll_due(cx));
        if self.rest.is_empty() {
            let Some(knife) = &self.cut else { return Poll::Ready(None) };
            knife.reset();
            return Poll::Ready(Some(Err(io::Error::other("the script cuts this answer"))));
        }
        let length = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(length);
        self.announced -= length;
        if self.cut.is_some() && self.rest.is_empty() {
            self.pace = BEFORE_CUT;
        }
        self.close_when_whole();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.announced == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced as u64)
    }
}
