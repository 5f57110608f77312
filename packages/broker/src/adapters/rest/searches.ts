import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import type { SavedSearch } from "../../domain/saved-search.ts";
import { callsSchema, nameSchema, searchSchema } from "../../rest-contract/schemas.ts";
import { adminId } from "./admin-id.ts";
import { savedFilterSchema } from "./call-filter.ts";
import { listCalls, pageShape } from "./calls.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { notFound, oneTenantOf, tenantQuery, tenantsOf } from "./tenants.ts";

/** What a search may be called. */
const searchName = z
  .string()
  .max(80)
  .regex(/^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]*[\p{L}\p{N}])?$/u, "use letters, digits, spaces, `.`, `_` and `-`");
const named = z.object({ name: nameSchema });

/** `GET /searches`, `POST /searches`, `GET /searches/{name}/calls`, `POST /searches/{name}/remove`. */
export function addSearchEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/searches",
    tag: "audit",
    summary: "searches over calls that people saved",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: z.object({ searches: z.array(searchSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.searches.list(tenant)));
      return { searches: lists.flat().map(viewSearch) };
    },
  });
  addSave(app, ports);
  addEndpoint(app, ports, {
    method: "get",
    path: "/searches/{name}/calls",
    tag: "audit",
    summary: "the calls that a saved search finds now",
    need: "view",
    params: named,
    query: z.strictObject({ tenant: nameSchema.optional(), ...pageShape }),
    body: nothing,
    answer: callsSchema,
    handle: async ({ principal, params, query: { tenant: asked, ...page } }) => {
      const tenant = oneTenantOf(principal, asked);
      const { filter } = await find(ports, tenant, params.name);
      return listCalls(ports, [tenant], savedFilterSchema.parse(filter), page);
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/searches/{name}/remove",
    tag: "audit",
    summary: "removes a saved search",
    need: "view",
    params: named,
    query: nothing,
    body: tenantQuery,
    answer: searchSchema,
    handle: async ({ principal, params, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const search = await find(ports, tenant, params.name);
      // The holder of the operator key clears up after people who have left.
      if (principal.kind === "person") assertOwn(search, principal, "remove");
      await record(ports, principal, "search.remove", search);
      await ports.searches.remove(tenant, search.name);
      return viewSearch(search);
    },
  });
}

function addSave(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/searches",
    tag: "audit",
    summary: "saves a search for everybody of the tenant; one of the same name and owner is replaced",
    need: "view",
    params: nothing,
    query: nothing,
    body: z.strictObject({ tenant: nameSchema.optional(), name: searchName, filter: savedFilterSchema }),
    answer: searchSchema,
    handle: async ({ principal, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const filter = Object.fromEntries(
        Object.entries(body.filter).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      );
      const search: SavedSearch = { tenant, name: body.name, owner: ownerOf(principal), savedAt: ports.now(), filter };
      const standing = await ports.searches.find(tenant, search.name);
      if (standing !== undefined) assertOwn(standing, principal, "replace");
      await record(ports, principal, "search.save", search);
      const saved = await ports.searches.save(search);
      assertOwn(saved, principal, "replace");
      return viewSearch(saved);
    },
  });
}

async function find(ports: RestPorts, tenant: string, name: string): Promise<SavedSearch> {
  const search = await ports.searches.find(tenant, name);
  if (search === undefined) throw notFound("search", name, "bailiwick audit search list");
  return search;
}

function ownerOf(principal: Principal): string | undefined {
  return principal.kind === "person" ? principal.person.id : undefined;
}

/** @throws Problem `search_taken`. */
function assertOwn({ name, owner }: SavedSearch, principal: Principal, act: "replace" | "remove"): void {
  if (owner === ownerOf(principal)) return;
  const whose = owner === undefined ? "was saved with the operator key" : `is \`${owner}\`'s`;
  throw new Problem("search_taken", `the search \`${name}\` ${whose}, and nobody else may ${act} it`, [
    act === "replace" ? "save yours under another name" : "ask its owner, or use the operator key",
  ]);
}

/** Before it takes effect. Name and filter are a person's words: they are sealed with the record. */
async function record(ports: RestPorts, principal: Principal, event: AdminEvent, { tenant, name, filter }: SavedSearch): Promise<void> {
  const { user, approver, ...rest } = filter;
  await ports.log.append(
    tenant,
    adminRecord({
      at: ports.now(),
      event,
      by: doerOf(principal),
      via: viaOf(principal),
      callId: adminId(ports),
      user,
      approver,
      body: { filter: Object.keys(filter).toSorted() },
      facts: { search: name, filter: rest },
    }),
  );
}

function viewSearch({ savedAt, filter, ...search }: SavedSearch): z.input<typeof searchSchema> {
  return { ...search, filter: { ...filter }, savedAt: savedAt.toISOString() };
}
