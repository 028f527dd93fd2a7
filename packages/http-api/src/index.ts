/** The HTTP server of every process of Fenceline. Each process gives its own routes. */
export { type Guard, REFUSAL_REASONS } from "./access/guard.ts";
export { type LocalTokenOptions, localTokenGuard, loopbackGuard } from "./access/local-guards.ts";
export { reviewGuard } from "./access/review-guard.ts";
export { sendJson } from "./answers.ts";
export { serviceNames } from "./host-names.ts";
export { listRoute, type Step } from "./list-route.ts";
export { compareKeys, type PageRequest, type PageSizes } from "./pages.ts";
export { probeRoutes } from "./probes.ts";
export { ApiRefusal, quoted } from "./refusal.ts";
export { jsonRoute, type Route } from "./route.ts";
export { type HttpApi, serveHttpApi } from "./serve.ts";
export { parseQuery } from "./target.ts";
export { OneATurn } from "./turns.ts";
