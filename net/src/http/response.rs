//! The server's answers, as far as the gate has to know them: the status, how they end, and that
//! an answer to HEAD has no body.

/// What an answer's head says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) has_length: bool,
    pub(super) is_chunked: bool,
}

/// Follows one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response {
    head: ResponseHead,
    is_to_head_method: bool,
    state: State,
    /// The start of the present line, in lower case.
    line: [u8; LINE],
    line_len: usize,
    has_started: bool,
}

/// Enough for the names that matter.
const LINE: usize = 28;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StatusLine,
    Headers,
    Body,
}

impl Response {
    pub(super) fn new(is_to_head_method: bool) -> Self {
        Self {
            head: ResponseHead::default(),
            is_to_head_method,
            state: State::StatusLine,
            line: [0; LINE],
            line_len: 0,
            has_started: false,
        }
    }

    /// Whether anything of it was written.
    pub(super) fn has_started(&self) -> bool {
        self.has_started
    }

    /// Whether the connection speaks another protocol from here on.
    pub(super) fn is_switching(&self) -> bool {
        self.state == State::Body && self.head.status == 101
    }

    /// Whether its body is being written, and is sent.
    pub(super) fn is_in_plain_body(&self) -> bool {
        self.state == State::Body && !self.is_to_head_method
    }

    /// Whether its end is the end of the connection (RFC 9112, section 6.3).
    pub(super) fn ends_with_connection(&self) -> bool {
        let has_no_body = self.is_to_head_method || matches!(self.head.status, 204 | 304);
        self.has_started
            && (self.state != State::Body
                || !(self.head.has_length || self.head.is_chunked || has_no_body))
    }

    /// Looks at what the server writes; returns how much of it is to be sent. The rest is the body
    /// of an answer to HEAD.
    pub(super) fn observe(&mut self, bytes: &[u8]) -> usize {
        self.has_started |= !bytes.is_empty();
        let mut rest = bytes;
        while self.state != State::Body && !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n');
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            let room = self.line.get_mut(self.line_len..).unwrap_or_default();
            for (slot, byte) in room.iter_mut().zip(line) {
                *slot = byte.to_ascii_lowercase();
                self.line_len += 1;
            }
            rest = after.get(1..).unwrap_or_default();
            if end.is_some() {
                self.end_line();
            }
        }
        if self.is_to_head_method { bytes.len() - rest.len() } else { bytes.len() }
    }

    fn end_line(&mut self) {
        let line = self.line.get(..self.line_len).unwrap_or_default().trim_ascii_end();
        match self.state {
            State::StatusLine => {
                let digits = line.get(9..12).unwrap_or_default();
                self.head.status = digits.iter().fold(0, |status, digit| {
                    status * 10 + u16::from(digit.wrapping_sub(b'0').min(9))
                });
                self.state = State::Headers;
            }
            State::Headers if line.is_empty() => {
                // An interim answer is followed by another one (RFC 9110, section 15.2).
                let is_interim = matches!(self.head.status, 100 | 102..=199);
                self.state = if is_interim { State::StatusLine } else { State::Body };
            }
            State::Headers => {
                self.head.has_length |= line.starts_with(b"content-length:");
                self.head.is_chunked |= line.starts_with(b"transfer-encoding: chunked")
                    || line.starts_with(b"transfer-encoding:chunked");
            }
            State::Body => {}
        }
        self.line_len = 0;
    }
}
