//! Attacks on a copied log, verified with nothing but the public key.

use super::{Log, named, sound};
use interlock::evidence::line::place_of;
use interlock::evidence::log_file::write_log;
use interlock::evidence::verify_log::{Outside, Verdict, verify_file};
use std::path::PathBuf;

/// A copy of a log, and where to put its forgeries.
struct Copy {
    log: Log,
    text: String,
    file: PathBuf,
}

impl Copy {
    async fn new() -> Self {
        let log = Log::sealed().await;
        let mut bytes = Vec::new();
        write_log(log.db.pool(), &mut bytes).await.unwrap();
        let file = log.sealing.folder.join("copy.log");
        Self { log, text: String::from_utf8(bytes).unwrap(), file }
    }

    fn verify(&self, bytes: impl AsRef<[u8]>, outside: &Outside) -> Verdict {
        std::fs::write(&self.file, bytes).unwrap();
        verify_file(&self.file, &self.log.keys(), outside).unwrap()
    }

    fn alone(&self, bytes: impl AsRef<[u8]>) -> Verdict {
        self.verify(bytes, &Outside::default())
    }

    /// The lines, and which of them are records.
    fn lines(&self) -> (Vec<&str>, Vec<usize>) {
        let lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        let records = (0..lines.len()).filter(|n| place_of(lines[*n]).is_some()).collect();
        (lines, records)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_not_touched_verifies_offline() {
    let copy = Copy::new().await;
    let verdict = copy.alone(&copy.text);
    sound(&verdict);
    let (_, records) = copy.lines();
    assert_eq!(verdict.proven.unwrap().size, records.len() as u64);
    assert!(records.len() > 8, "{}", records.len());
    let folder = Outside::read(&copy.log.folder().await).unwrap();
    sound(&copy.verify(&copy.text, &folder));
    copy.log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_of_a_copy_is_named_wherever_it_is() {
    let copy = Copy::new().await;
    let (lines, records) = copy.lines();
    let (mut start, mut tried, mut breaks) = (0, 0, 0);
    for (number, line) in lines.iter().enumerate() {
        let end = start + line.len() - 1;
        let sampled = (start..end).step_by(53).chain([end - 1, end]);
        for at in sampled {
            let mut bytes = copy.text.clone().into_bytes();
            bytes[at] ^= 1;
            let verdict = copy.alone(bytes);
            let around = copy.text.get(at.saturating_sub(40)..=at);
            assert!(!verdict.is_sound(), "byte {at}, after {around:?}: {verdict:?}");
            if records.contains(&number) {
                let place = place_of(line).unwrap().to_string();
                assert_eq!(named(&verdict).0, place, "byte {at} of line {number}: {verdict:?}");
            }
            tried += 1;
            breaks += usize::from(at == end);
        }
        start = end + 1;
    }
    assert!(tried > 300 && breaks == lines.len(), "{tried}");
    copy.log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_deleted_swapped_or_added_are_named() {
    let copy = Copy::new().await;
    let (lines, records) = copy.lines();
    for (index, number) in records.iter().enumerate() {
        let place = place_of(lines[*number]).unwrap().to_string();
        let mut without = lines.clone();
        without.remove(*number);
        let verdict = copy.alone(without.concat());
        assert_eq!(named(&verdict).0, place, "deleted: {verdict:?}");
        assert!(named(&verdict).1.contains("is missing"), "{verdict:?}");
        let mut with = lines.clone();
        with.insert(*number, "{\"forged\":1}\n");
        let verdict = copy.alone(with.concat());
        assert_eq!(named(&verdict).0, place, "added: {verdict:?}");
        assert!(named(&verdict).1.contains("never sealed"), "{verdict:?}");
        let Some(other) = records.get(index + 1) else { continue };
        let mut swapped = lines.clone();
        swapped.swap(*number, *other);
        let verdict = copy.alone(swapped.concat());
        assert_eq!(named(&verdict).0, place, "swapped: {verdict:?}");
    }
    copy.log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_is_named_at_the_cut() {
    let copy = Copy::new().await;
    let (lines, records) = copy.lines();
    let folder = Outside::read(&copy.log.folder().await).unwrap();
    for number in &records {
        let place = place_of(lines[*number]).unwrap().to_string();
        let verdict = copy.verify(lines[..*number].concat(), &folder);
        assert_eq!(named(&verdict).0, place, "{verdict:?}");
        assert!(named(&verdict).1.contains("is missing"), "{verdict:?}");
    }
    // Cut right after a checkpoint, a copy is a whole, older log. A newer checkpoint says otherwise.
    let first = (0..lines.len()).find(|n| !records.contains(n)).unwrap();
    let older = lines[..=first].concat();
    sound(&copy.alone(&older));
    let newest = newest_checkpoint(&copy.log).await;
    let verdict = copy.verify(&older, &Outside::read(&newest).unwrap());
    let told = format!("truncated: nothing goes on from leaf {first},");
    assert!(verdict.faults[0].starts_with(&told), "{verdict:?}");
    copy.log.end().await;
}

async fn newest_checkpoint(log: &Log) -> PathBuf {
    let folder = log.folder().await;
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "checkpoint"));
    paths.into_iter().max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_under_another_key_proves_nothing() {
    let copy = Copy::new().await;
    let stranger = super::sealing().await;
    std::fs::write(&copy.file, &copy.text).unwrap();
    let keys = stranger.signer.verifier().clone().into();
    let verdict = verify_file(&copy.file, &keys, &Outside::default()).unwrap();
    assert!(!verdict.is_sound() && verdict.proven.is_none(), "{verdict:?}");
    copy.log.end().await;
}
