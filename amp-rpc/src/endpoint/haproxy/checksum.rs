//! The checksum that a header of version 2 may have: CRC-32C, among what stands behind the addresses.

use super::header::HeaderError;

/// The kind of what stands behind the addresses that is a checksum: `PP2_TYPE_CRC32C`.
const KIND: u8 = 3;

/// The polynomial of CRC-32C (Castagnoli's), lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Sees a header pass by, from its first byte to its last, and keeps nothing of it.
///
/// Behind the addresses there are vectors of a kind, a length of two bytes, and a value. The checksum is
/// that of the whole header with zeros in its own place. What does not add up to whole vectors is skipped.
#[derive(Debug)]
pub(super) struct Checksum {
    computed: u32,
    /// How many bytes come before the vectors.
    before: usize,
    /// The beginning of a vector, as far as it has come.
    vector: [u8; 3],
    has: usize,
    /// How many bytes of its value are still to come.
    left: u16,
    sent: Option<u32>,
}

impl Checksum {
    /// `vectors`: where in the header the vectors begin.
    pub(super) fn new(vectors: usize) -> Self {
        Self {
            computed: u32::MAX,
            before: vectors,
            vector: [0; 3],
            has: 0,
            left: 0,
            sent: None,
        }
    }

    /// The next bytes of the header.
    ///
    /// # Errors
    ///
    /// A checksum is of another length than four bytes, or there are two.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<(), HeaderError> {
        for byte in bytes {
            let counted = self.pass_byte(*byte)?;
            self.count(counted);
        }
        Ok(())
    }

    /// What the byte counts as: zero for one of the checksum.
    fn pass_byte(&mut self, byte: u8) -> Result<u8, HeaderError> {
        if self.before > 0 {
            self.before -= 1;
            return Ok(byte);
        }
        if self.left > 0 {
            self.left -= 1;
            if self.vector[0] != KIND {
                return Ok(byte);
            }
            let sent = self.sent.unwrap_or_default();
            self.sent = Some(sent << 8 | u32::from(byte));
            return Ok(0);
        }
        self.vector[self.has] = byte;
        self.has += 1;
        if self.has == self.vector.len() {
            let [kind, high, low] = self.vector;
            self.has = 0;
            self.left = u16::from_be_bytes([high, low]);
            if kind == KIND && (self.left != 4 || self.sent.is_some()) {
                return Err(HeaderError::BadChecksum);
            }
        }
        Ok(byte)
    }

    fn count(&mut self, byte: u8) {
        self.computed ^= u32::from(byte);
        for _ in 0..8 {
            let is_odd = self.computed & 1 == 1;
            self.computed >>= 1;
            if is_odd {
                self.computed ^= POLYNOMIAL;
            }
        }
    }

    /// Whether the checksum is right, if there was one.
    ///
    /// # Errors
    ///
    /// It is wrong, or cut off by the end of the header.
    pub(super) fn check(self) -> Result<(), HeaderError> {
        let is_cut = self.left > 0 && self.vector[0] == KIND;
        let computed = !self.computed;
        match self.sent {
            _ if is_cut => Err(HeaderError::BadChecksum),
            Some(sent) if sent != computed => Err(HeaderError::Checksum { sent, computed }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as a network load balancer of AWS sends it, with its checksum, the id of an endpoint, and
    /// filling.
    fn header() -> Vec<u8> {
        let fixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x54";
        let addresses = [172, 31, 7, 113, 172, 31, 10, 31, 0xc8, 0xf2, 0, 80];
        let checksum = b"\x03\0\x04\xe8\xd6\x89\x2d";
        let endpoint = b"\xea\0\x17\x01vpce-08d2bf15fac5001c9";
        let filling = [b"\x04\0\x24".as_slice(), &[0; 36]].concat();
        [fixed, addresses.as_slice(), checksum, endpoint, &filling].concat()
    }

    fn check(header: &[u8]) -> Result<(), HeaderError> {
        let mut checksum = Checksum::new(28);
        checksum.pass(header)?;
        checksum.check()
    }

    #[test]
    fn a_right_one() {
        assert_eq!(check(&header()), Ok(()));
        for cut in 0..=header().len() {
            let header = header();
            let (front, back) = header.split_at(cut);
            let mut checksum = Checksum::new(28);
            checksum.pass(front).unwrap();
            checksum.pass(back).unwrap();
            assert_eq!(checksum.check(), Ok(()), "{cut}");
        }
    }

    #[test]
    fn a_change_anywhere_is_found() {
        for at in 0..header().len() {
            let mut header = header();
            header[at] ^= 0x10;
            // There it becomes a vector of another kind, and none of them is a checksum.
            assert_eq!(check(&header).is_ok(), at == 28, "{at}");
        }
        let mut header = header();
        header[16] ^= 1;
        let error = check(&header).unwrap_err();
        let HeaderError::Checksum { sent, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(sent, 0xe8d6_892d);
        assert!(error.to_string().contains("0xe8d6892d"), "{error}");
    }

    #[test]
    fn one_that_is_none() {
        let with = |vectors: &[u8]| check(&[&header()[..28], vectors].concat());
        assert_eq!(with(b"\x03\0\x03abc"), Err(HeaderError::BadChecksum));
        assert_eq!(with(b"\x03\0\x05abcde"), Err(HeaderError::BadChecksum));
        assert_eq!(with(b"\x03\0\x04ab"), Err(HeaderError::BadChecksum));
        assert_eq!(with(b"\x03\0\x04"), Err(HeaderError::BadChecksum));
        let two = b"\x03\0\x04abcd\x03\0\x04abcd";
        assert_eq!(with(two), Err(HeaderError::BadChecksum));
    }

    #[test]
    fn without_one_there_is_nothing_to_check() {
        let with = |vectors: &[u8]| check(&[&header()[..28], vectors].concat());
        assert_eq!(with(b""), Ok(()));
        assert_eq!(with(b"\x04\0\0"), Ok(()));
        assert_eq!(with(b"\x02\0\x08\x03\0\x04abcde"), Ok(()));
        // What is no whole vector.
        assert_eq!(with(b"\x02\xff\xffa"), Ok(()));
        assert_eq!(with(b"\x02\0"), Ok(()));
        assert_eq!(with(b"\x03\0"), Ok(()));
    }
}
