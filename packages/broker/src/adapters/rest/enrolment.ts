import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PersonConfig } from "@bailiwick/policy";
import type { Doer } from "../../domain/admin-record.ts";
import type { Receipt } from "../../domain/receipt.ts";
import { asRegistration, registrationSchema } from "./assertion-schema.ts";
import { beginRegistration, CHALLENGE_MS, finishRegistration } from "./ceremony.ts";
import { addOpenEndpoint } from "./open-endpoint.ts";
import { newSecret, setShortCookie, signInBrowser, takeShortCookie } from "./person-cookie.ts";
import { receiptFacts, recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { replaceRecoveryCodes } from "./recovery-codes.ts";
import { peopleUrl } from "./relying-party.ts";
import { secretHash } from "./signed-in.ts";

/** An enrolment link is used at once or not at all. */
export const ENROLMENT_MS = 15 * 60 * 1000;

export const codeSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/u, { error: "must be the code of an enrolment link" });
/** A person's own name for a passkey. */
export const passkeyName = z.string().trim().min(1).max(60);

/** Who hands a link out, and how they proved it. */
export interface Inviter {
  readonly by: Doer;
  readonly via: string;
}

/**
 * Makes a one-time link with which whoever holds it becomes this person's first, or next, way to sign in.
 * The code is behind `#`: browsers send it to no server and in no `Referer`.
 */
export async function invite(
  ports: Pick<RestPorts, "policy" | "log" | "now" | "random" | "signIn" | "publicUrl">,
  person: PersonConfig,
  inviter: Inviter,
  receipt?: Receipt,
): Promise<{ readonly person: string; readonly url: string; readonly expiresAt: Date }> {
  const code = newSecret(ports);
  const expiresAt = new Date(ports.now().getTime() + ENROLMENT_MS);
  const said = { body: { expiresAt: expiresAt.toISOString() }, facts: receiptFacts(receipt) };
  await recordPerson(ports, person, "person.invited", { ...inviter, ...said });
  const invitedBy = "person" in inviter.by ? inviter.by.person : inviter.by.named;
  await ports.signIn.enrolments.create({ hash: secretHash(code), person: person.id, invitedBy, expiresAt });
  return { person: person.id, url: `${peopleUrl(ports.publicUrl)}/enrol#${code}`, expiresAt };
}

/** `POST /enrolment/options`, `POST /enrolment/passkey`. Opening a link changes nothing. */
export function addEnrolmentEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/enrolment/options",
    tag: "sign-in",
    summary: "whose an enrolment link is, and what the browser is to make a passkey of",
    body: z.strictObject({ code: codeSchema }),
    answer: z.object({ person: z.string(), name: z.string(), options: z.record(z.string(), z.unknown()) }),
    handle: async ({ context, body }) => {
      const person = enrolling(ports, await ports.signIn.enrolments.find(secretHash(body.code), ports.now()));
      const browser = setShortCookie(ports, context, "bailiwick_ceremony", CHALLENGE_MS);
      return { person: person.id, name: person.name, options: { ...(await beginRegistration(ports, person, browser)) } };
    },
  });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/enrolment/passkey",
    tag: "sign-in",
    summary: "uses an enrolment link up: registers the passkey, makes recovery codes and signs in",
    body: z.strictObject({ code: codeSchema, name: passkeyName, credential: registrationSchema }),
    answer: z.object({ person: z.string(), recoveryCodes: z.array(z.string()) }),
    handle: async ({ context, body }) => {
      const hash = secretHash(body.code);
      const person = enrolling(ports, await ports.signIn.enrolments.find(hash, ports.now()));
      const browser = takeShortCookie(ports, context, "bailiwick_ceremony");
      const made = await finishRegistration(ports, person.id, browser, body.name, asRegistration(body.credential));
      const passkey = { ...made, transports: body.credential.response.transports ?? [] };
      await recordPerson(ports, person, "person.enrolled", {
        by: { person: person.id },
        via: "enrolment-link",
        body: { passkey: passkey.id },
        facts: { name: passkey.name },
      });
      // Of two that use one link at the same time one gets no further.
      enrolling(ports, await ports.signIn.enrolments.use(hash, ports.now()));
      if (!(await ports.signIn.passkeys.add(passkey)))
        throw new Problem("ceremony_refused", "this passkey is registered already", ["use another"]);
      const recoveryCodes = await replaceRecoveryCodes(ports, person.id);
      await signInBrowser(ports, context, { person: person.id, via: "passkey" });
      return { person: person.id, recoveryCodes };
    },
  });
}

/** @throws Problem `enrolment_refused`; the same words for unknown, used, expired and a person who has left. */
export function enrolling(ports: Pick<RestPorts, "policy">, id: string | undefined): PersonConfig {
  const person = ports.policy().people.find((candidate) => candidate.id === id);
  if (person !== undefined) return person;
  throw new Problem("enrolment_refused", "this enrolment link is unknown, used or expired", [
    "ask for a new one: `bailiwick people invite <person>`",
  ]);
}
