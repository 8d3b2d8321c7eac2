/// Where a conversation behaves as Twisted does although that is less safe.
///
/// The default stays open where Twisted closes a connection because of a single bad call.
/// [`Compat::twisted`] sets every switch. The guide's "Differences from Twisted" has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Compat {
    /// Close behind an answer of `UNKNOWN`: bad arguments, an undeclared error or panic, an answer
    /// that cannot be encoded. Its description then says nothing but "Unknown Error".
    pub close_on_unknown_error: bool,
    /// Close when a command that wants no answer fails, is unknown or has bad arguments.
    pub close_on_failure_without_ask: bool,
    /// Close on an answer or error with a tag that was never issued or is answered already.
    pub close_on_unknown_tag: bool,
    /// Close on an error without code or description.
    pub close_on_incomplete_error: bool,
    /// Close without an answer when a value of the answer is longer than 65,535 bytes, or when
    /// the description of an unhandled command would be.
    pub close_on_answer_too_long: bool,
    /// Close on an unknown command whose name is not ASCII.
    pub close_on_name_not_ascii: bool,
    /// Carry out the asks that came in the same read behind one that closes the connection.
    pub carry_on_behind_close: bool,
    /// Let a list lose an element that is cut off, instead of refusing the list.
    pub cut_lists: bool,
    /// Let calls that are under way when the protocol is switched end with the connection, instead of
    /// at once, though no answer can come. For those who carry the connection to act on; the
    /// conversation itself does not.
    pub calls_outlive_switch: bool,
    /// Never send a command that Twisted does not have, by which a connection finds out what its peer can do and whether it is
    /// there. Any peer that follows AMP answers it, but a program may do otherwise with commands that it does not know. For those who
    /// carry the connection to act on.
    pub no_own_commands: bool,
    /// Send an error with a code chosen at run time as the catch-all error where one is declared.
    pub catch_all_covers_remote_errors: bool,
}

impl Compat {
    /// Everything as Twisted does it.
    pub const fn twisted() -> Self {
        Self {
            close_on_unknown_error: true,
            close_on_failure_without_ask: true,
            close_on_unknown_tag: true,
            close_on_incomplete_error: true,
            close_on_answer_too_long: true,
            close_on_name_not_ascii: true,
            carry_on_behind_close: true,
            cut_lists: true,
            calls_outlive_switch: true,
            no_own_commands: true,
            catch_all_covers_remote_errors: true,
        }
    }
}
