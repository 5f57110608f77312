import { z } from "zod";
import { OAuthError } from "../oauth/oauth-error.ts";

/** A chain of actors is as long as work was passed on; beyond this it is no chain of people's making. */
const MAX_ACTORS = 8;

const line = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}+$/u);
const texts = z.union([line.transform((one) => [one]), z.array(line).min(1).max(10)]);
const claims = z.object({
  sub: line,
  exp: z.number(),
  iat: z.number().optional(),
  jti: z.string().min(1).max(255).optional(),
  client_id: line.optional(),
  scope: z.string().max(16_384).optional(),
  resource: texts.optional(),
  /** Which of our tenants is meant: `<tenant>` or `<tenant>/<environment>`. */
  aud_tenant: line.optional(),
  act: z.unknown().optional(),
  cnf: z.looseObject({ jkt: z.string().optional(), "x5t#S256": z.string().optional() }).optional(),
});

/** What is read of an assertion whose signature holds. */
export interface AssertionClaims extends Omit<z.output<typeof claims>, "act"> {
  /** Whoever acted at the partner, the latest first (`act`, RFC 8693 section 4.1). */
  readonly actors: readonly string[];
}

/** @throws OAuthError `invalid_grant`. */
export function readClaims(payload: unknown): AssertionClaims {
  const parsed = claims.safeParse(payload);
  if (!parsed.success) throw wrong(parsed.error.issues[0]?.path.join(".") ?? "payload");
  const { act, ...rest } = parsed.data;
  return { ...rest, actors: actorsIn(act) };
}

const actor = z.looseObject({ sub: line, act: z.unknown().optional() });

function actorsIn(act: unknown): readonly string[] {
  const actors: string[] = [];
  for (let next = act; next !== undefined;) {
    const parsed = actor.safeParse(next);
    if (!parsed.success || actors.length === MAX_ACTORS) throw wrong("act");
    actors.push(parsed.data.sub);
    next = parsed.data.act;
  }
  return actors;
}

function wrong(claim: string): OAuthError {
  return new OAuthError(
    "invalid_grant",
    `the assertion has a \`${claim.slice(0, 64)}\` that is missing or not valid; see docs/spec/federation.md`,
  );
}
