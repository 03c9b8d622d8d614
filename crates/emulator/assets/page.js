// Keeps the page fresh, and does what its buttons say, by the routes of the control plane. The server writes all HTML;
// here is only which part of it is new.
"use strict";

/** How long after an answer the page asks again, in milliseconds. */
const REST = 1000;

const said = document.getElementById("said");

/** By the name in `data-act` or `data-form`: which request, and what is said once it is answered. */
const acts = {
  revoke: ({ id }) => ["POST", `/_emulator/tokens/${encodeURIComponent(id)}/revoke`, {}, `Token ${id} is revoked.`],
  end: ({ id }) => ["POST", `/_emulator/sessions/${encodeURIComponent(id)}/end`, {}, `Session ${id} is ended.`],
  // As the browser of the customer does.
  signOut: ({ id }) => ["POST", `/v1/client/sessions/${encodeURIComponent(id)}/end`, undefined, "The session is ended."],
  reset: () => ["POST", "/_emulator/reset", {}, "The emulator is as it was at the start."],
  clearFaults: () => ["DELETE", "/_emulator/faults", {}, "No fault is queued."],
  addFault: ({ fault }) => ["POST", "/_emulator/faults", { faults: [fault.trim()] }, `Fault ${fault.trim()} is queued.`],
  advance: ({ milliseconds }) => advance(Number(milliseconds)),
  advanceBy: ({ milliseconds }) => advance(Number(milliseconds)),
};

const advance = (milliseconds) =>
  ["POST", "/_emulator/clock/advance", { milliseconds }, `The clock is advanced by ${milliseconds} ms.`];

/** Resolves to whether it was done. What was not is said too. */
const act = async (name, values) => {
  const [method, path, body, done] = acts[name](values);
  const json = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, { method, ...json }).catch(() => undefined);
  const answer = await response?.json().catch(() => undefined);
  const why = answer?.error ?? answer?.errors?.[0]?.long_message ?? "the emulator does not answer";
  await refresh();
  said.textContent = response?.ok ? done : `Not done: ${why}`;
  return response?.ok ?? false;
};

/** Puts the rows in the place of those that were there, and leaves alone what has not changed. */
const updateRows = (old, fresh) => {
  const known = new Map([...old.rows].map((row) => [row.id, row]));
  const wanted = [...fresh.rows];
  const ids = new Set(wanted.map((row) => row.id));
  for (const [id, row] of known) if (!ids.has(id)) row.remove();
  let next = old.rows[0];
  for (const row of wanted) {
    const there = known.get(row.id);
    if (!there) {
      old.insertBefore(row, next ?? null);
      continue;
    }
    if (there !== next) old.insertBefore(there, next ?? null);
    [...row.cells].forEach((cell, index) => {
      if (!cell.isEqualNode(there.cells[index])) there.cells[index].replaceWith(cell);
    });
    next = there.nextElementSibling;
  }
};

/** Where the focus goes if what had it is gone: the heading of its part. */
const heading = (part) =>
  part.closest("section[aria-labelledby]")?.querySelector("h2") ?? document.getElementById("title");

const update = (old, fresh) => {
  if (!fresh || old.isEqualNode(fresh)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : undefined;
  if (old.dataset.fresh === "rows") updateRows(old, fresh);
  else old.replaceChildren(...fresh.childNodes);
  if (focused && document.activeElement !== focused) (document.getElementById(focused.id) ?? heading(old))?.focus();
};

let isStale = false;

const refresh = async () => {
  try {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    // What it shows is gone: so is what it said of it.
    if (response.status === 404) {
      document.querySelector("main").replaceChildren(...fresh.querySelector("main").childNodes);
      return;
    }
    if (!response.ok) throw new Error(fresh.querySelector("main .note")?.textContent ?? "It does not answer.");
    document.querySelectorAll("[data-fresh]").forEach((part) => update(part, fresh.getElementById(part.id)));
    if (isStale) said.textContent = "The page is up to date again.";
    isStale = false;
  } catch (error) {
    const why = error instanceof TypeError ? "The emulator does not answer." : error.message;
    if (!isStale) said.textContent = `This page is out of date. ${why}`;
    isStale = true;
  }
};

const keepFresh = async () => {
  if (!document.hidden) await refresh();
  if (document.querySelector("[data-fresh]")) setTimeout(keepFresh, REST);
};

document.documentElement.classList.add("scripted");

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-act]");
  if (!button) return;
  document.getElementById("reset-dialog")?.close();
  await act(button.dataset.act, button.dataset);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  // The form that opens a link is a form of the browser's own.
  if (!form.dataset.form) return;
  event.preventDefault();
  const isDone = await act(form.dataset.form, Object.fromEntries(new FormData(form)));
  const input = form.querySelector("input");
  input.setAttribute("aria-invalid", String(!isDone));
  if (isDone) form.reset();
  input.focus();
});

const dialog = document.getElementById("reset-dialog");
document.getElementById("reset")?.addEventListener("click", () => dialog.showModal());
document.getElementById("reset-cancel")?.addEventListener("click", () => dialog.close());

// The page of a refusal has nothing that could be fresh.
if (document.querySelector("[data-fresh]")) setTimeout(keepFresh, REST);
