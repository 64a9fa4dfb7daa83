# Two images from one build: the action's own holds nothing but the program, `shell` adds busybox for CI systems that start
# a shell inside the image. A runner that is told `image: Dockerfile` builds the last stage, so the action's stands last.
# It must also build without BuildKit, which the runners of Gitea and Forgejo do not use: no `RUN --mount`, no here-documents.

# The release passes both by digest.
ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
ARG SHELL_IMAGE=busybox:1.37.0-musl

FROM ${RUST_IMAGE} AS build
# Fixed, whatever the image says, so that the paths in the binary do not depend on it.
ENV CARGO_HOME=/cargo
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
# A member of the workspace, without which cargo cannot read Cargo.toml. It is not built.
COPY tests/standin tests/standin
# What `--version` shows beside the version; unknown where a runner builds the image from a checkout.
ARG REVISION=
# Time stamp of the binary's file, so that the same commit gives the same layer.
ARG SOURCE_DATE_EPOCH=0
# Static, so that an image without files can run it. With an explicit target the flags are kept from build scripts and
# procedural macros, which cannot be static. Packed relocations make it 0.16 MB smaller; a linker without them passes the word over.
RUN RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs --remap-path-prefix=/build=. --remap-path-prefix=/cargo=cargo" \
    SWR_IMAGE_SYNC_REVISION="${REVISION}" \
    cargo build --release --locked --bin swr-image-sync --target host-tuple \
 && mkdir --parents /out \
 && cp target/*/release/swr-image-sync /out/swr-image-sync \
 && touch --date="@${SOURCE_DATE_EPOCH}" /out/swr-image-sync

# No entry point here: such CI systems pass a shell's command line.
FROM ${SHELL_IMAGE} AS shell
ARG SOURCE=
ARG REVISION=
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="swr-image-sync" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/swr-image-sync /bin/swr-image-sync
CMD ["swr-image-sync"]

# Runs as root: the files a runner hands in and collects are root's.
FROM scratch
ARG SOURCE=
ARG REVISION=
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="swr-image-sync" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/swr-image-sync /swr-image-sync
ENTRYPOINT ["/swr-image-sync"]
