import { equalBytes } from "../strict-text.ts";
import type { NoteKey } from "../note/key.ts";

/** How many of whom must have cosigned; a member is a witness, or again a group (C2SP tlog-policy, "Defining a witness group"). */
export interface Quorum {
  /** 0 where no cosignature is asked for. */
  readonly needed: number;
  readonly of: readonly (NoteKey | Quorum)[];
}

/** Whether enough of the quorum's members are among those who cosigned. */
export function isMet({ needed, of }: Quorum, cosigners: readonly NoteKey[]): boolean {
  const witnessing = of.filter((member) =>
    isGroup(member) ? isMet(member, cosigners) : cosigners.some((one) => equalBytes(one.publicKey, member.publicKey)),
  );
  return witnessing.length >= needed;
}

/** All witnesses the quorum counts. */
export function membersOf({ of }: Quorum): readonly NoteKey[] {
  return of.flatMap((member) => (isGroup(member) ? membersOf(member) : [member]));
}

/** Whether each group can be met; only the whole may ask for nobody. */
export function canBeMet({ needed, of }: Quorum, least = 0): boolean {
  const inRange = Number.isSafeInteger(needed) && needed >= least && needed <= of.length;
  return inRange && of.every((member) => !isGroup(member) || canBeMet(member, 1));
}

function isGroup(member: NoteKey | Quorum): member is Quorum {
  return "of" in member;
}
