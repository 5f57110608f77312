-- Sessions that a person had opened to take a call back. No token is given for them.

alter table bailiwick.sessions
  drop constraint sessions_grant_kind_check,
  add constraint sessions_grant_kind_check
    check (grant_kind in ('client_credentials', 'authorization_code', 'token_exchange', 'jwt_bearer', 'undo'));
