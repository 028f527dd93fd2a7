import { z } from "zod";

const PREFIX = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*";
const NAME = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

/** Most characters of a key's prefix and its name, and the slash between. */
const LONGEST = 253 + 1 + 63;

/**
 * The key of a label, as the API server takes it: a name, with a DNS name and a slash in front
 * where it has a prefix. An expression alone: Helm reads it, too.
 */
export const LabelKey = z
  .string()
  .max(LONGEST)
  .regex(
    new RegExp(`^(?:${PREFIX}/)?${NAME}$`),
    "not the key of a label: at most 63 letters, digits, '-', '_' and '.', with a DNS name and '/' in front at will",
  );
