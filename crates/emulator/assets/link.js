// What opening a link does: it signs in by the ticket in the address, and goes on to the page of the session.
"use strict";

const said = document.getElementById("said");

const signIn = async () => {
  document.documentElement.classList.add("scripted");
  const ticket = new URLSearchParams(location.search).get("ticket") ?? "";
  // The ticket stays neither in the address nor in the history.
  history.replaceState(null, "", location.pathname);
  said.textContent = "Signing in.";
  const body = new URLSearchParams({ strategy: "ticket", ticket });
  const response = await fetch("/v1/client/sign_ins", { method: "POST", body });
  const answer = await response.json();
  if (response.ok) {
    location.replace(`/_emulator/sessions/${encodeURIComponent(answer.response.created_session_id)}`);
  } else {
    said.textContent = `Not signed in: ${answer.errors[0].long_message}`;
  }
};

signIn().catch(() => {
  said.textContent = "Not signed in: the emulator does not answer.";
});
