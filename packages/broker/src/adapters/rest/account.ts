import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PersonConfig } from "@bailiwick/policy";
import type { AdminEvent } from "../../domain/admin-record.ts";
import type { Passkey } from "../../domain/sign-in.ts";
import { keyThumbprint } from "../../domain/receipt.ts";
import { passkeySchema } from "../../rest-contract/people.ts";
import { passkeyJwk } from "./passkey-key.ts";
import { asRegistration, registrationSchema, stepUpSchema } from "./assertion-schema.ts";
import { beginRegistration, CHALLENGE_MS, finishRegistration } from "./ceremony.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { passkeyName } from "./enrolment.ts";
import { setShortCookie, takeShortCookie } from "./person-cookie.ts";
import { type PersonAct, receiptFacts, recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { replaceRecoveryCodes } from "./recovery-codes.ts";
import { beginStepUp } from "./step-up.ts";
import { stepUpAct, stepUpDocument, withFreshOrStepUp, withStepUp } from "./step-up-acts.ts";

/** More than a person has devices; bounds what one account can store. */
const MAX_PASSKEYS = 20;

const own = { need: "self", tag: "account", query: nothing } as const;
const signed = z.strictObject({ stepUp: stepUpSchema.optional() });
export const idParams = z.object({ id: z.string().min(1).max(2_048) });

/** A person's own account: passkeys, recovery codes, and what is to be signed for changing them. */
export function addAccountEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    ...own,
    method: "get",
    path: "/account",
    summary: "how the asking person can sign in",
    params: nothing,
    body: nothing,
    answer: z.object({
      person: z.string(),
      name: z.string(),
      via: z.string(),
      passkeys: z.array(passkeySchema),
      recoveryCodesLeft: z.int(),
      sso: z.array(z.object({ issuer: z.string() })),
    }),
    handle: async ({ principal }) => {
      const person = personOf(principal);
      const [passkeys, recoveryCodesLeft, links] = await Promise.all([
        ports.signIn.passkeys.list(person.id),
        ports.signIn.recoveryCodes.left(person.id),
        ports.signIn.sso.linksOf(person.id),
      ]);
      const sso = links.map(({ issuer }) => ({ issuer }));
      return { person: person.id, name: person.name, via: viaOf(principal), passkeys: passkeys.map(viewPasskey), recoveryCodesLeft, sso };
    },
  });
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/step-ups",
    summary: "what the asking person is to sign with a passkey for an act",
    params: nothing,
    body: stepUpAct,
    answer: z.object({ document: z.record(z.string(), z.unknown()), options: z.record(z.string(), z.unknown()) }),
    handle: async ({ principal, body }) => {
      const { id } = personOf(principal);
      const document = stepUpDocument(ports, id, body);
      return { document: { ...document }, options: { ...(await beginStepUp(ports, id, document)) } };
    },
  });
  addPasskeyEndpoints(app, ports);
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/recovery-codes",
    summary: "makes ten new recovery codes; the old ones are worth nothing from then on",
    params: nothing,
    body: signed,
    answer: z.object({ recoveryCodes: z.array(z.string()) }),
    handle: async ({ principal, context, body }) => {
      const person = personOf(principal);
      const act = { action: "regenerate_recovery_codes", subject: person.id } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        await recordOwn(ports, principal, "person.recovery_codes_made", { facts: receiptFacts(receipt) });
        return { recoveryCodes: await replaceRecoveryCodes(ports, person.id) };
      });
    },
  });
}

function addPasskeyEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/passkeys/options",
    summary: "begins registering one more passkey",
    params: nothing,
    body: signed,
    answer: z.object({ options: z.record(z.string(), z.unknown()) }),
    handle: async ({ principal, context, body }) => {
      const person = personOf(principal);
      if ((await ports.signIn.passkeys.list(person.id)).length >= MAX_PASSKEYS)
        throw new Problem("ceremony_refused", `a person has at most ${MAX_PASSKEYS} passkeys`, ["remove one that is not used any more"]);
      const act = { action: "add_passkey", subject: person.id } as const;
      return withFreshOrStepUp(ports, { context, principal, act, given: body.stepUp }, async () => {
        const browser = setShortCookie(ports, context, "bailiwick_ceremony", CHALLENGE_MS);
        return { options: { ...(await beginRegistration(ports, person, browser)) } };
      });
    },
  });
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/passkeys",
    summary: "registers the passkey that the browser made",
    params: nothing,
    body: z.strictObject({ name: passkeyName, credential: registrationSchema }),
    answer: passkeySchema,
    handle: async ({ principal, context, body }) => {
      const person = personOf(principal);
      const browser = takeShortCookie(ports, context, "bailiwick_ceremony");
      const made = await finishRegistration(ports, person.id, browser, body.name, asRegistration(body.credential));
      const passkey = { ...made, transports: body.credential.response.transports ?? [] };
      await recordOwn(ports, principal, "person.passkey_added", { body: { passkey: passkey.id }, facts: { name: passkey.name } });
      if (!(await ports.signIn.passkeys.add(passkey)))
        throw new Problem("ceremony_refused", "this passkey is registered already", ["use another"]);
      return viewPasskey(passkey);
    },
  });
  addEndpoint(app, ports, {
    ...own,
    method: "post",
    path: "/account/passkeys/{id}/remove",
    summary: "removes one of the asking person's passkeys and ends their other sign-ins; not the last one without recovery codes",
    params: idParams,
    body: signed,
    answer: z.object({ removed: z.boolean() }),
    handle: async ({ principal, context, params, body }) => {
      const person = personOf(principal);
      if (!(await ports.signIn.passkeys.list(person.id)).some(({ id }) => id === params.id)) throw noSuchPasskey();
      const act = { action: "remove_passkey", subject: params.id } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const said = { body: { passkey: params.id }, facts: receiptFacts(receipt) };
        await recordOwn(ports, principal, "person.passkey_removed", said);
        return remove(ports, principal, params.id);
      });
    },
  });
}

async function remove(ports: RestPorts, principal: Principal, id: string): Promise<{ removed: boolean }> {
  const outcome = await ports.signIn.passkeys.remove(personOf(principal).id, id, { force: false });
  switch (outcome) {
    case "removed":
      // The device may be in other hands, and what it signed in would go on for hours.
      if (principal.kind === "person") await ports.people.endSessionsOf(principal.person.id, principal.tokenHash);
      return { removed: true };
    case "unknown":
      throw noSuchPasskey();
    case "last":
      await recordOwn(ports, principal, "person.passkey_kept", { body: { passkey: id } });
      throw new Problem("last_passkey", "this is your last passkey and you have no recovery code left, so you could not sign in again", [
        "register another passkey, or make new recovery codes first",
      ]);
  }
}

/** An endpoint with the need `self` lets only persons in. */
export function personOf(principal: Principal): PersonConfig {
  if (principal.kind === "person") return principal.person;
  throw new Problem("person_required", "the operator key is no person and has no account", ["sign in as a person"]);
}

export function viewPasskey(passkey: Passkey): z.input<typeof passkeySchema> {
  const { id, name, backedUp, createdAt, lastUsedAt, publicKey } = passkey;
  const key = passkeyJwk(publicKey);
  return {
    id,
    name,
    backedUp,
    createdAt: createdAt.toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
    ...(key === undefined ? {} : { thumbprint: keyThumbprint(key) }),
  };
}

export function noSuchPasskey(): Problem {
  return new Problem("not_found", "this person has no such passkey", ["list them on the account page, or with `bailiwick people list`"]);
}

export async function recordOwn(
  ports: RestPorts,
  principal: Principal,
  event: AdminEvent,
  said: Pick<PersonAct, "body" | "facts">,
): Promise<void> {
  const person = personOf(principal);
  await recordPerson(ports, person, event, { ...said, by: { person: person.id }, via: viaOf(principal) });
}
