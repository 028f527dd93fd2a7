# syntax=docker/dockerfile:1
# One image for every part: `global-sidecar`, `collector`, `standalone`. Node runs the TypeScript as it is, so nothing is built.

FROM node:24-slim AS dependencies
WORKDIR /app
# .dockerignore leaves tests and benchmarks out.
COPY package.json package-lock.json LICENSE ./
COPY packages ./packages
# Exactly what the lock file says, production dependencies of the command only, and none of their install scripts.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --workspace=packages/cli --include-workspace-root=false --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
# For `standalone`: a volume mounted here takes over the owner. Everything else in the image belongs to root and is never written.
RUN install --directory --owner=65532 --group=65532 /fences
# What Node made of the sources, types stripped and compiled, is kept: a start takes half the time then, and 20 MB less.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN timeout --preserve-status 10 node packages/cli/src/main.ts global-sidecar --collector 127.0.0.1:1 --drain-delay 1ms
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["node", "packages/cli/src/main.ts"]
CMD ["--help"]
