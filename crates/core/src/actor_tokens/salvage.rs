//! Reads the id of a token from a response that was cut short or cannot be used, and says how sure
//! it is.

use crate::{
    actor_tokens::answer::{Answer, Binding},
    json::{self, BYTE_ORDER_MARK},
    operation::{ParseError, Salvage},
};

/// The id in this response, or this beginning of one, to the creation of a token for `user_id` by `actor_sub`.
///
/// # Errors
/// What arrived shows that it is the response to something else, or none of Clerk's.
pub(super) fn id_of_token_for(user_id: &str, actor_sub: Option<&str>, body: &[u8]) -> Result<Salvage, ParseError> {
    if BYTE_ORDER_MARK.starts_with(body) {
        return Ok(Salvage::None);
    }
    let answer = Answer::read(body, &Binding { id: None, user_id: Some(user_id), actor_sub });
    if let Some(foreign) = answer.foreign() {
        return Err(foreign.clone());
    }
    let first = json::without_byte_order_mark(body).trim_ascii_start().first();
    if first.is_some_and(|first| *first != b'{') {
        return Err(ParseError::not_clerk("the response is not a JSON object"));
    }
    Ok(match answer.id() {
        Some(id) if answer.is_ours() => Salvage::Confirmed(id.into_owned()),
        Some(id) => Salvage::Unconfirmed(id.into_owned()),
        None => Salvage::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn salvage(body: &str) -> Salvage {
        id_of_token_for("user_1", Some("user_2"), body.as_bytes()).unwrap_or_default()
    }

    #[test]
    fn what_arrived_may_show_that_it_is_not_ours() {
        let table = [
            (r#"{"id":"act_1","user_id":"user_9","#, Some(ParseError::mismatch("user_id"))),
            (r#"{"user_id":"user_9","id":"act"#, Some(ParseError::mismatch("user_id"))),
            (r#"{"user_id":"user_1","user_id":"user_9","id":"act"#, Some(ParseError::mismatch("user_id"))),
            (r#"{"user_id":"\ud800","#, None),
            (r#"{"actor":{"sub":"\ud800"},"#, None),
            (r#"{"actor":{"sub":"user_9"},"tok"#, Some(ParseError::mismatch("actor.sub"))),
            (r#"{"actor":{"sub":"user_9""#, Some(ParseError::mismatch("actor.sub"))),
            (r#"{"actor":{"x":[{}],"sub":7},"id":"act_1""#, Some(ParseError::mismatch("actor.sub"))),
            (r#"{"actor":{"sub":"user_2","sub":"user_9"},"#, Some(ParseError::mismatch("actor.sub"))),
            (r#"{"object":"session","user_id":"user_9","#, Some(ParseError::mismatch("user_id"))),
            (r#"{"user_id":"user_"#, None),
            (r#"{"actor":{"sub":"user_9"#, None),
            (r#"{"user_id":7,"actor":[],"id":"act_1","#, None),
            (" ", None),
            ("", None),
        ];
        for (body, expected) in table {
            assert_eq!(id_of_token_for("user_1", Some("user_2"), body.as_bytes()).err(), expected, "{body}");
        }
        for body in ["<html>", "\u{feff} [", "OK", r#"{"object":"session","#, r#"{"object":7,"#] {
            let error = id_of_token_for("user_1", Some("user_2"), body.as_bytes()).unwrap_err();
            assert!(matches!(error.0, crate::operation::ParseProblem::NotClerk { .. }), "{body}");
        }
    }

    #[test]
    fn an_id_is_certain_once_the_user_has_arrived_and_the_actor_where_it_was_begun() {
        let table = [
            (r#"{"id":"act_1","user_id":"user_1""#, true),
            (r#"{"user_id":"user_1","id":"act_1""#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"user_2"}"#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"user_2","#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"user_2""#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":{},"#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":null,"#, true),
            (r#"{"id":"act_1","user_id":"user_1","actor":[[]],"#, true),
            (r#"{"id":"act_1","user_id":"user_1","x":1,"x":2,"#, true),
            (r#"{"id":"act_1","user_id":"user_1","url":null,"url":"","#, true),
            (r#"{"id":"act_1","user_id":"user_1","act"#, true),
            (r#"{"id":"act_1""#, false),
            (r#"{"id":"act_1","user_id":"user_"#, false),
            (r#"{"id":"act_1","user_id":7,"#, false),
            (r#"{"id":"act_1","user_id":null,"#, false),
            (r#"{"object":"\ud800","id":"act_1","user_id":"user_1","#, false),
            (r#"{"id":"act_1","user_id":"\ud800","#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"\ud800"},"#, false),
            (r#"{"id":"act_1","actor":{"sub":"user_2"},"#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":"#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"user_"#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"x":{"sub":"user_2"},"#, false),
            (r#"{"id":"act_1","user_id":"user_1","user_id":"user_1","#, false),
            (r#"{"id":"act_1","user_id":"user_1","actor":{"sub":"user_2","sub":"user_2"},"#, false),
        ];
        for (body, is_certain) in table {
            let id = "act_1".to_owned();
            let expected = if is_certain { Salvage::Confirmed(id) } else { Salvage::Unconfirmed(id) };
            assert_eq!(salvage(body), expected, "{body}");
        }
    }

    #[test]
    fn only_a_whole_top_level_id_counts() {
        let table = [
            (r#"{"id":"act_1""#, Some("act_1")),
            (r#" { "object" : "actor_token" , "id" : "act_1" , "st"#, Some("act_1")),
            ("\u{feff}{\"id\":\"act_1\"", Some("act_1")),
            (r#"{"\u0069d":"act_\u0031","x"#, Some("act_1")),
            (r#"{"actor":{"id":"act_9","x":["\"}",{"id":"act_9"}]},"id":"act_1""#, Some("act_1")),
            (r#"{"n":-1.5e+3,"t":true,"u":null,"id":"act_1"}"#, Some("act_1")),
            (r#"{"$serde_json::private::RawValue":"{","id":"act_1"}"#, Some("act_1")),
            (r#"{"id":"act_1"#, None),
            (r#"{"id":"act_1\""#, None),
            (r#"{"id":"act_1","id":"act_1""#, None),
            (r#"{"id":"act_1","id":"act_2""#, None),
            (r#"{"id":7,"#, None),
            (r#"{"id":"","#, None),
            (r#"{"id":"../users","#, None),
            (r#"{"actor":{"id":"act_9""#, None),
            (r#"{"url":"\"id\":\"act_9\"""#, None),
            (r#"[{"id":"act_9"}"#, None),
            (r#""id":"act_9""#, None),
            (r#"{{"id":"act_9"}"#, None),
            (r#"{"x" "id":"act_9""#, None),
            (r#"{]"id":"act_9""#, None),
            (r#"{,"id":"act_9""#, None),
            (r#"{"x":1,,"id":"act_9""#, None),
            ("", None),
            ("<html>", None),
        ];
        for (body, expected) in table {
            assert_eq!(salvage(body).unconfirmed(), expected, "{body}");
            assert_eq!(salvage(body).confirmed(), None, "{body}");
        }
    }

    #[test]
    fn ten_million_brackets_need_no_stack() {
        let body = format!("{{\"actor\":{}", "[".repeat(10_000_000));
        assert_eq!(salvage(&body), Salvage::None);
    }

    proptest! {
        #[test]
        fn a_cut_after_the_closing_quote_salvages_the_id_and_a_cut_before_gives_none(
            id in "[A-Za-z0-9_-]{1,30}", decoy in "[A-Za-z0-9_-]{1,30}", text in "\\PC{0,30}", cut in 0usize..400
        ) {
            let before = json!({"actor": {"id": decoy, "x": text}, "note": text}).to_string();
            let head = format!("{},\"id\":\"{id}\"", before.strip_suffix('}').unwrap());
            let and_user = format!("{head},\"status\":\"pending\",\"user_id\":\"user_1\"");
            let body = format!("{and_user}}}");
            let cut = cut.min(body.len());
            let expected = match cut {
                cut if cut >= and_user.len() => Salvage::Confirmed(id),
                cut if cut >= head.len() => Salvage::Unconfirmed(id),
                _ => Salvage::None,
            };
            prop_assert_eq!(id_of_token_for("user_1", None, &body.as_bytes()[..cut]), Ok(expected));
        }

        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = id_of_token_for("user_1", Some("user_2"), &body);
        }
    }
}
