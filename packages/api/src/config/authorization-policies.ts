/** What becomes of fences where AuthorizationPolicies say who may call whom. */
import { z } from "zod";

const DENIED_CALLS = ["Forward", "Refuse"] as const;

export const AuthorizationPolicies = z.strictObject({
  seed: z
    .boolean()
    .default(true)
    .describe(
      "Whether a fence shows from its first moment the Services whose AuthorizationPolicies allow its workload by name: its service account or its namespace. They age as if they had been called at that moment. Such a Service refuses calls from the fallback, so a first call to it fails unless it is shown.",
    ),
  denied: z
    .enum(DENIED_CALLS)
    .default("Forward")
    .describe(
      "What the global sidecar does with calls that AuthorizationPolicies refuse to every service account of the caller's namespace, whatever the request. Forward: forwards them with its own identity. Refuse: answers 403, code DENIED_BY_POLICY. Refuse is right only where every pod that a policy is for has a sidecar or ztunnel, is called with mTLS, and has the same policies in each cluster of the mesh.",
    ),
});
