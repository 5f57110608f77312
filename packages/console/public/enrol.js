import { ask } from "./api.js";
import { codesShown } from "./codes.js";
import { el } from "./dom.js";
import { makePasskey } from "./passkey.js";
import { complain, during, methodsHere } from "./place.js";

const trouble = document.getElementById("trouble");
const form = document.getElementById("enrol");
const sso = document.getElementById("sso");
const done = document.getElementById("done");
let code = "";

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = new FormData(form).get("name");
  void during(form.querySelector("button"), trouble, async () => {
    const { options } = await ask("/enrolment/options", { code });
    const credential = await makePasskey(options);
    const { recoveryCodes } = await ask("/enrolment/passkey", { code, name, credential });
    enrolled(recoveryCodes);
  });
});

sso.addEventListener(
  "click",
  () =>
    void during(sso, trouble, async () => {
      const { url } = await ask("/enrolment/sso", { code });
      location.assign(url);
    }),
);

function enrolled(codes) {
  form.hidden = true;
  document.getElementById("title").textContent = "You are enrolled and signed in";
  const goOn = el("p", {}, el("a", { href: "/" }, "I have kept them, continue"));
  done.replaceChildren(...codesShown(codes, goOn));
  done.hidden = false;
  document.getElementById("main").focus();
}

async function open() {
  const methods = await methodsHere();
  if (methods === undefined) return;
  code = location.hash.slice(1);
  // The link is a secret until it is used: it does not stay in the address bar or the history.
  history.replaceState(null, "", location.pathname);
  const { name, person } = await ask("/enrolment/options", { code });
  document.getElementById("whose").textContent = `${name} (${person})`;
  if (methods.sso !== undefined) {
    sso.textContent = `Use ${methods.sso.name} instead`;
    sso.hidden = false;
  }
  form.hidden = false;
  form.querySelector("input").focus();
}

open().catch((error) => complain(trouble, error));
