//! `keep_tokens`: there are never more, the oldest that is over goes first, and what is kept is as without the setting.

use std::time::Duration;

use clerk_actor_tokens_core::ActorTokenId;
use clerk_actor_tokens_emulator::{AcceptError, Emulator, Snapshot, fault};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{create, exchange, json, post, revoke, send};

#[derive(Debug, Clone)]
enum Step {
    /// With a lifetime in seconds, and whether the answer is delivered.
    Create(u64, bool),
    /// Of what was created or opened, one.
    Revoke(usize),
    Open(usize),
    SignIn,
    EndSession(usize),
    RevokeSession(usize),
    Advance(u64),
    Snapshot,
    Restore(usize),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u64..2000, prop::bool::weighted(0.8)).prop_map(|(lifetime, delivered)| Step::Create(lifetime, delivered)),
        3 => any::<usize>().prop_map(Step::Revoke),
        4 => any::<usize>().prop_map(Step::Open),
        2 => Just(Step::SignIn),
        1 => any::<usize>().prop_map(Step::EndSession),
        2 => any::<usize>().prop_map(Step::RevokeSession),
        2 => (1u64..900).prop_map(Step::Advance),
        1 => Just(Step::Snapshot),
        1 => any::<usize>().prop_map(Step::Restore),
        1 => prop::bool::weighted(0.2).prop_map(|it| if it { Step::Reset } else { Step::SignIn }),
    ]
}

/// What should be kept, by a rule that is written down a second time.
#[derive(Debug, Clone, Default)]
struct Expected {
    tokens: Vec<ActorTokenId>,
    sessions: Vec<String>,
    /// All that there were, and the links of the tokens.
    created: Vec<(ActorTokenId, Option<String>)>,
    opened: Vec<String>,
    revoked: usize,
    forgotten_orphans: usize,
}

struct Pair {
    bounded: Emulator,
    free: Emulator,
    most: usize,
    expected: Expected,
    snapshots: Vec<(Snapshot, Snapshot, Expected)>,
}

fn pick<T>(from: &[T], which: usize) -> Option<&T> {
    which.checked_rem(from.len()).map(|at| &from[at])
}

/// Without what differs from request to request.
fn seen(response: &clerk_actor_tokens_core::Response) -> (u16, Value) {
    let mut body = json(response);
    if let Some(members) = body.as_object_mut() {
        members.remove("clerk_trace_id");
    }
    (response.status().as_u16(), body)
}

impl Pair {
    fn new(most: usize) -> Self {
        let builder = || Emulator::builder().manual_clock().seed(7);
        let (bounded, free) = (builder().keep_tokens(most).build(), builder().build());
        Self { bounded, free, most, expected: Expected::default(), snapshots: Vec::new() }
    }

    fn both(&self) -> [&Emulator; 2] {
        [&self.bounded, &self.free]
    }

    fn create(&mut self, lifetime: u64, delivered: bool) {
        let body = json!({ "user_id": "user_1", "actor": { "sub": "user_agent" }, "expires_in_seconds": lifetime });
        let links = self.both().map(|clerk| {
            if !delivered {
                clerk.next_create().after_commit(fault::close());
            }
            let answer = pollster::block_on(exchange(clerk, create(body.clone()))).ok();
            answer.map(|answer| json(&answer)["url"].as_str().unwrap().to_owned())
        });
        assert_eq!(links[0], links[1]);
        let ids = self.both().map(|clerk| clerk.creates().last().unwrap().id().clone());
        assert_eq!(ids[0], ids[1]);
        let ([id, _], [link, _]) = (ids, links);
        self.expected.tokens.push(id.clone());
        self.expected.created.push((id, link));
        if self.expected.tokens.len() > self.most {
            let stored = |id| self.free.token(id).unwrap();
            let over = self.expected.tokens.iter().position(|id| !stored(id).is_live());
            let gone = self.expected.tokens.remove(over.unwrap_or(0));
            self.expected.forgotten_orphans += usize::from(self.is_orphan(&gone));
        }
    }

    fn is_orphan(&self, id: &ActorTokenId) -> bool {
        self.free.orphans().iter().any(|orphan| orphan.id() == id)
    }

    fn opened(&mut self, id: String) {
        self.expected.sessions.push(id.clone());
        self.expected.opened.push(id);
        if self.expected.sessions.len() > self.most {
            let sessions = self.expected.sessions.iter();
            let over = sessions.map(|id| self.free.session(id).unwrap()).position(|session| !session.is_live());
            self.expected.sessions.remove(over.unwrap_or(0));
        }
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Create(lifetime, delivered) => self.create(*lifetime, *delivered),
            Step::Revoke(which) => {
                let Some((id, _)) = pick(&self.expected.created, *which).cloned() else { return };
                let answer = send(&self.bounded, revoke(id.as_str()));
                if self.expected.tokens.contains(&id) {
                    assert_eq!(seen(&answer), seen(&send(&self.free, revoke(id.as_str()))));
                    self.expected.revoked += usize::from(answer.status().is_success());
                } else {
                    assert_eq!(answer.status().as_u16(), 404);
                }
            }
            Step::Open(which) => {
                let Some((id, Some(link))) = pick(&self.expected.created, *which).cloned() else { return };
                let opened = self.bounded.accept_url(&link);
                if self.expected.tokens.contains(&id) {
                    assert_eq!(opened, self.free.accept_url(&link));
                } else {
                    assert_eq!(opened, Err(AcceptError::Invalid));
                }
                if let Ok(session) = opened {
                    self.opened(session.id().to_owned());
                }
            }
            Step::SignIn => {
                let [session, other] = self.both().map(|clerk| clerk.sign_in("user_1"));
                assert_eq!(session, other);
                self.opened(session.id().to_owned());
            }
            Step::EndSession(which) => {
                let Some(id) = pick(&self.expected.opened, *which).cloned() else { return };
                let ended = self.bounded.end_session(&id, "ended");
                let is_kept = self.expected.sessions.contains(&id);
                assert_eq!(ended, is_kept && self.free.end_session(&id, "ended"));
            }
            Step::RevokeSession(which) => {
                let Some(id) = pick(&self.expected.opened, *which).cloned() else { return };
                let request = || post(&format!("/v1/sessions/{id}/revoke"), "");
                let answer = send(&self.bounded, request());
                if self.expected.sessions.contains(&id) {
                    assert_eq!(seen(&answer), seen(&send(&self.free, request())));
                } else {
                    assert_eq!(answer.status().as_u16(), 404);
                }
            }
            Step::Advance(seconds) => {
                for clerk in self.both() {
                    clerk.advance(Duration::from_secs(*seconds));
                }
            }
            Step::Snapshot => {
                let snapshots = (self.bounded.snapshot(), self.free.snapshot(), self.expected.clone());
                self.snapshots.push(snapshots);
            }
            Step::Restore(which) => {
                if let Some((bounded, free, expected)) = pick(&self.snapshots, *which) {
                    self.bounded.restore(bounded);
                    self.free.restore(free);
                    self.expected = expected.clone();
                }
            }
            Step::Reset => {
                let unused = self.both().map(Emulator::reset);
                assert_eq!(unused, [Vec::<String>::new(), Vec::new()]);
                self.expected = Expected::default();
            }
        }
    }

    fn check(&self) {
        let Expected { tokens, sessions, created, opened, revoked, forgotten_orphans } = &self.expected;
        assert!(tokens.len() <= self.most && sessions.len() <= self.most);
        for (id, _) in created {
            let wanted = if tokens.contains(id) { self.free.token(id) } else { None };
            assert_eq!(self.bounded.token(id), wanted);
        }
        let wanted: Vec<_> = sessions.iter().map(|id| self.free.session(id).unwrap()).collect();
        assert_eq!(self.bounded.sessions(), wanted);
        let mut wanted = self.free.ledger();
        wanted.retain(|entry| match entry.session_id() {
            Some(id) => sessions.iter().any(|kept| kept == id),
            None => tokens.contains(entry.id()),
        });
        assert_eq!(self.bounded.ledger(), wanted);
        assert!(wanted.len() <= 3 * self.most);
        let live = |clerk: &Emulator| clerk.live().into_iter().filter(|token| tokens.contains(token.id())).collect();
        let [of_bounded, of_free]: [Vec<_>; 2] = self.both().map(live);
        assert_eq!(of_bounded, of_free);
        // The counts are of all that there were.
        self.bounded.assert_creates(created.len());
        self.bounded.assert_revokes(*revoked);
        let kept_orphans = tokens.iter().filter(|id| self.is_orphan(id)).count();
        self.bounded.assert_orphans(kept_orphans + forgotten_orphans);
        self.bounded.assert_ended_sessions(opened.len() - self.bounded.live_sessions().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn there_are_never_more_and_what_is_kept_is_as_without_the_setting(
        most in 1usize..6,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut pair = Pair::new(most);
        for step in &steps {
            pair.act(step);
            pair.check();
        }
    }
}

/// A token whose link was opened, and whose session is still to be opened, is not over.
#[cfg(feature = "signing")]
#[test]
fn a_link_between_its_two_steps_is_kept_as_a_live_one() {
    use clerk_actor_tokens_emulator::TicketUsedBy;

    let clerk = Emulator::builder().keep_tokens(2).ticket_used_by(TicketUsedBy::Get).manual_clock().build();
    let link = |lifetime: u64| {
        let body = json!({ "user_id": "user_1", "actor": { "sub": "user_agent" }, "expires_in_seconds": lifetime });
        json(&send(&clerk, create(body)))["url"].as_str().unwrap().to_owned()
    };
    let get = |link: &str| {
        send(
            &clerk,
            crate::support::get(
                link.split_once("//").unwrap().1.split_once('/').map(|(_, path)| format!("/{path}")).unwrap().as_str(),
            ),
        )
    };
    let first = link(600);
    assert_eq!(get(&first).status().as_u16(), 200);
    let _short = link(10);
    clerk.advance(Duration::from_secs(20));
    let third = link(600);
    assert!(clerk.accept_url(&first).is_ok(), "the one past its time is forgotten before it");
    clerk.assert_live(1);
    assert!(clerk.accept_url(&third).is_ok());
    clerk.assert_live(0);
}

#[test]
fn an_assertion_that_fails_says_how_many_are_no_longer_kept() {
    let clerk = Emulator::builder().keep_tokens(1).build();
    for _ in 0..3 {
        send(&clerk, create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } })));
    }
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_creates(2))).unwrap_err();
    let message = failed.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("expected 2 create(s), found 3\n") && message.contains("2 that are no longer kept"));
}

#[test]
#[should_panic(expected = "keep_tokens(0): it is at least 1")]
fn none_is_no_number_to_keep() {
    let _ = Emulator::builder().keep_tokens(0);
}
