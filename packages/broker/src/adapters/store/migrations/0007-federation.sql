-- Federation: what the entry of a session's partner was when the session was opened. Under another entry the session has ended.

alter table bailiwick.sessions
  add column partner_version text;
