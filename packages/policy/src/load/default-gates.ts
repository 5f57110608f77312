/**
 * The gates that ship on, in the format of gates.yaml; docs/spec/policy-files.md shows the same text.
 * Where no person has the role `operator`, calls they hold expire unanswered: closed, not open.
 */
export const DEFAULT_GATES_FILE = "defaults/gates.yaml";

export const DEFAULT_GATES = `gates:
  - gate: delete
    reason: what is deleted cannot be looked at again
    on: { effect: [delete] }
    require: { approve: { by: [operator], bounded: false, expires: 30m } }
  - gate: external-send
    reason: what was sent cannot be called back
    on: { effect: [send] }
    require: { approve: { by: [operator], expires: 30m } }
  - gate: payment
    reason: money that left is hard to get back
    on: { effect: [pay] }
    require: { approve: { by: [operator], expires: 30m } }
  - gate: export
    reason: data that left the system is out of control
    on: { effect: [export] }
    require: { approve: { by: [operator], expires: 30m } }
  - gate: permission-change
    reason: an agent that changes rights changes its own bounds
    on: { effect: [grant] }
    require: { approve: { by: [operator], bounded: false, expires: 30m } }
  - gate: bulk
    reason: a mistake in one call must not touch hundreds of records
    on: { effect: [write, delete, send, pay, export, grant, execute], recordsOver: 100 }
    require: { approve: { by: [operator], expires: 30m } }
  - gate: secret-leaves
    reason: a secret in what leaves opens a door to whoever reads it
    on: { effect: [send, export, pay, grant] }
    require: { content: { arguments: [{ find: [secret], do: refuse }] } }
  - gate: secret-shown
    reason: an agent that never sees a secret cannot pass it on
    on: {}
    require: { content: { results: [{ find: [secret], do: redact }] } }
`;
