import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { LedgerError, parseTilePath, TILE_WIDTH } from "@bailiwick/ledger";
import type { Context } from "hono";
import { nameSchema, problemSchema } from "../../rest-contract/schemas.ts";
import { nothing, parsePart } from "./endpoint.ts";
import { logReads } from "./log-reads.ts";
import type { RestPorts } from "./ports.ts";
import { authorize } from "./principal.ts";
import { Problem } from "./problem.ts";
import { oneTenantOf } from "./tenants.ts";

/** What is under one address of a log, to be answered as it stands. */
interface LogFile {
  readonly content: Uint8Array | string;
  /** What is full never changes, so a mirror need not ask twice. */
  readonly full: boolean;
}

interface FileEndpoint<P extends z.ZodObject> {
  /** Path below `/api/v1/audit/logs/{tenant}`, parameters in braces. */
  readonly path: string;
  readonly type: "text/plain; charset=utf-8" | "application/octet-stream" | "application/json";
  readonly summary: string;
  readonly params: P;
  /** @throws Problem */
  read(tenant: string, params: z.output<P>): Promise<LogFile>;
}

/** An index or a size, as it stands in a path. */
const count = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,15})$/u, "it is not a whole number")
  .transform(Number)
  .refine(Number.isSafeInteger, "it is too large");

/** Files of a log in public formats: checkpoint, tiles and bundles (C2SP tlog-tiles), proofs. */
export function addLogFileEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const { evidence } = ports;
  addFile(app, ports, {
    path: "/checkpoint",
    type: "text/plain; charset=utf-8",
    summary: "the log's newest signed checkpoint (C2SP tlog-checkpoint)",
    params: nothing,
    read: async (tenant) => {
      const newest = await evidence.newest(tenant);
      if (newest === undefined) throw missing("the log has no checkpoint yet", "make a call and ask again after a second");
      return { content: newest.note, full: false };
    },
  });
  addFile(app, ports, {
    path: "/tile/{path}",
    type: "application/octet-stream",
    summary: "a hash tile `<L>/<K>[.p/<W>]` or an entry bundle `entries/<N>[.p/<W>]` (C2SP tlog-tiles)",
    params: z.strictObject({ path: z.string().max(200) }),
    read: (tenant, { path }) => readTileFile(evidence, tenant, `tile/${path}`),
  });
  addFile(app, ports, {
    path: "/proofs/records/{index}",
    type: "text/plain; charset=utf-8",
    summary: "a record and the proof that it is in the log (C2SP tlog-proof)",
    params: z.strictObject({ index: count }),
    read: async (tenant, { index }) => ({ content: await proofOfRecord(evidence, tenant, index), full: false }),
  });
  addFile(app, ports, {
    path: "/proofs/sequences/{kind}/{name}",
    type: "application/json",
    summary: "all records of a run or an agent, and the proof that there are no others",
    params: z.strictObject({
      kind: z.enum(["run", "agent"]),
      name: z
        .string()
        .max(1_000)
        .regex(/^[^\0]+$/u),
    }),
    read: async (tenant, sequence) => ({ content: await evidence.proveSequence(tenant, sequence), full: false }),
  });
}

async function readTileFile(evidence: RestPorts["evidence"], tenant: string, path: string): Promise<LogFile> {
  const { level, index, width } = addressOf(path);
  const content = level === "entries" ? await evidence.entries(tenant, index, width) : await evidence.tile(tenant, { level, index, width });
  if (content === undefined)
    throw missing(
      `the log has no \`${path}\``,
      "ask for what the newest checkpoint covers; records before `base` were retired, and a partial tile may be full by now",
    );
  return { content, full: width === TILE_WIDTH };
}

function addressOf(path: string): ReturnType<typeof parseTilePath> {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (error instanceof LedgerError)
      throw new Problem("malformed_request", error.message, ["see C2SP tlog-tiles for how tiles are addressed"], { cause: error });
    throw error;
  }
}

/** A record that no checkpoint covers yet gets one. */
async function proofOfRecord(evidence: RestPorts["evidence"], tenant: string, index: number): Promise<string> {
  const proof = await evidence.proveRecord(tenant, index);
  if (proof !== undefined) return proof;
  await evidence.settle(tenant);
  const settled = await evidence.proveRecord(tenant, index);
  if (settled === undefined)
    throw missing(`the log has no record ${index}`, "see `bailiwick audit query` for the records there are; the oldest may be retired");
  return settled;
}

function missing(what: string, next: string): Problem {
  return new Problem("not_found", what, [next]);
}

/** An endpoint whose answer is a file. Who asks is checked first, as by `addEndpoint`. */
function addFile<P extends z.ZodObject>(app: OpenAPIHono, ports: RestPorts, file: FileEndpoint<P>): void {
  const params = file.params.extend({ tenant: nameSchema });
  const path = `/audit/logs/{tenant}${file.path}`;
  describe(app, path, file, params);
  // A tile's path has slashes of its own.
  const route = path
    .replace("{path}", "{path:.+}")
    .replaceAll(/\{(\w+)(?::([^}]+))?\}/gu, (_, name: string, pattern?: string) =>
      pattern === undefined ? `:${name}` : `:${name}{${pattern}}`,
    );
  app.on("GET", [route], async (c: Context) => {
    const principal = await authorize(ports, c, "view");
    parsePart(nothing, c.req.queries(), "query");
    const { tenant, ...own } = c.req.param();
    const parsed = parsePart(file.params, own, "path");
    const log = oneTenantOf(principal, parsePart(nameSchema, tenant, "path.tenant"));
    const { content, full } = await file.read(log, parsed);
    await logReads(ports).note({ method: "get", path, principal, params: { ...parsed, tenant: log }, query: {}, answer: undefined });
    return c.body(typeof content === "string" ? content : Uint8Array.from(content), 200, {
      "content-type": file.type,
      "cache-control": full ? "private, max-age=31536000, immutable" : "no-store",
    });
  });
}

function describe(
  app: OpenAPIHono,
  path: string,
  { type, summary }: Pick<FileEndpoint<z.ZodObject>, "type" | "summary">,
  params: z.ZodObject,
): void {
  const problem = { content: { "application/problem+json": { schema: problemSchema } } };
  app.openAPIRegistry.registerPath({
    method: "get",
    path: `/api/v1${path}`,
    tags: ["audit"],
    summary,
    security: [{ personCookie: [] }, { personToken: [] }, { operatorKey: [] }],
    request: { params, query: nothing },
    responses: {
      200: { description: summary, content: { [type]: { schema: z.string().openapi({ format: "binary" }) } } },
      400: { description: "the request is not well-formed", ...problem },
      401: { description: "not signed in", ...problem },
      403: { description: "not allowed", ...problem },
      404: { description: "the log does not have it", ...problem },
      default: { description: "any other problem", ...problem },
    },
  });
}
