import { approvalCard } from "./approval-card.js";
import { ask } from "./api.js";
import { callList, callPage } from "./calls.js";
import { el, relative } from "./dom.js";

const POLL_MS = 2_000;
const main = document.getElementById("main");
const trouble = document.getElementById("trouble");
const said = document.getElementById("said");
const who = document.getElementById("who");
const whoName = document.getElementById("who-name");

let shownKey = "";

function say(text) {
  said.textContent = text;
}

/** Shows a page; an unchanged one stays, so that focus, open parts and half-typed reasons survive the polling. */
function show(key, title, make) {
  document.title = `${title} - Bailiwick`;
  if (key === shownKey) return;
  shownKey = key;
  main.replaceChildren(...make());
}

async function inbox() {
  const { approvals } = await ask("/approvals?state=pending&limit=100");
  const title = approvals.length === 0 ? "Approvals" : `(${approvals.length}) Approvals`;
  document.title = `${title} - Bailiwick`;
  if (!shownKey.startsWith("inbox")) main.replaceChildren(el("h2", {}, "Waiting for a person"), el("div", { id: "cards" }));
  shownKey = "inbox";
  syncCards(document.getElementById("cards"), approvals);
}

/** Adds new cards and takes away answered ones; the others are left alone. */
function syncCards(box, approvals) {
  const wanted = new Map(approvals.map((approval) => [approval.id, approval]));
  for (const card of box.querySelectorAll("[data-approval]")) {
    if (wanted.delete(card.dataset.approval)) continue;
    card.remove();
  }
  for (const approval of wanted.values()) {
    const card = approvalCard(approval, say, () => {
      card.remove();
      void refresh();
    });
    box.append(card);
    focusDeny(box, card);
  }
  const empty = box.querySelector("#none");
  if (approvals.length > 0) empty?.remove();
  else if (empty === null) box.append(emptyInbox());
  for (const time of box.querySelectorAll("[data-expires]")) time.textContent = relative(time.dataset.expires);
}

/** The answer nearest at hand is no, unless the person is already doing something. */
function focusDeny(box, card) {
  const idle = document.activeElement === document.body || document.activeElement === main;
  if (idle && box.querySelector(".deny") === card.querySelector(".deny")) card.querySelector(".deny")?.focus({ preventScroll: true });
}

function emptyInbox() {
  return el(
    "div",
    { id: "none" },
    el("p", {}, "No call waits for a person."),
    el(
      "p",
      { class: "soft" },
      "A call whose rule says `approve` appears here by itself. To see one, run ",
      el("code", {}, "bailiwick demo"),
      ".",
    ),
  );
}

async function calls() {
  const { calls: list } = await ask("/calls?limit=50");
  show(`calls ${JSON.stringify(list)} ${Math.floor(Date.now() / 30_000)}`, "Calls", () => [
    el("h2", {}, "Calls"),
    list.length === 0
      ? el("p", {}, "No agent has called yet. Connect one with ", el("code", {}, "bailiwick connect"), ".")
      : callList(list),
  ]);
}

async function oneCall(id) {
  const call = await ask(`/calls/${encodeURIComponent(id)}`);
  const key = `call ${id} ${call.records.length}`;
  if (key === shownKey) return;
  const explanation = await ask(`/calls/${encodeURIComponent(id)}/explanation`).catch(() => undefined);
  show(key, call.action ?? id, () => [callPage(call, explanation)]);
}

function signedOut() {
  who.hidden = true;
  show("signed out", "Sign in", () => [
    el("h2", {}, "You are not signed in"),
    el("p", {}, el("a", { href: "/sign-in" }, "Go to the sign-in page"), "."),
    el(
      "p",
      { class: "soft" },
      "Or run ",
      el("code", {}, "bailiwick login <person>"),
      " on the broker's machine and open the link it prints.",
    ),
  ]);
}

async function showWho() {
  const me = await ask("/me");
  whoName.textContent = `${me.name} (${me.tenants.join(", ")})`;
  who.hidden = false;
}

let asking = false;
async function refresh() {
  if (asking) return;
  asking = true;
  const [, section, id] = location.hash.split("/");
  try {
    if (who.hidden) await showWho();
    if (section === "calls" && id !== undefined) await oneCall(decodeURIComponent(id));
    else if (section === "calls") await calls();
    else await inbox();
    trouble.hidden = true;
  } catch (error) {
    if (error.status === 401) signedOut();
    else {
      trouble.textContent = [error.message, ...(error.next ?? [])].join(". ");
      trouble.hidden = false;
    }
  } finally {
    asking = false;
  }
}

function markSection() {
  const section = location.hash.startsWith("#/calls") ? "#/calls" : "#/";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

addEventListener("hashchange", () => {
  shownKey = "";
  markSection();
  void refresh().then(() => main.focus());
});
setInterval(() => {
  if (!document.hidden) void refresh();
}, POLL_MS);
markSection();
void refresh();
