import type { Schema } from "./client.ts";

type Assertion = Schema<"PasskeyAssertion">;

/**
 * Has the browser sign with a passkey (Web Authentication Level 3, section 5.1.4). `options`: `PublicKeyCredentialRequestOptionsJSON` of the broker.
 * @throws Error in a person's words when they cancel or the browser cannot.
 */
export async function signWithPasskey(options: Readonly<Record<string, unknown>>): Promise<Assertion> {
  if (typeof PublicKeyCredential === "undefined" || typeof PublicKeyCredential.parseRequestOptionsFromJSON !== "function")
    throw new Error("this browser offers no passkeys here; use a current one, over https or on localhost");
  const { challenge } = options;
  if (typeof challenge !== "string") throw new Error("the broker did not say what to sign; try again");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, challenge });
  const signed = await navigator.credentials.get({ publicKey }).catch((cause: unknown) => {
    const cancelled = cause instanceof DOMException && cause.name === "NotAllowedError";
    throw new Error(
      cancelled
        ? "nothing was signed: it was cancelled or took too long. try again"
        : "the browser could not use a passkey. try another device or browser",
      { cause },
    );
  });
  if (!(signed instanceof PublicKeyCredential) || !(signed.response instanceof AuthenticatorAssertionResponse))
    throw new Error("the browser gave no passkey's signature; try again");
  const { clientDataJSON, authenticatorData, signature, userHandle } = signed.response;
  return {
    id: signed.id,
    rawId: base64url(signed.rawId),
    type: "public-key",
    response: {
      clientDataJSON: base64url(clientDataJSON),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(signature),
      userHandle: userHandle === null ? null : base64url(userHandle),
    },
  };
}

function base64url(bytes: ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCodePoint(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
