export * from "./valves.ts";
