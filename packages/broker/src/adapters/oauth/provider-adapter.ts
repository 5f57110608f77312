import type { JsonObject } from "@bailiwick/policy";
import { type Adapter, errors } from "oidc-provider";
import { z } from "zod";
import type { OAuthEntityKind } from "../../domain/oauth-entity.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { endGrantedSessions } from "./granted-sessions.ts";

type AdapterPorts = Pick<OAuthPorts, "entities" | "sessions" | "log" | "now">;

/** A client that registered and was never used is forgotten after a day, one that is in use after three months of silence. */
export const UNUSED_CLIENT_MS = 24 * 60 * 60 * 1000;
export const SILENT_CLIENT_MS = 90 * 24 * 60 * 60 * 1000;

const grantOf = z.object({ grantId: z.string() });

/** The provider's models that are kept. Its access tokens are not: the session is the truth, and they never leave. */
const KEPT: ReadonlyMap<string, OAuthEntityKind> = new Map(
  (["Client", "Session", "Interaction", "Grant", "AuthorizationCode", "RefreshToken", "ReplayDetection"] as const).map((kind) => [
    kind,
    kind,
  ]),
);

/** Where oidc-provider keeps its models (its `adapter` setting). */
export function providerAdapter(ports: AdapterPorts): (model: string) => Adapter {
  return (model) => {
    const kind = KEPT.get(model);
    return kind === undefined ? forgetful(ports, model) : keeping(ports, kind);
  };
}

function keeping(ports: AdapterPorts, kind: OAuthEntityKind): Adapter {
  const { entities } = ports;
  return {
    async upsert(id, payload, expiresIn) {
      if (kind === "Client") requirePublic(payload);
      const entity = { kind, id, grantId: grantIdOf(payload), payload: stored(kind, payload), expiresAt: expiry(ports, expiresIn) };
      if (kind !== "ReplayDetection") return entities.put(entity);
      // The provider looks before it writes; of two at the same time both would pass.
      if (!(await entities.putNew(entity)))
        throw new errors.InvalidDpopProof("this proof was used before; sign a fresh one for each request");
    },
    async find(id) {
      const found = await entities.find(kind, id);
      if (found === undefined) return undefined;
      const id_ = kind === "Client" ? {} : { jti: id };
      return {
        ...found.payload,
        ...id_,
        ...(found.consumedAt === undefined ? {} : { consumed: Math.floor(found.consumedAt.getTime() / 1000) }),
      };
    },
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    async consume(id) {
      if (await entities.consume(kind, id)) return;
      // The provider saw it unused a moment ago, so two came at once: that is a replay as well, and ends what the other one is given.
      const grantId = grantIdOf((await entities.find(kind, id))?.payload ?? {});
      if (grantId !== undefined) await endGrant(ports, grantId);
      throw new errors.InvalidGrant("it was used at the same time by another request");
    },
    destroy: (id) => entities.remove(kind, id),
    async revokeByGrantId(grantId) {
      await entities.removeOfGrant(kind, grantId);
    },
  };
}

/** Access tokens: only that their grant ended is of interest, because our sessions end with it. */
function forgetful(ports: AdapterPorts, model: string): Adapter {
  return {
    upsert: async () => undefined,
    find: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => undefined,
    destroy: async () => undefined,
    revokeByGrantId: async (grantId) => {
      if (model === "AccessToken") await endGrant(ports, grantId);
    },
  };
}

/** Of its own accord the provider ends a grant only when a code or refresh token came twice: somebody holds a copy. */
async function endGrant(ports: AdapterPorts, grantId: string): Promise<void> {
  // The grant first: whoever redeems at the same moment looks for it after making a session.
  await ports.entities.remove("Grant", grantId);
  await endGrantedSessions(ports, grantId, "replayed");
}

/** The id is a secret and stays out of the row. A sign-in is the console's, never the provider's: its session remembers nobody. */
function stored(kind: OAuthEntityKind, payload: JsonObject): JsonObject {
  const { jti: _, ...rest } = payload;
  if (kind !== "Session") return rest;
  const { accountId: __, loginTs: ___, authorizations: ____, ...anonymous } = rest;
  return anonymous;
}

/** What is written is what registered, and that has no key here: a key of its own belongs into a metadata document at its own address. */
function requirePublic(metadata: JsonObject): void {
  if (metadata["token_endpoint_auth_method"] !== "none")
    throw new errors.InvalidClientMetadata(
      "token_endpoint_auth_method must be `none` for a client that registers; use a client id metadata document for others",
    );
}

function grantIdOf(payload: JsonObject): string | undefined {
  return grantOf.safeParse(payload).data?.grantId;
}

function expiry({ now }: AdapterPorts, expiresInS: number | undefined): Date {
  const ms = expiresInS === undefined ? UNUSED_CLIENT_MS : expiresInS * 1000;
  return new Date(now().getTime() + ms);
}
