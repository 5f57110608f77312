import microdiff from "microdiff";
import type { Change } from "../../ui/diff.tsx";

/** What is different between two sets of arguments, by path. */
export function changesBetween(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): readonly Change[] {
  return microdiff(before, after, { cyclesFix: false }).map((change) => ({
    path: change.path.join("."),
    ...(change.type === "CREATE" ? {} : { before: change.oldValue as unknown }),
    ...(change.type === "REMOVE" ? {} : { after: change.value as unknown }),
  }));
}
