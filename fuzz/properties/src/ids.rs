//! Ids and paths: whatever the id and whatever the base URL, a revoke goes to that token's path below that base, or nowhere.

use clerk_actor_tokens_core::{
    ActorTokenId, BaseUrl, InvalidRequest, Operation, Request, RevokeActorToken, check_id, http::Method,
};

use crate::{
    canary::Watch,
    input::lines,
    salvage::{USER, create_for},
};

/// The first line is an id, the second a base URL: Clerk's own where it is empty or refused.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let [id, base] = lines(data);
    let id = String::from_utf8_lossy(id);
    let base = String::from_utf8_lossy(base);
    let base = BaseUrl::new(base).unwrap_or_default();
    judged_by_the_grammar(watch, &id);
    revoke_goes_to_its_path(watch, &id, &base);
    create_goes_to_its_path(&base);
}

fn is_in_the_grammar(id: &str) -> bool {
    let lower = id.to_ascii_lowercase();
    let holds_key = lower.contains("sk_test_") || lower.contains("sk_live_");
    let is_legal = |c| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-');
    matches!(id.len(), 1..=255) && id.chars().all(is_legal) && !holds_key
}

fn judged_by_the_grammar(watch: &Watch, id: &str) {
    let read = ActorTokenId::new(id);
    assert_eq!(read.is_ok(), is_in_the_grammar(id));
    assert_eq!(read, id.parse());
    assert_eq!(read.as_ref().map(ActorTokenId::as_str), check_id("actor_token_id", id).as_ref().copied());
    match &read {
        Ok(id_read) => {
            assert_eq!((id_read.as_str(), id_read.as_ref()), (id, id));
            // An id is no secret: it is shown whole, and read back.
            assert_eq!((id_read.to_string().as_str(), format!("{id_read:?}")), (id, format!("ActorTokenId({id})")));
            watch.debug(&id_read);
            watch.display(&id_read);
        }
        Err(refused) => tells_nothing_of_the_id(refused, id),
    }
}

/// All ids that are refused for the same reason are refused in the same words.
#[track_caller]
fn tells_nothing_of_the_id(refused: &InvalidRequest, id: &str) {
    let like_it = match id.len() {
        0 => String::new(),
        1..=255 if id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) => "sk_test_".to_owned(),
        1..=255 => "/".to_owned(),
        _ => "a".repeat(256),
    };
    assert_eq!(Some(refused), ActorTokenId::new(like_it).as_ref().err());
    assert_eq!(refused.field(), "actor_token_id");
}

fn revoke_goes_to_its_path(watch: &Watch, id: &str, base: &BaseUrl) {
    let revoke = RevokeActorToken::new(id);
    assert_eq!(revoke.id().map(ActorTokenId::as_str), is_in_the_grammar(id).then_some(id));
    watch.debug(&revoke);
    match revoke.request(base) {
        Ok(request) => {
            assert!(is_in_the_grammar(id), "a request for what is no id");
            goes_to(&request, base, &format!("/actor_tokens/{id}/revoke"));
            assert!(request.body().is_empty());
        }
        Err(refused) => {
            assert!(!is_in_the_grammar(id), "an id is refused");
            tells_nothing_of_the_id(&refused, id);
        }
    }
}

fn create_goes_to_its_path(base: &BaseUrl) {
    match create_for(USER).request(base) {
        Ok(request) => goes_to(&request, base, "/actor_tokens"),
        Err(refused) => panic!("a create is refused: {refused}"),
    }
}

/// This path below the base URL, to the letter, and nothing else.
#[track_caller]
fn goes_to(request: &Request, base: &BaseUrl, path: &str) {
    let uri = request.uri();
    let base_text = base.to_string();
    assert_eq!(uri.to_string(), format!("{base_text}{path}"));
    let behind_scheme = base_text.split_once("://").map_or("", |(_, behind)| behind);
    let base_path = behind_scheme.find('/').and_then(|at| behind_scheme.get(at..)).unwrap_or("");
    assert_eq!(uri.path(), format!("{base_path}{path}"));
    assert_eq!(uri.query(), None);
    assert_eq!((uri.scheme(), uri.authority()), (Some(base.scheme()), Some(base.authority())));
    assert_eq!(request.method(), Method::POST);
}
