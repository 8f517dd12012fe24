# The image of Canaryhook: one binary, two subcommands (webhook, controller). Node runs the TypeScript as it
# is, so there is nothing to compile; the sandbox, the demo and the tests stay out.
ARG NODE_IMAGE=node:24-slim
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY src/main.ts src/log.ts src/health.ts src/
COPY src/core src/core
COPY src/cluster src/cluster
COPY src/certs src/certs
COPY src/webhook src/webhook
COPY src/controller src/controller
USER 65532:65532
# Frugal rather than fast: at the start, tens of thousands of objects come and go (docs/decisions/0012). Left to
# itself, V8 makes room for all that garbage and glibc an arena for each thread, and the process stays that large.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=2", "--heap-growing-percent=20", "--memory-saver-mode", "/app/src/main.ts"]
CMD ["--help"]
