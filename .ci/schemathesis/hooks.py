"""What schemathesis cannot know: ids that exist, and that what is refused, or only asked for, changes nothing."""

import itertools
import re

import requests
import schemathesis

VIEWS = ["state?limit=1000&reveal=true", "requests?limit=1000&reveal=true", "faults", "users", "snapshots"]
USER = {"user_id": "user_1", "actor": {"sub": "user_agent"}}

session = requests.Session()
turn = itertools.count()
before = []


def everything(base_url):
    views = [session.get(f"{base_url}/_emulator/{view}", timeout=60).json() for view in VIEWS]
    # It moves by itself.
    del views[0]["now"]
    return views


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every other id is one that exists: of a token, of a session, or of a snapshot."""
    base_url = case.operation.base_url
    if case.path_parameters and "id" in case.path_parameters and next(turn) % 2:
        headers = {"authorization": "Bearer sk_test_emulator"}
        session.post(f"{base_url}/v1/actor_tokens", json=USER, headers=headers, timeout=60)
        state, _, _, _, snapshots = everything(base_url)
        known = {"tokens": state["tokens"], "sessions": state["sessions"]}
        known = {kind: [row["id"] for row in rows] for kind, rows in known.items()} | snapshots
        kind = next((kind for kind in known if f"/{kind}/" in case.path), None)
        if known.get(kind):
            case.path_parameters["id"] = str(known[kind][0])
    before[:] = everything(base_url)


def reason_of(page):
    """The text of the main part, without its tags."""
    return re.sub("<[^>]*>", "", page.partition("<main")[2].partition(">")[2].partition("</main>")[0])


@schemathesis.check
def nothing_changes_unasked(context, response, case):
    is_read = case.method in ("GET", "HEAD", "OPTIONS")
    if response.status_code < 400 and not is_read:
        return
    after = everything(case.operation.base_url)
    for view, was, now in zip(VIEWS, before, after):
        assert was == now, f"{case.method} {case.path}, answered {response.status_code}, changed {view}"


@schemathesis.check
def a_refusal_has_a_reason(context, response, case):
    if 400 <= response.status_code < 500 and case.method != "HEAD":
        is_page = response.headers.get("content-type", [""])[0].startswith("text/html")
        reason = reason_of(response.text) if is_page else response.json()["error"]
        assert reason.strip(), f"{response.status_code} without a reason"
