# The image of Canaryhook: one program, its subcommands webhook, controller and uninstall. Node runs the TypeScript as
# it is, so there is nothing to compile. What goes in is listed in .dockerignore. At run time there is no shell and no
# package manager: a node, its libraries, and the files below.
#
# For a build that is the same tomorrow, pin both by digest:
#   NODE_IMAGE=node:24-bookworm-slim@sha256:… BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot@sha256:… npm run image
ARG NODE_IMAGE=node:24-bookworm-slim
# The C++ runtime of the same Debian, and nothing else.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Types and source maps, a third of all, are for whoever writes programs.
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
COPY src src

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG NODE_IMAGE
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="canaryhook" \
  org.opencontainers.image.description="Canary releases for plain Kubernetes Deployments by one annotation." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="${BASE_IMAGE}" \
  canaryhook.dev/node-image="${NODE_IMAGE}"
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/src src
COPY package.json LICENSE ./
USER 65532:65532
# Frugal rather than fast: at the start, tens of thousands of objects come and go (docs/decisions/0012). Left to
# itself, V8 makes room for all that garbage and glibc an arena for each thread, and the process stays that large.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=2", "--heap-growing-percent=20", "--memory-saver-mode", "/app/src/main.ts"]
CMD ["--help"]
