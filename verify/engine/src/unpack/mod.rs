//! What a body has packed, as a zip archive or with gzip (RFC 1952), also within each other: office documents, exports.
//!
//! Only a body that begins as one of them does is unpacked. The target is hostile: how much is unpacked in all, how many
//! members and how deep they are within each other is bounded. What goes beyond that, is encrypted, broken, or packed in
//! another way is said: such an answer proves no absence, and what was found in the rest of it counts.

mod zip;

use std::io::Read;

use crate::log::Failure;

/// Archives within archives.
const DEEPEST: usize = 8;
/// Members of all archives of a body.
const MOST_MEMBERS: usize = 10_000;

/// What is in a packed body.
pub(crate) struct Unpacked {
    /// What its members hold, one after the other, with their names where they have some.
    pub(crate) bytes: Vec<u8>,
    /// Why that is not all.
    pub(crate) shortfall: Option<Shortfall>,
}

/// Why a body could not be looked through whole.
pub(crate) type Shortfall = (Failure, String);

/// What a body has packed, up to so many bytes in all. None where nothing is packed.
pub(crate) fn unpack(body: &[u8], limit: usize) -> Option<Unpacked> {
    Packing::of(body)?;
    let mut unpacking = Unpacking { bytes: Vec::new(), left: limit, limit, members: 0, shortfall: None };
    unpacking.through(body, 0);
    Some(Unpacked { bytes: unpacking.bytes, shortfall: unpacking.shortfall })
}

/// How bytes are packed.
#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zip,
}

impl Packing {
    /// By what they begin with.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }
}

struct Unpacking {
    bytes: Vec<u8>,
    /// Bytes that may still be unpacked.
    left: usize,
    limit: usize,
    members: usize,
    shortfall: Option<Shortfall>,
}

impl Unpacking {
    fn through(&mut self, bytes: &[u8], depth: usize) {
        match Packing::of(bytes) {
            None => self.bytes.extend_from_slice(bytes),
            Some(_) if depth >= DEEPEST => {
                self.falls_short(Failure::TooLarge, format!("archives are within each other more than {DEEPEST} deep"));
            }
            Some(Packing::Gzip) => self.gzip(bytes, depth),
            Some(Packing::Zip) => self.zip(bytes, depth),
        }
    }

    /// One member or several, one after the other (RFC 1952 2.2): together they are one document.
    fn gzip(&mut self, bytes: &[u8], depth: usize) {
        let mut whole = Vec::new();
        let mut rest = bytes;
        while matches!(Packing::of(rest), Some(Packing::Gzip)) && self.may_go_on() {
            let mut decoder = flate2::bufread::GzDecoder::new(rest);
            whole.extend(self.inflated(&mut decoder));
            rest = decoder.into_inner();
        }
        self.through(&whole, depth.saturating_add(1));
        // A tape's last block is filled up with zeros. Whatever else follows is looked through as it is.
        if self.shortfall.is_none() && rest.iter().any(|byte| *byte != 0) {
            self.bytes.extend_from_slice(rest);
        }
    }

    /// Whether one more member may be unpacked. It is counted.
    fn may_go_on(&mut self) -> bool {
        self.members = self.members.saturating_add(1);
        if self.members > MOST_MEMBERS {
            self.falls_short(Failure::TooLarge, format!("the answer has packed more than {MOST_MEMBERS} members"));
        }
        !self.is_over()
    }

    /// Whether a bound was reached.
    fn is_over(&self) -> bool {
        matches!(self.shortfall, Some((Failure::TooLarge, _)))
    }

    /// What a member holds, as much of it as can be unpacked.
    fn inflated(&mut self, reader: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        let bound = u64::try_from(self.left).unwrap_or(u64::MAX).saturating_add(1);
        if reader.take(bound).read_to_end(&mut bytes).is_err() {
            self.falls_short(Failure::Unreadable, "what the answer has packed is broken".to_owned());
        }
        bytes.truncate(self.spent(bytes.len()));
        bytes
    }

    /// How many of so many bytes may be kept.
    fn spent(&mut self, length: usize) -> usize {
        if length > self.left {
            let limit = self.limit;
            self.falls_short(Failure::TooLarge, format!("the answer unpacks to more than {limit} bytes"));
        }
        let kept = length.min(self.left);
        self.left = self.left.saturating_sub(kept);
        kept
    }

    /// The first reason is the one that is told, but a bound ends everything.
    fn falls_short(&mut self, kind: Failure, why: String) {
        if self.shortfall.is_none() || (kind == Failure::TooLarge && !self.is_over()) {
            self.shortfall = Some((kind, why));
        }
    }
}

#[cfg(test)]
mod tests;
