use super::*;

const ALICE: u32 = 0;
const BOB: u32 = 1;
const TO_BOB: Parties = Parties {
    from: ALICE,
    to: BOB,
};

fn origin(counter: u32) -> Origin {
    Origin {
        incarnation: 7,
        counter,
        request: counter,
    }
}

/// Runs a test with mailboxes of three messages, Bob's mailbox, and Alice's receipts.
fn with(test: impl FnOnce(&mut Mailboxes<'_>, &mut Mailbox, &mut Receipts)) {
    let (mut slots, mut words) = ([MailSlot::VACANT; 3], [0; 64]);
    let mut mail = Mailboxes::new(&mut slots, &mut words).unwrap();
    let (mut bob, mut alice) = (Mailbox::VACANT, Receipts::VACANT);
    test(&mut mail, &mut bob, &mut alice);
}

fn accept(mail: &mut Mailboxes<'_>, bob: &mut Mailbox, counter: u32) -> bool {
    let key = PublicKey([1; 32]);
    mail.accept(bob, TO_BOB, origin(counter), UnixSeconds(1), &key, &[2; 8])
        .is_some()
}

/// Accepts and stores a message.
fn store(mail: &mut Mailboxes<'_>, bob: &mut Mailbox, alice: &mut Receipts, counter: u32) {
    assert!(accept(mail, bob, counter));
    let index = mail.pop_unsaved().unwrap();
    mail.on_stored(index, counter.into(), bob);
    alice.on_stored(index);
}

#[test]
fn counts_messages_before_they_are_stored() {
    with(|mail, bob, _| {
        assert!(accept(mail, bob, 1) && accept(mail, bob, 2));
        assert_eq!((mail.serial(), mail.used(), bob.count()), (2, 2, 2));
        assert_eq!(mail.words(0), Mailboxes::size(&[2; 8]));
        assert!(mail.has_saved_upto(0) && !mail.has_saved_upto(1));
        assert!(
            bob.next().is_none(),
            "a message is in the mailbox before it is stored"
        );
    });
}

#[test]
fn makes_one_receipt_when_all_are_acked() {
    with(|mail, bob, alice| {
        store(mail, bob, alice, 1);
        store(mail, bob, alice, 2);
        assert!(mail.has_from(bob, ALICE) && !mail.has_from(bob, BOB));
        let first = mail.on_acked(bob).unwrap();
        assert_eq!(mail.hand_over(first, alice, true), HandedOver::Removed);
        let second = mail.on_acked(bob).unwrap();
        assert_eq!(mail.hand_over(second, alice, true), HandedOver::Receipt);
        assert_eq!(alice.next(), Some(second));
        let receipt = Frame::Receipt {
            to: "bob",
            counter: 2,
        };
        assert_eq!(mail.build_receipt(second, "bob"), receipt);
        assert_eq!(mail.on_receipt_acked(alice), Some(TO_BOB));
        assert_eq!((mail.used(), bob.handed_over()), (0, 2));
    });
}

#[test]
fn merges_receipts_that_were_not_sent() {
    with(|mail, bob, alice| {
        for counter in [1, 2] {
            store(mail, bob, alice, counter);
            let index = mail.on_acked(bob).unwrap();
            mail.hand_over(index, alice, true);
        }
        assert_eq!(mail.used(), 1);
        mail.on_receipt_sent(alice);
        store(mail, bob, alice, 3);
        let index = mail.on_acked(bob).unwrap();
        assert_eq!(mail.hand_over(index, alice, true), HandedOver::Receipt);
        assert_eq!(mail.used(), 2, "a receipt that was sent was merged");
    });
}

#[test]
fn makes_no_receipt_for_a_process_that_ended() {
    with(|mail, bob, alice| {
        store(mail, bob, alice, 1);
        assert_eq!(mail.on_acked_upto(bob, 0), None);
        let index = mail.on_acked_upto(bob, 1).unwrap();
        assert_eq!(mail.hand_over(index, alice, false), HandedOver::Removed);
        assert_eq!((alice.next(), mail.used()), (None, 0));
    });
}
