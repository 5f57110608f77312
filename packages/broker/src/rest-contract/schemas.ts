import { z } from "@hono/zod-openapi";

/**
 * Names of tenants, people, tools and credentials as the interface accepts them in queries. No zero byte: the database's texts cannot hold
 * one, and its complaint would look like a failure of the store.
 */
export const nameSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\0]+$/u);
const time = z.string().openapi({ format: "date-time" });
const object = z.record(z.string(), z.unknown());

/** The body of every error (RFC 9457). */
export const problemSchema = z
  .object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string(), next: z.array(z.string()) })
  .openapi("Problem");

export const ruleSchema = z
  .object({ kind: z.string(), id: z.string(), at: z.object({ file: z.string(), line: z.int() }), reason: z.string() })
  .openapi("Rule");

export const operationSchema = z
  .object({ tool: z.string(), kind: z.enum(["tool", "resource", "prompt"]), name: z.string() })
  .openapi("Operation");

export const callSchema = z
  .object({
    callId: z.string(),
    tenant: z.string(),
    /** Index of the call's first record. */
    index: z.int(),
    at: time,
    agent: z.string().optional(),
    user: z.string().optional(),
    session: z.string().optional(),
    run: z.string().optional(),
    /** A tag of the task; its words lie among the facts. */
    task: z.string().optional(),
    environment: z.string().optional(),
    tool: z.string().optional(),
    action: z.string().optional(),
    effect: z.string().optional(),
    verdict: z.string().optional(),
    status: z.string(),
    code: z.string().optional(),
    message: z.string().optional(),
    approval: z.string().optional(),
    /** People who approved it. */
    approvers: z.array(z.string()).optional(),
    /** The call that this one takes back. */
    undoes: z.string().optional(),
    durationMs: z.number().optional(),
    rules: z.array(ruleSchema),
  })
  .openapi("Call");

export const callsSchema = z.object({
  calls: z.array(callSchema),
  /** Of one tenant: the next page's `before`. There may be more as long as it is given, even when this page is short. */
  next: z.int().optional(),
  /** Of several tenants: those that have more than is shown. */
  more: z.array(z.string()).optional(),
});

export const endedCallsSchema = z.object({
  tenant: z.string(),
  calls: z.array(callSchema),
  /** The next look's `from`. */
  next: z.int(),
});

export const recordSchema = z
  .object({
    tenant: z.string(),
    /** Its place in the log, from 0 on. */
    index: z.int(),
    kind: z.enum(["lookup", "intent", "outcome", "refusal", "hold", "admin", "key"]),
    callId: z.string(),
    at: time,
    /** What the record says, with the names of people who were not erased. */
    body: object,
    /** The leaf as it was written and hashed: canonical JSON with pseudonyms. */
    text: z.string(),
  })
  .openapi("Record");

export const timelineSchema = z
  .object({
    tenant: z.string(),
    run: z.string(),
    /** In the order of the log. */
    steps: z.array(
      z.object({
        index: z.int(),
        at: time,
        kind: z.enum(["session", "call", "hold", "refusal", "answer", "lookup", "event"]),
        callId: z.string(),
        session: z.string().optional(),
        /** Delegations between the run's first session and this one. */
        depth: z.int(),
        agent: z.string().optional(),
        by: z.string().optional(),
        event: z.string().optional(),
        action: z.string().optional(),
        verdict: z.string().optional(),
        status: z.string().optional(),
        code: z.string().optional(),
        approval: z.string().optional(),
        durationMs: z.number().optional(),
      }),
    ),
    /** The part before these steps is read with this as `before`. */
    earlier: z.int().optional(),
  })
  .openapi("Timeline");

export const searchSchema = z
  .object({
    tenant: z.string(),
    name: z.string(),
    /** A person; absent when it was saved with the operator key. */
    owner: z.string().optional(),
    savedAt: time,
    filter: z.record(z.string(), z.string()),
  })
  .openapi("SavedSearch");

export const callDetailSchema = callSchema
  .extend({
    records: z.array(recordSchema),
    facts: object.optional(),
    /** The call that took this one back and stands. */
    undoneBy: z.string().optional(),
  })
  .openapi("CallDetail");

export const sessionSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    environment: z.string(),
    workflow: z.string(),
    agent: z.string(),
    user: z.string(),
    task: z.string(),
    /** The execution of an agent's job that it belongs to. */
    run: z.string(),
    userProof: z.enum(["asserted", "signed-in", "partner"]),
    data: object,
    scope: z.array(z.string()),
    /** By record type and field, the values the session was narrowed to. */
    rows: z.array(object),
    limits: z.object({ calls: z.number().optional(), records: z.number().optional(), cost: z.number().optional() }),
    grant: z.enum(["client_credentials", "authorization_code", "token_exchange", "jwt_bearer", "undo"]),
    binding: z.enum(["bearer", "dpop", "mtls", "hmac"]),
    client: z.string().optional(),
    /** Sessions it was delegated from, the root first. */
    lineage: z.array(z.string()),
    actors: z.array(z.string()),
    partner: z.string().optional(),
    issuedAt: time,
    expiresAt: time,
    revokedAt: time.optional(),
    live: z.boolean(),
  })
  .openapi("Session");

export const stopSchema = z
  .object({
    tenant: z.string(),
    kind: z.enum(["agent", "workflow", "tenant", "everything"]),
    name: z.string(),
    state: z.enum(["suspended", "retired"]),
    by: z.string(),
    reason: z.string(),
    at: time,
  })
  .openapi("Stop");

/** The identity KPIs of the maturity matrix. */
export const identityKpisSchema = z
  .object({
    /** How often a key was offered for a second agent; each was refused. */
    sharedCredentialAttempts: z.int(),
    /** Agents whose owner does not belong to their tenant, and keys whose agent is no longer in the policy. */
    agentsWithoutOwner: z.array(z.string()),
    /** Live tokens by their whole life. */
    tokensByLifetime: z.array(z.object({ upTo: z.string(), binding: z.enum(["bearer", "dpop", "mtls", "hmac"]), count: z.int() })),
  })
  .openapi("IdentityKpis");

export const toolStateSchema = z
  .object({
    tool: z.string(),
    operation: operationSchema,
    state: z.enum(["reviewed", "quarantined", "absent"]),
    scope: z.string().optional(),
    effect: z.string().optional(),
    why: z.string().optional(),
    fingerprint: z.string().optional(),
    reviewed: z.string().optional(),
  })
  .openapi("ToolState");

export const offeredSchema = z
  .object({ operation: operationSchema, entry: object, fingerprint: z.string(), reviewed: z.boolean() })
  .openapi("OfferedOperation");

export const agentSchema = z
  .object({
    name: z.string(),
    tenant: z.string(),
    environment: z.string(),
    workflow: z.string(),
    roles: z.array(z.string()),
    owner: z.string(),
    /** RFC 7638 thumbprints of its keys. */
    keys: z.array(z.object({ thumbprint: z.string(), status: z.enum(["active", "retired"]), addedAt: time, retiresAt: time.optional() })),
    /** `stopped` when its workflow, tenant or everything is. */
    status: z.enum(["active", "suspended", "retired", "stopped"]),
    stop: z.lazy(() => stopSchema).optional(),
  })
  .openapi("Agent");

export const keptCredentialSchema = z
  .object({
    name: z.string(),
    tenant: z.string(),
    environment: z.string(),
    workflow: z.string(),
    hosts: z.array(z.string()),
    version: z.int(),
    /** `missing`, `unreadable`: the source outside the store has none, or does not give it. */
    state: z.enum(["pending", "active", "previous", "revoked", "missing", "unreadable"]),
    /** `store`, or the place outside of it where the value is kept. */
    source: z.string(),
    verification: z.enum(["verified", "skipped", "initial"]).optional(),
    createdAt: time.optional(),
    activatedAt: time.optional(),
    /** Of a `previous` version: until then calls that began with it may use it. */
    graceUntil: time.optional(),
    /** When its rotation is due. */
    dueAt: time.optional(),
    overdue: z.boolean(),
  })
  .openapi("Credential");

/** A credential after a change, and what came of trying it out. */
export const credentialSchema = keptCredentialSchema
  .extend({
    tried: z
      .object({
        outcome: z.enum(["verified", "failed", "impossible"]),
        tools: z.array(z.string()).optional(),
        why: z.string().optional(),
      })
      .optional(),
  })
  .openapi("ChangedCredential");

export const diagnosticSchema = z
  .object({
    code: z.string(),
    severity: z.enum(["error", "warning"]),
    at: z.object({ file: z.string(), line: z.int() }),
    what: z.string(),
    why: z.string(),
    write: z.string(),
  })
  .openapi("Diagnostic");

export const explanationSchema = z
  .object({
    callId: z.string(),
    tenant: z.string(),
    summary: z.string(),
    rules: z.array(ruleSchema),
    unmatched: z.array(z.object({ rule: ruleSchema, because: z.string() })),
    wouldChange: z.array(z.string()),
    /** What the decision was made from was erased; the explanation is what the record still says. */
    erased: z.boolean(),
  })
  .openapi("Explanation");

export const verificationSchema = z
  .object({
    tenant: z.string(),
    ok: z.boolean(),
    records: z.int(),
    checkpoints: z.int(),
    /** Root hash of the tree, in base64. */
    root: z.string(),
    fault: z.object({ index: z.int(), until: z.int(), what: z.string() }).optional(),
  })
  .openapi("LogVerification");

export const personSchema = z
  .object({
    kind: z.enum(["person", "operator"]),
    id: z.string(),
    name: z.string(),
    tenants: z.array(z.string()),
    roles: z.array(z.string()),
    via: z.string(),
  })
  .openapi("Me");
