//! Files of a folder: written whole or not at all, read within bounds, and hashed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use watertight_engine::log::hex;

/// Writes a file beside its final place and moves it there; returns its SHA-256 in hex.
pub(crate) fn replace(
    dir: &Path,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<String> {
    let part = dir.join(format!(".{name}.{}.part", std::process::id()));
    // Left by a killed process that had this number.
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let hash = write_new(&part, content).and_then(|hash| std::fs::rename(&part, dir.join(name)).map(|()| hash));
    if hash.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    hash
}

fn write_new(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut out = Hashing { out: BufWriter::new(file), hash: Sha256::new() };
    content(&mut out)?;
    out.flush()?;
    out.out.get_ref().sync_all()?;
    Ok(hex(&out.hash.finalize()))
}

struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file's text, or nothing when it is longer than `limit` bytes.
pub(crate) fn text(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let mut text = String::new();
    let length = File::open(path)?.take(limit.saturating_add(1)).read_to_string(&mut text)?;
    Ok((u64::try_from(length).is_ok_and(|length| length <= limit)).then_some(text))
}

/// A file's SHA-256 in hex, or nothing when it is longer than `limit` bytes.
pub(crate) fn hash(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let mut file = File::open(path)?.take(limit.saturating_add(1));
    let mut hash = Sha256::new();
    let length = io::copy(&mut file, &mut hash)?;
    Ok((length <= limit).then(|| hex(&hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_debris() {
        let folder = tempfile::tempdir().unwrap();
        let hash = replace(folder.path(), "a", |out| out.write_all(b"abc")).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let failed = replace(folder.path(), "a", |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(text(&folder.path().join("a"), 3).unwrap().as_deref(), Some("abc"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_beyond_its_bound_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        replace(folder.path(), "a", |out| out.write_all(b"abcd")).unwrap();
        assert_eq!(text(&folder.path().join("a"), 3).unwrap(), None);
        assert_eq!(super::hash(&folder.path().join("a"), 3).unwrap(), None);
    }
}
