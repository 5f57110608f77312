import type { Schema } from "../../api/client.ts";
import { CodeBlock, Command } from "../../ui/code.tsx";
import { isShellWord } from "../../ui/shell-word.ts";
import { Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";

/** The leaves of the call, and the commands that prove them without this broker. */
export function CallRecords({ call }: { readonly call: Schema<"CallDetail"> }) {
  const { callId, tenant, records } = call;
  // A name that is no plain word is not put into a command that somebody will paste.
  const named = isShellWord(callId) && isShellWord(tenant);
  return (
    <div className="grid gap-3">
      <ol className="grid gap-1">
        {records.map((record) => (
          <li key={record.index} className="border-t border-line pt-1 first:border-0">
            <details>
              <summary className="min-h-6">
                record {record.index}: <Text className="font-medium">{record.kind}</Text>, <Time at={record.at} />
              </summary>
              <CodeBlock label={`Leaf ${record.index}`}>{leafText(record.text)}</CodeBlock>
            </details>
          </li>
        ))}
      </ol>
      <p>A leaf is what was hashed into the log's Merkle tree. People in it are pseudonyms.</p>
      {named ? (
        <>
          <p className="grid gap-1">
            Write a proof of every record of this call:
            <Command>{`bailiwick audit prove call ${callId} --tenant ${tenant} --out proof-of-call`}</Command>
          </p>
          <p className="grid gap-1">
            Verify one anywhere, without the broker, with the key that the log's operator gave you:
            <Command>{`bailiwick-ledger verify-proof proof-of-call/record-${records[0]?.index ?? 0}.tlog-proof --key <key>`}</Command>
          </p>
        </>
      ) : undefined}
    </div>
  );
}

/** A line a member, for reading; what was hashed has no white space. */
function leafText(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
