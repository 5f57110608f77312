import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PersonConfig } from "@bailiwick/policy";
import type { Receipt } from "../../domain/receipt.ts";
import type { SignInMeans } from "../../domain/sign-in.ts";
import { invitationSchema, listedPersonSchema, passkeySchema } from "../../rest-contract/people.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { idParams, noSuchPasskey, viewPasskey } from "./account.ts";
import { stepUpSchema } from "./assertion-schema.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { invite } from "./enrolment.ts";
import { receiptFacts, recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { withStepUp } from "./step-up-acts.ts";

const personParams = z.object({ person: nameSchema });
const signed = z.strictObject({ stepUp: stepUpSchema.optional() });

/** `GET /people`, `POST /people/{person}/invite`, `GET /people/{person}/passkeys`, `POST /people/{person}/passkeys/{id}/remove`. */
export function addPeopleAdminEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/people",
    tag: "people",
    summary: "the people of the asking person's tenants and how they can sign in",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: z.object({ people: z.array(listedPersonSchema) }),
    handle: async ({ principal }) => {
      const seen = ports.policy().people.filter((person) => sharedTenants(principal, person).length > 0);
      const means = await ports.signIn.means();
      return { people: seen.map((person) => view(principal, person, means.get(person.id))) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/people/{person}/invite",
    tag: "people",
    summary: "makes a one-time link with which a person registers a passkey",
    need: "invite",
    params: personParams,
    query: nothing,
    body: signed,
    answer: invitationSchema,
    handle: async ({ principal, context, params, body }) => {
      const person = managed(ports, principal, params.person);
      const act = { action: "invite_owner", subject: person.id } as const;
      const made = async (receipt?: Receipt): Promise<z.input<typeof invitationSchema>> => {
        const link = await invite(ports, person, { by: doerOf(principal), via: viaOf(principal) }, receipt);
        return { ...link, expiresAt: link.expiresAt.toISOString() };
      };
      return person.roles.includes("owner") ? withStepUp(ports, { context, principal, act, given: body.stepUp }, made) : made();
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/people/{person}/passkeys",
    tag: "people",
    summary: "a person's passkeys",
    need: "invite",
    params: personParams,
    query: nothing,
    body: nothing,
    answer: z.object({ passkeys: z.array(passkeySchema) }),
    handle: async ({ principal, params }) => {
      const person = managed(ports, principal, params.person);
      return { passkeys: (await ports.signIn.passkeys.list(person.id)).map(viewPasskey) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/people/{person}/passkeys/{id}/remove",
    tag: "people",
    summary: "removes a person's passkey, even their last, and ends all their sign-ins: for a device that was lost",
    need: "invite",
    params: personParams.extend(idParams.shape),
    query: nothing,
    body: signed,
    answer: z.object({ removed: z.boolean(), ended: z.int() }),
    handle: async ({ principal, context, params, body }) => {
      const person = managed(ports, principal, params.person);
      if (!(await ports.signIn.passkeys.list(person.id)).some(({ id }) => id === params.id)) throw noSuchPasskey();
      const act = { action: "remove_passkey_of", subject: `${person.id}/${params.id}` } as const;
      return withStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const who = { by: doerOf(principal), via: viaOf(principal) };
        const said = { body: { passkey: params.id }, facts: receiptFacts(receipt) };
        await recordPerson(ports, person, "person.passkey_removed", { ...who, ...said });
        if ((await ports.signIn.passkeys.remove(person.id, params.id, { force: true })) === "unknown") throw noSuchPasskey();
        return { removed: true, ended: await ports.people.endSessionsOf(person.id) };
      });
    },
  });
}

function view(principal: Principal, person: PersonConfig, means: SignInMeans | undefined): z.input<typeof listedPersonSchema> {
  return {
    id: person.id,
    name: person.name,
    tenants: sharedTenants(principal, person),
    roles: [...person.roles],
    passkeys: means?.passkeys ?? 0,
    recoveryCodesLeft: means?.recoveryCodesLeft ?? 0,
    sso: means?.linked ?? false,
  };
}

function sharedTenants(principal: Principal, person: PersonConfig): string[] {
  return person.tenants.filter((tenant) => principal.tenants.includes(tenant));
}

/**
 * A person whose every tenant is the asking one's too: whoever can hand out a sign-in could use it, and must gain no tenant by it.
 * @throws Problem `not_found`, with the same words whether or not the person exists.
 */
function managed(ports: RestPorts, principal: Principal, id: string): PersonConfig {
  const { people, tenants } = ports.policy();
  const person = people.find((candidate) => candidate.id === id);
  const own = person?.tenants.filter((tenant) => tenants.includes(tenant)) ?? [];
  if (person !== undefined && own.every((tenant) => principal.tenants.includes(tenant))) return person;
  throw new Problem("not_found", `there is no person \`${id}\` whose tenants are all yours`, [
    "list the person under `people` in `bailiwick.yaml`, or use the operator key on the broker's machine",
  ]);
}
