import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PersonConfig } from "@bailiwick/policy";
import { adminRecord } from "../../domain/admin-record.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { adminId } from "./admin-id.ts";
import { asAssertion, assertionSchema } from "./assertion-schema.ts";
import { beginSignIn, CHALLENGE_MS, finishSignIn } from "./ceremony.ts";
import { nothing } from "./endpoint.ts";
import { safeNext } from "./next-path.ts";
import { addOpenEndpoint } from "./open-endpoint.ts";
import { setShortCookie, signInBrowser, takeShortCookie } from "./person-cookie.ts";
import { recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { recoveryHash } from "./recovery-codes.ts";
import { relyingParty } from "./relying-party.ts";

/** Attempts with recovery codes are counted in windows of this length. */
export const ATTEMPT_WINDOW_MS = 15 * 60 * 1000;
/** A person mistypes a code once or twice. */
export const MAX_ATTEMPTS_PER_PERSON = 5;
/** All names together: bounds what guessing names can store and cost. */
export const MAX_ATTEMPTS = 100;

/** Where the sign-in page goes afterwards: a path of ours; anything else becomes `/`. */
export const nextSchema = z.string().max(2_048).optional();
const answerSchema = z.object({ person: z.string(), next: z.string(), recoveryCodesLeft: z.int().optional() });

/** `GET /sign-in/methods`, `POST /sign-in/options`, `POST /sign-in/passkey`, `POST /sign-in/recovery-code`. */
export function addSignInEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addOpenEndpoint(app, ports, {
    method: "get",
    path: "/sign-in/methods",
    tag: "sign-in",
    summary: "how people can sign in here",
    body: nothing,
    answer: z.object({ passkeyOrigin: z.string().optional(), sso: z.object({ name: z.string() }).optional() }),
    handle: async () => {
      const sso = ports.policy().signIn?.sso;
      const origin = relyingParty(ports.publicUrl)?.origin;
      return {
        ...(origin === undefined ? {} : { passkeyOrigin: origin }),
        ...(sso === undefined ? {} : { sso: { name: sso.name } }),
      };
    },
  });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/sign-in/options",
    tag: "sign-in",
    summary: "begins a sign-in by passkey: what the browser is to sign",
    body: nothing,
    answer: z.object({ options: z.record(z.string(), z.unknown()) }),
    handle: async ({ context }) => {
      const browser = setShortCookie(ports, context, "bailiwick_ceremony", CHALLENGE_MS);
      return { options: { ...(await beginSignIn(ports, browser)) } };
    },
  });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/sign-in/passkey",
    tag: "sign-in",
    summary: "signs in with a passkey's signature",
    body: z.strictObject({ credential: assertionSchema, next: nextSchema }),
    answer: answerSchema,
    handle: async ({ context, body }) => {
      const browser = takeShortCookie(ports, context, "bailiwick_ceremony");
      const passkey = await finishSignIn(ports, browser, asAssertion(body.credential));
      const person = ports.policy().people.find((candidate) => candidate.id === passkey.person);
      if (person === undefined) throw leftPolicy();
      await recordPerson(ports, person, "person.signed_in", { by: { person: person.id }, via: "passkey", body: { passkey: passkey.id } });
      await signInBrowser(ports, context, { person: person.id, via: "passkey" });
      return { person: person.id, next: safeNext(body.next) };
    },
  });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/sign-in/recovery-code",
    tag: "sign-in",
    summary: "signs in with a recovery code, which is used up by it",
    body: z.strictObject({ person: nameSchema, code: z.string().min(1).max(100), next: nextSchema }),
    answer: answerSchema,
    handle: async ({ context, body }) => {
      await countAttempt(ports, body.person);
      const left = await ports.signIn.recoveryCodes.use(body.person, recoveryHash(body.person, body.code), ports.now());
      const person = ports.policy().people.find((candidate) => candidate.id === body.person);
      if (left === undefined || person === undefined) {
        await recordRefused(ports, person);
        throw new Problem("unauthenticated", "this is no unused recovery code of this person", [
          "check the name and the code; each code works once",
          "or ask an owner for an enrolment link: `bailiwick people invite <person>`",
        ]);
      }
      const said = { by: { person: person.id }, via: "recovery-code", body: { recoveryCodesLeft: left } };
      await recordPerson(ports, person, "person.signed_in", said);
      await signInBrowser(ports, context, { person: person.id, via: "recovery-code" });
      return { person: person.id, next: safeNext(body.next), recoveryCodesLeft: left };
    },
  });
}

export function leftPolicy(): Problem {
  return new Problem("unauthenticated", "the person of this sign-in is no longer listed in the policy", [
    "ask an owner to list the person in `bailiwick.yaml`",
  ]);
}

/**
 * Somebody tried a code that is not one. A name that is not in the policy is not recorded, since it may be anybody's, but the attempt is,
 * for everybody to see; so an answer takes as long for a name that exists as for one that does not.
 */
async function recordRefused(ports: RestPorts, person: PersonConfig | undefined): Promise<void> {
  const { tenants } = ports.policy();
  const told = person === undefined ? tenants : person.tenants.filter((tenant) => tenants.includes(tenant));
  const act = { at: ports.now(), event: "sign_in.recovery_refused", by: { named: "anonymous" }, via: "recovery-code" } as const;
  await Promise.all(told.map((tenant) => ports.log.append(tenant, adminRecord({ ...act, person: person?.id, callId: adminId(ports) }))));
}

/** Counted before the code is looked at, and for names that do not exist as well: neither timing nor a limit tells which names do. */
async function countAttempt(ports: RestPorts, person: string): Promise<void> {
  const keys = [
    { key: "recovery", max: MAX_ATTEMPTS },
    { key: `recovery/${person}`, max: MAX_ATTEMPTS_PER_PERSON },
  ];
  if (await ports.signIn.attempt(keys, ATTEMPT_WINDOW_MS, ports.now())) return;
  throw new Problem("too_many_attempts", "recovery codes were tried too often", [
    "wait a quarter of an hour, sign in with a passkey, or ask for an enrolment link",
  ]);
}
