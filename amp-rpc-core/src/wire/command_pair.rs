use alloc::boxed::Box;

use super::Prefix;

/// The pair that names a command in an ask, which is compared with what comes as a whole: with short names, by two numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPair {
    pair: Box<[u8]>,
    /// Its end. The beginning is the same with all names.
    last: [u8; 8],
}

impl CommandPair {
    /// That of the command with this name; `None` where the name has more than 255 bytes.
    pub fn new(name: &[u8]) -> Option<Self> {
        let length = u8::try_from(name.len()).ok()?;
        let pair = [Prefix::COMMAND.key().prefixed(), &[0, length], name].concat();
        Some(Self {
            last: *pair.last_chunk()?,
            pair: pair.into(),
        })
    }

    /// The command's name.
    pub fn name(&self) -> &[u8] {
        &self.pair[Prefix::COMMAND.as_bytes().len()..]
    }

    /// What is behind the pair in bytes that begin with it.
    #[inline(always)]
    pub(super) fn behind<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (pair, behind) = bytes.split_at_checked(self.pair.len())?;
        let first = Prefix::COMMAND.as_bytes().first_chunk::<8>();
        let is_same = if pair.len() <= 8 + self.last.len() {
            pair.first_chunk() == first && pair.last_chunk() == Some(&self.last)
        } else {
            *pair == *self.pair
        };
        is_same.then_some(behind)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::CommandPair;

    #[test]
    fn only_the_pair_itself_is_passed() {
        for length in (0..40).chain([254, 255]) {
            let name: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let command = CommandPair::new(&name).unwrap();
            assert_eq!(command.name(), name);
            let head = [b"\0\x08_command\0", &[length as u8][..]].concat();
            let mut bytes = [&head, &name[..], b"\0\x01a"].concat();
            assert_eq!(command.behind(&bytes), Some(&b"\0\x01a"[..]));
            let end = bytes.len() - 3;
            for at in 0..end {
                assert_eq!(command.behind(&bytes[..at]), None, "{length} {at}");
                bytes[at] ^= 1;
                assert_eq!(command.behind(&bytes), None, "{length} {at}");
                bytes[at] ^= 1;
            }
            assert_eq!(command.behind(&bytes[..end]), Some(&b""[..]));
        }
        assert_eq!(CommandPair::new(&[b'x'; 256]), None);
    }
}
