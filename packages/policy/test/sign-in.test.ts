import { expect, test } from "vitest";
import { HELPDESK, loaded } from "./support/helpdesk.ts";

const withIssuer = (issuer: string): string =>
  (HELPDESK["bailiwick.yaml"] ?? "").replace(
    "session:",
    () => `signIn: { sso: { issuer: "${issuer}", clientId: bailiwick, clientSecret: "\${env:SSO_SECRET}" } }\nsession:`,
  );

test("single sign-on is read with the name of the variable, never the secret", () => {
  expect(loaded({ "bailiwick.yaml": withIssuer("https://id.example/realms/acme") }).signIn).toEqual({
    sso: {
      issuer: "https://id.example/realms/acme",
      clientId: "bailiwick",
      clientSecret: "${env:SSO_SECRET}",
      name: "single sign-on",
    },
  });
});

test.each(["http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000"])(
  "plain http is taken on the loopback address %s",
  (issuer) => {
    expect(loaded({ "bailiwick.yaml": withIssuer(issuer) }).signIn?.sso?.issuer).toBe(issuer);
  },
);

test.each([
  "http://id.example",
  "http://127.0.0.1.evil.example",
  "https://id.example?tenant=a",
  "https://user:secret@id.example",
  "ftp://id.example",
  "id.example",
])("the issuer %s is refused", (issuer) => {
  expect(() => loaded({ "bailiwick.yaml": withIssuer(issuer) })).toThrow(/signIn\.sso\.issuer/u);
});

test("without the key people sign in by passkey only", () => {
  expect(loaded({}).signIn).toBeUndefined();
});
