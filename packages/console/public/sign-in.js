import { ask } from "./api.js";
import { el } from "./dom.js";
import { complain, during, methodsHere, nextPath } from "./place.js";
import { signWithPasskey } from "./passkey.js";

const trouble = document.getElementById("trouble");
const passkey = document.getElementById("passkey");
const sso = document.getElementById("sso");
const recovery = document.getElementById("recovery");

passkey.addEventListener(
  "click",
  () =>
    void during(passkey, trouble, async () => {
      const { options } = await ask("/sign-in/options", {});
      const credential = await signWithPasskey(options);
      const { next } = await ask("/sign-in/passkey", { credential, next: nextPath() });
      location.assign(next);
    }),
);

sso.addEventListener(
  "click",
  () =>
    void during(sso, trouble, async () => {
      const { url } = await ask("/sign-in/sso", { next: nextPath() });
      location.assign(url);
    }),
);

recovery.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(recovery);
  void during(event.submitter ?? passkey, trouble, async () => {
    const answer = await ask("/sign-in/recovery-code", { person: form.get("person"), code: form.get("code"), next: nextPath() });
    codeUsed(answer);
  });
});

/** A code is gone now, and the person should know how many are left before they go on. */
function codeUsed({ next, recoveryCodesLeft }) {
  const goOn = el("a", { href: next }, "Continue");
  document.getElementById("ways").hidden = true;
  const done = document.getElementById("done");
  done.replaceChildren(
    el("p", {}, `You are signed in. That code is used up; ${recoveryCodesLeft} left.`),
    el("p", {}, "Lost your passkey? ", el("a", { href: "/account" }, "Register a new one and make new codes"), "."),
    el("p", {}, goOn),
  );
  done.hidden = false;
  goOn.focus();
}

async function open() {
  const methods = await methodsHere();
  if (methods === undefined) return;
  passkey.hidden = methods.passkeyOrigin === undefined;
  if (methods.sso !== undefined) {
    sso.textContent = `Sign in with ${methods.sso.name}`;
    sso.hidden = false;
  }
  const signedIn = await ask("/me").then(
    () => true,
    () => false,
  );
  if (signedIn) location.replace(nextPath());
}

open().catch((error) => complain(trouble, error));
