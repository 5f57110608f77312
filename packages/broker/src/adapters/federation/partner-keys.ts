import { createPublicKey, type KeyObject } from "node:crypto";
import type { AssertionAlgorithm, PartnerConfig } from "@bailiwick/policy";
import { z } from "zod";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import { askPartner, jsonOf, partnerMetadata, PartnerUnavailable } from "./metadata.ts";

/** Keys of partners, fetched and remembered. */
export interface PartnerKeys {
  /**
   * The partner's key of that id for that algorithm; of a set with one key only, without an id too. Undefined when it has none.
   * A key set is asked for again when it does not know a `kid`: that is how a partner's rotation is heard of.
   * @throws PartnerUnavailable.
   */
  find(
    partner: PartnerConfig,
    from: "issuer" | "spiffe",
    wanted: { readonly kid: string | undefined; readonly alg: AssertionAlgorithm },
  ): Promise<KeyObject | undefined>;
}

/** A key that a partner has withdrawn is believed this long at most. */
export const KEYS_LIVE_MS = 5 * 60_000;
/** Unknown `kid`s, and a partner that does not answer, make a broker ask it this often at most: nobody can use us to flood it. */
export const ASK_AGAIN_MS = 10_000;
/** A key set has a handful of keys: those in use, and those that are coming or going. */
const MAX_KEYS = 50;
/** RFC 7518 section 3.3. */
const MIN_RSA_BITS = 2_048;

const entry = z.object({
  kty: z.string(),
  kid: z.string().max(256).optional(),
  use: z.string().optional(),
  alg: z.string().optional(),
  crv: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
});
type Entry = z.output<typeof entry>;
const keySet = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) });

interface Held {
  readonly keys: Promise<readonly Entry[]>;
  readonly askedAtMs: number;
  /** How long this answer counts; a failure, until it is time to ask again. */
  liveMs: number;
  /** When the partner was last asked, also in vain: made-up ids must not make us forget keys that still count. */
  triedAtMs: number;
  again?: Promise<Held>;
}

/** `nowMs` is a clock that only moves forward. */
export function createPartnerKeys(fetch: GuardedFetch, nowMs: () => number): PartnerKeys {
  const held = new Map<string, Held>();

  function ask(partner: PartnerConfig, from: "issuer" | "spiffe"): Held {
    const at = nowMs();
    const asked: Held = { keys: fetchKeys(fetch, partner, from), askedAtMs: at, triedAtMs: at, liveMs: KEYS_LIVE_MS };
    asked.keys.catch(() => {
      asked.liveMs = ASK_AGAIN_MS;
    });
    return asked;
  }

  function first(name: string, partner: PartnerConfig, from: "issuer" | "spiffe"): Held {
    const asked = ask(partner, from);
    held.set(name, asked);
    return asked;
  }

  /** Takes the place of what is held only once it has come. */
  async function again(name: string, known: Held, partner: PartnerConfig, from: "issuer" | "spiffe"): Promise<Held> {
    known.triedAtMs = nowMs();
    const asked = ask(partner, from);
    await asked.keys;
    if (held.get(name) === known) held.set(name, asked);
    return asked;
  }

  return {
    async find(partner, from, { kid, alg }) {
      // The version is part of the name: a changed entry never meets keys of the one before.
      const name = `${partner.name} ${partner.version} ${from}`;
      const known = held.get(name);
      const fresh = known !== undefined && nowMs() - known.askedAtMs < known.liveMs ? known : first(name, partner, from);
      const found = keyIn(await fresh.keys, from, kid, alg);
      if (found !== undefined) return found;
      if (nowMs() - fresh.triedAtMs >= ASK_AGAIN_MS) fresh.again = again(name, fresh, partner, from);
      return fresh.again === undefined ? undefined : keyIn(await (await fresh.again).keys, from, kid, alg);
    },
  };
}

async function fetchKeys(fetch: GuardedFetch, partner: PartnerConfig, from: "issuer" | "spiffe"): Promise<readonly Entry[]> {
  const url = from === "spiffe" ? partner.spiffe?.bundle : (partner.jwks ?? (await partnerMetadata(fetch, partner.issuer)).jwksUri);
  if (url === undefined)
    throw new PartnerUnavailable(`partner \`${partner.name}\` offers no keys; name them with \`jwks\` in partners.yaml`);
  const answer = await askPartner(fetch, url);
  const parsed = answer.ok ? keySet.safeParse(await jsonOf(answer)) : undefined;
  if (parsed?.success !== true)
    throw new PartnerUnavailable(`\`${url}\` answered with status ${answer.status} and no key set of at most ${MAX_KEYS} keys (RFC 7517)`);
  // A key of a kind that is not known here does not spoil the others (RFC 7517 section 5).
  return parsed.data.keys.flatMap((key) => {
    const one = entry.safeParse(key);
    return one.success ? [one.data] : [];
  });
}

function keyIn(keys: readonly Entry[], from: "issuer" | "spiffe", kid: string | undefined, alg: AssertionAlgorithm): KeyObject | undefined {
  // SPIFFE bundles mark keys of JWT-SVIDs (Trust Domain and Bundle section 4.2.2); `x509-svid` keys must not verify them.
  const use = from === "spiffe" ? "jwt-svid" : "sig";
  const fitting = keys.filter(
    (key) =>
      (key.use === use || (from === "issuer" && key.use === undefined)) && (key.alg === undefined || key.alg === alg) && isOf(key, alg),
  );
  const named = kid === undefined ? fitting : fitting.filter((key) => key.kid === kid);
  // Two keys of one name, or none named among several: nothing says which is meant.
  const [only, ...others] = named;
  return only === undefined || others.length > 0 ? undefined : imported(only, alg);
}

function isOf({ kty, crv }: Entry, alg: AssertionAlgorithm): boolean {
  switch (alg) {
    case "ES256":
      return kty === "EC" && crv === "P-256";
    case "RS256":
    case "PS256":
      return kty === "RSA";
    case "EdDSA":
      return kty === "OKP" && crv === "Ed25519";
  }
}

function imported({ kty, crv, n, e, x, y }: Entry, alg: AssertionAlgorithm): KeyObject | undefined {
  const members = Object.fromEntries(Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined));
  try {
    const key = createPublicKey({ key: members, format: "jwk" });
    const rsa = alg === "RS256" || alg === "PS256";
    return rsa && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS ? undefined : key;
  } catch {
    return undefined;
  }
}
