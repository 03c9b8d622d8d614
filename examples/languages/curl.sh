#!/bin/sh
# What a test does with the emulator, by curl alone: create, open, assert, let a fault happen, reset.
#
#     clerk-actor-tokens-emulator --port 4010 &
#     EMULATOR=http://127.0.0.1:4010 sh curl.sh
set -eu
: "${EMULATOR:=http://127.0.0.1:4010}"

clerk() { curl -sS -H 'Authorization: Bearer sk_test_emulator' "$@"; }
# The text of this name in a JSON object. Where jq is installed: jq -r ".$1"
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
is() { [ "$1" = "$2" ] || { echo "expected $2, found $1" >&2; exit 1; }; }
create() { clerk --json '{"user_id":"user_1","actor":{"sub":"user_agent"}}' "$EMULATOR/v1/actor_tokens" "$@"; }

# It serves, and begins with nothing.
curl -fsS "$EMULATOR/_emulator/health" >/dev/null
curl -fsS -X POST "$EMULATOR/_emulator/reset" >/dev/null

# Create, as your application does.
token=$(create)
is "$(echo "$token" | field status)" pending
# A second token, which nobody opens, is revoked.
id=$(create | field id)
is "$(clerk -X POST "$EMULATOR/v1/actor_tokens/$id/revoke" | field status)" revoked

# Open the link, as the browser does: the link itself, and then the sign-in with its ticket.
curl -fsS "$(echo "$token" | field url)" | grep -q 'signs in as the user "user_1", by "user_agent"'
ticket=$(echo "$token" | field token)
curl -fsS -d strategy=ticket -d "ticket=$ticket" "$EMULATOR/v1/client/sign_ins" >/dev/null

# Assert: your application sees the session, and the emulator has counted.
clerk "$EMULATOR/v1/sessions?user_id=user_1&status=active" | grep -q '"sub":"user_agent"'
state=$(curl -fsS "$EMULATOR/_emulator/state")
echo "$state" | grep -q '"creates":2'
echo "$state" | grep -q '"live_sessions":1'

# Let a fault happen: the next create is answered with 503, and makes nothing.
curl -fsS --json '{"faults":["create:before_commit:status(503)"]}' "$EMULATOR/_emulator/faults" >/dev/null
is "$(create -o /dev/null -w '%{http_code}')" 503
curl -fsS "$EMULATOR/_emulator/state" | grep -q '"creates":2'

# An hour later the session is over.
curl -fsS --json '{"milliseconds":3600000}' "$EMULATOR/_emulator/clock/advance" >/dev/null
curl -fsS "$EMULATOR/_emulator/state" | grep -q '"live_sessions":0'

# Reset between tests. It answers the faults that did not happen: here none.
is "$(curl -fsS -X POST "$EMULATOR/_emulator/reset")" '{"unused_faults":[]}'
curl -fsS "$EMULATOR/_emulator/state" | grep -q '"creates":0'
echo "create, open, assert, fault, reset: as expected"
