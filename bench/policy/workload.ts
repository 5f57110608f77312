import { seededRandom } from "../statistics.ts";
import { ACTIONS_OF, rulesOf, TOOL_RULES, typeOf } from "./rules.ts";
import type { Rule, Scalar } from "./rules.ts";

/** Policies of a folder of some size and questions to it; every contender gets its own form of the same. */
export interface Workload {
  readonly rules: readonly Rule[];
  readonly tools: number;
  readonly agents: readonly Agent[];
  readonly questions: readonly Question[];
}

export interface Agent {
  readonly id: string;
  readonly roles: readonly string[];
  readonly user: string;
  readonly attributes: Attributes;
}

/** May this agent do this to that record with these arguments? */
export interface Question {
  readonly agent: Agent;
  readonly tool: number;
  readonly scope: string;
  readonly action: string;
  readonly record: { readonly type: string; readonly id: string; readonly queue: string; readonly attributes: Attributes };
  /** Arguments and circumstances of the call. */
  readonly context: Attributes;
}

type Attributes = Readonly<Record<string, Scalar>>;

const SEED = 20_261_126;
const AGENTS = 100;
/** Roles exist for this many tools even in the smallest folder, so that an agent is as large there as anywhere. */
const MIN_ROLE_TOOLS = 8;
/** Of the questions, this share goes to the tool an agent works with. */
const AT_HOME = 0.9;

const TENANTS = ["acme", "globex", "initech"] as const;
const REGIONS = ["emea", "amer", "apac"] as const;
const CHANNELS = ["web", "mail", "chat", "batch"] as const;
const AMOUNTS = [40, 900, 7_500, 20_000, 65_000] as const;

type Random = () => number;

/**
 * `size` policies, ten for each tool with its two roles: a folder grows by tools and roles, so what speaks of one request stays the same.
 * The same size and number of questions always give the same workload.
 */
export function makeWorkload(size: number, questions: number): Workload {
  const random = seededRandom(SEED + size);
  const tools = Math.ceil(size / TOOL_RULES);
  const agents = Array.from({ length: AGENTS }, (_, index) => makeAgent(index, tools, random));
  const home = (index: number): number => index % tools;
  return {
    rules: Array.from({ length: tools }, (_, tool) => rulesOf(tool, random)).flat(),
    tools,
    agents,
    questions: Array.from({ length: questions }, (_, index) => {
      const number = Math.floor(random() * AGENTS);
      const agent = agents[number] ?? makeAgent(number, tools, random);
      const tool = random() < AT_HOME ? home(number) : Math.floor(random() * tools);
      return makeQuestion(index, agent, tool, random);
    }),
  };
}

function makeAgent(index: number, tools: number, random: Random): Agent {
  const tool = index % tools;
  const roleTools = Math.max(tools, MIN_ROLE_TOOLS);
  const other = (step: number): number => (tool + step) % roleTools;
  const own = [[`support${tool}`], [`lead${tool}`], [`support${tool}`, `lead${tool}`]][index % 3] ?? [];
  const more = [`support${other(1)}`, `lead${other(3)}`].slice(0, 3 - own.length);
  return {
    id: `agent${index}`,
    roles: [...own, ...more],
    user: `user${index}`,
    attributes: {
      tenant: oneOf(TENANTS, random),
      region: oneOf(REGIONS, random),
      environment: "prod",
      workflow: `workflow${tool}`,
      level: 1 + (index % 3),
    },
  };
}

function makeQuestion(index: number, agent: Agent, tool: number, random: Random): Question {
  const [scope, actions] = oneOf(Object.entries(ACTIONS_OF), random);
  const attribute = (name: string, others: readonly string[], same: number): string =>
    random() < same ? String(agent.attributes[name]) : oneOf(others, random);
  return {
    agent,
    tool,
    scope: `tickets${tool}:${scope}`,
    action: `tickets${tool}:${oneOf(actions, random)}`,
    record: {
      type: typeOf(tool),
      id: `record${index}`,
      queue: `queue${index % 7}`,
      attributes: {
        tenant: attribute("tenant", TENANTS, 0.85),
        region: attribute("region", REGIONS, 0.6),
        tier: 1 + Math.floor(random() * 3),
        restricted: random() < 0.4,
        status: oneOf(["open", "waiting", "closed"], random),
        priority: Math.floor(random() * 5),
        title: `printer on floor ${index} does not print`,
      },
    },
    context: {
      amount: oneOf(AMOUNTS, random),
      records: 1 + Math.floor(random() * 14),
      recipients: 1 + Math.floor(random() * 7),
      approved: random() < 0.7,
      channel: oneOf(CHANNELS, random),
      purpose: "answer a customer",
      session: `session${index}`,
      task: `task${index % 40}`,
      hour: Math.floor(random() * 24),
      currency: "EUR",
    },
  };
}

function oneOf<T>(items: readonly [T, ...T[]] | readonly T[], random: Random): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to choose from; give at least one item");
  return item;
}
