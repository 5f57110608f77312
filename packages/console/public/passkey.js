import { ask } from "./api.js";

/** Has the browser make a passkey. @throws Error in a person's words when they cancel or it cannot. */
export async function makePasskey(options) {
  requirePasskeys();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await inWords(() => navigator.credentials.create({ publicKey }))).toJSON();
}

/** Has the browser sign with a passkey. @throws Error in a person's words when they cancel or it cannot. */
export async function signWithPasskey(options) {
  requirePasskeys();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await inWords(() => navigator.credentials.get({ publicKey }))).toJSON();
}

/** Sends a request; when the broker wants exactly this act signed, has it signed and sends it once more. */
export async function signed(path, act) {
  try {
    return await ask(path, {});
  } catch (error) {
    if (error.code !== "step_up_required") throw error;
    const { document, options } = await ask("/account/step-ups", act);
    return ask(path, { stepUp: { document, assertion: await signWithPasskey(options) } });
  }
}

function requirePasskeys() {
  if (globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === undefined)
    throw new Error("this browser offers no passkeys here; use a current one, over https or on localhost");
}

async function inWords(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "InvalidStateError") throw new Error("this device holds a passkey of yours already", { cause: error });
    if (error.name === "NotAllowedError")
      throw new Error("nothing was done: it was cancelled or took too long. try again", { cause: error });
    throw new Error("the browser could not use a passkey. try another device or browser", { cause: error });
  }
}
