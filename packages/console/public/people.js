import { ask } from "./api.js";
import { el, relative } from "./dom.js";
import { signed } from "./passkey.js";
import { complain, during, methodsHere } from "./place.js";

const trouble = document.getElementById("trouble");
const box = document.getElementById("link");

/** A link is shown once, to be handed over by the person who asked for it. */
function showLink(link) {
  box.replaceChildren(
    el("p", {}, `Whoever opens this link first becomes ${link.person}. It works once and expires ${relative(link.expiresAt)}.`),
    el("p", {}, el("code", {}, link.url)),
  );
  box.hidden = false;
  box.focus();
}

function personItem(person, mayInvite) {
  const means = [
    `${person.passkeys} ${person.passkeys === 1 ? "passkey" : "passkeys"}`,
    `${person.recoveryCodesLeft} recovery codes`,
    ...(person.sso ? ["single sign-on"] : []),
  ];
  const what = el("span", {}, el("b", {}, person.name), ` (${person.id}) ${person.roles.join(", ") || "no role"}; ${means.join(", ")}`);
  if (!mayInvite) return el("li", {}, what);
  const button = el("button", { type: "button", "aria-label": `Invite ${person.name}` }, "Invite");
  button.addEventListener(
    "click",
    () =>
      void during(button, trouble, async () => {
        showLink(await signed(`/people/${encodeURIComponent(person.id)}/invite`, { action: "invite_owner", subject: person.id }));
      }),
  );
  return el("li", {}, what, button);
}

async function open() {
  if ((await methodsHere()) === undefined) return;
  const [me, { people }] = await Promise.all([ask("/me"), ask("/people")]);
  document.getElementById("who-name").textContent = me.name;
  const mayInvite = me.roles.includes("owner") && !me.roles.includes("auditor");
  document.getElementById("people").replaceChildren(...people.map((person) => personItem(person, mayInvite)));
}

open().catch((error) => {
  if (error.status === 401) location.replace("/sign-in?next=/people");
  else complain(trouble, error);
});
