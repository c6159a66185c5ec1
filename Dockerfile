# Builds Strongroom from this folder and packs the one binary it is into a small image without a shell.
#
#   docker build -t strongroom .
#   docker run -p 127.0.0.1:4000:4000 -v strongroom:/data -e STRONGROOM__SERVER__PUBLIC_URL=http://127.0.0.1:4000 strongroom
#
# In the `build` stage every path is relative to WORKDIR, so that tests/deploy/build-stage can run it without Docker.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# The dependencies alone, over an empty program: this layer stays as long as Cargo.lock and the crates do.
COPY Cargo.toml Cargo.lock ./
COPY crates crates
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY config.default.toml ./
COPY src src
# Cargo goes by the age of files, and these may be older than the empty program.
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked \
    && mkdir -p out/data \
    && cp target/release/strongroom out/strongroom

# glibc, libgcc, the usual certificates, and an unprivileged user (65532). Nothing else.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/out/strongroom /usr/local/bin/strongroom
# An empty folder with the right owner: a new volume takes this over.
COPY --from=build --chown=65532:65532 /src/out/data /data
# The embedded back end keeps everything in /data. SERVER__PUBLIC_URL has to be given: a start without it says so.
ENV STRONGROOM__SERVER__BIND=0.0.0.0:4000 \
    STRONGROOM__STORE__DATA_DIR=/data
VOLUME /data
EXPOSE 4000
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["strongroom", "health"]
ENTRYPOINT ["strongroom"]
CMD ["serve"]
