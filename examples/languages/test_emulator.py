"""Clerk's SDK for Python against the emulator. The command is in PATH; pytest runs this file."""

import subprocess

import pytest
import requests
from clerk_backend_api import Clerk, SDKError

USER = {"user_id": "user_1", "actor": {"sub": "user_agent"}}


@pytest.fixture(scope="session")
def emulator():
    """The command, once for all tests: its URL."""
    command = ["clerk-actor-tokens-emulator", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().removeprefix("listening on ").strip()
        process.terminate()
        # 1 if a fault is left that did not happen.
        assert process.wait(timeout=60) == 0


@pytest.fixture
def control(emulator):
    """The control plane. After the test everything is as it was at the start."""

    def ask(method, path, body=None):
        response = requests.request(method, f"{emulator}/_emulator/{path}", json=body, timeout=60)
        response.raise_for_status()
        return response.json()

    yield ask
    assert ask("POST", "reset") == {"unused_faults": []}


@pytest.fixture
def clerk(emulator, control):
    return Clerk(bearer_auth="sk_test_emulator", server_url=f"{emulator}/v1")


def test_a_link_signs_in_once(emulator, control, clerk):
    token = clerk.actor_tokens.create(request=USER)
    assert token.status == "pending"

    # As the browser: the link, and then the sign-in with its ticket.
    page = requests.get(token.url, timeout=60)
    assert 'signs in as the user "user_1", by "user_agent"' in page.text
    form = {"strategy": "ticket", "ticket": token.token}
    assert requests.post(f"{emulator}/v1/client/sign_ins", form, timeout=60).ok
    assert requests.post(f"{emulator}/v1/client/sign_ins", form, timeout=60).status_code == 400

    state = control("GET", "state")
    assert (state["counts"]["creates"], state["counts"]["live_sessions"]) == (1, 1)
    assert state["sessions"][0]["actor"] == {"sub": "user_agent"}
    assert [session.user_id for session in clerk.sessions.list(user_id="user_1")] == ["user_1"]


def test_a_token_is_revoked(control, clerk):
    token = clerk.actor_tokens.create(request=USER)
    assert clerk.actor_tokens.revoke(actor_token_id=token.id).status == "revoked"
    assert control("GET", "state")["counts"]["live_tokens"] == 0


def test_a_rate_limit_is_an_error(control, clerk):
    control("POST", "faults", {"faults": ["create:before_commit:status(429)"]})
    with pytest.raises(SDKError) as error:
        clerk.actor_tokens.create(request=USER)
    assert error.value.status_code == 429
    assert control("GET", "state")["counts"]["creates"] == 0


def test_the_sdk_repeats_a_create_whose_response_was_lost(control, clerk):
    """Clerk has made the token, and a gateway answers 502: the SDK asks again, and there are two links."""
    control("POST", "faults", {"faults": ["create:after_commit:html(502)"]})
    clerk.actor_tokens.create(request=USER)
    assert control("GET", "state")["counts"]["live_tokens"] == 2


def test_a_reset_brings_the_same_ids_again(control, clerk):
    first = clerk.actor_tokens.create(request=USER).id
    control("POST", "reset")
    assert clerk.actor_tokens.create(request=USER).id == first


def test_time_can_be_moved(control, clerk):
    token = clerk.actor_tokens.create(request=USER)
    control("POST", "clock/advance", {"milliseconds": 3600 * 1000})
    assert requests.get(token.url, timeout=60).status_code == 400
