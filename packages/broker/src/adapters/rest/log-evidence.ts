import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { formatNoteKey, formatPolicyText, type LogKey } from "@bailiwick/ledger";
import { adminRecord } from "../../domain/admin-record.ts";
import { checkpointsSchema, logBaseSchema, logKeysSchema, rotatedKeySchema } from "../../rest-contract/log-evidence.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { addLogFileEndpoints } from "./log-files.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, viaOf } from "./principal.ts";
import { oneTenantOf } from "./tenants.ts";

/** Checkpoints in one answer. */
const MAX_CHECKPOINTS = 1_000;

const ofLog = z.strictObject({ tenant: nameSchema });

/** `/audit/logs/{tenant}/…`: what an auditor, a mirror and a witness need in order to verify a log without believing this broker. */
export function addLogEvidenceEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addLogFileEndpoints(app, ports);
  addCheckpoints(app, ports);
  addKeys(app, ports);
  addBase(app, ports);
  addRotateKey(app, ports);
}

function addCheckpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/logs/{tenant}/checkpoints",
    tag: "audit",
    summary: "the log's signed checkpoints beyond a size, smallest first",
    need: "view",
    params: ofLog,
    query: z.strictObject({
      beyond: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(MAX_CHECKPOINTS).default(MAX_CHECKPOINTS),
    }),
    body: nothing,
    answer: checkpointsSchema,
    handle: async ({ principal, params, query }) => {
      const tenant = oneTenantOf(principal, params.tenant);
      const found = await ports.evidence.checkpoints(tenant, query.beyond, query.limit);
      const last = found.length === query.limit ? found.at(-1) : undefined;
      return {
        checkpoints: found.map(({ size, at, note }) => ({ size, at: at.toISOString(), note })),
        ...(last === undefined ? {} : { next: last.size }),
      };
    },
  });
}

function addKeys(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/logs/{tenant}/keys",
    tag: "audit",
    summary: "the log's name, keys and witnesses; compare them with those you pinned",
    need: "view",
    params: ofLog,
    query: nothing,
    body: nothing,
    answer: logKeysSchema,
    handle: async ({ principal, params }) => {
      const tenant = oneTenantOf(principal, params.tenant);
      const keys = await ports.evidence.keys(tenant);
      const witnesses = ports.evidence.witnesses();
      return {
        origin: ports.evidence.origin(tenant),
        keys: keys.map(viewKey),
        witnesses: witnesses.keys.map(formatNoteKey),
        quorum: witnesses.quorum,
        policy: formatPolicyText({ logs: keys, witnesses: witnesses.keys.map((key) => ({ key })), quorum: witnesses.quorum }),
      };
    },
  });
}

function viewKey({ key, from, until }: LogKey): { key: string; from: number; until?: number } {
  return { key: formatNoteKey(key), from, ...(until === undefined ? {} : { until }) };
}

function addBase(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/audit/logs/{tenant}/base",
    tag: "audit",
    summary: "where the log's records begin, when older ones were retired",
    need: "view",
    params: ofLog,
    query: nothing,
    body: nothing,
    answer: logBaseSchema,
    handle: async ({ principal, params }) => {
      const base = await ports.evidence.base(oneTenantOf(principal, params.tenant));
      if (base === undefined) return { size: 0, frontier: [], heads: [] };
      return {
        size: base.frontier.size,
        frontier: base.frontier.nodes.map((hash) => Buffer.from(hash).toString("base64")),
        heads: base.heads.map(({ kind, name, count, lastIndex }): [string, string, number, number] => [kind, name, count, lastIndex]),
      };
    },
  });
}

function addRotateKey(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/audit/logs/{tenant}/rotate-key",
    tag: "audit",
    summary: "signs the log's checkpoints with a new key from now on; the log itself introduces it",
    need: "operate",
    params: ofLog,
    query: nothing,
    body: nothing,
    answer: rotatedKeySchema,
    handle: async ({ principal, params }) => {
      const tenant = oneTenantOf(principal, params.tenant);
      const by = { by: doerOf(principal), via: viaOf(principal) };
      await ports.log.append(tenant, adminRecord({ at: ports.now(), event: "log.rotate_key", ...by, callId: "log-keys" }));
      return { key: formatNoteKey(await ports.evidence.rotateKey(tenant)) };
    },
  });
}
