//! The log as a file: one canonical line a record, and after the records of each checkpoint a line with
//! the checkpoint and the hashes of its leaves. It verifies with the public key alone.
//!
//! `{"signed_note":"<checkpoint>","leaf_hashes":"<base64>"}`
//!
//! Whoever changes a file does not keep to its shape. A checkpoint's line is recognised by either of its
//! two keys, which unescaped stand in no record; what stands before or after it on the same line is read
//! as a record, so that a line break that was flipped names the record it belonged to.

use super::folder::hashes;
use super::tree::Hash;
use crate::evidence::checkpoint::{Heads, ranges};
use crate::store::checkpoints;
use crate::store::{Pool, StoreError, read_lines};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use thiserror::Error;

const KEY: &str = "{\"signed_note\":\"";
const HASHES_KEY: &str = "\",\"leaf_hashes\":\"";
const CHECKPOINTS_AT_ONCE: i64 = 16;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    signed_note: String,
    leaf_hashes: String,
}

/// What one reads in a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// The line of a record, as its bytes are.
    Record(Vec<u8>),
    /// A signed note, and the leaf hashes where they can be read.
    Checkpoint { note: String, leaves: Option<Vec<Hash>> },
    /// A checkpoint's line that is none any more.
    Broken,
}

#[derive(Debug, Error)]
pub enum LogError {
    #[error("reading the database")]
    Store(#[from] StoreError),
    #[error("reading or writing the log")]
    File(#[from] io::Error),
}

/// Writes everything that is sealed. Returns how many records that was.
pub async fn write_log(pool: &Pool, out: &mut impl Write) -> Result<u64, LogError> {
    let (mut number, mut heads, mut written) = (0, Heads::new(), 0);
    loop {
        let batch = checkpoints::after(pool, number, CHECKPOINTS_AT_ONCE).await?;
        let Some(last) = batch.last() else { break };
        number = last.number;
        for kept in batch {
            for range in ranges(&heads, &kept.heads) {
                // A record that is missing leaves a gap in the file, as it does in the database.
                for line in read_lines::lines(pool, range).await?.into_iter().flatten() {
                    writeln!(out, "{line}")?;
                    written += 1;
                }
            }
            let leaf_hashes = BASE64_STANDARD.encode(&kept.leaves);
            let sealed = Sealed { signed_note: kept.note, leaf_hashes };
            serde_json::to_writer(&mut *out, &sealed).map_err(io::Error::from)?;
            writeln!(out)?;
            heads = kept.heads;
        }
    }
    out.flush()?;
    Ok(written)
}

/// Reads a log from its beginning, with the number of each line of the file.
pub fn read_log(
    path: &Path,
    mut each: impl FnMut(usize, Entry) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        for entry in entries(&bytes) {
            each(number, entry)?;
        }
    }
    Ok(())
}

/// What stands on one line.
fn entries(line: &[u8]) -> Vec<Entry> {
    let record = |bytes: &[u8]| (!bytes.is_empty()).then(|| Entry::Record(bytes.to_vec()));
    let Some(at) = find(line, KEY.as_bytes()) else {
        let entry = match find(line, HASHES_KEY.as_bytes()) {
            Some(_) => Some(Entry::Broken),
            None => record(line),
        };
        // An empty line stands for a record that is none.
        return vec![entry.unwrap_or(Entry::Record(Vec::new()))];
    };
    let (before, rest) = line.split_at(at);
    let mut read = serde_json::Deserializer::from_slice(rest).into_iter::<Sealed>();
    let sealed = read.next();
    let behind = &rest[read.byte_offset().min(rest.len())..];
    let (entry, behind) = match sealed {
        Some(Ok(Sealed { signed_note: note, leaf_hashes })) => {
            let leaves = BASE64_STANDARD.decode(leaf_hashes).ok().and_then(|it| hashes(&it));
            (Entry::Checkpoint { note, leaves }, behind)
        }
        _ => (Entry::Broken, &[][..]),
    };
    let mut entries: Vec<Entry> = record(before).into_iter().collect();
    entries.push(entry);
    entries.extend(record(behind));
    entries
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"signed_note\":\"a\\nb\\n\",\"leaf_hashes\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}";

    fn sealed() -> Entry {
        Entry::Checkpoint { note: "a\nb\n".to_owned(), leaves: Some(vec![[0; 32]]) }
    }

    #[test]
    fn a_checkpoint_is_read_even_where_a_line_break_was_lost() {
        assert_eq!(entries(LINE.as_bytes()), [sealed()]);
        let before = format!("{{\"seq\":1}}\u{b}{LINE}");
        let record = Entry::Record(b"{\"seq\":1}\x0b".to_vec());
        assert_eq!(entries(before.as_bytes()), [record, sealed()]);
        let behind = format!("{LINE}\u{b}{{\"seq\":1}}");
        let record = Entry::Record(b"\x0b{\"seq\":1}".to_vec());
        assert_eq!(entries(behind.as_bytes()), [sealed(), record]);
    }

    #[test]
    fn a_damaged_checkpoint_is_no_record() {
        for at in 0..LINE.len() {
            let mut bytes = LINE.as_bytes().to_vec();
            bytes[at] ^= 1;
            let read = entries(&bytes);
            assert!(!read.contains(&sealed()), "byte {at}");
            let records = read.iter().filter(|entry| matches!(entry, Entry::Record(_))).count();
            // Only the very last byte can go over to a record, being no part of any key.
            assert_eq!(records, 0, "byte {at}: {read:?}");
        }
    }
}
