import { z } from "zod";
import { duration, fieldPath, name, text } from "./schemas.ts";

/** Over https; over http only to this machine, which a broker takes only when it was started for development. */
const ADDRESS = /^(?:https:\/\/[^\s?#@]+|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:\/[^\s?#@]*)?)$/;
const address = z.string().regex(ADDRESS, { error: "must be an https URL without query, fragment or user" });
const patterns = z
  .array(z.string().regex(/^[^*\s]+\*?$/u, { error: "must be a subject, or its beginning with a `*` after it" }))
  .min(1)
  .max(200);
const typeName = z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, { error: "must be a type name such as `Ticket`" });
const count = z.int().min(0).max(1_000_000_000);

const partner = z.strictObject({
  issuer: address,
  jwks: address.optional(),
  spiffe: z
    .strictObject({
      trustDomain: z.string().regex(/^[a-z0-9._-]{1,255}$/, { error: "must be a trust domain such as `example.org`" }),
      bundle: address,
    })
    .optional(),
  kinds: z.array(z.enum(["id-jag", "identity-chaining", "jwt-svid", "workload"])),
  algorithms: z
    .array(z.enum(["ES256", "RS256", "PS256", "EdDSA"]))
    .min(1)
    .default(["ES256"]),
  subjects: patterns,
  tenants: z.array(name).min(1),
  environments: z.array(name).min(1),
  agent: z.string().regex(/^[a-z][a-z0-9_-]{0,62}\/[a-z][a-z0-9_-]{0,62}$/, { error: "must be `<workflow>/<agent>`" }),
  ceiling: z.strictObject({
    scope: z.array(text).min(1),
    rows: z.record(typeName, z.record(fieldPath, z.array(z.string()).min(1))).default({}),
    limits: z.strictObject({ calls: count.optional(), records: count.optional(), cost: z.number().nonnegative().optional() }).default({}),
  }),
  maxTtl: duration.default("5m"),
  contact: z.email(),
  outbound: z.strictObject({ resource: address, scope: z.array(text).min(1), tenant: text.optional() }).optional(),
});

export const partnersFile = z.strictObject({ partners: z.record(name, partner) });

export type PartnersFile = z.output<typeof partnersFile>;
