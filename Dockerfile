# syntax=docker/dockerfile:1
#
# The event store as an image: one binary that is built here, and a small Debian around it.
#
#   docker build --tag gamebot-event-store .
#   docker run --publish 127.0.0.1:4000:4000 --volume gamebot:/data gamebot-event-store serve --allow-remote
#
# docs/guides/running-the-server.md explains the use, docs/decisions/0019-image.md the choices, and
# scripts/check-image tries all of it out. The caches of the build need BuildKit, which is the builder
# of Docker since version 23.

# The binary uses the C library of the system that it was built on, so both stages are on one release.
ARG DEBIAN=trixie

FROM rust:1.95.0-slim-${DEBIAN} AS build

# Node and npm take the playground's files into the binary, and are not needed afterwards.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build

COPY playground/packages.txt playground/
COPY scripts/fetch-playground scripts/
RUN scripts/fetch-playground

# rust-toolchain.toml stays out: it would make rustup fetch the tools of development. A test compares its
# version with the one above. testkit and benches are members of the workspace, so Cargo wants to see them.
COPY Cargo.toml Cargo.lock build.rs config.default.toml ./
COPY benches benches
COPY entity entity
COPY gamebot gamebot
COPY migration migration
COPY testkit testkit
COPY src src

# Panics tell their place without it, and backtraces the names of functions.
ENV CARGO_PROFILE_RELEASE_STRIP=debuginfo

# The caches keep the downloads and the built dependencies from one build to the next. Cargo goes by the
# times of files, which say nothing here (a checkout or an archive may be older than the cache), so our own
# files are made new and always built again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target,sharing=locked \
    find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin gamebot-event-store \
    && install -D target/release/gamebot-event-store /out/gamebot-event-store

FROM debian:${DEBIAN}-slim

LABEL org.opencontainers.image.title="gamebot-event-store" \
      org.opencontainers.image.description="An event store with a GraphQL API and live subscriptions" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# The ids are fixed, so that the owner of a mounted folder can be set from outside.
RUN groupadd --gid 10001 gamebot \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin gamebot \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data

COPY --from=build /out/gamebot-event-store /usr/local/bin/gamebot-event-store

# prod logs JSON and refuses `reset`. The grace time is shorter than the 10 seconds that `docker stop` waits.
ENV PROFILE=prod \
    GAMEBOT_SERVER_SHUTDOWN_GRACE_MS=8000

# The default database, sqlite://data/gamebot.db, is thus /data/gamebot.db. DATABASE_URL is left unset on
# purpose: it would contradict whoever gives the database by a file or in parts.
WORKDIR /
VOLUME /data
USER 10001:10001

# The server listens on loopback inside the container until it is told otherwise: `serve --allow-remote`,
# or GAMEBOT_SERVER_ALLOW_REMOTE=true. There is no authentication yet.
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/gamebot-event-store", "health"]
ENTRYPOINT ["/usr/local/bin/gamebot-event-store"]
CMD ["serve"]
