import { LedgerError } from "@bailiwick/ledger";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Held, judge, readRequest } from "../../src/witness/judge.ts";
import { type AddCheckpoint, formatAddCheckpoint, parseAddCheckpoint } from "../../src/witness/wire.ts";
import { freshSigner, writtenLog } from "./log.ts";

const SIZE = 24;
const FORKS = [0, 3, 8, 16];
const signer = freshSigner("bailiwick.example/log/acme");
const branches = FORKS.map((forkAt, branch) => writtenLog(signer, SIZE, `b${branch}`, forkAt));
const checkpoints = await Promise.all(
  branches.map((branch) => Promise.all(Array.from({ length: SIZE + 1 }, (_, size) => branch.at(size)))),
);

/** Whether two checkpoints are of one history: the branches have the same records up to where the earlier of them forks. */
function agree(left: Step, right: Step): boolean {
  const size = Math.min(left.size, right.size);
  return left.branch === right.branch || size <= Math.min(FORKS[left.branch] ?? 0, FORKS[right.branch] ?? 0);
}

interface Step {
  readonly branch: number;
  readonly size: number;
}

function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const step = fc.record({
  branch: fc.nat(FORKS.length - 1),
  size: fc.nat(SIZE),
  /** Undefined: what the witness really holds. */
  old: seldom(fc.nat(SIZE)),
  /** The proof is from the branch itself, or from another. */
  proofOf: seldom(fc.nat(FORKS.length - 1)),
});

test("whatever is sent in whatever order, all that is cosigned is one history, and it never gets smaller", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      let held: Held | undefined;
      const cosigned: Step[] = [];
      for (const { branch, size, old: asked, proofOf } of steps) {
        const old = asked ?? held?.size ?? 0;
        const prover = branches[proofOf ?? branch];
        const note = checkpoints[branch]?.[size]?.note ?? "";
        const proof = old === 0 || old > size ? [] : ((await prover?.prove(old, size)) ?? []);
        const read = readRequest(formatAddCheckpoint({ old, proof, note }), [signer.key]);
        if (!read.ok || !judge(read.request, held).ok) continue;
        expect(size).toBeGreaterThanOrEqual(held?.size ?? 0);
        expect(cosigned.every((before) => agree(before, { branch, size }))).toBe(true);
        held = { size, text: read.request.text };
        cosigned.push({ branch, size });
      }
      accepted += cosigned.length;
    }),
    { numRuns: 1_000 },
  );
  expect(accepted).toBeGreaterThan(1_000);
});

test("a request is read as it was written, and whatever else is sent is malformed", () => {
  const request: fc.Arbitrary<AddCheckpoint> = fc.record({
    old: fc.maxSafeNat(),
    proof: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
    note: fc.string(),
  });
  fc.assert(
    fc.property(request, (asked) => {
      const read = parseAddCheckpoint(formatAddCheckpoint(asked));
      expect({ ...read, proof: read.proof.map((one) => [...one]) }).toEqual({ ...asked, proof: asked.proof.map((one) => [...one]) });
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (body) => {
      try {
        expect(formatAddCheckpoint(parseAddCheckpoint(body))).toBe(body);
      } catch (error) {
        expect(error).toBeInstanceOf(LedgerError);
      }
    }),
  );
});
