import { sql } from "kysely";
import type { CallQuery } from "../../../domain/audit.ts";
import { all, type Condition, during, equal, type IndexBounds, ruleIn, type Wanted, within } from "./query.ts";

/** Calls in one answer. */
const MAX_PLACES = 1_000;
/** Records that one look goes through when most of them may not be what is looked for: some ten microseconds each. */
const MAX_LOOKED_AT = 1_500;
/** The same for records whose call's other records are asked as well. */
const MAX_LOOKED_AT_AROUND = 1_000;
/** More than the records that stand beside those of a page's calls, such as lookups before an intent. */
const SPARE = 100;

/** A search, with what must be known of the log before the records are looked for. */
export interface Search {
  readonly tenant: string;
  readonly query: CallQuery;
  readonly wanted: Wanted;
  /** Combinations of rules that hold the wanted one. */
  readonly ruleSets: readonly string[] | undefined;
  readonly bounds: IndexBounds;
}

/** How calls are found: of the records `r` that hold `own`, newest first, those that hold `other`. */
export interface Plan {
  /** Of an index, so that what holds them is found without looking at much else. */
  readonly own: readonly Condition[];
  /** On columns of `r` that no index helps with, and on other records of the call. */
  readonly other: readonly Condition[];
  /** How many records that hold `own` one look goes through. */
  readonly most: number;
}

export function sizeOfPage({ query }: Search): number {
  return Math.min(query.limit, MAX_PLACES);
}

/** Records that begin a call. A lookup does so only for a read beside the call path; one for a decision has an intent, refusal or hold after it. */
const DECIDES = ["intent", "refusal", "hold"];
const BEGINS = [...DECIDES, "lookup"];
const OWN = [...DECIDES, "outcome"];

/** Whether calls are chosen by how they end. Most calls succeed, so those are looked for where they begin. */
export function endsIt({ wanted: { status, code } }: Search): boolean {
  return code !== undefined || (status !== undefined && status !== "succeeded");
}

export function byBeginning(search: Search): Plan {
  const { query, wanted, bounds } = search;
  return {
    own: [
      kindIn("r", beginningsOf(wanted)),
      ...equal("r", [...wanted.who, ...wanted.why]),
      ...during("r", query),
      ...within("r", bounds),
      ...before(query),
    ],
    other: first(search),
    most: wanted.status === undefined ? 2 * sizeOfPage(search) + SPARE : MAX_LOOKED_AT_AROUND,
  };
}

export function ruleMet(search: Search, ruleSets: readonly string[]): Plan {
  const plan = byBeginning(search);
  return { ...plan, other: [ruleIn("r", ruleSets), ...plan.other], most: MAX_LOOKED_AT_AROUND };
}

/** What `walkEach` looks at of one combination of rules, and how many of it. */
export function ofRuleSet(search: Search, ruleSets: readonly string[]): Pick<Plan, "own" | "most"> {
  const { query, wanted, bounds } = search;
  const rare = wanted.who.length + wanted.why.length > 0 || wanted.status !== undefined || query.from !== undefined;
  return {
    own: [sql`r.rule_set = s.id`, kindIn("r", beginningsOf(wanted)), ...within("r", bounds), ...before(query)],
    most: rare ? Math.max(SPARE, Math.floor(MAX_LOOKED_AT / ruleSets.length)) : 2 * sizeOfPage(search) + SPARE,
  };
}

/** That `r` stands for its call: no earlier record does. Then no call moves while somebody pages. A scalar query each, which is never a scan of all. */
export function first({ tenant, query, wanted, ruleSets }: Search): readonly Condition[] {
  const kinds = beginningsOf(wanted);
  const earlier = all([
    kindIn("e", kinds),
    ...equal("e", [...wanted.who, ...wanted.why]),
    ...(ruleSets === undefined ? [] : [ruleIn("e", ruleSets)]),
    ...during("e", query),
  ]);
  return [
    ...(kinds.includes("admin")
      ? [sql`(r.kind <> 'admin' or ${recordOf(tenant, "o", kindIn("o", [...BEGINS, "outcome"]))} is not null)`]
      : []),
    sql`(r.kind <> 'lookup' or ${recordOf(tenant, "d", kindIn("d", DECIDES))} is null)`,
    sql`${recordOf(tenant, "e", sql`e.index < r.index and (e.kind = 'lookup') = (r.kind = 'lookup') and ${earlier}`)} is null`,
    ...(wanted.status === undefined
      ? []
      : [
          sql`(select l.status from bailiwick.records l where l.tenant_id = ${tenant} and l.call_id = r.call_id and ${kindIn("l", OWN)}
               order by l.index desc limit 1) = ${wanted.status}`,
        ]),
  ];
}

/** The index of a record of `r`'s call. */
function recordOf(tenant: string, alias: string, condition: Condition): Condition {
  const name = sql.ref(alias);
  return sql`(select ${name}.index from bailiwick.records ${name} where ${name}.tenant_id = ${tenant} and ${name}.call_id = r.call_id and ${condition} limit 1)`;
}

export function byEnd(search: Search): Plan {
  const { tenant, query, wanted, bounds } = search;
  const decided = decidedSo(search);
  return {
    own: [
      ...endConditions(wanted),
      ...runningIn(tenant, wanted),
      ...equal("r", wanted.who),
      ...during("r", query),
      ...within("r", bounds),
      ...before(query),
    ],
    other: [
      ...decided,
      ...(wanted.status === "running" ? [] : [sql`${recordOf(tenant, "l", sql`l.index > r.index and ${kindIn("l", OWN)}`)} is null`]),
    ],
    most: decided.length === 0 ? 2 * sizeOfPage(search) + SPARE : wanted.why.some(isApprover) ? MAX_LOOKED_AT_AROUND : MAX_LOOKED_AT,
  };
}

/** What the last record of a call says of its end. */
export function endConditions({ status, code }: Wanted): readonly Condition[] {
  const coded = code === undefined ? [] : [sql`r.code = ${code}`];
  switch (status) {
    case undefined:
      return code === undefined ? [] : [kindIn("r", ["outcome", "refusal"]), ...coded];
    case "refused":
      return [kindIn("r", ["refusal"]), ...coded];
    case "held":
      return [kindIn("r", ["hold"]), ...coded];
    case "running":
      return [kindIn("r", ["intent", "lookup"]), ...coded];
    default:
      return [kindIn("r", ["outcome"]), sql`r.status = ${status}`, ...coded];
  }
}

function runningIn(tenant: string, { status }: Wanted): readonly Condition[] {
  return status === "running" ? [sql`r.index = any(array(select o.index from bailiwick.open_calls o where o.tenant_id = ${tenant}))`] : [];
}

/** How the call was decided: a record that ends it says so itself, or one that begins it does. */
export function decidedSo({ tenant, wanted, ruleSets }: Search): readonly Condition[] {
  const begins = kindIn("b", beginningsOf(wanted));
  const said = wanted.why.map(
    ([column, value]) => [sql.ref(`r.${column}`), equal("r", [[column, value]]), equal("b", [[column, value]])] as const,
  );
  const ruled = ruleSets === undefined ? [] : [[sql.ref("r.rule_set"), [ruleIn("r", ruleSets)], [ruleIn("b", ruleSets)]] as const];
  return [...said, ...ruled].map(
    ([column, onEnd, onBeginning]) =>
      sql`(${all(onEnd)} or (${column} is null and ${recordOf(tenant, "b", all([begins, ...onBeginning]))} is not null))`,
  );
}

/** A person's answer is a record of its own, which belongs to the call. */
function beginningsOf({ why }: Wanted): readonly string[] {
  return why.some(isApprover) ? [...BEGINS, "admin"] : BEGINS;
}

function isApprover([column]: readonly [string, string]): boolean {
  return column === "approver";
}

function before({ before: index }: CallQuery): readonly Condition[] {
  return index === undefined ? [] : [sql`r.index < ${index}`];
}

export function kindIn(alias: string, kinds: readonly string[]): Condition {
  // Literals, so that the planner sees that a partial index holds them.
  return sql`${sql.ref(`${alias}.kind`)} in (${sql.join(kinds.map((kind) => sql.lit(kind)))})`;
}
