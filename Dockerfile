# The tag is exact, so that a build tomorrow is the build of today; the release workflow adds the digest that it resolved.
ARG BASE=node:24.21.0-trixie-slim

FROM ${BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM packages AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY bin ./bin
COPY src ./src
COPY tools/build.ts ./tools/build.ts
RUN node bin/sparkthread.js build

FROM ${BASE}
# The text of an SVG is drawn with the system's fonts, which are found by fontconfig's configuration: without it there is no text.
# Liberation replaces Arial, Times and Courier, DejaVu has symbols, Droid's fallback has Chinese, Japanese and Korean.
# The tools of Node's image that install and build packages are removed: the bot does not need them, and an intruder shall not have them.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    fontconfig-config fonts-dejavu-core fonts-droid-fallback fonts-liberation \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
 && rm -rf /usr/local/lib/node_modules /usr/local/include/node /usr/local/share/doc /usr/local/share/man /opt/yarn* \
 && rm -f /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg

WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE NOTICE manifest.yml ./
COPY bin ./bin
COPY --from=build /app/dist ./dist

# For STORE_URL's default file and the spool of long outputs. A volume keeps them when the image is replaced. The group is for
# platforms that choose a user id for each container and use the group 0.
RUN install -d -o 1000 -g 0 -m 0775 data cache
VOLUME /app/data

ENV NODE_ENV=production
# Nobody could reach 127.0.0.1, the default with Socket Mode, inside a container. `-p` decides who can reach the port.
ENV HOST=0.0.0.0
# A number, because Kubernetes cannot know of a name that it is not root.
USER 1000:1000
# Freed memory is returned to the system, and threads share one heap of C's, which saves 10 MB at rest. Buffers of 64 kB, into which
# sockets and files are read, are allocated outside of it and leave no holes in it, which saves 14 MB after 100 MB of output.
ENV MALLOC_TRIM_THRESHOLD_=131072 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_ARENA_MAX=1
# The image contains what Node compiles; a start that has to compile again holds 10 MB more for good. Compiled code is used only with
# the same flags, so this command is that of CMD below. Without settings the bot ends with 78 once it is loaded.
ENV NODE_COMPILE_CACHE=/app/cache
RUN node --liftoff-only --max-old-space-size-percentage=60 bin/sparkthread.js start || [ $? -eq 78 ]
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["bin/healthcheck.sh"]

# Written by `npm run docs` from package.json.
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sparkthread" \
      org.opencontainers.image.description="Run code from Slack on Spark kernels behind a Jupyter Kernel Gateway" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# --liftoff-only: the HTTP parser is one WebAssembly function, for which V8's optimising compiler takes 24 MB and its quick one almost
# nothing. The heap may take 60 % of the container's memory; buffers, compiled code and SQLite need the rest. A process that reaches
# its heap's limit ends with the reason in the log; one that outgrows its container is killed without a word.
CMD ["node", "--liftoff-only", "--max-old-space-size-percentage=60", "bin/sparkthread.js", "start"]
