/** What becomes of hosts of ServiceEntries in a fence. */
export const SERVICE_ENTRY_MODES = ["Visible", "Learn"] as const;
export type ServiceEntryMode = (typeof SERVICE_ENTRY_MODES)[number];
