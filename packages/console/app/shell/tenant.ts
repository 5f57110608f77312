import { useNavigate, useSearch } from "@tanstack/react-router";

/** The tenant that everything is narrowed to, from the address; undefined: all of the person's. */
export function useTenant(): string | undefined {
  return useSearch({ strict: false }).tenant;
}

/** Narrows to a tenant, or to none, and stays on the page. */
export function useChooseTenant(): (tenant: string | undefined) => void {
  const navigate = useNavigate();
  return (tenant) => void navigate({ to: ".", search: (before: object) => ({ ...before, tenant }) });
}
