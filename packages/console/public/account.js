import { ask } from "./api.js";
import { codesShown } from "./codes.js";
import { el, relative } from "./dom.js";
import { makePasskey, signed } from "./passkey.js";
import { complain, during, methodsHere } from "./place.js";
import { pushState, turnOff, turnOn } from "./push.js";

const trouble = document.getElementById("trouble");
const said = document.getElementById("said");
const add = document.getElementById("add");
const codesNew = document.getElementById("codes-new");
const ssoLink = document.getElementById("sso-link");
const push = document.getElementById("push");
const everywhere = document.getElementById("everywhere");
let person = "";

function say(text) {
  said.textContent = text;
}

async function refresh() {
  const [account, { sessions }] = await Promise.all([ask("/account"), ask("/account/sessions")]);
  person = account.person;
  document.getElementById("who-name").textContent = account.name;
  document.getElementById("passkeys").replaceChildren(...listed(account.passkeys.map(passkeyItem), "You have no passkey yet."));
  document.getElementById("codes-left").textContent = `${account.recoveryCodesLeft} of your recovery codes are unused.`;
  document.getElementById("sso-links").textContent =
    account.sso.length === 0 ? "No account is linked." : `Linked: ${account.sso.map(({ issuer }) => issuer).join(", ")}.`;
  document.getElementById("sessions").replaceChildren(...listed(sessions.map(sessionItem), "Nowhere."));
}

function listed(items, empty) {
  return items.length === 0 ? [el("li", {}, empty)] : items;
}

function passkeyItem(passkey) {
  const button = el("button", { type: "button", class: "deny", "aria-label": `Remove passkey ${passkey.name}` }, "Remove");
  button.addEventListener(
    "click",
    () =>
      void during(button, trouble, async () => {
        await signed(`/account/passkeys/${encodeURIComponent(passkey.id)}/remove`, { action: "remove_passkey", subject: passkey.id });
        say(`The passkey ${passkey.name} is removed.`);
        await refresh();
      }),
  );
  const used = passkey.lastUsedAt === undefined ? "not used yet" : `used ${relative(passkey.lastUsedAt)}`;
  const where = passkey.backedUp ? "synced by its provider" : "on one device";
  return el("li", {}, el("span", {}, el("b", {}, passkey.name), ` ${where}, ${used}`), button);
}

function sessionItem(session) {
  const what = el("span", {}, el("b", {}, session.via), ` ${session.client || "a program"}, since ${relative(session.createdAt)}`);
  if (session.current) return el("li", {}, what, "this one");
  const button = el("button", { type: "button" }, "End");
  button.addEventListener(
    "click",
    () =>
      void during(button, trouble, async () => {
        await ask(`/account/sessions/${encodeURIComponent(session.id)}/end`, {});
        say("The sign-in is ended.");
        await refresh();
      }),
  );
  return el("li", {}, what, button);
}

add.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = String(new FormData(add).get("name"));
  void during(add.querySelector("button"), trouble, async () => {
    const { options } = await signed("/account/passkeys/options", { action: "add_passkey", subject: person });
    const credential = await makePasskey(options);
    await ask("/account/passkeys", { name, credential });
    add.reset();
    say(`The passkey ${name} is registered.`);
    await refresh();
  });
});

codesNew.addEventListener(
  "click",
  () =>
    void during(codesNew, trouble, async () => {
      const { recoveryCodes } = await signed("/account/recovery-codes", { action: "regenerate_recovery_codes", subject: person });
      const box = document.getElementById("codes");
      box.replaceChildren(...codesShown(recoveryCodes, el("p", { class: "soft" }, "The codes you had before are worth nothing now.")));
      box.hidden = false;
      await refresh();
    }),
);

ssoLink.addEventListener(
  "click",
  () =>
    void during(ssoLink, trouble, async () => {
      const { url } = await signed("/account/sso", { action: "link_sso", subject: person });
      location.assign(url);
    }),
);

everywhere.addEventListener(
  "click",
  () =>
    void during(everywhere, trouble, async () => {
      await ask("/account/sign-out-everywhere", {});
      location.assign("/sign-in");
    }),
);

let pushHere = { on: false };

/** What the button does next, and why it may be of no use here. */
async function showPush() {
  pushHere = await pushState();
  const { on, why } = pushHere;
  document.getElementById("push-state").textContent =
    why ?? (on ? "On: whoever turned them on here is told of what waits for them, also while no page is open." : "Off.");
  push.textContent = on ? "Turn them off in this browser" : "Turn them on in this browser";
  push.hidden = why !== undefined && !on;
}

push.addEventListener(
  "click",
  () =>
    void during(push, trouble, async () => {
      const { on, publicKey } = pushHere;
      await (on ? turnOff() : turnOn(publicKey));
      say(on ? "This browser shows no messages any more." : "This browser shows messages from now on.");
      await showPush();
    }),
);

async function open() {
  const methods = await methodsHere();
  if (methods === undefined) return;
  document.getElementById("sso-section").hidden = methods.sso === undefined;
  await Promise.all([refresh(), showPush()]);
}

open().catch((error) => {
  if (error.status === 401) location.replace("/sign-in?next=/account");
  else complain(trouble, error);
});
