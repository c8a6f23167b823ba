//! Dissects captures of simulated rooms, which contain all faults.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;

use chatapp_simulator::pcap::{write_key_log, write_pcap};
use chatapp_simulator::run::{Look, run_seed};
use tempfile::TempDir;

use crate::dissected;

/// Seeds whose rooms contain all frames but rare ones. The vectors cover those: Unsupported,
/// Skipped, Partial, MailDelta.
const SEEDS: std::ops::Range<u64> = 0..24;
const KINDS: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const FRAMES: [u8; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15];

#[test]
fn dissects_simulated_rooms() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let (capture, keys) = (
        folder.path().join("room.pcap"),
        folder.path().join("room.keys"),
    );
    let (mut found, mut encrypted, mut decrypted) = (BTreeSet::new(), [0; 4], [0; 4]);
    for seed in SEEDS {
        let look = Look {
            capture: true,
            clients: Some(3),
            span: Some(8_000),
            ..Look::default()
        };
        let report = run_seed(seed, &look);
        write_pcap(
            &mut BufWriter::new(File::create(&capture).unwrap()),
            &report.capture,
        )
        .unwrap();
        write_key_log(
            &mut BufWriter::new(File::create(&keys).unwrap()),
            &report.keys,
        )
        .unwrap();
        let Some(dissected) = dissected(&capture, &keys) else {
            return;
        };
        for fields in dissected {
            let has = |start| fields.iter().any(|field| field.text.starts_with(start));
            let kinds = [
                ("kind: ClientHello", "roster capacity: "),
                ("kind: PeerHello", "from incarnation: "),
                ("kind: Accept", "answer: "),
                ("kind: Data", "acknowledged: "),
            ];
            for (place, (kind, inside)) in kinds.iter().enumerate() {
                encrypted[place] += usize::from(has(kind));
                decrypted[place] += usize::from(has(kind) && has(inside));
            }
            let named = |text: &String| text.starts_with("kind: ") || text.starts_with("frame: ");
            found.extend(fields.into_iter().map(|field| field.text).filter(named));
        }
    }
    // Attackers forged some of the datagrams.
    for (encrypted, decrypted) in encrypted.into_iter().zip(decrypted) {
        assert!(
            decrypted * 10 > encrypted * 9,
            "{decrypted} of {encrypted} decrypted"
        );
    }
    for (what, numbers) in [("kind", &KINDS[..]), ("frame", &FRAMES)] {
        for number in numbers {
            let start = format!("{what}: ");
            let end = format!(" ({number})");
            let is_there = found
                .iter()
                .any(|text| text.starts_with(&start) && text.ends_with(&end));
            assert!(is_there, "{what} {number} in {found:?}");
        }
    }
}
