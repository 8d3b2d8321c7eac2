/// The protocol that a connection is switched to: answers each line with `echo:` and the line.
#[derive(Debug, Default)]
pub(super) struct LineEcho {
    /// All that came.
    pub(super) received: Vec<u8>,
    /// Where the line begins that is not complete.
    line: usize,
}

impl LineEcho {
    /// Takes what came and appends the answers.
    pub(super) fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.received.extend_from_slice(bytes);
        while let Some(length) = self.received[self.line..].iter().position(|&b| b == b'\n') {
            let end = self.line + length + 1;
            out.extend_from_slice(b"echo:");
            out.extend_from_slice(&self.received[self.line..end]);
            self.line = end;
        }
    }
}
