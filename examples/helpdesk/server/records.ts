import { z } from "zod";

/** A customer as the helpdesk keeps it: with everything an agent should not see. */
export const Customer = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  email: z.string(),
  phone: z.string().optional(),
  ssn: z.string().optional(),
  region: z.string(),
  tier: z.int(),
});

export const Ticket = z.object({
  id: z.string(),
  tenant: z.string(),
  region: z.string(),
  tier: z.int(),
  status: z.string(),
  priority: z.int(),
  assignee: z.string().optional(),
  subject: z.string(),
  body: z.string().optional(),
  internal_notes: z.string().optional(),
  customer: Customer.pick({ id: true, name: true, email: true, phone: true, ssn: true }).optional(),
  updated_at: z.string(),
});

export const Invoice = z.object({
  id: z.string(),
  tenant: z.string(),
  customer: z.string(),
  amount: z.number(),
  refunded: z.number(),
  currency: z.string(),
  status: z.string(),
  description: z.string(),
  due: z.string(),
});

/** What billing knows of a customer. */
export const Account = z.object({ customer: z.string(), tenant: z.string(), name: z.string(), email: z.string(), owed: z.number() });

export const Article = z.object({ id: z.string(), tenant: z.string(), title: z.string(), body: z.string(), updated_at: z.string() });
