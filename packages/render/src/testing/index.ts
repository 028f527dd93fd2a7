export * from "./render-pump.ts";
