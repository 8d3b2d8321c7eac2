use std::fmt::Write as _;

use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::parse;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::ROOM;
use crate::amp::Amp;
use crate::peer::Peer;

/// The other side of a connection, played by the test: it takes the boxes that come and sends what the test says,
/// right or wrong.
///
/// ```
/// use amp_rpc::test_util::Scripted;
/// use amp_rpc::{Amp, AmpBox};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (peer, mut script) = Scripted::new(&Amp::new());
/// let call = peer.call_box("Sum", AmpBox::from([("a", "1"), ("b", "2")])).start();
///
/// let asked = script.expect("Sum", [("a", "1"), ("b", "2")]).await;
/// script.answer(&asked, [("total", "3")]).await;
/// assert_eq!(call.await.unwrap().get("total").unwrap(), b"3");
/// # }
/// ```
///
/// What does not come as expected panics with both boxes in words. Nothing here has a time limit: use
/// `tokio::time::timeout`, best under paused time. What waits for boxes is cancel-safe; what sends may have sent a part when it is
/// dropped.
#[derive(Debug)]
pub struct Scripted {
    stream: DuplexStream,
    read: Vec<u8>,
}

/// An ask that came, to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The arguments, and nothing else.
    pub arguments: AmpBox,
    /// The tag to give back; `None` where no answer is wanted.
    pub tag: Option<Vec<u8>>,
    /// The command's name.
    pub command: Vec<u8>,
}

impl Scripted {
    /// A connection in memory: this crate's side, and the side of the test.
    ///
    /// # Panics
    ///
    /// As [`Amp::over`].
    pub fn new(amp: &Amp) -> (Peer, Self) {
        let (one, stream) = tokio::io::duplex(ROOM);
        let scripted = Self {
            stream,
            read: Vec::new(),
        };
        (amp.over(one), scripted)
    }

    /// The next box, whatever it is; `None` when the connection has ended.
    ///
    /// # Panics
    ///
    /// When what comes is no box.
    pub async fn next_box(&mut self) -> Option<AmpBox> {
        loop {
            let next = parse(&self.read).next();
            if let Some(Ok(view)) = next {
                let (message, length) = (view.to_owned(), view.as_wire().len());
                // The end of a box is two more bytes.
                self.read.drain(..length + 2);
                return Some(message);
            }
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) | Err(_) if self.read.is_empty() => return None,
                Ok(0) | Err(_) => panic!(
                    "the connection ended within a box: {}",
                    self.read.escape_ascii()
                ),
                Ok(_) => {}
            }
        }
    }

    /// The next ask, which is to be of this command with these arguments.
    ///
    /// # Panics
    ///
    /// When something else comes, with both in words, or the connection ends.
    pub async fn expect(
        &mut self,
        command: impl AsRef<[u8]>,
        arguments: impl Into<AmpBox>,
    ) -> Asked {
        let asked = self.next_ask().await;
        let expected = Asked {
            arguments: arguments.into(),
            tag: asked.tag.clone(),
            command: command.as_ref().to_vec(),
        };
        assert!(
            asked == expected,
            "another ask came than expected\n  expected: {}\n  came:     {}",
            expected.text(),
            asked.text()
        );
        asked
    }

    /// The next ask, whatever it asks for. What the connection asks for itself, by `_amp-rpc`, is answered as Twisted
    /// does, and not given; [`next_box`](Self::next_box) gives everything.
    ///
    /// # Panics
    ///
    /// When an answer or error comes, or the connection ends.
    pub async fn next_ask(&mut self) -> Asked {
        loop {
            let asked = self.next_ask_of_all().await;
            if asked.command != b"_amp-rpc" || asked.tag.is_none() {
                return asked;
            }
            let description = "Unhandled Command: '_amp-rpc'";
            self.fail(&asked, "UNHANDLED", description).await;
        }
    }

    async fn next_ask_of_all(&mut self) -> Asked {
        let Some(mut arguments) = self.next_box().await else {
            panic!("an ask was expected, but the connection has ended");
        };
        let Some(command) = arguments.remove("_command") else {
            panic!("an ask was expected, but this came: {}", text(&arguments));
        };
        let tag = arguments.remove("_ask");
        Asked {
            arguments,
            tag: tag.map(|tag| tag.to_vec()),
            command: command.to_vec(),
        }
    }

    /// Answers an ask.
    ///
    /// # Panics
    ///
    /// When the ask wants no answer, the box cannot be encoded, or the connection has ended.
    pub async fn answer(&mut self, asked: &Asked, answer: impl Into<AmpBox>) {
        let mut answer = answer.into();
        answer.insert("_answer", asked.tag());
        self.send(answer).await;
    }

    /// Answers an ask with an error.
    ///
    /// # Panics
    ///
    /// As [`answer`](Self::answer).
    pub async fn fail(&mut self, asked: &Asked, code: &str, description: &str) {
        let error = AmpBox::from([
            ("_error", asked.tag()),
            ("_error_code", code.as_bytes()),
            ("_error_description", description.as_bytes()),
        ]);
        self.send(error).await;
    }

    /// Asks this crate's side, and gives its answer or error as it comes.
    ///
    /// # Panics
    ///
    /// When the box cannot be encoded, or the connection ends.
    pub async fn ask(&mut self, command: impl AsRef<[u8]>, arguments: impl Into<AmpBox>) -> AmpBox {
        let mut ask = arguments.into();
        ask.insert("_command", command.as_ref());
        ask.insert("_ask", "script");
        self.send(ask).await;
        let Some(answer) = self.next_box().await else {
            panic!("an answer was expected, but the connection has ended");
        };
        answer
    }

    /// Sends a box as it is.
    ///
    /// # Panics
    ///
    /// When it cannot be encoded, or the connection has ended.
    pub async fn send(&mut self, message: impl Into<AmpBox>) {
        let bytes = message.into().to_bytes().expect("it is a box");
        self.send_bytes(bytes).await;
    }

    /// Sends bytes, which may be anything.
    ///
    /// # Panics
    ///
    /// When the connection has ended.
    pub async fn send_bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let written = self.stream.write_all(bytes.as_ref()).await;
        written.expect("the connection is open");
    }

    /// Waits for the end of the connection.
    ///
    /// # Panics
    ///
    /// When a box comes first.
    pub async fn expect_end(&mut self) {
        if let Some(message) = self.next_box().await {
            panic!("the end was expected, but this came: {}", text(&message));
        }
    }
}

impl Asked {
    fn tag(&self) -> &[u8] {
        self.tag.as_deref().expect("the ask wants an answer")
    }

    fn text(&self) -> String {
        let command = self.command.escape_ascii();
        format!("{command} {}", text(&self.arguments))
    }
}

/// A box in words.
fn text(message: &AmpBox) -> String {
    let mut text = String::from("{");
    for (key, value) in message {
        let separator = if text.len() > 1 { ", " } else { "" };
        let (key, value) = (key.escape_ascii(), value.escape_ascii());
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{key}: \"{value}\"");
    }
    text + "}"
}
