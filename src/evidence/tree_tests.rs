//! The tree against RFC 6962's own recursive definitions, and against published vectors.

use super::*;
use proptest::prelude::*;

/// RFC 6962 §2.1, word for word: MTH(D[n]) = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])).
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        more => {
            let k = k_of(more.len());
            let both = [&[1][..], &mth(&more[..k]), &mth(&more[k..])].concat();
            Sha256::digest(both).into()
        }
    }
}

/// The largest power of two smaller than n.
fn k_of(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// RFC 6962 §2.1.1: PATH(m, D[n]).
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = k_of(leaves.len());
    let (mut path, sibling) = if m < k {
        (path(m, &leaves[..k]), mth(&leaves[k..]))
    } else {
        (path(m - k, &leaves[k..]), mth(&leaves[..k]))
    };
    path.push(sibling);
    path
}

/// RFC 6962 §2.1.2: SUBPROOF(m, D[n], b).
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = k_of(leaves.len());
    let (mut proof, sibling) = if m <= k {
        (subproof(m, &leaves[..k], whole), mth(&leaves[k..]))
    } else {
        (subproof(m - k, &leaves[k..], false), mth(&leaves[..k]))
    };
    proof.push(sibling);
    proof
}

fn leaves(number: usize) -> Vec<Hash> {
    (0..number).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// The eight leaves of the Certificate Transparency project's own tests (merkle_tree_test.cc).
fn published() -> Vec<Hash> {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    inputs.iter().map(|input| leaf_hash(&hex::decode(input).unwrap())).collect()
}

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_published_roots_come_out() {
    let leaves = published();
    for (size, root) in ROOTS.iter().enumerate() {
        let frontier = Frontier::default().with(&leaves[..size]);
        assert_eq!(frontier.root(), hash(root), "size {size}");
        assert_eq!(mth(&leaves[..size]), hash(root), "the oracle, size {size}");
    }
}

#[test]
fn the_published_proofs_come_out() {
    let leaves = published();
    let inclusion = [
        (
            0,
            8,
            vec![
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            vec![
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, vec!["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ];
    for (leaf, size, proof) in inclusion {
        let told = Span::whole(leaves[..size].to_vec()).inclusion(leaf).unwrap();
        assert_eq!(told, proof.iter().map(|text| hash(text)).collect::<Vec<_>>());
    }
    let six_to_eight = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    let told = Span::whole(leaves).consistency(6).unwrap();
    assert_eq!(told, six_to_eight.map(hash));
    assert!(is_consistent((6, hash(ROOTS[6])), (8, hash(ROOTS[8])), &told));
}

#[test]
fn every_small_tree_agrees_with_the_rfc() {
    for size in 1..=40_usize {
        let leaves = leaves(size);
        let root = mth(&leaves);
        for cut in 0..=size {
            let before = Frontier::default().with(&leaves[..cut]);
            assert_eq!(Frontier::restore(before.size(), &before.bytes()), Some(before.clone()));
            let span = Span::new(before, leaves[cut..].to_vec());
            for leaf in 0..size {
                let told = span.inclusion(leaf as u64);
                assert_eq!(told, (cut <= leaf).then(|| path(leaf, &leaves)), "{leaf} of {size}");
                let Some(told) = told else { continue };
                let led = root_of_path(leaf as u64, size as u64, leaves[leaf], &told);
                assert_eq!(led, Some(root));
            }
        }
        let whole = Span::whole(leaves.clone());
        for old in 1..=size {
            let proof = whole.consistency(old as u64).unwrap();
            assert_eq!(proof, subproof(old, &leaves, true), "{old} to {size}");
            let old = (old as u64, mth(&leaves[..old]));
            assert!(is_consistent(old, (size as u64, root), &proof));
        }
    }
}

proptest! {
    #[test]
    fn a_proof_shows_one_leaf_at_one_place_and_no_other(
        size in 1_usize..600, leaf in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(), bit in 0_usize..256,
    ) {
        let leaves = leaves(size);
        let leaf = leaf.index(size);
        let (place, all) = (leaf as u64, size as u64);
        let proof = Span::whole(leaves.clone()).inclusion(place).unwrap();
        let root = Frontier::default().with(&leaves).root();
        prop_assert_eq!(root, mth(&leaves));
        prop_assert_eq!(root_of_path(place, all, leaves[leaf], &proof), Some(root));
        let mut flipped = leaves[leaf];
        flipped[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(root_of_path(place, all, flipped, &proof), Some(root));
        let elsewhere = other.index(size);
        if elsewhere != leaf {
            prop_assert_ne!(root_of_path(elsewhere as u64, all, leaves[leaf], &proof), Some(root));
        }
        let short = proof.len().saturating_sub(1);
        if !proof.is_empty() {
            let led = root_of_path(place, all, leaves[leaf], &proof[..short]);
            prop_assert_ne!(led, Some(root));
        }
    }

    #[test]
    fn a_history_that_was_rewritten_is_not_consistent(
        old in 1_usize..200, more in 0_usize..200, changed in any::<prop::sample::Index>(),
    ) {
        let size = old + more;
        let mut leaves = leaves(size);
        let old_root = mth(&leaves[..old]);
        let honest = Span::whole(leaves.clone()).consistency(old as u64).unwrap();
        let tree = |leaves: &[Hash]| (size as u64, mth(leaves));
        prop_assert!(is_consistent((old as u64, old_root), tree(&leaves), &honest));
        leaves[changed.index(old)][0] ^= 1;
        let forged = Span::whole(leaves.clone()).consistency(old as u64).unwrap();
        prop_assert!(!is_consistent((old as u64, old_root), tree(&leaves), &forged));
        prop_assert!(!is_consistent((old as u64, old_root), tree(&leaves), &honest));
    }
}
