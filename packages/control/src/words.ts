/** What the log says of a write that was made. */
export const WRITTEN = { create: "created", update: "updated", delete: "removed" } as const;
