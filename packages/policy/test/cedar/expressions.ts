import { readEntities, readRequest } from "../../src/cedar/index.ts";
import type { Entities, Request } from "../../src/cedar/index.ts";
import type { Expr } from "../../src/cedar/expression.ts";
import { readExpression } from "../../src/cedar/read-expression.ts";
import { generateExpression } from "./generate-expression.ts";
import { generateEntities, generateRequest } from "./generate-values.ts";
import type { Ways } from "./generate-values.ts";
import { randomFrom } from "./random.ts";
import type { Random } from "./random.ts";
import { FIELDS } from "./vocabulary.ts";

/** `BAILIWICK_FUZZ_CASES` asks for a longer run. */
export function casesOr(usual: number): number {
  return Number(process.env["BAILIWICK_FUZZ_CASES"] ?? usual);
}

/** An expression of a random type, and what it may be asked about. The same for the same seed. */
export interface Sample {
  readonly expr: Expr;
  readonly random: Random;
  /** Requests of one world; any two are completions of what they have in common. */
  readonly requests: readonly Request[];
  readonly entities: Entities;
}

export function sampleOf(seed: number, type: "bool" | "any", depth = 4): Sample {
  const random = randomFrom(seed);
  const fields = random.some([...FIELDS], 0.3);
  const ways: Ways = { entityFields: new Map(fields), contextFields: new Map(random.some(fields, 0.8)), strict: false };
  const wanted = type === "bool" ? "bool" : random.pick([...FIELDS.values(), "bool", "long"]);
  const expr = readExpression(generateExpression(random, ways, wanted, 1 + random.below(depth)));
  const generated = generateEntities(random, ways);
  const given: unknown = generated;
  // unsafe: the generators make the engine's forms, whose official types know no bigint
  const entities = given as Parameters<typeof readEntities>[0];
  const requests = Array.from({ length: 6 }, (): unknown => generateRequest(random, ways, generated));
  return {
    expr,
    random,
    // unsafe: the same
    requests: requests.map((request) => readRequest(request as Parameters<typeof readRequest>[0])),
    entities: readEntities(entities),
  };
}
