import { errorState } from "../connections.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Subject, Subjects } from "./subjects.ts";

/** How often somebody may be erased while one row about them is written. */
const MAX_ATTEMPTS = 3;
/** A row refers to a person who is not there. */
const FOREIGN_KEY_VIOLATION = "23503";

/**
 * Writes a row under a person's key. The row refers to theirs, so the database refuses it when they were erased since they were looked up; then
 * they are looked up again, and are somebody new.
 */
export async function withSubject<T>(
  people: Pick<Subjects, "of" | "forget">,
  tenant: string,
  name: string,
  write: (subject: Subject) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const subject = await people.of(tenant, name);
    try {
      return await write(subject);
    } catch (error) {
      const cause = error instanceof Fault ? error.cause : error;
      if (errorState(cause) !== FOREIGN_KEY_VIOLATION || attempt === MAX_ATTEMPTS) throw error;
      people.forget(tenant, subject.pseudonym);
    }
  }
}
